#!/bin/bash
# Run the command line transcripts tests/cli/*.t (or those named) with the binary $PM and compare what they print.
#
#     PM=path/to/pm tests/cli/run.sh [--rewrite] [FILE...]
#
# A transcript is commands and exactly what each prints. It runs in an empty directory of its own, one bash for each command,
# one case each:
#
#     %need COMMAND      skip the rest of the transcript unless this succeeds
#     # a comment, which is also the name of the cases below
#     $ COMMAND
#     > more lines of it (here-documents)
#       a line of stdout
#     |                  an empty one
#     ! a line of stderr
#     = STATUS           when it is not 0
#
# --rewrite puts what was printed in place of what was expected: read the diff before committing it. `pm` is $PM;
# `unprivileged COMMAND` runs one that may not write everywhere although the tests run as root.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
PM=$(realpath -e -- "${PM:-build/pm}") || exit 1
export PM TZ=UTC LC_ALL=C NO_COLOR=1 ROOT=$root
unset PM_DATA

rewrite=
[ "${1:-}" = --rewrite ] && rewrite=1 && shift
[ $# -gt 0 ] || set -- tests/cli/*.t
work=$(mktemp -d "${TMPDIR:-/tmp}/pm-cli-XXXXXX") || exit 1
clean() # what a transcript left: mounts, directories without write permission
{
	awk -v under="$1" 'index($2, under) == 1 { print $2 }' /proc/mounts | xargs -r umount
	chmod -R u+w "$1"
	rm -rf "$1"
}
trap 'clean "$work"' EXIT
mkdir "$work/bin"
ln -s "$PM" "$work/bin/pm"
cat >"$work/bin/unprivileged" <<'END'
#!/bin/bash
[ "$(id -u)" = 0 ] || exec "$@"
exec setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search "$@"
END
chmod +x "$work/bin/unprivileged"
export PATH=$work/bin:$PATH
passed=0 failed=0 skipped=0

mark() # FILE PREFIX: the file's lines behind a prefix; a last line without line break is told apart
{
	sed "s/^/$2/; s/^  \$/|/; s/^! \$/!/" "$1"
	[ -s "$1" ] && [ -n "$(tail -c 1 "$1")" ] && printf '\n~ no line break at the end\n'
}

run_case() # COMMAND: print what it does as a transcript has it
{
	local status
	(cd "$dir" && timeout 60 bash -c "$1" >"$work/out" 2>"$work/err" </dev/null)
	status=$?
	mark "$work/out" '  '
	mark "$work/err" '! '
	[ $status = 0 ] || echo "= $status"
}

# The command is $command, as it stands in the transcript $source; compare with $expected, append to the new transcript.
finish_case()
{
	[ -n "$command" ] || return 0
	local got
	got=$(run_case "$command")
	printf '%s\n' "$source" >>"$new"
	[ -z "$got" ] || printf '%s\n' "$got" >>"$new"
	if [ "$got" == "$expected" ]; then
		passed=$((passed + 1))
		echo "ok      $file: $name: ${command%%$'\n'*}"
	else
		failed=$((failed + 1))
		echo "FAILED  $file: $name: ${command%%$'\n'*}"
		diff <(printf '%s\n' "$expected") <(printf '%s\n' "$got") | sed 's/^/        /'
	fi
	command= source= expected=
}

run_file() # FILE
{
	file=$1 name= command= source= expected=
	dir=$work/dir new=$work/new
	[ ! -e "$dir" ] || clean "$dir"
	mkdir "$dir"
	: >"$new"
	local line before=
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
		'%need '*)
			finish_case
			echo "$line" >>"$new"
			if ! (cd "$dir" && bash -c "${line#%need }") >"$work/need" 2>&1 </dev/null; then
				echo "skipped $file: needs: ${line#%need }"
				skipped=$((skipped + 1))
				return
			fi
			;;
		'$ '*)
			finish_case
			command=${line#??} source=$line
			;;
		'> '* | '>')
			line=${line#>}
			command+=$'\n'${line# } source+=$'\n>'$line
			;;
		'  '* | '|' | '! '* | '!' | '= '* | '~ '*)
			expected+=${expected:+$'\n'}$line
			;;
		*)
			finish_case
			[[ $line != '# '* || $before == '# '* ]] || name=${line#??}
			echo "$line" >>"$new"
			;;
		esac
		before=$line
	done <"$file"
	finish_case
	[ -z "$rewrite" ] || cmp -s "$new" "$file" || cp "$new" "$file"
}

for f in "$@"; do
	run_file "$f"
done
if [ $skipped -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ $failed = 0 ]
