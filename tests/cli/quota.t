# new series beyond a limit are refused by name; the others go on
$ printf 'm{i="1"} 1\nm{i="2"} 2\n' | pm scrape --job web - && pm query -o csv 'count by (job) ({job="web"})' | cut -d , -f 2-
  value,job
  7,web
$ printf 'm{i="1"} 1\nm{i="2"} 2\nm{i="3"} 3\n' | pm scrape --job web --max-series-per-job 7 -
! pm scrape: standard input: 1 new series refused: job "web" has 7 series, and may have 7: no new one of metric "m"
= 1
$ pm query -o csv m | cut -d , -f 2- ; pm query -o csv up | cut -d , -f 2-
  value,__name__,i,instance,job
  1,m,1,localhost,web
  2,m,2,localhost,web
  value,__name__,instance,job
  1,up,localhost,web
$ printf 'm{i="1"} 1\n' | pm scrape --job other --max-series-per-job 7 -
$ printf 'm{i="1"} 1\nm{i="2"} 2\nm{i="3"} 3\n' | pm scrape --job web --max-series 10 -
! pm scrape: standard input: 1 new series refused: the store has 13 series, and may have 10: no new one of job "web", metric "m"
= 1
$ printf 'm{i="1"} 1\nm{i="2"} 2\nm{i="3"} 3\n' | pm scrape --job web --max-series 1000 --max-bytes 1GB - && pm query -o csv m{job=\"web\"} | cut -d , -f 2-
  value,__name__,i,instance,job
  1,m,1,localhost,web
  2,m,2,localhost,web
  3,m,3,localhost,web

# an import stops there
$ printf 'a 1 1\nb 1 1\na 2 2\n# EOF\n' >m.om; pm -d small import --max-series 1 m.om
! pm import: the store has 1 series, and may have 1: no new one of job "", metric "b"
! pm import: m.om: nothing stored
= 1
$ pm -d small import --max-series 2 m.om && pm -d small import --max-series 2 m.om
  m.om: 3 samples
  m.om: 3 samples

# a store that is as large as it may be takes no samples, and answers
$ pm -d small import --max-bytes 1KB m.om 2>&1 | sed 's/has [0-9]* bytes/has N bytes/'; pm -d small query -t 2 a
  pm import: the store has N bytes, and may have 1024: no samples are taken
  pm import: m.om: nothing stored
  a  2

# wrong usage
$ pm import --max-series many m.om
! pm import: --max-series: "many" is not a number
! usage: pm import [--format FORMAT] [--fsync WHEN] FILE|DIR|-...
= 2
$ pm import --max-bytes 3XB m.om
! pm import: --max-bytes: bad size "3XB": want 512MB, 20GB or a number of bytes
! usage: pm import [--format FORMAT] [--fsync WHEN] FILE|DIR|-...
= 2
$ pm import --max-bytes 20000000000GB m.om
! pm import: --max-bytes: bad size "20000000000GB": want 512MB, 20GB or a number of bytes
! usage: pm import [--format FORMAT] [--fsync WHEN] FILE|DIR|-...
= 2
$ pm query --max-series 1 up
! pm query: unknown option --max-series
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
