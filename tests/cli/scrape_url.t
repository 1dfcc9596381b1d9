# a target over HTTP, up and then down; each scrape is a process of its own
$ mkfifo ready; pm expose linux --collector uname --listen 127.0.0.1:0 2>ready & read -r _ _ url <ready
> pm scrape --label instance=i "$url" && pm query 'count by (instance, job) (node_uname_info)'
> pm scrape --label instance=i -v "${url#http://}" | awk '{ print $2, $3, $4, $5 }'
> kill $!; wait $! 2>/dev/null
> pm scrape --label instance=i "$url" 2>&1 | sed 's/127.0.0.1:[0-9]*/ADDRESS/g'
  {instance="i", job="scrape"}  1
  UP SAMPLES NEW STALE
  yes 3 0 0
  pm scrape: http://ADDRESS/metrics: Get "http://ADDRESS/metrics": dial tcp ADDRESS: connect: connection refused
$ pm query 'up'
  up{instance="i", job="scrape"}  0
$ pm query 'node_uname_info'
$ pm query 'count_over_time(node_uname_info[1h])' | sed 's/.*}//'
    2
$ pm query 'scrape_samples_scraped or scrape_series_added'
  scrape_samples_scraped{instance="i", job="scrape"}  0

# several at once: one that is down does not stop the others
$ mkfifo ready2; pm expose linux --collector uname --listen 127.0.0.1:0 2>ready2 & read -r _ _ url <ready2
> pm -d several scrape localhost:1 "$url" localhost:2 2>&1 | sed 's/: Get.*//' | sort
> kill $!
  pm scrape: http://localhost:1/metrics
  pm scrape: http://localhost:2/metrics
$ pm -d several query 'sort(up)' | sed 's/127.0.0.1:[0-9]*/ADDRESS/'
  up{instance="localhost:1", job="scrape"}      0
  up{instance="localhost:2", job="scrape"}      0
  up{instance="ADDRESS", job="scrape"}  1

# a path that is not there
$ mkfifo ready3; pm expose linux --listen 127.0.0.1:0 2>ready3 & read -r _ _ url <ready3
> pm -d other scrape "${url%/metrics}/nothing" 2>&1 | sed 's/127.0.0.1:[0-9]*/ADDRESS/g'
> kill $!
  pm scrape: http://ADDRESS/nothing: server returned HTTP status 404 Not Found
