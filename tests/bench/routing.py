"""routing.py - what many channels cost an event that goes to one of them"""
import time

from observe import cpu_seconds, cpu_since, pss_mib, wait_for
from stage import SINK, Belfry, Sink, channel

POSTED = 20000
IN_A_TENANT = 10


def others(count, tenants):
    """Channels that want another type: all of one tenant, or ten of each."""
    text = [f"channel webhook c{n} {{ url http://127.0.0.1:{SINK}/c{n}; "
            "events security_ip_conflict; }" for n in range(count)]
    if not tenants:
        return "\n".join(text)
    return "\n".join(
        f"tenant t{n} {{ " + " ".join(text[n:n + IN_A_TENANT]) + " }"
        for n in range(0, count, IN_A_TENANT))


def routing(bench):
    for tenants, name in ((False, "of one tenant"),
                          (True, "of tenants with ten each")):
        least = None
        for count in bench.channels:
            if not tenants and count > bench.channels_of_one:
                continue
            rate, cpu, start, memory = measure(
                bench, channel() + "\n" + others(count, tenants))
            least = least or (rate, cpu)
            what = f"{count:,} channels {name}"
            bench.row(f"{what}: events/s, beside ten channels", f"{rate:,.0f}",
                      f"{least[0]:,.0f}", f"{rate / least[0]:.2f}", "")
            bench.row(f"{what}: CPU an event, beside ten channels",
                      f"{cpu:.0f} us", f"{least[1]:.0f} us",
                      f"{cpu / least[1]:.2f}", "")
            bench.row(f"{what}: start; memory (PSS)",
                      f"{start:.1f} s; {memory:.0f} MiB", "", "", "")


def measure(bench, conf):
    sink = Sink(bench.ceiling, SINK)
    daemon = Belfry(bench.build, conf)
    try:
        began = time.monotonic()
        daemon.start(patience=300)
        start = time.monotonic() - began
        time.sleep(2)
        memory = pss_mib(daemon.process.pid)
        cpu = cpu_seconds(daemon.process.pid)
        began = time.monotonic()
        bench.feed(POSTED, "-c", "64")
        wait_for("all arrives",
                 lambda: sink.stats()["distinct"] >= POSTED, 300)
        rate = POSTED / (time.monotonic() - began)
        cpu = cpu_since(cpu, daemon.process.pid) / POSTED * 1e6
        bench.arrived_once(sink, POSTED)
    finally:
        daemon.stop()
        sink.stop()
    return rate, cpu, start, memory
