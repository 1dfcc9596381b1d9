# a command that is none, with a guess
$ pm qeury up
! pm: no command "qeury"; did you mean "query"?
= 2
$ pm frobnicate
! pm: no command "frobnicate"; pm --help lists them
= 2
$ pm ../query
! pm: no command "../query"; pm --help lists them
= 2

# a program pm-NAME on PATH is a command; it learns the data directory
$ mkdir bin
> printf '#!/bin/sh\necho "${0##*/} $PM_DATA $*"\nexit 7\n' >bin/pm-hello
> chmod +x bin/pm-hello
> PATH=$PWD/bin:$PATH pm -d some/dir hello --flag x
  pm-hello some/dir --flag x
= 7

# global options
$ pm --frob query
! pm: unknown option --frob; pm --help lists them
= 2
$ pm -d
! pm: option -d needs a value
= 2
$ pm --data
! pm: option --data needs a value
= 2

# options of commands
$ pm query --frob up
! pm query: unknown option --frob
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query -z up
! pm query: unknown option -z
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query --step
! pm query: option --step needs a value
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query --empty=3 up
! pm query: option --empty takes no value
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query
! pm query: an argument is missing
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm import
! pm import: an argument is missing
! usage: pm import [--format FORMAT] [--fsync WHEN] FILE|DIR|-...
= 2
$ pm scrape
! pm scrape: an argument is missing
! usage: pm scrape [--job NAME] [--label NAME=VALUE]... [--timeout D] [-v] [--fsync WHEN] URL...|-
= 2

# a wrong word makes no data directory
$ ls
  bin

# a full standard output is a failure
$ pm --help >/dev/full
! pm: standard output: No space left on device
= 1

# a closed pipe is quiet, and ends the process as SIGPIPE does
$ mkfifo pipe; sleep 100 <pipe & exec 4>pipe; kill $!; wait $!; pm --help >&4
= 141
