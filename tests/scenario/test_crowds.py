"""Many clients at once: slow ones, more than there is room for, and more events
than the scheduler takes (bad inputs, lines 35 and 36)."""
import contextlib
import resource
import selectors
import signal
import socket
import threading
import time

import pytest
from harness import channel, memory_kib, wait_until
from raw import EVENT, HOST, POST, Raw, get, post

# Long enough for everyone to be asked, short enough to wait for.
TIMES = "request_timeout 4s; keepalive_timeout 4s;"


@contextlib.contextmanager
def crowd(port, count, say=b"", drip=b""):
    """count connections that say something, and then a byte of drip a second
    each. Yields the sockets, and a call that waits until all are closed."""
    sockets = []
    selector = selectors.DefaultSelector()
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", port), 20)
        sock.sendall(say)
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
        sockets.append(sock)

    def wait_closed(timeout):
        """The first bytes that each got, when all were closed."""
        said, opened = {sock: b"" for sock in sockets}, set(sockets)
        end, at = time.monotonic() + timeout, 0
        while opened:
            assert time.monotonic() < end, f"{len(opened)} are still open"
            for key, _ in selector.select(0.2):
                try:
                    more = key.fileobj.recv(4096)
                except OSError:
                    more = b""
                said[key.fileobj] += more
                if not more:
                    selector.unregister(key.fileobj)
                    opened.discard(key.fileobj)
            if drip and time.monotonic() > at + 1:
                at = time.monotonic()
                for sock in opened:
                    with contextlib.suppress(OSError):
                        sock.send(drip)
        return list(said.values())

    try:
        yield sockets, wait_closed
    finally:
        selector.close()
        for sock in sockets:
            sock.close()


def longest(b, count):
    """How long the slowest of some events took, in seconds."""
    times = []
    with Raw(b.port) as raw:
        for _ in range(count):
            began = time.monotonic()
            raw.send(post())
            assert raw.answer().status == 202
            times.append(time.monotonic() - began)
    return max(times)


def test_slow_clients_are_dropped_and_keep_nobody_waiting(belfry, receiver):
    """Line 35: 200 of each kind, at once."""
    endpoint = receiver()
    b = belfry(channel(endpoint.url), api=TIMES)
    calm = longest(b, 50)
    with contextlib.ExitStack() as stack:
        crowds = {name: stack.enter_context(crowd(b.port, 200, *said))[1]
                  for name, said in {
                      "silent": (),
                      "idle": (get(),),
                      "slow headers": (POST + b"X: ", b"y"),
                      "slow body": (POST + b"Content-Length: 1000\r\n\r\n",
                                    b" ")}.items()}
        assert longest(b, 50) < max(1, 10 * calm)
        # All that time allows, and what a busy machine takes.
        for name, wait_closed in crowds.items():
            said = wait_closed(30)
            want = {"silent": b"", "idle": b"HTTP/1.1 200 "}.get(
                name, b"HTTP/1.1 408 ")
            assert all(s.startswith(want) and bool(s) == bool(want)
                       for s in said), (name, said[:3])
    endpoint.wait(100)


def test_a_byte_a_second_does_not_lengthen_a_request(belfry, receiver):
    b = belfry(channel(receiver().url), api=TIMES)
    with crowd(b.port, 1, b"P", b"O") as (_, wait_closed):
        began = time.monotonic()
        wait_closed(20)
        assert time.monotonic() - began > 3.9


def test_requests_in_pieces_are_all_answered(belfry, receiver):
    """More at once than are read at once of those who have shown no token."""
    b = belfry(channel(receiver().url))
    asked = get(b"/healthz") * 2
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Raw(b.port)) for _ in range(200)]
        for at in range(len(asked)):
            for raw in clients:
                raw.send(asked[at:at + 1])
        for raw in clients:
            assert raw.answer().status == 200
            assert raw.answer().status == 200
    # And those who go away, or say nothing more, leave nothing behind.
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(Raw(b.port)).send(asked[:20])
    wait_until(lambda: b.metric("belfry_connections_open") <= 1,
               "all are closed")


def test_idle_connections_make_room(belfry, receiver):
    b = belfry(channel(receiver().url), api="max_connections 20;")
    with crowd(b.port, 20, get()) as (_, wait_closed):
        wait_until(lambda: b.metric("belfry_connections_open") >= 20,
                   "all are open")
        time.sleep(1.1)  # idle for long enough to be replaced
        for _ in range(5):
            assert b.http("GET", "/healthz", tcp=True).status == 200
    assert b.metric("belfry_connections_refused_total") == 0


@pytest.mark.parametrize("begun", [
    b"POST /v1/events HTTP/1.1\r\nX: ",
    b"POST /v1/session HTTP/1.1\r\n" + HOST +
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"],
    ids=["a head", "a body that needs no token"])
def test_requests_that_do_not_come_make_room(belfry, receiver, begun):
    """More of them than are looked at for one that has room to give."""
    b = belfry(channel(receiver().url), api="max_connections 100;")
    with crowd(b.port, 100, begun, b"x"):
        wait_until(lambda: b.metric("belfry_connections_open") >= 100,
                   "all are open")
        time.sleep(1.1)  # slow for long enough to be replaced
        refused = b.metric("belfry_connections_refused_total")
        with Raw(b.port) as raw:
            raw.send(post())
            assert raw.answer().status == 202
            # Who was answered just now is the last to go.
            for _ in range(5):
                assert b.http("GET", "/healthz", tcp=True).status == 200
            raw.send(post())
            assert raw.answer().status == 202
    assert b.metric("belfry_connections_refused_total") == refused


def test_an_operator_gets_in_when_all_connections_are_taken(belfry, receiver):
    b = belfry(channel(receiver().url), api="max_connections 10;")
    busy = POST + b"Content-Length: 1000\r\n\r\n"
    with crowd(b.port, 10, busy):
        wait_until(lambda: b.metric("belfry_connections_open") >= 10,
                   "all are open")
        with Raw(b.port) as raw:
            raw.send(get())
            answer = raw.answer()
            assert answer.status == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json["type"] == "urn:belfry:problem:busy"
            assert raw.answer() is None
        assert b.stats()["version"]
    assert b.metric("belfry_connections_refused_total") == 1
    wait_until(lambda: b.http("GET", "/healthz", tcp=True).status == 200,
               "it recovers")


@contextlib.contextmanager
def open_files(count):
    """Room for that many open files in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"no more than {hard} open files are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("conf, limit", [
    ("", None), ("max_connections 100000;", 600)],
    ids=["max_connections", "RLIMIT_NOFILE"])
def test_10000_connections_stop_no_delivery(belfry, receiver, conf, limit):
    """Line 36: the limit of the conf file, and the system's."""
    endpoint = receiver()
    before = ["prlimit", f"--nofile={limit}:{limit}"] if limit else []
    b = belfry(channel(endpoint.url), api=conf + "request_timeout 20s;",
               before=before)
    waiting = [b.post(subject=f"before {i}") for i in range(20)]
    # What keeps a connection from making room for another.
    begun = POST + b"Content-Length: 1000\r\n\r\n"
    with open_files(12000), contextlib.ExitStack() as stack:
        stop, sent = threading.Event(), []

        def keep_posting():
            while not stop.is_set():
                sent.append(b.post(subject=f"meanwhile {len(sent)}"))
                time.sleep(0.02)

        poster = threading.Thread(target=keep_posting)
        poster.start()
        try:
            sockets = []
            stack.callback(lambda: [s.close() for s in sockets])
            for _ in range(10000):
                sock = socket.create_connection(("127.0.0.1", b.port), 20)
                sockets.append(sock)
                with contextlib.suppress(OSError):
                    sock.sendall(begun)
            count = len(sent)
            wait_until(lambda: len(sent) >= count + 20, "events are taken")
            refused = b.metric("belfry_connections_refused_total")
            assert refused >= 10000 - (limit or 1024)
            assert memory_kib(b.pids("intake")[0]) < 256 << 10
        finally:
            stop.set()
            poster.join(30)
        wait_until(lambda: len({r.headers["webhook-id"]
                                for r in endpoint.requests})
                   >= len(sent) + len(waiting), "deliveries go on")
    wait_until(lambda: b.http("GET", "/healthz", tcp=True).status == 200,
               "it recovers")
    if limit:
        assert f"the limit of {limit} open files" in b.log()
        assert "accept:" not in b.log()


QUIET = b'{"event":"deploy_started","subject":"s","body":"%s"}'


class Held:
    """A belfry whose scheduler does nothing while some requests are made. It is
    missed and replaced after a while; whoever is too slow tries again."""

    def __init__(self, b):
        self.b, self.answers, self.threads = b, [], []

    def post(self, body, headers):
        def run():
            self.answers.append(self.b.http("POST", "/v1/events", body,
                                            headers))
        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def refusal(self):
        """The answer to a small event, if it gets one while nobody works."""
        with Raw(self.b.port, timeout=0.3) as raw:
            raw.send(post(QUIET % b""))
            try:
                answer = raw.answer()
            except TimeoutError:
                return None
        return answer if answer.status == 503 else None

    def refusal_after(self, requests):
        """Makes the requests while the scheduler is held, until a small one
        that follows is refused: its answer."""
        for _ in range(10):
            scheduler = wait_until(lambda: self.b.pids("scheduler"),
                                   "a scheduler")[0]
            self.b.send_signal(signal.SIGSTOP, scheduler)
            for body, headers in requests:
                self.post(body, headers)
            end, answer = time.monotonic() + 1.5, None
            while not answer and time.monotonic() < end:
                answer = self.refusal()
            with contextlib.suppress(ProcessLookupError):
                self.b.send_signal(signal.SIGCONT, scheduler)
            for thread in self.threads:
                thread.join(60)
            if answer:
                return answer
        raise AssertionError("nothing was ever refused")


def assert_busy(answer):
    assert answer.json["type"] == "urn:belfry:problem:busy"
    assert int(answer.headers["retry-after"]) >= 1


def test_events_that_wait_for_the_scheduler_are_bounded(belfry, receiver):
    """Held back, the intake says 503 with Retry-After, keeps what it has
    taken, and loses none of it."""
    b = belfry(channel(receiver().url))
    held = Held(b)
    assert_busy(held.refusal_after([(
        (QUIET % b"" + b"\n") * 9999,
        {"Content-Type": "application/x-ndjson"})]))
    for answer in held.answers:
        lines = answer.body.splitlines()
        assert len(lines) == 9999
        assert all(b'"status":202' in line for line in lines)
    assert b.http("POST", "/v1/events", EVENT).status == 202


def test_bytes_that_wait_for_the_scheduler_are_bounded(belfry, receiver):
    b = belfry(channel(receiver().url), api="max_body 32m;")
    held = Held(b)
    large = QUIET % (b"y" * (24 << 20)), {"Content-Type": "application/json"}
    assert_busy(held.refusal_after([large] * 3))
    assert {answer.status for answer in held.answers} == {202}
    assert b.http("POST", "/v1/events", EVENT).status == 202


def test_an_event_that_grows_too_large_is_refused_at_once(belfry, receiver):
    """What the scheduler can't be sent must not be tried again and again."""
    b = belfry(channel(receiver().url), api="max_body 32m;")
    scheduler = b.pids("scheduler")
    answer = b.http("POST", "/v1/events", QUIET % (b"\x7f" * (12 << 20)))
    assert answer.status == 413 and "ASCII" in answer.json["detail"]
    assert b.http("POST", "/v1/events", QUIET % (b"\x7f" * (4 << 20))) \
        .status == 202
    assert b.pids("scheduler") == scheduler
    assert "impossible" not in b.log()
