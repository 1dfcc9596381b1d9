# help of everything goes to stdout
$ pm --help
  pm 0.1.0: Prometheus as a Unix toolchain
|
  usage: pm [-d DIR] COMMAND [OPTIONS] [ARGS]
|
  Collect
    scrape    scrape each target once and store its samples
    expose    print what this host tells as metrics, or serve it
|
  Ask
    query     evaluate a PromQL expression, now or over a range
    test      run PromQL test scripts
|
  Store
    import    load samples from OpenMetrics text or from Prometheus's files
    dump      write samples as OpenMetrics text or as Prometheus's blocks
    compact   seal the log, merge segments, apply retention and deletions
    delete    delete samples of the series that a selector takes
    inspect   tell what a data directory holds
    snapshot  copy a data directory, as it is at one moment
|
  Serve
    serve     scrape targets, store their samples, answer HTTP
|
    -d, --data DIR    data directory, before or after the command (environment PM_DATA, else ./data)
        --help        this text; pm help COMMAND or pm COMMAND --help for one command
        --version     print the version
|
  pm FOO runs pm-FOO from PATH when FOO is none of these.
  Exit status: 0 done, 1 failed, 2 wrong usage, 3 an empty answer (pm query -e).
$ pm help | cmp - <(pm --help) && pm -h | cmp - <(pm --help)

# without a command the same goes to stderr, and the status tells
$ pm 2>&1 >/dev/null | cmp - <(pm --help); pm 2>/dev/null
= 2

# the version is one line
$ pm --version | sed 's/[0-9]*\.[0-9]*\.[0-9]*/N.N.N/'
  pm N.N.N

# help of one command, both ways
$ pm help query
  pm query: evaluate a PromQL expression, now or over a range
|
  usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
                  [--max-samples N] [--lookback-delta D] EXPR|-
|
    -t, --time TIME         evaluate at this time: now, -1h, Unix seconds or RFC 3339 (now)
        --start TIME        first step of a range query
        --end TIME          last step of a range query (now)
        --step D            distance of steps (a 250th of the range, one second at least)
    -o, --output FORMAT     table, json (the HTTP API's answer), csv or tsv (table)
    -e, --empty             exit 3 when the answer is empty
        --timeout D         give up after so long (2m)
        --max-samples N     samples held in memory at once (50000000)
        --lookback-delta D  how long a sample counts as current (5m)
    -d, --data DIR          data directory (environment PM_DATA, else ./data)
        --help              this text
|
  EXPR is one argument: put it between quotes. "-" reads it from standard input. An expression that
  begins with a minus follows "--". Warnings go to standard error.
|
  Examples
    pm query up
    pm query -o csv --start -1h --step 1m 'sum by (mode) (rate(node_cpu_seconds_total[5m]))'
    pm query -t 2026-08-01T12:00:00Z -- '-node_load1'
$ pm query --help | cmp - <(pm help query)
$ pm -d nowhere query --help | cmp - <(pm help query)

# every command has help with an example
$ for c in $(pm --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'); do
>   pm help $c | grep -q '^Examples$' || echo "$c lacks examples"
>   pm $c --help | grep -q "^usage: pm $c" || echo "$c lacks usage"
> done

# help makes no data directory
$ pm scrape --help >/dev/null && pm import --help >/dev/null && ls

# help on what is no command
$ pm help quary
! pm: help: no command "quary"; pm --help lists them
= 2

# completion: commands, options, directories, files
$ cat >complete.sh <<'END'
> source <(pm help --completion bash)
> offer() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _pm; echo "${COMPREPLY[@]}"; }
> mkdir data-dir; : >file.om
> offer pm qu
> offer pm help im
> offer pm -d data-dir scr
> offer pm -d da
> offer pm query --st
> offer pm query --step ''
> offer pm import fi
> offer pm import --form
> END
> bash complete.sh
  query
  import
  scrape
  data-dir
  --start --step
|
  file.om
  --format
$ pm help --completion fish
! pm: help: completion is there for bash: pm help --completion bash
= 2
