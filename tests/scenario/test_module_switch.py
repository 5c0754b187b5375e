"""All channels of a module, switched off and on by the tenant whose they are."""
import pytest

from harness import channel

SWITCH = "/v1/modules/webhook/toggle"


def switch(b, enabled, tenant=None, **more):
    query = f"?tenant_id={tenant}" if tenant else ""
    return b.http("PUT", SWITCH + query, {"enabled": enabled}, **more)


def test_switched_off_gets_nothing_and_holds_what_waits(belfry, receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry(channel(endpoint.url, more="retry 500ms 500ms;"))
    waiting = b.delivery_of(b.post(subject="waits"))
    endpoint.wait(1)
    answer = switch(b, False)
    assert answer.status == 200, answer
    assert answer.json["enabled"] is False and not answer.json["locked"]
    assert answer.json["source"] == "api"
    assert answer.json["channels"] == ["hook"]
    endpoint.answer = lambda request: 204
    held = b.http("POST", "/v1/events",
                  {"event": "deploy_failed", "subject": "not sent"})
    assert held.status == 202 and held.json["deliveries"] == [], held
    why = b.http("POST", "/v1/explain", {"event": "deploy_failed"}).json
    assert why["channels"][0]["rule"] == "module_disabled"
    assert why["channels"][0]["reason"] == (
        "module webhook was switched off over the API, with all its channels")
    shown = b.http("GET", "/v1/channels/hook").json
    assert shown["state"] == "disabled" and shown["waiting"] == 1
    assert shown["reason"] == "its module was switched off over the API"
    b.stop()
    b.start()
    listed = b.http("GET", "/v1/modules").json["modules"]
    assert [m["enabled"] for m in listed] == [False]
    count = len(endpoint.requests)
    # A test goes through all the same.
    assert b.http("POST", "/v1/channels/hook/test", {}).json["ok"] is True
    assert len(endpoint.requests) == count + 1
    assert switch(b, True).json["enabled"] is True
    b.wait_state(waiting, "delivered")
    b.wait_state(b.delivery_of(b.post(subject="sent")), "delivered")


def test_taking_the_switch_back_is_the_default(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    switch(b, False)
    answer = b.http("DELETE", SWITCH)
    assert answer.status == 200 and answer.json["enabled"] is True
    assert answer.json["source"] == "default"
    b.reload()
    assert b.http("GET", "/v1/modules/webhook").json["source"] == "default"


def test_switch_of_one_tenant_does_nothing_to_another(belfry, receiver):
    ours, theirs = receiver(), receiver()
    b = belfry(channel(ours.url) + f"""
tenant other {{ {channel(theirs.url, "theirs")} }}
token manager {{ value manager-token-0123456789; tenant other; scope manage; }}
""")
    own = {"tcp": True,
           "headers": {"Authorization": "Bearer manager-token-0123456789"}}
    answer = switch(b, False, **own)
    assert answer.status == 200 and answer.json["channels"] == ["theirs"]
    b.wait_state(b.delivery_of(b.post()), "delivered")
    answer = b.http("POST", "/v1/events",
                    {"event": "deploy_failed", "subject": "x",
                     "tenant_id": "other"})
    assert answer.json["deliveries"] == []
    default = b.http("GET", "/v1/channels").json["channels"][0]["tenant_id"]
    assert switch(b, False, default, **own).status == 403
    assert b.http("GET", "/v1/modules/webhook").json["enabled"] is True


def test_what_the_conf_file_disables_is_locked(belfry, receiver):
    b = belfry("disable webhook;\n" + channel(receiver().url))
    shown = b.http("GET", "/v1/modules/webhook").json
    assert shown["locked"] and shown["source"] == "conf"
    place = f"{shown['file']}:{shown['line']}"
    assert b.conf_file.read_text().splitlines()[shown["line"] - 1] == \
        "disable webhook;"
    answer = switch(b, True)
    assert answer.status == 409 and place in answer.json["detail"], answer
    assert b.http("DELETE", SWITCH).status == 409


@pytest.mark.parametrize("body, field", [
    ({}, "/enabled"), ({"enabled": "off"}, "/enabled"),
    ({"enabled": None}, "/enabled"), ({"enabled": True, "x": 1}, "/x")])
def test_what_is_no_switch_is_refused(belfry, receiver, body, field):
    b = belfry(channel(receiver().url))
    answer = b.http("PUT", SWITCH, body)
    assert answer.status == 422 and answer.json["field"] == field, answer
    missing = b.http("PUT", "/v1/modules/nosuch/toggle", {"enabled": True})
    assert missing.status == 404, missing
    assert b.http("GET", "/v1/modules/webhook").json["enabled"] is True
