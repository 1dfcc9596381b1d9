%need [ "$(id -u)" = 0 ] && mkdir m && mount -t tmpfs -o size=4m none m && umount m && rmdir m

# a disk that has no room for a store at all, until it has
$ mkdir tiny && mount -t tmpfs -o size=16k none tiny
> printf 'm 1 1\n# EOF\n' | pm -d tiny/data import - 2>&1 | sed "s|$PWD/||; s|\.0*[0-9]*:|.N:|"
  pm import: tiny/data: tiny/data/head.00000001/symbols.N: allocate: No space left on device
$ pm -d tiny/data query m
! pm query: tiny/data: no data here; pm scrape, pm import or pm serve make it, -d DIR names another
= 1
$ mount -o remount,size=80m tiny
> printf 'm 1 1\n# EOF\n' | pm -d tiny/data import - && pm -d tiny/data query -t 1 m
  standard input: 1 sample
  m  1

# one that gets full: the import says what is stored, readers go on
$ mkdir disk && mount -t tmpfs -o size=80m none disk
> printf 'm 1 1785585600\n# EOF\n' | pm -d disk/data import -
  standard input: 1 sample
$ dd if=/dev/zero of=disk/ballast bs=1M status=none 2>/dev/null
> awk 'BEGIN { for (t = 0; t < 30; t++) for (i = 0; i < 20000; i++)
>     printf "big{instance=\"host-%d\"} %d %d\n", i, t * i, 1785585600 + t; print "# EOF" }' >big.om
> pm -d disk/data import big.om 2>&1 | sed 's|: [^ ]*/\([^/ ]*\): |: .../\1: |; s|\.0*[0-9]*:|.N:|'
  pm import: .../symbols.N: allocate: No space left on device
  pm import: big.om: nothing stored
$ pm -d disk/data query -t 1785585600 '{__name__=~".+"}'
  m  1

# a scrape says so too
$ awk 'BEGIN { for (i = 0; i < 50000; i++) printf "page{line=\"%d\"} 1\n", i }' >page
> pm -d disk/data scrape - <page 2>&1 | sed 's|: [^ ]*/\([^/ ]*\): |: .../\1: |; s|\.0*[0-9]*:|.N:|'
  pm scrape: standard input: not stored: .../symbols.N: allocate: No space left on device
$ pm -d disk/data query 'count({__name__=~".+"})'

# and there is room again
$ rm disk/ballast; pm -d disk/data import big.om && pm -d disk/data query -t 1785585629 'sum(count_over_time(big[1h]))'
  big.om: 600000 samples
  {}  600000
$ pm -d disk/data scrape - <page && pm -d disk/data query 'count(page)'
  {}  50000

# no room to compact: nothing is lost, and it goes on when there is
$ pm -d disk/data inspect --digest >before; dd if=/dev/zero of=disk/ballast bs=64k status=none 2>/dev/null
> pm -d disk/data compact --force 2>&1 | sed 's|: [^ ]*/\([^/ ]*\): |: .../\1: |; s|\.0*[0-9]*:|.N:|'; pm -d disk/data inspect --digest | cmp before -
  pm compact: .../log.N: write: No space left on device
$ pm -d disk/data inspect --verify | sed 's/.*: //'
  sound
$ rm disk/ballast; pm -d disk/data compact --force | sed 's/  *[0-9.]* [KM]iB/ N MiB/'; pm -d disk/data inspect --digest | cmp before -
  sealed   650006 samples into 2 segments
  written N MiB

# retention makes room where there is none
$ dd if=/dev/zero of=disk/ballast bs=64k status=none 2>/dev/null; dd if=/dev/zero of=disk/ballast2 bs=4k status=none 2>/dev/null
> dd if=/dev/zero of=disk/x bs=1 count=1 status=none 2>&1 | grep -o 'No space.*'; pm -d disk/data compact --retention.size 1
  No space left on device
  deleted  2 segments
$ umount disk tiny
