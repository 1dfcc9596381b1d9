"""A file of OpenMetrics text with two hours of samples, the same for the same seed: counters that reset, gauges with NaN,
a histogram, a target with a gap, label values that need escapes.

Every 15 s three targets are scraped, each at an offset that is no whole number of seconds, so that no sample falls exactly
on the left boundary of a range whose query time is one: Prometheus 2.42 counts such a sample, 3.x does not. Counters start
high: how `rate` extrapolates towards zero next to a gap differs as well."""
import random

START = 1700006400  # a multiple of two hours, as block boundaries are
SECONDS = 7200
STEP = 15
OFFSETS = {"a:9100": 3.217, "b:9100": 7.901, "c:9100": 11.443}
GAP = ("b:9100", 2400, 3600)
LIMITS = ["0.1", "0.5", "1.0", "5.0", "+Inf"]


class Counter:
    def __init__(self, rng, integer):
        self.rng, self.integer = rng, integer
        self.value = rng.randrange(100000, 1000000) if integer else rng.uniform(1e4, 1e5)

    def next(self):
        if self.rng.random() < 0.004:
            self.value = 0 if self.integer else 0.0
        self.value += self.rng.randrange(0, 50) if self.integer else self.rng.random() * 15
        return self.value


class Gauge:
    def __init__(self, rng):
        self.rng, self.value = rng, rng.uniform(20, 60)

    def next(self):
        self.value += self.rng.gauss(0, 0.8)
        return "NaN" if self.rng.random() < 0.01 else round(self.value, 2)


class Steps:
    """A gauge of a few small integers, which compares equal now and then."""

    def __init__(self, rng):
        self.rng = rng

    def next(self):
        return self.rng.randrange(0, 4)


def series(rng):
    """{family: (type, [(instance, name and labels, source)])}; a histogram's source gives all of its samples."""
    out = {"http_requests": ("counter", []), "cpu_seconds": ("counter", []), "temperature_celsius": ("gauge", []),
           "replicas": ("gauge", []), "wanted_replicas": ("gauge", []), "build_info": ("gauge", [])}
    for instance in OFFSETS:
        at = 'instance="%s"' % instance
        for method in ("GET", "POST"):
            for code in ("200", "404", "500"):
                labels = '{%s,job="api",method="%s",code="%s"}' % (at, method, code)
                out["http_requests"][1].append((instance, "http_requests_total" + labels, Counter(rng, True)))
        for mode in ("idle", "user", "system"):
            labels = '{%s,cpu="0",mode="%s"}' % (at, mode)
            out["cpu_seconds"][1].append((instance, "cpu_seconds_total" + labels, Counter(rng, False)))
        for place in ('rack "1"', "b\\\\ck", "h\u00e4lfte"):
            labels = '{%s,place="%s"}' % (at, place.replace('"', '\\"'))
            out["temperature_celsius"][1].append((instance, "temperature_celsius" + labels, Gauge(rng)))
        for app in ("web", "db"):
            out["replicas"][1].append((instance, 'replicas{%s,app="%s"}' % (at, app), Steps(rng)))
            out["wanted_replicas"][1].append((instance, 'wanted_replicas{%s,app="%s",owner="x"}' % (at, app), Steps(rng)))
        out["build_info"][1].append((instance, 'build_info{%s,version="1.%d"}' % (at, len(instance)), None))
    return out


def times(instance):
    for t in range(0, SECONDS - STEP, STEP):
        if instance == GAP[0] and GAP[1] <= t < GAP[2]:
            continue
        yield "%.3f" % (START + t + OFFSETS[instance])


def histogram(rng, lines):
    lines.append("# TYPE latency_seconds histogram")
    for instance in OFFSETS:
        buckets, total = [rng.randrange(1000, 2000) for _ in LIMITS], 5000.0
        for t in times(instance):
            buckets = [b + rng.randrange(0, 9) for b in buckets]
            total += rng.random() * 9
            for i, le in enumerate(LIMITS):
                lines.append('latency_seconds_bucket{instance="%s",le="%s"} %d %s' % (instance, le, sum(buckets[:i + 1]), t))
            lines.append('latency_seconds_count{instance="%s"} %d %s' % (instance, sum(buckets), t))
            lines.append('latency_seconds_sum{instance="%s"} %r %s' % (instance, total, t))


def write(path, seed):
    rng = random.Random(seed)
    lines = []
    for family, (kind, members) in series(rng).items():
        lines += ["# HELP %s Made up, seed %d." % (family, seed), "# TYPE %s %s" % (family, kind)]
        for instance, name, source in members:
            lines += ["%s %s %s" % (name, source.next() if source else 1, t) for t in times(instance)]
    histogram(rng, lines)
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n# EOF\n")
    return sum(not line.startswith("#") for line in lines)
