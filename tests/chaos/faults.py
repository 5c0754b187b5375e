"""Faults: each strikes, lasts, and is over when belfry answers as before.

A fault is a method of Faults; its docstring is what the report calls it. It is
given the random numbers of the run, so that a seed means the same faults in
the same order, with the same lengths.
"""
import contextlib
import os
import signal
import time

import world
from endpoints import BROKEN, DOWN, SLOW, UP
from harness import alive, wait_until

KINDS = ("scheduler", "intake", "worker")


class Struck:
    """A fault that happened. deaths: processes whose work was cut off."""

    def __init__(self, name):
        self.name, self.began, self.ended = name, time.monotonic(), None
        self.deaths = 0
        self.skipped = None


class Faults:
    def __init__(self, belfry, the_world, endpoints, ledger, poster, conf):
        self.belfry, self.world, self.endpoints = belfry, the_world, endpoints
        self.ledger, self.poster, self.conf = ledger, poster, conf
        self.struck = []
        self.now = None
        self.slowest = {}  # recovery in seconds, by fault
        self.clock = 0

    # ---- what they share ----

    def strike(self, name, rng):
        self.now = Struck(name)
        self.struck.append(self.now)
        getattr(self, name)(rng)
        over = time.monotonic()
        self.recover()
        self.now.ended = time.monotonic()
        self.slowest[name] = max(self.slowest.get(name, 0),
                                 self.now.ended - over)

    def recover(self):
        def ready():
            with contextlib.suppress(OSError, ValueError):
                return (self.belfry.pids("scheduler") and
                        self.belfry.pids("worker") and
                        self.belfry.http("GET", "/readyz").status == 200)
        wait_until(ready, f"it recovers from {self.now.name}", 90, 0.05)

    def some(self, kind, rng):
        pids = wait_until(lambda: self.belfry.pids(kind), f"a {kind}", 60)
        return pids[rng.randrange(1000) % len(pids)]

    def kill(self, kind, rng):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.some(kind, rng), signal.SIGKILL)
        self.now.deaths += 1

    def kill_all(self):
        """Every process at once, as a power cut would, but for the disk."""
        master = self.belfry.master
        pids = [master] + [pid for kind in (*KINDS, "spare")
                           for pid in self.belfry.pids(kind, master)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.now.deaths += len(pids) - 1
        self.belfry.process.wait(30)
        wait_until(lambda: not any(alive(pid) for pid in pids),
                   "all are gone", 30)

    def hold(self, kind, rng):
        pid = self.some(kind, rng)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(rng.uniform(0.5, 4))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        self.now.deaths += 1  # one that is held for long is replaced

    def be(self, mode, rng, delay=0):
        chosen = rng.sample(self.endpoints, rng.randint(1, 2))
        # The one that always gets there: a short time only.
        for endpoint in chosen:
            endpoint.be(mode, delay)
        time.sleep(rng.uniform(0.5, 2))
        for endpoint in chosen:
            endpoint.be(UP)

    def with_bad_disk(self, how, rng):
        self.world.disk(how)
        try:
            time.sleep(rng.uniform(0.5, 2.5))
            if rng.random() < 0.3:
                self.kill("scheduler", rng)
                time.sleep(rng.uniform(0.2, 1))
        finally:
            self.world.disk(world.GOOD)

    # ---- processes ----

    def kill_worker(self, rng):
        self.kill("worker", rng)

    def kill_intake(self, rng):
        self.kill("intake", rng)

    def kill_scheduler(self, rng):
        self.kill("scheduler", rng)

    def kill_master(self, rng):
        master = self.belfry.master
        pids = [pid for kind in (*KINDS, "spare")
                for pid in self.belfry.pids(kind, master)]
        os.kill(master, signal.SIGKILL)
        self.now.deaths += len(pids)
        self.belfry.process.wait(30)
        wait_until(lambda: not any(alive(pid) for pid in [*pids, master]),
                   "the children end with the master", 30)
        self.belfry.start(wait=False)

    def kill_everything(self, rng):
        self.kill_all()
        self.belfry.start(wait=False)

    def stop_worker(self, rng):
        self.hold("worker", rng)

    def stop_intake(self, rng):
        self.hold("intake", rng)

    def stop_scheduler(self, rng):
        self.hold("scheduler", rng)

    def stop_master(self, rng):
        master = self.belfry.master
        os.kill(master, signal.SIGSTOP)
        time.sleep(rng.uniform(0.5, 2))
        os.kill(master, signal.SIGCONT)

    def crash_module(self, rng):
        """An event whose delivery ends its worker, three times."""
        entry = self.ledger.begin("chaos_crash", "crash")
        self.poster.one(entry)
        self.now.deaths += 4  # once among others, three times alone
        time.sleep(rng.uniform(0.2, 1.5))

    # ---- the operator ----

    def reload(self, rng):
        self.conf(rng)
        self.belfry.send_signal(signal.SIGHUP)
        time.sleep(rng.uniform(0, 0.5))

    def reload_bad_conf(self, rng):
        good = self.belfry.conf_file.read_text()
        self.belfry.conf_file.write_text(good + "nonsense 1;\n")
        before = len(self.belfry.log())
        self.belfry.send_signal(signal.SIGHUP)
        wait_until(lambda: "stays in use" in self.belfry.log()[before:],
                   "the bad conf is refused", 60)
        self.belfry.conf_file.write_text(good)

    def restart(self, rng):
        self.belfry.send_signal(
            signal.SIGQUIT if rng.random() < 0.5 else signal.SIGTERM)
        pid = self.belfry.master
        wait_until(lambda: not alive(pid), "it ends", 90)
        self.now.deaths += 2
        self.belfry.start(wait=False)

    def upgrade(self, rng):
        old = self.belfry.master
        self.belfry.send_signal(signal.SIGUSR2)
        self.now.deaths += 2
        wait_until(lambda: not alive(old), "the old master ends", 90)

    # ---- the disk ----

    def full_disk(self, rng):
        with self.world.full_disk():
            time.sleep(rng.uniform(0.5, 2.5))
            if rng.random() < 0.3:
                self.kill("scheduler", rng)
                time.sleep(rng.uniform(0.2, 1))

    def failing_sync(self, rng):
        self.with_bad_disk(world.SYNC_FAILS, rng)

    def read_only_disk(self, rng):
        self.with_bad_disk(world.READ_ONLY, rng)

    def read_only_mount(self, rng):
        if not self.world.mounted:
            self.now.skipped = "no right to mount a file system"
            return
        self.kill_all()
        if not self.world.remount("ro"):
            raise AssertionError("remount,ro was refused")
        try:
            self.belfry.start(wait=False)
            time.sleep(rng.uniform(0.5, 1.5))
            self.belfry.process.kill()
            self.belfry.process.wait(30)
            time.sleep(1)
        finally:
            wait_until(lambda: self.world.remount("rw"), "remount,rw", 30)
        self.belfry.start(wait=False)

    # ---- the world ----

    def endpoint_down(self, rng):
        self.be(DOWN, rng)

    def endpoint_broken(self, rng):
        self.be(BROKEN, rng)

    def endpoint_slow(self, rng):
        self.be(SLOW, rng, rng.uniform(0.2, 1.5))

    def clock_step(self, rng):
        self.clock += rng.choice([-3600, -60, -1, 1, 60, 3600])
        self.world.clock(self.clock)
        time.sleep(rng.uniform(0, 1))


NAMES = ["kill_worker", "kill_scheduler", "kill_intake", "kill_master",
         "kill_everything", "stop_worker", "stop_scheduler", "stop_intake",
         "stop_master", "reload", "reload_bad_conf", "restart", "upgrade",
         "crash_module", "full_disk", "failing_sync", "read_only_disk",
         "read_only_mount", "endpoint_down", "endpoint_broken",
         "endpoint_slow", "clock_step"]


def sequence(rng):
    """All of them in an order by chance, then again in another, for ever."""
    while True:
        yield from rng.sample(NAMES, len(NAMES))
