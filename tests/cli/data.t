# a missing data directory
$ pm query up
! pm query: ./data: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1
$ pm -d nowhere query up
! pm query: nowhere: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1
$ pm query up -d elsewhere
! pm query: elsewhere: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1
$ PM_DATA=from/environment pm query up
! pm query: from/environment: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1
$ PM_DATA=x pm -d y query up
! pm query: y: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1
$ ls

# a directory without a store in it
$ mkdir empty && pm -d empty query up
! pm query: empty: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1

# a file in its place
$ echo hello >file && pm -d file query up
! pm query: file: open: Not a directory
= 1
$ pm -d file import - </dev/null
! pm import: file: mkdir: Not a directory
= 1

# -d before and after the command, PM_DATA, and ./data
$ printf 'm 1 1\n# EOF\n' >m.om
> pm -d one import m.om && pm import m.om -d two && PM_DATA=three pm import m.om && pm import m.om && ls
  m.om: 1 sample
  m.om: 1 sample
  m.om: 1 sample
  m.om: 1 sample
  data
  empty
  file
  m.om
  one
  three
  two
$ for d in one two three; do pm query -d $d -t 1 m; done; pm query -t 1 m
  m  1
  m  1
  m  1
  m  1

# a directory that may not be written is still read
$ chmod -R a-w one; unprivileged pm -d one query -t 1 m
  m  1
$ unprivileged pm -d one import m.om 2>&1 | sed "s|$PWD/||"
  pm import: one: one/meta: open: Permission denied
$ unprivileged pm -d one scrape - </dev/null 2>&1 | sed "s|$PWD/||"
  pm scrape: one: one/meta: open: Permission denied

# one that can't be made
$ mkdir shut; chmod a-w shut; unprivileged pm -d shut/data import m.om
! pm import: shut/data: mkdir: Permission denied
= 1

# a store of another version of pm, and one that is no store
$ pm -d newer import m.om
> printf '\377' | dd of=newer/meta bs=1 seek=8 conv=notrunc status=none; pm -d newer query -t 1 m
  m.om: 1 sample
! pm query: newer: the store has format version 255, this pm reads 1
= 1
$ pm -d newer import m.om
! pm import: newer: the store has format version 255, this pm reads 1
= 1
$ pm -d other import m.om
> printf 'x' | dd of=other/meta bs=1 seek=0 conv=notrunc status=none; pm -d other query -t 1 m
  m.om: 1 sample
! pm query: other: meta: damaged at offset 0: not a store of pm
= 1
$ pm -d cut import m.om; truncate -s 100 cut/meta; pm -d cut query -t 1 m
  m.om: 1 sample
! pm query: cut: meta: damaged at offset 100: too short
= 1

# how often to sync is a choice, and nonsense is refused
$ for w in always never 5s 0s; do pm import --fsync $w m.om; done
  m.om: 1 sample
  m.om: 1 sample
  m.om: 1 sample
  m.om: 1 sample
$ pm import --fsync sometimes m.om
! pm import: bad value of --fsync: "sometimes" is neither always, never nor a duration
! usage: pm import [--format FORMAT] [--fsync WHEN] FILE|DIR|-...
= 2
$ pm import --fsync=-1s m.om
! pm import: bad value of --fsync: "-1s" is neither always, never nor a duration
! usage: pm import [--format FORMAT] [--fsync WHEN] FILE|DIR|-...
= 2
