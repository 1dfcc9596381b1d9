"""What the crash and stress tests share: running pm on one directory, pages whose lines all carry one number, and the
numbers that a store holds of them.

Page `n` of a job has WIDTH series, each with the value n. So a store that has a page has the number n exactly once in every
series; a page that is there twice, in half, or lost although its writer was told that it is committed, shows."""
import json
import os
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PM = os.environ.get("PM", os.path.join(ROOT, os.environ.get("BUILD", "build"), "pm"))
WIDTH = 20


class Wrong(Exception):
    """What the test is there to find."""


def page(n):
    return "".join('page{line="%d"} %d\n' % (i, n) for i in range(WIDTH))


def start(data, *args, **kw):
    return subprocess.Popen([PM, "-d", data] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)


def scrape(data, job, n):
    """A process that will store page n."""
    p = start(data, "scrape", "--job", job, "-", stdin=subprocess.PIPE)
    try:
        p.stdin.write(page(n))
        p.stdin.close()
    except BrokenPipeError:
        pass
    p.stdin = None
    return p


def finish(p, seconds=60):
    """Wait for a process; its output, or Wrong when it failed."""
    out, err = p.communicate(timeout=seconds)
    if p.returncode:
        raise Wrong("%s: status %d: %s" % (" ".join(p.args[3:]), p.returncode, err.strip()))
    return out


def query(data, expr, time="now", seconds=60):
    return json.loads(finish(start(data, "query", "-o", "json", "-t", time, "--", expr), seconds))["data"]["result"]


def sound(data):
    """Every checksum holds, and the files fit together."""
    p = start(data, "inspect", "--verify")
    out, err = p.communicate(timeout=60)
    if p.returncode:
        raise Wrong("%s: not sound: %s" % (data, (out + err).strip()[-500:]))


def pages(data, job):
    """The numbers of the pages of a job that the store holds, in the order of their times."""
    series = query(data, 'page{job="%s"}[1d]' % job)
    if not series:
        return []
    held = [[int(float(v)) for _, v in s["values"]] for s in series]
    if len(held) != WIDTH or any(h != held[0] for h in held):
        raise Wrong("job %s: half a page: %d series, of %s samples" % (job, len(held), sorted({len(h) for h in held})))
    times = [t for t, _ in series[0]["values"]]
    if len(set(held[0])) != len(held[0]) or sorted(set(times)) != times:
        raise Wrong("job %s: a page is there twice: %s" % (job, held[0]))
    return held[0]


def must_hold(data, job, committed, begun):
    """Every committed number is there once, and none that nobody wrote. Returns what is there."""
    held = set(pages(data, job))
    if not set(committed) <= held:
        raise Wrong("job %s: lost %s" % (job, sorted(set(committed) - held)[:10]))
    if not held <= set(begun):
        raise Wrong("job %s: nobody wrote %s" % (job, sorted(held - set(begun))[:10]))
    return held


def given_up(data, job):
    """How many scrapes of a job by pm serve failed, as they may on a busy machine: these pages are not there."""
    series = query(data, 'up{job="%s"}[1d]' % job)
    return sum(float(v) == 0 for s in series for _, v in s["values"])


def end(passed, wrong):
    for w in wrong:
        print("FAILED " + w)
    print("%d passed, %d failed" % (passed, len(wrong)))
    sys.exit(bool(wrong))
