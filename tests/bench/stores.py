"""stores.py - belfry on a store that holds much already

The stores are written by storebench, by the store's own code and not by way
of a daemon, in minutes.
"""
import subprocess
import threading
import time

from observe import Invalid, cpu_seconds, cpu_since, pss_mib, wait_for
from stage import SINK, Belfry, Sink, channel

RETENTION_MS = 30 * 86400 * 1000  # the default
A_MS = 20  # events that storebench makes of a millisecond
POSTED = 30000


class Peak(threading.Thread):
    """The highest memory of a process tree, in MiB, sampled as it runs."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.mib, self.ended = root, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.1):
            self.mib = max(self.mib, pss_mib(self.root))

    def stop(self):
        self.ended.set()
        self.join()
        return self.mib


def fill(bench, daemon, count, first_ms, *options):
    """Has storebench write the store of a daemon that is not started."""
    answer = subprocess.run(
        [f"{bench.build}/tests/bench/storebench", "-d",
         f"{daemon.directory}/state", "-n", str(count), "-b", "1000",
         "-t", str(first_ms), *options], capture_output=True, text=True)
    if answer.returncode:
        raise Invalid(f"storebench: {answer.stderr}")


def recovery(bench):
    """A start on what waited: how long until it listens and until the first
    arrives, how fast the rest follows, and the memory meanwhile."""
    for count in bench.backlogs:
        sink = Sink(bench.ceiling, SINK)
        daemon = Belfry(bench.build, channel())
        try:
            fill(bench, daemon, count,
                 int(time.time() * 1000) - count // A_MS - 1000, "-w", "-s")
            began = time.monotonic()
            daemon.start()
            listens = time.monotonic() - began
            peak = Peak(daemon.process.pid)
            wait_for("the first arrives", lambda: sink.stats()["ok"] > 0, 60)
            first = time.monotonic()
            early = sink.stats()["ok"]
            cpu = cpu_seconds(daemon.process.pid)
            wait_for("the backlog drains",
                     lambda: sink.stats()["ok"] >= count, 1200)
            rate = (count - early) / (time.monotonic() - first)
            cpu = cpu_since(cpu, daemon.process.pid) / (count - early)
            time.sleep(0.5)  # one that is delivered twice may come late
            memory, got = peak.stop(), sink.stats()["ok"]
        finally:
            daemon.stop()
            sink.stop()
        if got != count:
            raise Invalid(f"of {count} arrived {got}")
        ceiling = float(bench.multi()["req_per_s"])
        name = f"start on {count:,} waiting"
        bench.row(f"{name}: until it listens", f"{listens:.2f} s", "", "", "")
        bench.row(f"{name}: until the first arrives",
                  f"{first - began:.2f} s", "", "", "")
        bench.row(f"{name}: deliveries/s, beside libcurl", f"{rate:,.0f}",
                  f"{ceiling:,.0f}", f"{rate / ceiling:.2f}",
                  "at least 0.75")
        bench.row(f"{name}: CPU a delivery, all processes",
                  f"{cpu * 1e6:.0f} us", "", "", "")
        bench.row(f"{name}: peak memory (PSS)", f"{memory:.0f} MiB", "", "",
                  "at most 72 MiB")


def growth(bench):
    """The same job on stores of more and more finished deliveries, whose
    oldest are due to be deleted all the while."""
    least = None
    for count in (1000, *bench.finished):
        sink = Sink(bench.ceiling, SINK)
        daemon = Belfry(bench.build, channel())
        try:
            fill(bench, daemon, count,
                 int(time.time() * 1000) - RETENTION_MS - 1000)
            before = time.monotonic()
            daemon.start()
            started = time.monotonic() - before
            kept = daemon.kept_events()
            cpu = cpu_seconds(daemon.process.pid)
            began = time.monotonic()
            bench.feed(POSTED, "-c", "64")
            wait_for("all arrives",
                     lambda: sink.stats()["distinct"] >= POSTED, 120)
            rate = POSTED / (time.monotonic() - began)
            cpu = cpu_since(cpu, daemon.process.pid) / POSTED * 1e6
            deleted = kept + POSTED - daemon.kept_events()
        finally:
            daemon.stop()
            sink.stop()
        name = f"single events, {count:,} finished in the store"
        least = least or (rate, cpu)
        bench.row(f"{name}: events/s, beside an empty one", f"{rate:,.0f}",
                  f"{least[0]:,.0f}", f"{rate / least[0]:.2f}", "")
        bench.row(f"{name}: CPU an event, beside an empty one "
                  f"({deleted:,} deleted meanwhile)", f"{cpu:.0f} us",
                  f"{least[1]:.0f} us", f"{cpu / least[1]:.2f}", "")
        bench.row(f"{name}: start", f"{started:.2f} s", "", "", "")
