"""routing.py - what many channels cost an event

They are put into the store as if they had been made over the API: a conf file
may have 16 MiB.
"""
import time

from observe import cpu_seconds, cpu_since, end, pss_mib, wait_for
from settings import keep, webhook
from stage import SINK, Belfry, Sink, channel

POSTED = 20000
DELIVERED = 200000  # where an event goes to many channels
WARMING = 100  # events, the first of which reads the tenant's channels
IN_A_TENANT = 10
TENANT = "bench"
CONF = f"""
default_tenant {TENANT};
egress {{
    allow_http on; allow_ports {SINK}; allow_private 127.0.0.0/8;
}}
"""
OTHER_TYPES = ("security_ip_conflict", "incident_*", "category:monitoring")


def others(count, tenants):
    """Tenant, name and event list of channels that want other types: all of
    one tenant, or ten of each."""
    for n in range(count):
        yield (f"t{n // IN_A_TENANT}" if tenants else TENANT, f"c{n}",
               [OTHER_TYPES[n % len(OTHER_TYPES)]])


def matching(count):
    return ((TENANT, f"c{n}", []) for n in range(count))


def store(daemon, channels):
    """Puts the channels into the store of a daemon that does not run."""
    keep(daemon, (webhook(tenant, name, events,
                          url=f"http://127.0.0.1:{SINK}/{name}")
                  for tenant, name, events in channels))


def routing(bench):
    for tenants, name in ((False, "of one tenant"),
                          (True, "of tenants with ten each")):
        least = None
        for count in bench.channels:
            found = measure(bench, channel(), others(count, tenants), POSTED)
            least = least or found
            show(bench, f"{count:,} channels {name}, one of which gets it",
                 "event", found, least)
    least = None
    for count in bench.channels_that_match:
        found = measure(
            bench, "", matching(count), max(DELIVERED // count, 1), count)
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
    bench.row(f"{what}: start; first event; memory (PSS)",
              f"{found['start']:.2f} s; {found['first']:.2f} s; "
              f"{found['memory']:.0f} MiB", "", "", "")


def measure(bench, conf, channels, posted, each=1):
    """Figures of so many events, each of which goes to so many channels."""
    found = {}
    sink = Sink(bench.ceiling, SINK)
    daemon = Belfry(bench.build, CONF + conf)
    try:
        daemon.start()
        end(daemon.process)
        store(daemon, channels)
        began = time.monotonic()
        daemon.start(patience=300)
        daemon.ctl("stats")
        found["start"] = time.monotonic() - began
        warming = max(WARMING // each, 1)
        began = time.monotonic()
        bench.feed(1, "-c", "1")
        found["first"] = time.monotonic() - began
        bench.feed(warming, "-c", "1")
        wait_for("the first arrive",
                 lambda: sink.stats()["ok"] >= (warming + 1) * each, 300)
        found["memory"] = pss_mib(daemon.process.pid)
        sink.reset()
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
