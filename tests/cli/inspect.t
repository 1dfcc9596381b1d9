# what a store holds: its parts, and what they are made of
$ printf 'm{a="x"} 1 1\nm{a="y"} 2 1\nm{a="x"} 3 2.5\n{"strange name",job="j"} -0 1\n# EOF\n' >m.om
> pm import m.om
  m.om: 4 samples
$ size='s/[0-9.]* K*i*B/# B/; s/[0-9]*\.[0-9][0-9] /# /'; pm inspect | sed "$size"
  part           series  samples     bytes  bytes/sample  from                       to
  head.00000001       3        4  # B       #  1970-01-01 00:00:01 +0000  1970-01-01 00:00:02.500 +0000
|
  what      count     bytes  samples  bytes/sample
  log           1     # B        -             -
  catalog       1     # B        -             -
  ids           1      # B        -             -
  layouts       1      # B        -             -
  postings      1      # B        -             -
  tables        4  # B        -             -
$ pm inspect -o json | sed 's/bytes":[0-9]*/bytes":N/g'
  {"parts":[{"name":"head.00000001","series":3,"samples":4,"bytes":N,"minTimeMs":1000,"maxTimeMs":2500,"sorts":[{"name":"log","count":1,"bytes":N,"samples":0},{"name":"catalog","count":1,"bytes":N,"samples":0},{"name":"ids","count":1,"bytes":N,"samples":0},{"name":"layouts","count":1,"bytes":N,"samples":0},{"name":"postings","count":1,"bytes":N,"samples":0},{"name":"tables","count":4,"bytes":N,"samples":0}]}],"total":{"series":3,"samples":4,"bytes":N,"minTimeMs":1000,"maxTimeMs":2500,"sorts":[{"name":"log","count":1,"bytes":N,"samples":0},{"name":"catalog","count":1,"bytes":N,"samples":0},{"name":"ids","count":1,"bytes":N,"samples":0},{"name":"layouts","count":1,"bytes":N,"samples":0},{"name":"postings","count":1,"bytes":N,"samples":0},{"name":"tables","count":4,"bytes":N,"samples":0}]}}

# an empty store
$ printf '# EOF\n' | pm -d empty import - && pm -d empty inspect | sed -n '2s/[0-9.]* K*i*B/# B/p' && pm -d empty inspect --cardinality && pm -d empty inspect --digest
  standard input: 0 samples
  head.00000001       0        0  # B             -  -     -
  0 series, 0 label names, 0 labels with value
|
  series  metric
|
  values  label
|
  series  label and value
|
  bytes of values  label
  0000000000000000  0 series, 0 samples

# cardinality by metric, label and value
$ pm inspect --cardinality
  3 series, 3 label names, 5 labels with value
|
  series  metric
       2  m
       1  {"strange name"}
|
  values  label
       2  __name__
       2  a
       1  job
|
  series  label and value
       2  __name__="m"
       1  __name__="strange name"
       1  a="x"
       1  a="y"
       1  job="j"
|
  bytes of values  label
               13  __name__
                2  a
                1  job
$ pm inspect --cardinality --top 1 -o json
  {"series":3,"labelNames":3,"labelPairs":5,"seriesByMetric":[{"value":"m","count":2}],"valuesByLabel":[{"name":"__name__","count":2}],"seriesByLabelPair":[{"name":"__name__","value":"m","count":2}],"bytesByLabel":[{"name":"__name__","count":13}]}

# the digest is that of the content, whatever way it came
$ pm inspect --digest; pm inspect --digest -o json
  184caa0961d4daf9  3 series, 4 samples
  {"digest":"184caa0961d4daf9","series":3,"samples":4}
$ grep -v EOF m.om | while read -r line; do printf '%s\n# EOF\n' "$line" | pm -d other import - >one.out; done
> pm -d other inspect --digest
  184caa0961d4daf9  3 series, 4 samples
$ printf 'm{a="x"} 1 1\n# EOF\n' | pm -d third import - && pm -d third inspect --digest
  standard input: 1 sample
  3205f7cac7d89167  1 series, 1 sample

# a sound store is said to be so
$ pm inspect --verify | sed 's/[0-9][0-9]* /N /g'
  N files, N records, N bytes: sound
$ pm inspect --verify -o json | sed 's/[0-9][0-9]*/N/g'
  {"damage":[],"files":N,"records":N,"bytes":N}

# damage has a name, a place and an exit status
$ cp -r data broken && printf X | dd of=broken/head.00000001/catalog bs=1 seek=90 conv=notrunc status=none
> pm -d broken inspect --verify >out; echo $?; sed 's/^[0-9].* bytes: //' out
  1
  head.00000001/catalog: damaged at offset 64: the record's checksum does not match
  head.00000001/catalog: damaged at offset 192: a series that its table does not have
  head.00000001/catalog: damaged at offset 264: a series that its table does not have
  head.00000001/catalog: damaged at offset 408: a series that its table does not have
  damaged in 4 places
$ pm -d broken inspect --verify -o json | sed 's/"files.*//'; pm -d broken inspect --verify -o json >out
  {"damage":[{"file":"head.00000001/catalog","offset":64,"what":"the record's checksum does not match"},{"file":"head.00000001/catalog","offset":192,"what":"a series that its table does not have"},{"file":"head.00000001/catalog","offset":264,"what":"a series that its table does not have"},{"file":"head.00000001/catalog","offset":408,"what":"a series that its table does not have"}],
= 1
$ truncate -s 100 broken/head.00000001/ids && rm broken/head.00000001/symbols.00000001 && pm -d broken inspect --verify | head -n 2
  head.00000001/symbols.00000001: damaged at offset 0: the file is missing
  head.00000001/catalog: damaged at offset 64: the record's checksum does not match
$ pm -d broken inspect --files head.00000001/catalog | head -n 4
  head.00000001/catalog: 448 bytes
          64  DAMAGED: the record's checksum does not match
          96  symbol "m"
         128  symbol "a"

# every file as text, record by record
$ pm inspect --files head.00000001/catalog head.00000001/ids
  head.00000001/catalog: 448 bytes
          64  symbol "__name__"
          96  symbol "m"
         128  symbol "a"
         160  symbol "x"
         192  series 0, home 0 {"__name__"="m", "a"="x"}
         232  symbol "y"
         264  series 1, home 0 {"__name__"="m", "a"="y"}
         304  symbol "strange name"
         344  symbol "job"
         376  symbol "j"
         408  series 2, home 0 {"__name__"="strange name", "job"="j"}
  head.00000001/ids: 76 bytes
          64  series 0 at 192
          68  series 1 at 264
          72  series 2 at 408
$ pm inspect --files head.00000001/log.00000001 | sed 's/: [0-9]* bytes$//; s/^ *[0-9]*  //'
  head.00000001/log.00000001
  heads of 1 families: 0:0
  batch of 3 series, 4 samples, times 1000 to 2500, before it 0:0:
  series 0: 1@1000 3@2500
  series 1: 2@1000
  series 2: -0@1000
  commit 1: 4 samples, 3 series, catalog 448, layouts 64
$ pm inspect --files meta | grep 'slots filled\|samples'
    table symbols.00000001, 8 slots filled
    table series.00000001, 3 slots filled
    table families.00000001, 0 slots filled
    table aliases.00000001, 0 slots filled
    4 samples, 1 transactions, times 1000 to 2500
$ pm inspect --files | grep '^[a-z]' | sed 's/: .*//'
  meta
  head.00000001/catalog
  head.00000001/ids
  head.00000001/layouts
  head.00000001/postings
  head.00000001/symbols.00000001
  head.00000001/series.00000001
  head.00000001/families.00000001
  head.00000001/aliases.00000001
  head.00000001/log.00000001
$ pm inspect --files >/dev/full
! pm inspect: standard output: No space left on device
= 1

# wrong usage, and no store
$ pm inspect --files none
! pm inspect: none: none of the store's files
= 1
$ pm -d nowhere inspect; pm -d nowhere inspect --verify; pm -d nowhere inspect --files
! pm inspect: nowhere: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
! pm inspect: nowhere: no data here; -d DIR names another directory
! pm inspect: nowhere: no data here; -d DIR names another directory
= 1
$ pm inspect --verify --digest
! pm inspect: one of --cardinality, --digest, --verify and --files at a time
! usage: pm inspect [--quick | --cardinality [--top N] | --digest | --verify | --files [FILE...]]
!                   [-o FORMAT]
= 2
$ pm inspect --top 0
! pm inspect: bad value of --top: "0" is no number above 0
! usage: pm inspect [--quick | --cardinality [--top N] | --digest | --verify | --files [FILE...]]
!                   [-o FORMAT]
= 2
$ pm inspect -o xml
! pm inspect: unknown format "xml": want table or json
! usage: pm inspect [--quick | --cardinality [--top N] | --digest | --verify | --files [FILE...]]
!                   [-o FORMAT]
= 2
$ pm inspect --files -o json
! pm inspect: --files is text, there is no JSON of it
! usage: pm inspect [--quick | --cardinality [--top N] | --digest | --verify | --files [FILE...]]
!                   [-o FORMAT]
= 2
$ pm inspect data
! pm inspect: unexpected argument "data"
! usage: pm inspect [--quick | --cardinality [--top N] | --digest | --verify | --files [FILE...]]
!                   [-o FORMAT]
= 2

# a store with segments: bytes by encoding; a series in two parts is one in total
$ for i in $(seq 1 200); do echo "c $((i * 3)) $((i * 15))"; done | sed '$a # EOF' | pm -d seg import - && pm -d seg compact --force | head -n 1
> printf 'c 9 9999\nd 1 9999\n# EOF\n' | pm -d seg import - && pm -d seg inspect | sed 's/^head.0*[0-9]/head.0000000N/; s/[0-9.]* [KM]*i*B/# B/; s/ [0-9]*\.[0-9][0-9]/ #/'
  standard input: 200 samples
  sealed   200 samples into 1 segment
  standard input: 2 samples
  part              series  samples     bytes  bytes/sample  from                       to
  segment.00000001       1      200     # B          #  1970-01-01 00:00:15 +0000  1970-01-01 00:50:00 +0000
  head.0000000N          2        2  # B      #  1970-01-01 02:46:39 +0000  1970-01-01 02:46:39 +0000
  total                  2      202  # B        #  1970-01-01 00:00:15 +0000  1970-01-01 02:46:39 +0000
|
  what         count     bytes  samples  bytes/sample
  progression      1       # B      200          #
  times            1      # B        -             -
  series           1      # B        -             -
  symbols          1      # B        -             -
  postings         2      # B        -             -
  checksums        1     # B        -             -
  log              1     # B        -             -
  catalog          1     # B        -             -
  ids              1      # B        -             -
  layouts          1      # B        -             -
  tables           4  # B        -             -
$ pm -d seg inspect --quick -o json | sed 's/bytes":[0-9]*/bytes":N/g; s/.*"total"/"total"/'
  "total":{"samples":202,"bytes":N,"minTimeMs":15000,"maxTimeMs":9999000,"sorts":[{"name":"segments","count":1,"bytes":N,"samples":200},{"name":"log","count":1,"bytes":N,"samples":0},{"name":"catalog","count":1,"bytes":N,"samples":0},{"name":"ids","count":1,"bytes":N,"samples":0},{"name":"layouts","count":1,"bytes":N,"samples":0},{"name":"postings","count":1,"bytes":N,"samples":0},{"name":"tables","count":4,"bytes":N,"samples":0}]}}
$ pm -d seg inspect --verify | sed 's/.*: //'; pm -d seg inspect --files | grep -A 1 ' {"__name__"="c"}'
  sound
         128  series 0, home 0 {"__name__"="c"}
         160  symbol "d"
  --
           0  {"__name__"="c"}
              chunk at 73, 6 bytes, 200 samples, progression, times 0, from 3 to 600
