#!/usr/bin/env python3
"""run.py - what belfry does in a second, beside the ceiling, in one run

usage: tests/bench/run.py --build DIR --ceiling DIR [--rounds N] [--only NAME,...]

--build    a built tree of belfry (optimised, without sanitizers)
--ceiling  a writable folder with the ceiling programs, built there: sink,
           rawclient, multi, proto and peers/run.py; for the part bullmq also
           redis-server, node, and `npm install` done in peers/, for the part
           sustained faketime
--rounds   runs of each, in turn; the table has their medians (3)
--only     parts: throughput, sustained, latency, backlog, beside, mail, bullmq

Run by hand, on a machine with nothing else to do: never part of `make check`.
Every figure is a ratio of runs taken in turn in this one run, or a size. A run
in which an answer was not 2xx, an event was lost or doubled, or the state that
it is to measure did not come about, has no result: the program says why, prints
no table for it and ends with status 1. What it starts it ends, by its process
id. Traffic stays on 127.0.0.1, ports 8201 and 9000 to 9003. The part mail wants
smtp-sink (Debian's postfix); libcurl's loop there is mailload.c, of the build.

belfry runs with the defaults that are shipped; the conf file adds a listener, a
token and a channel, and the module stands in the common workers, as an installed
one does (see the class Belfry).

Prints a Markdown table: the figure, belfry, the ceiling, the ratio, the bar.
"""
import argparse
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from mailsink import MailSink
from observe import (Invalid, cpu_seconds, cpu_since, end, listening, pss_mib,
                     values, wait_for, wakeups)

TOKEN = "bench-token-0123456789"
API = 8201
SINK = 9000
MAIL = 9003
MAILS = 10000
SENDER = "belfry@example.com"
RECIPIENT = "ops@example.com"
EHLO = "bench.example.com"


# Name, bars of the rate and of the processor time, how it is fed.
JOBS = (("single events, 64 connections", 0.6, 2.0, ("-c", "64")),
        ("batches of 50 events", 0.5, 2.0, ("-c", "16", "-b", "50")))
SUSTAINED_S = 60
OLD = 100000  # events that retention deletes meanwhile
FIRST = 20000  # events that show how many a second to expect
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class Sink:
    """A receiver of the ceiling programs."""

    def __init__(self, ceiling, port, *options):
        if listening(port):
            raise Invalid(f"something listens on port {port} already")
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [f"{ceiling}/sink", "-p", str(port), "-l", "-u", *options],
            stdout=subprocess.DEVNULL)
        wait_for("the sink listens", lambda: listening(port), 5)

    def stats(self):
        with urllib.request.urlopen(self.url + "/stats") as answer:
            return json.load(answer)

    def reset(self):
        urllib.request.urlopen(self.url + "/reset").read()

    def stop(self):
        end(self.process)


class Belfry:
    """A daemon with the defaults that are shipped, in a folder of its own."""

    def __init__(self, build, channels):
        self.build = build
        self.directory = tempfile.mkdtemp(prefix="belfry-bench-")
        self.conf = f"{self.directory}/belfry.conf"
        self.socket = f"{self.directory}/belfry.sock"
        self.configure(channels)
        self.command = f"{build}/belfry -c {self.conf}"
        self.process = None

    def configure(self, channels):
        with open(self.conf, "w") as file:
            file.write(f"""
load_module {self.build}/.libs/webhook.so isolate=off;
pid {self.directory}/belfry.pid;
error_log {self.directory}/error.log notice;
state_dir {self.directory}/state;
daemon off;
api {{ listen 127.0.0.1:{API}; listen unix:{self.socket}; }}
token bench {{ value {TOKEN}; scope ingest; }}
{channels}
""")

    def start(self, **environment):
        if listening(API):
            raise Invalid(f"something listens on port {API} already")
        self.process = subprocess.Popen(self.command.split(),
                                        env=dict(os.environ, **environment))
        wait_for("belfry listens", lambda: listening(API), 20)

    def ctl(self, *arguments):
        answer = subprocess.run(
            [f"{self.build}/belfryctl", "--socket", self.socket, *arguments],
            capture_output=True, text=True)
        if answer.returncode:
            raise Invalid(f"belfryctl {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout

    def kept_events(self):
        """How many events stand in the store."""
        store, = glob.glob(f"{self.directory}/state/*.db")
        with contextlib.closing(sqlite3.connect(
                f"file:{store}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM event").fetchone()[0]

    def waiting(self):
        return json.loads(self.ctl("stats", "--json"))["deliveries"]["waiting"]

    def pause(self):
        """Ends the daemon and keeps its folder, for another start."""
        if self.process:
            end(self.process)
        self.process = None

    def stop(self):
        self.pause()
        shutil.rmtree(self.directory, ignore_errors=True)


def channel(port=SINK, name="sink", more=""):
    return (f"channel webhook {name} {{ url http://127.0.0.1:{port}/hook; "
            f"secret topsecret; {more} }}")


class Bench:
    def __init__(self, options):
        self.build = os.path.abspath(options.build)
        self.ceiling = os.path.abspath(options.ceiling)
        self.rounds = options.rounds
        self.events = options.events
        self.rows = []
        os.makedirs(f"{self.ceiling}/data", exist_ok=True)

    def row(self, name, ours, theirs, ratio, bar):
        self.rows.append((name, ours, theirs, ratio, bar))
        print(f"  {name}: {ours} | {theirs} | {ratio} | {bar}", flush=True)

    # ---- one job through peers/run.py ----

    def job(self, peer, *options):
        environment = dict(os.environ,
                           BENCH_LOCK=f"{self.ceiling}/data/lock")
        answer = subprocess.run(
            [f"{self.ceiling}/peers/run.py", peer, "-t", "120",
             "-H", f"Authorization: Bearer {TOKEN}", *options],
            capture_output=True, text=True, env=environment)
        found = values(answer.stdout)
        if answer.returncode or found.get("result") != "ok":
            raise Invalid(answer.stdout + answer.stderr)
        return found

    def in_turn(self, *options):
        """Median figures of belfry and proto, run one after the other."""
        ours, theirs = [], []
        for _ in range(self.rounds):
            daemon = Belfry(self.build, channel())
            try:
                ours.append(self.job("exec", "-x", daemon.command, *options))
            finally:
                daemon.stop()
            theirs.append(self.job("exec", "-x", "./proto -R 50000",
                                   *options))

        def median(runs, key):
            return statistics.median(float(run[key]) for run in runs)
        return (lambda key: median(ours, key)), (lambda key: median(theirs, key))

    def throughput(self):
        for name, bar, cpu_bar, options in JOBS:
            ours, theirs = self.in_turn("-n", str(self.events), *options)
            self.row(f"{name}: events/s, beside proto",
                     f"{ours('events_per_s'):,.0f}",
                     f"{theirs('events_per_s'):,.0f}",
                     f"{ours('events_per_s') / theirs('events_per_s'):.2f}",
                     f"at least {bar}")
            self.row(f"{name}: CPU a delivery, all processes",
                     f"{ours('cpu_s_per_10k') * 100:.0f} us",
                     f"{theirs('cpu_s_per_10k') * 100:.0f} us",
                     f"{ours('cpu_s_per_10k') / theirs('cpu_s_per_10k'):.2f}",
                     f"at most {cpu_bar}")
            self.row(f"{name}: peak memory (PSS)",
                     f"{ours('peak_pss_mib'):.0f} MiB", "", "",
                     "at most 96 MiB")

    # ---- a minute and more, with retention at work ----

    def sustained(self):
        sink = Sink(self.ceiling, SINK)
        daemon = Belfry(self.build, channel())
        try:
            # Some that retention deletes: of 40 days ago.
            with open(f"{daemon.directory}/.faketimerc", "w") as file:
                file.write("-40d\n")
            daemon.start(LD_PRELOAD=FAKETIME, HOME=daemon.directory,
                         FAKETIME_NO_CACHE="1", DONT_FAKE_MONOTONIC="1",
                         FAKETIME_DONT_FAKE_MONOTONIC="1")
            self.feed(OLD, "-B", "50", "-c", "16")
            wait_for("the old events arrive",
                     lambda: sink.stats()["distinct"] >= OLD, 60)
            daemon.pause()
            daemon.start()
            sink.reset()
            start = time.monotonic()
            self.feed(FIRST, "-c", "64")
            rate = FIRST / (time.monotonic() - start)
            wait_for("a first part arrives",
                     lambda: sink.stats()["distinct"] >= FIRST, 60)
            sink.reset()
            count = int(rate * SUSTAINED_S * 1.2)
            start = time.monotonic()
            self.feed(count, "-c", "64")
            posted = time.monotonic()
            wait_for("all arrives",
                     lambda: sink.stats()["distinct"] >= count, 60)
            took = time.monotonic() - start
            behind = time.monotonic() - posted
            if took < SUSTAINED_S or behind > 1:
                raise Invalid(f"it took {took:.0f} s, the last "
                              f"{behind:.1f} s of them after the last answer")
            self.arrived_once(sink, count)
            left = daemon.kept_events() - FIRST - count
        finally:
            daemon.stop()
            sink.stop()
        if left > 0:
            raise Invalid(f"retention left {left} of {OLD} old events")
        self.row(f"single events for {took:.0f} s, while retention deletes "
                 f"{OLD:,} old ones: events/s", f"{count / took:,.0f}", "", "",
                 "no loss, under 1 s of work at the end")

    @staticmethod
    def arrived_once(sink, count, most=0):
        """Invalid unless as many arrived, each of the longest feed (by its
        number; all feeds begin at 1) among them."""
        time.sleep(0.5)  # an event that is delivered twice may come late
        stats = sink.stats()
        if (stats["distinct"] != (most or count) or
                stats["distinct"] + stats["duplicates"] != count):
            raise Invalid(f"of {count} events arrived: {stats}")

    # ---- the peer that runs everywhere ----

    def bullmq(self):
        ours, theirs = [], []
        for _ in range(self.rounds):
            daemon = Belfry(self.build, channel())
            try:
                ours.append(self.job("exec", "-x", daemon.command, "-n",
                                     "60000", "-c", "64"))
            finally:
                daemon.stop()
            theirs.append(self.job("bullmq", "-n", "12000", "-c", "64"))
        for key, name, scale, bar in (
                ("events_per_s", "events/s", 1, "at least 3"),
                ("cpu_s_per_10k", "CPU a delivery, us", 100, "at most 0.25"),
                ("peak_pss_mib", "peak memory (PSS), MiB", 1, "at most 0.5")):
            us, them = (statistics.median(float(run[key]) for run in runs)
                        for runs in (ours, theirs))
            self.row(f"beside BullMQ on Redis (appendfsync always): {name}",
                     f"{us * scale:,.0f}", f"{them * scale:,.0f}",
                     f"{us / them:.2f}", bar)

    def latency(self):
        ours, theirs = self.in_turn("-n", "5000", "-r", "500")
        for key, bar in (("p50_ms", 2), ("p99_ms", 6)):
            self.row(f"post to arrival at 500/s, {key[:3]}",
                     f"{ours(key):.2f} ms", f"{theirs(key):.2f} ms",
                     f"{ours(key) / theirs(key):.2f}", f"at most {bar} ms")

    # ---- a backlog: its memory, and how fast it drains ----

    def feed(self, count, *options, token=TOKEN):
        answer = subprocess.run(
            [f"{self.ceiling}/rawclient", "-t", "-n", str(count), "-p",
             str(API), "-P", "/v1/events", "-H",
             f"Authorization: Bearer {token}", *options],
            capture_output=True, text=True)
        if answer.returncode or values(answer.stdout).get("not2xx") != "0":
            raise Invalid(answer.stdout + answer.stderr)

    def multi(self):
        sink = Sink(self.ceiling, SINK)
        try:
            answer = subprocess.run(
                [f"{self.ceiling}/multi", "-D", "lazy", "-w", "sign",
                 "-n", "100000"], capture_output=True, text=True)
        finally:
            sink.stop()
        found = values(answer.stdout)
        if answer.returncode or found.get("failed") != "0":
            raise Invalid(answer.stdout + answer.stderr)
        return found

    def backlog(self):
        # So slow that everything waits, until a reload takes that back.
        sink = Sink(self.ceiling, SINK)
        daemon = Belfry(self.build, channel(more="rate 1/h;"))
        try:
            daemon.start()
            time.sleep(2)
            idle = pss_mib(daemon.process.pid)
            before = wakeups(daemon.process.pid)
            time.sleep(10)
            self.row("idle: sleeps in 10 s of all processes",
                     wakeups(daemon.process.pid) - before, "", "", "none")
            self.row("idle: memory (PSS)", f"{idle:.0f} MiB", "", "",
                     "at most 32 MiB")
            fed = most = 0
            for count in self.waiting:
                self.feed(count - fed, "-B", "50", "-c", "16")
                most = max(most, count - fed)
                fed = count
                time.sleep(2)
                waiting = daemon.waiting()
                if waiting < fed - 1:
                    raise Invalid(f"of {fed} only {waiting} wait")
                self.row(f"memory with {count:,} waiting, above idle",
                         f"{pss_mib(daemon.process.pid) - idle:.0f} MiB", "",
                         "", "at most 64 MiB")
            self.drain(daemon, sink, fed, most)
        finally:
            daemon.stop()
            sink.stop()

    def drain(self, daemon, sink, count, most):
        cpu = cpu_seconds(daemon.process.pid)
        start = time.monotonic()
        daemon.configure(channel())
        daemon.process.send_signal(signal.SIGHUP)
        wait_for("the backlog drains",
                 lambda: sink.stats()["ok"] >= count, 600)
        took = time.monotonic() - start
        cpu = cpu_since(cpu, daemon.process.pid)
        self.arrived_once(sink, count, most)
        sink.stop()
        runs = [self.multi() for _ in range(self.rounds)]
        ceiling = statistics.median(float(r["req_per_s"]) for r in runs)
        self.row(f"drain of {count:,} waiting: deliveries/s, beside libcurl",
                 f"{count / took:,.0f}", f"{ceiling:,.0f}",
                 f"{count / took / ceiling:.2f}", "at least 0.4")
        self.row("drain: CPU a delivery, all processes",
                 f"{cpu / count * 1e6:.0f} us", "", "", "")

    # ---- endpoints that are dead or failing, beside a healthy one ----

    def beside(self):
        tenants = "\n".join(
            f"tenant {name} {{ {channel(port, name)} }}\n"
            f"token {name} {{ value token-of-{name}-0123456789; "
            f"tenant {name}; scope ingest; }}"
            for name, port in (("silent", 9001), ("failing", 9002)))
        daemon = Belfry(self.build, channel() + tenants)
        with contextlib.ExitStack() as stack:
            stack.callback(daemon.stop)
            silent = stack.enter_context(
                socket.create_server(("127.0.0.1", 9001), backlog=256))
            threading.Thread(target=lambda: self.hold(silent, []),
                             daemon=True).start()
            failing = Sink(self.ceiling, 9002, "-f", "1000000000")
            stack.callback(failing.stop)
            sink = Sink(self.ceiling, SINK)
            stack.callback(sink.stop)
            daemon.start()
            calm = self.healthy_p99(sink)
            for name in ("silent", "failing"):
                self.feed(100000, "-B", "50", "-c", "16",
                          token=f"token-of-{name}-0123456789")
            before = daemon.waiting()
            troubled = self.healthy_p99(sink)
            after = daemon.waiting()
            if min(before, after) < 190000:
                raise Invalid(f"{before} waited before, {after} after")
            self.row("p99 of a healthy endpoint at 500/s beside a silent and "
                     "a failing one with 100,000 waiting each, beside calm",
                     f"{troubled:.2f} ms", f"{calm:.2f} ms",
                     f"{troubled / calm:.2f}", "at most 2")

    @staticmethod
    def hold(listener, held):
        """Accepts connections and never answers."""
        with contextlib.suppress(OSError):
            while True:
                held.append(listener.accept()[0])

    def healthy_p99(self, sink):
        figures = []
        for _ in range(self.rounds):
            sink.reset()
            self.feed(5000, "-r", "500", "-c", "32")
            wait_for("the healthy endpoint gets all",
                     lambda: sink.stats()["distinct"] >= 5000, 20)
            self.arrived_once(sink, 5000)
            figures.append(sink.stats()["p99_us"] / 1000)
        return statistics.median(figures)

    # ---- mails into smtp-sink, beside libcurl's own loop ----

    def drain_mails(self, sink):
        """Sends as many, all of which waited: mails a second, and processor
        time of a mail in the workers, and in all processes."""
        conf = (f"load_module {self.build}/.libs/smtp.so isolate=off;"
                f"channel smtp mail {{ host 127.0.0.1; port {MAIL}; tls off; "
                f"ehlo {EHLO}; from {SENDER}; to {RECIPIENT}; ")
        daemon = Belfry(self.build, conf + "rate 1/h; }")
        try:
            before = sink.count()
            daemon.start()
            self.feed(MAILS, "-B", "50", "-c", "16")
            time.sleep(2)
            early = sink.count() - before  # the one that the rate lets pass
            root = daemon.process.pid
            cpu = cpu_seconds(root)
            daemon.configure(conf + "}")
            daemon.process.send_signal(signal.SIGHUP)
            took = sink.take(MAILS, before)
            workers, every = (cpu_since(cpu, root, title)
                              for title in ("belfry: worker", ""))
            states = json.loads(daemon.ctl("stats", "--json"))["deliveries"]
            failed = json.loads(daemon.ctl("deliveries", "--state", "failed",
                                           "--json"))["deliveries"]
            if states["waiting"] + states["in_flight"] or failed:
                raise Invalid(f"not all is delivered: {states}")
            return ((MAILS - early) / took, workers / (MAILS - early) * 1e6,
                    every / (MAILS - early) * 1e6)
        finally:
            daemon.stop()

    def load_mails(self, sink, message):
        """libcurl sends the message as often: mails a second, and processor
        time of a mail."""
        before = sink.count()
        answer = subprocess.run(
            [f"{self.build}/tests/bench/mailload", "-u",
             f"smtp://127.0.0.1:{MAIL}/{EHLO}", "-f", f"<{SENDER}>",
             "-t", f"<{RECIPIENT}>", "-n", str(MAILS), message],
            capture_output=True, text=True)
        found = values(answer.stdout)
        if answer.returncode or found.get("failed") != "0":
            raise Invalid(answer.stdout + answer.stderr)
        sink.take(MAILS, before)
        return float(found["mails_per_s"]), float(found["cpu_us_per_mail"])

    def composed(self, path):
        """Sends all once into a sink that keeps them: each must be there,
        once. Writes one of them into a file, for libcurl to send."""
        sink = MailSink(MAIL, dump=True)
        try:
            self.drain_mails(sink)
            mails = sink.mails()
        finally:
            sink.stop()
        ids = {re.search(rb"^Message-ID:\s+(\S+)", mail, re.M)[1]
               for mail in mails}
        if len(mails) != MAILS or len(ids) != MAILS:
            raise Invalid(f"of {MAILS} mails {len(ids)} arrived, in "
                          f"{len(mails)} copies")
        with open(path, "wb") as file:
            file.write(mails[MAILS // 2])

    def mail(self):
        with tempfile.TemporaryDirectory(prefix="mail-bench-") as directory:
            message = f"{directory}/message"
            self.composed(message)
            sink = MailSink(MAIL)
            try:
                runs = [self.drain_mails(sink) +
                        self.load_mails(sink, message)
                        for _ in range(self.rounds)]
            finally:
                sink.stop()
        rate, workers, every, most, least = map(statistics.median, zip(*runs))
        name = f"{MAILS:,} mails through one channel"
        self.row(f"{name}: mails/s, beside libcurl", f"{rate:,.0f}",
                 f"{most:,.0f}", f"{rate / most:.2f}", "at least 0.7")
        for what, cpu, bar in (("workers", workers, "at most 1.25"),
                               ("all processes", every, "")):
            self.row(f"{name}: CPU a mail, {what}", f"{cpu:.0f} us",
                     f"{least:.0f} us", f"{cpu / least:.2f}", bar)

    def table(self):
        print("\n| figure | belfry | beside | ratio | bar |")
        print("| --- | --- | --- | --- | --- |")
        for row in self.rows:
            print("| " + " | ".join(str(cell) for cell in row) + " |")


PARTS = ("throughput", "sustained", "latency", "backlog", "beside", "mail",
         "bullmq")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--ceiling", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=100000)
    parser.add_argument("--waiting", default="100000,1000000")
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    parts = options.only.split(",")
    for name in parts:
        if name not in PARTS:
            parser.error(f"no part {name}: there are {', '.join(PARTS)}")
    bench = Bench(options)
    bench.waiting = [int(count) for count in options.waiting.split(",")]
    # A terminated run ends what it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for name in parts:
        rows = len(bench.rows)
        try:
            getattr(bench, name)()
        except Invalid as fault:
            print(f"run.py: {name} has no result: {fault}", file=sys.stderr)
            del bench.rows[rows:]
            return 1
    bench.table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
