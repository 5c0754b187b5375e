"""The syslog module, against a real receiver and against bad ones."""
import contextlib
import re
import socket
import struct
import time

import pytest
from harness import BUILD, free_port, wait_until
from rsyslog import Rsyslog
from tls import Authority

LOAD = f"load_module {BUILD}/.libs/syslog.so isolate=off;\n"


def channel(port, more="", name="log"):
    return (f"{LOAD}channel syslog {name} {{ host 127.0.0.1; port {port}; "
            f"retry 100ms 100ms 200ms 200ms 500ms 1s 2s; {more} }}\n")


@pytest.fixture(scope="module")
def authority():
    return Authority("syslog")


@pytest.fixture
def rsyslog(closing, tmp_path):
    return lambda *args, **kw: closing(Rsyslog(tmp_path / "rsyslog", *args,
                                               **kw))


def test_event_arrives_over_tls(belfry, rsyslog, authority):
    server = rsyslog(authority.issue("receiver"), authority.certificate)
    b = belfry(channel(server.port, f"ca_file {authority.certificate}; "
                       "facility local3; hostname gate; "
                       "enterprise_number 4711;"))
    event = b.post("deploy_failed", 'It "failed": ü €\n<b>]\\',
                   metadata={"application_id": 'a"b]c\\d', "deployment_id": 7,
                             "bad name": "x", "line": "one\ntwo"},
                   timestamp="2026-04-10T15:30:45.123456+00:00")
    b.wait_state(b.delivery_of(event), "delivered")
    message, = server.wait(1)
    assert message["syslogfacility"] == "19"  # local3
    assert message["syslogseverity"] == "3"   # error
    assert message["hostname"] == "gate"
    assert message["app-name"] == "belfry"
    assert message["procid"] == "-"
    assert message["msgid"] == "deploy_failed"
    assert "2026-04-10T15:30:45.123456+00:00" in message["rawmsg"]
    assert message["msg"] == '\ufeffIt "failed": ü € <b>]\\'
    data = message["structured-data"]
    assert data.startswith(
        f'[belfry@4711 delivery_id="{b.delivery_of(event)}" '
        f'event_id="{event}" event="deploy_failed" ')
    assert r'[metadata@4711 application_id="a\"b\]c\\d" deployment_id="7"' \
        in data
    assert 'line="one two"' in data and "bad name" not in data


def test_many_go_and_none_is_lost(belfry, rsyslog, authority):
    server = rsyslog(authority.issue("receiver"), authority.certificate)
    b = belfry(channel(server.port, f"ca_file {authority.certificate};"))
    for number in range(100):
        b.post(subject=f"number {number}")
    wait_until(lambda: [d["state"] for d in b.http(
        "GET", "/v1/deliveries?limit=200").json["deliveries"]] ==
               ["delivered"] * 100, "all are delivered", 60)
    subjects = {m["msg"].lstrip("\ufeff") for m in server.wait(100)}
    assert subjects == {f"number {n}" for n in range(100)}


def test_client_certificate(belfry, rsyslog, authority):
    server = rsyslog(authority.issue("receiver"), authority.certificate,
                     auth="x509/certvalid")
    shown = authority.issue("shown", "DNS:belfry.example")
    b = belfry(channel(server.port, f"ca_file {authority.certificate}; "
                       f"client_certificate {shown};"))
    b.wait_state(b.delivery_of(b.post()), "delivered")
    server.wait(1)


def test_plain_tcp_and_large_events(belfry, rsyslog):
    server = rsyslog()
    b = belfry(channel(server.port, "transport tcp; max_size 2048;"))
    b.post(subject="x" * 3000, metadata={f"key{n}": "y" * 200
                                         for n in range(40)})
    message, = server.wait(1)
    assert len(message["rawmsg"].encode()) <= 2048
    assert "more characters)" in message["msg"]
    assert message["structured-data"].count("[") == 2
    b.wait_idle()


def test_severities(belfry, rsyslog):
    server = rsyslog()
    b = belfry(channel(server.port, "transport tcp; ordered on;") +
               "events { deploy_started on; }")
    expected = {"deploy_started": "6", "deploy_succeeded": "5",
                "incident_updated": "4", "deploy_failed": "3",
                "incident_created": "2"}
    for name in expected:
        b.post(name)
    assert {m["msgid"]: m["syslogseverity"] for m in
            server.wait(len(expected))} == expected


@pytest.mark.parametrize("case", ["unknown-authority", "other-name"])
def test_certificate_that_is_not_good_gets_nothing(belfry, rsyslog, authority,
                                                   case):
    server = rsyslog(authority.issue(
        "other", "DNS:elsewhere.example" if case == "other-name"
        else "IP:127.0.0.1"), authority.certificate)
    other = Authority(f"syslog-{case}")
    trusted = other if case == "unknown-authority" else authority
    b = belfry(LOAD + f"channel syslog log {{ host 127.0.0.1; "
               f"port {server.port}; retry 50ms; "
               f"ca_file {trusted.certificate}; }}")
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    why = shown["attempts"][-1]["why"]
    assert "connect to the receiver" in why and "certificate" in why, why
    assert server.messages() == []


def test_receiver_that_comes_back_gets_it(belfry, rsyslog):
    port = free_port()
    b = belfry(channel(port, "transport tcp;"))
    event = b.post(subject="it waited")
    delivery = b.delivery_of(event)
    while not b.delivery(delivery)["attempts"]:
        pass
    assert "Connection refused" in b.delivery(delivery)["attempts"][0]["why"]
    server = rsyslog(port=port)
    message, = server.wait(1)
    assert message["msg"] == "\ufeffit waited"
    b.wait_state(delivery, "delivered")


def reset(connection):
    """Takes nothing and closes, which resets the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))


def close_at_once(connection):
    """As one that does not allow this sender."""


def close_with_rest(connection):
    """Reads a little, and closes with the rest unread."""
    connection.recv(5)


@pytest.mark.parametrize("serve", [reset, close_at_once, close_with_rest])
def test_receiver_that_reads_not_all_is_tried_again(belfry, raw_server, serve):
    server = raw_server(serve)
    b = belfry(channel(server.port, "transport tcp;", "log").replace(
        "retry 100ms 100ms 200ms 200ms 500ms 1s 2s", "retry 50ms"))
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    assert len(shown["attempts"]) == 2
    assert "receiver" in shown["attempts"][0]["why"] or \
        "send the message" in shown["attempts"][0]["why"]


def test_receiver_that_never_closes_is_enough(belfry, raw_server):
    """It read all, and keeps its side open."""
    got = []

    def serve(connection):
        got.append(connection.recv(65536))
        connection.settimeout(30)
        connection.recv(1)
        time.sleep(8)

    server = raw_server(serve)
    b = belfry(channel(server.port, "transport tcp;"))
    event = b.post(subject="short")
    shown = b.wait_state(b.delivery_of(event), "delivered")
    assert len(shown["attempts"]) == 1
    size, _, message = got[0].partition(b" ")
    assert int(size) == len(message)
    assert re.match(rb"<27>1 \S+ \S+ belfry - deploy_failed \[belfry@32473 ",
                    message), message


def test_receiver_that_talks_without_end_is_not_listened_to(belfry,
                                                            raw_server):
    """It has nothing to say, and would keep the worker from the others."""
    said = []

    def serve(connection):
        connection.recv(65536)
        block = b"x" * (1 << 20)
        with contextlib.suppress(OSError):
            while sum(said) < 1 << 30:
                said.append(connection.send(block))

    server = raw_server(serve)
    b = belfry(channel(server.port, "transport tcp;"))
    shown = b.wait_state(b.delivery_of(b.post()), "delivered")
    assert len(shown["attempts"]) == 1
    # What the buffers of two sockets hold.
    assert sum(said) < 64 << 20, sum(said)


def test_receiver_that_takes_nothing_holds_up_no_other(belfry, raw_server,
                                                       receiver):
    server = raw_server(lambda connection: connection.recv(1) and
                        connection.recv(1))
    good = receiver()
    b = belfry(channel(free_port(), "transport tcp; timeout 500ms;", "bad") +
               f"channel webhook hook {{ url {good.url}; }}")
    b.post()
    good.wait(1)
    server.close()


def test_a_test_shows_the_way(belfry, rsyslog, authority):
    server = rsyslog(authority.issue("receiver"), authority.certificate)
    b = belfry(channel(server.port, f"ca_file {authority.certificate};"))
    shown = b.ctl("test", "log").stdout
    for word in ("connect", "TLSv1.3", "<", "belfry@32473", "closed"):
        assert word in shown, shown
    server.wait(1)


def test_belfry_itself_is_no_receiver(belfry):
    b = belfry("", start=False)
    b.configure(channel(b.port, "transport tcp;").replace(
        "retry 100ms 100ms 200ms 200ms 500ms 1s 2s", "retry 50ms"))
    b.start()
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    assert "belfry's own intake" in shown["attempts"][0]["why"]


@pytest.mark.parametrize("directives, message", [
    ("host a/b;", "host: expected"),
    ("host x; hostname 'a b';", "hostname: expected"),
    ("host x; app_name ü;", "app_name: expected"),
    ("host x; facility local9;", "facility"),
    ("host x; client_key /etc/passwd;", "client_certificate with it"),
    ("host x; transport tcp; ca_file /etc/passwd;", "which are for tls"),
    ("port 5;", 'no "host"'),
])
def test_mistake_in_the_conf_file_is_named(belfry, directives, message):
    b = belfry(f"{LOAD}channel syslog log {{ {directives} }}", start=False)
    done = b.test_conf()
    assert done.returncode == 1
    assert message in done.stderr and "belfry.conf:" in done.stderr
