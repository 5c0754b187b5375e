"""bench.py - what the parts of run.py have in common"""
import os
import statistics
import subprocess
import time

from observe import Invalid, values
from stage import API, SINK, TOKEN, Belfry, Sink, channel


class Bench:
    def __init__(self, options, sizes):
        self.build = os.path.abspath(options.build)
        self.ceiling = os.path.abspath(options.ceiling)
        self.rounds = options.rounds
        self.__dict__.update(sizes)
        self.rows = []
        os.makedirs(f"{self.ceiling}/data", exist_ok=True)

    def row(self, name, ours, theirs, ratio, bar):
        self.rows.append((name, ours, theirs, ratio, bar))
        print(f"  {name}: {ours} | {theirs} | {ratio} | {bar}", flush=True)

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

    def full_rate(self, feed):
        """Events a second that belfry takes and delivers, in one run."""
        daemon = Belfry(self.build, channel())
        try:
            return float(self.job("exec", "-x", daemon.command, "-n", "50000",
                                  *feed)["events_per_s"])
        finally:
            daemon.stop()

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

    @staticmethod
    def arrived_once(sink, count, most=0):
        """Invalid unless as many arrived, each of the longest feed (by its
        number; all feeds begin at 1) among them."""
        time.sleep(0.5)  # an event that is delivered twice may come late
        stats = sink.stats()
        if (stats["distinct"] != (most or count) or
                stats["distinct"] + stats["duplicates"] != count):
            raise Invalid(f"of {count} events arrived: {stats}")

    def table(self):
        print("\n| figure | belfry | beside | ratio | bar |")
        print("| --- | --- | --- | --- | --- |")
        for row in self.rows:
            print("| " + " | ".join(str(cell) for cell in row) + " |")
