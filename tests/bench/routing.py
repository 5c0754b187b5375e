"""routing.py - what many channels cost an event"""
import time

from observe import cpu_seconds, cpu_since, pss_mib, wait_for
from stage import SINK, Belfry, Sink, channel

POSTED = 20000
DELIVERED = 200000  # where an event goes to many channels
IN_A_TENANT = 10
OTHER_TYPES = ("security_ip_conflict", "incident_*", "category:monitoring")


def others(count, tenants):
    """Channels that want other types: all of one tenant, or ten of each."""
    text = [f"channel webhook c{n} {{ url http://127.0.0.1:{SINK}/c{n}; "
            f"events {OTHER_TYPES[n % len(OTHER_TYPES)]}; }}"
            for n in range(count)]
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
            found = measure(bench, channel() + "\n" + others(count, tenants),
                            POSTED)
            least = least or found
            show(bench, f"{count:,} channels {name}, one of which gets it",
                 "event", found, least)
    least = None
    for count in bench.channels_that_match:
        found = measure(
            bench, "\n".join(channel(name=f"c{n}") for n in range(count)),
            max(DELIVERED // count, 1), count)
        least = least or found
        show(bench, f"{count:,} channels, each of which gets it", "delivery",
             found, least)


def show(bench, what, each, found, least):
    bench.row(f"{what}: {each}s/s, beside {bench.channels[0]} channels",
              f"{found['rate']:,.0f}", f"{least['rate']:,.0f}",
              f"{found['rate'] / least['rate']:.2f}", "")
    for role in ("scheduler", ""):
        bench.row(f"{what}: CPU a{'n' if each[0] == 'e' else ''} {each}, "
                  f"{role or 'all processes'}", f"{found[role]:.1f} us",
                  f"{least[role]:.1f} us",
                  f"{found[role] / least[role]:.2f}" if least[role] else "",
                  "")
    bench.row(f"{what}: start; memory (PSS)", f"{found['start']:.1f} s; "
              f"{found['memory']:.0f} MiB", "", "", "")


def measure(bench, conf, posted, each=1):
    """Figures of so many events, each of which goes to so many channels."""
    found = {}
    sink = Sink(bench.ceiling, SINK)
    daemon = Belfry(bench.build, conf)
    try:
        began = time.monotonic()
        daemon.start(patience=300)
        found["start"] = time.monotonic() - began
        time.sleep(2)
        found["memory"] = pss_mib(daemon.process.pid)
        cpu = cpu_seconds(daemon.process.pid)
        began = time.monotonic()
        bench.feed(posted, "-c", "64")
        wait_for("all arrives",
                 lambda: sink.stats()["ok"] >= posted * each, 300)
        found["rate"] = posted * each / (time.monotonic() - began)
        for role in ("scheduler", ""):
            found[role] = cpu_since(cpu, daemon.process.pid,
                                    role) / (posted * each) * 1e6
        bench.arrived_once(sink, posted * each, posted)
    finally:
        daemon.stop()
        sink.stop()
    return found
