"""Name servers that do not answer, and hosts that do not exist."""
import os
import time

import pytest

from harness import channel, wait_until
from names import NO_NAME, SERVER_FAILURE, NameServer, needs_namespace

pytestmark = needs_namespace


@pytest.fixture
def name_server(closing, tmp_path):
    server = closing(NameServer({"good": ["127.0.0.1"], "absent": NO_NAME,
                                 "broken": SERVER_FAILURE}))
    server.before = server.use(tmp_path)
    return server


def url(name, endpoint):
    return f"http://{name}.test:{endpoint.port}/"


def test_names_are_looked_up(belfry, receiver, name_server):
    endpoint = receiver()
    b = belfry(channel(url("good", endpoint), more="retry none;"),
               before=name_server.before)
    b.wait_state(b.delivery_of(b.post()), "delivered")
    assert name_server.asked and len(endpoint.requests) == 1


@pytest.mark.parametrize("name", ["absent", "broken"])
def test_reason_of_a_name_that_is_not_found(belfry, receiver, name_server,
                                            name):
    endpoint = receiver()
    b = belfry(channel(url(name, endpoint), more="retry none; timeout 20s;"),
               before=name_server.before)
    identifier = b.delivery_of(b.post())
    shown = b.wait_state(identifier, "failed", 40)
    assert "address" in shown["attempts"][0]["why"]
    assert f"{name}.test" in b.ctl("show", identifier).stdout


def test_name_server_that_never_answers(belfry, receiver, name_server):
    """A verdict in time, and the worker's other transfers go on meanwhile:
    none of them waits for the thread that looks up the name."""
    other = receiver()
    b = belfry("events { channel_failing off; }\n" +
               channel(url("silent", other), "silent",
                       "events incident_*; timeout 1s; retry 100ms 100ms;") +
               channel(other.url, "other",
                       "events deploy_*; timeout 20s; concurrency 1;"),
               before=name_server.before)
    silent = [b.delivery_of(b.post("incident_created")) for _ in range(4)]
    took = []
    end = time.monotonic() + 4
    while time.monotonic() < end:
        began = time.monotonic()
        identifier = b.delivery_of(b.post("deploy_failed"))
        b.wait_state(identifier, "delivered")
        took.append(time.monotonic() - began)
        time.sleep(0.05)
    for identifier in silent:
        shown = b.wait_state(identifier, "failed", 30)
        assert len(shown["attempts"]) == 3
        for attempt in shown["attempts"]:
            assert "looking up" in attempt["why"]
            assert 0.9e6 < attempt["took_us"] < 4e6, attempt
    assert "looking up" in b.ctl("show", silent[0]).stdout
    assert "silent.test" in name_server.asked
    # The look-up itself takes 6 s: had anybody waited for it, one of these
    # would have taken as long.
    assert max(took) < 2.5, max(took)
    assert len(other.requests) == len(took)
    assert not any("signal" in line for line in b.log().splitlines())


def test_strangers_names_do_not_use_up_the_memory(belfry, receiver,
                                                  name_server):
    """Each look-up is a thread of 1 MiB that goes on for 6 s. Channels made
    over the API may have a quarter of the memory for that, so that the worker
    lives, and looks up the names of others."""
    endpoint = receiver()
    b = belfry("events { channel_failing off; }\n" +
               channel(url("good", endpoint), "good", "events deploy_*;"),
               before=name_server.before,
               main={"worker_rlimit_data": "64m"})
    worker, = b.pids("worker")
    for number in range(8):
        assert b.http("POST", "/v1/channels", {
            "name": f"silent{number}", "module": "webhook",
            "settings": {"url": f"http://silent.test:{endpoint.port}/"},
            "timeout": "100ms", "retry": "none",
            "events": ["incident_created"]}).status == 201

    # An address needs no look-up.
    assert b.http("POST", "/v1/channels", {
        "name": "address", "module": "webhook",
        "settings": {"url": endpoint.url},
        "events": ["deploy_failed"]}).status == 201

    def refused():
        b.post("incident_created")
        return any("too many names" in attempt["why"]
                   for shown in b.http("GET", "/v1/deliveries?state=failed"
                                       "&limit=8").json["deliveries"]
                   for attempt in b.delivery(shown["id"])["attempts"])

    wait_until(refused, "a look-up is refused", 30)
    event = b.post("deploy_failed")
    for name in ("good", "address"):
        b.wait_state(b.delivery_of(event, name), "delivered")
    assert "good.test" in name_server.asked
    assert b.pids("worker") == [worker]
    threads = len(os.listdir(f"/proc/{worker}/task"))
    assert threads <= 16 + 2, threads


def test_stop_does_not_wait_for_a_name_server(belfry, receiver, name_server):
    endpoint = receiver()
    b = belfry(channel(url("silent", endpoint), more="timeout 1s;"),
               before=name_server.before)
    b.post()
    time.sleep(0.3)
    began = time.monotonic()
    assert b.stop() == 0
    assert time.monotonic() - began < 15
