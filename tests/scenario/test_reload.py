"""Reload and binary upgrade under load: nothing refused, lost or failed."""
import os
import signal
import subprocess
import time

from harness import SECRET, alive, channel, wait_until
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
            wait_until(lambda: (b.folder / "belfry.pid").exists()
                       and b.master != before and b.pids("worker"),
                       "the new master", 20)
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
