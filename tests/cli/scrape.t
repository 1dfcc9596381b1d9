# a page from standard input, with up and the scrape_* series
$ printf '# TYPE a counter\na{x="1"} 1\na{x="2"} 2\nb 3\n' | pm scrape --job j -
$ pm query -o tsv '{__name__=~"a|b|up|scrape_samples.*|scrape_series_added"}' | cut -f 2- | tr '\t' ';'
  value;__name__;instance;job;x
  1;a;localhost;j;1
  2;a;localhost;j;2
  3;b;localhost;j;
  3;scrape_samples_post_metric_relabeling;localhost;j;
  3;scrape_samples_scraped;localhost;j;
  3;scrape_series_added;localhost;j;
  1;up;localhost;j;
$ pm query 'scrape_duration_seconds >= bool 0'
  {instance="localhost", job="j"}  1

# the next scrape is another process: what is gone gets a stale marker
$ sleep 0.01; printf 'a{x="1"} 5\nc 1\n' | pm scrape --job j -
$ pm query 'a or b or c'
  a{instance="localhost", job="j", x="1"}  5
  c{instance="localhost", job="j"}         1
$ pm query -o tsv 'scrape_series_added' | cut -f 2
  value
  1
$ pm query 'count_over_time(b[1h])'
  {instance="localhost", job="j"}  1

# another job is another target
$ sleep 0.01; printf 'b 7\n' | pm scrape --job k --label dc=x -
$ pm query 'b or a'
  b{dc="x", instance="localhost", job="k"}  7
  a{instance="localhost", job="j", x="1"}   5
$ pm query 'count(up)'
  {}  2

# garbage: up is 0, nothing of it is stored, and all of the target is stale
$ sleep 0.01; printf 'a{x="1"} 6\nthis is <html>\n' | pm scrape --job j -
! pm scrape: standard input: line 2, column 6: "is" is not a number
= 1
$ pm query 'up'
  up{dc="x", instance="localhost", job="k"}  1
  up{instance="localhost", job="j"}          0
$ pm query 'a or c'
$ sleep 0.01; printf 'a{x="1"} 7\n' | pm scrape --job j - && pm query a
  a{instance="localhost", job="j", x="1"}  7

# labels of the target win over the page's, which are kept as exported_
$ printf 'z{job="mine",dc="x"} 1\n' | pm scrape --job l --label instance=i --label rack=7 -
$ pm query z
  z{dc="x", exported_job="mine", instance="i", job="l", rack="7"}  1

# OpenMetrics shows itself by its end
$ printf '# TYPE o counter\no_total 1 1.5\n# EOF\n' | pm scrape --job om - && pm query -t 2 o_total
  o_total{instance="localhost", job="om"}  1

# a table
$ printf 'a 1\nb 2\n' | pm scrape -v --job v - | sed 's/[0-9.]*$/T/'
  TARGET                                   UP     SAMPLES       NEW     STALE   SECONDST
  standard input                           yes          2         2         0     T

# an empty page is a page
$ pm scrape --job e - </dev/null && pm query 'up{job="e"}'
  up{instance="localhost", job="e"}  1

# targets that are not there
$ pm scrape localhost:1 2>&1 | sed 's/[0-9]* ms/N ms/; s/after.*//'
  pm scrape: http://localhost:1/metrics: Get "http://localhost:1/metrics": dial tcp localhost:1: connect: connection refused
$ pm scrape localhost:1 2>/dev/null
= 1
$ pm query 'up{instance="localhost:1"}'
  up{instance="localhost:1", job="scrape"}  0

# arguments that make no sense
$ pm scrape ftp://host/x
! pm scrape: bad target "ftp://host/x": only http and https are known
! usage: pm scrape [--job NAME] [--label NAME=VALUE]... [--timeout D] [-v] [--fsync WHEN] URL...|-
= 2
$ pm scrape - localhost:9100
! pm scrape: "-" stands alone: standard input is one target
! usage: pm scrape [--job NAME] [--label NAME=VALUE]... [--timeout D] [-v] [--fsync WHEN] URL...|-
= 2
$ pm scrape http://h:1/a http://h:1/b
! pm scrape: http://h:1/a and http://h:1/b have the same labels: scrape them apart, with --job or --label
! usage: pm scrape [--job NAME] [--label NAME=VALUE]... [--timeout D] [-v] [--fsync WHEN] URL...|-
= 2
$ pm scrape --label x -
! pm scrape: bad label "x": want NAME=VALUE
! usage: pm scrape [--job NAME] [--label NAME=VALUE]... [--timeout D] [-v] [--fsync WHEN] URL...|-
= 2
$ pm scrape --label __name__=x -
! pm scrape: bad label "__name__=x": the metric name is not a target's
! usage: pm scrape [--job NAME] [--label NAME=VALUE]... [--timeout D] [-v] [--fsync WHEN] URL...|-
= 2
$ pm scrape --timeout soon -
! pm scrape: bad duration "soon": want 90s, 1h30m or a number of seconds
! usage: pm scrape [--job NAME] [--label NAME=VALUE]... [--timeout D] [-v] [--fsync WHEN] URL...|-
= 2
