# a copy is a data directory of its own, with the same content
$ printf 'm{a="x"} 1 1\nm{a="y"} 2 1\n# EOF\n' >m.om
> pm import m.om && pm snapshot copy | sed 's/ [0-9.]* KiB/ N KiB/'; ls
  m.om: 2 samples
  copy: N KiB copied, 0 B linked
  copy
  data
  m.om
$ pm -d copy inspect --digest; pm inspect --digest; pm -d copy inspect --verify | sed 's/.*: //'
  57e32f6094d60544  2 series, 2 samples
  57e32f6094d60544  2 series, 2 samples
  sound
$ printf 'm{a="z"} 3 2\n# EOF\n' | pm -d copy import - && pm -d copy query -t 2 m && pm query -t 2 m
  standard input: 1 sample
  m{a="x"}  1
  m{a="y"}  2
  m{a="z"}  3
  m{a="x"}  1
  m{a="y"}  2

# an empty directory will do, one with something in it will not
$ mkdir empty && pm snapshot empty/ | sed 's/ [0-9.]* KiB/ N KiB/'
  empty/: N KiB copied, 0 B linked
$ pm snapshot empty
! pm snapshot: empty: is not empty
= 1
$ pm snapshot m.om
! pm snapshot: m.om: open: Not a directory
= 1
$ pm snapshot none/copy 2>&1 | sed 's/[.][0-9]*[.]tmp/.PID.tmp/'
  pm snapshot: none/copy.PID.tmp: mkdir: No such file or directory
$ ls
  copy
  data
  empty
  m.om

# who may not write the store may copy it
$ chmod -R a-w empty && mkdir own && chmod 777 own && unprivileged pm -d empty snapshot own/copy | sed 's/ [0-9.]* KiB/ N KiB/'; pm -d own/copy inspect --digest
  own/copy: N KiB copied, 0 B linked
  57e32f6094d60544  2 series, 2 samples
$ chmod u+w empty

# wrong usage, and no store
$ pm snapshot
! pm snapshot: an argument is missing
! usage: pm snapshot DIR
= 2
$ pm snapshot a b
! pm snapshot: one directory at a time
! usage: pm snapshot DIR
= 2
$ pm -d nowhere snapshot copy2
! pm snapshot: nowhere: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1
