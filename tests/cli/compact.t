# nothing is due in a young store; --force does it all the same
$ printf 'm{a="x"} 1 1\nm{a="y"} 2 1\n# EOF\n' | pm import - && pm compact
  standard input: 2 samples
  nothing to do
$ pm inspect --digest >before; pm compact --force | sed 's/[0-9.]* [KMi]*B/N B/'; pm inspect --digest | cmp - before; pm compact --force
  sealed   2 samples into 1 segment
  written  N B
  nothing to do
$ printf 'm{a="x"} 3 2\n# EOF\n' | pm import - && pm compact --full | sed 's/[0-9.]* [KMi]*B/N B/'; pm query 'm[1h]' -t 3
  standard input: 1 sample
  sealed   1 sample into 1 segment
  merged   3 samples of 2 segments into 1
  written  N B
  m{a="x"}
    1970-01-01 00:00:01 +0000  1
    1970-01-01 00:00:02 +0000  3
  m{a="y"}
    1970-01-01 00:00:01 +0000  2
$ pm inspect --verify | sed 's/.*: //'
  sound

# retention is for segments, by the age of their newest sample, or by the size of the store
$ pm compact --retention 200y; pm compact --retention 1d; pm query 'm[1h]' -t 3; pm compact --retention 1d
  nothing to do
  deleted  1 segment
  nothing to do
$ printf 'm 1 1000000000\nm 1 2000000000\n# EOF\n' | pm import - && pm compact --force >out && pm compact --retention.size 1GB
  standard input: 2 samples
  nothing to do
$ sed 's/ [0-9.]* [KMi]*B/ N B/' out; pm compact --retention.size 1; pm query 'count_over_time(m[40y])' -t 2000000000
  sealed   2 samples into 2 segments
  written  N B
  deleted  2 segments

# deletion: at once for queries, and for the files with the next merge
$ for i in 1 2 3; do printf 'm{a="x"} %d %d\nm{a="y"} %d %d\n' $i $i $i $i; done >in.om && echo '# EOF' >>in.om && pm import in.om
  in.om: 6 samples
$ pm delete --start 2 --end 2 'm{a="x"}' && pm query 'm[1h]' -t 3
  m{a="x"}
    1970-01-01 00:00:01 +0000  1
    1970-01-01 00:00:03 +0000  3
  m{a="y"}
    1970-01-01 00:00:01 +0000  1
    1970-01-01 00:00:02 +0000  2
    1970-01-01 00:00:03 +0000  3
$ pm inspect --digest >before && pm compact --force | sed 's/ [0-9.]* [KMi]*B/ N B/'; pm inspect --digest | cmp - before
  merged   5 samples of 1 segment into 1
  written  N B
$ pm import in.om && pm query 'count_over_time(m[1h])' -t 3
  in.om: 6 samples
  {a="x"}  3
  {a="y"}  3
$ pm delete m 'm{'; pm query 'count_over_time(m[1h])' -t 3
  {a="x"}  3
  {a="y"}  3
! pm delete: 1:3: parse error: unexpected end of input inside braces
$ pm delete m nothing && pm query 'm[1h]' -t 3 && pm compact --force && pm inspect --digest
  merged   0 samples of 2 segments into 0
  nothing to do
  0000000000000000  0 series, 0 samples
$ pm delete --start 3 --end 2 m
! pm delete: --end is before --start
! usage: pm delete [--start TIME] [--end TIME] SELECTOR...
= 2

# it waits for another one that is at it, and may be stopped then
$ cat >held.py <<'END'
> import fcntl, signal, struct, subprocess
> meta = open("data/meta", "r+b")
> def lock(kind):
>     fcntl.fcntl(meta, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, 0, (1 << 20) + 2, 1, 0))
> def start():
>     lock(fcntl.F_WRLCK)
>     p = subprocess.Popen(["pm", "compact", "--force"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
>     print(p.stderr.readline(), end="")
>     return p
> p = start()
> p.send_signal(signal.SIGINT)
> print(*p.communicate(timeout=30), p.returncode)
> p = start()
> lock(fcntl.F_UNLCK)
> print(p.communicate(timeout=30)[0][:8], p.returncode)
> END
> pm import in.om >/dev/null && python3 held.py
  pm compact: waiting for another process that compacts this store
   pm compact: stopped while waiting
   1
  pm compact: waiting for another process that compacts this store
  sealed   0

# a damaged segment is told, set aside and left alone; the rest is served and merged
$ printf 'm 1 1\nm 2 9000000000\n# EOF\n' | pm -d damaged import - && pm -d damaged compact --force | grep sealed
  standard input: 2 samples
  sealed   2 samples into 2 segments
$ printf '\377' | dd of=damaged/segment.00000001 bs=1 seek=$(($(stat -c %s damaged/segment.00000001) - 8)) conv=notrunc status=none
> pm -d damaged query -t 9000000000 m; pm -d damaged query -t 1 m 2>&1 | sed 's/offset [0-9]*: [^;]*/offset N: .../'
  m  2
  pm query: warning: segment.00000001: damaged at offset N: ...; it is set aside, the rest is served
$ printf 'm 3 9000000001\n# EOF\n' | pm -d damaged import - && pm -d damaged compact --force 2>/dev/null | grep merged; ls damaged | grep segment
  standard input: 1 sample
  merged   2 samples of 2 segments into 1
  segment.00000001
  segment.00000004

# --watch tells when it did what, and ends with SIGTERM; the status is 0
$ pm import in.om >/dev/null && coproc pm compact --watch --force; pid=$!
> read -r -u "${COPROC[0]}" at what && kill -TERM $pid && wait $pid; echo $?: "$(sed "s/[0-9]/9/g; s/[.].*/Z/" <<<"$at")" "$what"
  0: 9999-99-99T99:99:99Z sealed   6 samples into 1 segment

# wrong usage
$ pm compact --retention x
! pm compact: bad duration "x": want 90s, 1h30m or a number of seconds
! usage: pm compact [--retention D] [--retention.size SIZE] [--force] [--watch]
= 2
$ pm compact --retention.size 1QB
! pm compact: bad size "1QB": want 512MB, 20GB or a number of bytes
! usage: pm compact [--retention D] [--retention.size SIZE] [--force] [--watch]
= 2
$ pm compact data
! pm compact: unexpected argument "data"
! usage: pm compact [--retention D] [--retention.size SIZE] [--force] [--watch]
= 2
$ pm -d nowhere compact
! pm compact: nowhere: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1
