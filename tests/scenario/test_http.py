"""Bytes that no client of good will sends, to one daemon: framing that two
readers would understand differently, sizes without end, protocols that are not
ours (bad inputs, lines 27 to 34, 37 and 38)."""
import re
import socket
import time

import harness
import pytest
from harness import channel, memory_kib, wait_until
from raw import AUTH, EVENT, HOST, POST, Raw, exchange, get, post

LIMIT = 64 << 10  # max_body
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
# What a reader that takes the framing for another would find behind it.
SMUGGLED = post(b'{"event":"deploy_failed","subject":"smuggled"}')


@pytest.fixture(scope="module")
def endpoint(module_closing):
    return module_closing(harness.Receiver())


@pytest.fixture(scope="module")
def b(module_closing, tmp_path_factory, endpoint):
    return module_closing(harness.Belfry(
        tmp_path_factory.mktemp("http"), channel(endpoint.url),
        api=f"max_body {LIMIT}; max_header 16k;")).start()


@pytest.fixture(autouse=True)
def nothing_smuggled(b, endpoint):
    """No attack may pass for a request of its own, or harm the process."""
    intakes = b.pids("intake")
    yield
    assert b.pids("intake") == intakes, "an intake died"
    assert b.http("GET", "/healthz", tcp=True).status == 200
    assert not any(r.json["subject"] == "smuggled" for r in endpoint.requests)


def accepted(b):
    return b.metric("belfry_events_accepted_total")


def assert_refused(b, cases):
    """Each case {name: (bytes, statuses)} gets one answer, a problem document,
    and the end of its connection."""
    before = accepted(b)
    for name, (data, statuses) in cases.items():
        try:
            answers = exchange(b.port, data, timeout=10)
        except TimeoutError:
            pytest.fail(f"{name}: the connection was kept")
        assert len(answers) == 1, (name, answers)
        answer = answers[0]
        assert answer.status in statuses, (name, answer)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["connection"] == "close", name
        assert answer.json["status"] == answer.status, name
        assert answer.json["detail"], name
    assert accepted(b) == before


def test_lengths_that_are_none_are_refused(b):
    """Bad inputs, line 27."""
    def length(value):
        return (POST + b"Content-Length: " + value + b"\r\n\r\n" + EVENT,
                (400,))

    assert_refused(b, {
        repr(value): length(value) for value in (
            b"-1", b"-0", b"+5", b"0x29", b"99999999999999999999",
            b"18446744073709551617", b"41, 41", b"5, 6", b"5 6", b"41;",
            b"", b"4\t1", b"41\x0b", b"1e2", b"\xb2")})
    assert_refused(b, {
        "twice": (POST + b"Content-Length: 5\r\nContent-Length: 41\r\n\r\n"
                  + EVENT + SMUGGLED, (400,)),
        "twice the same": (POST + b"Content-Length: 41\r\n" * 2 + b"\r\n"
                           + EVENT + SMUGGLED, (400,)),
    })


def test_transfer_encodings_that_hide_a_request_are_refused(b):
    """Bad inputs, line 28."""
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(EVENT), EVENT)

    def encoded(*lines, body=chunks, start=POST):
        return (start + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
                + body + SMUGGLED, (400, 501))

    assert_refused(b, {
        "with a length": encoded(b"Content-Length: 4",
                                 b"Transfer-Encoding: chunked"),
        "before a length": encoded(b"Transfer-Encoding: chunked",
                                   b"Content-Length: 4"),
        "twice": encoded(b"Transfer-Encoding: chunked",
                         b"Transfer-Encoding: chunked"),
        "listed twice": encoded(b"Transfer-Encoding: chunked, chunked"),
        "identity": encoded(b"Transfer-Encoding: identity"),
        "unknown": encoded(b"Transfer-Encoding: cow"),
        "gzip": encoded(b"Transfer-Encoding: gzip, chunked"),
        "chunked first": encoded(b"Transfer-Encoding: chunked, identity"),
        "with a parameter": encoded(b"Transfer-Encoding: chunked;q=1"),
        "vertical tab": encoded(b"Transfer-Encoding: \x0bchunked"),
        "quoted": encoded(b'Transfer-Encoding: "chunked"'),
        "xchunked": encoded(b"Transfer-Encoding: xchunked"),
        "no-break space": encoded(b"Transfer-Encoding: chunked\xa0"),
        "folded": encoded(b"Transfer-Encoding:", b" chunked"),
        "space before the colon": encoded(b"Transfer-Encoding : chunked"),
        "bare CR": encoded(b"X: y\rTransfer-Encoding: chunked"),
        "HTTP/1.0": encoded(b"Transfer-Encoding: chunked",
                            start=POST.replace(b"HTTP/1.1", b"HTTP/1.0")),
    })


def test_chunks_that_wrap_around_are_refused(b):
    """Bad inputs, line 29."""
    body = b"\r\n" + EVENT + b"\r\n0\r\n\r\n"
    assert_refused(b, {
        repr(size): (CHUNKED + size + body, (400, 413)) for size in (
            b"-1", b"+29", b"0x29", b"F" * 17, b"10000000000000001",
            b"FFFFFFFFFFFFFFFF", b"8000000000000000", b"zz", b"", b" 29",
            b"2 9")})
    assert_refused(b, {
        "no CRLF after the data": (CHUNKED + b"29\r\n" + EVENT + b"0\r\n\r\n",
                                   (400,)),
        "bare LF": (CHUNKED + b"29\n" + EVENT + b"\n0\n\n", (400,)),
        "longer than said": (CHUNKED + b"5\r\n" + body, (400,)),
    })


def test_no_line_feed_hides_a_request_in_chunks(b):
    """RFC 9112, section 7.1: who ends a line by a bare line feed and who does
    not would see other requests in the same bytes."""
    hidden = post(EVENT.replace(b"raw", b"smuggled"))
    assert_refused(b, {
        # "2;<LF>" of which one reader takes "xx" for the chunk, and all of the
        # hidden request for the next; and the other the "NN" behind it.
        "in an extension": (CHUNKED + b"2;\nxx\r\n%X\r\n0\r\n\r\n"
                            % (len(hidden) + 5) + hidden, (400,)),
        "ends a trailer": (CHUNKED + b"0\r\nX: a\n\n" + hidden, (400,)),
        "ends the trailers": (CHUNKED + b"0\r\nX: a\r\n\n" + hidden, (400,)),
        "in place of trailers": (CHUNKED + b"0\r\n\n" + hidden, (400,)),
    })


def test_chunks_are_read_as_they_are_meant(b):
    """The counterpart of lines 28 and 29: what is right is taken."""
    with Raw(b.port) as raw:
        raw.send(CHUNKED + b"10;name=value\r\n" + EVENT[:16] + b"\r\n%X\r\n"
                 % (len(EVENT) - 16) + EVENT[16:] + b"\r\n0\r\nT: x\r\n\r\n")
        assert raw.answer().status == 202
        raw.send(post())
        assert raw.answer().status == 202, "the connection is kept"


def endless(b, start, piece, most=64 << 20):
    """Sends piece after piece until the peer has had enough. Returns its
    answer (None: just closed) and the bytes it took."""
    piece *= max(1, 8192 // len(piece))
    with Raw(b.port) as raw:
        taken = raw.send(start)
        raw.socket.settimeout(0.001)
        end = time.monotonic() + 20
        while taken < most:
            assert time.monotonic() < end, "neither answered nor closed"
            try:
                if raw.socket.recv(1, socket.MSG_PEEK) != b"":
                    break
                return None, taken
            except ConnectionResetError:
                return None, taken
            except TimeoutError:
                pass
            raw.socket.settimeout(20)
            sent = raw.send(piece)
            taken += sent
            if sent < len(piece):
                break
            raw.socket.settimeout(0.001)
        raw.socket.settimeout(20)
        return raw.answer(), taken


def test_what_has_no_end_is_cut_off_early(b):
    """Bad inputs, line 30, and headers, methods and targets of line 32."""
    before = memory_kib(b.pids("intake")[0])
    for name, start, piece, statuses in (
            ("chunks", CHUNKED, b"1\r\na\r\n", (413, 400)),
            ("large chunks", CHUNKED, b"1000\r\n" + b"a" * 4096 + b"\r\n",
             (413,)),
            ("extension", CHUNKED + b"1;", b"name=value;", (400,)),
            ("trailers", CHUNKED + b"0\r\n", b"T: value\r\n", (400,)),
            ("trailer", CHUNKED + b"0\r\nT: ", b"value", (400,)),
            ("chunk size", CHUNKED, b"0", (400,)),
            ("headers", POST, b"X: y\r\n", (431,)),
            ("header", POST + b"X: ", b"value", (431,)),
            ("target", b"GET /", b"path", (431, 414)),
            ("method", b"", b"POST", (431, 501, 400)),
            ("empty lines", b"", b"\r\n", (400,))):
        answer, taken = endless(b, start, piece)
        assert answer is None or answer.status in statuses, (name, answer)
        assert taken < 64 << 20, name
    # Sanitizers hold freed memory back, so the bound is a wide one.
    assert memory_kib(b.pids("intake")[0]) - before < 64 << 10


def test_sizes_have_exact_limits(b):
    """Bad inputs, line 31: the limit is taken, a byte more is 413; 1 GB is
    refused by its head."""
    def sized(size):
        frame = b'{"event":"deploy_failed","subject":"size","body":"%s"}'
        return post(frame % (b"x" * (size - len(frame) + 2)))

    assert_refused(b, {
        "a byte more": (sized(LIMIT + 1), (413,)),
        "1 GB": (POST + b"Content-Length: 1073741824\r\n\r\n", (413,)),
        "1 GB, expecting": (POST + b"Expect: 100-continue\r\n"
                            b"Content-Length: 1073741824\r\n\r\n", (413,)),
        "a chunk more": (CHUNKED + b"%x\r\n" % (LIMIT + 1)
                         + b"x" * (LIMIT + 1) + b"\r\n0\r\n\r\n", (413,)),
    })
    with Raw(b.port) as raw:
        raw.send(sized(LIMIT))
        assert raw.answer().status == 202


def test_heads_have_limits(b):
    """Bad inputs, line 32."""
    assert_refused(b, {
        "10,000 headers": (get(headers=b"X: y\r\n" * 10000), (431,)),
        "101 headers": (get(headers=b"X: y\r\n" * 101), (431,)),
        "1 MB header": (get(headers=b"X: " + b"y" * (1 << 20) + b"\r\n"),
                        (431,)),
        "100 kB target": (get(b"/" + b"p" * 100000), (414, 431)),
        "9 kB target": (get(b"/" + b"p" * 9000), (414,)),
        "70 kB method": (get(method=b"G" * 70000), (400, 431, 501)),
    })


def test_malformed_heads_are_refused(b):
    """Bad inputs, line 33."""
    def head(*lines):
        return (b"".join(line + b"\r\n" for line in lines) + b"\r\n", (400,))

    line = b"GET /healthz HTTP/1.1"
    assert_refused(b, {
        "no Host": head(line, b"Accept: x"),
        "two Hosts": head(line, b"Host: x", b"Host: x"),
        "a Host that is none": head(line, b"Host: a b"),
        "a Host with a path": head(line, b"Host: a/b"),
        "a Host with a user": head(line, b"Host: user@a"),
        "space before the colon": head(line, b"Host: x", b"X : y"),
        "space before the colon of Host": head(line, b"Host : x"),
        "no colon": head(line, b"Host: x", b"nonsense"),
        "no name": head(line, b"Host: x", b": y"),
        "NUL in a value": head(line, b"Host: x", b"X: a\0b"),
        "NUL in a name": head(line, b"Host: x", b"X\0: a"),
        "bare CR": head(line, b"Host: x", b"X: a\rb"),
        "folded": head(line, b"Host: x", b"X: a", b" b"),
        "bare LF": (b"GET /healthz HTTP/1.1\nHost: x\n\n", (400,)),
        "two spaces": head(b"GET  /healthz HTTP/1.1", b"Host: x"),
        "broken percent-encoding": head(b"GET /%zz HTTP/1.1", b"Host: x"),
        "broken percent-encoding in the query": head(
            b"GET /v1/deliveries?channel=%zz HTTP/1.1", b"Host: x"),
        "encoded NUL": head(b"GET /%00 HTTP/1.1", b"Host: x"),
        "encoded NUL in the query": head(
            b"GET /healthz?a=%00 HTTP/1.1", b"Host: x"),
        "two tokens": head(line, b"Host: x", b"Authorization: Bearer a",
                           b"Authorization: Bearer b"),
    })


def test_other_protocols_get_an_answer_or_the_end(b):
    """Bad inputs, line 34."""
    assert_refused(b, {
        "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
                      + bytes(500), (400,)),
        "preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                              (400, 501, 505)),
        "binary": (bytes(range(128, 256)) * 10, (400,)),
        "HTTP/0.9": (b"GET /healthz\r\n\r\n", (400, 505)),
        "HTTP/3.0": (get().replace(b"HTTP/1.1", b"HTTP/3.0"), (505,)),
        "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", (400, 501)),
        "tunnel": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
    })


@pytest.mark.parametrize("end", [False, True])
def test_pipelined_requests_are_answered_in_order(b, end):
    """Bad inputs, line 37; also when the client says that no more comes."""
    last = get(b"/v1/nothing", AUTH + b"Connection: close\r\n")
    data = b"".join(get() if i % 2 else post() for i in range(49))
    with Raw(b.port) as raw:
        raw.send(data + (get(b"/v1/nothing", AUTH) if end else last))
        if end:
            raw.end()
        answers = raw.rest()
    assert [a.status for a in answers] == \
        [200 if i % 2 else 202 for i in range(49)] + [404]


def test_who_pipelines_and_does_not_read_is_held_back(b):
    """Answers that nobody reads don't pile up (line 37)."""
    request = get(b"/v1/none", AUTH)
    with Raw(b.port) as raw:
        raw.socket.settimeout(2)
        sent, data = 0, request * 2000
        with pytest.raises(TimeoutError):
            while sent < 256 << 20:
                sent += raw.socket.send(data[sent % len(data):])
        # What fits into the sockets' buffers was taken, and no more.
        assert sent < 64 << 20, sent
        raw.socket.settimeout(20)
        raw.end()
        count, missing = 0, sent // len(request)
        for count, answer in enumerate(iter(raw.answer, None), 1):
            assert answer.status == 404
            if count == missing:
                break
        assert count == missing, "all were answered when they were read"


def test_expectations(b):
    """Bad inputs, line 38."""
    with Raw(b.port) as raw:
        raw.send(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
                 % len(EVENT))
        assert raw.answer().status == 100
        raw.send(EVENT)
        assert raw.answer().status == 202
    # RFC 9110, section 10.1.1: in HTTP/1.0 it is ignored.
    assert [a.status for a in exchange(b.port, post(
        headers=b"Expect: 100-continue\r\n").replace(b"HTTP/1.1",
                                                      b"HTTP/1.0"))] == [202]
    assert_refused(b, {
        "another": (post(headers=b"Expect: 200-ok\r\n"), (417,)),
        "refused before the body": (
            POST.replace(AUTH, b"") + b"Expect: 100-continue\r\n"
            b"Content-Length: 10\r\n\r\n", (401,)),
    })


def test_compressed_bodies_are_refused_unread(b):
    """Bad inputs, line 38."""
    assert_refused(b, {
        coding.decode(): (POST + b"Content-Encoding: " + coding +
                          b"\r\nContent-Length: 60000\r\n\r\n", (415,))
        for coding in (b"gzip", b"br", b"deflate", b"zstd", b"gzip, gzip")})


def test_content_types(b):
    for sent, status in (("application/json", 202),
                         ("application/json; charset=utf-8", 202),
                         ("APPLICATION/JSON", 202),
                         ("text/plain", 415), ("application/jsonp", 415),
                         ("application/x-www-form-urlencoded", 415),
                         ("multipart/form-data; boundary=x", 415)):
        answer = b.http("POST", "/v1/events", EVENT, {"Content-Type": sent})
        assert answer.status == status, sent


def test_head_is_get_without_its_body(b):
    """RFC 9110, section 9.3.2: and what follows is not taken for the body."""
    with Raw(b.port) as raw:
        for path, status in ((b"/healthz", 200), (b"/readyz", 200),
                             (b"/v1/channels", 200), (b"/nothing", 404),
                             (b"/v1/events/evt_0", 404),
                             (b"/v1/explain", 405)):
            raw.send(get(path, AUTH, b"HEAD"))
            answer = raw.answer(heads=True)
            assert answer.status == status, path
            assert int(answer.headers["content-length"]) > 0
        raw.send(get())
        assert raw.answer().json == {"status": "ok"}


@pytest.mark.parametrize("head, status", [
    (b"HEAD / HTTP/1.1\r\n\r\n", 400),
    (b"HEAD / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400),
    (b"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    (b"HEAD /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n",
     413),
    (b"HEAD /" + b"a" * 20000 + b" HTTP/1.1\r\n", 431),
    (b"HEAD / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
])
def test_head_that_is_refused_has_no_body(b, head, status):
    """RFC 9110, section 9.3.2, whatever is wrong with the request."""
    with Raw(b.port) as raw:
        raw.send(head)
        assert raw.answer(heads=True).status == status
        assert raw.answer() is None


def test_a_target_may_have_the_host_in_front(b):
    """RFC 9112, section 3.2.2: clients that are told of a proxy write it."""
    with Raw(b.port) as raw:
        for path, status in ((b"http://x/healthz", 200),
                             (b"HTTPS://X/v1/events?limit=1", 200),
                             (b"http://x/v1/events?limit=x", 422),
                             (b"http://x", 308), (b"http://x/none", 404)):
            raw.send(get(path, AUTH))
            assert raw.answer().status == status, path


def test_methods_that_a_resource_has_not_are_named(b):
    for method, path, allowed in (
            ("PUT", "/v1/events", {"GET", "HEAD", "POST"}),
            ("DELETE", "/healthz", {"GET", "HEAD"}),
            ("GET", "/v1/deliveries/x/replay", {"POST"})):
        answer = b.http(method, path)
        assert answer.status == 405
        assert set(answer.headers["Allow"].split(", ")) == allowed


def test_old_clients_may_keep_their_connection(b):
    with Raw(b.port) as raw:
        for _ in range(2):
            raw.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = raw.answer()
            assert answer.status == 200
            assert answer.headers["connection"] == "keep-alive"
    assert len(exchange(b.port, b"GET /healthz HTTP/1.0\r\n\r\n")) == 1


def test_a_path_is_no_way_out(b):
    """Resources are no files, however a path is written (line 39 is the
    dashboard's)."""
    for path in ("/../../etc/passwd", "/v1/../../etc/passwd",
                 "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd",
                 "/v1/events/..%2f..%2f..%2fetc%2fpasswd", "/..\\etc\\passwd",
                 "//etc/passwd", "/v1//events/./..;/etc/passwd"):
        answer = b.http("GET", path)
        assert answer.status in (400, 404), path
        assert b"root:" not in answer.body


@pytest.mark.parametrize("path", [
    b"/v1/channels/%ff", b"/v1/tenants/%c3%28", b"/v1/event-types/%ed%a0%80",
    b"/v1/modules/%fe", b"/v1/events/%80", b"/v1/deliveries/%c0%80"])
def test_a_name_that_is_no_text_is_nobodys(b, path):
    """An answer that repeated it would be no JSON."""
    answer, = exchange(b.port, get(path, AUTH + b"Connection: close\r\n"))
    assert answer.status == 404
    assert answer.json["type"] == "urn:belfry:problem:not-found"


def test_an_answer_is_not_waited_for_by_who_hung_up(b, endpoint):
    """A client that goes away does not take its event along."""
    before = len(endpoint.requests)
    with Raw(b.port) as raw:
        raw.send(post(b'{"event":"deploy_failed","subject":"gone"}'))
    wait_until(lambda: any(r.json["subject"] == "gone"
                           for r in endpoint.requests[before:]), "the event")


def test_logs_have_one_line_for_each_line(b):
    """Bad inputs, line 43: nothing that a peer sends reaches the log raw."""
    exchange(b.port, b"GET /\x1b[31m HTTP/1.1\r\nHost: \x1b[2J\r\n\r\n")
    b.http("POST", "/v1/events", {
        "event": "deploy_failed", "subject": "a\r\n2026/01/01 [error] \x1b[0m",
        "metadata": {"\x1b": "\n"}})
    b.http("POST", "/v1/events", {"event": "\x1b\r\nx", "subject": "a"})
    b.wait_idle()
    for line in b.log().splitlines():
        assert re.match(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#", line)
        assert line.isprintable(), line
