"""The audit log: who changed what, in the same commit as the change."""
import json
import os
import signal
import sqlite3
import threading
import time

import pytest
from harness import TOKEN, channel, wait_until

MANAGE, READ = "acme-manage-0123456789", "acme-read-01234567890"
ZETA = "zeta-manage-0123456789"
SECRET = "planted-secret-8d1f20c6"


def as_token(b, token, method, path, body=None):
    return b.http(method, path, body, {"Authorization": f"Bearer {token}"},
                  tcp=True)


def rows(b, query=""):
    answer = b.http("GET", f"/v1/audit?limit=1000{query}")
    assert answer.status == 200, answer
    return answer.json["audit"]


def brief(row):
    return (row["actor"], row["tenant_id"], row["action"], row["object"],
            row["detail"])


@pytest.fixture
def b(belfry, receiver):
    return belfry(f"""
{channel(receiver().url)}
tenant acme {{ {channel(receiver().url, "team")} }}
tenant zeta {{ {channel(receiver().url, "other")} }}
token acme-manage {{ value {MANAGE}; tenant acme; scope manage; }}
token acme-read {{ value {READ}; tenant acme; scope read; }}
token zeta-manage {{ value {ZETA}; tenant zeta; scope manage; }}
""")


def changes(url):
    """What a manager of acme does, and the row that it leaves."""
    settings = {"url": f"{url}{SECRET}", "secret": SECRET}
    return [
        ("PUT", "/v1/event-types/deploy_started/toggle", {"enabled": True},
         "toggle-set", "deploy_started", "enabled=true"),
        ("DELETE", "/v1/event-types/deploy_started/toggle", None,
         "toggle-reset", "deploy_started", ""),
        ("PUT", "/v1/modules/webhook/toggle", {"enabled": False},
         "module-toggle-set", "webhook", "enabled=false"),
        ("DELETE", "/v1/modules/webhook/toggle", None,
         "module-toggle-reset", "webhook", ""),
        ("POST", "/v1/channels/team/disable", None, "channel-disable", "team", ""),
        ("POST", "/v1/channels/team/enable", None, "channel-enable", "team", ""),
        ("POST", "/v1/channels/team/start", None, "channel-start", "team", ""),
        ("POST", "/v1/channels/team/test", {"subject": SECRET},
         "channel-test", "team", "subject"),
        ("POST", "/v1/channels", {
            "name": "made", "module": "webhook", "settings": settings,
            "events": ["deploy_*"], "timeout": "5s"}, "channel-create", "made",
         'events=["deploy_*"] module=webhook settings=secret,url timeout=5s'),
        ("PATCH", "/v1/channels/made", {"settings": {"secret": SECRET + "2"}},
         "channel-patch", "made", "settings=secret"),
        ("PUT", "/v1/channels/made", {
            "module": "webhook", "enabled": False, "settings": settings},
         "channel-put", "made", "enabled=false module=webhook settings=secret,url"),
        ("DELETE", "/v1/channels/made", None, "channel-delete", "made", ""),
        ("POST", "/v1/channels/test", {
            "module": "webhook", "settings": settings,
            "notification": {"subject": SECRET}},
         "draft-test", "", "module=webhook notification settings=secret,url"),
        ("POST", "/v1/tokens", {"name": "ci", "scope": "read"},
         "token-create", "ci", "scope=read"),
        ("DELETE", "/v1/tokens/ci", None, "token-revoke", "ci", ""),
        ("POST", "/v1/deliveries/cancel", {"event": "deploy_started"},
         "cancel", "deploy_started", ""),
        ("POST", "/v1/deliveries/replay", {
            "channel": "team", "since": "2026-01-01T00:00:00Z"},
         "replay", "team", "since=2026-01-01T00:00:00Z"),
    ]


def assert_nowhere(b, secret):
    """Not in the audit log: the table, or what is told of it."""
    store = sqlite3.connect(f"file:{b.folder}/state/belfry.db?mode=ro", uri=True)
    kept = json.dumps(store.execute("SELECT * FROM audit").fetchall())
    store.close()
    assert kept != "[]" and secret not in kept
    assert secret not in json.dumps(rows(b))


def test_each_change_leaves_one_row_that_says_who_did_what(b, receiver):
    for method, path, body, action, object_, detail in changes(receiver().url):
        before = rows(b)
        answer = as_token(b, MANAGE, method, path, body)
        assert answer.status < 300, (path, answer)
        # That of a test is written while the test is made.
        wait_until(lambda: len(rows(b)) > len(before), f"a row for {path}")
        new = rows(b)[:len(rows(b)) - len(before)]
        assert [brief(row) for row in new] == [
            ("token acme-manage", "acme", action, object_, detail)], path
        assert new[0]["address"] == "127.0.0.1"
    assert_nowhere(b, SECRET)
    tokens = [row for row in rows(b) if "token" in row["action"]]
    assert len(tokens) == 2


def test_what_an_admin_does_over_the_socket_is_told_too(b, tmp_path):
    token = b.http("POST", "/v1/tokens",
                   {"name": "acme-ci", "tenant_id": "acme"}).json["token"]
    sealed = b.http("POST", "/v1/seal", {
        "channel": "hook", "directive": "secret", "secret": SECRET})
    assert sealed.status == 200
    assert b.http("POST", "/v1/rotate", {"finish": False}).status == 200
    assert b.http("POST", "/v1/backup",
                  {"file": f"{tmp_path}/copy.db"}).status == 200
    assert b.http("DELETE", "/v1/tokens/acme-ci").status == 200
    b.reload()
    uid = f"uid {os.getuid()}"
    wait_until(lambda: len(rows(b)) == 6, "the reload is told of")
    assert [brief(row) for row in rows(b)] == [
        ("signal", None, "reload", "", ""),
        # No tenant was named: it is the token's.
        (uid, "acme", "token-revoke", "acme-ci", ""),
        (uid, None, "backup", f"{tmp_path}/copy.db", ""),
        (uid, None, "rotate", "", "finish=false"),
        (uid, None, "seal", "hook", "directive=secret secret"),
        (uid, "acme", "token-create", "acme-ci", "")]
    assert {row["address"] for row in rows(b)} == {"unix", ""}
    for secret in SECRET, token, sealed.json["sealed"]:
        assert_nowhere(b, secret)


def test_what_is_refused_leaves_no_row(b):
    for method, path, body, status in (
            ("PUT", "/v1/event-types/nosuch/toggle", {"enabled": True}, 404),
            ("PUT", "/v1/event-types/deploy_started/toggle", {}, 422),
            ("POST", "/v1/channels/other/disable", None, 404),
            ("POST", "/v1/channels/nosuch/test", None, 404),
            ("POST", "/v1/channels/team/disable", {"tenant_id": "zeta"}, 403),
            ("PATCH", "/v1/channels/team", {"enabled": False}, 409),
            ("POST", "/v1/channels", {"name": "x", "module": "webhook"}, 422),
            ("POST", "/v1/channels/test", {"module": "webhook"}, 422),
            ("POST", "/v1/tokens", {"name": "x", "scope": "admin"}, 403),
            ("DELETE", "/v1/tokens/nosuch", None, 404),
            ("POST", "/v1/deliveries/cancel", {}, 422),
            ("POST", "/v1/deliveries/cancel", {"channel": "other"}, 404),
            ("POST", "/v1/rotate", None, 403)):
        assert as_token(b, MANAGE, method, path, body).status == status, path
    assert b.http("POST", "/v1/backup", {"file": "relative"}).status == 422
    assert b.http("POST", "/v1/backup", {"file": "/nosuch/x"}).status == 503
    assert rows(b) == []


def test_reading_leaves_no_row(b):
    b.post()
    for path in ("/v1/events", "/v1/deliveries", "/v1/channels", "/v1/tokens",
                 "/v1/modules", "/v1/stats", "/v1/audit"):
        assert b.http("GET", path).status == 200
    assert b.http("POST", "/v1/explain",
                  {"event": "deploy_failed"}).status == 200
    assert b.http("POST", "/v1/check").status == 200
    assert rows(b) == []


def test_a_manager_sees_rows_about_its_own_tenant_only(b):
    for token, name in ((MANAGE, "team"), (ZETA, "other")):
        assert as_token(b, token, "POST",
                        f"/v1/channels/{name}/disable").status == 200
    b.http("POST", "/v1/channels/team/enable", {"tenant_id": "acme"})
    b.http("POST", "/v1/seal", {"channel": "hook", "directive": "secret",
                                "secret": SECRET})

    def seen(token, query=""):
        answer = as_token(b, token, "GET", f"/v1/audit{query}")
        assert answer.status == 200, answer
        return [row["action"] for row in answer.json["audit"]]
    assert seen(MANAGE) == ["channel-enable", "channel-disable"]
    assert seen(ZETA) == seen(ZETA, "?tenant_id=zeta") == ["channel-disable"]
    assert as_token(b, ZETA, "GET", "/v1/audit?tenant_id=acme").status == 403
    assert as_token(b, READ, "GET", "/v1/audit").status == 403
    assert seen(TOKEN) == ["seal", "channel-enable", "channel-disable",
                           "channel-disable"]
    assert seen(TOKEN, "?tenant_id=zeta") == ["channel-disable"]


def test_a_delivery_is_of_the_tenant_whose_channel_it_is_for(b):
    event = as_token(b, MANAGE, "POST", "/v1/events", {
        "event": "deploy_failed", "subject": "s"}).json
    delivery = event["deliveries"][0]["id"]
    b.wait_state(delivery, "delivered")
    assert b.http("POST", f"/v1/deliveries/{delivery}/replay").status == 200
    assert [(row["tenant_id"], row["object"]) for row in rows(b)] == [
        ("acme", delivery)]


def test_filters_and_pages(b):
    for i in range(7):
        b.http("POST", f"/v1/channels/hook/{'en' if i % 2 else 'dis'}able")
    as_token(b, MANAGE, "POST", "/v1/channels/team/disable")
    assert len(rows(b, "&action=channel-enable")) == 3
    assert len(rows(b, "&actor=token%20acme-manage")) == 1
    whole = rows(b)
    assert len(whole) == 8
    assert len(rows(b, f"&since={whole[2]['at'].replace('+', '%2B')}")) >= 3
    assert rows(b, "&until=2026-01-01T00:00:00Z") == []
    paged, query = [], ""
    while query is not None:
        page = b.http("GET", f"/v1/audit?limit=3{query}").json
        assert len(page["audit"]) <= 3
        paged += page["audit"]
        query = page["next"] and f"&before={page['next']}"
    assert paged == whole
    for query in ("limit=0", "limit=x", "since=then", "before=evt_1",
                  "before=" + "0" * 20, "colour=red"):
        assert b.http("GET", f"/v1/audit?{query}").status == 422, query


def test_belfryctl_prints_a_table(b):
    as_token(b, MANAGE, "POST", "/v1/channels/team/disable")
    b.ctl("events", "deploy_started", "on")
    lines = b.ctl("audit").stdout.splitlines()
    assert lines[0].split() == ["TIME", "WHO", "FROM", "TENANT", "ACTION",
                                "OBJECT", "DETAIL"]
    assert "toggle-set" in lines[1] and "enabled=true" in lines[1]
    assert "token acme-manage" in lines[2] and "127.0.0.1" in lines[2]
    only = json.loads(b.ctl("audit", "--json", "-a",
                            "token acme-manage").stdout)
    assert [row["action"] for row in only["audit"]] == ["channel-disable"]
    assert b.ctl("audit", "--action", "nosuch").stdout == ""
    assert b.ctl("audit", "-n", "x", check=False).returncode == 4


def test_a_killed_daemon_has_the_row_with_the_change_or_neither(
        belfry, receiver):
    """One toggle after another is set to what it was not; each kill comes in
    the midst of it."""
    types = ["deploy_started", "deploy_succeeded", "deploy_failed"]
    b = belfry(channel(receiver().url))
    stop, done = threading.Event(), []

    def change():
        number = 0
        while not stop.is_set():
            try:
                body = {"enabled": number // len(types) % 2 == 0}
                done.append(b.http(
                    "PUT", f"/v1/event-types/{types[number % 3]}/toggle",
                    body).status)
            except OSError:
                time.sleep(0.01)
            number += 1
    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(8):
            goal = done.count(200) + 20
            wait_until(lambda: done.count(200) >= goal, "changes are made")
            victims = b.pids("scheduler")
            os.kill(victims[0], signal.SIGKILL)
            wait_until(lambda: b.pids("scheduler") not in ([], victims),
                       "a new scheduler")
    finally:
        stop.set()
        thread.join()
    b.wait_ready()
    told = [row for row in rows(b) if row["action"] == "toggle-set"]
    # Everything that was answered is told of.
    assert min(1000, done.count(200)) <= len(told)
    # The last row about a type says what it is now.
    for name in types:
        last = next(row for row in told if row["object"] == name)
        now = b.http("GET", f"/v1/event-types/{name}").json["enabled"]
        assert last["detail"] == f"enabled={str(now).lower()}"


def test_old_rows_are_forgotten(belfry, receiver):
    b = belfry(channel(receiver().url))
    b.http("POST", "/v1/channels/hook/disable")
    b.stop()
    # As written in 2024, and 100 more.
    store = sqlite3.connect(f"{b.folder}/state/belfry.db")
    for number in range(100):
        store.execute("INSERT INTO audit VALUES (?, 'uid 0', 'unix', NULL, "
                      "'old', '', '')", (number + 1,))
    store.commit()
    store.close()
    b.start()
    wait_until(lambda: [row["action"] for row in rows(b)] ==
               ["channel-disable"], "what is old is forgotten")
