"""Tenants: made, changed, deleted; what they may have at most."""
import concurrent.futures
import json
import sqlite3
import threading

import pytest

import harness
from harness import channel, wait_until


def make(b, tenant="acme", **more):
    return b.http("POST", "/v1/tenants", {"id": tenant, **more})


def hook(b, tenant, endpoint, name="team"):
    return b.http("POST", "/v1/channels",
                  {"name": name, "tenant_id": tenant, "module": "webhook",
                   "settings": {"url": endpoint.url}})


def token(b, tenant, scope="manage", name="t"):
    made = b.http("POST", "/v1/tokens",
                  {"name": name, "tenant_id": tenant, "scope": scope})
    assert made.status == 201, made
    return {"Authorization": f"Bearer {made.json['token']}"}


def event(**more):
    return {"event": "deploy_failed", "subject": "s", **more}


def post(b, tenant, **more):
    return b.http("POST", "/v1/events", event(tenant_id=tenant, **more))


def settings_of(b):
    """Names of the settings in the store, of a belfry that is stopped."""
    with sqlite3.connect(b.folder / "state" / "belfry.db") as db:
        return [row[0] for row in db.execute("SELECT name FROM setting")]


def reload(b):
    before = b.log().count("new configuration is in use")
    assert b.reload(), b.log()
    wait_until(
        lambda: b.log().count("new configuration is in use") > before,
        "the scheduler has the new configuration")


def test_a_tenant_is_made_and_survives(belfry):
    b = belfry("tenant_limits { channels 7; }")
    answer = make(b, name="Änne & Co",
                  limits={"events_per_second": 5, "burst": 9})
    assert answer.status == 201, answer
    assert b.http("GET", "/v1/tenants/acme").headers["ETag"] == \
        answer.headers["ETag"]
    made = answer.json
    assert made["id"] == "acme" and made["name"] == "Änne & Co"
    assert made["source"] == "api" and made["locked"] is False
    assert made["limits"] == {"events_per_second": 5, "burst": 9,
                              "channels": None, "tokens": None,
                              "stored_bytes": None}
    assert made["effective_limits"] == {
        "events_per_second": 5, "burst": 9, "channels": 7,
        "tokens": 1000, "stored_bytes": None}
    assert made["usage"] == {"channels": 0, "tokens": 0, "stored_events": 0,
                             "stored_bytes": 0, "waiting": 0}
    assert make(b).status == 409
    b.stop()
    b.start()
    assert b.http("GET", "/v1/tenants/acme").json == made
    reload(b)
    assert b.http("GET", "/v1/tenants/acme").json == made


def test_changes_are_not_lost(belfry):
    b = belfry()
    first = make(b, name="A", limits={"channels": 3, "stored_bytes": 1000})
    seen = {"If-Match": first.headers["ETag"]}
    path = "/v1/tenants/acme"
    answer = b.http("PATCH", path, {"limits": {"channels": 0}},
                    seen)
    assert answer.status == 200 and answer.headers["ETag"] != seen["If-Match"]
    assert answer.json["name"] == "A"
    assert answer.json["limits"]["channels"] == 0
    assert answer.json["limits"]["stored_bytes"] == 1000
    # Zero is none of it; null is the default.
    assert answer.json["effective_limits"]["channels"] is None
    for method, body in (("PATCH", {"name": "B"}), ("PUT", {"name": "B"}),
                         ("DELETE", None)):
        answer = b.http(method, path, body, seen)
        assert answer.status == 412, (method, answer)
    answer = b.http("PATCH", path, {"limits": None, "name": None})
    assert answer.json["name"] is None
    assert set(answer.json["limits"].values()) == {None}
    created = answer.json["created_at"]
    # A replacement says all anew.
    last = b.http("PATCH", path, {"limits": {"channels": 3}})
    answer = b.http("PUT", path, {"name": "C"},
                    {"If-Match": last.headers["ETag"]})
    assert answer.status == 200 and answer.json["version"] == 5
    assert answer.json["limits"]["channels"] is None
    assert answer.json["created_at"] == created
    assert b.http("PUT", "/v1/tenants/new", {}).status == 201
    answer = b.http("PUT", "/v1/tenants/other", {}, {"If-Match": "*"})
    assert answer.status == 412
    assert b.http("PATCH", "/v1/tenants/nobody", {}).status == 404
    # One that was deleted and made again is another one.
    assert b.http("DELETE", path).status == 200
    assert make(b).json["version"] == 1
    assert b.http("PUT", path, {"name": "A"}, seen).status == 412


@pytest.mark.parametrize("body, field", (
    ({"id": "a/b"}, "/id"), ({"id": ""}, "/id"), ({"id": "-a"}, "/id"),
    ({"id": "x" * 65}, "/id"), ({}, "/id"), ({"id": 5}, "/id"),
    ({"id": "a", "name": ""}, "/name"), ({"id": "a", "name": 5}, "/name"),
    ({"id": "a", "name": "a\nb"}, "/name"),
    ({"id": "a", "name": "x" * 129}, "/name"),
    ({"id": "a", "nmae": "x"}, "/nmae"),
    ({"id": "a", "limits": 5}, "/limits"),
    ({"id": "a", "limits": {"channels": -1}}, "/limits/channels"),
    ({"id": "a", "limits": {"channels": 1.5}}, "/limits/channels"),
    ({"id": "a", "limits": {"channels": "5"}}, "/limits/channels"),
    ({"id": "a", "limits": {"channels": 10 ** 10}}, "/limits/channels"),
    ({"id": "a", "limits": {"stored_bytes": 1e300}}, "/limits/stored_bytes"),
    ({"id": "a", "limits": {"events": 5}}, "/limits/events"),
    ({"id": "a", "limits": {"burst": 5}}, "/limits/burst"),
    ({"id": "a", "limits": {"burst": 5, "events_per_second": 0}},
     "/limits/burst"),
))
def test_what_is_wrong_with_a_tenant_is_named(shared, body, field):
    answer = shared.http("POST", "/v1/tenants", body)
    assert answer.status == 422, answer
    assert answer.json["field"] == field
    assert shared.http("GET", "/v1/tenants/a").status == 404


@pytest.fixture(scope="module")
def shared(module_closing, tmp_path_factory):
    return module_closing(harness.Belfry(
        tmp_path_factory.mktemp("tenants"), f"""
default_tenant main;
tenant written {{ name "In the file"; limits {{ channels 2; }} }}
""")).start()


def test_the_conf_files_tenants_are_locked(shared):
    b = shared
    shown = b.http("GET", "/v1/tenants/written").json
    assert shown["name"] == "In the file" and shown["locked"] is True
    assert shown["source"] == "conf" and "version" not in shown
    for method in ("PUT", "PATCH", "DELETE"):
        answer = b.http(method, "/v1/tenants/written",
                        {} if method != "DELETE" else None)
        assert answer.status == 409, answer
        assert f"{shown['file']}:{shown['line']}" in answer.json["detail"]
    answer = make(b, "written")
    assert answer.status == 409 and answer.json["field"] == "/id"
    assert "expected another id" in answer.json["detail"]


def test_the_default_tenant_can_be_limited_but_not_deleted(shared):
    b = shared
    assert b.http("GET", "/v1/tenants/main").json["source"] == "default"
    answer = b.http("PUT", "/v1/tenants/main", {"limits": {"channels": 1}})
    assert answer.json["effective_limits"]["channels"] == 1
    assert answer.json["source"] == "default"
    assert b.http("DELETE", "/v1/tenants/main").status == 409
    assert b.http("PUT", "/v1/tenants/main", {}).status == 200


def test_tenants_are_listed_a_page_at_a_time(belfry):
    b = belfry("default_tenant m; tenant t050 { }")
    for number in range(100):
        if number != 50:
            assert make(b, f"t{number:03}").status == 201
    seen, more = [], ""
    while more is not None:
        page = b.http("GET", f"/v1/tenants?limit=33{more}").json
        assert len(page["tenants"]) <= 33
        seen += [tenant["id"] for tenant in page["tenants"]]
        more = page["next"] and f"&after={page['next']}"
    assert seen == ["m"] + [f"t{number:03}" for number in range(100)]
    assert len(b.http("GET", "/v1/tenants").json["tenants"]) == 50
    for limit in ("0", "1001", "x", "-5"):
        answer = b.http("GET", f"/v1/tenants?limit={limit}")
        assert answer.status == 422 and answer.json["field"] == "/limit"


def pages(b, path, member, limit):
    """All of a list, and how many pages it took."""
    seen, after, count = [], "", 0
    while after is not None:
        page = b.http("GET", f"{path}limit={limit}{after}").json
        assert len(page[member]) <= limit
        seen += page[member]
        after = page["next"] and f"&after={page['next']}"
        count += 1
    return seen, count


def refuses_wrong_pages(b, path):
    for limit in ("0", "1001", "x", "-5"):
        answer = b.http("GET", f"{path}?limit={limit}")
        assert answer.status == 422 and answer.json["field"] == "/limit"
    answer = b.http("GET", f"{path}?after=nonsense")
    assert answer.status == 422 and answer.json["field"] == "/after"


def test_channels_are_listed_a_page_at_a_time(belfry):
    blocks = "".join(
        f"tenant t{tenant} {{ " + " ".join(
            f"channel webhook {name} {{ url http://127.0.0.1:1/; }}"
            for name in ("b", "c", "a")) + " }\n" for tenant in (2, 1, 3))
    b = belfry("default_tenant m; tenant none { }\n" + blocks)
    want = [(f"t{tenant}", name) for tenant in (1, 2, 3) for name in "abc"]
    for limit in (1, 2, 4, 8, 9, 10):
        listed, count = pages(b, "/v1/channels?", "channels", limit)
        assert [(c["tenant_id"], c["name"]) for c in listed] == want
        assert count == -(-len(want) // limit)
    listed, count = pages(b, "/v1/channels?tenant_id=t2&", "channels", 2)
    assert [c["name"] for c in listed] == ["a", "b", "c"] and count == 2
    # Where the one that it goes on after, or all its tenant, is gone.
    for after, first in (("t1/bb", ("t1", "c")), ("t1a/x", ("t2", "a")),
                         ("a/z", ("t1", "a"))):
        page = b.http("GET", f"/v1/channels?limit=1&after={after}").json
        assert [(c["tenant_id"], c["name"])
                for c in page["channels"]] == [first]
    for after, names in (("t1/z", ["a", "b", "c"]), ("t3/a", []),
                         ("t2/a", ["b", "c"])):
        page = b.http("GET", "/v1/channels?tenant_id=t2&after=" + after).json
        assert [c["name"] for c in page["channels"]] == names
        assert page["next"] is None
    refuses_wrong_pages(b, "/v1/channels")


def test_a_page_is_stable_when_channels_and_tenants_come_and_go(belfry):
    b = belfry("default_tenant m;")

    def put(tenant, name):
        assert b.http("PUT", f"/v1/channels/{name}?tenant_id={tenant}", {
            "name": name, "module": "webhook",
            "settings": {"url": "https://127.0.0.1/"}}).status == 201
    for tenant in ("b", "d"):
        for name in ("b", "d", "f"):
            put(tenant, name)
    page = b.http("GET", "/v1/channels?limit=2").json
    assert page["next"] == "b/d"
    put("a", "x")   # before
    put("b", "a")
    put("b", "e")   # after
    put("c", "x")
    assert b.http("DELETE", "/v1/channels/d?tenant_id=b").status == 200
    assert b.http("DELETE", "/v1/channels/d?tenant_id=d").status == 200
    page = b.http("GET", f"/v1/channels?after={page['next']}").json
    assert [f"{c['tenant_id']}/{c['name']}" for c in page["channels"]] == [
        "b/e", "b/f", "c/x", "d/b", "d/f"]
    # An order that was made is kept right.
    assert make(b, "bb").status == 201 and make(b, "0").status == 201
    assert b.http("DELETE", "/v1/tenants/0").status == 200
    assert [t["id"] for t in b.http("GET", "/v1/tenants").json["tenants"]] == [
        "a", "b", "bb", "c", "d", "m"]


def test_tokens_are_listed_a_page_at_a_time(belfry):
    b = belfry("default_tenant m;" + "".join(
        f"token c{n} {{ value in-the-conf-{n}-; tenant "
        f"{'acme' if n % 2 else 'm'}; }}\n" for n in range(5)))
    for n in range(6):
        assert b.http("POST", "/v1/tokens", {
            "name": f"a{n}", "tenant_id": "acme" if n % 2 else "m"}
            ).status == 201
    whole, count = pages(b, "/v1/tokens?", "tokens", 1000)
    assert count == 1 and not any("hash" in token for token in whole)
    names = [token["name"] for token in whole]
    from_conf = [token["name"] for token in whole if "file" in token]
    assert names[:len(from_conf)] == from_conf
    assert sorted(names[len(from_conf):]) == [f"a{n}" for n in range(6)]
    for limit in range(1, len(whole) + 2):
        assert pages(b, "/v1/tokens?", "tokens", limit) == (
            whole, -(-len(whole) // limit)), limit
    for tenant in ("acme", "m"):
        own = [t for t in whole if t["tenant_id"] == tenant]
        for limit in (1, 2, 3, len(own)):
            assert pages(b, f"/v1/tokens?tenant_id={tenant}&", "tokens",
                         limit) == (own, -(-len(own) // limit))
    # One that is revoked meanwhile takes none of the others with it.
    page = b.http("GET", f"/v1/tokens?limit={len(from_conf) + 2}").json
    gone = page["tokens"][-1]["name"]
    assert b.http("DELETE", f"/v1/tokens/{gone}").status == 200
    rest = b.http("GET", f"/v1/tokens?after={page['next']}").json["tokens"]
    assert rest == whole[len(from_conf) + 2:]
    refuses_wrong_pages(b, "/v1/tokens")


def test_a_tenant_sees_itself_and_no_other(shared):
    b = shared
    b.http("PUT", "/v1/tenants/acme", {"limits": {"channels": 4}})
    make(b, "other")
    for scope in ("read", "manage"):
        own = token(b, "acme", scope)
        answer = b.http("GET", "/v1/tenants/acme", headers=own, tcp=True)
        assert answer.status == 200
        assert answer.json["effective_limits"]["channels"] == 4
        there = b.http("GET", "/v1/tenants/other", headers=own, tcp=True)
        gone = b.http("GET", "/v1/tenants/missing", headers=own, tcp=True)
        assert there.status == gone.status == 404
        assert there.body.replace(b"other", b"missing") == gone.body
        for method, path in (("GET", "/v1/tenants"), ("POST", "/v1/tenants"),
                             ("PUT", "/v1/tenants/acme"),
                             ("PATCH", "/v1/tenants/acme"),
                             ("DELETE", "/v1/tenants/acme")):
            answer = b.http(method, path, {} if method != "GET" else None,
                            own, tcp=True)
            assert answer.status == 403, (method, path)


def test_a_deleted_tenant_leaves_nothing_but_its_history(belfry, receiver):
    endpoint = receiver()
    hanging = receiver(lambda request: 503)
    b = belfry()
    make(b, name="A")
    make(b, "acme2")
    assert hook(b, "acme", endpoint).status == 201
    assert hook(b, "acme", hanging, "later").status == 201
    assert hook(b, "acme2", endpoint).status == 201
    b.http("PUT", "/v1/event-types/deploy_started/toggle?tenant_id=acme",
           {"enabled": True})
    b.http("PUT", "/v1/modules/webhook/toggle?tenant_id=acme",
           {"enabled": True})
    b.http("POST", "/v1/channels/later/disable?tenant_id=acme", {})
    gone, kept = token(b, "acme"), token(b, "acme2")
    b.http("POST", "/v1/channels/later/enable?tenant_id=acme", {})
    first = post(b, "acme").json
    later = [d["id"] for d in first["deliveries"]
             if d["channel"] == "later"][0]
    wait_until(lambda: hanging.requests, "it was tried")
    assert b.http("GET", "/v1/channels", headers=gone, tcp=True).status == 200
    answer = b.http("DELETE", "/v1/tenants/acme")
    assert answer.status == 200 and answer.json == {"deleted": "acme"}
    # Its tokens end with the answer.
    assert b.http("GET", "/v1/channels", headers=gone, tcp=True).status == 401
    b.wait_state(later, "cancelled")
    assert b.http("GET", "/v1/channels?tenant_id=acme").json["channels"] == []
    types = b.http("GET", "/v1/event-types/deploy_started?tenant_id=acme")
    assert types.json["enabled"] is False
    # The other one, whose id begins with this one's, goes on.
    assert b.http("GET", "/v1/channels", headers=kept, tcp=True).status == 200
    assert len(b.http("GET", "/v1/channels?tenant_id=acme2")
               .json["channels"]) == 1
    # History stays until retention, for who may see all.
    assert len(b.http("GET", "/v1/events?tenant_id=acme")
               .json["events"]) == 1
    b.stop()
    names = settings_of(b)
    assert not [n for n in names if "acme/" in n or n == "tenant/acme"]
    assert [n for n in names if n.startswith("api_channel/acme2/")]
    b.start()
    assert b.http("GET", "/v1/channels?tenant_id=acme").json["channels"] == []
    # One of that id that is made again begins anew.
    assert make(b).json["version"] == 1
    assert hook(b, "acme", endpoint, "later").status == 201
    before = len(endpoint.requests)
    post(b, "acme")
    endpoint.wait(before + 1)
    assert b.http("DELETE", "/v1/tenants/nobody").status == 404


# ---- limits ----

def test_tokens_are_counted_and_limited(belfry):
    b = belfry("tenant_limits { tokens 3; }")
    make(b)
    path = "/v1/tenants/acme"
    used = lambda: b.http("GET", path).json["usage"]["tokens"]
    manage = token(b, "acme", "manage")

    def more(name, **said):
        return b.http("POST", "/v1/tokens", {"name": name, **said}, manage,
                      tcp=True)

    assert used() == 1
    assert [more(f"t{i}").status for i in range(4)] == [201, 201, 409, 409]
    refused = more("t9")
    assert refused.json["type"] == "urn:belfry:problem:limit"
    assert "3 tokens" in refused.json["detail"]
    assert used() == 3
    # An admin gives it no more, either; others are not concerned.
    assert b.http("POST", "/v1/tokens", {"name": "x", "tenant_id": "acme"}
                  ).status == 409
    assert b.http("POST", "/v1/tokens", {"name": "x", "tenant_id": "else"}
                  ).status == 201
    b.stop()
    b.start()
    assert used() == 3 and more("t9").status == 409
    # Who revokes one twice at the same time has room for one.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: b.http("DELETE", "/v1/tokens/t0",
                                       headers=manage, tcp=True), range(8)))
    assert used() == 2
    assert [more(f"u{i}").status for i in range(2)] == [201, 409]
    # Where it is raised, there is room; what is there is never taken away.
    assert b.http("PATCH", path, {"limits": {"tokens": 4}}).status == 200
    assert [more(f"v{i}").status for i in range(2)] == [201, 409]
    assert b.http("PATCH", path, {"limits": {"tokens": 1}}).status == 200
    assert used() == 4 and more("w").status == 409
    # One that is made again begins with none.
    assert b.http("DELETE", path).status == 200
    assert make(b).json["usage"]["tokens"] == 0
    # The default tenant is the operator's own.
    assert [b.http("POST", "/v1/tokens", {"name": f"d{i}"}).status
            for i in range(5)] == [201] * 5


def test_events_beyond_the_rate_wait(belfry, receiver):
    endpoint = receiver()
    b = belfry("intake_processes 4;\n"
               "tenant_limits { events_per_second 1; burst 20; }\n"
               + channel(endpoint.url))
    tokens = {name: token(b, name, "ingest") for name in ("a", "b")}
    # Whichever intake a connection comes to, it is one limit.
    answers = [b.http("POST", "/v1/events", event(), tokens["a"], tcp=True)
               for _ in range(60)]
    taken = [a for a in answers if a.status == 202]
    refused = [a for a in answers if a.status == 429]
    assert len(taken) + len(refused) == 60
    # As many as at once, and those that time has added.
    assert 20 <= len(taken) < 60 and refused
    for answer in refused:
        assert answer.json["type"] == "urn:belfry:problem:limit"
        assert "may post 1 event a second, 20 at once" in answer.json["detail"]
        assert 1 <= int(answer.headers["Retry-After"]) <= 2
    # Nobody else's, and not the operator's own.
    assert b.http("POST", "/v1/events", event(), tokens["b"],
                  tcp=True).status == 202
    for _ in range(40):
        b.post()
    assert b.metric("belfry_events_limited_total") == len(refused)


def test_a_batch_is_limited_line_by_line(belfry):
    b = belfry("tenant_limits { events_per_second 1; burst 5; }")
    body = "\n".join(json.dumps(event(tenant_id=tenant))
                     for tenant in ["a"] * 30 + ["b"] * 3)
    answer = b.http("POST", "/v1/events", body,
                    {"Content-Type": "application/x-ndjson"})
    assert answer.status == 200
    lines = [json.loads(line) for line in answer.body.splitlines()]
    statuses = [line["status"] for line in lines]
    assert statuses[:5] == [202] * 5 and statuses[30:] == [202] * 3
    assert statuses[5:30].count(429) >= 20
    for line in lines:
        if line["status"] == 429:
            assert line["type"] == "urn:belfry:problem:limit"
            assert line["retry_after"] >= 1
    stored = b.http("GET", "/v1/events?tenant_id=a&limit=100").json["events"]
    assert len(stored) == statuses[:30].count(202)


def test_a_limit_holds_from_the_answer_on(belfry):
    b = belfry()
    make(b)
    assert all(post(b, "acme").status == 202 for _ in range(5))
    b.http("PATCH", "/v1/tenants/acme", {"limits": {"events_per_second": 1}})
    assert 429 in [post(b, "acme").status for _ in range(20)]
    b.http("PATCH", "/v1/tenants/acme", {"limits": {"events_per_second": 0}})
    assert all(post(b, "acme").status == 202 for _ in range(20))


def test_channels_beyond_the_limit_are_not_made(belfry, receiver):
    endpoint = receiver()
    b = belfry("tenant written { limits { channels 1; }\n"
               + channel(endpoint.url, "one") + channel(endpoint.url, "two")
               + "}")
    make(b, limits={"channels": 2})
    assert hook(b, "acme", endpoint, "a").status == 201
    assert b.http("PUT", "/v1/channels/b?tenant_id=acme",
                  {"module": "webhook", "name": "b",
                   "settings": {"url": endpoint.url}}).status == 201
    for answer in (hook(b, "acme", endpoint, "c"),
                   b.http("PUT", "/v1/channels/c?tenant_id=acme",
                          {"module": "webhook", "name": "c",
                           "settings": {"url": endpoint.url}}),
                   hook(b, "written", endpoint, "three")):
        assert answer.status == 409, answer
        assert answer.json["type"] == "urn:belfry:problem:limit"
    # What is there can be changed; others are not held up.
    assert b.http("PATCH", "/v1/channels/a?tenant_id=acme",
                  {"events": ["deploy_*"]}).status == 200
    assert hook(b, "other", endpoint, "c").status == 201
    assert b.http("DELETE", "/v1/channels/a?tenant_id=acme").status == 200
    assert hook(b, "acme", endpoint, "c").status == 201


def test_what_is_stored_is_bounded_until_it_is_forgotten(belfry, receiver):
    endpoint = receiver()
    b = belfry()
    make(b, limits={"stored_bytes": 20000})
    assert hook(b, "acme", endpoint).status == 201
    statuses = [post(b, "acme", body="x" * 1000).status for _ in range(30)]
    assert statuses.count(202) > 5 and statuses[-1] == 507
    assert sorted(set(statuses)) == [202, 507]
    refused = post(b, "acme", body="x" * 1000)
    assert refused.json["type"] == "urn:belfry:problem:limit"
    assert "Retry-After" not in refused.headers
    usage = b.http("GET", "/v1/tenants/acme").json["usage"]
    assert usage["stored_events"] == statuses.count(202)
    assert 18000 < usage["stored_bytes"] <= 20000
    # It is the store that knows.
    b.wait_idle()
    b.kill()
    b.start()
    assert b.http("GET", "/v1/tenants/acme").json["usage"] == usage
    assert post(b, "acme", body="x" * 1000).status == 507
    assert post(b, "other", body="x" * 1000).status == 202
    # When the history goes, there is room again.
    b.stop()
    month = 31 * 86400 * 1000 << 22  # of the ids, which begin with their time
    with sqlite3.connect(b.folder / "state" / "belfry.db") as db:
        for table, column in (("event", "id"), ("delivery", "event"),
                              ("attempt", "event")):
            db.execute(f"UPDATE {table} SET {column} = {column} - ?",
                       (month,))
    b.start()
    wait_until(lambda: b.http("GET", "/v1/tenants/acme")
               .json["usage"]["stored_bytes"] == 0, "retention has freed it")
    assert post(b, "acme", body="x" * 1000).status == 202


# ---- who is one ----

def test_whatever_tenant_is_named_is_taken(belfry):
    b = belfry()
    assert post(b, "somebody").status == 202
    assert b.http("GET", "/v1/tenants/somebody").json["source"] == "implied"
    assert "somebody" in [t["id"] for t in
                          b.http("GET", "/v1/tenants").json["tenants"]]


def test_a_tenant_that_nobody_made_is_told_by_its_name(belfry):
    b = belfry("tenant acme { }")
    assert "no deliveries: the default tenant has no channels (" in b.ctl(
        "send", "deploy_failed", "x").stdout
    assert "no deliveries: tenant acme has no channels (" in b.ctl(
        "send", "-t", "acme", "deploy_failed", "x").stdout
    for _ in range(2):
        assert "tenant acem is unknown, and has no channels (" in b.ctl(
            "send", "-t", "acem", "deploy_failed", "x").stdout


def test_what_is_made_for_a_tenant_that_nobody_made_is_doubted(belfry):
    b = belfry("tenant acme { }")
    for tenant, doubted in (("acme", False), ("acem", True)):
        for words in (["token", "create", "ci"], ["channels", "create",
                      "webhook", "hook", "url=http://127.0.0.1:1/"]):
            for json_too in ([], ["--json"]):
                done = b.ctl(*words, "-t", tenant, *json_too)
                said = f"Nobody made tenant {tenant} before: is it spelt right?"
                assert (said in done.stderr) == doubted, done
                b.http("DELETE", f"/v1/channels/hook?tenant_id={tenant}")
    b.ctl("tenants", "create", "acem")
    assert "Nobody" not in b.ctl("token", "create", "ci", "-t", "acem").stderr


def test_strict_tenants_takes_those_it_knows(belfry, receiver):
    endpoint = receiver()
    b = belfry("strict_tenants on; default_tenant d; tenant written { }\n"
               "token app { value app-0123456789; tenant named; }")
    for tenant in ("d", "written", "named"):
        assert post(b, tenant).status == 202
    answer = post(b, "stranger")
    assert answer.status == 422 and answer.json["field"] == "/tenant_id"
    assert answer.json["type"] == "urn:belfry:problem:unknown-tenant"
    line = b.http("POST", "/v1/events", json.dumps(
        event(tenant_id="stranger")),
        {"Content-Type": "application/x-ndjson"}).json
    assert line["status"] == 422 and line["field"] == "/tenant_id"
    assert hook(b, "stranger", endpoint).status == 422
    assert b.http("POST", "/v1/tokens", {
        "name": "t", "tenant_id": "stranger"}).status == 422
    for words in (["channels"], ["channels", "disable", "x"], ["events"],
                  ["explain", "deploy_failed"], ["test", "x"],
                  ["replay", "-e", "deploy_failed"], ["token", "list"],
                  ["token", "revoke", "x"]):
        done = b.ctl(*words, "-t", "stranger", check=False)
        assert done.returncode == 4, done
        assert 'there is no tenant "stranger": expected' in done.stderr
    make(b, "stranger")
    assert post(b, "stranger").status == 202
    assert hook(b, "stranger", endpoint).status == 201
    b.http("DELETE", "/v1/tenants/stranger")
    assert post(b, "stranger").status == 422


def test_a_tenant_with_many_channels_takes_one_share(belfry, receiver):
    """Two tenants have all they want to send before anything goes out: the one
    with twenty channels gets every other turn, not twenty of twenty-one."""
    gate = threading.Event()

    def answer(request):
        gate.wait(60)
        return 204

    endpoint = receiver(answer)
    channels = "".join(
        f"channel webhook c{number} {{ url {endpoint.url}; }}\n"
        for number in range(20))
    b = belfry(f"""
tenant many {{ {channels} }}
tenant one {{ channel webhook only {{ url {endpoint.url}; }} }}
""", main={"worker_processes": 1, "worker_connections": 8,
           "default_tenant": "main"})
    for tenant, count in (("many", 100), ("one", 100)):
        lines = [json.dumps({"event": "deploy_failed", "subject": tenant,
                             "tenant_id": tenant}) for _ in range(count)]
        answer = b.http("POST", "/v1/events", "\n".join(lines),
                        {"Content-Type": "application/x-ndjson"})
        assert answer.status == 200
    gate.set()
    endpoint.wait(2100, 120)
    order = [request.json["subject"] for request in endpoint.requests]
    last = max(place for place, who in enumerate(order) if who == "one")
    # One in two, but for what was in hand before and turns of 4 KiB.
    assert last < 300, last


def test_a_tenant_that_is_made_again_has_no_past(belfry, receiver):
    """One of the same id is another: it neither sees nor sends what the one
    before left."""
    endpoint = receiver(500)
    b = belfry()

    def make():
        b.http("POST", "/v1/tenants", {"id": "again"})
        made = b.http("POST", "/v1/tokens", {
            "name": "m", "tenant_id": "again", "scope": "manage"})
        headers = {"Authorization": f"Bearer {made.json['token']}"}
        assert b.http("POST", "/v1/channels", {
            "name": "hook", "module": "webhook", "retry": [],
            "settings": {"url": endpoint.url}}, headers).status == 201
        return lambda method, path, body=None, more={}: b.http(
            method, path, body, {**headers, **more}, tcp=True)

    once = {"Idempotency-Key": "once"}
    first = make()
    event = first("POST", "/v1/events", {"event": "deploy_failed",
                                         "subject": "of the first"}, once).json
    delivery = event["deliveries"][0]["id"]
    b.wait_state(delivery, "failed")
    assert b.http("DELETE", "/v1/tenants/again").status == 200
    second = make()
    for _ in range(2):
        assert second("GET", "/v1/events").json["events"] == []
        assert second("GET", "/v1/deliveries").json["deliveries"] == []
        assert second("GET", f"/v1/events/{event['id']}").status == 404
        assert second("GET", f"/v1/deliveries/{delivery}").status == 404
        assert "tenant-delete" not in {
            row["action"] for row in second("GET", "/v1/audit").json["audit"]}
        for path, body in (("/v1/deliveries/replay",
                            {"since": "2000-01-01T00:00:00Z"}),
                           (f"/v1/deliveries/{delivery}/replay", {})):
            assert second("POST", path, body).json == {"replayed": 0}
        b.stop()
        b.start()
    # Nor do its keys count.
    own = [second("POST", "/v1/events", {
        "event": "deploy_started", "subject": "of the second"}, once)
        for _ in range(2)]
    assert [answer.status for answer in own] == [202, 202], own
    assert own[0].json["id"] == own[1].json["id"] != event["id"]
    # Who may see all tenants sees it still.
    assert b.http("GET", f"/v1/deliveries/{delivery}").status == 200
    assert len(endpoint.requests) == 1
