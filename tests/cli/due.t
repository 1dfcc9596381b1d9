%need test -x "$ROOT/${BUILD:-build}/helpers/cli/old_head"

# where the head is two hours old, what commits seals it (in one segment a day), and so does pm compact
$ for d in scraped imported compacted; do $ROOT/${BUILD:-build}/helpers/cli/old_head $d; done; ls -d */segment*
! ls: cannot access '*/segment*': No such file or directory
= 2
$ echo 'm 1' | pm -d scraped scrape - && ls scraped/segment* >sealed
$ printf 'm 1 1\n# EOF\n' | pm -d imported import - && ls imported | grep segment
  standard input: 1 sample
  segment.00000001
  segment.00000002
$ pm -d compacted compact | grep sealed && ls compacted | grep segment
  sealed   1 sample into 1 segment
  segment.00000001

# the next one finds it young, and nothing is lost
$ echo 'm 1' | pm -d scraped scrape - && ls scraped/segment* | cmp - sealed; pm -d scraped query 'count_over_time(m[1d])'
  {instance="localhost", job="scrape"}  2
$ pm -d scraped query 'count_over_time(old[1d])'
  {}  1

# a scrape that can't seal has stored all the same
$ $ROOT/${BUILD:-build}/helpers/cli/old_head broken && mkdir broken/segment.00000001 broken/segment.00000002
> echo 'm 1' | pm -d broken scrape - 2>&1 | sed 's|: [^ ]*/|: .../|; s/0000000[12]/N/'; pm -d broken query 'm'
  pm scrape: warning: stored, but the log could not be sealed: .../segment.N.tmp: rename: Is a directory
  m{instance="localhost", job="scrape"}  1
