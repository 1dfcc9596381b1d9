# three series, one of them a counter over five minutes
$ {
>   for i in 0 1 2 3 4 5; do
>     echo "requests_total{code=\"200\",path=\"/a\"} $((i * 60)) $((1785585600 + i * 60))"
>     echo "requests_total{code=\"500\",path=\"/a\"} $((i * 6)) $((1785585600 + i * 60))"
>   done
>   echo 'load{host="é, \"x\""} 0.25 1785585900.5'
>   echo '# EOF'
> } | pm import -
  standard input: 13 samples

# an instant query, in every format
$ pm query -t 1785585900 requests_total
  requests_total{code="200", path="/a"}  300
  requests_total{code="500", path="/a"}   30
$ pm query -t 1785585900 -o json requests_total
  {"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"requests_total","code":"200","path":"/a"},"value":[1785585900,"300"]},{"metric":{"__name__":"requests_total","code":"500","path":"/a"},"value":[1785585900,"30"]}]}}
$ pm query -t 1785585900 -o csv requests_total
  timestamp,value,__name__,code,path
  2026-08-01T12:05:00Z,300,requests_total,200,/a
  2026-08-01T12:05:00Z,30,requests_total,500,/a
$ pm query -t 1785585900 -o tsv requests_total
  timestamp	value	__name__	code	path
  2026-08-01T12:05:00Z	300	requests_total	200	/a
  2026-08-01T12:05:00Z	30	requests_total	500	/a

# values that need quotes
$ pm query -t 1785586000 load
  load{host="é, \"x\""}  0.25
$ pm query -t 1785586000 -o csv load
  timestamp,value,__name__,host
  2026-08-01T12:06:40Z,0.25,load,"é, ""x"""
$ pm query -t 1785586000 -o tsv load
  timestamp	value	__name__	host
  2026-08-01T12:06:40Z	0.25	load	é, "x"

# times: RFC 3339, with a zone, relative to now
$ pm query -t 2026-08-01T12:05:00Z 'sum(requests_total)'
  {}  330
$ pm query -t 2026-08-01T14:05:00+02:00 'sum(requests_total)'
  {}  330
$ pm query -t now 'time() > bool 1.7e9'
  1
$ pm query -t -1h 'time() - 0' -o csv | wc -l
  2

# a range query
$ pm query --start 1785585600 --end 1785585900 --step 150 'sum by (code) (rate(requests_total[2m]))'
  {code="200"}
    2026-08-01 12:02:30 +0000  1
    2026-08-01 12:05:00 +0000  1
  {code="500"}
    2026-08-01 12:02:30 +0000  0.1
    2026-08-01 12:05:00 +0000  0.1
$ pm query --start 1785585600 --end 1785585900 --step 2m30s -o json 'sum by (code) (rate(requests_total[2m]))'
  {"status":"success","data":{"resultType":"matrix","result":[{"metric":{"code":"200"},"values":[[1785585750,"1"],[1785585900,"1"]]},{"metric":{"code":"500"},"values":[[1785585750,"0.1"],[1785585900,"0.1"]]}]}}
$ pm query --start 1785585600 --end 1785585900 --step 150 -o csv 'sum by (code) (rate(requests_total[2m]))'
  timestamp,value,code
  2026-08-01T12:02:30Z,1,200
  2026-08-01T12:05:00Z,1,200
  2026-08-01T12:02:30Z,0.1,500
  2026-08-01T12:05:00Z,0.1,500
$ TZ=Etc/GMT-2 pm query --start 1785585600 --end 1785585900 --step 150 'count(requests_total)'
  {}
    2026-08-01 14:00:00 +0200  2
    2026-08-01 14:02:30 +0200  2
    2026-08-01 14:05:00 +0200  2

# without a step there are at most some hundred, a second apart at least
$ pm query --start 1785585600 --end 1785585603 -o tsv 'vector(1)' | wc -l
  5
$ pm query --start 1785580000 --end 1785585900 -o tsv 'vector(1)' | wc -l
  258

# a matrix at one time
$ pm query -t 1785585900 'requests_total{code="500"}[2m]'
  requests_total{code="500", path="/a"}
    2026-08-01 12:04:00 +0000  24
    2026-08-01 12:05:00 +0000  30

# scalars and strings
$ pm query '1 / 0'
  +Inf
$ pm query -t 1 -o json '0.5e-10'
  {"status":"success","data":{"resultType":"scalar","result":[1,"0.00000000005"]}}
$ pm query -t 1.5 -o csv '3'
  timestamp,value
  1970-01-01T00:00:01.5Z,3
$ pm query '"hello"'
  hello
$ pm query -t 1.5 -o json '"hel<l>o"'
  {"status":"success","data":{"resultType":"string","result":[1.5,"hel\u003cl\u003eo"]}}
$ pm query -t 1.5 -o tsv '"a	b"'
  timestamp	value
  1970-01-01T00:00:01.5Z	a\tb

# an empty answer
$ pm query -t 1785585900 nothing
$ pm query -t 1785585900 -o json nothing
  {"status":"success","data":{"resultType":"vector","result":[]}}
$ pm query -t 1785585900 -o csv nothing
  timestamp,value
$ pm query -e -t 1785585900 nothing
= 3
$ pm query -e -t 1785585900 requests_total >/dev/null
$ pm query -e '0 > bool 1'
  0

# an expression from standard input
$ echo 'sum(requests_total)' | pm query -t 1785585900 -
  {}  330
$ printf 'sum(\n  requests_total\n)\n\n' | pm query -t 1785585900 -
  {}  330

# an expression that begins with a minus
$ pm query -t 1785585900 -- '-sum(requests_total)'
  {}  -330
$ pm query '-sum(requests_total)'
! pm query: unknown option -s
! an expression that begins with a minus follows --: pm query -- '-sum(requests_total)'
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query '-time()'
! pm query: an argument is missing
! an expression that begins with a minus follows --: pm query -- '-time()'
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query -t 1785585900 '-1'
! pm query: unknown option -1
! an expression that begins with a minus follows --: pm query -- '-1'
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2

# a wrong expression: its line and the place
$ pm query 'sum(up'
! pm query: 1:7: parse error: unclosed left parenthesis
!   sum(up
!         ^
= 1
$ pm query 'up{job=}'
! pm query: 1:8: parse error: unexpected "}" in label matching, expected string
!   up{job=}
!          ^
= 1
$ pm query 'rate(up)'
! pm query: 1:6: parse error: expected type range vector in call to function "rate", got instant vector
!   rate(up)
!        ^
= 1
$ pm query 'foo bar'
! pm query: 1:5: parse error: unexpected identifier "bar"
!   foo bar
!       ^
= 1
$ printf 'sum(\n\tup{a="é"} + + bar{x}\n)' | pm query -
! pm query: 2:22: parse error: unexpected "}" in label matching, expected label matching operator
!   	up{a="é"} + + bar{x}
!   	                   ^
= 1
$ pm query ''
! pm query: unknown position: parse error: no expression found in input
= 1
$ pm query "$(printf '%s"' 'abc')"
! pm query: 1:4: parse error: unterminated quoted string
!   abc"
!      ^
= 1

# options that do not fit
$ pm query -t yesterday up
! pm query: bad time "yesterday": want now, -1h, Unix seconds or 2026-08-01T12:00:00Z
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query --start 5 --end 4 up
! pm query: the end is before the start
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query --end 4 up
! pm query: --end and --step go with --start
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query -t 5 --start 4 up
! pm query: -t asks for one time, --start for a range: give one of them
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query --start 1 --step 0 up
! pm query: the step must be at least a millisecond
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query --start 1 --step -5m up
! pm query: bad duration "-5m": want 90s, 1h30m or a number of seconds
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query -o yaml up
! pm query: unknown format "yaml": want table, json, csv or tsv
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query up down
! pm query: one expression, please: put it between quotes
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query --max-samples 0 up
! pm query: bad number of samples "0"
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2
$ pm query --timeout x up
! pm query: bad duration "x": want 90s, 1h30m or a number of seconds
! usage: pm query [-t TIME | --start TIME [--end TIME] [--step D]] [-o FORMAT] [-e] [--timeout D]
!                 [--max-samples N] [--lookback-delta D] EXPR|-
= 2

# limits
$ pm query --max-samples 1 -t 1785585900 requests_total
! pm query: query processing would load too many samples into memory in query execution
! pm query: --max-samples N raises the limit
= 1
$ pm query --max-samples 2 -t 1785585900 requests_total
  requests_total{code="200", path="/a"}  300
  requests_total{code="500", path="/a"}   30
$ pm query --timeout 1ms --start 0 --end 9000000 --step 1 'sum_over_time(vector(1)[1h:1s])'
! pm query: query timed out in expression evaluation
! pm query: --timeout D gives it more time
= 1
$ pm query --start 1785585600 --end 1785585900 'requests_total[5m]'
! pm query: invalid expression type "range vector" for range query, must be Scalar or instant Vector
= 1
$ pm query --lookback-delta 10s -t 1785585920 requests_total
$ pm query --lookback-delta 30s -t 1785585920 'count(requests_total)'
  {}  2

# warnings and infos go to stderr, or into the JSON
$ printf 'temperature 1 1785585600\ntemperature 3 1785585660\n# EOF\n' | pm import -
  standard input: 2 samples
$ pm query -t 1785585660 'rate(temperature[5m])'
  {}  0.01
! pm query: PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "temperature" (1:6)
$ pm query -t 1785585660 -o json 'rate(temperature[5m])'
  {"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1785585660,"0.01"]}]},"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"temperature\" (1:6)"]}
$ pm query -t 1785585660 'quantile(2, temperature)'
  {}  +Inf
! pm query: PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)
$ pm query -t 1785585660 -o json 'quantile(2, temperature)'
  {"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1785585660,"+Inf"]}]},"warnings":["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"]}
$ pm query -t 1785585660 -o csv 'quantile(2, temperature)' 2>/dev/null
  timestamp,value
  2026-08-01T12:01:00Z,+Inf

# a full standard output
$ pm query -t 1785585900 requests_total >/dev/full
! pm query: standard output: No space left on device
= 1

# a query that takes longer than it may
$ awk 'BEGIN { for (i = 0; i < 500; i++) print "many{i=\"" i "\"} 1 1000"; print "# EOF" }' | pm -d many import -
  standard input: 500 samples
$ pm -d many query --timeout 1ms --start 1000 --end 1300 --step 1 'sum_over_time(many[5m:1s])' 2>&1 | tail -2
  pm query: query timed out in expression evaluation
  pm query: --timeout D gives it more time
