"""Each allocation of a start made to fail, in turn: belfry ends with a reason,
or goes on as if nothing had been. Nothing is half done.

A check takes samples; with BELFRY_EVERY=1 (or 10: every tenth) it takes that
many, which is for by hand.
"""
import os
import sqlite3
import subprocess

import pytest
from harness import PLAIN, channel, wait_until

EVERY = int(os.environ.get("BELFRY_EVERY", "0"))
SHIM = PLAIN / "tests/scenario/.libs/no_memory.so"
ABORTED = (134, -6)


def samples(total, most):
    return range(1, total + 1, EVERY or max(1, total // most))


def environment(b, at):
    """What has the at-th allocation fail; and the file that counts them."""
    counter = b.folder / "allocations"
    counter.write_bytes(bytes(4))
    return counter, {"LD_PRELOAD": str(SHIM), "NO_MEMORY_AT": str(at),
                     "NO_MEMORY_COUNT": str(counter)}


def counted(counter):
    return int.from_bytes(counter.read_bytes(), "little")


@pytest.fixture
def b(belfry, receiver):
    if not SHIM.exists():
        pytest.skip("make check has not made no_memory.so")
    b = belfry(channel(receiver().url), start=False, build=PLAIN)
    return b.without_wrapper()


# The dynamic linker's words for it where it does not say "memory".
LINKER = ("cannot create shared object descriptor",
          "cannot open shared object file")


def says_so(text):
    return "memory" in text.lower() or any(words in text for words in LINKER)


def conf_test(b, at):
    counter, more = environment(b, at)
    done = subprocess.run([b.program, "-t", "-c", b.conf_file],
                          env={**b.environment, **more}, text=True,
                          capture_output=True, timeout=60)
    return done, counted(counter)


def test_a_conf_test_says_what_became_of_it(b):
    """-t: the conf file is found good, or it is said that there was no memory;
    never silence, a crash, or a fault of the file's."""
    done, total = conf_test(b, 0)
    assert done.returncode == 0 and total > 500
    for at in samples(total, 150):
        done, _ = conf_test(b, at)
        if done.returncode == 0:
            assert "test is successful" in done.stderr, (at, done)
        else:
            assert done.returncode in (1, *ABORTED), (at, done)
            assert says_so(done.stderr), (at, done)
    assert not (b.folder / "state").exists()


def settled(b):
    if b.process.poll() is not None:
        return "ended"
    try:
        return b.http("GET", "/readyz").status == 200 and "ready"
    except OSError:
        return False


def stop(b):
    if b.process.poll() is None:
        b.stop()


def start_without(b, at):
    """Starts with one allocation failing; whether it came to be ready."""
    counter, more = environment(b, at)
    b.before = ["env", *(f"{name}={value}" for name, value in more.items())]
    b.start(wait=False)
    became = wait_until(lambda: settled(b), f"{at}: an end or a start", 60)
    return became == "ready", counter


def test_a_start_is_whole_or_does_not_happen(belfry, receiver):
    """From the start to a first delivery, over all processes: a child that ends
    is replaced, a master that ends leaves nobody behind; what was accepted
    arrives, and the store is whole."""
    if not SHIM.exists():
        pytest.skip("make check has not made no_memory.so")
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False, build=PLAIN)
    b.without_wrapper()
    ready, counter = start_without(b, 0)
    assert ready
    b.post()
    endpoint.wait(1)
    b.stop()
    for at in samples(counted(counter), 25):
        before = len(endpoint.requests)
        b.stderr_file.write_bytes(b"")
        b.log_file.write_bytes(b"")
        ready, _ = start_without(b, at)
        if ready:
            wait_until(lambda: post(b), f"{at}: an event is taken", 30)
            wait_until(lambda: len(endpoint.requests) > before,
                       f"{at}: it arrives", 30)
            stop(b)
        else:
            assert b.process.returncode in (1, *ABORTED), at
            assert says_so(b.stderr_text() + b.log()), (at, b.log())
        with sqlite3.connect(next((b.folder / "state").glob("*.db"))) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def post(b):
    try:
        return b.http("POST", "/v1/events", {
            "event": "deploy_failed", "subject": "s"}).status == 202
    except OSError:
        return False
