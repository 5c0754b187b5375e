"""People who sign in to the dashboard: passwords, cookies, and requests that
other sites' pages make their browsers send (bad inputs, line 41)."""
import json
import re
import socket
import sqlite3
import subprocess

import pytest

import tls
from harness import BUILD, TOKEN, Answer, free_port, wait_until
from raw import exchange

PASSWORD = "correct horse battery staple"
PLAIN, SECURE = "belfry_session", "__Host-belfry_session"


def hashed(build, password=PASSWORD):
    done = subprocess.run([build / "belfryctl", "passwd"],
                          input=password + "\n", text=True, check=True,
                          capture_output=True, timeout=60)
    return done.stdout.strip()


@pytest.fixture(scope="session")
def one_hash():
    return hashed(BUILD)


def users(one_hash, *more):
    return f"""
dashboard_user alice {{ password {one_hash}; scope admin; }}
dashboard_user bob {{ password {one_hash}; scope manage; tenant acme; }}
dashboard_user eve {{ password {one_hash}; scope read; tenant acme; }}
""" + "".join(more)


class Browser:
    """Keeps a cookie, and sends what a page of the dashboard sends."""

    def __init__(self, belfry, origin=None):
        self.belfry, self.cookie, self.csrf = belfry, None, None
        self.origin = origin or f"http://127.0.0.1:{belfry.port}"

    def request(self, method, path, body=None, **headers):
        connection = self.belfry.connection(tcp=True)
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if self.cookie:
            sent["Cookie"] = "; ".join(f"{n}={v}" for n, v in
                                       self.cookie.items())
        if method != "GET":
            sent["Origin"] = self.origin
            if self.csrf:
                sent["X-CSRF-Token"] = self.csrf
        sent |= {name.replace("_", "-"): value
                 for name, value in headers.items()}
        sent = {name: value for name, value in sent.items()
                if value is not None}
        try:
            connection.request(method, path,
                               None if body is None else json.dumps(body),
                               sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def sign_in(self, user="alice", password=PASSWORD, status=200, **headers):
        answer = self.request("POST", "/v1/session",
                              {"user": user, "password": password}, **headers)
        assert answer.status == status, answer
        if status == 200:
            name, value = re.match("([^=]+)=([0-9a-f]{64});",
                                   answer.headers["Set-Cookie"]).groups()
            self.cookie, self.csrf = {name: value}, answer.json["csrf_token"]
        return answer


@pytest.fixture
def b(belfry, one_hash):
    return belfry(users(one_hash))


def test_who_signs_in_gets_a_cookie_that_says_who_it_is(b):
    browser = Browser(b)
    answer = browser.sign_in()
    assert answer.json["user"] == "alice" and answer.json["scope"] == "admin"
    assert answer.json["tenant_id"] == answer.json["default_tenant"]
    attributes = answer.headers["Set-Cookie"].split("; ")[1:]
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Strict"]
    shown = browser.request("GET", "/v1/session")
    assert shown.json == answer.json
    assert browser.request("GET", "/v1/channels").status == 200
    made = browser.request("POST", "/v1/tokens", {"name": "by-a-page"})
    assert made.status == 201, made


def test_users_may_do_what_their_scope_allows(b):
    bob, eve = Browser(b), Browser(b)
    assert bob.sign_in("bob").json["tenant_id"] == "acme"
    assert bob.request("GET", "/v1/session").json["default_tenant"] is None
    eve.sign_in("eve")
    toggle = ("PUT", "/v1/event-types/deploy_started/toggle",
              {"enabled": True})
    assert bob.request(*toggle).status == 200
    assert eve.request(*toggle).status == 403
    assert eve.request("GET", "/v1/event-types").status == 200
    assert bob.request("GET", "/v1/stats").status == 403
    assert bob.request("GET", "/v1/channels?tenant_id=other").status == 403


def test_a_wrong_name_and_a_wrong_password_are_the_same(b):
    browser = Browser(b)
    wrong = browser.sign_in("alice", "guess", 401)
    nobody = browser.sign_in("nobody", PASSWORD, 401)
    assert wrong.body == nobody.body
    assert "Set-Cookie" not in wrong.headers
    assert browser.request("GET", "/v1/session").status == 401


def test_what_is_no_sign_in_is_refused(b):
    browser = Browser(b)
    for body, field in (({"user": "alice"}, "/password"),
                        ({"password": "x"}, "/user"),
                        ({"user": 5, "password": "x"}, "/user"),
                        ({"user": "alice", "password": ""}, "/password"),
                        ({"user": "a", "password": "x" * 1025}, "/password"),
                        ({"user": "a", "password": "x", "more": 1}, "/more")):
        answer = browser.request("POST", "/v1/session", body)
        assert (answer.status, answer.json["field"]) == (422, field), answer
    assert browser.request("POST", "/v1/session", {},
                           Content_Type="text/plain").status == 415


def test_guessing_is_slowed_down(b):
    """Five failures are free; then an address waits, be the password right."""
    browser = Browser(b)
    for guess in range(5):
        browser.sign_in("alice", f"guess {guess}", 401)
    browser.sign_in("alice", "guess 5", 401)
    answer = browser.sign_in("alice", PASSWORD, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 300
    wait_until(lambda: browser.request(
        "POST", "/v1/session",
        {"user": "alice", "password": PASSWORD}).status == 200,
        "the wait is over", 30, 0.2)


def test_a_password_of_ones_own_buys_no_guesses(b):
    """Who shares an address with the user, as behind a proxy, and signs in
    there between guesses, takes the failures of the address away; those that
    are held against the user's name there stay."""
    alice, bob = Browser(b), Browser(b)
    alice.sign_in()
    statuses = []
    for guess in range(30):
        if guess % 4 == 0:
            bob.sign_in("bob")
        statuses.append(alice.request("POST", "/v1/session", {
            "user": "alice", "password": f"guess {guess}"}).status)
    assert 429 in statuses, statuses
    assert statuses.count(401) <= 25, statuses
    # The names of others do not wait for it.
    bob.sign_in("bob")


def test_many_guesses_at_once_gain_nothing(b):
    """All of them are counted before the first is checked."""
    connections = []
    body = json.dumps({"user": "alice", "password": "guess"}).encode()
    for _ in range(40):
        sock = socket.create_connection(("127.0.0.1", b.port))
        sock.sendall(b"POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: "
                     b"application/json\r\nConnection: close\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        connections.append(sock)
    statuses = []
    for sock in connections:
        sock.settimeout(60)
        data = b""
        while chunk := sock.recv(65536):
            data += chunk
        statuses.append(int(data.split()[1]))
        sock.close()
    assert statuses.count(401) <= 7, statuses
    assert set(statuses) <= {401, 429, 503}


FORGED = {
    "no token": {"X_CSRF_Token": None},
    "another token": {"X_CSRF_Token": "0" * 64},
    "an empty token": {"X_CSRF_Token": ""},
    "another origin": {"Origin": "https://evil.example"},
    "no origin to speak of": {"Origin": "null"},
    "an origin that begins like ours": {
        "Origin": "http://127.0.0.1.evil.example"},
}


@pytest.mark.parametrize("how", FORGED)
def test_what_another_site_sends_changes_nothing(b, how):
    browser = Browser(b)
    browser.sign_in()
    for method, path, body in (
            ("PUT", "/v1/event-types/deploy_started/toggle",
             {"enabled": True}),
            ("POST", "/v1/tokens", {"name": "forged"}),
            ("POST", "/v1/events", {"event": "deploy_failed",
                                    "subject": "forged"}),
            ("DELETE", "/v1/sessions", None)):
        answer = browser.request(method, path, body, **FORGED[how])
        assert (answer.status, answer.json["type"]) == \
            (403, "urn:belfry:problem:csrf"), (path, answer)
    toggle = b.http("GET", "/v1/event-types/deploy_started").json
    assert toggle["enabled"] is False
    assert browser.request("GET", "/v1/session").status == 200
    names = {t["name"] for t in b.http("GET", "/v1/tokens").json["tokens"]}
    assert "forged" not in names
    assert b.http("GET", "/v1/events").json["events"] == []


def test_a_rebound_name_gets_nowhere(b):
    """A page of evil.example whose name leads here is of one origin with us,
    but has no cookie of ours; and signs in for nobody."""
    answer = Browser(b).request("POST", "/v1/tokens", {"name": "forged"},
                                Host="evil.example",
                                Origin="http://evil.example")
    assert answer.status == 401
    answer = Browser(b).request("GET", "/v1/session", Host="evil.example")
    assert answer.status == 401
    assert Browser(b, "https://evil.example").sign_in(status=403)


def test_a_session_is_not_fixed(b):
    """A number that somebody else chose is none, and each sign-in makes a new
    one."""
    browser = Browser(b)
    browser.cookie = {PLAIN: "ab" * 32}
    first = browser.sign_in().headers["Set-Cookie"]
    assert "ab" * 32 not in first
    taken = browser.cookie
    again = browser.sign_in().headers["Set-Cookie"]
    assert first != again
    both = Browser(b)
    # Two cookies of the name: one may be somebody else's.
    both.cookie = taken
    name, value = next(iter(taken.items()))
    assert both.request("GET", "/v1/session",
                        Cookie=f"{name}={value}; {name}={'cd' * 32}"
                        ).status == 401


@pytest.mark.parametrize("cookie", [
    "belfry_session=", "belfry_session=" + "g" * 64,
    "belfry_session=" + "A" * 64, "belfry_session=" + "a" * 63,
    "belfry_session=" + "a" * 65, "belfry_session=" + "a" * 64, ";;;;", "=",
    "belfry_session", "xbelfry_session=" + "a" * 64, "a" * 8000,
    "__Host-belfry_session=" + "a" * 64])
def test_other_cookies_are_nobody(b, cookie):
    assert Browser(b).request("GET", "/v1/session",
                              Cookie=cookie).status == 401


def test_two_cookie_headers_are_refused(b):
    answer, = exchange(b.port, b"GET /v1/session HTTP/1.1\r\nHost: x\r\n"
                       b"Cookie: a=b\r\nCookie: c=d\r\n\r\n")
    assert answer.status == 400


def test_signing_out_ends_the_session_and_no_other(b):
    one, two = Browser(b), Browser(b)
    one.sign_in()
    two.sign_in()
    answer = one.request("DELETE", "/v1/session")
    assert answer.status == 200
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert one.request("GET", "/v1/session").status == 401
    assert two.request("GET", "/v1/session").status == 200


def test_signing_out_everywhere_ends_all_of_the_user(b):
    one, two, bob = Browser(b), Browser(b), Browser(b)
    one.sign_in()
    two.sign_in()
    bob.sign_in("bob")
    assert one.request("DELETE", "/v1/sessions").status == 200
    assert two.request("GET", "/v1/session").status == 401
    assert bob.request("GET", "/v1/session").status == 200


def stream_of(b, headers):
    connection = b.connection(tcp=True, timeout=60)
    connection.request("GET", "/v1/deliveries/stream", headers=headers)
    stream = connection.getresponse()
    assert stream.status == 200
    # It has begun when its first line is there.
    assert stream.readline().startswith(b": deliveries")
    return connection, stream


def ended_before(b, connection, stream):
    """Whether the stream ends, and shows nothing of what happens now."""
    event = b.http("POST", "/v1/events", {"event": "deploy_failed",
                                          "subject": "too late"})
    assert len(event.json["deliveries"]) == 1
    data = stream.read()
    connection.close()
    return b"too late" not in data


@pytest.mark.parametrize("path", ["/v1/session", "/v1/sessions"])
def test_a_stream_ends_with_its_session(belfry, receiver, one_hash, path):
    b = belfry(users(one_hash, f"channel webhook hook {{ url {receiver().url}; "
                     "}"))
    one, two = Browser(b), Browser(b)
    one.sign_in()
    two.sign_in()
    ending = one if path == "/v1/session" else two
    name, value = next(iter(ending.cookie.items()))
    stream = stream_of(b, {"Cookie": f"{name}={value}"})
    assert one.request("DELETE", path).status == 200
    assert ended_before(b, *stream)


def test_a_stream_ends_with_its_token(belfry, receiver):
    b = belfry(f"channel webhook hook {{ url {receiver().url}; }}")
    streams = []
    for name in ("gone", "stays"):
        made = b.http("POST", "/v1/tokens", {"name": name, "scope": "read"})
        streams.append(stream_of(b, {
            "Authorization": f"Bearer {made.json['token']}"}))
    assert b.http("DELETE", "/v1/tokens/gone").status == 200
    assert ended_before(b, *streams[0])
    connection, stream = streams[1]
    while b"too late" not in stream.readline():
        continue
    connection.close()


def test_sessions_outlive_the_daemon_but_not_their_user(belfry, one_hash):
    b = belfry(users(one_hash))
    alice, bob = Browser(b), Browser(b)
    alice.sign_in()
    bob.sign_in("bob")
    b.stop()
    b.start()
    assert alice.request("GET", "/v1/session").status == 200
    # Another password, or none: the sessions of before are over.
    b.configure(f"dashboard_user alice {{ password {hashed(b.build)}; "
                "scope admin; }")
    b.reload()
    assert alice.request("GET", "/v1/session").status == 401
    assert bob.request("GET", "/v1/session").status == 401
    alice.sign_in()


def test_sessions_end_by_themselves(belfry, one_hash):
    b = belfry(users(one_hash), api="session_timeout 60s;")
    browser = Browser(b)
    browser.sign_in()
    b.stop()
    with sqlite3.connect(b.folder / "state/belfry.db") as store:
        (name, value), = store.execute(
            "SELECT name, value FROM setting WHERE name LIKE 'session/%'")
        session = json.loads(value)
        assert session["user"] == "alice"
        session["seen_at"] -= 61_000
        store.execute("UPDATE setting SET value = ? WHERE name = ?",
                      (json.dumps(session), name))
    store.close()
    b.start()
    assert browser.request("GET", "/v1/session").status == 401


def test_a_use_is_noted(belfry, one_hash):
    b = belfry(users(one_hash), api="session_timeout 60s;")
    browser = Browser(b)
    browser.sign_in()

    def seen():
        with sqlite3.connect(b.folder / "state/belfry.db") as store:
            (value,), = store.execute("SELECT value FROM setting "
                                      "WHERE name LIKE 'session/%'")
        store.close()
        return json.loads(value)["seen_at"]

    first = seen()
    wait_until(lambda: browser.request("GET", "/v1/session").status == 200 and
               seen() > first, "the use is noted", 30, 0.5)


def test_the_store_has_neither_password_nor_cookie(b):
    browser = Browser(b)
    browser.sign_in()
    cookie = next(iter(browser.cookie.values())).encode()
    b.stop()
    kept = b"".join(path.read_bytes()
                    for path in (b.folder / "state").iterdir()
                    if path.is_file())
    assert PASSWORD.encode() not in kept and cookie not in kept
    assert PASSWORD not in b.log() and cookie.decode() not in b.log()


def test_over_tls_the_cookie_is_for_tls_alone(belfry, one_hash):
    pem = tls.issued("good")
    b = belfry(users(one_hash),
               api=f"listen 127.0.0.1:{(port := free_port())} tls; "
                   f"certificate {pem}; certificate_key {pem};")
    done = subprocess.run(
        ["curl", "-sik", f"https://127.0.0.1:{port}/v1/session", "-H",
         "Content-Type: application/json", "-d",
         json.dumps({"user": "alice", "password": PASSWORD})],
        capture_output=True, text=True, timeout=60, check=True)
    assert re.search(f"(?m)^Set-Cookie: {SECURE}=[0-9a-f]{{64}}; Path=/; "
                     "HttpOnly; SameSite=Strict; Secure\r?$", done.stdout)


def test_behind_a_proxy_with_tls_too(belfry, one_hash):
    b = belfry(users(one_hash), api="secure_cookies on;")
    browser = Browser(b, f"https://127.0.0.1:{b.port}")
    browser.sign_in()
    assert list(browser.cookie) == [SECURE]
    assert browser.request("GET", "/v1/session").status == 200
    value = browser.cookie[SECURE]
    assert browser.request("GET", "/v1/session",
                           Cookie=f"{PLAIN}={value}").status == 401


def test_tokens_are_no_sessions(b):
    answer = b.http("GET", "/v1/session", tcp=True)
    assert answer.status == 401
    assert b.http("DELETE", "/v1/sessions", tcp=True).status == 401
    # A token wins over a cookie, and needs nothing else.
    browser = Browser(b)
    browser.sign_in("eve")
    answer = browser.request("POST", "/v1/tokens", {"name": "by-token"},
                             Authorization=f"Bearer {TOKEN}",
                             X_CSRF_Token=None, Origin="https://evil.example")
    assert answer.status == 201


@pytest.mark.parametrize("block, reason", [
    ("password secret;", "not the hash of a password; expected what "
                         '"belfryctl passwd" prints'),
    ("", "password"),
    ("password HASH; scope ingest;", "scope"),
    ("password HASH; color red;", "color")])
def test_a_user_that_is_none_is_named_with_its_place(belfry, one_hash, block,
                                                     reason):
    b = belfry(start=False)
    b.configure(f"dashboard_user carol {{ {block.replace('HASH', one_hash)} "
                "}")
    done = subprocess.run(
        [b.program, "-t", "-c", b.conf_file], capture_output=True, text=True,
        timeout=60)
    assert done.returncode == 1
    assert re.search(f"belfry.conf:[0-9]+: .*{re.escape(reason)}",
                     done.stderr), done.stderr
    assert one_hash not in done.stderr


def test_hashes_are_not_shown(b):
    done = subprocess.run([b.program, "-T", "-c", b.conf_file],
                          capture_output=True, text=True, timeout=60)
    assert "dashboard_user" in done.stdout and "$scrypt" not in done.stdout


def test_who_came_and_went_is_written_down(b):
    browser = Browser(b)
    browser.sign_in("my password", "guess", 401)
    browser.sign_in("alice", "guess", 401)
    browser.sign_in()
    browser.request("DELETE", "/v1/session")
    browser.sign_in("bob")
    browser.request("DELETE", "/v1/sessions")
    with sqlite3.connect(b.folder / "state/belfry.db") as store:
        rows = list(store.execute("SELECT actor, action, object, address, "
                                  "tenant FROM audit ORDER BY id"))
    store.close()
    tenant = rows[2][4]
    assert rows == [
        ("nobody", "sign-in-refused", "", "127.0.0.1", None),
        ("nobody", "sign-in-refused", "alice", "127.0.0.1", None),
        ("user alice", "sign-in", "", "127.0.0.1", tenant),
        ("user alice", "sign-out", "", "127.0.0.1", tenant),
        ("user bob", "sign-in", "", "127.0.0.1", "acme"),
        ("user bob", "sign-out-everywhere", "", "127.0.0.1", "acme")]
    assert tenant not in (None, "acme")
