"""One tenant never sees, names, counts or changes what is another's, operation
by operation: every one of the OpenAPI document is tried by tenant A on what
tenant B has, which also is answered as if it were not there."""
import json
import re
import urllib.parse

import harness
import pytest
from harness import BUILD
from test_openapi import operations
from test_sessions import PASSWORD, Browser, hashed

A, B = "tenant-a", "tenant-b"
SCOPES = ("ingest", "read", "manage")
# Words of what B has, none of which A may ever read.
SECRETS = re.compile("walled|tenant-b|b-only|b-token|bravo")


class World:
    """Two tenants that have one of everything each."""

    def __init__(self, belfry, endpoint):
        self.belfry, self.endpoint = belfry, endpoint
        self.tokens = {scope: self.token(A, scope, f"a-{scope}")
                       for scope in SCOPES}
        self.own = self.fill(A, "alpha", "a-only", "a-token")
        self.other = self.fill(B, "walled bravo", "b-only", "b-token")
        self.toggle(B, "deploy_started", True)
        belfry.http("PUT", f"/v1/tenants/{B}", {"name": "bravo Ltd"})
        belfry.http("PUT", f"/v1/modules/webhook/toggle?tenant_id={B}",
                    {"enabled": True})

    def token(self, tenant, scope, name):
        made = self.belfry.http("POST", "/v1/tokens", {
            "name": name, "tenant_id": tenant, "scope": scope})
        assert made.status == 201, made
        return {"Authorization": f"Bearer {made.json['token']}"}

    def toggle(self, tenant, name, on):
        self.belfry.http(
            "PUT", f"/v1/event-types/{name}/toggle?tenant_id={tenant}",
            {"enabled": on})

    def fill(self, tenant, subject, name, token):
        b = self.belfry
        for called in (name, "both"):
            made = b.http("POST", "/v1/channels", {
                "name": called, "tenant_id": tenant, "module": "webhook",
                "settings": {"url": self.endpoint.url,
                             "secret": f"walled {tenant}"}})
            assert made.status == 201, made
        self.token(tenant, "ingest", token)
        event = b.http("POST", "/v1/events", {
            "event": "deploy_failed", "subject": subject,
            "tenant_id": tenant}, {"Idempotency-Key": f"key {tenant}"})
        deliveries = event.json["deliveries"]
        for delivery in deliveries:
            b.wait_state(delivery["id"], "delivered")
        return {"event": event.json["id"], "channel": name,
                "token": token, "delivery": deliveries[0]["id"]}

    def state(self):
        """All that B has, as an admin sees it."""
        b = self.belfry
        query = f"?tenant_id={B}"
        return {path: b.http("GET", path + query).json for path in (
            "/v1/channels", "/v1/tokens", "/v1/event-types", "/v1/events",
            "/v1/deliveries", "/v1/audit", "/v1/modules")} | {
                "tenant": b.http("GET", f"/v1/tenants/{B}").json,
                "received": len(self.endpoint.requests)}


@pytest.fixture(scope="module")
def world(module_closing, tmp_path_factory):
    endpoint = module_closing(harness.Receiver())
    word = hashed(BUILD)
    belfry = module_closing(harness.Belfry(tmp_path_factory.mktemp("walls"), f"""
dashboard_user manager {{ password {word}; scope manage; tenant {A}; }}
dashboard_user reader {{ password {word}; scope read; tenant {A}; }}
""", main={"default_tenant": "main"})).start()
    return World(belfry, endpoint)


@pytest.fixture(scope="module")
def document(world):
    return world.belfry.http("GET", "/v1/openapi.json").json


@pytest.fixture(scope="module")
def callers(world):
    """Who asks for A: tokens of each scope, and people who have signed in."""
    made = {}
    for scope, headers in world.tokens.items():
        made[scope] = lambda method, path, body=None, headers=headers: \
            world.belfry.http(method, path, body, headers, tcp=True)
    for user in ("manager", "reader"):
        browser = Browser(world.belfry)
        browser.sign_in(user, PASSWORD)
        made[user] = browser.request
    return made


# What stands in the path of an operation: of B's, and one that is nowhere.
PLACES = {
    "/v1/events/{id}": ("event", "evt_0553b7d936804001"),
    "/v1/deliveries/{id}": ("delivery", "dlv_0553b7d93680400100000001"),
    "/v1/channels/{name}": ("channel", "nobody"),
    "/v1/tokens/{name}": ("token", "nobody"),
    "/v1/tenants/{id}": ("tenant", "nowhere"),
}
# Those that are of all tenants alike, or about who asks.
COMMON = {"/v1/event-types/{name}", "/v1/event-types/{name}/toggle",
          "/v1/modules/{name}", "/v1/modules/{name}/toggle", "/healthz",
          "/readyz", "/v1/openapi.json", "/v1/session", "/v1/sessions"}
# A body that would do something, of each operation that takes one.
BODIES = {
    "post-events": {"event": "deploy_failed", "subject": "walled"},
    "post-channels": {"name": "b-only", "module": "webhook",
                      "settings": {"url": "https://example.com/"}},
    "put-channels-name": {"module": "webhook",
                          "settings": {"url": "https://example.com/"}},
    "patch-channels-name": {"events": ["deploy_*"]},
    "post-channels-test": {"name": "b-only", "module": "webhook",
                           "settings": {"url": "https://example.com/"}},
    "put-event-types-name-toggle": {"enabled": False},
    "put-modules-name-toggle": {"enabled": False},
    "post-explain": {"event": "deploy_failed"},
    "post-tokens": {"name": "b-token", "scope": "read"},
    "post-seal": {"channel": "b-only", "directive": "secret", "secret": "x"},
    "post-deliveries-replay": {"since": "2000-01-01T00:00:00Z"},
    "post-deliveries-cancel": {"since": "2000-01-01T00:00:00Z"},
    "post-backup": {"file": "/nowhere/copy.db"},
    "post-tenants": {"id": B, "name": "taken"},
    "put-tenants-id": {"name": "taken"},
    "patch-tenants-id": {"name": "taken"},
}
ARGUMENTS = {"/v1/event-types": "deploy_started", "/v1/modules": "webhook"}


def filled(world, path, whose):
    """The path with B's thing in it, or with one that is nowhere."""
    if "{" not in path:
        return path
    for place, (kind, nowhere) in PLACES.items():
        if not path.startswith(place):
            continue
        thing = {"tenant": B, **world.other}[kind] if whose == "other" \
            else nowhere
        return place.partition("{")[0] + urllib.parse.quote(thing) + \
            path[len(place):]
    place = path.partition("/{")[0]
    return re.sub("{[a-z]+}", ARGUMENTS[place], path)


def unnamed(answer, *names):
    """The answer, without the name that was asked for."""
    text = answer.body.decode()
    for name in names:
        text = text.replace(name, "NAME")
    return answer.status, text


def walk(document):
    for method, path, operation in operations(document):
        if path != "/v1/deliveries/stream":  # a test of its own
            yield method, path, operation["operationId"]


def test_every_operation_has_its_place(document):
    for _, path, _ in walk(document):
        assert "{" not in path or path in COMMON or \
            any(path.startswith(place) for place in PLACES), path


def test_every_operation_that_needs_a_body_has_one(document):
    needs = {operation["operationId"] for _, _, operation
             in operations(document)
             if operation.get("requestBody", {}).get("required")}
    # A session is about who asks.
    assert needs and needs - {"post-session"} <= set(BODIES)


def test_what_is_anothers_is_as_if_it_were_not_there(world, document,
                                                     callers):
    before = world.state()
    for method, path, name in walk(document):
        if "{" not in path or path in COMMON:
            continue
        for who, call in callers.items():
            others = call(method, filled(world, path, "other"),
                          BODIES.get(name))
            nobodys = call(method, filled(world, path, "nowhere"),
                           BODIES.get(name))
            if method == "PUT" and path == "/v1/channels/{name}":
                # Each makes one of its own; the other's is not in its way.
                assert others.status == nobodys.status, (who, others, nobodys)
                for made in (world.other["channel"], "nobody"):
                    call("DELETE", f"/v1/channels/{made}")
                continue
            names = [*world.other.values(), B] + \
                [nowhere for _, nowhere in PLACES.values()]
            assert unnamed(others, *names) == unnamed(nobodys, *names), \
                (who, method, path)
            assert others.status in (401, 403, 404, 422) or \
                others.json in ({"replayed": 0}, {"cancelled": 0}), \
                (who, path, others)
    assert world.state() == before


def test_who_names_another_tenant_is_refused(world, document, callers):
    before = world.state()
    for method, path, name in walk(document):
        if path in ("/healthz", "/readyz", "/v1/openapi.json", "/v1/session",
                    "/v1/sessions"):
            continue
        target = filled(world, path, "other")
        body = BODIES.get(name)
        for who, call in callers.items():
            answers = [call(method, f"{target}?tenant_id={B}", body)]
            if body is not None:
                answers.append(call(method, target, {**body, "tenant_id": B}))
            for answer in answers:
                assert answer.status in (403, 404, 422), (who, path, answer)
    assert world.state() == before


def test_no_answer_has_a_word_of_another(world, document, callers):
    for method, path, _ in walk(document):
        if method != "GET" or path.startswith("/v1/tenants/{"):
            continue
        target = filled(world, path, "nowhere")
        for who, call in callers.items():
            answer = call("GET", target)
            if path == "/v1/audit" and answer.status == 200:
                # What A tried is there, by the names that A said.
                assert {row["tenant_id"] for row in
                        answer.json["audit"]} == {A}
                continue
            assert not SECRETS.search(answer.body.decode()), (who, path)


def test_nothing_of_another_is_counted(world, callers):
    for who in ("read", "manage", "manager", "reader"):
        call = callers[who]
        for path in ("/metrics", "/v1/stats", "/v1/tenants"):
            assert call("GET", path).status == 403, (who, path)
        assert len(call("GET", "/v1/events").json["events"]) == 1
        assert {d["event_id"] for d in
                call("GET", "/v1/deliveries").json["deliveries"]} == \
            {world.own["event"]}
        assert {c["name"] for c in
                call("GET", "/v1/channels").json["channels"]} == \
            {"a-only", "both"}
        for row in call("GET", "/v1/modules").json["modules"]:
            assert set(row["channels"]) <= {"a-only", "both"}, row
        rates = json.dumps(call("GET", "/v1/rates").json)
        assert not SECRETS.search(rates)
        # B's toggle is none of A's.
        assert call("GET", "/v1/event-types/deploy_started"
                    ).json["enabled"] is False
        rows = call("GET", f"/v1/deliveries?channel={world.other['channel']}")
        assert rows.json["deliveries"] == []


def test_anothers_cursors_lead_nowhere(world, callers):
    call = callers["read"]
    for path, cursor in (("/v1/deliveries", world.other["delivery"]),
                         ("/v1/events", world.other["event"])):
        answer = call("GET", f"{path}?before={cursor}")
        assert answer.status == 200
        assert not SECRETS.search(answer.body.decode())


def test_anothers_idempotency_key_is_free(world):
    event = {"event": "deploy_failed", "subject": "alpha again"}
    answer = world.belfry.http(
        "POST", "/v1/events", event,
        {**world.tokens["ingest"], "Idempotency-Key": f"key {B}"}, tcp=True)
    assert answer.status == 202
    assert answer.json["id"] != world.other["event"]


def test_a_selection_ends_at_the_wall(world, callers):
    before = world.state()
    for call in (callers["manage"], callers["manager"]):
        for action in ("replay", "cancel"):
            for body in ({"since": "2000-01-01T00:00:00Z"},
                         {"channel": world.other["channel"]},
                         {"event": "deploy_failed"}):
                answer = call("POST", f"/v1/deliveries/{action}", body)
                assert answer.status in (200, 404), answer
    after = world.state()
    assert after["/v1/deliveries"] == before["/v1/deliveries"]


def test_a_tag_of_anothers_opens_nothing(world, document, callers):
    """With If-Match, whether it is the other's tag, any or a wrong one, the
    answer is that of what does not exist."""
    before = world.state()
    for method, path, name in walk(document):
        if method not in ("PUT", "PATCH", "DELETE") or path in COMMON or \
                "{" not in path:
            continue
        target = filled(world, path, "other")
        shown = world.belfry.http("GET", f"{target}?tenant_id={B}")
        for tag in (shown.headers.get("ETag", '"1"'), "*", '"nonsense"'):
            for who in SCOPES:
                others, nobodys = (world.belfry.http(
                    method, filled(world, path, whose), BODIES.get(name),
                    {**world.tokens[who], "If-Match": tag}, tcp=True)
                    for whose in ("other", "nowhere"))
                names = [*world.other.values(), B] + \
                    [nowhere for _, nowhere in PLACES.values()]
                assert unnamed(others, *names) == unnamed(nobodys, *names)
                assert others.status in (403, 404, 412), (who, path, others)
    assert world.state() == before


def test_a_delivery_of_another_is_not_selected(world, callers):
    before = world.state()
    for who, call in callers.items():
        for action in ("replay", "cancel"):
            others, nobodys = (call(
                "POST", f"/v1/deliveries/{identifier}/{action}")
                for identifier in (world.other["delivery"],
                                   PLACES["/v1/deliveries/{id}"][1]))
            assert unnamed(others, world.other["delivery"]) == \
                unnamed(nobodys, PLACES["/v1/deliveries/{id}"][1]), who
    assert world.state() == before


def test_a_secret_of_another_is_not_lent(world, callers):
    """A test by settings that are not saved takes what is left out from the
    saved channel of the name: of one's own."""
    answer = callers["manage"]("POST", "/v1/channels/test", {
        "name": world.other["channel"], "module": "webhook",
        "settings": {"url": world.endpoint.url,
                     "secret": {"saved": "secret"}}})
    assert answer.status == 422, answer
    assert not any("walled" in value
                   for request in world.endpoint.requests
                   for value in request.headers.values())


@pytest.mark.parametrize("who", ["read", "reader"])
def test_a_stream_tells_of_ones_own(world, who):
    headers = world.tokens.get(who)
    if not headers:
        browser = Browser(world.belfry)
        browser.sign_in(who, PASSWORD)
        headers = {"Cookie": "; ".join(
            f"{name}={value}" for name, value in browser.cookie.items())}
    connection = world.belfry.connection(tcp=True, timeout=60)
    connection.request("GET", "/v1/deliveries/stream",
                       headers=headers)
    stream = connection.getresponse()
    post = world.belfry.http
    for tenant, subject in ((B, "walled bravo"), (A, "the end")):
        post("POST", "/v1/events", {"event": "deploy_failed",
                                    "subject": subject, "tenant_id": tenant})
    lines = []
    while not (lines and b"the end" in lines[-1]):
        lines.append(stream.readline())
    assert not SECRETS.search(b"".join(lines).decode())
    connection.close()
