"""tenants.py - what many tenants cost that are made over the API

They are put into the store as belfry keeps them (core/process/api_channel.c and
command_tenant_change.c): a hundred thousand of them over the API would take
longer than all that is measured here.
"""
import base64
import contextlib
import glob
import http.client
import json
import os
import random
import signal
import socket
import threading
import time

from observe import (Invalid, cpu_seconds, cpu_since, end, pss_mib,
                     processes, wait_for)
from settings import compact, keep, put, webhook
from stage import API, SINK, Belfry, Sink

ADMIN = "bench-admin-0123456789"
BATCH = 50
WARMING = 1000  # events, of other tenants where there are enough
ROLES = ("intake", "scheduler", "worker", "")
CONF = f"""
token admin {{ value {ADMIN}; scope admin; }}
egress {{
    allow_http on; allow_ports {SINK}; allow_private 127.0.0.0/8;
}}
"""
MARKER = f"channel webhook marker {{ url http://127.0.0.1:{SINK}/marker; }}\n"


class Seal:
    """Seals as core/conf/seal.c does, with the first key of a key file."""

    def __init__(self, key_file):
        # Here, so that the other parts need no package for it.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        with open(key_file) as file:
            self.id, key = next(line.split() for line in file
                                if not line.startswith("#"))
        self.cipher = AESGCM(bytes.fromhex(key))

    def __call__(self, tenant, channel, directive, text):
        place = "".join(part + "\0" for part in (
            "belfry sealed v1", "channel", tenant, channel, directive))
        nonce = os.urandom(12)
        box = nonce + self.cipher.encrypt(nonce, text.encode(), place.encode())
        return {"sealed": f"sealed:v1:{self.id}:"
                          f"{base64.b64encode(box).decode()}"}


def tenant_name(number):
    return f"tenant-{number:06}"


def settings(count, seal=None):
    """The settings of so many tenants with two channels each, of which one
    wants what is posted."""
    limits = dict.fromkeys(("events_per_second", "burst", "channels",
                            "tokens", "stored_bytes"))
    for number in range(count):
        tenant = tenant_name(number)
        yield f"tenant/{tenant}", compact({
            "name": f"Tenant {number}", "limits": limits, "version": 1,
            "created_at": "2026-01-01T00:00:00.000000Z"})
        for name, events in (("team", "deploy_*"), ("alarm", "incident_*")):
            own = {"url": f"http://127.0.0.1:{SINK}/hook"}
            if seal:
                own["secret"] = seal(tenant, name, "secret", "topsecret")
            yield webhook(tenant, name, [events], **own)


def fill(database, count):
    """Puts them into the store of a daemon that does not run."""
    put(database, settings(count))


def fill_store(daemon, count, sealed):
    seal = None
    if sealed:
        key_file, = glob.glob(f"{daemon.directory}/**/*.key", recursive=True)
        seal = Seal(key_file)
    keep(daemon, settings(count, seal))


def batches(numbers):
    """An event for each of the tenants, so many in a batch."""
    lines = [json.dumps({
        "event": "deploy_succeeded", "subject": "Deployment of shop succeeded",
        "body": "<p>Release <b>2026.4.1</b> is live</p>",
        "tenant_id": tenant_name(number)}) for number in numbers]
    return ["\n".join(lines[n:n + BATCH]) + "\n"
            for n in range(0, len(lines), BATCH)]


def rounds(chosen, numbers, count):
    """So many of the numbers, by chance, each as often as the others."""
    found = []
    while len(found) < count:
        found += chosen.sample(numbers, len(numbers))
    return found[:count]


class Client:
    def __init__(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", API,
                                                     timeout=300)

    def __call__(self, method, path, body=None, kind="application/json"):
        self.connection.request(method, path, body, {
            "Authorization": f"Bearer {ADMIN}", "Content-Type": kind})
        if self.connection.sock:
            self.connection.sock.setsockopt(socket.IPPROTO_TCP,
                                            socket.TCP_NODELAY, 1)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


def post(bodies):
    """Posts batches; all their events must be taken."""
    client = Client()
    for body in bodies:
        status, answer = client("POST", "/v1/events", body,
                                "application/x-ndjson")
        if status != 200 or answer.count(b'"evt_') != BATCH:
            raise Invalid(f"a batch was answered {status}: {answer[:300]}")


def post_while(running, slowest, failed):
    """Posts one event after the other; the slowest answer, in seconds. A
    connection that a reload closes is made anew, and the event posted again."""
    client = Client()
    while not running.is_set():
        began = time.monotonic()
        try:
            status, answer = client("POST", "/v1/events", json.dumps({
                "event": "deploy_succeeded", "subject": "x"}))
        except (http.client.HTTPException, OSError):
            client = Client()
            continue
        if status != 202:
            failed.append((status, answer))
        slowest.append(time.monotonic() - began)
        time.sleep(0.002)


def reload_seconds(daemon):
    """How long a reload takes, and the longest that an event waited."""
    running, slowest, failed = threading.Event(), [0], []
    poster = threading.Thread(target=post_while,
                              args=(running, slowest, failed))
    poster.start()
    try:
        time.sleep(0.5)
        began = time.monotonic()
        daemon.configure(CONF + MARKER)
        daemon.process.send_signal(signal.SIGHUP)

        def is_there():
            try:
                return Client()("GET", "/v1/channels/marker")[0] == 200
            except (http.client.HTTPException, OSError):
                return False
        wait_for("the reload", is_there, 300)
        took = time.monotonic() - began
        time.sleep(0.5)
    finally:
        running.set()
        poster.join()
    if failed:
        raise Invalid(f"during a reload: {failed[0]}")
    return took, max(slowest)


def titles(root):
    """Memory of each process."""
    found = []
    for pid in processes(root):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/smaps_rollup") as file:
                kib = sum(int(line.split()[1]) for line in file
                          if line.startswith("Pss:"))
            with open(f"/proc/{pid}/cmdline") as file:
                title = file.read().replace("\0", " ").strip()
            found.append((title.split(": ", 1)[-1][:24], kib // 1024))
    return found


def cpu_an_event(daemon, sink, numbers):
    """Posts an event for each of the tenants; what each process takes for one,
    in us."""
    bodies = batches(numbers)
    arrive = sink.stats()["ok"] + len(numbers)
    cpu = cpu_seconds(daemon.process.pid)
    post(bodies)
    wait_for("all arrives", lambda: sink.stats()["ok"] >= arrive, 300)
    return {role: cpu_since(cpu, daemon.process.pid, role) / len(numbers) * 1e6
            for role in ROLES}


def measure_events(bench, daemon, sink, count, found):
    """The first event of each of so many tenants, if there are so many, and as
    many later ones of the same: their channels are read then."""
    chosen = random.Random(1)
    tenants = chosen.sample(range(count), min(count, bench.tenant_events +
                                              WARMING))
    # So that no first time of the daemon itself is counted.
    cpu_an_event(daemon, sink, rounds(chosen, tenants[:WARMING], WARMING))
    rest = tenants[WARMING:]
    if len(rest) == bench.tenant_events:
        found["first"] = cpu_an_event(daemon, sink, rest)
    found["later"] = cpu_an_event(
        daemon, sink, rounds(chosen, rest or tenants, bench.tenant_events))
    # Only ten send, whoever else there is.
    found["later (of ten)"] = cpu_an_event(
        daemon, sink, rounds(chosen, tenants[:10], bench.tenant_events))


def measure(bench, count, sealed):
    found = {}
    sink = Sink(bench.ceiling, SINK)
    daemon = Belfry(bench.build, CONF)
    try:
        daemon.start()
        end(daemon.process)
        fill_store(daemon, count, sealed)
        began = time.monotonic()
        daemon.start(patience=300)
        wait_for("it is ready", lambda: Client()("GET", "/readyz")[0] == 200,
                 300)
        found["start"] = time.monotonic() - began
        time.sleep(2)
        found["rest"] = pss_mib(daemon.process.pid)
        measure_events(bench, daemon, sink, count, found)
        found["after"] = pss_mib(daemon.process.pid)
        found["reload"], found["stall"] = reload_seconds(daemon)
        time.sleep(2)
        found["reloaded"] = pss_mib(daemon.process.pid)
        print("   ", titles(daemon.process.pid), flush=True)
    finally:
        daemon.stop()
        sink.stop()
    return found


def tenants(bench):
    least = None
    for count, sealed in [(n, False) for n in bench.tenants] + [
            (bench.tenants[-1], True)]:
        found = measure(bench, count, sealed)
        least = least or found
        what = f"{count:,} tenants" + (" with a secret a channel"
                                       if sealed else "")
        bench.row(f"{what}: start", f"{found['start']:.2f} s",
                  f"{least['start']:.2f} s", "", "")
        bench.row(f"{what}: reload; longest wait of an event meanwhile",
                  f"{found['reload']:.2f} s; {found['stall']:.2f} s",
                  f"{least['reload']:.2f} s; {least['stall']:.2f} s", "", "")
        bench.row(f"{what}: memory (PSS) at rest; after events; reloaded",
                  "; ".join(f"{found[m]:.0f}" for m in
                            ("rest", "after", "reloaded")) + " MiB",
                  "; ".join(f"{least[m]:.0f}" for m in
                            ("rest", "after", "reloaded")) + " MiB", "", "")
        for which in ("first", "later", "later (of ten)"):
            for role in ROLES if which in found else ():
                ours, theirs = found[which][role], least["later"][role]
                bench.row(f"{what}: CPU of a tenant's {which} event, "
                          f"{role or 'all processes'}", f"{ours:.1f} us",
                          f"{theirs:.1f} us",
                          f"{ours / theirs:.2f}" if theirs else "", "")
