"""When a delivery is tried again, when it is given up, and what a replay, a
cancel and a disabled channel do to it.

Times are measured where they count, at the receiver: from the moment it
answers with a failure to the arrival of the next attempt. A retry may be late
on a busy machine, which is only reported; it may never be early."""
import base64
import email.utils
import hashlib
import hmac
import re
import threading
import time

import pytest

from harness import SECRET, channel, wait_until


# Of belfry's own events none mix with those that are counted here.
QUIET = "events { channel_failing off; channel_recovered off; }\n"


class Failing:
    """Answers with a failure until told otherwise, and keeps the times."""

    def __init__(self, status=500, headers=None):
        self.status, self.headers = status, headers or {}
        self.answered = []

    def __call__(self, request):
        self.answered.append(time.monotonic())
        return self.status, self.headers

    def waits(self, requests):
        """Seconds from each failure to the request that came after it."""
        return [request.at - failed for failed, request
                in zip(self.answered, requests[1:])]


def assert_waits(waits, schedule):
    assert len(waits) == len(schedule), waits
    late = [wait - wanted for wait, wanted in zip(waits, schedule)]
    print("retries were late by", [f"{s * 1000:.1f} ms" for s in late])
    assert all(s >= 0 for s in late), f"early: {waits} for {schedule}"


def verify(request, secret):
    """As the libraries of Standard Webhooks do."""
    stamp = request.headers["webhook-timestamp"]
    assert abs(request.wall - int(stamp)) < 300
    signed = f"{request.headers['webhook-id']}.{stamp}.".encode()
    digest = hmac.new(secret.encode(), signed + request.body, hashlib.sha256)
    want = "v1," + base64.b64encode(digest.digest()).decode()
    assert request.headers["webhook-signature"] == want
    assert request.signed_by(secret)


def test_default_schedule_then_failed_then_replay(belfry, receiver):
    failing = Failing()
    endpoint = receiver(failing)
    b = belfry(channel(endpoint.url, more=f"secret {SECRET};"))
    identifier = b.delivery_of(b.post())
    shown = b.wait_state(identifier, "failed", 60)
    assert_waits(failing.waits(endpoint.requests), [1, 2, 4])
    assert [a["number"] for a in shown["attempts"]] == [1, 2, 3, 4]
    assert [a["verdict"] for a in shown["attempts"]] == \
        ["retry", "retry", "retry", "failed"]
    assert [a["status"] for a in shown["attempts"]] == [500] * 4
    assert "500" in b.ctl("show", identifier).stdout

    endpoint.answer = lambda request: 204
    assert "1 replayed" in b.ctl("replay", identifier).stdout
    shown = b.wait_state(identifier, "delivered")
    assert len(endpoint.requests) == 5 and len(shown["attempts"]) == 5
    stamps = []
    for request in endpoint.requests:
        verify(request, SECRET)
        assert request.headers["webhook-id"] == identifier
        assert request.body == endpoint.requests[0].body
        stamps.append(int(request.headers["webhook-timestamp"]))
    assert stamps == sorted(stamps)
    assert stamps[-1] - stamps[0] >= 7, "the timestamp is the attempt's"


def test_schedule_of_a_channel(belfry, receiver):
    failing = Failing(503)
    endpoint = receiver(failing)
    b = belfry(channel(endpoint.url, more="retry 50ms 100ms 300ms;"))
    b.wait_state(b.delivery_of(b.post()), "failed")
    assert_waits(failing.waits(endpoint.requests), [0.05, 0.1, 0.3])


def test_retry_none_is_one_attempt(belfry, receiver):
    failing = Failing()
    endpoint = receiver(failing)
    b = belfry(channel(endpoint.url, more="retry none;"))
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    assert len(shown["attempts"]) == 1
    b.wait_idle()
    assert len(endpoint.requests) == 1


def test_delivery_succeeds_on_a_retry(belfry, receiver):
    endpoint = receiver()
    endpoint.answer = lambda request: \
        500 if len(endpoint.requests) < 3 else 200
    b = belfry(channel(endpoint.url, more="retry 50ms 50ms 50ms;"))
    shown = b.wait_state(b.delivery_of(b.post()), "delivered")
    assert [a["verdict"] for a in shown["attempts"]] == \
        ["retry", "retry", "delivered"]


def test_jitter_only_lengthens(belfry, receiver):
    failed_at, waits = {}, []

    def answer(request):
        name = request.headers["webhook-id"]
        if name in failed_at:
            waits.append(request.at - failed_at[name])
            return 204
        failed_at[name] = time.monotonic()
        return 500

    endpoint = receiver(answer)
    b = belfry(channel(endpoint.url, more="retry 200ms; jitter 100%;"))
    for _ in range(24):
        b.post()
    b.wait_idle()
    assert len(waits) == 24
    assert min(waits) >= 0.2
    # Planned waits, from the log: those have no lateness in them.
    planned = [int(line.split(" wait=")[1].split("ms")[0])
               for line in b.log().splitlines() if "verdict=retry" in line]
    assert len(planned) == 24
    assert 200 <= min(planned) and max(planned) <= 400
    assert max(planned) - min(planned) > 20, "spread at random"


def test_max_age_ends_a_delivery(belfry, receiver):
    endpoint = receiver(Failing())
    b = belfry(channel(endpoint.url, more="retry 500ms; max_age 2s;"))
    # Each try asks for more time than there is.
    endpoint.answer = lambda request: (500, {"Retry-After": "60"})
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    assert "max_age" in shown["attempts"][-1]["why"]
    assert len(endpoint.requests) == 1


def test_max_age_ends_what_a_held_channel_has(belfry, receiver):
    endpoint = receiver()
    # Held well before the first retry, which is due before max_age.
    b = belfry(channel(endpoint.url, more="retry 9s; max_age 10s; timeout 1s;"))
    endpoint.answer = lambda request: 500
    identifiers = [b.delivery_of(b.post()) for _ in range(3)]
    endpoint.wait(3)
    b.ctl("channels", "disable", "hook")
    for identifier in identifiers:
        shown = b.wait_state(identifier, "failed", 90)
        assert "max_age" in shown["attempts"][-1]["why"]
        assert "max_age" in b.ctl("show", identifier).stdout
    assert len(endpoint.requests) == 3
    assert b.stats()["deliveries"]["waiting"] == 0


def retry_after_cases():
    now = time.time()
    return {
        # name: (header, least wait, most planned wait), in seconds
        "seconds": ("2", 2, 2.0),
        "zero": ("0", 0.1, 0.1),
        "negative": ("-5", 0.1, 0.1),
        "fraction": ("1.5", 0.1, 0.1),
        "nonsense": ("soon", 0.1, 0.1),
        "empty": ("", 0.1, 0.1),
        "date past": (email.utils.formatdate(now - 3600, usegmt=True),
                      0.1, 0.1),
        "date future": ("+2", 0.1, 3.1),
        "huge": ("1000000000", 3, 3.0),
        "beyond 64 bits": ("9" * 40, 3, 3.0),
        "date far": ("Fri, 31 Dec 9999 23:59:59 GMT", 3, 3.0),
        "no such date": ("Fri, 99 Foo 2026 25:61:61 GMT", 0.1, 0.1),
    }


def test_retry_after(belfry, receiver):
    """All cases at once, each with a channel of its own."""
    cases = retry_after_cases()
    conf, endpoints, failings = "", {}, {}
    for number, name in enumerate(cases):
        failings[name] = failing = Failing(503)
        endpoints[name] = endpoint = receiver(failing)
        conf += channel(endpoint.url, f"c{number}",
                        "retry 100ms; retry_after_max 3s;")
    b = belfry(QUIET + conf)
    for name, (header, _, _) in cases.items():
        if header == "+2":
            header = email.utils.formatdate(time.time() + 2, usegmt=True)
        failings[name].headers = {"Retry-After": header}
    b.post()
    for name, (_, least, most) in cases.items():
        endpoints[name].wait(2)
        assert failings[name].waits(endpoints[name].requests)[0] >= least, name
    log = b.log()
    for number, (name, (_, least, most)) in enumerate(cases.items()):
        planned = [int(line.split(" wait=")[1].split("ms")[0]) / 1000
                   for line in log.splitlines()
                   if f"channel=c{number} " in line and " wait=" in line]
        assert planned and least <= planned[0] <= most, (name, planned)


def test_ordered_channel_is_never_overtaken(belfry, receiver):
    tries = {}

    def answer(request):
        subject = request.json["subject"]
        tries[subject] = tries.get(subject, 0) + 1
        # Every third needs three tries.
        return 500 if int(subject) % 3 == 0 and tries[subject] < 3 else 204

    endpoint = receiver(answer)
    b = belfry(channel(endpoint.url, more="ordered on; retry 80ms 80ms;"))
    for number in range(12):
        b.post(subject=str(number))
    b.wait_idle()
    got = [request.json["subject"] for request in endpoint.requests]
    want = [str(n) for n in range(12) for _ in range(3 if n % 3 == 0 else 1)]
    assert got == want


def test_ordered_channel_goes_on_after_a_failure_for_good(belfry, receiver):
    endpoint = receiver(lambda request:
                        500 if request.json["subject"] == "0" else 204)
    b = belfry(channel(endpoint.url, more="ordered on; retry 50ms;"))
    events = [b.post(subject=str(n)) for n in range(4)]
    b.wait_state(b.delivery_of(events[0]), "failed")
    b.wait_state(b.delivery_of(events[3]), "delivered")
    got = [request.json["subject"] for request in endpoint.requests]
    assert got == ["0", "0", "1", "2", "3"]


def test_order_that_is_given_up_by_a_reload_holds_nothing_back(belfry,
                                                               receiver):
    endpoint = receiver(lambda request: 500 if request.json["subject"] == "one"
                        else 204)
    b = belfry(channel(endpoint.url, more="ordered on; retry 1h; max_age 2h;"))
    one = b.delivery_of(b.post(subject="one"))
    endpoint.wait(1)
    b.wait_state(one, "scheduled")
    two = b.delivery_of(b.post(subject="two"))
    b.configure(channel(endpoint.url, more="retry 1h; max_age 2h;"))
    assert b.reload()
    b.wait_state(two, "delivered")


def test_ordered_channel_keeps_its_order_over_a_restart(belfry, receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry(channel(endpoint.url, more="ordered on; retry 2s 50ms;"))
    for number in range(6):
        b.post(subject=str(number))
    endpoint.wait(1)
    b.stop()
    endpoint.answer = lambda request: 204
    b.start()
    b.wait_idle()
    got = [request.json["subject"] for request in endpoint.requests]
    assert got == ["0", "0", "1", "2", "3", "4", "5"]


def test_first_attempts_in_order_of_acceptance(belfry, receiver):
    """More than fit the window in memory, so that pages are read back."""
    endpoint = receiver(lambda request: time.sleep(0.002) or 204)
    b = belfry(channel(endpoint.url, more="concurrency 1;"))
    lines = "\n".join('{"event":"deploy_failed","subject":"%d"}' % n
                      for n in range(400))
    answer = b.http("POST", "/v1/events", lines,
                    {"Content-Type": "application/x-ndjson"})
    assert answer.status == 200
    for number in range(400, 440):
        b.post(subject=str(number))
    b.wait_idle()
    got = [int(request.json["subject"]) for request in endpoint.requests]
    assert got == list(range(440))


def states(b, **query):
    found, before = {}, ""
    while before is not None:
        more = "&".join(f"{k}={v}" for k, v in query.items())
        page = b.http("GET", f"/v1/deliveries?limit=100&{more}" +
                      (f"&before={before}" if before else "")).json
        for delivery in page["deliveries"]:
            found[delivery["id"]] = delivery["state"]
        before = page["next"]
    return found


class Gate:
    """Answers nothing until it is opened."""

    def __init__(self):
        self.event = threading.Event()

    def __call__(self, request):
        self.event.wait(30)
        return 204

    def open(self):
        self.event.set()


def test_cancel_by_id_channel_and_type(belfry, receiver):
    gates = [Gate(), Gate()]
    endpoints = [receiver(gate) for gate in gates]
    b = belfry(channel(endpoints[0].url, "one", "concurrency 1;") +
               channel(endpoints[1].url, "two", "concurrency 1;"))
    # The first of each channel is under way, the others wait behind it.
    b.post(subject="first")
    for endpoint in endpoints:
        endpoint.wait(1)
    failed = [b.post("deploy_failed") for _ in range(5)]
    created = [b.post("incident_created") for _ in range(5)]
    single = b.delivery_of(failed[0], "one")
    assert "1 cancelled" in b.ctl("cancel", single).stdout
    assert b.delivery(single)["state"] == "cancelled"
    b.ctl("cancel", "--channel", "one")
    assert "5 cancelled" in b.ctl(
        "cancel", "--event", "incident_created").stdout
    for gate in gates:
        gate.open()
    b.wait_idle()
    assert len(endpoints[0].requests) == 1
    assert {r.headers["webhook-id"] for r in endpoints[1].requests[1:]} == \
        {b.delivery_of(event, "two") for event in failed}
    for event in failed + created:
        shown = b.delivery(b.delivery_of(event, "one"))
        assert shown["state"] == "cancelled"
        assert not shown["attempts"]
    for event in created:
        assert b.delivery(b.delivery_of(event, "two"))["state"] == "cancelled"


def test_cancelled_retry_does_not_hold_an_ordered_channel(belfry, receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry(channel(endpoint.url, more="ordered on; retry 30s;"))
    first = b.delivery_of(b.post(subject="first"))
    endpoint.wait(1)
    wait_until(lambda: b.delivery(first)["attempts"], "the attempt")
    endpoint.answer = lambda request: 204
    second = b.delivery_of(b.post(subject="second"))
    b.ctl("cancel", first)
    b.wait_state(second, "delivered")
    assert len(endpoint.requests) == 2


def test_cancel_under_way_does_not_hold_an_ordered_channel(belfry, receiver):
    release = threading.Event()
    endpoint = receiver(lambda request: release.wait(20) and 500)
    b = belfry(channel(endpoint.url, more="ordered on; retry 30s;"))
    first = b.delivery_of(b.post(subject="first"))
    endpoint.wait(1)
    second = b.delivery_of(b.post(subject="second"))
    b.ctl("cancel", first)
    endpoint.answer = lambda request: 204
    release.set()
    b.wait_state(second, "delivered")
    assert b.delivery(first)["state"] == "cancelled"
    assert len(endpoint.requests) == 2


def test_many_cancelled_retries_leave_room_for_more(belfry, receiver):
    """More than a channel has in memory; of an endpoint that is up."""
    endpoint = receiver(lambda request: 404)
    b = belfry(channel(endpoint.url, more="concurrency 4; retry 400ms;"))
    lines = "\n".join('{"event":"deploy_failed","subject":"s"}'
                      for _ in range(200))
    for _ in range(2):
        endpoint.answer = lambda request: 404
        endpoint.requests.clear()
        b.http("POST", "/v1/events", lines,
               {"Content-Type": "application/x-ndjson"})
        endpoint.wait(200)
        # Holds the retries back, in memory.
        endpoint.answer = gate = Gate()
        endpoint.wait(202)
        b.ctl("cancel", "--channel", "hook")
        gate.open()
        b.wait_idle()
    endpoint.answer = lambda request: \
        204 if request.headers["webhook-id"] in seen else \
        seen.add(request.headers["webhook-id"]) or 404
    seen = set()
    identifier = b.delivery_of(b.post())
    b.wait_state(identifier, "delivered")


def test_a_channel_sends_as_many_at_once_as_its_endpoint_bears(
        belfry, receiver):
    def posted(count):
        b.http("POST", "/v1/events", "\n".join(
            ['{"event":"deploy_failed","subject":"s"}'] * count),
            {"Content-Type": "application/x-ndjson"})

    def shown():
        return b.http("GET", "/v1/channels/hook").json

    endpoint = receiver(gate := Gate())
    b = belfry(QUIET + channel(endpoint.url, more="retry none;"))
    assert shown()["concurrency"] == 64
    posted(100)
    wait_until(lambda: shown()["in_flight"] == 16, "16 are under way")
    assert shown()["window"] == 16 and shown()["waiting"] == 84
    gate.open()
    b.wait_idle()
    assert 16 < shown()["window"] <= 64
    # Each round of failures leaves half, down to one.
    endpoint.answer = lambda request: 500
    posted(160)
    b.wait_idle()
    assert shown()["window"] == 1
    assert b"\nbelfry_channel_window{" in b.http("GET", "/metrics").body
    assert re.search(r"^window +1$", b.ctl("channels", "hook").stdout,
                     re.MULTILINE)
    # What is refused says nothing of it; the first success opens it again.
    endpoint.answer = lambda request: 400
    posted(10)
    b.wait_idle()
    assert shown()["window"] == 1
    endpoint.answer = lambda request: 204
    posted(50)
    b.wait_idle()
    assert shown()["window"] > 1


def test_replay_amid_retries_is_not_lost(belfry, receiver):
    """Replays fall due at once, while later due times are claimed."""
    endpoint = receiver(lambda request: 500)
    b = belfry(QUIET + channel(endpoint.url, more="retry 20ms 20ms 20ms;"))
    first = [b.delivery_of(b.post()) for _ in range(20)]
    for identifier in first:
        b.wait_state(identifier, "failed")
    for _ in range(10):
        b.post()
        b.http("POST", "/v1/deliveries/replay", {"channel": "hook"})
    b.wait_idle()
    assert set(states(b).values()) == {"failed"}


def test_cancel_and_replay_under_way_is_sent_once_at_a_time(belfry, receiver):
    gate, at_once, most = Gate(), [0], [0]

    def answer(request):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        gate(request)
        at_once[0] -= 1
        return 204

    endpoint = receiver(answer)
    b = belfry(channel(endpoint.url))
    identifier = b.delivery_of(b.post())
    endpoint.wait(1)
    b.ctl("cancel", identifier)
    b.ctl("replay", identifier)
    time.sleep(0.3)
    gate.open()
    b.wait_state(identifier, "delivered")
    b.wait_idle()
    assert most[0] == 1 and len(endpoint.requests) == 2


def test_cancel_of_a_retry(belfry, receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry(channel(endpoint.url, more="retry 1s 1s;"))
    identifier = b.delivery_of(b.post())
    endpoint.wait(1)
    b.wait_state(identifier, "scheduled")
    wait_until(lambda: b.delivery(identifier)["attempts"], "the attempt")
    b.ctl("cancel", identifier)
    b.wait_state(identifier, "cancelled")
    time.sleep(1.5)
    assert len(endpoint.requests) == 1


def test_what_has_ended_cannot_be_cancelled(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    identifier = b.delivery_of(b.post())
    b.wait_state(identifier, "delivered")
    b.ctl("cancel", identifier, check=False)
    assert b.delivery(identifier)["state"] == "delivered"


def test_disabled_channel_holds_and_lets_go(belfry, receiver):
    gate = Gate()
    endpoint, other = receiver(gate), receiver()
    b = belfry(channel(endpoint.url, "held", "concurrency 1;") +
               channel(other.url, "other"))
    first = b.delivery_of(b.post(subject="first"), "held")
    endpoint.wait(1)
    for number in range(100):
        b.post(subject=str(number))
    b.ctl("channels", "disable", "held")
    gate.open()
    b.wait_state(first, "delivered")
    # What is accepted now is not for it, and others go on.
    event = b.post(subject="not for the disabled one")
    with pytest.raises(IndexError):
        b.delivery_of(event, "held")
    other.wait(102)
    shown = b.http("GET", "/v1/channels/held").json
    assert shown["state"] == "disabled" and shown["waiting"] == 100
    b.stop()
    b.start()
    time.sleep(0.5)
    assert len(endpoint.requests) == 1, "disabled outlives a restart"
    b.ctl("channels", "enable", "held")
    b.wait_idle()
    got = [request.json["subject"] for request in endpoint.requests]
    assert got == ["first", *[str(n) for n in range(100)]]


def test_disabled_channel_holds_its_retries(belfry, receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry(channel(endpoint.url, more="retry 500ms;"))
    identifier = b.delivery_of(b.post())
    endpoint.wait(1)
    b.ctl("channels", "disable", "hook")
    time.sleep(1.2)
    assert len(endpoint.requests) == 1
    endpoint.answer = lambda request: 204
    b.ctl("channels", "enable", "hook")
    b.wait_state(identifier, "delivered")


def test_replay_of_many(belfry, receiver):
    endpoint = receiver(lambda request: 404)
    b = belfry(channel(endpoint.url, more="retry none;"))
    lines = "\n".join('{"event":"%s","subject":"s"}' % name
                      for name in ["deploy_failed", "incident_created"] * 300)
    b.http("POST", "/v1/events", lines,
           {"Content-Type": "application/x-ndjson"})
    b.wait_idle()
    endpoint.requests.clear()
    endpoint.answer = lambda request: 204
    assert "300 replayed" in b.ctl(
        "replay", "--event", "deploy_failed").stdout
    endpoint.wait(300)
    b.wait_idle()
    assert len({r.headers["webhook-id"] for r in endpoint.requests}) == 300
    assert {r.json["event"] for r in endpoint.requests} == {"deploy_failed"}
    assert "300 replayed" in b.ctl("replay", "--channel", "hook").stdout
    endpoint.wait(600)
    b.wait_idle()
    assert len(endpoint.requests) == 600
    assert set(states(b).values()) == {"delivered"}


def test_replay_has_all_its_retries_again(belfry, receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry(channel(endpoint.url, more="retry 50ms 50ms;"))
    identifier = b.delivery_of(b.post())
    b.wait_state(identifier, "failed")
    b.ctl("replay", identifier)
    endpoint.wait(6)
    shown = b.wait_state(identifier, "failed")
    assert [a["number"] for a in shown["attempts"]] == [1, 2, 3, 4, 5, 6]


def test_one_delivery_is_never_tried_twice_at_once(belfry, receiver):
    """A replay of what is on its way does not send it a second time."""
    release = threading.Event()
    endpoint = receiver(lambda request: release.wait(10) and 204)
    b = belfry(channel(endpoint.url))
    identifier = b.delivery_of(b.post())
    endpoint.wait(1)
    b.wait_state(identifier, "sending")
    b.ctl("replay", identifier, check=False)
    time.sleep(0.3)
    release.set()
    b.wait_state(identifier, "delivered")
    b.wait_idle()
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_refusals_are_retried_by_the_schedule(belfry, receiver, status):
    endpoint = receiver(lambda request: status)
    b = belfry(channel(endpoint.url, more="retry 50ms;"))
    b.wait_state(b.delivery_of(b.post()), "failed")
    assert len(endpoint.requests) == 2
