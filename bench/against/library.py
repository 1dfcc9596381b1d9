"""The benchmarks in C of the library itself: their lines, by what stands first in them."""
import os
import re
import subprocess

import harness


def run(name, *args):
    """{what: (number, the line's rest)} of a benchmark's lines."""
    out = subprocess.run([os.path.join(harness.BUILD, "bench", name), *args], capture_output=True, text=True, check=True)
    found = {}
    for line in out.stdout.splitlines():
        m = re.match(r"(.{40,}?) +(-?[\d.]+) (.*)", line)
        if m:
            found[m[1].strip()] = (float(m[2]), m[3].strip())
    return found


def all_of(hours):
    """Merging a day is shown by a tenth of the series: bytes per sample hardly depend on their number."""
    found = {}
    for name, args in (("bench_store", []), ("bench_append", []), ("bench_open", []), ("bench_written", [str(hours)])):
        print("  %s" % name, flush=True)
        found.update(run(name, *args))
    print("  bench_written, a day", flush=True)
    day = run("bench_written", "26", "100")
    return dict(found, **{"a day: " + what: day[what] for what in ("simulated", "sealed and merged, pages")})
