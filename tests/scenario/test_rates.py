"""What happened in each minute of the last hour."""
from datetime import datetime

from harness import channel, wait_until


def total(b, name, query="", headers=None):
    """Sum over the hour: the minute may change while a test runs."""
    answer = b.http("GET", f"/v1/rates{query}", headers=headers,
                    tcp=headers is not None)
    assert answer.status == 200, answer
    assert answer.json["complete"] is True
    assert len(answer.json["minutes"]) == 60
    return sum(minute[name] for minute in answer.json["minutes"])


def test_deliveries_are_counted_by_minute_with_what_they_waited(
        belfry, receiver):
    good, bad = receiver(), receiver(lambda request: 500)
    b = belfry(channel(good.url, "good") +
               channel(bad.url, "bad", "retry none;") +
               "events { channel_failing off; }")
    for _ in range(3):
        b.post()
    b.wait_idle()
    wait_until(lambda: total(b, "failed") == 3, "the failures are counted")
    assert total(b, "accepted") == 6
    assert total(b, "delivered") == 3
    assert total(b, "accepted", "?channel=bad") == 3
    assert total(b, "failed", "?channel=bad") == 3
    assert total(b, "failed", "?channel=good") == 0
    busy = [minute for minute in
            b.http("GET", "/v1/rates?channel=good").json["minutes"]
            if minute["delivered"]]
    assert all(0 <= minute["waited_median_ms"] <= minute["waited_most_ms"]
               for minute in busy)
    idle = b.http("GET", "/v1/rates?channel=bad").json["minutes"]
    assert not any("waited_most_ms" in minute for minute in idle)


def test_replay_waits_from_the_replay_on(belfry, receiver):
    """Not since the event was accepted, days ago as it may be: two seconds here,
    in which the endpoint fails."""
    answers = [500, 500, 204]
    hook = receiver(lambda request: answers.pop(0))
    b = belfry(channel(hook.url, "hook", "retry 2s;"))
    delivery = b.delivery_of(b.post())
    b.wait_state(delivery, "failed")
    b.http("POST", f"/v1/deliveries/{delivery}/replay", {})
    b.wait_state(delivery, "delivered")
    at = b.delivery(delivery)
    minutes = b.http("GET", "/v1/rates?channel=hook").json["minutes"]
    waited = max(minute.get("waited_most_ms", -1) for minute in minutes)
    whole = at["attempts"]
    assert len(whole) == 3
    # 2 s lie between acceptance and replay, whatever the machine.
    accepted, ended = (datetime.fromisoformat(at[name])
                       for name in ("accepted_at", "ended_at"))
    assert 0 <= waited < (ended - accepted).total_seconds() * 1000 - 1900


def test_tenant_sees_its_own_minutes_only(belfry, receiver):
    hook = receiver()
    b = belfry(channel(hook.url, "shared") + f"""
tenant acme {{ {channel(hook.url, "shared")} {channel(hook.url, "own")} }}
token a {{ value token-of-acme-0123; tenant acme; scope read; }}
token i {{ value token-of-intake-012; tenant acme; scope ingest; }}
""")
    acme = {"Authorization": "Bearer token-of-acme-0123"}
    b.post()
    b.post(tenant_id="acme")
    b.wait_idle()
    wait_until(lambda: total(b, "delivered") == 3, "all are counted")
    assert total(b, "accepted", headers=acme) == 2
    assert total(b, "accepted", "?channel=shared", acme) == 1
    assert total(b, "accepted", "?tenant_id=acme") == 2
    assert total(b, "accepted", "?channel=shared") == 1
    assert b.http("GET", "/v1/rates?channel=own").status == 404
    default = b.http("GET", "/v1/channels/shared").json["tenant_id"]
    assert b.http("GET", f"/v1/rates?tenant_id={default}", headers=acme,
                  tcp=True).status == 403
    assert b.http("GET", "/v1/rates", tcp=True, headers={
        "Authorization": "Bearer token-of-intake-012"}).status == 403
