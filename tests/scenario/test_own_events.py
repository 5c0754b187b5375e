"""Belfry's events about itself: told over the other channels, and never about
themselves without end."""
import json
import signal
import time

from harness import channel, wait_until


def types(endpoint):
    return [request.json["event"] for request in endpoint.requests]


def test_channel_fails_and_recovers(belfry, receiver):
    status = [500]
    bad, good = receiver(lambda request: status[0]), receiver()
    b = belfry(channel(bad.url, "bad", "retry 20ms 20ms;") +
               channel(good.url, "good", "events channel_*;"))
    b.post()
    wait_until(lambda: "channel_failing" in types(good), "the word of it")
    told = good.requests[0].json
    assert told["metadata"]["channel"] == "bad"
    assert told["metadata"]["module"] == "webhook"
    assert "500" in told["metadata"]["error"]
    assert "bad" in told["subject"]
    # It is not told again while it goes on.
    for _ in range(3):
        b.post()
    b.wait_idle()
    assert types(good) == ["channel_failing"]
    # The channel itself is not told of its own failure.
    assert "channel_failing" not in types(bad)
    status[0] = 204
    b.post()
    wait_until(lambda: "channel_recovered" in types(good), "the recovery")
    b.wait_idle()
    assert types(good) == ["channel_failing", "channel_recovered"]


def test_two_failing_channels_do_not_feed_one_another(belfry, receiver):
    one, other = receiver(lambda request: 500), receiver(lambda request: 500)
    b = belfry(channel(one.url, "one", "retry none;") +
               channel(other.url, "other", "retry none;"))
    b.post()
    wait_until(lambda: "channel_failing" in types(one) and
               "channel_failing" in types(other), "each is told of the other")
    b.wait_idle()
    time.sleep(0.5)
    b.wait_idle()
    assert sorted(types(one)) == ["channel_failing", "deploy_failed"]
    assert sorted(types(other)) == ["channel_failing", "deploy_failed"]


def test_own_events_can_be_switched_off(belfry, receiver):
    bad, good = receiver(lambda request: 500), receiver()
    b = belfry("events { channel_failing off; }" +
               channel(bad.url, "bad", "retry none;") +
               channel(good.url, "good"))
    b.post()
    wait_until(lambda: "verdict=failed" in b.log(), "the failure")
    b.wait_idle()
    assert types(good) == ["deploy_failed"]


def usual_keys(b, name):
    return set(json.loads(b.ctl("events", name, "--json").stdout)["metadata"])


def test_recovery_is_told_though_the_scheduler_was_another(belfry, receiver):
    status = [500]
    bad, good = receiver(lambda request: status[0]), receiver()
    b = belfry(channel(bad.url, "bad", "retry none;") +
               channel(good.url, "good", "events channel_*;"))
    b.post()
    wait_until(lambda: "channel_failing" in types(good), "the word of it")
    b.wait_idle()
    b.stop()
    b.start()
    check = json.loads(b.ctl("check", "--json", check=False).stdout)
    assert [c["ok"] for c in check["checks"] if c["name"] == "bad"] == [False]
    # One that is still failing is not news.
    b.post()
    b.wait_idle()
    assert types(good) == ["channel_failing"]
    scheduler = b.pids("scheduler")[0]
    b.send_signal(signal.SIGKILL, scheduler)
    wait_until(lambda: scheduler not in b.pids("scheduler"), "its end")
    b.wait_ready()
    status[0] = 204
    b.post()
    wait_until(lambda: "channel_recovered" in types(good), "the recovery")
    b.wait_idle()
    assert types(good) == ["channel_failing", "channel_recovered"]
    failing, recovered = [r.json["metadata"] for r in good.requests]
    assert set(failing) == usual_keys(b, "channel_failing")
    assert set(recovered) == usual_keys(b, "channel_recovered")
    assert recovered["failing_since"].endswith("+00:00")
    # And it is over after a restart, too.
    b.stop()
    b.start()
    b.post()
    b.wait_idle()
    assert types(good) == ["channel_failing", "channel_recovered"]


def test_backlog_that_grows_is_told_once_until_it_doubles(belfry, receiver):
    good = receiver()
    bad = receiver(lambda request: 500)
    b = belfry("large_backlog 20;" +
               channel(bad.url, "bad", "retry 1h; events deploy_*;") +
               channel(good.url, "good", "events backlog_growing;"))

    def grown():
        b.post()
        return good.requests

    wait_until(grown, "the word of it", 60, 0.2)
    told = good.requests[0].json
    assert told["event"] == "backlog_growing"
    assert set(told["metadata"]) == usual_keys(b, "backlog_growing")
    assert told["metadata"]["large_backlog"] == 20
    assert 20 < told["metadata"]["waiting"] <= b.stats()["deliveries"]["waiting"]
    assert "backlog: " in b.log()
    # Looks go on while events come in; what has not doubled is not told again.
    first = told["metadata"]["waiting"]
    wait_until(lambda: grown() and len(good.requests) == 2, "the second", 60,
               0.2)
    assert good.requests[1].json["metadata"]["waiting"] >= 2 * first
