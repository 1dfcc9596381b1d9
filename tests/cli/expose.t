# a page of chosen collectors, from fixed files
$ pm expose linux --procfs $ROOT/tests/fixtures/host/proc --collector loadavg --collector filefd | grep -v duration_seconds
  # HELP node_filefd_allocated Open files.
  # TYPE node_filefd_allocated gauge
  node_filefd_allocated 1024
  # HELP node_filefd_maximum Files that may be open at once.
  # TYPE node_filefd_maximum gauge
  node_filefd_maximum 1.631329e+06
  # HELP node_load1 Load average over 1 minute.
  # TYPE node_load1 gauge
  node_load1 0.52
  # HELP node_load15 Load average over 15 minutes.
  # TYPE node_load15 gauge
  node_load15 10
  # HELP node_load5 Load average over 5 minutes.
  # TYPE node_load5 gauge
  node_load5 1.25
  # HELP node_scrape_collector_success 1 when a collector succeeded.
  # TYPE node_scrape_collector_success gauge
  node_scrape_collector_success{collector="filefd"} 1
  node_scrape_collector_success{collector="loadavg"} 1

# leaving one out
$ pm expose linux --procfs $ROOT/tests/fixtures/host/proc --collector loadavg --collector filefd --no-collector filefd | grep -c fd
  0
= 1

# a collector that fails says why on stderr and 0 on the page, and is no failure of the command
$ mkdir proc && echo wrong >proc/loadavg && pm expose linux --procfs proc --collector loadavg | grep success{
  node_scrape_collector_success{collector="loadavg"} 0
! pm expose: warning: loadavg: loadavg: fewer than three fields

# what this host does not have is no message
$ pm expose linux --procfs proc --collector meminfo | grep success{
  node_scrape_collector_success{collector="meminfo"} 0

# no such collector
$ pm expose linux --collector load
! pm expose: no collector is called "load"; there are: arp conntrack cpu cpufreq diskstats dmi edac entropy filefd filesystem hwmon kernel_hung loadavg mdadm meminfo netclass netdev netstat nvme os powersupplyclass pressure rapl schedstat selinux sockstat softnet stat thermal_zone time timex udp_queues uname vmstat watchdog
! usage: pm expose linux|apache [--listen ADDR] [--collector NAME]... [--no-collector NAME]...
!                  [--url URL]
= 2

# no such exporter
$ pm expose windows
! pm expose: no exporter is called "windows"; there are: linux apache
! usage: pm expose linux|apache [--listen ADDR] [--collector NAME]... [--no-collector NAME]...
!                  [--url URL]
= 2

# nothing named
$ pm expose
! pm expose: an argument is missing
! usage: pm expose linux|apache [--listen ADDR] [--collector NAME]... [--no-collector NAME]...
!                  [--url URL]
= 2

# an address that is none
$ pm expose linux --listen here
! pm expose: listen address 'here': HOST:PORT was expected
! usage: pm expose linux|apache [--listen ADDR] [--collector NAME]... [--no-collector NAME]...
!                  [--url URL]
= 2

# a full disk
$ pm expose linux --collector uname >/dev/full
! pm expose: standard output: No space left on device
= 1
