"""Slack and Discord channels against endpoints that answer as the platforms
do: limits, refusals, webhooks that are gone."""
import json
import time

import pytest

import harness
import platforms
from harness import wait_until

QUIET = "events { channel_failing off; channel_recovered off; }\n"
LOAD = "".join(f"load_module {harness.BUILD}/.libs/{name}.so isolate=off;\n"
               for name in ("slack-format", "discord-embed")) + QUIET
GONE = platforms.error(404, 10015, "Unknown Webhook")


def slack(url, name="slack", more=""):
    return f"channel slack-format {name} {{ url {url}; {more} }}\n"


def discord(url, name="discord", more=""):
    return f"channel discord-embed {name} {{ url {url}; {more} }}\n"


def post_many(b, count, first=0):
    lines = "\n".join(json.dumps({"event": "deploy_failed", "subject": str(n)})
                      for n in range(first, first + count))
    answer = b.http("POST", "/v1/events", lines,
                    {"Content-Type": "application/x-ndjson"})
    assert answer.status == 200, answer
    return [json.loads(line)["id"] for line in
            answer.body.decode().splitlines()]


def channel_of(b, name):
    return b.http("GET", f"/v1/channels/{name}").json


def verdicts(b, channel):
    """The verdicts of the attempts in the log, in order."""
    return [line.split(" verdict=")[1].split()[0]
            for line in b.log().splitlines()
            if f"channel={channel} " in line and " verdict=" in line]


def numbers(count):
    return [str(n) for n in range(count)]


# ---- pacing ----

def test_a_burst_to_slack_is_delivered_in_order(belfry, receiver):
    """500 events at 20 a second, where 1 is the default; the server enforces
    somewhat less, so that it has to say so. No delivery may be retried at all.
    """
    endpoint = platforms.Slack(18)
    b = belfry(LOAD + slack(receiver(endpoint).url,
                            more="retry none; rate 20/s burst=4;"))
    events = post_many(b, 500)
    b.wait_idle(240)
    assert endpoint.subjects == numbers(500)
    assert endpoint.limited, "the server never had to refuse"
    gaps = [later - earlier for earlier, later
            in zip(endpoint.limited, endpoint.limited[1:])]
    print(len(endpoint.limited), "times 429, least gap", min(gaps, default=0))
    assert all(gap >= 0.999 for gap in gaps)
    assert verdicts(b, "slack").count("delivered") == 500
    assert verdicts(b, "slack").count("paced") == len(endpoint.limited)
    assert set(verdicts(b, "slack")) == {"delivered", "paced"}
    shown = b.delivery(b.delivery_of(events[-1]))
    assert shown["state"] == "delivered"


def test_the_default_rate_of_slack_is_one_a_second(belfry, receiver):
    endpoint = receiver(lambda request: platforms.word(200, "ok"))
    b = belfry(LOAD + slack(endpoint.url))
    shown = channel_of(b, "slack")
    assert shown["rate"] == "1/s burst=4"
    assert shown["concurrency"] == 1
    assert shown["retry"] == ["5s", "30s", "5m", "30m", "2h"]
    post_many(b, 7)
    endpoint.wait(7)
    at = [request.at for request in endpoint.requests]
    # Four at once, then a second apart.
    assert at[6] - at[0] >= 2.9
    assert at[5] - at[0] >= 1.9


def test_channels_of_one_webhook_share_rate_and_pauses(belfry, receiver):
    endpoint = platforms.Slack(18)
    url = receiver(endpoint).url + "services/T0/B0/x"
    b = belfry(LOAD + "".join(
        slack(url, name, "retry none; rate 20/s burst=2;")
        for name in ("one", "two", "three")))
    post_many(b, 40)
    b.wait_idle(120)
    for name in ("one", "two", "three"):
        assert set(verdicts(b, name)) <= {"delivered", "paced"}
    assert sorted(endpoint.subjects) == sorted(numbers(40) * 3)
    gaps = [later - earlier for earlier, later
            in zip(endpoint.limited, endpoint.limited[1:])]
    # Each may have had one under way when the first was refused.
    assert sum(gap < 0.9 for gap in gaps) <= 2 * len(gaps) / 3


def test_a_pause_is_seen_and_outlives_nothing_but_itself(belfry, receiver):
    answers = iter([platforms.word(200, "ok")])
    endpoint = receiver(lambda request: next(
        answers, (429, {"Retry-After": "600"}, b"rate_limited")))
    other = receiver()
    b = belfry(LOAD + slack(endpoint.url, more="rate off;") +
               f"channel webhook other {{ url {other.url}; }}")
    post_many(b, 5)
    endpoint.wait(2)
    shown = wait_until(lambda: (c := channel_of(b, "slack")).get("paced_until")
                       and c["waiting"] == 4 and c, "the pause")
    assert shown["state"] == "running"
    assert f"paced until {shown['paced_until']}" in b.ctl("channels").stdout
    assert shown["paced_until"] in b.ctl("channels", "slack").stdout
    other.wait(5)
    metrics = b.http("GET", "/metrics").body.decode()
    [left] = [float(line.split()[-1]) for line in metrics.splitlines()
              if line.startswith("belfry_channel_pause_seconds") and
              'channel="slack"' in line]
    assert 500 < left <= 600
    # Waiting is all that happens, over a restart, too; the order is kept.
    assert len(endpoint.requests) == 2
    b.stop()
    taken = []
    endpoint.answer = lambda request: taken.append(
        platforms.subject_of_slack(request)) or platforms.word(200, "ok")
    b.start()
    b.wait_idle()
    assert taken == ["1", "2", "3", "4"]


def test_a_pause_is_bounded_and_grows(belfry, receiver):
    """A server that always asks for nearly nothing is asked ever less."""
    endpoint = receiver(lambda request: (429, {"Retry-After": "0.1"}, b""))
    b = belfry(LOAD + slack(endpoint.url,
                            more="rate off; retry none; max_age 20s;"))
    started = time.monotonic()
    [event] = post_many(b, 1)
    shown = b.wait_state(b.delivery_of(event), "failed", 60)
    assert "max_age" in shown["attempts"][-1]["why"]
    # 0.1 s three times, then 1, 2, 4 and 8 s: a next one would pass max_age.
    assert len(endpoint.requests) == 8
    assert time.monotonic() - started >= 15


def test_retry_after_max_bounds_a_pause(belfry, receiver):
    answers = iter([(429, {"Retry-After": "86400"}, b"")])
    endpoint = receiver(lambda request: next(answers,
                                             platforms.word(200, "ok")))
    b = belfry(LOAD + slack(endpoint.url, more="retry_after_max 1s;"))
    [event] = post_many(b, 1)
    b.wait_state(b.delivery_of(event), "delivered")
    assert verdicts(b, "slack") == ["paced", "delivered"]


def test_cancelled_while_paced(belfry, receiver):
    answers = iter([(429, {"Retry-After": "2"}, b"")])
    endpoint = receiver(lambda request: next(answers,
                                             platforms.word(200, "ok")))
    b = belfry(LOAD + slack(endpoint.url))
    first, second = post_many(b, 2)
    wait_until(lambda: "paced" in verdicts(b, "slack"), "the pause")
    b.ctl("cancel", b.delivery_of(first))
    b.wait_state(b.delivery_of(second), "delivered")
    assert b.delivery(b.delivery_of(first))["state"] == "cancelled"
    assert [platforms.subject_of_slack(r) for r in endpoint.requests] == \
        ["0", "1"]


def test_headers_of_any_server_pace_a_webhook(belfry, receiver):
    """For every module: a success that was the last one for now."""
    endpoint = receiver(lambda request: (200, {
        "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.4"}))
    b = belfry(QUIET + f"channel webhook hook {{ url {endpoint.url}; "
                       "concurrency 1; }")
    post_many(b, 4)
    endpoint.wait(4)
    at = [request.at for request in endpoint.requests]
    assert all(b - a >= 0.399 for a, b in zip(at, at[1:]))


def test_discord_is_never_asked_too_often(belfry, receiver):
    """Its headers say when a bucket is empty: no 429 at all."""
    endpoint = platforms.Discord(5, 0.5)
    b = belfry(LOAD + discord(receiver(endpoint).url, more="retry none;"))
    post_many(b, 40)
    b.wait_idle(120)
    assert endpoint.subjects == numbers(40)
    assert not endpoint.limited
    assert verdicts(b, "discord") == ["delivered"] * 40


def test_discord_says_so_by_429_alone(belfry, receiver):
    endpoint = platforms.Discord(5, 0.5, quiet=True)
    b = belfry(LOAD + discord(receiver(endpoint).url, more="retry none;"))
    post_many(b, 30)
    b.wait_idle(120)
    assert endpoint.subjects == numbers(30)
    assert 1 <= len(endpoint.limited) <= 6
    assert set(verdicts(b, "discord")) == {"delivered", "paced"}


@pytest.mark.parametrize("answer, all_pause", [
    (platforms.limit(1.2), False),
    (platforms.limit(1.2, everywhere=True), True),
    (platforms.page(429, {"Retry-After": "2"}), True),
])
def test_who_is_paused_by_a_429_of_discord(belfry, receiver, answer,
                                           all_pause):
    first = iter([answer])

    def endpoint(request):
        if request.path.startswith("/api/webhooks/1/"):
            return next(first, (204, {}))
        return 204, {}

    server = receiver(endpoint)
    b = belfry(LOAD + discord(server.url + "api/webhooks/1/a", "one",
                              "retry none; events deploy_failed;") +
               discord(server.url + "api/webhooks/2/b", "two",
                       "retry none; events deploy_succeeded;"))
    begun = time.monotonic()
    one = b.delivery_of(b.post("deploy_failed"))
    server.wait(1)
    wait_until(lambda: "paced" in verdicts(b, "one"), "the pause")
    two = b.delivery_of(b.post("deploy_succeeded"))
    b.wait_state(two, "delivered")
    other = next(r for r in server.requests if "/2/" in r.path)
    if all_pause:
        assert other.at - begun >= 1.2
        assert channel_of(b, "two")["state"] == "running"
    else:
        assert other.at - begun < 1.2
    b.wait_state(one, "delivered")
    assert verdicts(b, "one") == ["paced", "delivered"]
    assert "wait=true" in other.path


# ---- refusals ----

@pytest.mark.parametrize("text", [
    "invalid_payload", "no_text", "invalid_blocks", "msg_blocks_too_long",
    "too_many_attachments", "invalid_attachments"])
def test_slack_refuses_a_message_for_good(belfry, receiver, text):
    endpoint = receiver(lambda request: platforms.word(400, text))
    b = belfry(LOAD + slack(endpoint.url, more="retry 50ms;"))
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    assert len(shown["attempts"]) == 1
    assert f"({text})" in shown["attempts"][0]["why"]
    assert channel_of(b, "slack")["state"] == "running"


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 410, 500, 502])
@pytest.mark.parametrize("make", [slack, discord])
def test_an_answer_of_something_between_is_retried(belfry, receiver, make,
                                                   status):
    answers = iter([platforms.page(status)])
    endpoint = receiver(lambda request: next(answers,
                                             platforms.word(200, "ok")))
    b = belfry(LOAD + make(endpoint.url, "chat", "retry 50ms; rate off;"))
    b.wait_state(b.delivery_of(b.post()), "delivered")
    assert verdicts(b, "chat") == ["retry", "delivered"]


def test_discord_refuses_a_message_for_good(belfry, receiver):
    answer = {"message": "Invalid Form Body", "code": 50035, "errors": {
        "embeds": {"0": {"title": {"_errors": [{
            "code": "BASE_TYPE_MAX_LENGTH",
            "message": "Must be 256 or fewer in length."}]}}}}}
    endpoint = receiver(lambda request: (
        400, {"Content-Type": "application/json"},
        json.dumps(answer).encode()))
    b = belfry(LOAD + discord(endpoint.url, more="retry 50ms;"))
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    assert len(shown["attempts"]) == 1
    why = shown["attempts"][0]["why"]
    assert "Must be 256 or fewer in length." in why and "50035" in why


# ---- webhooks that are gone ----

DEAD = [
    (slack, platforms.word(404, "no_service"), "no_service"),
    (slack, platforms.word(403, "invalid_token"), "invalid_token"),
    (slack, platforms.word(404, "channel_not_found"), "channel_not_found"),
    (slack, platforms.word(410, "channel_is_archived"),
     "channel_is_archived"),
    (slack, platforms.word(403, "action_prohibited"), "action_prohibited"),
    (slack, platforms.word(403, "posting_to_general_channel_denied"),
     "posting_to_general_channel_denied"),
    (discord, GONE, "Unknown Webhook"),
    (discord, platforms.error(401, 50027, "Invalid Webhook Token"), "50027"),
    (discord, platforms.error(403, 50013, "Missing Permissions"), "50013"),
    (discord, platforms.error(401, 0, "401: Unauthorized"),
     "401: Unauthorized"),
]


@pytest.mark.parametrize("make, answer, reason", DEAD)
def test_a_dead_webhook_stops_its_channel(belfry, receiver, make, answer,
                                          reason):
    endpoint, other = receiver(lambda request: answer), receiver()
    b = belfry(LOAD + make(endpoint.url, "chat", "rate off;") +
               f"channel webhook other {{ url {other.url}; }}")
    post_many(b, 5)
    shown = wait_until(lambda: (c := channel_of(b, "chat"))["state"] ==
                       "stopped" and c, "the channel is stopped")
    assert reason in shown["reason"] and shown["waiting"] == 5
    assert "stopped" in b.ctl("channels").stdout
    assert f"channel chat is stopped: {shown['reason']}" in b.log()
    # The others are told, and this one is not.
    told = wait_until(lambda: [r.json for r in other.requests
                               if r.json["event"] == "channel_stopped"],
                      "channel_stopped")
    assert len(told) == 1 and reason in told[0]["metadata"]["error"]
    assert told[0]["metadata"]["channel"] == "chat"
    assert len(endpoint.requests) == 1
    # It goes on where it stopped.
    taken = []
    subject = platforms.subject_of_slack if make is slack else \
        platforms.subject_of_discord
    endpoint.answer = lambda request: taken.append(subject(request)) or \
        platforms.word(200, "ok")
    b.ctl("channels", "start", "chat")
    b.wait_idle()
    assert taken == numbers(5)
    assert channel_of(b, "chat")["state"] == "running"


def test_what_a_stopped_channel_had_keeps_its_order_over_a_restart(belfry,
                                                                   receiver):
    endpoint = receiver(lambda request: GONE)
    b = belfry(LOAD + discord(endpoint.url))
    post_many(b, 3)
    wait_until(lambda: channel_of(b, "discord")["state"] == "stopped",
               "the channel is stopped")
    post_many(b, 100, 3)
    b.stop()
    b.start()
    assert channel_of(b, "discord")["state"] == "stopped"
    assert channel_of(b, "discord")["waiting"] == 103
    taken = []
    endpoint.answer = lambda request: taken.append(
        platforms.subject_of_discord(request)) or (204, {})
    b.ctl("channels", "start", "discord")
    b.wait_idle()
    assert taken == numbers(103)


def test_channels_that_stop_do_not_feed_one_another(belfry, receiver):
    endpoints = [receiver(lambda request: GONE) for _ in range(3)]
    b = belfry(LOAD + "".join(discord(endpoint.url, f"d{n}") for n, endpoint
                              in enumerate(endpoints)))
    b.post()
    wait_until(lambda: all(channel_of(b, f"d{n}")["state"] == "stopped"
                           for n in range(3)), "all are stopped")
    time.sleep(1)
    stats = b.stats()
    # The event, and one for each channel: for the other two.
    assert stats["events"]["accepted"] == 4
    assert stats["deliveries"]["waiting"] == 3 + 3 * 2
    assert sum(len(endpoint.requests) for endpoint in endpoints) <= 9


def test_a_url_is_not_shown(belfry, receiver):
    endpoint = receiver(lambda request: platforms.word(200, "ok"))
    token = "s3sameOpenS3sameOpen24ch"
    url = endpoint.url + "services/T0/B0/" + token
    b = belfry(LOAD + slack(url))
    b.wait_state(b.delivery_of(b.post()), "delivered")
    assert endpoint.requests[0].path == "/services/T0/B0/" + token
    shown = json.dumps(channel_of(b, "slack")) + b.log() + \
        b.ctl("channels", "slack").stdout + b.ctl("test", "slack").stdout
    assert token not in shown
