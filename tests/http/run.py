#!/usr/bin/env python3
"""Run the HTTP dialogues in tests/http/*.http against `pm serve` and end with `N passed, N failed`.

    tests/http/run.py [-u] [FILE...]      the binary is $PM (build/pm); -u writes the JSON that came back into the file;
                                          behaviour.py, where the other tests are, is a FILE too

One server a file, on a free port and an empty directory. A file is lines of `key: value`; `#` begins a comment.

    data: FILE            loaded by `pm import` first; a path beside this file
    config: FILE          for `pm serve -c` (default: nothing to scrape); $ADDR in it is the server's address
    args: OPTIONS         more options of `pm serve`

    test: what must hold            begins a test; its requests share one connection
    > POST /api/v1/query            a request; more `>` lines are its headers
    body: query=up&time=100         makes it a form, unless it has a Content-Type
    < 400                           the expected status; more `<` lines are expected headers, `<! Name` an absent one
    json: {"status": ...}           the expected body, as JSON
    exact: {"status":"succ...       the expected body, byte for byte
    text: 404 page not found\\n      the same, with \\n and \\t for these characters
    contains: part                  the body has this part; `lacks:` the opposite
"""
import http.client
import json
import os
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PM = os.environ.get("PM", os.path.join(HERE, "../../build/pm"))
TIMEOUT_S = 60
SHOWN_MAX = 1000  # characters of an answer in a complaint


class Server:
    """A running `pm serve`; also what tests/http/behaviour.py starts."""

    def __init__(self, data=None, config=None, args=()):
        self.dir = tempfile.TemporaryDirectory(prefix="pm-http-")
        self.store = os.path.join(self.dir.name, "data")
        if data:
            subprocess.run([PM, "-d", self.store, "import", data], check=True, stdout=subprocess.DEVNULL)
        text = "global:\n  scrape_interval: 1h\n"
        if config:
            with open(config) as f:
                text = f.read()
        self.config = os.path.join(self.dir.name, "pm.yml")
        with open(self.config, "w") as f:
            f.write(text)
        self.process = subprocess.Popen([PM, "-d", self.store, "serve", "-c", self.config, "--listen", "127.0.0.1:0", *args],
                                        stderr=subprocess.PIPE, text=True)
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            if "listening on http://" in line:
                self.addr = line.split("http://")[1].split(",")[0].strip()
                break
        else:
            raise RuntimeError("pm serve did not start: " + "".join(self.log))

    def connect(self):
        return http.client.HTTPConnection(self.addr, timeout=TIMEOUT_S)

    def stop(self, signal=None):
        """Returns the exit status and what it wrote to stderr."""
        if self.process.poll() is None:
            self.process.send_signal(signal) if signal else self.process.terminate()
        try:
            _, rest = self.process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.dir.cleanup()
        return self.process.returncode, "".join(self.log) + (rest or "")


class Exchange:
    def __init__(self, method, target, line):
        self.method, self.target, self.line = method, target, line
        self.headers, self.body = {}, None
        self.status, self.expected, self.checks = None, [], []


def parse(path):
    """Settings of the file, and tests: (name, exchanges)."""
    settings, tests = {"args": ""}, []
    with open(path) as f:
        lines = f.read().split("\n")
    for n, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("> "):
            words = line[2:].split(" ", 1)
            if words[0].isupper() and not words[0].endswith(":"):
                tests[-1][1].append(Exchange(words[0], words[1], n))
            else:
                name, value = line[2:].split(":", 1)
                tests[-1][1][-1].headers[name] = value.strip()
            continue
        if line.startswith("<"):
            e = tests[-1][1][-1]
            if line[2:].isdigit():
                e.status = int(line[2:])
            else:
                e.expected.append(line[1:].strip())
            continue
        key, value = line.split(":", 1)
        value = value[1:] if value.startswith(" ") else value
        if key == "test":
            tests.append((value, []))
        elif key == "body":
            tests[-1][1][-1].body = value
        elif key in ("json", "exact", "text", "contains", "lacks"):
            tests[-1][1][-1].checks.append((key, value, n))
        elif key in ("data", "config", "args"):
            settings[key] = value
        else:
            sys.exit("%s:%d: what is '%s'?" % (path, n, key))
    return settings, tests, lines


def differences(e, response, body, addr):
    """What is not as expected, as lines."""
    if e.status is not None and response.status != e.status:
        yield "status is %d, not %d" % (response.status, e.status)
    for want in e.expected:
        if want.startswith("!"):
            if response.getheader(want[1:].strip()) is not None:
                yield "header %s is there: %s" % (want[1:].strip(), response.getheader(want[1:].strip()))
            continue
        name, value = want.split(":", 1)
        if response.getheader(name) != value.strip():
            yield "header %s is %r, not %r" % (name, response.getheader(name), value.strip())
    text = body.decode("utf-8", "replace")
    shown = text if len(text) < SHOWN_MAX else text[:SHOWN_MAX] + "..."
    for kind, value, _ in e.checks:
        value = value.replace("$ADDR", addr)
        if kind == "json":
            try:
                got = json.loads(text)
            except ValueError:
                got = text
            if got != json.loads(value):
                yield "body is  %s\n\tnot      %s" % (shown, value)
        elif kind == "exact" and text != value:
            yield "body is  %s\n\tnot      %s" % (shown, value)
        elif kind == "text" and text != value.replace("\\n", "\n").replace("\\t", "\t"):
            yield "body is  %r\n\tnot      %s" % (shown, value)
        elif kind == "contains" and value not in text:
            yield "body lacks %s: %s" % (value, shown)
        elif kind == "lacks" and value in text:
            yield "body has %s: %s" % (value, shown)


def ask(connection, e):
    headers = dict(e.headers)
    if e.body is not None and not any(h.lower() == "content-type" for h in headers):
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(e.method, e.target, body=e.body.encode() if e.body is not None else None, headers=headers)
    response = connection.getresponse()
    return response, response.read()


def run_file(path, update):
    settings, tests, lines = parse(path)
    beside = lambda name: name and os.path.join(os.path.dirname(path), name)
    server = Server(beside(settings.get("data")), beside(settings.get("config")), shlex.split(settings["args"]))
    passed = failed = 0
    for name, exchanges in tests:
        connection, wrong = server.connect(), []
        for e in exchanges:
            try:
                response, body = ask(connection, e)
            except (OSError, http.client.HTTPException) as x:
                wrong.append("line %d: %s %s: %r" % (e.line, e.method, e.target, x))
                break
            wrong += ["line %d: %s" % (e.line, d) for d in differences(e, response, body, server.addr)]
            if update:
                for kind, _, n in e.checks:
                    if kind == "json":
                        lines[n - 1] = "json: " + body.decode().replace(server.addr, "$ADDR")
        connection.close()
        if wrong:
            failed += 1
            print("%s: FAILED: %s" % (os.path.basename(path), name))
            for w in wrong:
                print("\t" + w)
        else:
            passed += 1
    status, log = server.stop()
    if status != 0:
        failed += 1
        print("%s: FAILED: pm serve ended with status %s\n%s" % (os.path.basename(path), status, log))
    if update:
        with open(path, "w") as f:
            f.write("\n".join(lines))
    return passed, failed


def run_one(path, update):
    if os.path.basename(path) == "behaviour.py":
        import behaviour
        return behaviour.run()
    return run_file(path, update)


def main():
    args = sys.argv[1:]
    update = "-u" in args
    files = [a for a in args if a != "-u"]
    if not files:
        files = sorted(os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith(".http") or f == "behaviour.py")
    totals = [0, 0]
    for path in files:
        for i, n in enumerate(run_one(path, update)):
            totals[i] += n
    print("%d passed, %d failed" % tuple(totals))
    return totals[1] != 0


if __name__ == "__main__":
    sys.exit(main())
