"""Reload and binary upgrade under load: nothing refused, lost or failed."""
import contextlib
import os
import signal
import subprocess
import time

import pytest
from harness import PLAIN, SECRET, alive, channel, wait_until
from load import Load


def arrived(endpoint, accepted):
    wait_until(
        lambda: set(accepted) <= {r.json["subject"] for r in endpoint.requests},
        "everything accepted arrives", 60, 0.2)


def once(endpoint):
    ids = [r.headers["webhook-id"] for r in endpoint.requests]
    assert len(ids) == len(set(ids))


def test_reload_under_load(belfry, receiver):
    endpoint, other = receiver(), receiver()
    b = belfry(channel(endpoint.url))
    load = Load(b.port)
    try:
        for turn in range(6):
            time.sleep(0.3)
            b.configure(channel(endpoint.url, more=f"concurrency {turn + 4};")
                        + (channel(other.url, "other") if turn % 2 else ""))
            assert b.reload()
    finally:
        accepted = load.stop()
    arrived(endpoint, accepted)
    once(endpoint)
    assert 0 < len(other.requests) < len(accepted)


def test_bad_reload_changes_nothing(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, more=f"secret {SECRET};"))
    workers = b.pids("worker")
    b.configure(channel(endpoint.url, more="no_such_directive 1;"))
    assert not b.reload()
    assert "no_such_directive" in b.log() and "belfry.conf:" in b.log()
    assert b.pids("worker") == workers
    b.post()
    assert endpoint.wait(1)[0].signed_by(SECRET)


def test_old_children_leave_after_a_reload(belfry, receiver):
    b = belfry(channel(receiver().url))
    old = b.pids("worker") + b.pids("intake")
    assert b.reload()
    wait_until(lambda: not any(alive(pid) for pid in old), "the old ones end")
    assert len(b.pids("worker")) == 1 and len(b.pids("intake")) == 1


def has_another(b, before):
    """Whether another master has workers. The pid file is gone meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        return b.master != before and b.pids("worker")


def test_upgrade_under_load(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), api="keepalive_timeout 2s;")
    first = b.master
    load = Load(b.port)
    try:
        time.sleep(0.5)
        for _ in range(2):
            before = b.master
            b.send_signal(signal.SIGUSR2)
            wait_until(lambda: has_another(b, before), "the new master", 20)
            wait_until(lambda: not alive(before), "the old master ends", 30)
    finally:
        accepted = load.stop()
    assert len(accepted) > 50
    arrived(endpoint, accepted)
    once(endpoint)
    assert b.master != first
    assert not (b.folder / "belfry.pid.oldbin").exists()
    b.post(subject="after")
    arrived(endpoint, ["after"])
    new = b.master
    os.kill(new, signal.SIGQUIT)
    wait_until(lambda: not alive(new), "the new master ends")


def test_upgrade_to_a_binary_that_fails(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    master = b.master
    b.configure("no_such_directive 1;")
    load = Load(b.port)
    try:
        b.send_signal(signal.SIGUSR2)
        wait_until(lambda: "the old one goes on" in b.log(), "the failure", 20)
        time.sleep(0.3)
    finally:
        accepted = load.stop()
    arrived(endpoint, accepted)
    assert b.master == master and alive(master)


def test_upgrade_that_hangs_is_given_up(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    master = b.master
    (b.folder / "slow.c").write_text(
        "#include <unistd.h>\n"
        "__attribute__((constructor)) static void wait(void) "
        "{ sleep(60); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", b.folder / "slow.so",
                    b.folder / "slow.c"], check=True)
    b.configure(f"load_module {b.folder}/slow.so;" + channel(endpoint.url))
    b.send_signal(signal.SIGUSR2)
    wait_until(lambda: "the old one goes on" in b.log(), "the time-out", 30)
    assert b.master == master
    b.post()
    endpoint.wait(1)


def test_upgrade_has_the_patience_that_the_disk_asks_for(belfry, receiver):
    """Each sync of the store takes longer than the new master may take to
    read its configuration."""
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False, build=PLAIN)
    (b.folder / "slow.c").write_text(f"""
#define _GNU_SOURCE
#include <string.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int fd)
{{
	char link[64], path[512] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	(void)!readlink(link, path, sizeof(path) - 1);
	if (access("{b.folder}/slow", F_OK) == 0 && strstr(path, "belfry.db") &&
	    !strstr(path, "-wal"))
		sleep(11);
	return (int)syscall(SYS_fdatasync, fd);
}}
""")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", b.folder / "slow.so",
                    b.folder / "slow.c"], check=True)
    b.environment["LD_PRELOAD"] = str(b.folder / "slow.so")
    b.without_wrapper().start()
    b.post(subject="before")
    old = b.master
    (b.folder / "slow").touch()
    b.send_signal(signal.SIGUSR2)
    wait_until(lambda: "has taken over" in b.log() or
               "the old one goes on" in b.log(), "the upgrade's end", 90)
    (b.folder / "slow").unlink()
    wait_until(lambda: not alive(old), "the old master ends")
    b.wait_ready_again()
    b.post(subject="after")
    arrived(endpoint, ["before", "after"])


@pytest.fixture
def hanging(belfry, receiver, tmp_path):
    """A belfry whose reload hangs in a module while the file tmp_path / "hang"
    is there."""
    (tmp_path / "hanging.c").write_text(f"""
#include <unistd.h>
__attribute__((constructor)) static void hang(void)
{{
	while (access("{tmp_path}/hang", F_OK) == 0)
		usleep(10000);
}}
""")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "hanging.so",
                    tmp_path / "hanging.c"], check=True)
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    (tmp_path / "hang").touch()
    b.configure(f"load_module {tmp_path}/hanging.so;" + channel(endpoint.url))
    b.send_signal(signal.SIGHUP)
    wait_until(lambda: b.pids("loader"), "the loader")
    return b, endpoint


def test_master_supervises_while_a_module_hangs_in_the_loader(hanging,
                                                              tmp_path):
    b, endpoint = hanging
    loader = b.pids("loader")
    for kind in ("intake", "worker", "scheduler"):
        [old] = b.pids(kind)
        b.send_signal(signal.SIGKILL, old)
        wait_until(lambda: b.pids(kind) not in ([], [old]), f"a new {kind}")
    b.wait_ready()
    b.post()
    endpoint.wait(1)
    assert b.pids("loader") == loader
    # Asked for again meanwhile: done after it, with what the file says then.
    b.configure(channel(endpoint.url, "other"))
    b.send_signal(signal.SIGHUP)
    b.send_signal(signal.SIGHUP)
    (tmp_path / "hang").unlink()
    wait_until(lambda: b.log().count("the old configuration stays in use") == 1
               and b.log().count("reconfigured") == 1, "both reloads")
    # The scheduler hears of it after the log does.
    wait_until(lambda: ["other"] == [
        c["name"] for c in b.http("GET", "/v1/channels").json["channels"]],
        "the channels of the new conf file")


def test_stop_does_not_wait_for_a_reload(hanging):
    b, _ = hanging
    loader = b.pids("loader")
    assert b.stop() == 0
    assert not alive(loader[0])


def test_upgrade_takes_the_place_of_a_reload(hanging):
    b, endpoint = hanging
    [loader], before = b.pids("loader"), b.master
    b.configure(channel(endpoint.url, "other"))
    b.send_signal(signal.SIGUSR2)
    wait_until(lambda: not alive(loader), "the loader ends")
    wait_until(lambda: not alive(before), "the old master ends", 40)
    b.wait_ready_again()
    b.post()
    endpoint.wait(1)
