#!/usr/bin/env python3
"""run.py - what belfry does in a second, beside the ceiling, in one run

usage: tests/bench/run.py --build DIR --ceiling DIR [--rounds N] [--only NAME,...]

--build    a built tree of belfry (optimised, without sanitizers)
--ceiling  a writable folder with the ceiling programs, built there: sink,
           rawclient, multi, proto and peers/run.py

Run by hand, on a machine with nothing else to do: never part of `make check`.
Every figure is a ratio of runs taken in turn in this one run, or a size. A run
in which an answer was not 2xx, or an event was lost or doubled, has no result
and ends the program. Traffic stays on 127.0.0.1, ports 8201 and 9000 to 9002.

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
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

TOKEN = "bench-token-0123456789"
API = 8201
SINK = 9000


class Invalid(Exception):
    """A run that has no result."""


def values(line):
    """The key=value pairs of a line of figures."""
    return {k: v for k, v in re.findall(r"(\w+)=(\S+)", line)}


def processes(root):
    """The process and all it started, by the parents in /proc."""
    children = {}
    for entry in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            with open(entry) as file:
                stat = file.read()
            pid = int(entry.split("/")[2])
            parent = int(stat.rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(pid)
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def pss_mib(root):
    """Memory of the process tree: the sum of its proportional set sizes."""
    kib = 0
    for pid in processes(root):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/smaps_rollup") as file:
                kib += sum(int(line.split()[1]) for line in file
                           if line.startswith("Pss:"))
    return kib / 1024


def cpu_seconds(root):
    """User and system time of the process tree."""
    ticks = 0
    for pid in processes(root):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def wakeups(root):
    """How often the processes went to sleep by themselves."""
    count = 0
    for pid in processes(root):
        for status in glob.glob(f"/proc/{pid}/task/*/status"):
            with contextlib.suppress(OSError):
                with open(status) as file:
                    count += sum(int(line.split()[1]) for line in file
                                 if line.startswith("voluntary_ctxt"))
    return count


def wait_for(what, condition, seconds):
    """Waits until condition() holds; Invalid if it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Invalid(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def listening(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 0.2).close()
        return True
    return False


class Sink:
    """A receiver of the ceiling programs."""

    def __init__(self, ceiling, port, *options):
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
        self.process.terminate()
        self.process.wait()


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

    def start(self):
        self.process = subprocess.Popen(self.command.split())
        wait_for("belfry listens", lambda: listening(API), 20)

    def ctl(self, *arguments):
        answer = subprocess.run(
            [f"{self.build}/belfryctl", "--socket", self.socket, *arguments],
            capture_output=True, text=True)
        if answer.returncode:
            raise Invalid(f"belfryctl {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
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

    def job(self, command, *options):
        environment = dict(os.environ,
                           BENCH_LOCK=f"{self.ceiling}/data/lock")
        answer = subprocess.run(
            [f"{self.ceiling}/peers/run.py", "exec", "-x", command,
             "-H", f"Authorization: Bearer {TOKEN}", *options],
            capture_output=True, text=True, env=environment)
        found = values(answer.stdout)
        if found.get("result") != "ok":
            raise Invalid(answer.stdout + answer.stderr)
        return found

    def in_turn(self, *options):
        """Median figures of belfry and proto, run one after the other."""
        ours, theirs = [], []
        for _ in range(self.rounds):
            daemon = Belfry(self.build, channel())
            try:
                ours.append(self.job(daemon.command, *options))
            finally:
                daemon.stop()
            theirs.append(self.job("./proto -R 50000", *options))

        def median(runs, key):
            return statistics.median(float(run[key]) for run in runs)
        return (lambda key: median(ours, key)), (lambda key: median(theirs, key))

    def throughput(self):
        for name, bar, cpu_bar, options in (
                ("single events, 64 connections", 0.6, 2.0, ("-c", "64")),
                ("batches of 50 events", 0.5, 2.0, ("-c", "16", "-b", "50"))):
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
        if values(answer.stdout).get("not2xx") != "0":
            raise Invalid(answer.stdout + answer.stderr)

    def multi(self):
        sink = Sink(self.ceiling, SINK)
        try:
            answer = subprocess.run(
                [f"{self.ceiling}/multi", "-D", "lazy", "-w", "sign",
                 "-n", "100000"], capture_output=True, text=True)
        finally:
            sink.stop()
        return values(answer.stdout)

    def backlog(self):
        # So slow that everything waits, until a reload takes that back.
        daemon = Belfry(self.build, channel(more="rate 1/h;"))
        sink = Sink(self.ceiling, SINK)
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
            fed = 0
            for count in self.waiting:
                self.feed(count - fed, "-B", "50", "-c", "16")
                fed = count
                time.sleep(2)
                waiting = json.loads(daemon.ctl("stats", "--json"))
                if waiting["deliveries"]["waiting"] < fed - 1:
                    raise Invalid(f"of {fed} too few wait: {waiting}")
                self.row(f"memory with {count:,} waiting, above idle",
                         f"{pss_mib(daemon.process.pid) - idle:.0f} MiB", "",
                         "", "at most 64 MiB")
            self.drain(daemon, sink, fed)
        finally:
            daemon.stop()
            sink.stop()

    def drain(self, daemon, sink, count):
        cpu = cpu_seconds(daemon.process.pid)
        start = time.monotonic()
        daemon.configure(channel())
        daemon.process.send_signal(signal.SIGHUP)
        wait_for("the backlog drains",
                 lambda: sink.stats()["ok"] >= count, 600)
        took = time.monotonic() - start
        cpu = cpu_seconds(daemon.process.pid) - cpu
        if sink.stats()["ok"] != count:
            raise Invalid("drain: an event came twice")
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
        silent = socket.create_server(("127.0.0.1", 9001), backlog=256)
        held = []
        threading.Thread(target=lambda: self.hold(silent, held),
                         daemon=True).start()
        failing = Sink(self.ceiling, 9002, "-f", "1000000000")
        sink = Sink(self.ceiling, SINK)
        daemon = Belfry(self.build, channel() + tenants)
        try:
            daemon.start()
            calm = self.healthy_p99(sink)
            for name in ("silent", "failing"):
                self.feed(100000, "-B", "50", "-c", "16",
                          token=f"token-of-{name}-0123456789")
            troubled = self.healthy_p99(sink)
            self.row("p99 of a healthy endpoint at 500/s beside a silent and "
                     "a failing one with 100,000 waiting each, beside calm",
                     f"{troubled:.2f} ms", f"{calm:.2f} ms",
                     f"{troubled / calm:.2f}", "at most 2")
        finally:
            daemon.stop()
            failing.stop()
            sink.stop()
            silent.close()

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
                     lambda: sink.stats()["ok"] >= 5000, 20)
            figures.append(sink.stats()["p99_us"] / 1000)
        return statistics.median(figures)

    def table(self):
        print("\n| figure | belfry | beside | ratio | bar |")
        print("| --- | --- | --- | --- | --- |")
        for row in self.rows:
            print("| " + " | ".join(str(cell) for cell in row) + " |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--ceiling", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=100000)
    parser.add_argument("--waiting", default="100000,1000000")
    parser.add_argument("--only", default="throughput,latency,backlog,beside")
    options = parser.parse_args()
    bench = Bench(options)
    bench.waiting = [int(count) for count in options.waiting.split(",")]
    try:
        for name in options.only.split(","):
            getattr(bench, name)()
    except Invalid as fault:
        print(f"run.py: no result: {fault}", file=sys.stderr)
        return 1
    finally:
        bench.table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
