"""The log: its forms, its places, and what becomes of belfry without it."""
import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest
from harness import channel, wait_until

LINE = re.compile(
    r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(emerg|alert|crit|error|warn|notice|info"
    r"|debug)\] \d+#(master|scheduler|intake|worker): .+")


def deliver(b, endpoint, count=5):
    before = len(endpoint.requests)
    for _ in range(count):
        b.post()
    endpoint.wait(before + count)


def test_text(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    deliver(b, endpoint)
    wait_until(lambda: b.log().count("verdict=delivered") == 5, "the lines")
    for line in b.log().splitlines():
        assert LINE.fullmatch(line), line


def test_one_line_for_an_event_whatever_it_holds(belfry, receiver):
    endpoint = receiver(lambda request: (
        500, {"Content-Type": "text/plain"}, b"why\r\n\x1b[31m2026 [emerg] x"))
    b = belfry(channel(endpoint.url, more="retry none;"))
    b.post(subject="a\r\nb\x1b[2J", body="\n2026/01/01 00:00:00 [emerg] fake")
    wait_until(lambda: "verdict=failed" in b.log(), "the line")
    assert "\x1b" not in b.log() and "fake" not in b.log()
    for line in b.log().splitlines():
        assert LINE.fullmatch(line), line


def test_json(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False)
    b.main["error_log"] = f"{b.log_file} info json"
    b.configure(channel(endpoint.url))
    b.start()
    deliver(b, endpoint)
    wait_until(lambda: b.log().count("verdict=delivered") == 5, "the lines")
    for line in b.log().splitlines():
        entry = json.loads(line)
        assert set(entry) == {"time", "level", "pid", "process", "message"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                            entry["time"])


def test_levels(belfry, receiver):
    endpoint = receiver()
    b = belfry(start=False)
    b.main["error_log"] = f"{b.log_file} error"
    b.configure(channel(endpoint.url))
    b.start()
    deliver(b, endpoint)
    b.stop()
    assert b.log() == ""


def test_rotation(belfry, receiver):
    """As logrotate does it: rename, then USR1."""
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    deliver(b, endpoint)
    old = b.folder / "error.log.1"
    wait_until(lambda: b.log().count("verdict=delivered") == 5, "the lines")
    b.log_file.rename(old)
    b.send_signal(signal.SIGUSR1)
    pids = [b.master, *b.pids("scheduler"), *b.pids("intake"),
            *b.pids("worker")]

    def moved():
        names = [os.readlink(fd) for pid in pids
                 for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        return str(old) not in names and \
            names.count(str(b.log_file)) == len(pids)
    wait_until(moved, "every process writes to the new file")
    size = old.stat().st_size
    deliver(b, endpoint)
    wait_until(lambda: b.log().count("verdict=delivered") == 5, "the lines")
    assert old.stat().st_size == size


def test_log_moves_with_a_reload(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    deliver(b, endpoint)
    b.main["error_log"] = f"{b.folder}/other.log info json"
    b.configure(channel(endpoint.url))
    b.send_signal(signal.SIGHUP)
    other = b.folder / "other.log"
    wait_until(lambda: other.exists() and "reconfigured" in other.read_text(),
               "the reload")
    wait_until(lambda: len(b.pids("worker")) == 1, "old workers leave")
    deliver(b, endpoint)
    wait_until(lambda: other.read_text().count("verdict=delivered") == 5,
               "attempts are logged in the new file")
    for line in other.read_text().splitlines():
        json.loads(line)


def test_full_disk(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), main={"error_log": "/dev/full info"})
    deliver(b, endpoint, 20)
    assert b.metric("belfry_log_lines_dropped_total") >= 20
    assert b.reload_silently()
    # What the others could not write is counted too, as is what comes later.
    before = b.metric("belfry_log_lines_dropped_total")
    deliver(b, endpoint, 20)
    assert b.metric("belfry_log_lines_dropped_total") >= before + 20


def with_pipe_for_stderr(b):
    """Starts it with a pipe as stderr; returns the reading end."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    b.stderr = open(b.stderr_file, "ab")
    b.process = subprocess.Popen(
        [b.build / "belfry", "-c", b.conf_file], stdout=b.stderr,
        stderr=writing, cwd=b.folder, env=b.environment,
        stdin=subprocess.DEVNULL)
    os.close(writing)
    b.wait_ready()
    return reading


@pytest.mark.parametrize("fault", ["closed", "stalled"])
def test_nobody_reads_the_pipe(belfry, receiver, fault):
    endpoint = receiver()
    b = belfry(start=False, main={"error_log": "stderr info"})
    b.configure(channel(endpoint.url))
    reading = with_pipe_for_stderr(b)
    try:
        if fault == "closed":
            os.close(reading)
        deliver(b, endpoint, 100)
        assert b.metric("belfry_log_lines_dropped_total") >= 50
        b.send_signal(signal.SIGHUP)
        deliver(b, endpoint, 20)
        assert b.stop() == 0
    finally:
        if fault != "closed":
            os.close(reading)


def test_stderr_is_a_socket(belfry, receiver):
    """As under systemd, whose journal may be slow."""
    endpoint = receiver()
    b = belfry(start=False, main={"error_log": "stderr info"})
    b.configure(channel(endpoint.url))
    ours, theirs = socket.socketpair()
    with ours:
        b.stderr = open(b.stderr_file, "ab")
        b.process = subprocess.Popen(
            [b.build / "belfry", "-c", b.conf_file], stdout=b.stderr,
            stderr=theirs, cwd=b.folder, env=b.environment,
            stdin=subprocess.DEVNULL)
        theirs.close()
        b.wait_ready()
        text = b""
        deliver(b, endpoint)
        while text.count(b"verdict=delivered") < 5:
            text += ours.recv(65536)
        # Nobody reads on: 5000 lines are more than a socket holds.
        for _ in range(50):
            b.http("POST", "/v1/events", "".join(
                '{"event":"deploy_failed","subject":"s"}\n'
                for _ in range(100)),
                {"Content-Type": "application/x-ndjson"})
        endpoint.wait(5005, 60)
        assert b.stop() == 0


def test_fifo_that_nobody_reads_is_refused(belfry):
    b = belfry(start=False)
    os.mkfifo(b.folder / "fifo")
    b.main["error_log"] = f"{b.folder}/fifo"
    b.configure("")
    b.start(wait=False)
    assert b.process.wait(30) == 1
    assert f"open log {b.folder}/fifo" in b.stderr_text()


def test_syslog(belfry, receiver):
    device = pathlib.Path("/dev/log")
    if device.exists() or os.geteuid() != 0:
        pytest.skip("/dev/log is somebody's")
    endpoint = receiver()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(device))
        try:
            listener.settimeout(20)
            b = belfry(channel(endpoint.url),
                       main={"error_log": "syslog:local3 info"})
            b.post()
            while True:
                line = listener.recv(4096).decode()
                if "verdict=delivered" in line:
                    break
            # local3 is 19, notice is 5. Source: RFC 5424, section 6.2.1.
            assert line.startswith(f"<{19 * 8 + 5}>")
            assert re.search(r"belfry\[\d+\]: delivery=", line)
            # A syslog that is gone stops nothing.
            device.unlink()
            listener.close()
            b.post()
            endpoint.wait(2)
        finally:
            device.unlink(missing_ok=True)


def test_log_that_cannot_be_opened(belfry, receiver):
    b = belfry(start=False, main={"error_log": "/proc/nowhere/error.log"})
    b.start(wait=False)
    assert b.process.wait(30) == 1
    assert "/proc/nowhere" in b.stderr_text()
    # A reload to such a log is refused, and the old one goes on.
    b = belfry(channel(receiver().url))
    b.main["error_log"] = "/proc/nowhere/error.log"
    b.configure(channel(receiver().url))
    assert not b.reload()
    b.post()
