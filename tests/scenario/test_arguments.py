"""What the API passes over, it would do to more than was meant: members and
parameters that it does not know are refused, by name."""
import pytest
from harness import channel


@pytest.fixture
def waiting(belfry, receiver):
    """A belfry with one delivery that waits for each of two tenants."""
    endpoint = receiver(lambda request: 500)
    b = belfry("events { channel_failing off; }\n" +
               channel(endpoint.url, "one", "retry 1h;") +
               "tenant other { " + channel(endpoint.url, "two", "retry 1h;") +
               " }")
    ids = [b.delivery_of(b.post()), b.delivery_of(b.post(tenant_id="other"))]
    endpoint.wait(2)
    for identifier in ids:
        b.wait_state(identifier, "scheduled")
    b.ids = ids
    return b


@pytest.mark.parametrize("action", ["cancel", "replay"])
def test_selection_that_says_nothing_selects_nothing(waiting, action):
    b = waiting
    for body, field in (
            ({}, ""),
            (None, ""),
            ({"tenant_id": "other"}, ""),
            ({"chanel": "one"}, "/chanel"),
            ({"channel": "one", "sinse": "2020-01-01T00:00:00Z"}, "/sinse"),
            ({"Channel": "one"}, "/Channel"),
            ({"channel": None}, "/channel"),
            ({"channel": ["one"]}, "/channel"),
            ({"event": 5}, "/event"),
            ({"since": True}, "/since"),
            ({"since": "yesterday"}, "/since"),
            ({"a/b~c": "one"}, "/a~1b~0c")):
        answer = b.http("POST", f"/v1/deliveries/{action}", body)
        assert answer.status == 422, (body, answer)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["field"] == field, (body, answer)
    for identifier in b.ids:
        assert b.delivery(identifier)["state"] == "scheduled"


def test_misspelt_parameter_of_a_query(waiting):
    b = waiting
    for query, field in (("chanel=one", "/chanel"),
                         ("channel=one&sinse=x", "/sinse"),
                         ("channel", "/channel")):
        answer = b.http("POST", f"/v1/deliveries/cancel?{query}")
        assert answer.status == 422 and answer.json["field"] == field, answer
    for identifier in b.ids:
        assert b.delivery(identifier)["state"] == "scheduled"
    answer = b.http("POST", "/v1/deliveries/cancel?channel=one")
    assert answer.status == 200 and answer.json["cancelled"] == 1, answer
    assert b.delivery(b.ids[0])["state"] == "cancelled"
    assert b.delivery(b.ids[1])["state"] == "scheduled"


def test_one_delivery_has_no_selection_beside_it(waiting):
    b = waiting
    path = f"/v1/deliveries/{b.ids[0]}/cancel"
    answer = b.http("POST", path, {"channel": "one"})
    assert answer.status == 422 and answer.json["field"] == "/channel", answer
    assert b.delivery(b.ids[0])["state"] == "scheduled"
    answer = b.http("POST", path, {})
    assert answer.status == 200 and answer.json["cancelled"] == 1, answer


def test_other_requests_name_what_they_do_not_know(belfry):
    b = belfry("events { channel_failing off; }\n" +
               channel("http://127.0.0.1:9/", "one"))
    toggle = "/v1/event-types/deploy_failed/toggle"
    for method, path, body, field in (
            ("PUT", toggle, {"enabled": True, "tenant": "x"}, "/tenant"),
            ("PUT", toggle, {"enabled": 1}, "/enabled"),
            ("POST", "/v1/explain",
             {"event": "deploy_failed", "tenant": "x"}, "/tenant"),
            ("POST", "/v1/tokens", {"name": "ci", "scopes": "read"},
             "/scopes"),
            ("POST", "/v1/tokens", {"name": "ci", "scope": ["read"]},
             "/scope"),
            ("POST", "/v1/tokens", {"name": "ci", "tenant": "x"}, "/tenant"),
            ("POST", "/v1/channels/one/disable", {"tenant": "other"},
             "/tenant"),
            ("POST", "/v1/channels/one/test", {"subjekt": "x"}, "/subjekt"),
            ("POST", "/v1/channels/test",
             {"module": "webhook", "settings": {"url": "http://127.0.0.1:9/"},
              "notification": {"subjekt": "x"}}, "/subjekt"),
            ("POST", "/v1/channels/test",
             {"module": "webhook", "setings": {}}, "/setings"),
            ("POST", "/v1/channels",
             {"name": "x", "module": "webhook", "setings": {}}, "/setings"),
            ("POST", "/v1/rotate", {"finnish": True}, "/finnish"),
            ("POST", "/v1/rotate", {"finish": "true"}, "/finish"),
            ("POST", "/v1/seal", {"token": "ci", "secrets": "x"},
             "/secrets"),
            ("POST", "/v1/backup", {"path": "/tmp/x"}, "/path"),
            ("POST", "/v1/check", {"deep": True}, "/deep")):
        answer = b.http(method, path, body)
        assert answer.status == 422, (path, body, answer)
        assert answer.json["field"] == field, (path, body, answer)
    assert not [t for t in b.http("GET", "/v1/tokens").json["tokens"]
                if t["name"] == "ci"]


def test_token_of_one_tenant_is_revoked_alone(belfry):
    b = belfry("tenant other { }")
    for tenant in ({}, {"tenant_id": "other"}):
        assert b.http("POST", "/v1/tokens",
                      {"name": "ci", **tenant}).status == 201
    listed = b.http("GET", "/v1/tokens?tenant_id=other").json["tokens"]
    assert [t["name"] for t in listed] == ["ci"]
    assert b.http("DELETE", "/v1/tokens/ci?tenant_id=other").status == 200
    left = [t for t in b.http("GET", "/v1/tokens").json["tokens"]
            if t["name"] == "ci"]
    assert len(left) == 1 and left[0]["tenant_id"] != "other"
