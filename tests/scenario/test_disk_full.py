"""A full disk: no 202 without storage, and no harm once there is room."""
import contextlib
import os
import subprocess

import pytest
from harness import PLAIN, channel, wait_until

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB, for the store alone."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs",
                           folder], capture_output=True)
    if done.returncode:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def filled(folder):
    """Takes all the room that is left."""
    path = folder / "ballast"
    with open(path, "wb", buffering=0) as ballast:
        with contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)
    try:
        yield
    finally:
        os.unlink(path)


def test_full_disk(belfry, receiver, small_disk):
    endpoint = receiver()
    b = belfry(start=False)
    b.configure(channel(endpoint.url))
    text = b.conf_file.read_text().replace(
        f"state_dir {b.folder}/state;", f"state_dir {small_disk};")
    b.conf_file.write_text(text)
    b.start()
    accepted, refused = [], []

    def post(number):
        answer = b.http("POST", "/v1/events", {
            "event": "deploy_failed", "subject": str(number),
            "body": "x" * 2000})
        if answer.status == 202:
            accepted.append(str(number))
        else:
            assert answer.status in (503, 507), answer
            assert answer.headers["Content-Type"] == "application/problem+json"
            refused.append(str(number))
        return answer

    post(0)
    with filled(small_disk):
        wait_until(lambda: post(len(accepted) + len(refused)).status != 202,
                   "an event is refused", 30)
        answer = post("again")
        assert answer.status in (503, 507)
        assert "full" in answer.json["detail"] or "disk" in answer.json["detail"]
        assert int(answer.headers["Retry-After"]) >= 1
        assert b.http("GET", "/readyz").status == 503
        assert b.http("GET", "/healthz").status == 200
        for number in range(20):
            post(f"still {number}")
    wait_until(lambda: post("after").status == 202, "it recovers", 30)
    wait_until(lambda: b.http("GET", "/readyz").status == 200, "it is ready")
    wait_until(lambda: set(accepted) <=
               {r.json["subject"] for r in endpoint.requests},
               "everything accepted arrives", 30)
    b.wait_idle()
    arrived = {r.json["subject"] for r in endpoint.requests}
    assert not (set(refused) - set(accepted)) & arrived
    assert b.metric("belfry_store_failures_total") >= 1
    # And after a start on what is there.
    b.kill()
    b.start()
    b.post(subject="last")
    wait_until(lambda: "last" in
               {r.json["subject"] for r in endpoint.requests}, "the last")
    assert "corrupt" not in b.log()


def test_low_space_is_an_event(belfry, receiver):
    endpoint = receiver()
    space = os.statvfs("/tmp")
    b = belfry(channel(endpoint.url) +
               f"low_space {space.f_bavail * space.f_frsize // MIB + 100000}m;")
    b.post()
    wait_until(lambda: "store_low_space" in
               {r.json["event"] for r in endpoint.requests}, "the event", 90)


FAILING = """
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(void)
{{
	return access("{folder}/fails", F_OK) == 0;
}}

int fdatasync(int fd)
{{
	errno = EIO;
	return fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}}

int open64(const char *path, int flags, ...)
{{
	va_list arguments;
	int mode = 0;

	va_start(arguments, flags);
	if (flags & O_CREAT)
		mode = va_arg(arguments, int);
	va_end(arguments);
	errno = EIO;
	if (strstr(path, "belfry.db") && fails())
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE,
	    mode);
}}

int open(const char *path, int flags, ...)
{{
	va_list arguments;
	int mode = 0;

	va_start(arguments, flags);
	if (flags & O_CREAT)
		mode = va_arg(arguments, int);
	va_end(arguments);
	return open64(path, flags, mode);
}}
"""


def test_a_disk_that_fails_does_not_fill_the_log(belfry, receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry(channel(endpoint.url, more="retry 500ms 500ms 500ms;"),
               start=False, build=PLAIN)
    (b.folder / "failing.c").write_text(FAILING.format(folder=b.folder))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", b.folder / "failing.so",
                    b.folder / "failing.c"], check=True)
    b.environment["LD_PRELOAD"] = str(b.folder / "failing.so")
    b.without_wrapper().start()
    waiting = b.delivery_of(b.post())
    for turn in range(2):
        (b.folder / "fails").touch()
        for number in range(8):
            answer = b.http("POST", "/v1/events",
                            {"event": "deploy_failed", "subject": "refused"})
            assert answer.status == 503, answer
        (b.folder / "fails").unlink()
        wait_until(lambda: b.http("POST", "/v1/events", {
            "event": "deploy_failed", "subject": "taken"}).status == 202,
                   "the store works again")
    b.wait_state(waiting, "failed")
    for line in ("the store takes nothing", "checkpoint: ", "read what waits",
                 "was opened again"):
        assert b.log().count(line) <= 1, line
    assert "the store works again" in b.log()
