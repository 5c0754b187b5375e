"""Endpoints that misbehave: a verdict in time, a reason that can be read, and
nobody else the worse for it."""
import gzip
import os
import socket
import struct
import time

import pytest

import tls
from harness import BUILD, PLAIN, channel, free_port, memory_kib, \
    read_request

TIMEOUT = "timeout 1s; retry none;"
# The verdict has to come within the time-out; what a busy machine adds to it
# is not the daemon's.
SLACK = 8


def reset(connection):
    """Ends a connection with a reset in place of an orderly close."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
    connection.close()


def drip(data, interval=0.2):
    def serve(connection):
        read_request(connection)
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(interval)
        time.sleep(30)
    return serve


def answer(data, then=None):
    """Sends bytes in place of an answer, and closes."""
    def serve(connection):
        read_request(connection)
        connection.sendall(data)
        if then:
            then(connection)
    return serve


def flood(head, piece, total=None):
    """Sends a head and then pieces, without end or up to a total of bytes."""
    def serve(connection):
        read_request(connection)
        connection.sendall(head)
        sent = 0
        while total is None or sent < total:
            connection.sendall(piece)
            sent += len(piece)
        time.sleep(30)
    return serve


def hang_unread(connection):
    time.sleep(30)


def hang(connection):
    read_request(connection)
    time.sleep(30)


def close_unread(connection):
    pass


def reset_unread(connection):
    reset(connection)


def reset_after_request(connection):
    read_request(connection)
    reset(connection)


def reset_in_answer(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nab")
    time.sleep(0.1)
    reset(connection)


def bomb():
    """2 MiB that expand to 2 GiB, if anybody expands them."""
    return gzip.compress(b"\0" * (256 << 20)) * 8


BIG = b"x" * 65536
NO = b"HTTP/1.1 500 No\r\n"
OK = b"HTTP/1.1 200 OK\r\n"

# name: (server, final state, words of the reason)
SERVERS = {
    "hangs, unread": (hang_unread, "failed", "timed out"),
    "hangs": (hang, "failed", "timed out"),
    "closes at once": (close_unread, "failed", "closed|broke|reset"),
    "resets at once": (reset_unread, "failed", "reset|broke|closed|connect"),
    "resets after the request": (reset_after_request, "failed",
                                 "reset|broke"),
    "resets in the answer": (reset_in_answer, "failed", "500"),
    "closes without an answer": (answer(b""), "failed",
                                 "without an answer"),
    "half a status line": (answer(b"HTTP/1.1 20"), "failed", "."),
    "half a head": (answer(b"HTTP/1.1 500 No\r\nContent-Le"), "failed", "."),
    "garbage": (answer(b"\x00\xff\xfe garbage \r\n\r\n" * 20), "failed",
                "HTTP"),
    "HTTP/0.9": (answer(b"<html>all is well</html>"), "failed", "HTTP"),
    "an SSH server": (answer(b"SSH-2.0-OpenSSH_9.2\r\n"), "failed", "HTTP"),
    "status 099": (answer(b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"),
                   "failed", "status|HTTP"),
    "status 600": (answer(b"HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n"),
                   "failed", "600"),
    "status 999": (answer(b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"),
                   "failed", "999"),
    "status 101": (answer(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
                   "failed", "."),
    "a byte a second": (drip(OK + b"X-Slow: yes\r\n\r\n"), "failed",
                        "timed out"),
    "a body of a byte a second": (
        answer(NO + b"Content-Length: 100000\r\n\r\n", drip(b"y" * 100)),
        "failed", "500|timed out"),
    "endless headers": (flood(NO, b"X-Name: value\r\n" * 1000), "failed",
                        "500"),
    "a header of 10 MB": (flood(NO + b"X-Big: ", BIG, 10 << 20), "failed",
                          "500"),
    "2xx with endless headers": (
        flood(OK, b"X-Name: value\r\n" * 1000), "delivered", ""),
    "endless 100s": (flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
                     "failed", "headers|timed out"),
    "a body of 10 GB": (
        flood(NO + b"Content-Length: 10737418240\r\n\r\n", BIG), "failed",
        "500"),
    "endless chunks": (
        flood(NO + b"Transfer-Encoding: chunked\r\n\r\n",
              b"10000\r\n" + BIG + b"\r\n"), "failed", "500"),
    "a body without end": (flood(NO + b"\r\n", BIG), "failed", "500"),
    "a gzip bomb": (
        flood(NO + b"Content-Encoding: gzip\r\n\r\n", bomb()), "failed",
        "500"),
    "a gzip bomb as transfer encoding": (
        flood(NO + b"Transfer-Encoding: gzip\r\n\r\n", bomb()), "failed",
        "."),
    "a bad chunk": (
        answer(NO + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"),
        "failed", "500"),
    "half a body": (answer(NO + b"Content-Length: 100\r\n\r\nhalf"),
                    "failed", "500"),
    "two lengths": (answer(NO + b"Content-Length: 1\r\nContent-Length: 2\r\n"
                           b"\r\nab"), "failed", "."),
    "2xx with half a body": (
        answer(OK + b"Content-Length: 100\r\n\r\nhalf"), "delivered", ""),
    "2xx with a bad chunk": (
        answer(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"),
        "delivered", ""),
    "2xx with a body of 10 GB": (
        flood(OK + b"Content-Length: 10737418240\r\n\r\n", BIG), "delivered",
        ""),
    "2xx whose body never comes": (
        answer(OK + b"Content-Length: 100\r\n\r\n", hang_unread),
        "delivered", ""),
    "204 with a body": (
        answer(b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody"),
        "delivered", ""),
    "2xx reset in its body": (
        answer(OK + b"Content-Length: 100\r\n\r\nhalf", reset), "delivered",
        ""),
    "a status line with control characters": (
        answer(b"HTTP/1.1 500 \x1b[31mred\x07\r\nContent-Length: 0\r\n\r\n"),
        "failed", "500"),
    "100 and then 200": (
        answer(b"HTTP/1.1 100 Continue\r\n\r\n" + OK +
               b"Content-Length: 0\r\n\r\n"), "delivered", ""),
}


# Of belfry's own events none mix with those that are counted here.
QUIET = "events { channel_failing off; channel_recovered off; }\n"


def shown(b, identifier, state, limit=1):
    """The delivery when it has ended, in time; and belfryctl show of it."""
    began = time.monotonic()
    delivery = b.wait_state(identifier, state, limit + SLACK)
    took = time.monotonic() - began
    last = delivery["attempts"][-1]
    assert last["took_us"] < (limit + SLACK) * 1e6
    print(f"took {took:.2f} s: {last.get('why')}")
    return delivery, b.ctl("show", identifier).stdout


def matches(words, text):
    return any(word == "." or word.lower() in text.lower()
               for word in words.split("|"))


def check(b, name, state, words, limit=1):
    """An event to the channel has the state in the end, for the reason."""
    identifier = b.delivery_of(b.post(), name)
    delivery, text = shown(b, identifier, state, limit)
    if state == "failed":
        why = delivery["attempts"][-1]["why"]
        assert matches(words, why), why
        assert why[:40] in text.replace("\n", " "), text
        assert all(c.isprintable() for c in why), why
    assert "\x1b" not in text
    return delivery


# Groups of cases share a belfry, so that the suite stays short.
GROUPS = [list(SERVERS)[n::6] for n in range(6)]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0])
def test_bad_servers(belfry, receiver, raw_server, group):
    other = receiver()
    servers = {f"c{number}": raw_server(SERVERS[name][0])
               for number, name in enumerate(group)}
    b = belfry(QUIET + "".join(channel(server.url, name, TIMEOUT)
                               for name, server in servers.items()) +
               channel(other.url, "other", "timeout 20s;"))
    event = b.post()
    # All of them hang, drip or flood now; the other is served meanwhile.
    b.wait_state(b.delivery_of(event, "other"), "delivered")
    for number, name in enumerate(group):
        _, state, words = SERVERS[name]
        print("---", name)
        identifier = b.delivery_of(event, f"c{number}")
        delivery, text = shown(b, identifier, state)
        assert "\x1b" not in text
        if state == "failed":
            why = delivery["attempts"][-1]["why"]
            assert matches(words, why), (name, why)
            assert why[:30] in text, (name, text)
            assert why.isprintable(), (name, why)
        else:
            assert servers[f"c{number}"].connections == 1, name
        assert len(delivery["attempts"][-1].get("excerpt") or "") <= 1024 * 6
    assert len(b.pids("worker")) == 1 and "signal" not in b.log()


def test_refused(belfry):
    b = belfry(channel(f"http://127.0.0.1:{free_port()}/", more=TIMEOUT))
    check(b, "hook", "failed", "refused|connect")


def test_next_request_is_not_poisoned(belfry, raw_server):
    """What comes after a whole answer, or beside the request, is not taken
    for the answer to the next request."""
    seen = []

    def serve(connection):
        while True:
            request = read_request(connection)
            if not request:
                return
            seen.append(request)
            # Early, and with an answer that nobody asked for behind it.
            connection.sendall(
                b"HTTP/1.1 204 No Content\r\n\r\n"
                b"HTTP/1.1 204 No Content\r\nX-Ghost: yes\r\n\r\n"
                if len(seen) % 2 else
                b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

    server = raw_server(serve)
    b = belfry(channel(server.url, more="concurrency 1; retry none;"))
    states = []
    for _ in range(6):
        identifier = b.delivery_of(b.post("incident_created"))
        b.wait_idle()
        states.append(b.delivery(identifier)["state"])
    # Every request was answered by its own answer: odd ones 204, even 500.
    own = [request for request in seen if b"incident_created" in request]
    assert len(own) == 6
    want = ["delivered" if seen.index(request) % 2 == 0 else "failed"
            for request in own]
    assert states == want


def test_connections_are_kept(belfry, raw_server):
    def serve(connection):
        while read_request(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nServer: some\r\n"
                               b"Content-Length: 2\r\n\r\nok")

    server = raw_server(serve)
    b = belfry(channel(server.url, more="concurrency 1;"))
    for _ in range(20):
        b.post()
    b.wait_idle()
    assert server.connections == 1


def redirect_cases(target):
    return {
        "301": (301, target), "302": (302, target), "307": (307, target),
        "308": (308, target),
        "file": (302, "file:///etc/passwd"),
        "gopher": (302, "gopher://127.0.0.1:1/_x"),
        "loop": (302, "/"),
        "long": (302, target + "x" * 20000),
        "scheme-less": (302, "//" + target.partition("//")[2]),
    }


def test_redirects_are_not_followed(belfry, receiver):
    target = receiver()
    cases = redirect_cases(target.url)
    endpoints, conf = {}, ""
    for number, (name, (status, location)) in enumerate(cases.items()):
        endpoints[name] = receiver(
            lambda request, status=status, location=location:
            (status, {"Location": location}))
        conf += channel(endpoints[name].url, f"c{number}", "retry none;")
    b = belfry(QUIET + conf)
    event = b.post()
    for number, (name, (status, _)) in enumerate(cases.items()):
        delivery, text = shown(b, b.delivery_of(event, f"c{number}"),
                               "failed", 10)
        why = delivery["attempts"][-1]["why"]
        assert str(status) in why and "redirect" in why, (name, why)
    assert not target.requests
    for endpoint in endpoints.values():
        assert all(r.path == "/" for r in endpoint.requests)


def test_cookies_and_challenges_get_nothing(belfry, receiver):
    endpoint = receiver(lambda request: (401, {
        "Set-Cookie": "session=1; Path=/",
        "WWW-Authenticate": "NTLM, Negotiate, Digest realm=x, nonce=y, Basic",
    }))
    b = belfry(channel(endpoint.url, more="retry 50ms 50ms;"))
    b.wait_state(b.delivery_of(b.post()), "failed")
    for request in endpoint.requests:
        assert "Cookie" not in request.headers
        assert "Authorization" not in request.headers


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_idle_connection_that_is_closed_costs_nothing(belfry, raw_server):
    """A server that closes kept connections, as all do some time."""
    def serve(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        time.sleep(0.2)

    server = raw_server(serve)
    b = belfry(channel(server.url))
    b.wait_state(b.delivery_of(b.post()), "delivered")
    time.sleep(0.5)
    worker, = b.pids("worker")
    before = cpu_seconds(worker)
    time.sleep(2)
    assert cpu_seconds(worker) - before < 0.5, "the worker spins"
    b.wait_state(b.delivery_of(b.post()), "delivered")
    assert server.connections == 2


def test_memory_of_the_worker_is_bounded(belfry, raw_server):
    """Gigabytes are offered; nothing of it is kept. The build without
    sanitizers is measured if there is one; theirs keep freed memory."""
    floods = [raw_server(SERVERS[name][0]) for name in (
        "a body of 10 GB", "endless headers", "a gzip bomb",
        "a header of 10 MB", "endless 100s",
        "a gzip bomb as transfer encoding")]
    b = belfry(QUIET + "".join(channel(server.url, f"c{number}", TIMEOUT)
                               for number, server in enumerate(floods)), build=PLAIN)
    b.post()
    b.wait_idle()
    worker, = b.pids("worker")
    before = memory_kib(worker)
    for _ in range(20):
        b.post()
    b.wait_idle()
    grown = memory_kib(worker) - before
    print(f"{grown} KiB more after 120 floods")
    assert grown < (4 << 10 if PLAIN != BUILD else 128 << 10)
    assert b.pids("worker") == [worker]


# ---- TLS ----

BAD_CERTIFICATES = {
    "expired": (lambda: tls.issued("old", expired=True), "expired"),
    "wrong host": (lambda: tls.issued("other", "DNS:other.example"),
                   "another host"),
    "self-signed": (tls.self_signed, "self-signed"),
    "unknown authority": (
        lambda: tls.issued("stranger", by="Another"), "nobody that is trusted"),
}


def test_bad_certificates(belfry, receiver):
    good = receiver(ssl=tls.server(tls.issued("good")))
    endpoints = {name: receiver(ssl=tls.server(make()))
                 for name, (make, _) in BAD_CERTIFICATES.items()}
    ca = tls.authority().certificate
    b = belfry(QUIET + channel(good.url, "good", f"ca_file {ca}; retry none;") +
               channel(good.url, "system", "retry none;") + "".join(
        channel(endpoint.url, f"c{number}", f"ca_file {ca}; retry none;")
        for number, endpoint in enumerate(endpoints.values())))
    event = b.post()
    b.wait_state(b.delivery_of(event, "good"), "delivered")
    # The system does not know the authority of the good one.
    delivery, _ = shown(b, b.delivery_of(event, "system"), "failed", 10)
    assert "nobody that is trusted" in delivery["attempts"][-1]["why"]
    assert len(good.requests) == 1
    for number, (name, (_, words)) in enumerate(BAD_CERTIFICATES.items()):
        delivery, text = shown(b, b.delivery_of(event, f"c{number}"),
                               "failed", 10)
        why = delivery["attempts"][-1]["why"]
        assert words in why, (name, why)
        assert words in text
        assert not endpoints[name].requests, "nothing was given away"


def test_plain_server_behind_https(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url.replace("http:", "https:"),
                       more="retry none; timeout 2s;"))
    delivery = check(b, "hook", "failed", "TLS|SSL", 2)
    assert "TLS" in delivery["attempts"][-1]["why"]


def test_tls_server_behind_http(belfry, receiver):
    endpoint = receiver(ssl=tls.server(tls.issued("good")))
    b = belfry(channel(endpoint.url.replace("https:", "http:"),
                       more="retry none; timeout 2s;"))
    check(b, "hook", "failed", ".", 2)


def test_tls_server_that_hangs(belfry, raw_server):
    server = raw_server(hang_unread)
    b = belfry(channel(server.url.replace("http:", "https:"), more=TIMEOUT))
    check(b, "hook", "failed", "making the TLS connection")


def test_client_certificate(belfry, receiver):
    clients = tls.authority("Clients")
    endpoint = receiver(ssl=tls.server(tls.issued("good"), clients))
    ca = tls.authority().certificate
    own = tls.issued("belfry", by="Clients")
    wrong = tls.issued("stranger", by="Another")
    more = f"ca_file {ca}; retry none;"
    b = belfry(
        QUIET +
        channel(endpoint.url, "with", f"client_certificate {own}; {more}") +
        channel(endpoint.url, "without", more) +
        channel(endpoint.url, "wrong", f"client_certificate {wrong}; {more}"))
    event = b.post()
    b.wait_state(b.delivery_of(event, "with"), "delivered")
    for name in ("without", "wrong"):
        delivery, _ = shown(b, b.delivery_of(event, name), "failed", 10)
        assert "certificate" in delivery["attempts"][-1]["why"], name
    assert len(endpoint.requests) == 1
