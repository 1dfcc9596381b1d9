%need script -qec true /dev/null </dev/null

# a terminal gets colour, unless it was asked not to
$ printf 'm 1 1\n# EOF\n' | pm import -
  standard input: 1 sample
$ env -u NO_COLOR TERM=xterm script -qec "pm query 'sum('" /dev/null | cat -v
  pm query: 1:5: parse error: unclosed left parenthesis^M
    sum(^M
        ^[[1;31m^^[[0m^M
$ NO_COLOR=1 TERM=xterm script -qec "pm query 'sum('" /dev/null | cat -v
  pm query: 1:5: parse error: unclosed left parenthesis^M
    sum(^M
        ^^M
$ env -u NO_COLOR TERM=dumb script -qec "pm query 'sum('" /dev/null | cat -v
  pm query: 1:5: parse error: unclosed left parenthesis^M
    sum(^M
        ^^M
$ env -u NO_COLOR TERM=xterm pm query 'sum('
! pm query: 1:5: parse error: unclosed left parenthesis
!   sum(
!       ^
= 1

# an empty table says so to a person, and to nobody else
$ TERM=xterm script -qec "pm query -t 9999999 m" /dev/null | tr -d '\r'
  pm query: the answer is empty
$ pm query -t 9999999 m
$ TERM=xterm script -qec "pm query -o csv -t 9999999 m" /dev/null | tr -d '\r'
  timestamp,value

# an import shows how far it is, and clears that line at the end
$ { yes '# HELP m a line that takes some time to read, because there are so many of it' | head -n 400000; echo '# EOF'; } >big.om
> env -u NO_COLOR TERM=xterm script -qec "pm import big.om" /dev/null | tr '\r' '\n' | cat -v | sed 's/^^\[\[K/<clear>/' >shown
> sed -n '2s/big.om \[#[# ]*\] [0-9.]* M samples/a bar/p' shown; tail -n 2 shown | head -n 1
  <clear>a bar
  <clear>big.om: 0 samples
$ env -u NO_COLOR TERM=xterm script -qec "cat big.om | pm import -" /dev/null | tr '\r' '\n' | sed -n 2p | cat -v
  ^[[Kstandard input 0.0 M samples
