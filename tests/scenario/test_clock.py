"""The wall clock steps: retries still go out, none early and none twice."""
import contextlib
import pathlib
import sqlite3
import time

import pytest
from harness import PLAIN, channel, wait_until

LIBRARY = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def set_clock(b, offset):
    """What the processes take for the wall clock, from their next look on."""
    draft = b.folder / ".draft"
    draft.write_text(offset + "\n")
    draft.rename(b.folder / ".faketimerc")


@pytest.fixture
def stepping(belfry):
    """A belfry whose wall clock can be stepped. Its monotonic clock can't."""
    if not LIBRARY.exists():
        pytest.skip("libfaketime is not installed")

    def make(conf):
        b = belfry(conf, start=False, build=PLAIN)
        b.environment.update(LD_PRELOAD=str(LIBRARY), HOME=str(b.folder),
                             FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1",
                             DONT_FAKE_MONOTONIC="1")
        set_clock(b, "+0")
        return b.start()

    return make


@pytest.mark.parametrize("step", ["-1h", "+1d"])
def test_step_while_a_retry_waits(stepping, receiver, step):
    seen = []

    def answer(request):
        seen.append(time.monotonic())
        return 500 if len(seen) < 3 else 204

    endpoint = receiver(answer)
    b = stepping(channel(endpoint.url, more="retry 2s 2s 2s;"))
    identifier = b.delivery_of(b.post())
    endpoint.wait(1)
    set_clock(b, step)
    endpoint.wait(3, timeout=30)
    b.wait_state(identifier, "delivered")
    waits = [later - sooner for sooner, later in zip(seen, seen[1:])]
    assert all(2 <= wait < 10 for wait in waits), waits
    stamps = [int(r.headers["webhook-timestamp"]) for r in endpoint.requests]
    # Signatures are made with the real time, as it is now taken to be.
    moved = stamps[-1] - stamps[0]
    assert (moved < -3000) if step == "-1h" else (moved > 80000), stamps
    time.sleep(1)
    assert len(endpoint.requests) == 3


def test_key_of_yesterday_is_forgotten(stepping, receiver):
    endpoint = receiver()
    b = stepping(channel(endpoint.url))
    key = {"headers": {"Idempotency-Key": "daily"}}
    first = b.post(**key)
    for offset, known in (("+23h", True), ("+25h", False)):
        b.stop()
        set_clock(b, offset)
        b.start()
        # At once: it does not matter when old keys are swept out.
        assert (b.post(**key) == first) == known
    endpoint.wait(2)


def test_old_events_go_though_the_clock_was_years_ahead_once(stepping,
                                                             receiver):
    endpoint = receiver()
    b = stepping("retention 1h;\n" + channel(endpoint.url))

    def at(offset):
        b.wait_idle()
        b.stop()
        set_clock(b, offset)
        b.start()
        return b.post()

    def has(*ids):
        return {event["id"] for event in
                b.http("GET", "/v1/events").json["events"]} == set(ids)

    def noted():
        file = b.folder / "state" / "belfry.db"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro",
                                                uri=True)) as store:
            return store.execute("SELECT value FROM setting WHERE "
                                 "name = 'ids_ahead'").fetchone()

    set_clock(b, "+3650d")
    ahead = [b.post(), at("+0")]
    wait_until(noted, "that ids are ahead is noted")
    before = noted()
    later = at("+23h")
    time.sleep(2)
    # How old these are nobody can tell yet.
    assert has(*ahead, later) and noted() == before
    last = at("+25h")
    wait_until(lambda: has(later, last), "what was noted is gone")
    wait_until(lambda: noted() != before, "the next note")


def test_step_across_a_restart(stepping, receiver):
    endpoint = receiver(lambda request: 500)
    b = stepping(channel(endpoint.url, more="retry 3s 3s;"))
    identifier = b.delivery_of(b.post())
    endpoint.wait(1)
    b.wait_state(identifier, "scheduled")
    b.stop()
    set_clock(b, "-1h")
    endpoint.answer = lambda request: 204
    b.start()
    # Its time is an hour away by that clock: but never longer than the delay.
    wait_until(lambda: len(endpoint.requests) == 2, "the retry", 30)
    b.wait_state(identifier, "delivered")
