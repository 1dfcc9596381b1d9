"""What the comparisons share: finding and starting the peers, asking HTTP servers, comparing answers, counting.

Servers listen on free ports of the loopback and end with the test. Nothing here knows PromQL: answers are compared as
sets of series by labels, values as text or within 1e-12 of each other, since sums may be taken in another order."""
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PM = os.environ.get("PM", os.path.join(ROOT, os.environ.get("BUILD", "build"), "pm"))
RELATIVE = 1e-12

passed = failed = 0


def need(*programs):
    """End the test with a message where a peer is not installed."""
    for p in programs:
        if not shutil.which(p):
            print("skip: no %s here (Debian's package of that name)" % p)
            print("0 passed, 0 failed, 1 skipped")
            sys.exit(0)


def check(name, ok, detail=""):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAILED %s\n    %s" % (name, detail))
    return ok


def summary():
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Scratch:
    """A temporary directory and the processes started in it; all gone at the end of the with block."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="pm-peers-")
        self.processes = []
        return self

    def __exit__(self, *exc):
        for p in self.processes:
            p.kill()
            p.wait()
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, text=None):
        path = os.path.join(self.path, name)
        if text is not None:
            with open(path, "w") as f:
                f.write(text)
        return path

    def start(self, *command):
        log = open(self.file(os.path.basename(command[0]) + ".log"), "ab")
        p = subprocess.Popen(command, cwd=self.path, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(p)
        return p

    def prometheus(self, config, data):
        """Debian's Prometheus on a data directory; returns its base URL once it answers."""
        port = free_port()
        self.start("prometheus", "--config.file=" + config, "--storage.tsdb.path=" + data, "--log.level=warn",
                   "--storage.tsdb.retention.time=100y", "--web.listen-address=127.0.0.1:%d" % port)
        return self.ready(port, "prometheus")

    def pm_serve(self, data, *args):
        port = free_port()
        self.start(PM, "-d", data, "serve", "--listen", "127.0.0.1:%d" % port, *args)
        return self.ready(port, "pm")

    def ready(self, port, name):
        url = "http://127.0.0.1:%d" % port
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up and self.processes[-1].poll() is None:
            try:
                if urllib.request.urlopen(url + "/-/ready", timeout=5).status == 200:
                    return url
            except OSError:
                time.sleep(0.05)
        with open(self.file(name + ".log"), errors="replace") as f:
            print("%s did not get ready:\n%s" % (name, f.read()[-2000:]))
        check(name + " starts", False)
        summary()


def run(*command, **kw):
    """A command that must succeed; its standard output."""
    p = subprocess.run(command, capture_output=True, text=True, **kw)
    if p.returncode:
        print("FAILED %s\n    status %d: %s" % (" ".join(command), p.returncode, p.stderr.strip()[-1000:]))
        global failed
        failed += 1
        summary()
    return p.stdout


def ask(url, path, **params):
    """The `data` of an API call."""
    query = urllib.parse.urlencode(params, doseq=True)
    with urllib.request.urlopen("%s%s?%s" % (url, path, query), timeout=60) as r:
        return json.load(r)["data"]


def close(a, b):
    """Two sample values, as text."""
    if a == b:
        return True
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return math.isfinite(x) and math.isfinite(y) and abs(x - y) <= RELATIVE * max(abs(x), abs(y))


def points(data):
    """{labels: [(time, value), ...]} of any result."""
    if data["resultType"] == "scalar":
        return {"": [data["result"]]}
    return {json.dumps(s["metric"], sort_keys=True): s.get("values") or [s["value"]] for s in data["result"]}


def difference(ours, theirs):
    """None when two results are equal, else where they differ."""
    if ours["resultType"] != theirs["resultType"]:
        return "%s, not %s" % (ours["resultType"], theirs["resultType"])
    a, b = points(ours), points(theirs)
    if len(a) != len(ours["result"]) and ours["resultType"] != "scalar":
        return "a series stands twice"
    for labels in sorted(set(a) ^ set(b)):
        return "%s only in %s" % (labels, "pm" if labels in a else "the peer")
    for labels in sorted(a):
        if [t for t, _ in a[labels]] != [t for t, _ in b[labels]]:
            return "%s: %d points, not %d, or at other times" % (labels, len(a[labels]), len(b[labels]))
        for (t, v), (_, w) in zip(a[labels], b[labels]):
            if not close(v, w):
                return "%s at %s: %s, not %s" % (labels, t, v, w)
    return None
