#!/bin/bash
# The README's promise, kept on a bare Debian 12: a tree made by debootstrap with git and make alone, a clone of the last
# commit in it, then `make run` until it answers and `make test`. By hand, as root: tests/debootstrap.sh
#
# The tree is made from the Debian sources of this machine's apt and kept in $PM_BARE/base (PM_BARE: /var/tmp/pm-bare) for the
# next time; each run works on a copy, which is removed when all went well. The copy shares the network with this machine:
# port 9090 must be free, or LISTEN say another. Mounts and processes live in namespaces of their own and end with the
# script.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=bookworm
bare=${PM_BARE:-/var/tmp/pm-bare}
listen=${LISTEN:-127.0.0.1:9090}
work=${2:-$bare/run.$$} # named by the outer process: inside, every process is number 1
tree=$work/root

if [ "${1:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || { echo "debootstrap.sh: needs root" >&2; exit 1; }
	mkdir -p "$work"
	exec unshare --mount --pid --fork --kill-child "$0" inside "$work"
fi

say() { printf '\n==== %s (%d s)\n' "$*" $SECONDS; }

debian_sources() { apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' | sort -u; }

make_base()
{
	local mirror
	mirror=$(debian_sources | awk -v s=$suite '$3 == s { print $2; exit }')
	[ -n "$mirror" ] || { echo "debootstrap.sh: no $suite among the sources of apt here (apt-get update?)" >&2; exit 1; }
	debootstrap --variant=minbase --include=git,make,ca-certificates $suite "$work/base" "$mirror" >"$work/debootstrap.log"
	mv -T "$work/base" "$bare/base"
}

# How to reach the mirror: the sources and whatever apt here was told about proxies.
copy_host_settings()
{
	debian_sources | awk -v s=$suite 'index($3, s) == 1' >"$tree/etc/apt/sources.list"
	apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-|Retries)' >"$tree/etc/apt/apt.conf.d/90host" || true
	cp -L /etc/resolv.conf /etc/hosts "$tree/etc/"
	cp -a /usr/local/share/ca-certificates/. "$tree/usr/local/share/ca-certificates/" 2>/dev/null || true
	in_tree update-ca-certificates >/dev/null 2>&1 || true
}

in_tree() { chroot "$tree" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 bash -c "cd /src/pm 2>/dev/null; $1"; }

get() # PATH: a GET by the shell alone
{
	local host=${listen%:*} port=${listen##*:}
	exec 9<>"/dev/tcp/$host/$port" || return 1
	printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$1" "$listen" >&9
	cat <&9
	exec 9>&-
}

check_run()
{
	local log=$work/run.log first="sum by (mode) (rate(node_cpu_seconds_total[1m]))"
	! get /-/ready >/dev/null 2>&1 || { echo "debootstrap.sh: something answers on $listen already" >&2; exit 1; }
	set -m # a process group of its own, to be ended whole
	in_tree "make run LISTEN=$listen" >"$log" 2>&1 &
	local job=$!
	set +m
	until (get /-/ready) 2>/dev/null | grep -q ' 200 '; do
		kill -0 $job 2>/dev/null || { tail -40 "$log"; echo "make run ended"; return 1; }
		sleep 0.5
	done
	say "make run answers on $listen; it printed"
	grep -vE '^(Get|Selecting|Preparing|Unpacking|Setting up|Processing|\(Reading|  (CC|CXX|AR|LINK) )' "$log" | tail -25
	say "the first query it names"
	local answer= _
	for _ in $(seq 120); do
		answer=$(in_tree "build/pm query '$first'")
		! grep -q idle <<<"$answer" || break
		sleep 1
	done
	echo "$answer"
	grep -q idle <<<"$answer" || { echo "the first query has no answer"; return 1; }
	kill -TERM -- -$job
	wait $job || true
}

mount --make-rprivate /
[ -d "$bare/base" ] || { say "debootstrap $suite"; make_base; }
say "a copy of the bare tree, with $(chroot "$bare/base" dpkg-query -f '.\n' -W | wc -l) packages"
cp -a "$bare/base" "$tree"
mkdir -p "$tree/src"
git clone -q --no-hardlinks . "$tree/src/pm"
[ ! -d ../shared ] || cp -a ../shared "$tree/src/shared"
mount -t proc proc "$tree/proc"
mount -t sysfs -o ro sysfs "$tree/sys"
mount --rbind /dev "$tree/dev"
copy_host_settings
echo "commit $(git -C "$tree/src/pm" log -1 --format='%h %s')"

status=0
check_run || status=1
say "make test"
in_tree "make test" >"$work/test.log" 2>&1 || status=1
grep -E '^(deps:|[a-z]+ +[0-9]+ passed|[0-9]+ passed|[0-9]+ skipped| +[|]| +skip)' "$work/test.log" || tail -40 "$work/test.log"
say "done, status $status; logs: $work"
if [ $status = 0 ]; then
	umount -R "$tree/proc" "$tree/sys" "$tree/dev" && rm -rf --one-file-system "$tree"
fi
exit $status
