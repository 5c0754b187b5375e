"""Who may do what: tokens with tenant and scope, peers of the Unix socket, TLS;
and what is open to all (bad inputs, line 40)."""
import contextlib
import http.client
import os
import ssl
import subprocess
import sys

import harness
import pytest
import tls
from harness import TOKEN, channel, free_port, wait_until
from raw import EVENT, Raw, exchange, get, post as raw_post

INGEST, READ = "ingest-token-0123456", "read-token-012345678"
METRICS = "metrics-token-0123456"
ACME = "acme-token-0123456789"
MANAGE = "acme-manage-token-0123456789"


@pytest.fixture(scope="module")
def endpoint(module_closing):
    return module_closing(harness.Receiver())


@pytest.fixture(scope="module")
def tls_port():
    return harness.free_port()


@pytest.fixture(scope="module")
def b(module_closing, tmp_path_factory, endpoint, tls_port):
    pem = tls.issued("api")
    return module_closing(harness.Belfry(
        tmp_path_factory.mktemp("access"), channel(endpoint.url) + f"""
tenant acme {{ channel webhook acme-hook {{ url {endpoint.url}acme; }} }}
token in {{ value {INGEST}; scope ingest; }}
token read {{ value {READ}; scope read; }}
token metrics {{ value {METRICS}; scope metrics; }}
token own-manage {{ value own-manage-0123456789; scope manage; }}
token acme {{ value {ACME}; tenant acme; scope ingest; }}
token acme-read {{ value acme-read-0123456789; tenant acme; scope read; }}
token acme-manage {{ value {MANAGE}; tenant acme; scope manage; }}
token acme-root {{ value acme-root-0123456789; tenant acme; scope admin; }}
""", api=f"""
    listen 127.0.0.1:{tls_port} tls;
    certificate {pem};
    certificate_key {pem};
""")).start()


def ask(b, token, method="GET", path="/v1/channels", body=None):
    return b.http(method, path, body, {"Authorization": token} if token
                  else {"Authorization": ""}, tcp=True)


def post(b, token, **more):
    return ask(b, f"Bearer {token}", "POST", "/v1/events",
               {"event": "deploy_failed", "subject": "s", **more})


def test_a_401_says_the_same_whatever_is_wrong(b):
    """Line 40."""
    answers = [ask(b, token) for token in (
        "", "Bearer", "Bearer ", "Bearer x", f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}0", f"Bearer {TOKEN.upper()}", f"Basic {TOKEN}",
        TOKEN, f"Bearer {TOKEN} {TOKEN}", "Bearer " + "x" * 10000)]
    answers += exchange(b.port, get(b"/v1/channels"), end=True)
    for answer in answers:
        assert answer.status == 401
        assert answer.json == answers[0].json
    assert answers[0].headers["WWW-Authenticate"] == 'Bearer realm="belfry"'
    assert ask(b, "Bearer " + "x" * 20000).status == 431


def test_a_401_comes_before_the_body(b):
    head, _, _ = raw_post(b"x" * 100000).partition(b"\r\n\r\n")
    answers = exchange(b.port, head.replace(TOKEN.encode(), b"wrong")
                       + b"\r\n\r\n")
    assert [a.status for a in answers] == [401]


def test_what_follows_a_refused_request_is_no_request(b, endpoint):
    """Its body may look like one, and may come late."""
    inner = raw_post(b'{"event":"deploy_failed","subject":"smuggled"}')
    head = raw_post(inner).replace(TOKEN.encode(), b"wrong", 1)
    at = head.index(b"\r\n\r\n") + 4
    for cut in (at, at + 10, len(head)):
        with Raw(b.port) as raw:
            raw.send(head[:cut])
            raw.send(head[cut:])
            assert [a.status for a in raw.rest()] == [401]
    b.wait_idle()
    assert not any(r.json["subject"] == "smuggled" for r in endpoint.requests)


def test_scopes_allow_what_they_say(b):
    for token, method, path, status in (
            (INGEST, "POST", "/v1/events", 202),
            (INGEST, "GET", "/v1/events", 403),
            (INGEST, "GET", "/metrics", 403),
            (INGEST, "POST", "/v1/tokens", 403),
            (READ, "POST", "/v1/events", 403),
            (READ, "GET", "/v1/events", 200),
            (READ, "GET", "/v1/deliveries", 200),
            (READ, "GET", "/v1/stats", 403),
            (READ, "GET", "/metrics", 403),
            (METRICS, "GET", "/v1/stats", 200),
            (METRICS, "GET", "/metrics", 200),
            (METRICS, "GET", "/v1/rates", 403),
            (METRICS, "POST", "/v1/events", 403),
            (READ, "POST", "/v1/deliveries/cancel", 403),
            (READ, "POST", "/v1/channels/hook/disable", 403),
            (READ, "GET", "/v1/tokens", 403),
            (TOKEN, "POST", "/v1/events", 202),
            (TOKEN, "GET", "/v1/tokens", 200)):
        body = {"event": "deploy_failed", "subject": "scope"} \
            if method == "POST" else None
        answer = ask(b, f"Bearer {token}", method, path, body)
        assert answer.status == status, (token, method, path, answer)
        if status == 403:
            assert answer.json["type"] == "urn:belfry:problem:scope"


def manage(b, method, path, body=None):
    return ask(b, f"Bearer {MANAGE}", method, path, body)


def test_manage_is_all_of_one_tenant_and_nothing_else(b, endpoint):
    event = {"event": "deploy_failed", "subject": "manage"}
    posted = manage(b, "POST", "/v1/events", event)
    assert posted.status == 202
    assert [d["channel"] for d in posted.json["deliveries"]] == ["acme-hook"]
    for method, path, body in (
            ("GET", "/v1/events", None),
            ("POST", "/v1/explain", {"event": "deploy_failed"}),
            ("PUT", "/v1/event-types/deploy_started/toggle",
             {"enabled": True}),
            ("DELETE", "/v1/event-types/deploy_started/toggle", None),
            ("POST", "/v1/channels/acme-hook/disable", None),
            ("POST", "/v1/channels/acme-hook/enable", None),
            ("POST", "/v1/channels/acme-hook/test", None),
            ("POST", "/v1/deliveries/cancel", {"event": "deploy_started"}),
            ("GET", "/v1/modules", None)):
        assert manage(b, method, path, body).status == 200, path
    for method, path, body in (
            ("GET", "/v1/stats", None), ("GET", "/metrics", None),
            ("POST", "/v1/check", {}), ("POST", "/v1/rotate", {}),
            ("POST", "/v1/backup", {"file": "/nowhere/copy"}),
            ("POST", "/v1/seal", {"channel": "acme-hook",
                                  "directive": "secret", "secret": "x"})):
        answer = manage(b, method, path, body)
        assert answer.status == 403, path
        assert answer.json["type"] == "urn:belfry:problem:scope"
    # Nobody else's, whether it is there or not.
    assert manage(b, "POST", "/v1/channels/hook/test").status == 404
    for tenant in ("other", "beta"):
        answer = manage(b, "GET", f"/v1/channels?tenant_id={tenant}")
        assert answer.status == 403 and answer.json["field"] == "/tenant_id"


def test_manage_gives_tokens_of_its_tenant_but_no_admins(b):
    made = [manage(b, "POST", "/v1/tokens", {"name": "m", "scope": scope})
            for scope in ("ingest", "read", "manage", "admin")]
    assert [m.status for m in made] == [201, 201, 201, 403]
    assert {m.json["tenant_id"] for m in made[:3]} == {"acme"}
    assert made[3].json["field"] == "/scope"
    assert manage(b, "POST", "/v1/tokens",
                  {"name": "m", "tenant_id": "other"}).status == 403
    # Of its tenant, but for all: not for it to see, nor to revoke.
    b.http("POST", "/v1/tokens", {"name": "root", "tenant_id": "acme",
                                  "scope": "admin"})
    b.http("POST", "/v1/tokens", {"name": "m", "tenant_id": "other"})
    listed = manage(b, "GET", "/v1/tokens").json["tokens"]
    assert {t["tenant_id"] for t in listed} == {"acme"}
    assert {t["scope"] for t in listed} == {"ingest", "read", "manage"}
    # Nor where on the machine the conf file lies.
    assert {t["file"] for t in listed if "file" in t} == {"belfry.conf"}
    assert str(b.conf_file) in {t.get("file") for t in b.http(
        "GET", "/v1/tokens").json["tokens"]}
    assert manage(b, "DELETE", "/v1/tokens/root").status == 404
    # Another tenant's of that name do not count, nor are theirs found by id.
    ambiguous = manage(b, "DELETE", "/v1/tokens/m")
    assert ambiguous.status == 409 and "are 3 tokens" in ambiguous.json["detail"]
    for token in b.http("GET", "/v1/tokens").json["tokens"]:
        if token["name"] in ("m", "root"):
            own = token["tenant_id"] == "acme" and token["name"] == "m"
            assert manage(b, "DELETE", f"/v1/tokens/{token['id']}").status == \
                (200 if own else 404)
    left = b.http("GET", "/v1/tokens").json["tokens"]
    assert {(t["name"], t["tenant_id"]) for t in left} >= {
        ("m", "other"), ("root", "acme"), ("acme-root", "acme")}
    assert ("m", "acme") not in {(t["name"], t["tenant_id"]) for t in left}
    for name in ("m", "root"):
        assert b.http("DELETE", f"/v1/tokens/{name}").status == 200


def test_figures_of_all_are_not_for_one_tenant(b):
    for token in ("acme-read-0123456789", MANAGE, "own-manage-0123456789"):
        for path in ("/v1/stats", "/metrics"):
            assert ask(b, f"Bearer {token}", "GET", path).status == 403, token


def test_who_manages_a_tenant_gives_no_scope_of_the_daemon(b):
    for token in (MANAGE, "own-manage-0123456789"):
        for scope in ("metrics", "admin"):
            answer = ask(b, f"Bearer {token}", "POST", "/v1/tokens",
                         {"name": "more", "scope": scope})
            assert answer.status == 403, answer
            assert answer.json["field"] == "/scope"
    made = b.http("POST", "/v1/tokens", {"name": "scraper", "scope": "metrics"})
    assert made.status == 201, made
    assert ask(b, f"Bearer {made.json['token']}", "GET",
               "/metrics").status == 200
    seen = ask(b, "Bearer own-manage-0123456789", "GET", "/v1/tokens").json
    assert not {t["name"] for t in seen["tokens"]} & {"scraper", "metrics"}
    assert ask(b, "Bearer own-manage-0123456789", "DELETE",
               "/v1/tokens/scraper").status == 404
    assert b.http("DELETE", "/v1/tokens/scraper").status == 200


def test_a_token_is_for_its_tenant(b, endpoint):
    first = post(b, ACME).json
    assert [d["channel"] for d in first["deliveries"]] == ["acme-hook"]
    assert post(b, ACME, tenant_id="acme").status == 202
    refused = post(b, ACME, tenant_id="other")
    assert refused.status == 403 and refused.json["field"] == "/tenant_id"
    assert post(b, INGEST, tenant_id="acme").status == 403
    # An admin may act for anyone.
    assert post(b, TOKEN, tenant_id="acme").status == 202
    b.wait_idle()

    def list_as(token, path):
        return ask(b, f"Bearer {token}", path=path)

    acme = "acme-read-0123456789"
    assert {e["tenant_id"] for e in
            list_as(acme, "/v1/events").json["events"]} == {"acme"}
    assert {d["channel"] for d in list_as(acme, "/v1/deliveries")
            .json["deliveries"]} == {"acme-hook"}
    assert list_as(acme, "/v1/events?tenant_id=other").status == 403
    mine = post(b, INGEST).json
    for path in (f"/v1/events/{mine['id']}",
                 f"/v1/deliveries/{mine['deliveries'][0]['id']}"):
        assert list_as(acme, path).status == 404
        assert list_as(READ, path).status == 200
    assert list_as(READ, f"/v1/events/{first['id']}").status == 404


def test_a_made_token_is_shown_once_and_ends_when_revoked(b):
    made = b.http("POST", "/v1/tokens", {"name": "ci", "scope": "ingest"})
    assert made.status == 201
    token = made.json["token"]
    assert post(b, token).status == 202
    assert token not in b.http("GET", "/v1/tokens").body.decode()
    assert token.encode() not in b"".join(
        path.read_bytes() for path in (b.folder / "state").iterdir()
        if path.is_file())
    # Asked for all the time: not even what is under way may bring it back.
    for number in range(10):
        made = b.http("POST", "/v1/tokens", {"name": f"t{number}"}).json
        with Raw(b.port) as raw:
            request = raw_post().replace(TOKEN.encode(),
                                         made["token"].encode())
            raw.send(request)
            assert raw.answer().status == 202
            assert b.http("DELETE", f"/v1/tokens/t{number}").status == 200
            raw.send(request)
            assert raw.answer().status == 401
    assert b.http("DELETE", "/v1/tokens/ci").status == 200
    assert post(b, token).status == 401
    assert b.http("DELETE", "/v1/tokens/ci").status == 404


def test_wrong_tokens_by_the_thousand_cost_nobody_else(b):
    intake = b.pids("intake")[0]
    with Raw(b.port) as raw:
        for number in range(5000):
            raw.send(get(b"/v1/stats", b"Authorization: Bearer w%d\r\n"
                         % number))
            assert raw.answer().status == 401
    assert post(b, INGEST).status == 202
    assert b.pids("intake") == [intake]


def test_streams_are_so_many(b):
    def follow(token):
        connection = b.connection(tcp=True, timeout=60)
        connection.request("GET", "/v1/deliveries/stream", headers={
            "Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        connection.close()  # the answer keeps the socket
        return answer

    streams = [follow("acme-read-0123456789") for _ in range(32)]
    try:
        assert {answer.status for answer in streams} == {200}
        refused = follow("acme-read-0123456789")
        streams.append(refused)
        assert refused.status == 429
        assert int(refused.headers["Retry-After"]) >= 1
        streams.append(follow(READ))
        assert streams[-1].status == 200, "another tenant's"
    finally:
        for answer in streams:
            answer.close()

    def again():
        with contextlib.closing(follow("acme-read-0123456789")) as answer:
            return answer.status == 200
    wait_until(again, "there is room again")


def test_the_unix_socket_trusts_root_and_its_own_user_alone(b):
    if os.getuid() != 0:
        pytest.skip("only root can be somebody else")
    assert b.http("GET", "/v1/tokens").status == 200
    wrong = b.http("GET", "/v1/tokens", headers={"Authorization": "Bearer x"})
    assert wrong.status == 401, "a token that is given is what counts"
    program = f"""
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect({b.socket!r})
s.sendall(b"GET /v1/stats HTTP/1.1\\r\\nHost: x\\r\\n" +
          sys.argv[1].encode() + b"Connection: close\\r\\n\\r\\n")
print(s.recv(100).split()[1].decode())
"""

    def as_nobody(header=""):
        return subprocess.run(
            [sys.executable, "-c", program, header], user=65534, group=65534,
            extra_groups=[], cwd="/", capture_output=True, text=True)

    # The mode of the file comes first.
    assert "PermissionError" in as_nobody().stderr
    os.chmod(b.socket, 0o666)
    try:
        assert as_nobody().stdout.strip() == "401"
        assert as_nobody(f"Authorization: Bearer {METRICS}\r\n") \
            .stdout.strip() == "200"
    finally:
        os.chmod(b.socket, 0o600)


# ---- TLS ----

def client(**options):
    context = ssl.create_default_context(cafile=tls.authority().certificate)
    for name, value in options.items():
        setattr(context, name, value)
    return context


def test_events_are_taken_over_tls(b, tls_port):
    connection = http.client.HTTPSConnection("127.0.0.1", tls_port, timeout=20,
                                             context=client())
    for _ in range(3):
        connection.request("POST", "/v1/events", EVENT,
                           {"Content-Type": "application/json",
                            "Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        assert answer.status == 202 and answer.read()
    connection.close()


def tls_raw(tls_port, context=None):
    plain = Raw(tls_port).socket
    return Raw(sock=(context or client(check_hostname=False)).wrap_socket(
        plain, suppress_ragged_eofs=False))


def test_tls_is_ended_by_its_own_alert(b, tls_port):
    """Else a client can't tell the end from a cut."""
    with tls_raw(tls_port) as raw:
        raw.send(b"".join(get() for _ in range(20)) + b"nonsense\r\n\r\n")
        # suppress_ragged_eofs is off: an end without an alert would raise.
        assert [a.status for a in raw.rest()] == [200] * 20 + [400]


def test_a_large_answer_and_body_pass_through_tls(b, tls_port):
    body = b'{"event":"deploy_started","subject":"x","body":"%s"}' \
        % (b"y" * 900000)
    with tls_raw(tls_port) as raw:
        for _ in range(3):
            raw.send(raw_post(body))
            assert raw.answer().status == 202


def test_what_is_no_tls_is_not_answered(b, tls_port):
    assert exchange(tls_port, get()) == []
    old = client(check_hostname=False)
    with pytest.warns(DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        tls_raw(tls_port, old)
    with tls_raw(tls_port) as raw:
        raw.send(get())
        assert raw.answer().status == 200


def test_tls_has_forward_secrecy(belfry, tmp_path):
    """RFC 9325, section 4.1: a key that gets known opens no recording."""
    pem, port = tmp_path / "rsa.pem", free_port()
    tls.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 3,
                "-subj", "/CN=x", "-keyout", tmp_path / "key", "-out", pem)
    pem.write_text(pem.read_text() + (tmp_path / "key").read_text())
    belfry(api=f"listen 127.0.0.1:{port} tls; certificate {pem}; "
           f"certificate_key {pem};")
    for ciphers, taken in (("kRSA", False), ("ECDHE+SHA1", False),
                           ("ECDHE+AESGCM", True), ("ECDHE+CHACHA20", True)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        if taken:
            with tls_raw(port, context):
                continue
        with pytest.raises(ssl.SSLError):
            tls_raw(port, context)


# ---- what is open to all ----

def test_health_and_readiness_need_no_token(b):
    for path in (b"/healthz", b"/readyz"):
        answer, = exchange(b.port, get(path), end=True)
        assert answer.status == 200 and answer.json["status"]


def test_ready_is_not_said_without_a_scheduler(b):
    scheduler = b.pids("scheduler")[0]
    os.kill(scheduler, 9)
    seen = []

    def ready():
        answer = b.http("GET", "/readyz")
        seen.append(answer.status)
        assert b.http("GET", "/healthz").status == 200
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) >= 1
        return answer.status == 200 and b.pids("scheduler") not in (
            [], [scheduler])

    wait_until(ready, "it is ready again")
    assert set(seen) <= {200, 503}
    assert post(b, INGEST).status == 202


def test_metrics_are_what_prometheus_reads(b):
    assert post(b, INGEST).status == 202
    b.wait_idle()
    answer = b.http("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    done = subprocess.run(["promtool", "check", "metrics"], text=True,
                          input=answer.body.decode(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert b.metric("belfry_events_accepted_total") >= 1
    assert b.metric("belfry_requests_total") >= 1


def test_what_an_admin_makes_is_of_the_tokens_tenant(belfry):
    key = "acme-admin-0123456789"
    b = belfry(f"token acme {{ value {key}; tenant acme; scope admin; }}\n")
    acme = {"Authorization": f"Bearer {key}"}
    made = b.http("POST", "/v1/channels", {
        "name": "team", "module": "webhook",
        "settings": {"url": "https://example.com/"}}, headers=acme)
    assert made.status == 201 and made.json["tenant_id"] == "acme"
    assert b.http("GET", "/v1/channels/team", headers=acme).status == 200
    assert b.http("GET", "/v1/channels/team").status == 404
    assert b.http("POST", "/v1/tokens", {"name": "t"},
                  headers=acme).json["tenant_id"] == "acme"
    assert b.http("DELETE", "/v1/channels/team?tenant_id=acme").status == 200
