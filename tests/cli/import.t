# OpenMetrics with everything: metadata, escapes, exemplars, quoted names, values of all kinds
$ cat >a.om <<'END'
> # HELP http_seconds How long.
> # TYPE http_seconds histogram
> # UNIT http_seconds seconds
> http_seconds_bucket{le="1"} 3 1785585600 # {trace="x"} 0.5
> http_seconds_bucket{le="+Inf"} 4 1785585600
> http_seconds_count 4 1785585600
> http_seconds_sum 2.5 1785585600
> # TYPE odd gauge
> odd{text="a\"b\\c\nd"} NaN 1785585600.123
> odd{text="inf"} +Inf 1785585600.123
> odd{text="minus"} -1.5e-7 1785585600.123
> {"utf.8","a.b"="x"} 1 1785585600
> # EOF
> END
> pm import a.om
  a.om: 8 samples
$ pm query -t 1785585601 -o tsv '{__name__=~".+"}' | tr '\t' ';'
  timestamp;value;__name__;a.b;le;text
  2026-08-01T12:00:01Z;4;http_seconds_bucket;;+Inf;
  2026-08-01T12:00:01Z;3;http_seconds_bucket;;1.0;
  2026-08-01T12:00:01Z;4;http_seconds_count;;;
  2026-08-01T12:00:01Z;2.5;http_seconds_sum;;;
  2026-08-01T12:00:01Z;NaN;odd;;;a"b\\c\nd
  2026-08-01T12:00:01Z;+Inf;odd;;;inf
  2026-08-01T12:00:01Z;-1.5e-07;odd;;;minus
  2026-08-01T12:00:01Z;1;utf.8;x;;

# the same again changes nothing, and neither does another value for the same time
$ pm import a.om
  a.om: 8 samples
$ printf 'odd{text="inf"} 5 1785585600.123\n# EOF\n' | pm import -
  standard input: 1 sample
$ pm query -t 1785585601 'odd{text="inf"}'
  odd{text="inf"}  +Inf

# times out of order
$ printf 'late 3 1785585603\nlate 1 1785585601\nlate 2 1785585602\n# EOF\n' | pm import -
  standard input: 3 samples
$ pm query -t 1785585603 'late[1m]'
  late
    2026-08-01 12:00:01 +0000  1
    2026-08-01 12:00:02 +0000  2
    2026-08-01 12:00:03 +0000  3

# Prometheus text, whose times are milliseconds
$ printf '# TYPE t counter\nt{a="b"} 5 1785585600500\n' | pm import --format text -
  standard input: 1 sample
$ pm query -t 1785585601 -o csv t
  timestamp,value,__name__,a
  2026-08-01T12:00:01Z,5,t,b

# a line without a timestamp, a bad line, a missing end: the line and the reason, and nothing is stored
$ printf 'x 1 1785585600\nx 2\n# EOF\n' >no-time.om; pm import no-time.om
! pm import: no-time.om:2: the sample has no timestamp
! pm import: no-time.om: nothing stored
= 1
$ printf 'x 1 1785585600\n\nx 2 1785585601\n# EOF\n' >blank.om; pm import blank.om
! pm import: blank.om:2:1: expected a metric name, '{' or '#', got the end of the line
! pm import: blank.om: nothing stored
= 1
$ printf 'x 1 1785585600\nx{a="b} 2 1785585601\n# EOF\n' >quote.om; pm import quote.om
! pm import: quote.om:2:5: a label value that does not end
! pm import: quote.om: nothing stored
= 1
$ printf 'x 1 1785585600\n' >cut.om; pm import cut.om
! pm import: cut.om: ends without # EOF: part of it may be missing
! pm import: cut.om: nothing stored
= 1
$ printf 'x 1 1785585600\n# EOF\nx 2 1785585601\n' >after.om; pm import after.om
! pm import: after.om:3:1: unexpected data after # EOF
! pm import: after.om: nothing stored
= 1
$ printf 'x 1 1785585600\nx one 1785585601\n# EOF\n' | pm import -
! pm import: standard input:2:3: "one" is not a number
! pm import: standard input: nothing stored
= 1
$ printf 'x 1\n' | pm import --format text -
! pm import: standard input:1: the sample has no timestamp
! pm import: standard input: nothing stored
= 1
$ pm query -t 1785585600 x

# files that are not there, or no files
$ pm import missing.om
! pm import: missing.om: open: No such file or directory
= 1
$ mkdir dir; pm import dir 2>&1 | sed "s|$PWD/||"
  pm import: dir: no Prometheus blocks and no wal directory here
$ pm import --format xml a.om
! pm import: unknown format "xml": want openmetrics or text
! usage: pm import [--format FORMAT] [--fsync WHEN] FILE|DIR|-...
= 2

# an empty file lacks its end; empty Prometheus text is fine
$ : >empty; pm import empty
! pm import: empty: ends without # EOF: part of it may be missing
! pm import: empty: nothing stored
= 1
$ pm import --format text empty
  empty: 0 samples

# the first error ends it, what came before is stored
$ pm -d two import a.om no-time.om a.om; pm -d two query -t 1785585601 'count({__name__=~".+"})'
  a.om: 8 samples
  {}  8
! pm import: no-time.om:2: the sample has no timestamp
! pm import: no-time.om: nothing stored

# more than a transaction, more than a window: 1.2 million samples, and an error near the end
$ awk 'BEGIN { for (t = 0; t < 1200; t++) for (i = 0; i < 1000; i++)
>     printf "big{instance=\"host-%d\"} %d %d\n", i, t * i, 1785585600 + t; print "# EOF" }' >big.om
> pm -d big import big.om
  big.om: 1200000 samples
$ pm -d big query -t 1785586799 'count(big)'
  {}  1000
$ pm -d big query -t 1785586799 'sum(count_over_time(big[1h]))'
  {}  1200000
$ pm -d big query -t 1785586799 'sum(sum_over_time(big[1h]))'
  {}  359340300000
$ { head -n 1100000 big.om; echo 'oops'; } >bad.om; pm -d bad import bad.om
! pm import: bad.om:1100001:5: expected a value after a blank, got the end of the line
! pm import: bad.om: 1000000 samples stored, up to line 1000000
= 1
$ pm -d bad query -t 1785586799 'sum(count_over_time(big[1h]))'
  {}  1000000

# through a pipe transactions are smaller, the answer is the same
$ cat big.om | pm -d piped import -; pm -d piped query -t 1785586799 'sum(sum_over_time(big[1h]))'
  standard input: 1200000 samples
  {}  359340300000

# a type that was told in one window holds in the next
$ { echo '# TYPE h histogram'; yes '# HELP h x' | head -n 800000; printf 'h_bucket{le="5"} 1 1785585600\n# EOF\n'; } >windows.om
> pm -d windows import windows.om; pm -d windows query -t 1785585600 h_bucket
  windows.om: 1 sample
  h_bucket{le="5.0"}  1

# of two samples of a series with one time the first counts, whether they stand in a row of a page or apart
$ { for i in 1 2 3 4 5 6 7 8 9 1; do echo "row{i=\"$i\"} $((n += 1)) 1785585600"; done
>   printf 'apart 1 1785585601\napart 2 1785585600\napart 3 1785585601\n# EOF\n'; } >twice.om
> pm -d twice import twice.om; pm -d twice query -t 1785585600 'row{i="1"}'; pm -d twice query -t 1785585601 'apart[10s]'
  twice.om: 13 samples
  row{i="1"}  1
  apart
    2026-08-01 12:00:00 +0000  2
    2026-08-01 12:00:01 +0000  1

# lines behind # EOF are refused in the next window too: here it ends the first one, of 1 MiB
$ { yes '# HELP h x' | head -n 95324; printf '# EOF\nbehind 1 1785585600\n'; } >behind.om; pm -d behind import behind.om
! pm import: behind.om:95326: more lines after # EOF
! pm import: behind.om: nothing stored
= 1

# stopped by a signal: whole transactions are stored, it says how many, and the same import again stores the rest
$ mkfifo slow; pm -d stopped import slow 2>told & pid=$!
> { head -n 1100000 big.om; kill -TERM $pid; tail -n +1100001 big.om; } >slow 2>/dev/null
> wait $pid; echo $?; sed 's/: [0-9]* samples stored, up to line [0-9]*$/: N samples stored, up to line N/' told
  1
  pm import: stopped by signal 15
  pm import: slow: N samples stored, up to line N
$ pm -d stopped import big.om && pm -d stopped query -t 1785586799 'sum(count_over_time(big[1h]))'
  big.om: 1200000 samples
  {}  1200000

# killed at any instant, the store holds whole transactions, of a million samples; the same import again stores the rest
$ pm -d killed import big.om >/dev/null 2>&1 & sleep 0.$((RANDOM % 5)); kill -9 $! 2>/dev/null; wait $! 2>/dev/null
> pm -d killed query -t 1785586799 'sum(count_over_time(big[1h]))' 2>/dev/null | sed 's/^{}  1[02]00000$//' | grep . || true
> pm -d killed import big.om; pm -d killed query -t 1785586799 'sum(count_over_time(big[1h]))'
  big.om: 1200000 samples
  {}  1200000
