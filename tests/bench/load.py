"""load.py - throughput, and latency"""
import statistics
import time

from observe import Invalid, wait_for
from stage import SINK, Belfry, Sink, channel

# Name, bars of the rate and of the processor time, how it is fed.
JOBS = (("single events, 64 connections", 0.9, 1.3, ("-c", "64")),
        ("batches of 50 events", 0.9, 1.3, ("-c", "16", "-b", "50")))
SUSTAINED_S = 60
OLD = 100000  # events that retention deletes meanwhile
FIRST = 20000  # events that show how many a second to expect
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def throughput(bench):
    for name, bar, cpu_bar, options in JOBS:
        ours, theirs = bench.in_turn("-n", str(bench.events), *options)
        bench.row(f"{name}: events/s, beside proto",
                 f"{ours('events_per_s'):,.0f}",
                 f"{theirs('events_per_s'):,.0f}",
                 f"{ours('events_per_s') / theirs('events_per_s'):.2f}",
                 f"at least {bar}")
        bench.row(f"{name}: CPU a delivery, all processes",
                 f"{ours('cpu_s_per_10k') * 100:.0f} us",
                 f"{theirs('cpu_s_per_10k') * 100:.0f} us",
                 f"{ours('cpu_s_per_10k') / theirs('cpu_s_per_10k'):.2f}",
                 f"at most {cpu_bar}")
        bench.row(f"{name}: peak memory (PSS)",
                 f"{ours('peak_pss_mib'):.0f} MiB", "", "",
                 "at most 64 MiB")


def sustained(bench):
    sink = Sink(bench.ceiling, SINK)
    daemon = Belfry(bench.build, channel())
    try:
        # Some that retention deletes: of 40 days ago.
        with open(f"{daemon.directory}/.faketimerc", "w") as file:
            file.write("-40d\n")
        daemon.start(LD_PRELOAD=FAKETIME, HOME=daemon.directory,
                     FAKETIME_NO_CACHE="1", DONT_FAKE_MONOTONIC="1",
                     FAKETIME_DONT_FAKE_MONOTONIC="1")
        bench.feed(OLD, "-B", "50", "-c", "16")
        wait_for("the old events arrive",
                 lambda: sink.stats()["distinct"] >= OLD, 60)
        daemon.pause()
        daemon.start()
        sink.reset()
        start = time.monotonic()
        bench.feed(FIRST, "-c", "64")
        rate = FIRST / (time.monotonic() - start)
        wait_for("a first part arrives",
                 lambda: sink.stats()["distinct"] >= FIRST, 60)
        sink.reset()
        count = int(rate * SUSTAINED_S * 1.2)
        start = time.monotonic()
        bench.feed(count, "-c", "64")
        posted = time.monotonic()
        wait_for("all arrives",
                 lambda: sink.stats()["distinct"] >= count, 60)
        took = time.monotonic() - start
        behind = time.monotonic() - posted
        if took < SUSTAINED_S or behind > 1:
            raise Invalid(f"it took {took:.0f} s, the last "
                          f"{behind:.1f} s of them after the last answer")
        bench.arrived_once(sink, count)
        left = daemon.kept_events() - FIRST - count
    finally:
        daemon.stop()
        sink.stop()
    if left > 0:
        raise Invalid(f"retention left {left} of {OLD} old events")
    bench.row(f"single events for {took:.0f} s, while retention deletes "
             f"{OLD:,} old ones: events/s", f"{count / took:,.0f}", "", "",
             "no loss, under 1 s of work at the end")


def latency(bench):
    """From post to arrival, at even rates: two that the bars name, and a
    tenth of what single events came to."""
    tenth = max(500, int(bench.full_rate(JOBS[0][3]) / 10) // 100 * 100)
    bars = {500: {"p50": "at most 1 ms", "p99": "at most 3 ms"},
            5000: {"p99": "at most 8 ms"}}
    for rate in sorted({500, tenth, 5000}):
        runs = [arrivals(bench, rate) for _ in range(bench.rounds)]
        for key in ("p50", "p99", "p99.9"):
            bench.row(f"post to arrival at {rate:,}/s, {key}",
                      f"{statistics.median(run[key] for run in runs):.2f} ms",
                      "", "", bars.get(rate, {}).get(key, ""))


def arrivals(bench, rate):
    """How long it took, in ms, over ten seconds of an even rate."""
    sink = Sink(bench.ceiling, SINK)
    daemon = Belfry(bench.build, channel())
    try:
        daemon.start()
        time.sleep(1)
        count = 10 * rate
        bench.feed(count, "-r", str(rate), "-c", "32")
        wait_for("all arrives", lambda: sink.stats()["distinct"] >= count, 20)
        bench.arrived_once(sink, count)
    finally:
        daemon.stop()
        figures = sink.stop()
    return figures
