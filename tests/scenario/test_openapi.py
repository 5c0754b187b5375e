"""The OpenAPI document, held against the daemon that serves it: a right call
of every operation answers as its schema says, and every kind of wrong input is
refused with the documented problem and leaves nothing behind."""
import copy
import json
import subprocess
import urllib.parse

import jsonschema
import pytest

import harness
import npm
from harness import TOKEN, channel
from test_sessions import Browser, PASSWORD, hashed

INGEST, READ = "ingest-token-0123456", "read-token-012345678"
ACME, KNOWN = "acme-manage-0123456789", "deploy_failed"
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def b(module_closing, tmp_path_factory):
    endpoint = module_closing(harness.Receiver())
    made = module_closing(harness.Belfry(
        tmp_path_factory.mktemp("openapi"), channel(endpoint.url) + f"""
token in {{ value {INGEST}; scope ingest; }}
token read {{ value {READ}; scope read; }}
token acme {{ value {ACME}; tenant acme; scope manage; }}
dashboard_user alice {{ password {hashed(harness.BUILD)}; scope admin; }}
""")).start()
    made.endpoint = endpoint
    made.event = made.post()
    made.delivery_id = made.delivery_of(made.event)
    made.wait_state(made.delivery_id, "delivered")
    assert made.http("POST", "/v1/channels", draft(made, "kept")).status == 201
    return made


@pytest.fixture(scope="module")
def document(b):
    answer = b.http("GET", "/v1/openapi.json", tcp=True,
                    headers={"Authorization": ""})
    assert answer.status == 200, answer
    return answer.json


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def draft(b, name, **more):
    return {"name": name, "module": "webhook",
            "settings": {"url": b.endpoint.url}, **more}


# ---- right calls ----

# Of each operation: what stands in the path, the query, the body, and the
# status if it is not the first of the document. What is called before is made
# anew for each.
def made_channel(b, name):
    unmade(b, name)
    assert b.http("POST", "/v1/channels", draft(b, name)).status == 201
    return name


def unmade(b, name):
    b.http("DELETE", f"/v1/channels/{name}")
    return name


def untenanted(b, tenant):
    b.http("DELETE", f"/v1/tenants/{tenant}")
    return tenant


def tenanted(b, tenant):
    assert b.http("PUT", f"/v1/tenants/{tenant}", {}).status in (200, 201)
    return tenant


RIGHT = {
    "post-events": lambda b: (None, {}, {"event": KNOWN, "subject": "s"}),
    "get-events": lambda b: (None, {"limit": 1}, None),
    "get-events-id": lambda b: (b.event, {}, None),
    "get-event-types": lambda b: (None, {}, None),
    "get-event-types-name": lambda b: (KNOWN, {}, None),
    "put-event-types-name-toggle":
        lambda b: ("deploy_started", {}, {"enabled": True}),
    "delete-event-types-name-toggle": lambda b: ("deploy_started", {}, None),
    "get-channels": lambda b: (None, {}, None),
    "post-channels": lambda b: (None, {}, draft(b, unmade(b, "made"))),
    "get-channels-name": lambda b: (made_channel(b, "shown"), {}, None),
    "put-channels-name": lambda b: (made_channel(b, "put"), {},
                                    draft(b, "put", timeout="5s")),
    "patch-channels-name": lambda b: (made_channel(b, "patched"), {},
                                      {"timeout": "5s", "events": None}),
    "delete-channels-name": lambda b: (made_channel(b, "gone"), {}, None),
    "post-channels-test": lambda b: (None, {}, draft(b, "draft")),
    "post-channels-name-test": lambda b: ("kept", {}, {"subject": "s"}),
    "post-channels-name-enable": lambda b: ("kept", {}, {}),
    "post-channels-name-disable":
        lambda b: (made_channel(b, "off"), {}, None),
    "post-channels-name-start": lambda b: ("kept", {}, None),
    "get-deliveries": lambda b: (None, {"state": "delivered",
                                        "event": KNOWN}, None),
    "get-deliveries-stream": None,  # never ends: a test of its own
    "post-deliveries-replay":
        lambda b: (None, {}, {"since": "2100-01-01T00:00:00Z"}),
    "post-deliveries-cancel":
        lambda b: (None, {"until": "1990-01-01T00:00:00Z"}, None),
    "get-deliveries-id": lambda b: (b.delivery_id, {}, None),
    "post-deliveries-id-replay": lambda b: (b.delivery_id, {}, {}),
    "post-deliveries-id-cancel": lambda b: (b.delivery_id, {}, None),
    "get-rates": lambda b: (None, {}, None),
    "get-modules": lambda b: (None, {}, None),
    "get-modules-name": lambda b: ("webhook", {}, None),
    "put-modules-name-toggle": lambda b: ("webhook", {"tenant_id": "acme"},
                                          {"enabled": True}),
    "delete-modules-name-toggle":
        lambda b: ("webhook", {"tenant_id": "acme"}, None),
    "post-explain": lambda b: (None, {}, {"event": KNOWN}),
    "get-tokens": lambda b: (None, {}, None),
    "post-tokens": lambda b: (None, {}, {"name": "made", "scope": "read"}),
    "delete-tokens-name": lambda b: (
        b.http("POST", "/v1/tokens", {"name": "ci"}).json["name"], {}, None),
    "get-tenants": lambda b: (None, {"limit": 2}, None),
    "post-tenants": lambda b: (None, {}, {"id": untenanted(b, "made"),
                                          "name": "Made"}),
    "get-tenants-id": lambda b: (tenanted(b, "shown"), {}, None),
    "put-tenants-id": lambda b: (tenanted(b, "put"), {}, {"name": "Put"}),
    "patch-tenants-id": lambda b: (tenanted(b, "patched"), {},
                                   {"limits": {"channels": 5}}),
    "delete-tenants-id": lambda b: (tenanted(b, "deleted"), {}, None),
    "get-audit": lambda b: (None, {"action": "token-create"}, None),
    "post-seal": lambda b: (None, {}, {"token": "t", "secret": "s"}),
    "post-rotate": lambda b: (None, {}, {"finish": True}),
    "get-stats": lambda b: (None, {}, None),
    "post-backup":
        lambda b: (None, {}, {"file": f"{b.folder}/state/copy.db"}),
    "post-check": lambda b: (None, {}, {}),
    "post-session": lambda b: (None, {},
                               {"user": "alice", "password": PASSWORD}),
    # These are of who is signed in: a test of their own.
    "get-session": None, "delete-session": None, "delete-sessions": None,
    "get-healthz": lambda b: (None, {}, None),
    "get-readyz": lambda b: (None, {}, None),
    "get-openapi-json": lambda b: (None, {}, None),
    "get-metrics": lambda b: (None, {}, None),
}


def target(path, argument, query):
    head, hole, rest = path.partition("{")
    if hole:
        path = (head + urllib.parse.quote(str(argument), safe="") +
                rest.partition("}")[2])
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


def check(document, operation, answer):
    """The answer is one that the document has, and as it says."""
    responses = operation["responses"]
    response = responses.get(str(answer.status), responses["default"])
    if "$ref" in response:
        assert response["$ref"] == "#/components/responses/Problem"
        response = document["components"]["responses"]["Problem"]
    content = answer.headers["Content-Type"]
    assert content in response["content"], (content, answer)
    if content.endswith("json") and content != "application/x-ndjson":
        schema = response["content"][content]["schema"]
        # What is not in the tables is seen here, though more may come.
        strict = copy.deepcopy(document)
        for known in strict["components"]["schemas"].values():
            known.setdefault("additionalProperties", False)
        jsonschema.Draft202012Validator(
            schema, resolver=jsonschema.RefResolver("", strict),
            format_checker=jsonschema.FormatChecker()).validate(answer.json)


def test_every_operation_has_a_right_call(document):
    ids = [operation["operationId"]
           for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert set(ids) == set(RIGHT), "a right call is missing, or one too many"


def test_right_calls(b, document):
    for method, path, operation in operations(document):
        make = RIGHT[operation["operationId"]]
        if not make:
            continue
        argument, query, body = make(b)
        answer = b.http(method, target(path, argument, query), body,
                        tcp=True)
        assert answer.status < 300, (method, path, answer)
        assert str(answer.status) in operation["responses"], (path, answer)
        check(document, operation, answer)


def test_stream_and_sessions(b, document):
    connection = b.connection()
    connection.request("HEAD", "/v1/deliveries/stream")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    connection.close()
    for method, path in (("GET", "/v1/session"), ("DELETE", "/v1/session"),
                         ("DELETE", "/v1/sessions")):
        browser = Browser(b)
        browser.sign_in()
        answer = browser.request(method, path)
        assert answer.status == 200, (path, answer)
        check(document, document["paths"][path][method.lower()], answer)


# ---- wrong input ----

def wrong_values(member):
    """Values that a member's schema does not take."""
    types = member.get("type", [])
    types = [types] if isinstance(types, str) else types
    if not types:
        return []
    wrong = [{"a": []}] if "object" not in types else [[1]]
    if "null" not in types:
        wrong.append(None)
    if "string" in types:
        wrong.append(5)
        if "enum" in member or "format" in member:
            wrong.append("no such thing")
        if "maxLength" in member:
            wrong.append("x" * (member["maxLength"] + 1))
    else:
        wrong.append("text")
    return wrong


def wrong_bodies(schema, right):
    """(what is wrong, body) for each kind of mistake that a schema knows."""
    right = {} if right is None else right
    for name in schema.get("required", []):
        yield f"no {name}", {k: v for k, v in right.items() if k != name}
    for name, member in schema["properties"].items():
        for value in wrong_values(member):
            yield f"{name} is {str(value)[:40]}", {**right, name: value}
    if schema.get("additionalProperties") is False:
        yield "an unknown member", {**right, "nosuch": 1}


def state(b):
    """All that a refused request could have changed."""
    lists = [b.http("GET", path).json for path in (
        "/v1/channels", "/v1/tokens", "/v1/event-types", "/v1/modules",
        "/v1/events?limit=1000", "/v1/deliveries?limit=1000")]
    for known in lists[0]["channels"]:
        known.pop("waiting"), known.pop("in_flight")
        known.pop("window", None)
    return lists


def refused(b, document, what, method, path, body, statuses, headers=None,
            operation=None):
    answer = b.http(method, path, body, headers, tcp=True)
    assert answer.status in statuses, (what, method, path, answer)
    if method != "HEAD":
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["status"] == answer.status
        if operation:
            check(document, operation, answer)
    return answer


@pytest.fixture(scope="module")
def settled(b, document):
    """Nothing is on its way any more."""
    harness.wait_until(lambda: not b.http(
        "GET", "/v1/deliveries?state=scheduled").json["deliveries"],
        "nothing waits")
    return b


def test_wrong_input_is_refused_and_leaves_nothing(settled, document):
    b, cases, faults = settled, 0, []
    right = {identifier: make(b) for identifier, make in RIGHT.items() if make}
    before = state(b)
    for method, path, operation in operations(document):
        argument, query, body = right.get(operation["operationId"],
                                          ("nosuch", {}, None))
        where = target(path, argument, query)
        given = {p["name"]: p for p in operation.get("parameters", [])
                 if p["in"] == "query"}
        schema = operation.get("requestBody", {}).get("content", {}).get(
            "application/json", {}).get("schema")

        def no(what, *args, **kw):
            nonlocal cases
            cases += 1
            try:
                refused(b, document, f"{operation['operationId']}: {what}",
                        *args, operation=operation, **kw)
            except (AssertionError, jsonschema.ValidationError) as error:
                faults.append(str(error)[:300])

        mark = "&" if "?" in where else "?"
        no("unknown parameter", method, f"{where}{mark}nosuch=1", body, [422])
        for name, parameter in given.items():
            if name not in query:
                no("twice", method, f"{where}{mark}{name}=a&{name}=a", body,
                   [422])
                no("no UTF-8", method, f"{where}{mark}{name}=%ff", body,
                   [422])
                for value in wrong_values({**parameter["schema"]}):
                    if isinstance(value, str):
                        no("wrong parameter", method, f"{where}{mark}{name}="
                           + urllib.parse.quote(value), body, [422])
        if "before" in given:
            no("bad cursor", method, f"{where}{mark}before=zzz", body, [422])
        if "{" in path and "toggle" not in path:
            no("no such thing", method, target(path, "no/such", query), body,
               [404, 409, 422])
        if schema:
            known = document["components"]["schemas"][
                schema["$ref"].rpartition("/")[2]]
            for what, wrong in wrong_bodies(known, body):
                no(what, method, where, wrong, [422])
            for what, text in (
                    ("an array", "[]"), ("a text", '"x"'), ("null", "null"),
                    ("broken JSON", "{"), ("a duplicate", '{"a":1,"a":1}'),
                    ("bad UTF-8", b'{"a":"\xff"}')):
                no(what, method, where, text, [400, 422])
            no("content type", method, where, "x=1", [415], headers={
                "Content-Type": "application/x-www-form-urlencoded"})
            no("compressed", method, where, "{}", [415],
               headers={"Content-Encoding": "gzip"})
            no("over-long", method, where,
               json.dumps({"nosuch": "x" * (1 << 20)}), [413])
        else:
            no("a body", method, where, "{}", [415])
        if operation.get("security") != []:
            no("no token", method, where, body, [401],
               headers={"Authorization": ""})
            no("bad token", method, where, body, [401],
               headers={"Authorization": "Bearer nosuch"})
            wrong = READ if operation["x-belfry-scope"] != "read" else INGEST
            no("scope", method, where, body, [403],
               headers={"Authorization": f"Bearer {wrong}"})
            if "tenant_id" in given:
                no("another tenant's", method, f"{where}{mark}tenant_id=other"
                   if "tenant_id" not in query else
                   where.replace("acme", "other"), body, [403],
                   headers={"Authorization": f"Bearer {ACME}"})
        if any(p["name"] == "If-Match"
               for p in operation.get("parameters", [])):
            no("If-Match", method, where if "toggle" in path else
               target(path, "kept", query), body,
               [412, 409], headers={"If-Match": '"999"'})
    assert not faults, "\n".join(faults)
    assert cases > 300
    for path, item in document["paths"].items():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            if method.lower() not in item:
                answer = refused(b, document, "method", method,
                                 target(path, "x/y", {}), None,
                                 # A channel could be called "test".
                                 [422] if path == "/v1/channels/test" and
                                 method == "PUT" else [404, 405])
                assert answer.status != 405 or answer.headers["Allow"]
    assert state(b) == before


@pytest.mark.parametrize("path", ["/v1/event-types/incident_created",
                                  "/v1/modules/webhook"])
def test_switches_are_not_switched_unseen(b, path):
    """Two people at one switch: who saw the older state is told."""
    seen = b.http("GET", path).headers["ETag"]
    toggle = f"{path}/toggle"
    first = b.http("PUT", toggle, {"enabled": False}, {"If-Match": seen})
    assert first.status == 200 and first.headers["ETag"] != seen, first
    for method, body in (("PUT", {"enabled": True}), ("DELETE", None)):
        answer = b.http(method, toggle, body, {"If-Match": seen})
        assert answer.status == 412, answer
        assert b.http("GET", path).json["enabled"] is False
    now = first.headers["ETag"]
    assert b.http("DELETE", toggle, None,
                  {"If-Match": f"W/{now}"}).status == 412
    back = b.http("DELETE", toggle, None, {"If-Match": f'"x", {now}'})
    assert back.status == 200 and back.headers["ETag"] == seen, back


def test_document_is_valid(document, tmp_path):
    """As a validator that nobody here wrote sees it."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document))
    done = subprocess.run(
        ["node", npm.SOURCE / "openapi.mjs", file], cwd=npm.packages(),
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == "OpenAPI 3.1: valid"
