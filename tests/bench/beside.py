"""beside.py - a healthy endpoint beside others that are dead or fail"""
import contextlib
import socket
import statistics
import threading

from observe import Invalid, wait_for
from stage import SINK, Belfry, Sink, channel


def beside(bench):
    tenants = "\n".join(
        f"tenant {name} {{ {channel(port, name)} }}\n"
        f"token {name} {{ value token-of-{name}-0123456789; "
        f"tenant {name}; scope ingest; }}"
        for name, port in (("silent", 9001), ("failing", 9002)))
    daemon = Belfry(bench.build, channel() + tenants)
    with contextlib.ExitStack() as stack:
        stack.callback(daemon.stop)
        silent = stack.enter_context(
            socket.create_server(("127.0.0.1", 9001), backlog=256))
        threading.Thread(target=lambda: hold(silent, []),
                         daemon=True).start()
        failing = Sink(bench.ceiling, 9002, "-f", "1000000000")
        stack.callback(failing.stop)
        sink = Sink(bench.ceiling, SINK)
        stack.callback(sink.stop)
        daemon.start()
        calm = healthy_p99(bench, sink)
        for name in ("silent", "failing"):
            bench.feed(100000, "-B", "50", "-c", "16",
                      token=f"token-of-{name}-0123456789")
        before = daemon.waiting()
        troubled = healthy_p99(bench, sink)
        after = daemon.waiting()
        if min(before, after) < 190000:
            raise Invalid(f"{before} waited before, {after} after")
        bench.row("p99 of a healthy endpoint at 500/s beside a silent and "
                 "a failing one with 100,000 waiting each, beside calm",
                 f"{troubled:.2f} ms", f"{calm:.2f} ms",
                 f"{troubled / calm:.2f}", "at most 1.2")


def hold(listener, held):
    """Accepts connections and never answers."""
    with contextlib.suppress(OSError):
        while True:
            held.append(listener.accept()[0])


def healthy_p99(bench, sink):
    figures = []
    for _ in range(bench.rounds):
        sink.reset()
        bench.feed(5000, "-r", "500", "-c", "32")
        wait_for("the healthy endpoint gets all",
                 lambda: sink.stats()["distinct"] >= 5000, 20)
        bench.arrived_once(sink, 5000)
        figures.append(sink.stats()["p99_us"] / 1000)
    return statistics.median(figures)
