"""What dialogues can't say: how `pm serve` starts and ends, clients that misbehave, large answers, other processes beside it.
Each function whose name begins with test_ is one test; run() gives how many passed and failed."""
import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import traceback
import urllib.parse

from run import HERE, PM, TIMEOUT_S, Server

SMALL = os.path.join(HERE, "small.om")


def get(server, path, headers=None, connection=None):
    c = connection or server.connect()
    c.request("GET", path, headers=headers or {})
    response = c.getresponse()
    body = response.read()
    if not connection:
        c.close()
    return response, body


def query(server, expr, t=None):
    path = "/api/v1/query?" + urllib.parse.urlencode({"query": expr, **({"time": t} if t else {})})
    return json.loads(get(server, path)[1])


def raw(server, data, timeout=TIMEOUT_S):
    """Send bytes as they are; what comes back until the server closes or nothing more is said."""
    host, port = server.addr.rsplit(":", 1)
    s = socket.create_connection((host, int(port)), timeout=timeout)
    s.sendall(data)
    return s


def read_all(s):
    out = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                return out
            out += piece
    except (ConnectionResetError, socket.timeout):
        return out
    finally:
        s.close()


def until(condition, what, seconds=TIMEOUT_S):
    """Ask until it holds: for what happens in another thread or process."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, "did not happen: " + what
        time.sleep(0.02)


# ---- start and end -------------------------------------------------------------------------------


def test_signals_end_it_with_status_0():
    for sig in (signal.SIGTERM, signal.SIGINT):
        server = Server()
        idle = server.connect()
        get(server, "/-/ready", connection=idle)  # kept alive: must not hold up the end
        status, log = server.stop(sig)
        assert status == 0, (status, log)


def test_address_in_use_is_one_line_and_status_1():
    server = Server()
    other = subprocess.run([PM, "-d", server.store + "2", "serve", "--listen", server.addr], capture_output=True, text=True,
                           timeout=TIMEOUT_S)
    server.stop()
    assert other.returncode == 1, other
    assert other.stderr.count("\n") == 1 and "Address already in use" in other.stderr, other.stderr


def test_bad_options_are_usage_errors():
    for args in (["--listen", "nonsense"], ["--query.timeout", "x"], ["--query.max-samples", "0"], ["--no-such"], ["extra"]):
        with tempfile.TemporaryDirectory() as d:
            p = subprocess.run([PM, "-d", os.path.join(d, "data"), "serve", *args], capture_output=True, text=True,
                               timeout=TIMEOUT_S)
        assert p.returncode in (1, 2) and p.stderr, (args, p)


def test_kill_9_loses_nothing():
    server = Server(SMALL)
    before = query(server, "temperature", 1000000300)
    server.process.kill()
    server.process.wait()
    again = subprocess.run([PM, "-d", server.store, "query", "-o", "json", "-t", "1000000300", "temperature"],
                           capture_output=True, text=True, timeout=TIMEOUT_S)
    server.stop()
    assert json.loads(again.stdout) == before and before["data"]["result"], (again, before)


# ---- other processes beside it -------------------------------------------------------------------


def test_what_another_process_imports_is_seen_at_once():
    server = Server()
    assert query(server, "temperature", 1000000300)["data"]["result"] == []
    subprocess.run([PM, "-d", server.store, "import", SMALL], check=True, stdout=subprocess.DEVNULL)
    assert len(query(server, "temperature", 1000000300)["data"]["result"]) == 2
    server.stop()


# ---- scraping ------------------------------------------------------------------------------------


def test_without_configuration_it_scrapes_itself_and_this_host():
    with tempfile.TemporaryDirectory() as d:
        p = subprocess.Popen([PM, "-d", os.path.join(d, "data"), "serve", "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE,
                             text=True)
        server = Server.__new__(Server)
        server.process, server.log, server.dir = p, [], tempfile.TemporaryDirectory()
        server.addr = p.stderr.readline().split("http://")[1].split(",")[0]
        until(lambda: len([r for r in query(server, "up == 1")["data"]["result"]]) == 2, "both targets are up")
        jobs = {r["metric"]["job"] for r in query(server, "up")["data"]["result"]}
        assert jobs == {"pm", "node"}, jobs
        assert query(server, "node_cpu_seconds_total")["data"]["result"]
        assert query(server, "pm_build_info")["data"]["result"]
        # A sample is there a moment before the target's state says so.
        until(lambda: [t["health"] for t in json.loads(get(server, "/api/v1/targets")[1])["data"]["activeTargets"]] == ["up", "up"],
              "both targets are said to be up")
        said = json.loads(get(server, "/api/v1/metadata?metric=node_cpu_seconds_total")[1])["data"]
        assert said["node_cpu_seconds_total"][0]["type"] == "counter", said
        ask = "/api/v1/targets/metadata?" + urllib.parse.urlencode({"match_target": '{job="node"}', "metric": "node_load1"})
        said = json.loads(get(server, ask)[1])["data"]
        assert len(said) == 1 and said[0]["target"]["job"] == "node" and said[0]["type"] == "gauge", said
        said = json.loads(get(server, "/api/v1/targets/metadata?match_target=%7Bjob!~%22n.*%22%7D")[1])["data"]
        assert said and {s["target"]["job"] for s in said} == {"pm"} and "pm_build_info" in {s["metric"] for s in said}, said
        status, log = server.stop()
        assert status == 0, log


def test_a_target_that_is_down_says_why():
    server = Server(config=os.path.join(HERE, "down.yml"))
    state = until(lambda: [t for t in json.loads(get(server, "/api/v1/targets")[1])["data"]["activeTargets"]
                           if t["health"] == "down"], "the target is seen to be down")
    assert "refused" in state[0]["lastError"], state
    until(lambda: query(server, "up")["data"]["result"], "up is stored")
    assert query(server, "up")["data"]["result"][0]["value"][1] == "0"
    status, log = server.stop()
    assert status == 0 and log.count("is down") == 1, log


def test_reload():
    server = Server(args=["--web.enable-lifecycle"])
    jobs = lambda: json.loads(get(server, "/api/v1/scrape_pools")[1])["data"]["scrapePools"]

    def post(path):
        c = server.connect()
        c.request("POST", path)
        r = c.getresponse()
        return r.status, r.read().decode()

    def scrapes():
        return int(query(server, "count_over_time(up{job='one'}[1h])")["data"]["result"][0]["value"][1])

    assert jobs() == []
    with open(server.config, "w") as f:
        f.write("scrape_configs:\n- job_name: one\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['127.0.0.1:1']\n")
    assert post("/-/reload") == (200, "")
    assert jobs() == ["one"]
    until(lambda: query(server, "up{job='one'}")["data"]["result"], "the new job is scraped")
    with open(server.config, "w") as f:
        f.write("scrape_configs:\n- job_name: two\n  no_such_key: 1\n")
    status, text = post("/-/reload")
    assert status == 500 and text.startswith("failed to reload config: ") and ":3: " in text, (status, text)
    assert jobs() == ["one"]
    before = scrapes()
    until(lambda: scrapes() > before, "the job of the last good configuration is scraped on")
    with open(server.config, "w") as f:
        f.write("scrape_configs:\n- job_name: three\n")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: jobs() == ["three"], "SIGHUP reloads")
    assert post("/-/quit")[0] == 200
    assert server.process.wait(TIMEOUT_S) == 0
    server.stop()


# ---- compaction in the background ----------------------------------------------------------------

EVERY_SECOND = ["--storage.tsdb.min-block-duration=1s", "--storage.tsdb.block-reload-interval=1s"]


def pm(server, *args):
    return subprocess.run([PM, "-d", server.store, *args], check=True, capture_output=True, text=True, timeout=TIMEOUT_S).stdout


def test_the_head_is_sealed_and_merged_while_scrapes_go_on():
    server = Server(config=os.path.join(HERE, "down.yml"), args=EVERY_SECOND)
    held = lambda: int(query(server, "count_over_time(up[1h])")["data"]["result"][0]["value"][1])
    until(lambda: counter(server, "prometheus_tsdb_blocks_loaded") >= 1, "a segment is there")
    until(lambda: counter(server, "prometheus_tsdb_head_truncations_total") >= 3, "it is done again and again")
    before = held()
    until(lambda: held() > before, "scrapes go on")
    assert counter(server, "prometheus_tsdb_compactions_failed_total") == 0
    assert counter(server, "prometheus_tsdb_time_retentions_total") == 0
    count, stored = held(), counter(server, "pm_scrapes_total")
    assert before <= count <= stored, (before, count, stored)
    assert "sound" in pm(server, "inspect", "--verify")
    status, log = server.stop()
    assert status == 0 and "compaction" not in log, log


def test_retention_deletes_what_is_old():
    server = Server(SMALL, args=EVERY_SECOND + ["--storage.tsdb.retention=30d"])
    until(lambda: counter(server, "prometheus_tsdb_time_retentions_total") == 1, "samples of 2001 are deleted")
    assert query(server, "temperature", 1000000300)["data"]["result"] == []
    status, log = server.stop()
    assert status == 0 and "deprecated" in log and "retention deleted 1 segment\n" in log, log


def test_retention_of_the_configuration_counts_after_a_reload():
    server = Server(SMALL, args=EVERY_SECOND + ["--storage.tsdb.retention.time=200y", "--web.enable-lifecycle"])
    until(lambda: counter(server, "prometheus_tsdb_blocks_loaded") == 1, "the import is sealed")
    assert len(query(server, "temperature", 1000000300)["data"]["result"]) == 2
    with open(server.config, "w") as f:
        f.write("storage: {tsdb: {retention: {size: 1B}}}\n")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: counter(server, "prometheus_tsdb_size_retentions_total") == 1, "the segment is deleted")
    assert b'"storageRetention":"200y or 1B"' in get(server, "/api/v1/status/runtimeinfo")[1]
    server.stop()


def test_a_damaged_segment_is_told_and_the_rest_is_served():
    server = Server(SMALL, args=EVERY_SECOND + ["--storage.tsdb.retention.time=200y"])
    until(lambda: counter(server, "prometheus_tsdb_blocks_loaded") == 1, "the import is sealed")
    segment = [f for f in os.listdir(server.store) if f.startswith("segment.")][0]
    with open(os.path.join(server.store, segment), "r+b") as f:
        f.seek(-8, os.SEEK_END)
        f.write(b"\xff" * 8)
    answer = query(server, "temperature", 1000000300)
    assert answer["status"] == "success" and answer["data"]["result"] == [], answer
    assert b'"corruptionCount":1' in get(server, "/api/v1/status/runtimeinfo")[1]
    subprocess.run([PM, "-d", server.store, "import", SMALL], check=True, stdout=subprocess.DEVNULL)
    assert len(query(server, "temperature", 1000000300)["data"]["result"]) == 2
    status, log = server.stop()
    assert status == 0 and log.count(segment) == 1, log


def test_a_snapshot_over_http_is_a_store():
    server = Server(SMALL, args=["--web.enable-admin-api"])
    c = server.connect()
    c.request("POST", "/api/v1/admin/tsdb/snapshot")
    name = json.loads(c.getresponse().read())["data"]["name"]
    copy = os.path.join(server.store, "snapshots", name)
    digest = lambda d: subprocess.run([PM, "-d", d, "inspect", "--digest"], check=True, capture_output=True, text=True).stdout
    assert digest(copy) == digest(server.store)
    server.stop()


# ---- answers -------------------------------------------------------------------------------------


def test_large_answers_are_gzipped_when_asked_for():
    server = Server(SMALL)
    path = "/api/v1/query_range?query=temperature&start=1000000000&end=1000000600&step=0.5"
    plain, plain_body = get(server, path)
    packed, packed_body = get(server, path, {"Accept-Encoding": "gzip"})
    assert plain.getheader("Content-Encoding") is None and packed.getheader("Content-Encoding") == "gzip"
    assert len(packed_body) < len(plain_body) and gzip.decompress(packed_body) == plain_body
    small, _ = get(server, "/api/v1/query?query=1", {"Accept-Encoding": "gzip"})
    assert small.getheader("Content-Encoding") is None
    server.stop()


def test_one_connection_many_requests():
    server = Server(SMALL)
    c = server.connect()
    c.connect()
    before = c.sock
    for i in range(500):
        body = get(server, "/api/v1/query?query=%d&time=1" % i, connection=c)[1]
        assert json.loads(body)["data"]["result"] == [1, str(i)]
    assert c.sock is before
    server.stop()


def test_many_clients_get_their_own_answers():
    server = Server(SMALL)
    wrong = []

    def client(k):
        c = server.connect()
        for i in range(200):
            r, body = get(server, "/api/v1/query?query=%d%%2Btemperature&time=1000000300" % (k * 1000 + i), connection=c)
            got = [float(s["value"][1]) for s in json.loads(body)["data"]["result"]]
            if r.status != 200 or got != [k * 1000 + i + 40.5, k * 1000 + i + 7.75]:
                wrong.append((k, i, body))

    threads = [threading.Thread(target=client, args=(k,)) for k in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    status, log = server.stop()
    assert not wrong and status == 0, (wrong[:3], log)


# ---- clients that misbehave ----------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order():
    server = Server()
    s = raw(server, b"GET /api/v1/query?query=1&time=1 HTTP/1.1\r\nHost: x\r\n\r\n"
                    b"GET /api/v1/query?query=2&time=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    out = read_all(s)
    assert out.index(b'"result":[1,"1"]') < out.index(b'"result":[1,"2"]'), out
    server.stop()


def test_garbage_is_refused_and_harms_nobody():
    server = Server()
    for data in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 100,
                 b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 50000 + b"\r\n",
                 b"POST /api/v1/query HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                 b"POST /api/v1/query HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"):
        s = raw(server, data, timeout=2)
        try:
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = read_all(s)
        assert b" 200 " not in answer, (data[:40], answer)
    assert get(server, "/-/healthy")[0].status == 200
    status, log = server.stop()
    assert status == 0, log


def test_a_body_that_is_too_large_is_not_read():
    server = Server()
    s = raw(server, b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                    b"Content-Length: 20000000\r\n\r\nquery=")
    assert b" 413 " in read_all(s)

    s = raw(server, b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                    b"Content-Type: application/x-www-form-urlencoded\r\n\r\n")
    piece = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
    try:
        for _ in range(64):
            s.sendall(piece)
        assert False, "64 MiB of a body were taken"
    except OSError:
        s.close()  # closed by the server while we were sending
    assert get(server, "/-/healthy")[0].status == 200
    server.stop()


def test_a_chunked_form_is_read():
    server = Server()
    s = raw(server, b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
                    b"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\r\n"
                    b"8\r\nquery=4%\r\n9\r\n2B1&time=\r\n1\r\n7\r\n0\r\n\r\n")
    assert b'"result":[7,"5"]' in read_all(s)
    server.stop()


def test_slow_clients_do_not_hold_up_others():
    server = Server()
    slow = [raw(server, b"GET /api/v1/query?query=1 HTTP/1.1\r\nHost:") for _ in range(32)]
    for _ in range(50):
        assert get(server, "/-/healthy")[0].status == 200
    for s in slow:
        s.close()
    status, log = server.stop()
    assert status == 0, log


# A question that would take many seconds, in pieces of some milliseconds between which it can be interrupted.
LONG = urllib.parse.urlencode({"query": " + ".join("count_over_time(temperature[1h:5ms] offset %ds)" % i for i in range(200)),
                               "time": 1000000600})


def counter(server, name):
    page = get(server, "/metrics")[1].decode()
    lines = [l for l in page.split("\n") if l.startswith(name + " ")]
    return float(lines[0].split()[1]) if lines else 0


def ask_long(server):
    return raw(server, ("POST /api/v1/query HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n"
                        "Content-Type: application/x-www-form-urlencoded\r\n\r\n%s" % (len(LONG), LONG)).encode())


def wait_for_queries(server, n):
    until(lambda: counter(server, "prometheus_engine_queries") >= n, "%d queries run" % n)


def test_a_client_that_hangs_up_ends_its_query():
    server = Server(SMALL)
    s = ask_long(server)
    wait_for_queries(server, 1)
    s.close()
    until(lambda: counter(server, 'prometheus_http_requests_total{code="499",handler="/api/v1/query"}') == 1,
          "the query is canceled")
    status, log = server.stop()
    assert status == 0, log


def test_a_stop_cancels_queries():
    server = Server(SMALL)
    clients = [ask_long(server) for _ in range(3)]
    wait_for_queries(server, 3)
    status, log = server.stop()
    answers = [read_all(s) for s in clients]
    assert status == 0, (status, log)
    assert all(b'"errorType":"canceled"' in a for a in answers), answers


def test_timeout_of_a_query():
    server = Server(SMALL, args=["--query.timeout=1ms"])
    answer = read_all(ask_long(server))
    server.stop()
    assert b" 503 " in answer and b'"errorType":"timeout"' in answer, answer


def test_more_queries_than_may_run_at_once_all_get_answers():
    server = Server(SMALL, args=["--query.max-concurrency=1"])
    statuses = []

    def client(k):
        r, body = get(server, "/api/v1/query_range?query=temperature%%2B%d&start=1000000000&end=1000000600&step=1" % k)
        statuses.append(r.status)

    threads = [threading.Thread(target=client, args=(k,)) for k in range(24)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    server.stop()
    assert statuses == [200] * 24, statuses


def run():
    passed = failed = 0
    for name, test in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            passed += 1
        except Exception:
            failed += 1
            print("FAILED: %s" % name[5:].replace("_", " "))
            print("\t" + traceback.format_exc(limit=-3).strip().replace("\n", "\n\t"))
    return passed, failed
