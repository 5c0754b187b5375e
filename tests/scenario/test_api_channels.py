"""Channels made over the API: checked, kept, changed, deleted."""
import base64
import datetime
import hashlib
import hmac
import json
import sqlite3

import pytest

from harness import BUILD, channel, wait_until

SECRET = "canary-of-a-channel"


def reload(b):
    """Reloads, and waits until events are routed by the new conf file."""
    before = b.log().count("new configuration is in use")
    assert b.reload(), b.log()
    wait_until(
        lambda: b.log().count("new configuration is in use") > before,
        "the scheduler has the new configuration")


def settings(endpoint, **more):
    return {"url": endpoint.url, **more}


def create(b, endpoint, name="team", **more):
    return b.http("POST", "/v1/channels",
                  {"name": name, "module": "webhook",
                   "settings": settings(endpoint, secret=SECRET), **more})


def test_explain_tells_of_it(belfry, receiver):
    b = belfry()
    assert create(b, receiver(), events=["deploy_failed"]).status == 201
    for enabled, rule, text in (
            (True, "not_listed",
             "the channel's event list does not match incident_created"),
            (False, "channel_disabled",
             "the channel was disabled over the API")):
        assert b.http("PATCH", "/v1/channels/team",
                      {"enabled": enabled}).status == 200
        explained, = b.http("POST", "/v1/explain", {
            "event": "incident_created"}).json["channels"]
        assert explained["rule"] == rule, explained
        assert explained["reason"] == text, explained


def test_a_channel_is_made_and_survives(belfry, receiver):
    endpoint = receiver()
    b = belfry("")
    answer = create(b, endpoint, events=["deploy_*"], retry="1s 2s",
                    rate="10/s burst=5")
    assert answer.status == 201, answer
    tag = answer.headers["ETag"]
    made = answer.json
    assert made["version"] == 1 and made["module"] == "webhook"
    assert made["settings"]["url"] == endpoint.url
    assert made["secrets"] == ["secret"] and SECRET not in answer.body.decode()
    b.post()
    assert endpoint.wait(1)[0].signed_by(SECRET)
    # What is shown can be put back: secrets that are left out stay.
    shown = b.http("GET", "/v1/channels/team")
    assert shown.headers["ETag"] == tag
    answer = b.http("PUT", "/v1/channels/team", shown.json,
                    {"If-Match": tag})
    assert answer.status == 200 and answer.headers["ETag"] != tag, answer
    assert answer.json["version"] == 2
    assert answer.json["created_at"] == made["created_at"]
    tag = answer.headers["ETag"]
    b.stop()
    b.start()
    b.post()
    assert endpoint.wait(2)[1].signed_by(SECRET)
    reload(b)
    b.post()
    assert endpoint.wait(3)[2].signed_by(SECRET)
    shown = b.http("GET", "/v1/channels/team")
    assert shown.json["events"] == ["deploy_*"]
    assert shown.headers["ETag"] == tag
    b.post("incident_created")
    b.wait_idle()
    assert len(endpoint.requests) == 3


def test_changes_are_not_lost(belfry, receiver):
    endpoint, other = receiver(), receiver()
    b = belfry("")
    tag = create(b, endpoint).headers["ETag"]
    answer = b.http("PATCH", "/v1/channels/team", {"events": ["deploy_*"]},
                    {"If-Match": tag})
    assert answer.status == 200 and answer.json["events"] == ["deploy_*"]
    answer = b.http("PATCH", "/v1/channels/team", {"events": ["incident_*"]},
                    {"If-Match": tag})
    assert answer.status == 412, answer
    assert "changed meanwhile" in answer.json["detail"]
    # To another place secrets do not follow.
    answer = b.http("PATCH", "/v1/channels/team",
                    {"settings": {"url": other.url}})
    assert answer.status == 422 and answer.json["field"] == "/settings/secret"
    assert b.http("GET", "/v1/channels/team").json["version"] == 2
    answer = b.http("PATCH", "/v1/channels/team",
                    {"settings": {"url": other.url, "secret": "another"}})
    assert answer.status == 200 and answer.json["version"] == 3
    b.post()
    assert other.wait(1)[0].signed_by("another")
    answer = b.http("PATCH", "/v1/channels/team",
                    {"settings": {"secret": None}})
    assert answer.status == 200 and answer.json["secrets"] == []
    b.post()
    assert "X-Reoclo-Signature-256" not in other.wait(2)[1].headers
    assert endpoint.requests == []


@pytest.mark.parametrize("change, status, field, detail", [
    ({"module": "webhok"}, 422, "/module", "did you mean"),
    ({"settings": {}}, 422, "/settings/url", "missing"),
    ({"settings": {"url": "nowhere"}}, 422, "/settings/url", "absolute URL"),
    ({"retry": "1x"}, 422, "/retry", "unknown unit"),
    ({"retri": "1s"}, 422, "/retri", "did you mean"),
    ({"events": ["no_such"]}, 422, "/events", "no_such"),
    ({"name": "../x"}, 422, "/name", "no name"),
    ({"proxy": "http://127.0.0.1:1"}, 422, "/proxy", "conf file"),
    # By the module's own check, in a worker.
    ({"settings": {"url": "https://example.com/", "username": "x",
                   "bearer": "y"}}, 422, "/settings", ""),
])
def test_what_is_wrong_is_named(belfry, receiver, change, status, field,
                                detail):
    b = belfry("")
    body = {"name": "team", "module": "webhook",
            "settings": {"url": "https://example.com/"}, **change}
    answer = b.http("POST", "/v1/channels", body)
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["field"] == field
    assert detail in answer.json["detail"]
    assert b.http("GET", "/v1/channels").json["channels"] == []


def test_conf_file_channels_are_locked(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, "hook"))
    answer = create(b, endpoint, "hook")
    assert answer.status == 409 and answer.json["field"] == "/name"
    assert "expected another name" in answer.json["detail"]
    for method in ("PUT", "PATCH", "DELETE"):
        answer = b.http(method, "/v1/channels/hook",
                        None if method == "DELETE" else {"module": "webhook"})
        assert answer.status == 409, answer
        assert "belfry.conf:" in answer.json["detail"]
    b.post()
    endpoint.wait(1)


def test_deleting_cancels_what_waits(belfry, receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry("")
    made = create(b, endpoint, retry="1h", max_age="2h")
    assert made.status == 201
    assert create(b, endpoint).status == 409
    waiting = b.delivery_of(b.post())
    endpoint.wait(1)
    answer = b.http("DELETE", "/v1/channels/team", headers={"If-Match": '"9"'})
    assert answer.status == 412
    answer = b.http("DELETE", "/v1/channels/team", headers={"If-Match": made.headers["ETag"]})
    assert answer.status == 200, answer
    b.wait_state(waiting, "cancelled")
    assert b.http("GET", "/v1/channels/team").status == 404
    assert b.http("DELETE", "/v1/channels/team").status == 404
    b.stop()
    b.start()
    assert b.http("GET", "/v1/channels").json["channels"] == []
    # A new one of that name begins anew, and is not taken for the old one.
    again = create(b, endpoint)
    assert again.json["version"] == 1
    for method, body in (("PUT", {"module": "webhook"}),
                         ("PATCH", {"events": []}), ("DELETE", None)):
        answer = b.http(method, "/v1/channels/team", body,
                        {"If-Match": made.headers["ETag"]})
        assert answer.status == 412, (method, answer)


def test_switching_is_a_change(belfry, receiver):
    """Who saw a channel before it was switched or stopped is told."""
    b = belfry(channel(receiver().url, "conf"))
    endpoint = receiver(lambda request: 410)
    made = b.http("POST", "/v1/channels", {
        "name": "team", "module": "webhook",
        "settings": settings(endpoint, gone="stop")})
    seen = [made.headers["ETag"]]
    path = "/v1/channels/team"
    for verb in ("disable", "enable"):
        answer = b.http("POST", f"{path}/{verb}", {}, {"If-Match": seen[-1]})
        assert answer.status == 200, answer
        assert b.http("GET", path).headers["ETag"] == answer.headers["ETag"]
        seen.append(answer.headers["ETag"])
        assert seen[-1] != seen[-2]
    b.post()
    wait_until(lambda: b.http("GET", path).json["state"] == "stopped",
               "its endpoint stops it")
    answer = b.http("PATCH", path, {"events": []}, {"If-Match": seen[-1]})
    assert answer.status == 412, answer
    stopped = b.http("GET", path).headers["ETag"]
    answer = b.http("POST", f"{path}/start", {}, {"If-Match": stopped})
    assert answer.status == 200 and answer.headers["ETag"] != stopped
    # Of the conf file's there is no tag, but there is the channel.
    conf = "/v1/channels/conf/disable"
    assert b.http("POST", conf, {}, {"If-Match": '"1"'}).status == 412
    assert b.http("POST", conf, {}, {"If-Match": "*"}).status == 200


def test_one_from_before_times_were_noted(belfry, receiver):
    """In the store since a release that kept no time with a channel."""
    b = belfry("")
    endpoint = receiver()
    create(b, endpoint)
    b.stop()
    with sqlite3.connect(b.folder / "state" / "belfry.db") as db:
        db.execute("UPDATE setting SET value = json_remove(value, "
                   "'$.created_at') WHERE name LIKE 'api_channel/%'")
    b.start()
    shown = b.http("GET", "/v1/channels/team")
    assert shown.headers["ETag"] == '"1"'
    assert "created_at" not in shown.json
    answer = b.http("PATCH", "/v1/channels/team", {"events": []},
                    {"If-Match": '"1"'})
    assert answer.status == 200 and answer.headers["ETag"] == '"2"', answer


def test_deleting_cancels_all_though_one_of_that_name_follows(belfry,
                                                              receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry("")
    create(b, endpoint, retry="1h", max_age="2h")
    line = json.dumps({"event": "deploy_failed", "subject": "old"})
    b.http("POST", "/v1/events", "\n".join([line] * 4000),
           {"Content-Type": "application/x-ndjson"})
    endpoint.wait(1)
    assert b.http("DELETE", "/v1/channels/team").status == 200
    other = receiver()
    assert create(b, other).status == 201
    new = b.post(subject="new")
    b.wait_state(b.delivery_of(new), "delivered")
    wait_until(lambda: not b.http(
        "GET", "/v1/deliveries?state=scheduled&limit=1").json["deliveries"],
        "nothing is left behind")
    b.stop()
    b.start()
    b.wait_idle()
    assert [request.json["subject"] for request in other.requests] == ["new"]


def test_one_of_the_conf_file_hides_one_of_the_api(belfry, receiver):
    mine, theirs = receiver(), receiver()
    b = belfry("")
    create(b, mine)
    b.configure(channel(theirs.url, "team"))
    reload(b)
    assert "left out" in b.log()
    b.post()
    theirs.wait(1)
    b.configure("")
    reload(b)
    b.post()
    assert mine.wait(1)[0].signed_by(SECRET)
    assert len(theirs.requests) == 1


def test_without_its_key_file_belfry_does_not_start(belfry, receiver):
    endpoint = receiver()
    b = belfry("")
    create(b, endpoint)
    key = b.folder / "state" / "belfry.key"
    assert key.stat().st_mode & 0o7777 == 0o600
    text = key.read_text()
    b.stop()

    def refuses(why):
        b.start(wait=False)
        assert b.ended() != 0
        assert f"key file {key}" in b.log() and why in b.log()

    key.unlink()
    refuses("is missing")
    key.write_text(text)
    key.chmod(0o644)
    refuses("mode 0644")
    key.chmod(0o600)
    key.write_text(text[:-10])
    refuses("is damaged")
    # Another key opens nothing: the channel is there, and says why it waits.
    key.write_text(text)
    b.start()
    b.post()
    assert endpoint.wait(1)[0].signed_by(SECRET)
    b.stop()
    key.unlink()
    other = belfry("")
    key.write_text((other.folder / "state" / "belfry.key").read_text())
    key.chmod(0o600)
    b.start()
    shown = b.http("GET", "/v1/channels/team").json
    assert shown["state"] == "faulty" and "key" in shown["reason"], shown
    waiting = b.delivery_of(b.post())
    b.stop()
    key.write_text(text)
    b.start()
    b.wait_state(waiting, "delivered")


def standard(request, key):
    """The signature of Standard Webhooks."""
    signed = b".".join([request.headers["webhook-id"].encode(),
                        request.headers["webhook-timestamp"].encode(),
                        request.body])
    digest = hmac.new(key.encode(), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def test_a_secret_is_replaced_without_knowing_the_old_one(belfry, receiver):
    endpoint = receiver()
    b = belfry("")
    create(b, endpoint)
    until = (datetime.datetime.now(datetime.timezone.utc) +
             datetime.timedelta(hours=1)).isoformat()
    rotation = {"settings": {"secret": "the-new-one",
                             "previous_secret": {"saved": "secret"},
                             "previous_secret_until": until}}
    answer = b.http("PATCH", "/v1/channels/team", rotation)
    assert answer.status == 200, answer
    assert sorted(answer.json["secrets"]) == ["previous_secret", "secret"]
    assert SECRET not in answer.body.decode()
    for restarted in (False, True):
        if restarted:
            b.stop()
            b.start()
        b.post()
        request = endpoint.wait(1 + restarted)[-1]
        assert sorted(request.headers["webhook-signature"].split()) == sorted(
            [standard(request, "the-new-one"), standard(request, SECRET)])
        assert request.signed_by(SECRET)
    # It does not go elsewhere, and what is not saved is not made up.
    elsewhere = receiver()
    rotation["settings"]["url"] = elsewhere.url
    answer = b.http("PATCH", "/v1/channels/team", rotation)
    assert answer.status == 422, answer
    assert answer.json["field"] == "/settings/previous_secret", answer
    made = b.http("POST", "/v1/channels",
                  {"name": "other", "module": "webhook",
                   "settings": settings(endpoint,
                                        secret={"saved": "secret"})})
    assert made.status == 422 and made.json["field"] == "/settings/secret"


def test_secret_headers_are_named_and_not_shown(belfry, receiver):
    endpoint = receiver()
    b = belfry("")
    answer = b.http("POST", "/v1/channels",
                    {"name": "team", "module": "webhook",
                     "settings": settings(endpoint, header=[
                         ["X-Team", "ops"], ["X-Key", {"secret": SECRET}]])})
    assert answer.status == 201, answer
    assert answer.json["settings"]["header"] == [["X-Team", "ops"]]
    assert answer.json["secrets"] == ["header X-Key"]
    # Others change; it stays. Named with null, it goes.
    answer = b.http("PATCH", "/v1/channels/team",
                    {"settings": {"header": [["X-Team", "dev"]]}})
    assert answer.json["secrets"] == ["header X-Key"], answer
    b.post()
    request = endpoint.wait(1)[0]
    assert request.headers["X-Key"] == SECRET
    assert request.headers["X-Team"] == "dev"
    answer = b.http("PATCH", "/v1/channels/team",
                    {"settings": {"header": [["X-Team", "dev"],
                                             ["X-Key", None]]}})
    assert answer.status == 200 and answer.json["secrets"] == [], answer


def test_headers_that_are_not_named_stay(belfry, receiver):
    endpoint = receiver()
    b = belfry("")
    answer = b.http("POST", "/v1/channels",
                    {"name": "team", "module": "webhook",
                     "settings": settings(endpoint, header={
                         "X-Team": "ops", "X-Old": "1",
                         "X-Key": {"secret": SECRET}})})
    assert answer.status == 201, answer
    for header, plain, secret in (
            ({"X-New": "2"},
             {"X-Team": "ops", "X-Old": "1", "X-New": "2"}, True),
            ({"X-Team": "dev", "X-Old": None, "X-None": None},
             {"X-Team": "dev", "X-New": "2"}, True),
            # The names of header fields differ in more than case.
            ({"x-team": "qa"}, {"x-team": "qa", "X-New": "2"}, True),
            ({"X-TEAM": "dev"}, {"X-TEAM": "dev", "X-New": "2"}, True),
            ({"x-key": None}, {"X-TEAM": "dev", "X-New": "2"}, False),
            ([["X-Only", "3"]], {"X-Only": "3"}, False),
            ({"X-Only": None}, {}, False),
            ({"X-Team": "ops"}, {"X-Team": "ops"}, False)):
        answer = b.http("PATCH", "/v1/channels/team",
                        {"settings": {"header": header}})
        assert answer.status == 200, answer
        assert dict(answer.json["settings"].get("header", [])) == plain
        assert answer.json["secrets"] == ["header X-Key"] * secret
    b.ctl("channels", "set", "team", "header.X-Foo=bar")
    b.ctl("channels", "set", "team", "header.X-Team=")
    shown = b.http("GET", "/v1/channels/team").json
    assert shown["settings"]["header"] == [["X-Foo", "bar"]]


def test_a_password_does_not_follow_to_another_port(belfry):
    """Another's program may listen there."""
    b = belfry(f"load_module {BUILD}/.libs/smtp.so isolate=off;")
    settings = {"host": "mail.example.com", "port": 587, "from": "a@b.example",
                "to": ["c@d.example"], "username": "u", "password": "p"}
    assert b.http("POST", "/v1/channels", {
        "name": "mail", "module": "smtp",
        "settings": settings}).status == 201
    moved = b.http("PATCH", "/v1/channels/mail", {"settings": {"port": 2525}})
    assert moved.status == 422 and "port is another one now" in \
        moved.json["detail"], moved
    kept = {name: settings[name] for name in ("host", "port", "from", "to")}
    for port, status in ((2525, 422), (None, 422)):
        draft = b.http("POST", "/v1/channels/test", {
            "name": "mail", "module": "smtp",
            "settings": {k: v for k, v in (kept | {"port": port}).items()
                         if v is not None}})
        assert draft.status == status, draft
    assert b.http("PATCH", "/v1/channels/mail", {"settings": {
        "port": 465, "username": "u", "password": "p"}}).status == 200
