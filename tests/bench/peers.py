"""peers.py - belfry beside other programs that do the job, or a part of it"""
import shutil
import statistics

from observe import Invalid
from stage import Belfry, channel

# Of peers/run.py: its name, what it is, the program that must be there, events,
# and the bars of rate, processor time and memory.
PEERS = (
    ("bullmq", "BullMQ on Redis (appendfsync always)", "redis-server", 12000,
     ("at least 4.5", "at most 0.17", "at most 0.25")),
    ("syslog-ng", "syslog-ng http() with a reliable disk buffer, unsigned",
     "syslog-ng", 60000, ("at least 1.0 in batches", "", "")),
    ("alertmanager", "Alertmanager (not durable)", "prometheus-alertmanager",
     12000, ("", "", "")),
    ("graphile", "Graphile Worker on PostgreSQL",
     "/usr/lib/postgresql/15/bin/postgres", 6000, ("", "", "")),
    ("apprise", "Apprise", "apprise", 1000, ("", "", "")),
)


FEEDS = {"single": ("-n", "60000", "-c", "64"),
         "batches": ("-n", "100000", "-c", "16", "-b", "50")}
FIGURES = (("events_per_s", "events/s", 1),
           ("cpu_s_per_10k", "CPU a delivery, us", 100),
           ("peak_pss_mib", "peak memory (PSS), MiB", 1))


def peers(bench):
    for peer, name, program, count, bars in PEERS:
        if not shutil.which(program):
            bench.row(f"beside {name}", "", f"no {program} here", "", "")
            continue
        # proto, too: it shows what of a bar is the ceiling's own.
        ours = {kind: [] for kind in FEEDS}
        protos = {kind: [] for kind in FEEDS}
        theirs = []
        for _ in range(bench.rounds):
            for kind, feed in FEEDS.items():
                daemon = Belfry(bench.build, channel())
                try:
                    ours[kind].append(
                        bench.job("exec", "-x", daemon.command, *feed))
                finally:
                    daemon.stop()
                protos[kind].append(
                    bench.job("exec", "-x", "./proto -R 50000", *feed))
            try:
                theirs.append(bench.job(peer, "-n", str(count), "-c", "64"))
            except Invalid as fault:
                bench.row(f"beside {name}", "", "no valid run", "",
                          str(fault).strip().splitlines()[-1][:60])
                break
        if theirs:
            compare(bench, f"beside {name}", ours, theirs, bars)
            compare(bench, f"proto beside {name}", protos, theirs,
                    ("", "", ""))


def compare(bench, name, runs, theirs, bars):
    def median(runs, key):
        return statistics.median(float(run[key]) for run in runs)

    for (key, what, scale), bar in zip(FIGURES, bars):
        us, them = median(runs["single"], key), median(theirs, key)
        bench.row(f"{name}: {what}", f"{us * scale:,.0f}",
                  f"{them * scale:,.0f}", f"{us / them:.2f}", bar)
    us = median(runs["batches"], "events_per_s")
    them = median(theirs, "events_per_s")
    bench.row(f"{name}: events/s, posted in batches of 50",
              f"{us:,.0f}", f"{them:,.0f}", f"{us / them:.2f}", "")
