"""Belfry's events about itself: told over the other channels, and never about
themselves without end."""
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
    assert "500" in told["metadata"]["reason"]
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
