"""A store that is damaged or not ours: a clear message and status 1 at
the start, or the fault named by what reads it; never an empty store instead."""
import os
import sqlite3

import pytest
from harness import channel, wait_until


@pytest.fixture
def stopped(belfry, receiver):
    """A belfry that has some history, stopped, and the file of its store."""
    b = belfry(channel(receiver().url))
    for number in range(40):
        b.post(subject=f"event {number}", body="x" * 2000)
    b.wait_idle()
    assert b.stop() == 0
    b.file = b.folder / "state" / "belfry.db"
    return b


def refused(b, *says):
    """It does not start, says why with the file's name, and changes nothing."""
    before = b.file.read_bytes() if b.file.exists() else None
    b.start(wait=False)
    assert b.process.wait(30) == 1
    text = b.stderr_text() + b.log()
    assert str(b.file) in text, text
    for word in says:
        assert word in text, text
    assert (b.file.read_bytes() if b.file.exists() else None) == before
    assert not (b.folder / "belfry.pid").exists()


def overwrite(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize("left", ["a head", "half", "all but a page"])
def test_truncated(stopped, left):
    b = stopped
    size = b.file.stat().st_size
    os.truncate(b.file, {"a head": 60, "half": size // 2,
                         "all but a page": size - 4096}[left])
    refused(b, "damaged")


def test_emptied(stopped):
    os.truncate(stopped.file, 0)
    refused(stopped, "is empty", "restore a backup")


def test_head_that_is_flipped(stopped):
    overwrite(stopped.file, 0, b"\xff" * 16)
    refused(stopped)


def test_file_that_is_gone(stopped):
    stopped.file.rename(stopped.file.with_suffix(".away"))
    refused(stopped)
    stopped.file.with_suffix(".away").rename(stopped.file)
    stopped.start()
    assert len(stopped.http("GET", "/v1/deliveries").json["deliveries"]) == 40


def test_another_programs_file(stopped):
    stopped.file.unlink()
    with sqlite3.connect(stopped.file) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    refused(stopped)


def test_newer_schema(stopped):
    with sqlite3.connect(stopped.file) as store:
        store.execute("PRAGMA user_version = 9999")
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    refused(stopped, "newer belfry", "9999")


@pytest.mark.parametrize("damage", ["flipped", "zero-filled"])
def test_pages_that_are_damaged(stopped, damage):
    """Whatever belfry does with them, it does not pass them over."""
    b = stopped
    size = b.file.stat().st_size
    if damage == "flipped":
        for at in range(2 * 4096, size, 4096):
            overwrite(b.file, at, os.urandom(64))
    else:
        overwrite(b.file, size // 2, b"\0" * (size - size // 2))
    b.start(wait=False)
    wait_until(lambda: b.process.poll() is not None or is_ready(b),
               "it ends, or is ready", 30)
    if b.process.poll() is not None:
        assert b.process.returncode == 1
        assert str(b.file) in b.stderr_text() + b.log()
        return
    done = b.ctl("check", check=False)
    assert done.returncode in (1, 5), done
    assert "every page is sound" not in done.stdout
    answer = b.http("GET", "/v1/deliveries?limit=1000")
    assert answer.status == 503 or len(answer.json["deliveries"]) == 40, answer


def test_what_waits_is_damaged(belfry, receiver):
    """What can't be read can't be sent: belfry ends, as it does when it can't
    write, and does not fill the log."""
    endpoint = receiver(lambda request: 500)
    b = belfry(channel(endpoint.url, more="retry 2s;"))
    waiting = b.delivery_of(b.post())
    endpoint.wait(1)
    b.wait_state(waiting, "scheduled")
    b.stop()
    with sqlite3.connect(b.folder / "state" / "belfry.db") as store:
        store.execute("DELETE FROM event")
    store.close()
    b.start()
    assert b.ended() == 1
    assert "the store is unusable: " in b.log()
    assert b.log().count("a delivery's event is not there whole") == 2
    assert len(endpoint.requests) == 1


def is_ready(b):
    try:
        return b.http("GET", "/readyz").status == 200
    except OSError:
        return False


def test_sound_store_is_found_sound(stopped):
    stopped.start()
    assert "every page is sound" in stopped.ctl("check").stdout
