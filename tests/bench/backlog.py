"""backlog.py - what waits: its memory, and how fast it drains"""
import signal
import statistics
import time

from observe import (Invalid, cpu_seconds, cpu_since, pss_mib, wait_for,
                     wakeups)
from stage import SINK, Belfry, Sink, channel


def backlog(bench):
    # So slow that everything waits, until a reload takes that back.
    sink = Sink(bench.ceiling, SINK)
    daemon = Belfry(bench.build, channel(more="rate 1/h;"))
    try:
        daemon.start()
        time.sleep(2)
        idle = pss_mib(daemon.process.pid)
        before = wakeups(daemon.process.pid)
        time.sleep(10)
        bench.row("idle: sleeps in 10 s of all processes",
                 wakeups(daemon.process.pid) - before, "", "", "none")
        bench.row("idle: memory (PSS)", f"{idle:.0f} MiB", "", "",
                 "at most 24 MiB")
        fed = most = 0
        for count in bench.waiting:
            bench.feed(count - fed, "-B", "50", "-c", "16")
            most = max(most, count - fed)
            fed = count
            time.sleep(2)
            waiting = daemon.waiting()
            if waiting < fed - 1:
                raise Invalid(f"of {fed} only {waiting} wait")
            bench.row(f"memory with {count:,} waiting, above idle",
                     f"{pss_mib(daemon.process.pid) - idle:.0f} MiB", "",
                     "", "at most 48 MiB")
        drain(bench, daemon, sink, fed, most)
    finally:
        daemon.stop()
        sink.stop()


def drain(bench, daemon, sink, count, most):
    cpu = cpu_seconds(daemon.process.pid)
    start = time.monotonic()
    daemon.configure(channel())
    daemon.process.send_signal(signal.SIGHUP)
    wait_for("the backlog drains",
             lambda: sink.stats()["ok"] >= count, 600)
    took = time.monotonic() - start
    cpu = cpu_since(cpu, daemon.process.pid)
    bench.arrived_once(sink, count, most)
    sink.stop()
    runs = [bench.multi() for _ in range(bench.rounds)]
    ceiling = statistics.median(float(r["req_per_s"]) for r in runs)
    bench.row(f"drain of {count:,} waiting: deliveries/s, beside libcurl",
             f"{count / took:,.0f}", f"{ceiling:,.0f}",
             f"{count / took / ceiling:.2f}", "at least 0.75")
    bench.row("drain: CPU a delivery, all processes",
             f"{cpu / count * 1e6:.0f} us", "", "", "")
