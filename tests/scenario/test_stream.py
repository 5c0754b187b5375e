"""Deliveries as they change, told to whoever follows."""
import contextlib
import json
import subprocess
import threading

import pytest

from harness import wait_until

TENANTS = ("acme", "other")


@pytest.fixture
def b(belfry, receiver):
    """Two tenants with a channel each, whose endpoint is out of order."""
    url = receiver(lambda request: 500).url
    return belfry("".join(
        f"tenant {tenant} {{ channel webhook hook {{ url {url}; retry 1h; "
        "max_age 5h; } }\n"
        f"token {tenant} {{ value {tenant}-0123456789abcdef; tenant {tenant}; "
        "scope read; }\n" for tenant in TENANTS))


@contextlib.contextmanager
def following(b, tenant):
    connection = b.connection(tcp=True, timeout=60)
    connection.request("GET", "/v1/deliveries/stream",
                       headers={"Authorization":
                                f"Bearer {tenant}-0123456789abcdef"})
    stream = connection.getresponse()
    assert stream.status == 200
    yield stream
    connection.close()


def told(stream, wanted):
    """The notices up to one that is wanted."""
    notices = []
    while not (notices and wanted(notices[-1])):
        line = stream.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            notices.append(json.loads(line[6:]))
    return notices


def post(b, count, tenant):
    body = "\n".join(json.dumps({"event": "deploy_failed", "subject": "s",
                                 "tenant_id": tenant})
                     for _ in range(count))
    answer = b.http("POST", "/v1/events", body,
                    {"Content-Type": "application/x-ndjson"})
    assert answer.status == 200, answer


def retrying(b):
    """Ids of all deliveries, when each of them has failed once."""
    def tried():
        listed = b.http("GET", "/v1/deliveries?limit=1000").json["deliveries"]
        return all(d["attempt_count"] == 1 for d in listed) and listed
    return [d["id"] for d in wait_until(tried, "each was tried")]


def act(b, path, body, **counts):
    answer = b.http("POST", path, body)
    assert answer.status == 200 and answer.json == counts, answer


def test_a_cancel_and_a_replay_are_told(b):
    post(b, 1, "acme")
    one, = retrying(b)
    with following(b, "acme") as stream:
        act(b, f"/v1/deliveries/{one}/cancel", {}, cancelled=1)
        notice, = told(stream, lambda n: n["state"] == "cancelled")
        listed = b.http("GET", f"/v1/deliveries/{one}").json
        assert notice["id"] == one and notice["channel"] == "hook"
        for name in ("event_id", "tenant_id", "accepted_at"):
            assert notice[name] == listed[name]
        act(b, f"/v1/deliveries/{one}/replay", {}, replayed=1)
        notice, = told(stream, lambda n: n["state"] == "scheduled")
        assert notice["id"] == one
        # Its attempt is told as ever.
        assert told(stream, lambda n: n.get("attempt_count") == 2)


def test_of_many_the_number_is_told(b):
    """And nobody is told of another tenant's, nor how many they are."""
    post(b, 150, "acme")
    post(b, 30, "other")
    assert len(retrying(b)) == 180
    with following(b, "acme") as acme, following(b, "other") as other:
        act(b, "/v1/deliveries/cancel", {"event": "deploy_failed"}, cancelled=180)
        for stream, tenant, count in ((acme, "acme", 150),
                                      (other, "other", 30)):
            assert told(stream, lambda n: True) == [
                {"tenant_id": tenant, "state": "cancelled", "count": count}]
        # What comes then is the next thing that each of them is told.
        post(b, 1, "other")
        assert told(other, lambda n: True)[0]["tenant_id"] == "other"
        post(b, 1, "acme")
        assert told(acme, lambda n: True)[0]["tenant_id"] == "acme"


def test_belfryctl_prints_both(b):
    post(b, 101, "acme")
    ids = retrying(b)
    process = subprocess.Popen(
        [b.build / "belfryctl", "--socket", b.socket, "deliveries", "-f"],
        stdout=subprocess.PIPE, text=True, env=b.environment)
    try:
        # It follows when what is replayed reaches it.
        lines = []
        reader = threading.Thread(
            target=lambda: [lines.append(line) for line in process.stdout],
            daemon=True)
        reader.start()

        def followed():
            b.http("POST", f"/v1/deliveries/{ids[0]}/cancel", {})
            b.http("POST", f"/v1/deliveries/{ids[0]}/replay", {})
            return any(ids[0] in line for line in lines)

        wait_until(followed, "a line", 30, 0.2)
        act(b, "/v1/deliveries/cancel", {"channel": "hook",
                                         "tenant_id": "acme"}, cancelled=101)
        wait_until(lambda: "101 deliveries of acme are cancelled now\n" in
                   lines, "a line of all")
    finally:
        process.terminate()
        process.wait(10)
        reader.join(10)
        process.stdout.close()
