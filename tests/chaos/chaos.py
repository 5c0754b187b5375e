#!/usr/bin/python3
"""chaos - belfry under load, with everything going wrong that can

Posts events, strikes with faults at random moments, and keeps books of its
own: at the end every event that was answered 202 must be delivered to every
channel that should have it, or have failed with its history told; what came
twice must have been in flight when something was cut off; the store must be
sound and the counters agree.

    tests/chaos/chaos.py --build DIR --seed 7 --minutes 20 --report FILE

A seed gives the same faults in the same order with the same lengths; when
exactly a process is scheduled is the system's affair. Exit code: 0 if nothing
was found, 1 if something was, 2 if it could not be run.

--lose N has belfry roll every N-th commit back and take it as done: a loss
that this program must find.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).absolute().parent
CALM_SECONDS = 3
POSTERS = 4


def options():
    parser = argparse.ArgumentParser(
        description="belfry under load, with everything going wrong")
    parser.add_argument("--build", default=os.environ.get(
        "BELFRY_BUILD_PLAIN", os.environ.get("BELFRY_BUILD", ".")),
        help="folder of the build under test")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--report", help="write the report as JSON")
    parser.add_argument("--faults", help="only these, separated by commas")
    parser.add_argument("--lose", type=int, default=0, metavar="N",
                        help="lose each N-th commit")
    parser.add_argument("--keep", action="store_true",
                        help="keep the folder of the run")
    return parser.parse_args()


def in_own_namespace():
    """Starts over where mounts are nobody else's affair, if that's allowed."""
    words = ["unshare", "--mount", "--propagation", "private", "--"]
    if "CHAOS_NAMESPACE" in os.environ:
        return
    os.environ["CHAOS_NAMESPACE"] = "1"
    if subprocess.run([*words, "true"], capture_output=True).returncode == 0:
        os.execvp(words[0], [*words, sys.executable, *sys.argv])


given = options()
in_own_namespace()
os.environ["BELFRY_BUILD"] = str(pathlib.Path(given.build).absolute())
sys.path.insert(0, str(HERE.parent / "scenario"))

from audit import Audit, listed, metrics, wait_idle  # noqa: E402
from endpoints import HttpEndpoint, MailEndpoint  # noqa: E402
from faults import NAMES, Faults, sequence  # noqa: E402
from harness import BUILD, SOURCE, Belfry  # noqa: E402
from ledger import TYPES, Ledger, Poster  # noqa: E402
from world import World  # noqa: E402


def crashing_module(folder):
    path = folder / "hostile.so"
    subprocess.run(
        ["cc", "-std=gnu11", "-O1", "-shared", "-fPIC", f"-I{BUILD}/include",
         "-o", path, SOURCE / "tests" / "modules" / "hostile.c",
         f"-L{BUILD}/.libs", "-lbelfry"], check=True)
    return path


class Run:
    def __init__(self, folder):
        self.folder = folder
        self.rng = random.Random(given.seed)
        self.world = World(folder)
        self.ledger = Ledger()
        self.endpoints = [HttpEndpoint("steady"), HttpEndpoint("flaky"),
                          HttpEndpoint("fragile"), MailEndpoint("mail")]
        self.module = crashing_module(folder)
        self.belfry = Belfry(
            folder / "belfry", workers=2, api="keepalive_timeout 2s;",
            environment={**self.world.environment(), "ASAN_OPTIONS":
                         "handle_segv=0:detect_leaks=0:"
                         "verify_asan_link_order=0"},
            main={"state_dir": str(self.world.state)})
        self.conf(self.rng)
        self.posters = []
        self.probe = Poster(self.ledger, self.belfry.port, 0, 0)
        self.faults = Faults(self.belfry, self.world, self.endpoints,
                             self.ledger, self.probe, self.conf)

    def conf(self, rng):
        """Writes the conf file, each time a bit different."""
        ports = {endpoint.name: endpoint.port for endpoint in self.endpoints}
        concurrency = rng.choice([8, 16, 32])
        http = {name: f"url http://127.0.0.1:{ports[name]}/; timeout 20s; "
                      f"concurrency {concurrency};"
                for name in ("steady", "flaky", "fragile")}
        self.belfry.configure(f"""
load_module {self.module} isolate=off;
load_module {BUILD}/.libs/smtp.so isolate=off;
events {{ event chaos_crash {{ category chaos; severity error; default on;
          description "a delivery that ends its worker"; }} }}
channel webhook steady {{ {http['steady']} retry 1s 2s 4s 8s 15s 30s;
    events deploy_* incident_created; }}
channel webhook flaky {{ {http['flaky']} retry 1s 2s; events deploy_*; }}
channel hostile fragile {{ {http['fragile']} retry 1s 2s 4s;
    events deploy_failed chaos_crash; }}
channel smtp mail {{ host 127.0.0.1; port {ports['mail']}; tls off;
    from belfry@example.com; to ops@example.com;
    retry 1s 2s 4s 8s 15s; events incident_created; }}
""")

    def load(self, seed):
        for number in range(POSTERS):
            poster = Poster(self.ledger, self.belfry.port,
                            f"{seed} {number}", 0.04)
            self.posters.append(poster)
            poster.start()

    def end_load(self):
        for poster in self.posters:
            poster.stop()
        for poster in self.posters:
            poster.join(120)

    def strike(self):
        end = time.monotonic() + given.minutes * 60
        chosen = given.faults.split(",") if given.faults else None
        for name in sequence(self.rng):
            wait = self.rng.uniform(0.1, 1.5)
            if chosen and name not in chosen:
                continue
            if time.monotonic() > end:
                return
            time.sleep(wait)
            print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
            self.faults.strike(name, self.rng)

    def calm(self, audit):
        """Some load with nothing going wrong: then all counters must agree."""
        before = metrics(self.belfry)
        known = {event["id"] for event in listed(self.belfry, "events")}
        count = len(self.ledger.entries)
        self.load(f"{given.seed} calm")
        time.sleep(CALM_SECONDS)
        self.end_load()
        wait_idle(self.belfry, audit.findings, 120)
        calm = self.ledger.entries[count:]
        for entry in calm:
            if not entry.id:
                audit.findings.add("refused", f"{entry.subject} in calm: "
                                   f"{entry.refused}")
        own = sum(event["id"] not in known and event["event"] not in TYPES
                  for event in listed(self.belfry, "events"))
        return before, metrics(self.belfry), [e for e in calm if e.id], own

    def go(self):
        self.world.lose(given.lose)
        self.belfry.start()
        self.load(given.seed)
        audit = Audit(self.belfry, self.ledger, self.endpoints,
                      self.faults.struck)
        try:
            self.strike()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            audit.findings.add("stuck", str(error))
        self.end_load()
        if audit.findings:
            return audit  # it is not there to be asked
        wait_idle(self.belfry, audit.findings, 180)
        figures = self.calm(audit)
        audit = self.examine(audit.findings, figures)
        return audit

    def examine(self, findings, figures):
        audit = Audit(self.belfry, self.ledger, self.endpoints,
                      self.faults.struck)
        audit.findings.extend(findings)
        audit.events()
        audit.twice()
        audit.counters(*figures)
        audit.posters([*self.posters, self.probe])
        checked = self.belfry.ctl("check", check=False)
        if checked.returncode:
            audit.findings.add("integrity", checked.stdout + checked.stderr)
        self.faults.recover()
        self.belfry.close()
        audit.store(self.world.state / "belfry.db")
        return audit

    def close(self):
        try:
            self.belfry.close()
        finally:
            for endpoint in self.endpoints:
                endpoint.close()
            self.world.close()


def report(run, audit, took):
    struck = run.faults.struck
    accepted = run.ledger.accepted
    return {
        "seed": given.seed, "minutes": round(took / 60, 2),
        "events": len(accepted), "batches": run.ledger.batches,
        "unanswered": sum(not entry.id for entry in run.ledger.entries),
        "arrivals": sum(len(endpoint.receipts) for endpoint in run.endpoints),
        "faults": dict(sorted(collections.Counter(
            fault.name for fault in struck if not fault.skipped).items())),
        "skipped": {fault.name: fault.skipped for fault in struck
                    if fault.skipped},
        "processes_cut_off": sum(fault.deaths for fault in struck),
        "lost": audit.lost, "failed": audit.failed,
        "duplicates": audit.duplicates,
        "longest_stall_seconds": round(run.ledger.stall, 2),
        "slowest_recovery_seconds": {
            name: round(value, 2)
            for name, value in sorted(run.faults.slowest.items())},
        "findings": list(audit.findings.shown()),
    }


def main():
    if given.seed is None:
        given.seed = random.SystemRandom().randrange(1 << 31)
    unknown = set((given.faults or NAMES[0]).split(",")) - set(NAMES)
    if unknown:
        sys.exit(f"chaos: no such fault: {', '.join(unknown)}; there are "
                 f"{', '.join(NAMES)}")
    print(f"seed {given.seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="belfry-chaos-"))
    began = time.monotonic()
    run = Run(folder)
    try:
        audit = run.go()
        took = time.monotonic() - began
    finally:
        run.close()
    found = report(run, audit, took)
    text = json.dumps(found, indent=2)
    print(text)
    if given.report:
        pathlib.Path(given.report).write_text(text + "\n")
    if given.keep or (found["findings"] and not given.lose):
        print(f"chaos: what it left is in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if found["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
