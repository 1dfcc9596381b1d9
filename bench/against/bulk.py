"""Loading text in bulk, and an hour of pages of Debian's exporters: CPU seconds and bytes per sample."""
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.request

import harness

STEP_S = 15  # of recorded pages' timestamps, however fast they were taken


# ---- the harness's data set ----------------------------------------------------------------------

def load_pm(h, a, samples):
    """pm by its own commands: each part file imported, then everything sealed and merged."""
    data = os.path.join(a.data, "pm", "bulk")
    shutil.rmtree(data, ignore_errors=True)
    os.makedirs(data)
    loads = [h.run_child([harness.PM, "-d", data, "import", part]) for part in h.parts(a)]
    merge = h.run_child([harness.PM, "-d", data, "compact", "--force"])
    load_s = sum(l["cpu_s"] for l in loads)
    h.save(a, ["bulk", "pm"], {
        "samples": samples,
        "load_wall_s": round(sum(l["wall_s"] for l in loads), 1),
        "load_cpu_s": round(load_s, 2),
        "merge_cpu_s": round(merge["cpu_s"], 2),
        "load_maxrss_mb": round(max(l["maxrss_mb"] for l in loads)),
        "cpu_s_per_M_load": round(load_s / samples * 1e6, 3),
        "cpu_s_per_M_incl_merge": round((load_s + merge["cpu_s"]) / samples * 1e6, 3),
        "bytes_per_sample_merged": h.per(h.disk(harness.ADAPTER, data), samples),
    })


# ---- recorded pages ------------------------------------------------------------------------------

EXPORTERS = {  # Debian's packages: program, options; {port} is replaced
    "node": ["prometheus-node-exporter", "--web.listen-address=127.0.0.1:{port}"],
    "pushgateway": ["prometheus-pushgateway", "--web.listen-address=127.0.0.1:{port}"],
    "prometheus": ["prometheus", "--config.file={config}", "--storage.tsdb.path={data}",
                   "--web.listen-address=127.0.0.1:{port}"],
    "victoria-metrics": ["victoria-metrics", "-storageDataPath={data}", "-httpListenAddr=127.0.0.1:{port}"],
}


class Recorder(threading.Thread):
    """Takes a page of each exporter every so often while the other measurements keep the machine busy, and writes them as
    text with timestamps 15 s apart, labels as a scrape gives them."""

    def __init__(self, folder, pages, every_s, start_s, port=19350):
        super().__init__(daemon=True)
        self.folder, self.pages, self.every_s, self.start_s = folder, pages, every_s, start_s
        self.path = os.path.join(folder, "recorded.om")
        self.samples = self.series = 0
        self.processes, self.ports = [], {}
        os.makedirs(folder, exist_ok=True)
        config = os.path.join(folder, "empty.yml")
        open(config, "w").close()
        for i, (name, argv) in enumerate(EXPORTERS.items()):
            if not shutil.which(argv[0]):
                continue
            data = os.path.join(folder, name)
            argv = [x.format(port=port + i, config=config, data=data) for x in argv]
            self.processes.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            self.ports[name] = port + i

    def page(self, name, t_s):
        url = "http://127.0.0.1:%d/metrics" % self.ports[name]
        labels = 'instance="host:%d",job="%s"' % (self.ports[name], name)
        for line in urllib.request.urlopen(url, timeout=10).read().decode().splitlines():
            m = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", line)
            if m:
                self.samples += 1
                own = "," + re.sub(r'",\s+', '",', m[2].rstrip(",")) if m[2] else ""  # some put spaces between
                yield "%s{%s%s} %s %d\n" % (m[1], labels, own, m[3], t_s)

    def run(self):
        wait_until(lambda: all(answers(p) for p in self.ports.values()))
        due = time.monotonic()
        with open(self.path, "w") as out:
            for i in range(self.pages):
                before = self.samples
                for name in self.ports:
                    out.writelines(self.page(name, self.start_s + i * STEP_S))
                self.series = self.samples - before
                due += self.every_s
                time.sleep(max(0, due - time.monotonic()))
            out.write("# EOF\n")

    def stop(self):
        for p in self.processes:
            p.kill()
            p.wait()


def answers(port):
    try:
        return urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=10).status == 200
    except OSError:
        return False


def wait_until(true, limit_s=60):
    end = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > end:
            raise SystemExit("bench-peers: an exporter does not answer")
        time.sleep(0.1)


def store_recorded(h, a, name, path):
    """The same file to each system; bytes per sample of what it then has."""
    data = os.path.join(a.data, name, "recorded")
    shutil.rmtree(data, ignore_errors=True)
    os.makedirs(data)
    if name == "pm":
        h.run_child([harness.PM, "-d", data, "import", path])
        h.run_child([harness.PM, "-d", data, "compact", "--force"])
    elif name == "prometheus":
        h.run_child(["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q", path, data])
    else:
        server = h.Server(name, a.sys[name], data, a.port)
        h.post_file(a.port, "/api/v1/import/prometheus", path)
        server.flush()
        h.quiet(server, 3)
        server.stop()
    return h.disk(a.sys[name], data)


def recorded(h, a, recorder):
    recorder.join()
    recorder.stop()
    for name in a.systems:
        h.save(a, ["recorded", name], {
            "samples": recorder.samples, "series": recorder.series, "pages": recorder.pages,
            "exporters": list(recorder.ports),
            "bytes_per_sample": h.per(store_recorded(h, a, name, recorder.path), recorder.samples)})
