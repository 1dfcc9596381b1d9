"""Rows of figures with the ratio to the better peer, as a table that reads well as it is and as Markdown."""
import os
import subprocess
import time

import harness

HEAD = ["what", "pm", "Prometheus", "VictoriaMetrics", "pm / better peer", "target"]


def number(x):
    if x is None:
        return "-"
    if isinstance(x, str):
        return x
    return "%.0f" % x if abs(x) >= 1000 else "%.3g" % x


class Table:
    def __init__(self, title, note=""):
        self.title, self.note, self.rows = title, note, []

    def add(self, what, values, target="", more_is_better=False):
        """`values`: by system, None where there is none."""
        pm, peers = values.get("pm"), [v for k, v in values.items() if k != "pm" and v]
        better = (max if more_is_better else min)(peers) if peers else None
        ratio = "%.2f" % (pm / better) if pm is not None and better else "-"
        self.rows.append([what, number(pm), number(values.get("prometheus")), number(values.get("victoriametrics")), ratio,
                          target])

    def text(self):
        width = [max(len(r[i]) for r in [HEAD] + self.rows) for i in range(len(HEAD))]

        def line(cells):
            return "| " + " | ".join(c.ljust(w) if i in (0, 5) else c.rjust(w)
                                     for i, (c, w) in enumerate(zip(cells, width))) + " |"
        rule = "|" + "|".join("-" * (w + 1) + ("-" if i in (0, 5) else ":") for i, w in enumerate(width)) + "|"
        note = self.note + "\n\n" if self.note else ""
        return "## %s\n\n%s%s\n" % (self.title, note, "\n".join([line(HEAD), rule] + [line(r) for r in self.rows]))


def output(*argv):
    r = subprocess.run(argv, capture_output=True, text=True, cwd=harness.ROOT)
    return r.stdout.strip()


def field(path, name):
    with open(path) as f:
        return next((l.split(":", 1)[1].strip() for l in f if l.startswith(name)), "")


def preamble(a, samples):
    """Where and on what this was measured; no names of hosts."""
    versions = output("dpkg-query", "-W", "-f=${Package} ${Version}, ", "prometheus", "victoria-metrics").rstrip(", ")
    memory = int(field("/proc/meminfo", "MemTotal").split()[0]) >> 20
    changed = " and what was changed since" if output("git", "status", "--porcelain", "--untracked-files=no") else ""
    return ("# pm beside Debian's Prometheus and VictoriaMetrics\n\n"
            "%s, commit %s%s; %s; %d cores of %s, %d GiB; load average %.1f at the end.\n"
            "Written by `make bench-peers`: %d instances of 100 series, %d hours at 15 s: %.2f M samples.\n"
            "CPU is user and system of the process; a ratio below 1 is better for costs, above 1 for rates.\n"
            % (time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), output("git", "rev-parse", "--short", "HEAD"), changed,
               versions, os.cpu_count(), field("/proc/cpuinfo", "model name") or "an unnamed processor", memory,
               os.getloadavg()[0], a.instances, a.hours, samples / 1e6))
