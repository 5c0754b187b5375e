"""Name servers that do not answer, and hosts that do not exist.

The resolver of the C library knows one place for its settings, so belfry runs
in a mount namespace of its own here, where /etc/resolv.conf names a server of
the test's on a loopback address. Skipped where that is not allowed."""
import socket
import struct
import subprocess
import threading
import time

import pytest

from harness import channel, have


def may_unshare():
    return have("unshare") and subprocess.run(
        ["unshare", "-m", "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(
    not may_unshare(), reason="needs a mount namespace (unshare -m)")


class NameServer:
    """Answers some names with 127.0.0.1, some with an error, others never."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Any loopback address will do; the port is the C library's choice.
        for last in range(2, 250):
            self.address = f"127.0.53.{last}"
            try:
                self.socket.bind((self.address, 53))
                break
            except OSError:
                continue
        else:
            pytest.skip("port 53 of no loopback address is free")
        self.asked = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                question, peer = self.socket.recvfrom(512)
            except OSError:
                return
            name, at = [], 12
            while question[at]:
                name.append(question[at + 1:at + 1 + question[at]].decode())
                at += question[at] + 1
            if not name:
                continue  # no question: the end of the test
            kind, = struct.unpack(">H", question[at + 1:at + 3])
            self.asked.append(".".join(name))
            answer = self._answer(name[0], kind, question, at + 5)
            if answer:
                self.socket.sendto(answer, peer)

    def _answer(self, name, kind, question, end):
        code = {"good": 0, "absent": 3, "broken": 2}.get(name)
        if code is None:
            return None
        records = b""
        if code == 0 and kind == 1:
            records = struct.pack(">HHHIH4B", 0xc00c, 1, 1, 1, 4,
                                  127, 0, 0, 1)
        return question[:2] + struct.pack(
            ">HHHHH", 0x8180 | code, 1, 1 if records else 0, 0, 0) + \
            question[12:end] + records

    def close(self):
        # A blocked recvfrom does not notice close alone.
        self.socket.sendto(b"\0" * 17, (self.address, 53))
        self.socket.close()


@pytest.fixture
def name_server(closing, tmp_path):
    server = closing(NameServer())
    conf = tmp_path / "resolv.conf"
    conf.write_text(f"nameserver {server.address}\n"
                    "options timeout:3 attempts:2\n")
    server.before = [
        "unshare", "-m", "sh", "-c",
        'mount --make-rprivate / && mount --bind "$0" /etc/resolv.conf && '
        'exec "$@"', str(conf)]
    return server


def url(name, endpoint):
    return f"http://{name}.test:{endpoint.port}/"


def test_names_are_looked_up(belfry, receiver, name_server):
    endpoint = receiver()
    b = belfry(channel(url("good", endpoint), more="retry none;"),
               before=name_server.before)
    b.wait_state(b.delivery_of(b.post()), "delivered")
    assert name_server.asked and len(endpoint.requests) == 1


@pytest.mark.parametrize("name", ["absent", "broken"])
def test_reason_of_a_name_that_is_not_found(belfry, receiver, name_server,
                                            name):
    endpoint = receiver()
    b = belfry(channel(url(name, endpoint), more="retry none; timeout 20s;"),
               before=name_server.before)
    identifier = b.delivery_of(b.post())
    shown = b.wait_state(identifier, "failed", 40)
    assert "address" in shown["attempts"][0]["why"]
    assert f"{name}.test" in b.ctl("show", identifier).stdout


def test_name_server_that_never_answers(belfry, receiver, name_server):
    """A verdict in time, and the worker's other transfers go on meanwhile:
    none of them waits for the thread that looks up the name."""
    other = receiver()
    b = belfry("events { channel_failing off; }\n" +
               channel(url("silent", other), "silent",
                       "events incident_*; timeout 1s; retry 100ms 100ms;") +
               channel(other.url, "other",
                       "events deploy_*; timeout 20s; concurrency 1;"),
               before=name_server.before)
    silent = [b.delivery_of(b.post("incident_created")) for _ in range(4)]
    took = []
    end = time.monotonic() + 4
    while time.monotonic() < end:
        began = time.monotonic()
        identifier = b.delivery_of(b.post("deploy_failed"))
        b.wait_state(identifier, "delivered")
        took.append(time.monotonic() - began)
        time.sleep(0.05)
    for identifier in silent:
        shown = b.wait_state(identifier, "failed", 30)
        assert len(shown["attempts"]) == 3
        for attempt in shown["attempts"]:
            assert "looking up" in attempt["why"]
            assert 0.9e6 < attempt["took_us"] < 4e6, attempt
    assert "looking up" in b.ctl("show", silent[0]).stdout
    assert "silent.test" in name_server.asked
    # The look-up itself takes 6 s: had anybody waited for it, one of these
    # would have taken as long.
    assert max(took) < 2.5, max(took)
    assert len(other.requests) == len(took)
    assert not any("signal" in line for line in b.log().splitlines())


def test_stop_does_not_wait_for_a_name_server(belfry, receiver, name_server):
    endpoint = receiver()
    b = belfry(channel(url("silent", endpoint), more="timeout 1s;"),
               before=name_server.before)
    b.post()
    time.sleep(0.3)
    began = time.monotonic()
    assert b.stop() == 0
    assert time.monotonic() - began < 15
