# text in, the same text out, sorted
$ cat >a.om <<'END'
> odd{text="a\"b\\c\nd"} NaN 1785585600.123
> odd{text="inf"} +Inf 1785585600.123
> odd{text="inf"} 3 1785585601
> odd{text="minus"} -1.5e-07 1785585600.100
> odd{text="zero"} -0 1785585600.010
> {"utf.8","a.b"="x",c="d"} 1e+21 1785585600
> zero 123456789012345 0
> # EOF
> END
> pm import a.om
  a.om: 7 samples
$ pm dump | cmp - a.om

# to a file, which is there whole or not at all
$ pm dump --output b.om && cmp a.om b.om && ls
  a.om
  b.om
  data
$ pm dump --output nowhere/b.om 2>&1 | sed 's/tmp-[0-9]*/tmp-N/'
  pm dump: nowhere/b.om.tmp-N: create: No such file or directory

# times and selectors; a series that two of them name comes once
$ pm dump --start 1785585601
  odd{text="inf"} 3 1785585601
  # EOF
$ pm dump --end 1000 zero odd
  zero 123456789012345 0
  # EOF
$ pm dump '{text=~"inf|minus"}' 'odd{text="inf"}' '{c="d"}'
  odd{text="inf"} +Inf 1785585600.123
  odd{text="inf"} 3 1785585601
  odd{text="minus"} -1.5e-07 1785585600.100
  {"utf.8","a.b"="x",c="d"} 1e+21 1785585600
  # EOF
$ pm dump nothing
  # EOF

# one family after the other, also where a label sorts before the name
$ pm -d order import - <<'END'
> b{A="1"} 1 1
> a{A="2"} 1 1
> b{z="3"} 1 1
> # EOF
> END
> pm -d order dump
  standard input: 3 samples
  a{A="2"} 1 1
  b{A="1"} 1 1
  b{z="3"} 1 1
  # EOF

# families with what is known of them; their metrics stay together, also where another name lies between
$ cat >families.om <<'END'
> # TYPE a_seconds histogram
> # UNIT a_seconds seconds
> # HELP a_seconds How long.\n"Quoted".
> a_seconds_bucket{le="+Inf"} 2 1
> a_seconds_count 2 1
> a_seconds_sum 3 1
> a_seconds_bucketless 5 1
> # TYPE c counter
> c_total 1 1
> # TYPE g gauge
> g 1 1
> # TYPE s summary
> s{quantile="0.5"} 1 1
> s_count 1 1
> s_sum 1 1
> # EOF
> END
> pm -d families import families.om
  families.om: 9 samples
$ pm -d families dump >families1.om; cat families1.om; pm -d families2 import families1.om; pm -d families2 dump | cmp - families1.om
  # TYPE a_seconds histogram
  # UNIT a_seconds seconds
  # HELP a_seconds How long.\n\"Quoted\".
  a_seconds_bucket{le="+Inf"} 2 1
  a_seconds_count 2 1
  a_seconds_sum 3 1
  a_seconds_bucketless 5 1
  # TYPE c counter
  c_total 1 1
  # TYPE g gauge
  g 1 1
  # TYPE s summary
  s{quantile="0.5"} 1 1
  s_count 1 1
  s_sum 1 1
  # EOF
  families1.om: 9 samples
$ printf '# TYPE x_total counter\n# HELP x_total Of the text format.\nx_total 1 1000\n# TYPE bare counter\n# HELP bare No suffix.\nbare 1 1000\n' | pm -d families3 import --format text -; pm -d families3 dump
  standard input: 2 samples
  # HELP bare No suffix.
  bare 1 1
  # TYPE x counter
  # HELP x Of the text format.
  x_total 1 1
  # EOF

# exemplars, each behind a sample that is not older
$ cat >exemplars.om <<'END'
> # TYPE e counter
> e_total 1 1 # {trace="a\"b",span="1"} 0.5 0.5
> e_total 2 2
> e_total 3 3 # {trace="b"} -Inf 2.5
> # TYPE f histogram
> f_bucket{le="+Inf"} 3 3 # {} 1 1
> # EOF
> END
> pm -d exemplars import exemplars.om; pm -d exemplars dump
  exemplars.om: 4 samples
  # TYPE e counter
  e_total 1 1 # {span="1",trace="a\"b"} 0.5 0.500
  e_total 2 2
  e_total 3 3 # {trace="b"} -Inf 2.500
  # TYPE f histogram
  f_bucket{le="+Inf"} 3 3 # {} 1 1
  # EOF
$ pm -d exemplars dump --start 2.7 'e_total'
  # TYPE e counter
  e_total 3 3
  # EOF
$ pm -d exemplars dump >exemplars1.om; pm -d exemplars2 import exemplars1.om; pm -d exemplars2 dump | cmp - exemplars1.om
  exemplars1.om: 4 samples

# milliseconds that a reader would cut to the one before survive
$ for i in $(seq 0 7 999); do echo "m $i $((1000 + i))"; done | pm -d ms import --format text -
  standard input: 143 samples
$ pm -d ms dump >ms.om; sed -n '1p; /^m 21 /p; $p' ms.om; pm -d ms2 import ms.om; pm -d ms2 dump | cmp - ms.om
  m 0 1
  m 21 1.0210000000000001
  # EOF
  ms.om: 143 samples
$ pm -d ms2 query -t 2 'count_over_time(m[1001ms])'
  {}  143

# stale markers are left out and counted
$ printf 'gone 1\nkept 1\n' >page; pm -d stale scrape --job j - <page >/dev/null; printf 'kept 2\n' | pm -d stale scrape --job j - >/dev/null
> pm -d stale dump gone | sed 's/ [0-9.]*$/ T/'
  gone{instance="localhost",job="j"} 1 T
  # EOF
! pm dump: warning: stale markers left out, which OpenMetrics has no form for: 1

# blocks, and back again; two of them, as the samples lie far apart
$ pm -d stale dump -o blocks --output stale-blocks && pm -d stale2 import stale-blocks >/dev/null 2>&1 && pm -d stale2 query 'count_over_time(gone[1h])'
  {instance="localhost", job="j"}  1
$ pm dump -o blocks --output blocks && ls blocks | sed 's/^01.*/ULID/' && ls blocks/01* | sort -u | grep -v ^$ | sed 's/.*:$/ULID:/'
  ULID
  ULID
  wal
  ULID:
  ULID:
  chunks
  index
  meta.json
  tombstones
$ pm -d again import blocks 2>/dev/null; pm -d again dump | cmp - a.om
  blocks: 7 samples of 2 blocks and the log
$ pm dump -o blocks --output blocks
! pm dump: blocks: is not empty
= 1
$ pm dump -o blocks
! pm dump: blocks need --output DIR
! usage: pm dump [-o FORMAT] [--output PATH] [--start TIME] [--end TIME] [SELECTOR...]
= 2
$ pm dump -o blocks --output none nothing && ls none
  wal
$ pm dump -o blocks --output nowhere/b 2>&1 | sed 's/tmp-[0-9]*/tmp-N/'
  pm dump: nowhere/b.tmp-N: mkdir: No such file or directory

# a full disk, a bad selector, a bad time
$ pm dump >/dev/full
! pm dump: standard output: No space left on device
= 1
$ pm dump 'odd{'
! pm dump: bad selector 'odd{': 1:5: parse error: unexpected end of input inside braces
! usage: pm dump [-o FORMAT] [--output PATH] [--start TIME] [--end TIME] [SELECTOR...]
= 2
$ pm dump --start 5 --end 4
! pm dump: the end is before the start
! usage: pm dump [-o FORMAT] [--output PATH] [--start TIME] [--end TIME] [SELECTOR...]
= 2
$ pm dump -o xml
! pm dump: unknown format "xml": want openmetrics or blocks
! usage: pm dump [-o FORMAT] [--output PATH] [--start TIME] [--end TIME] [SELECTOR...]
= 2
$ pm -d missing dump
! pm dump: missing: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1
