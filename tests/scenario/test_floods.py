"""Floods of every kind at once, while others are served: connections that say
nothing, heads that never end, bodies of 10 GB, requests a byte at a time,
handshakes of TLS.

A check counts: that everyone else is served, and memory. With BELFRY_TIMED=1
(for by hand, on a quiet machine) it also says how long the others waited, in
calm and in floods of each kind, and holds the one against the other.
"""
import collections
import multiprocessing
import os
import socket
import ssl
import threading
import time

import pytest
import tls
from harness import PLAIN, channel, free_port, memory_kib, wait_until
from raw import HOST, POST, Raw, post

TIMED = bool(os.environ.get("BELFRY_TIMED"))
CONNECTIONS = 1200  # that say nothing, one after the other
HANDSHAKES = 64     # begun at once
POSTED = 300
POSTED_TIMED = 4000
MOST = 1024                             # max_connections, as it is by default
# What doc/manual/threat-model.md promises of an intake: 128 KiB and a head for
# each connection without a token, and what it has when nobody comes.
BOUND_KIB = MOST * (128 + 16) + (64 << 10)

KINDS = "idle heads bodies drips handshakes".split()
Tally = collections.namedtuple("Tally", KINDS + ["bytes"])


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.settimeout(10)
    return sock


def pour(port, head, piece):
    """Sends a head and then pieces without end, as fast as they are taken:
    what was answered, and how many bytes were."""
    taken, answer = 0, b""
    with connect(port) as sock:
        try:
            sock.sendall(head)
            while taken < 64 << 20:
                sock.sendall(piece)
                taken += len(piece)
        except OSError:
            pass
        try:
            answer = sock.recv(64)
        except OSError:
            pass  # reset, as what it had sent was not read
    return answer, taken


def client_hello():
    """The first message of a handshake: it asks for a key exchange and a
    signature, and costs who sends it again and again nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    sent = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), sent).do_handshake()
    except ssl.SSLWantReadError:
        return sent.read()


class Attackers:
    """A process, so that its work is not done by whoever measures.

    kinds  what it does: two threads of each, or one of what is idle or drips
    holds  how many idle connections it has open at once
    drips  how many of those that drip"""

    def __init__(self, b, kinds=KINDS, holds=CONNECTIONS // 2, drips=200):
        self.port, self.tls_port, self.kinds = b.port, b.tls_port, kinds
        self.holds, self.drips = holds, drips
        self.stopped = multiprocessing.Event()
        # As in Tally: how many, and the most bytes that one had taken
        self.counts = multiprocessing.Array("q", len(Tally._fields))
        self.process = multiprocessing.Process(target=self.run, daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *what):
        self.stopped.set()
        self.process.join(30)
        self.process.kill()

    @property
    def tally(self):
        return Tally(*self.counts)

    def run(self):
        # It stands for other machines: it only gets what is left of this
        # one's processors.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        works = {"idle": [self.idle], "drips": [self.drip],
                 "heads": [self.heads] * 2, "bodies": [self.bodies] * 2,
                 "handshakes": [self.handshakes] * 2}
        for kind in self.kinds:
            for work in works[kind]:
                threading.Thread(target=work, daemon=True).start()
        self.stopped.wait()

    def count(self, kind, taken=0):
        with self.counts.get_lock():
            self.counts[KINDS.index(kind)] += 1
            self.counts[-1] = max(self.counts[-1], taken)

    def idle(self):
        held = collections.deque()
        while not self.stopped.is_set():
            try:
                held.append(connect(self.port))
                self.count("idle")
            except OSError:
                time.sleep(0.01)
            if len(held) > self.holds:
                held.popleft().close()
            time.sleep(0.0005)

    def drip(self):
        held = collections.deque()
        while not self.stopped.is_set():
            try:
                held.append(connect(self.port))
                held[-1].sendall(b"POST /v1/events HTTP/1.1\r\nX: ")
                self.count("drips")
            except OSError:
                pass
            for sock in held:
                try:
                    sock.send(b"y")
                except OSError:
                    pass
            if len(held) > self.drips:
                held.popleft().close()
            time.sleep(0.02)

    def heads(self):
        while not self.stopped.is_set():
            try:
                _, taken = pour(self.port, b"POST /v1/events HTTP/1.1\r\n" +
                                HOST, b"X: " + b"y" * 1000 + b"\r\n")
                self.count("heads", taken)
            except OSError:
                pass
            time.sleep(0.005)

    def bodies(self):
        while not self.stopped.is_set():
            try:
                _, taken = pour(self.port, POST +
                                b"Content-Length: 10737418240\r\n\r\n",
                                b"x" * 65536)
                self.count("bodies", taken)
            except OSError:
                pass
            time.sleep(0.005)

    def handshakes(self):
        hello = client_hello()
        while not self.stopped.is_set():
            held = []
            try:
                for _ in range(HANDSHAKES):
                    held.append(connect(self.tls_port))
                    held[-1].sendall(hello)
                for sock in held:
                    if sock.recv(1):
                        self.count("handshakes")
            except OSError:
                pass
            for sock in held:
                sock.close()


def times_of(b, count):
    """How long each of some events took, in seconds."""
    times = []
    with Raw(b.port) as raw:
        for _ in range(count):
            began = time.monotonic()
            raw.send(post())
            assert raw.answer().status == 202
            times.append(time.monotonic() - began)
    return sorted(times)


@pytest.mark.parametrize("head, statuses", [
    (POST + b"Content-Length: 10737418240\r\n\r\n", (b"413",)),
    (b"POST /v1/events HTTP/1.1\r\n" + HOST +
     b"Content-Length: 10737418240\r\n\r\n", (b"401", b"413"))],
    ids=["with a token", "without"])
def test_a_body_of_10_gb_is_refused_by_its_head(belfry, receiver, head,
                                                statuses):
    b = belfry(channel(receiver().url), build=PLAIN)
    with Raw(b.port) as raw:
        raw.send(head)
        assert str(raw.answer().status).encode() in statuses
    for _ in range(5):
        _, taken = pour(b.port, head, b"x" * 65536)
        # The answer, what the system's buffers hold, and no more.
        assert taken < 16 << 20


@pytest.fixture
def flooded(belfry):
    """Makes a belfry that listens with TLS, too."""
    def make(conf, api=""):
        port, pem = free_port(), tls.issued("floods")
        b = belfry(conf, build=PLAIN, api=f"{api} certificate {pem}; "
                   f"certificate_key {pem}; listen 127.0.0.1:{port} tls;")
        b.tls_port = port
        return b

    return make


def test_others_are_served_in_a_flood(flooded, receiver):
    endpoint = receiver()
    b = flooded(channel(endpoint.url), "request_timeout 5s;")
    intake = b.pids("intake")[0]
    times_of(b, POSTED)
    with Attackers(b) as attackers:
        wait_until(lambda: min(attackers.tally[:-1]) >= 5 and
                   attackers.tally.idle > min(CONNECTIONS, MOST),
                   "the flood", 60)
        times_of(b, POSTED)
        wait_until(lambda: attackers.tally.idle > CONNECTIONS,
                   "all have come", 120)
        memory = memory_kib(intake)
        tally = attackers.tally
    assert min(tally[:-1]) >= 5 and tally.bytes < 16 << 20
    assert b.pids("intake") == [intake]
    assert memory < BOUND_KIB
    # Refused or not, none of them is left, and nothing was lost.
    wait_until(lambda: b.http("GET", "/healthz", tcp=True).status == 200,
               "it recovers")
    endpoint.wait(2 * POSTED, 60)


# By hand: the kinds, how many connections are open in it, what the conf file
# allows, and by how much the slowest may be slower.
FLOODS = {
    "10,000 idle, all let in": (["idle"], 10000, 12000, 2),
    "10,000 idle, 1,024 let in": (["idle"], 10000, MOST, 2),
    "200 drip": (["drips"], 200, MOST, 2),
    "1,000 drip": (["drips"], 1000, MOST, 2),
    "heads": (["heads"], 2, MOST, 2),
    "bodies": (["bodies"], 2, MOST, 2),
    "handshakes": (["handshakes"], 2, MOST, 4),
    "all": (KINDS, 5000, MOST, 4),
}


@pytest.mark.skipif(not TIMED, reason="BELFRY_TIMED is not set")
@pytest.mark.parametrize("kinds, holds, most, slower", FLOODS.values(), ids=FLOODS)
def test_others_are_served_as_soon(flooded, receiver, kinds, holds, most,
                                   slower):
    b = flooded(channel(receiver().url), f"max_connections {most};")
    intake = b.pids("intake")[0]
    times_of(b, POSTED)
    calm = times_of(b, POSTED_TIMED)
    with Attackers(b, kinds, holds, min(holds, 1000)) as attackers:
        wait_until(lambda: all(getattr(attackers.tally, kind) >=
                               (min(holds, 1000) if kind == "drips" else
                                holds if kind == "idle" else 5)
                               for kind in kinds), "the flood", 120)
        flood = times_of(b, POSTED_TIMED)
        memory, tally = memory_kib(intake), attackers.tally
    p50, p99 = (POSTED_TIMED * part // 100 for part in (50, 99))
    print(f"\np99 {calm[p99] * 1e3:.2f} ms in calm, "
          f"{flood[p99] * 1e3:.2f} ms in the flood; p50 "
          f"{calm[p50] * 1e3:.2f} and {flood[p50] * 1e3:.2f}; {tally}; "
          f"{memory} KiB")
    assert memory < most * (128 + 16) + (64 << 10)
    assert flood[p99] < slower * calm[p99]
