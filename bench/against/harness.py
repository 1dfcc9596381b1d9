"""The harness that measures all three systems is not ours: it is found beside the project, as the tests' shared data are
(PM_SHARED, by itself ../shared). Here it is loaded and told how pm is started."""
import importlib.util
import os
import shutil
import sys
import types

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
PM = os.path.join(BUILD, "pm")
FOLDER = os.path.join(os.environ.get("PM_SHARED", os.path.join(ROOT, "..", "shared")), "peerbench")
PEERS = {"prometheus": ["prometheus", "promtool"], "victoriametrics": ["victoria-metrics"]}  # and their programs

ADAPTER = {
    "bin": PM,
    "start": ["{bin}", "-d", "{data}", "serve", "--config.file={config}", "--listen", "127.0.0.1:{port}"],
    "ready": "/-/ready",
    "version": ["{bin}", "--version"],
    "disk": {"head": ["head*"], "segments": ["segment*", "manifest*", "meta"]},
    "flush": [],
    "metrics": "/metrics",
}


def load():
    """The harness as a module, or None with a message."""
    path = os.path.join(FOLDER, "peerbench.py")
    if not os.path.isfile(path):
        print("skip: no harness here (peerbench/peerbench.py in PM_SHARED, ../shared)")
        return None
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("peerbench", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def systems():
    """pm and the peers that are installed; says which are not."""
    there = ["pm"]
    for peer, programs in PEERS.items():
        missing = [p for p in programs if not shutil.which(p)]
        if missing:
            print("skip %s: no %s here (Debian's package)" % (peer, missing[0]))
        else:
            there.append(peer)
    return there


def settings(harness, options):
    """What the harness's functions take as their only argument."""
    return types.SimpleNamespace(
        data=options.data, sys=dict(harness.SYSTEMS, pm=ADAPTER), systems=systems(), hours=options.hours,
        instances=options.instances, port=19400, exporter_port=19300, targets=10, containers=500, interval="5s",
        duration=options.duration, warm=options.duration / 2, starts=1, rw_hours=1, tag="", only=None)
