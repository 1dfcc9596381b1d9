# three series, one of them a counter over five minutes
$ {
>   for i in 0 1 2 3 4 5; do
>     echo "requests_total{code=\"200\",path=\"/a\"} $((i * 60)) $((1785585600 + i * 60))"
>     echo "requests_total{code=\"500\",path=\"/a\"} $((i * 6)) $((1785585600 + i * 60))"
>   done
>   echo 'load{host="é, \"x\""} 0.25 1785585900.5'
>   echo '# EOF'
> } | pm import -
! bash: line 8: pm: command not found
= 127

# an instant query, in every format
$ pm query -t 1785585900 requests_total
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585900 -o json requests_total
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585900 -o csv requests_total
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585900 -o tsv requests_total
! bash: line 1: pm: command not found
= 127

# values that need quotes
$ pm query -t 1785586000 load
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785586000 -o csv load
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785586000 -o tsv load
! bash: line 1: pm: command not found
= 127

# times: RFC 3339, with a zone, relative to now
$ pm query -t 2026-08-01T12:05:00Z 'sum(requests_total)'
! bash: line 1: pm: command not found
= 127
$ pm query -t 2026-08-01T14:05:00+02:00 'sum(requests_total)'
! bash: line 1: pm: command not found
= 127
$ pm query -t now 'time() > bool 1.7e9'
! bash: line 1: pm: command not found
= 127
$ pm query -t -1h 'time() - 0' -o csv | wc -l
  0
! bash: line 1: pm: command not found

# a range query
$ pm query --start 1785585600 --end 1785585900 --step 150 'sum by (code) (rate(requests_total[2m]))'
! bash: line 1: pm: command not found
= 127
$ pm query --start 1785585600 --end 1785585900 --step 2m30s -o json 'sum by (code) (rate(requests_total[2m]))'
! bash: line 1: pm: command not found
= 127
$ pm query --start 1785585600 --end 1785585900 --step 150 -o csv 'sum by (code) (rate(requests_total[2m]))'
! bash: line 1: pm: command not found
= 127
$ TZ=Etc/GMT-2 pm query --start 1785585600 --end 1785585900 --step 150 'count(requests_total)'
! bash: line 1: pm: command not found
= 127

# without a step there are at most some hundred, a second apart at least
$ pm query --start 1785585600 --end 1785585603 -o tsv 'vector(1)' | wc -l
  0
! bash: line 1: pm: command not found
$ pm query --start 1785580000 --end 1785585900 -o tsv 'vector(1)' | wc -l
  0
! bash: line 1: pm: command not found

# a matrix at one time
$ pm query -t 1785585900 'requests_total{code="500"}[2m]'
! bash: line 1: pm: command not found
= 127

# scalars and strings
$ pm query '1 / 0'
! bash: line 1: pm: command not found
= 127
$ pm query -t 1 -o json '0.5e-10'
! bash: line 1: pm: command not found
= 127
$ pm query -t 1.5 -o csv '3'
! bash: line 1: pm: command not found
= 127
$ pm query '"hello"'
! bash: line 1: pm: command not found
= 127
$ pm query -t 1.5 -o json '"hel<l>o"'
! bash: line 1: pm: command not found
= 127
$ pm query -t 1.5 -o tsv '"a	b"'
! bash: line 1: pm: command not found
= 127

# an empty answer
$ pm query -t 1785585900 nothing
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585900 -o json nothing
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585900 -o csv nothing
! bash: line 1: pm: command not found
= 127
$ pm query -e -t 1785585900 nothing
! bash: line 1: pm: command not found
= 127
$ pm query -e -t 1785585900 requests_total >/dev/null
! bash: line 1: pm: command not found
= 127
$ pm query -e '0 > bool 1'
! bash: line 1: pm: command not found
= 127

# an expression from standard input
$ echo 'sum(requests_total)' | pm query -t 1785585900 -
! bash: line 1: pm: command not found
= 127
$ printf 'sum(\n  requests_total\n)\n\n' | pm query -t 1785585900 -
! bash: line 1: pm: command not found
= 127

# an expression that begins with a minus
$ pm query -t 1785585900 -- '-sum(requests_total)'
! bash: line 1: pm: command not found
= 127
$ pm query '-sum(requests_total)'
! bash: line 1: pm: command not found
= 127
$ pm query '-time()'
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585900 '-1'
! bash: line 1: pm: command not found
= 127

# a wrong expression: its line and the place
$ pm query 'sum(up'
! bash: line 1: pm: command not found
= 127
$ pm query 'up{job=}'
! bash: line 1: pm: command not found
= 127
$ pm query 'rate(up)'
! bash: line 1: pm: command not found
= 127
$ pm query 'foo bar'
! bash: line 1: pm: command not found
= 127
$ printf 'sum(\n\tup{a="é"} + + bar{x}\n)' | pm query -
! bash: line 1: pm: command not found
= 127
$ pm query ''
! bash: line 1: pm: command not found
= 127
$ pm query "$(printf '%s"' 'abc')"
! bash: line 1: pm: command not found
= 127

# options that do not fit
$ pm query -t yesterday up
! bash: line 1: pm: command not found
= 127
$ pm query --start 5 --end 4 up
! bash: line 1: pm: command not found
= 127
$ pm query --end 4 up
! bash: line 1: pm: command not found
= 127
$ pm query -t 5 --start 4 up
! bash: line 1: pm: command not found
= 127
$ pm query --start 1 --step 0 up
! bash: line 1: pm: command not found
= 127
$ pm query --start 1 --step -5m up
! bash: line 1: pm: command not found
= 127
$ pm query -o yaml up
! bash: line 1: pm: command not found
= 127
$ pm query up down
! bash: line 1: pm: command not found
= 127
$ pm query --max-samples 0 up
! bash: line 1: pm: command not found
= 127
$ pm query --timeout x up
! bash: line 1: pm: command not found
= 127

# limits
$ pm query --max-samples 2 -t 1785585900 'requests_total[5m]'
! bash: line 1: pm: command not found
= 127
$ pm query --start 1785585600 --end 1785585900 'requests_total[5m]'
! bash: line 1: pm: command not found
= 127
$ pm query --lookback-delta 10s -t 1785585920 requests_total
! bash: line 1: pm: command not found
= 127
$ pm query --lookback-delta 30s -t 1785585920 'count(requests_total)'
! bash: line 1: pm: command not found
= 127

# warnings and infos go to stderr, or into the JSON
$ printf 'temperature 1 1785585600\ntemperature 3 1785585660\n# EOF\n' | pm import -
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585660 'rate(temperature[5m])'
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585660 -o json 'rate(temperature[5m])'
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585660 'quantile(2, temperature)'
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585660 -o json 'quantile(2, temperature)'
! bash: line 1: pm: command not found
= 127
$ pm query -t 1785585660 -o csv 'quantile(2, temperature)' 2>/dev/null
= 127

# a full standard output
$ pm query -t 1785585900 requests_total >/dev/full
! bash: line 1: pm: command not found
= 127
