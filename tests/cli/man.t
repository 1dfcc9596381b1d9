# each man page shows the usage that help shows, and names every option
$ synopsis() {
>   sed -n '/^\.SH SYNOPSIS/,/^\.SH DESCRIPTION/p' "$1" | grep -v '^\.SH' | sed 's/^\.B *//; s/\\-/-/g' | paste -s -d ' '
> }
> for c in $(pm --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'); do
>   page=$ROOT/docs/man/pm-$c.1
>   want=$(pm help $c | sed -n '/^usage: /,/^$/p' | tr -s ' \n' ' ' | sed 's/^usage: //; s/ $//')
>   got=$(synopsis "$page")
>   [ "$want" == "$got" ] || printf '%s\nhelp: %s\nman:  %s\n' "$c" "$want" "$got"
>   pm help $c | grep -o '^  [- ][a-z,]*  *--[a-z.-]*\|^  -[a-z], --[a-z.-]*' | grep -o -e '--.*' | while read -r o; do
>     sed 's/\\-/-/g' "$page" | grep -q -e "$o" || echo "pm-$c.1 lacks $o"
>   done
> done

# the pages are clean
$ for p in $ROOT/docs/man/*.[1-8]; do
>   groff -man -Tutf8 -ww -z "$p" 2>&1 | sed "s|^|${p##*/}: |"
> done

# pm.1 tells what each command is for in the words of the help
$ pm --help | sed -n 's/^  \([a-z][a-z]*\)  *\(.*\)/\1 \2/p' | while read -r c words; do
>   grep -q -x "$words" $ROOT/docs/man/pm.1 || echo "pm.1 lacks: $c: $words"
>   grep -q -F -x "pm\\-$c \\- $words" $ROOT/docs/man/pm-$c.1 || echo "pm-$c.1 has another summary"
> done
