"""Testing a channel: what a test shows, and what it says to do.

Real sockets that fail in every way at hand; each must end in the hint that
its case has in the table, and no test may show a secret or leave a trace.
"""
import json
import os
import signal
import socket
import ssl
import threading
import time
import warnings

import pytest

import tls
from harness import (SECRET, RawServer, channel, free_port, read_request,
                     wait_until)

CANARY = "c4naryc4naryc4nary"


def post_test(b, path, body):
    """The answer to a test, as soon as there is a worker to make it."""
    answers = []

    def made():
        answers.append(b.http("POST", path, body))
        return b"no-worker" not in answers[-1].body
    wait_until(made, "a worker")
    return answers[-1]


def run_test(b, name="hook", **more):
    answer = post_test(b, f"/v1/channels/{name}/test", more)
    assert answer.status == 200, answer
    return answer.json


def steps_of(result, step):
    return [s["text"] for s in result["steps"] if s["step"] == step]


def hint_of(result):
    return result.get("hint", {}).get("name")


# ---- what is shown ----

def test_a_delivered_test_shows_every_step(belfry, receiver):
    pem = tls.issued("localhost", "DNS:localhost,IP:127.0.0.1")
    endpoint = receiver(ssl=tls.server(pem))
    ca = tls.authority().certificate
    b = belfry(channel(f"https://localhost:{endpoint.port}/hook", more=f"""
        secret {SECRET}; ca_file {ca}; events incident_created;"""))
    result = run_test(b)
    assert result["ok"] and result["status"] == 204, result
    assert "hint" not in result
    assert steps_of(result, "resolve")[0] == \
        "looking up the address of localhost"
    assert "localhost is at " in steps_of(result, "resolve")[1]
    assert steps_of(result, "connect")[-1] == "connected"
    assert f"port {endpoint.port}" in steps_of(result, "connect")[0]
    assert steps_of(result, "tls")[0].startswith("TLSv1.3, TLS_")
    certificate = steps_of(result, "certificate")
    assert certificate[0] == "subject CN = localhost"
    assert certificate[1] == "for DNS:localhost, IP Address:127.0.0.1"
    assert certificate[2] == "issued by CN = Scenario"
    assert certificate[3].startswith("valid from 20")
    assert "POST /hook HTTP/1.1" in steps_of(result, "request")
    assert any(line.startswith("HTTP/1.1 204") for line in
               steps_of(result, "answer"))
    assert result["steps"][-1]["step"] == "end"
    times = [s["at_us"] for s in result["steps"]]
    assert times == sorted(times) and times[-1] > 0
    # One real notification, past the filter, and no trace of it.
    assert len(endpoint.requests) == 1
    assert endpoint.requests[0].json["event"] == "deploy_succeeded"
    assert endpoint.requests[0].signed_by(SECRET)
    assert b.http("GET", "/v1/events").json["events"] == []
    assert b.http("GET", "/v1/deliveries").json["deliveries"] == []
    assert b.stats()["deliveries"]["waiting"] == 0


def test_a_test_shows_no_secret(belfry, receiver):
    """Canaries in everything that may hold one."""
    endpoint = receiver(lambda request: (
        401, {"Set-Cookie": CANARY, "Location": f"/x?{CANARY}=1&a={CANARY}"},
        b"no"))
    b = belfry(channel(f"{endpoint.url}services/{CANARY}/x?key={CANARY}", more=f"""
        secret {CANARY}-secret; previous_secret {CANARY}-previous;
        previous_secret_until 2090-01-01T00:00:00Z;
        header X-Token {CANARY}; bearer {CANARY}-bearer;"""))
    shown = json.dumps(run_test(b))
    request = endpoint.wait(1)[0]
    assert CANARY in request.path and request.headers["X-Token"] == CANARY
    for secret in (CANARY, request.headers["X-Reoclo-Signature-256"][7:],
                   *request.headers["webhook-signature"].split()):
        assert secret not in shown, secret
    assert "POST /services/***/x?key=***" in shown
    said = b.ctl("test", "hook", check=False)
    assert said.returncode == 1 and CANARY not in said.stdout
    assert CANARY not in b.log()


def test_a_test_is_one_attempt(belfry, receiver):
    endpoint = receiver(lambda request: 503)
    b = belfry(channel(endpoint.url, more="retry 10ms 10ms;"))
    assert run_test(b)["verdict"] == "retry"
    assert hint_of(run_test(b)) == "http-503"
    time.sleep(0.2)  # nothing can be waited for: nothing is to come
    assert len(endpoint.requests) == 2
    assert b.http("GET", "/v1/deliveries").json["deliveries"] == []


def test_belfryctl_says_cause_and_fix(belfry, receiver):
    endpoint = receiver(lambda request: (404, {}, b"no such hook\x1b[31m"))
    b = belfry(channel(endpoint.url))
    said = b.ctl("test", "hook", check=False)
    assert said.returncode == 1
    lines = said.stdout.splitlines()
    assert "the answer begins: no such hook\\x1B[31m" in lines
    assert lines[-3].startswith("not delivered after ")
    assert lines[-3].endswith(": HTTP status 404")
    assert lines[-2].startswith("cause: The server is there, but has nothing")
    assert lines[-1].startswith("fix: Compare the path in `url`")
    result = json.loads(b.ctl("--json", "test", "hook", check=False).stdout)
    assert result["hint"]["name"] == "http-404"
    assert b.ctl("test", "nobody", check=False).returncode == 4


# ---- certificates ----

def not_yet_valid():
    return tls.authority().issue("later", start=("20900101000000Z",
                                                 "20910101000000Z"))


@pytest.mark.parametrize("make, hint, said", [
    (lambda: tls.issued("expired", expired=True), "certificate-expired",
     "refused: certificate has expired"),
    (not_yet_valid, "certificate-not-yet-valid",
     "refused: certificate is not yet valid"),
    (lambda: tls.issued("other", "DNS:other.example"), "certificate-name",
     "for DNS:other.example"),
    (lambda: tls.issued("unknown", by="Unknown"),
     "certificate-unknown-authority",
     "refused: unable to get local issuer certificate"),
    (tls.self_signed, "certificate-self-signed",
     "refused: self-signed certificate"),
], ids=["expired", "not-yet-valid", "name", "unknown", "self-signed"])
def test_bad_certificates_are_shown_and_explained(belfry, receiver, make,
                                                  hint, said):
    endpoint = receiver(ssl=tls.server(make()))
    b = belfry(channel(endpoint.url,
                       more=f"ca_file {tls.authority().certificate};"))
    result = run_test(b)
    assert not result["ok"] and hint_of(result) == hint, result
    assert said in steps_of(result, "certificate"), result
    assert any(line.startswith("subject CN = ") for line in
               steps_of(result, "certificate"))
    assert endpoint.requests == []


def test_a_client_certificate_that_is_missed_is_asked_for(belfry, receiver):
    endpoint = receiver(ssl=tls.server(tls.issued("127.0.0.1"),
                                       clients=tls.authority()))
    b = belfry(channel(endpoint.url,
                       more=f"ca_file {tls.authority().certificate};"))
    assert hint_of(run_test(b)) == "client-certificate-required"


def test_old_tls_is_explained(belfry, receiver):
    context = tls.server(tls.issued("127.0.0.1"))
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with warnings.catch_warnings():  # that it is deprecated is the point
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    endpoint = receiver(ssl=context)
    b = belfry(channel(endpoint.url,
                       more=f"ca_file {tls.authority().certificate};"))
    result = run_test(b)
    assert hint_of(result) == "tls-too-old", result


# ---- ports and protocols ----

def test_https_to_a_plain_port(belfry, receiver):
    b = belfry(channel(f"https://127.0.0.1:{receiver().port}/"))
    assert hint_of(run_test(b)) == "https-to-plain-port"


def test_http_to_a_tls_port(belfry, receiver):
    endpoint = receiver(ssl=tls.server(tls.issued("127.0.0.1")))
    b = belfry(channel(f"http://127.0.0.1:{endpoint.port}/"))
    assert hint_of(run_test(b)) == "plain-to-https-port"


def test_http_to_a_tls_port_that_says_so(belfry, receiver):
    endpoint = receiver(lambda request: (
        400, {"Content-Type": "text/html"},
        b"<html>The plain HTTP request was sent to HTTPS port</html>"))
    b = belfry(channel(endpoint.url))
    assert hint_of(run_test(b)) == "plain-to-https-port-said"


def test_nobody_listens(belfry):
    b = belfry(channel(f"http://127.0.0.1:{free_port()}/"))
    result = run_test(b)
    assert hint_of(result) == "connection-refused", result
    assert any("failed: Connection refused" in line for line in
               steps_of(result, "connect")), result


def test_a_name_that_nobody_knows(belfry):
    b = belfry(channel("http://nobody.invalid/"))
    result = run_test(b)
    # Where no name server can be reached at all, the search takes longer.
    assert hint_of(result) in ("name-unknown", "name-server-slow",
                               "name-server-silent"), result
    assert steps_of(result, "resolve") == [
        "looking up the address of nobody.invalid"]


def test_a_connection_that_nobody_takes(belfry):
    """A full backlog drops what comes, as a firewall does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        b = belfry(channel(f"http://127.0.0.1:{address[1]}/",
                           more="timeout 500ms;"))
        assert hint_of(run_test(b)) == "connect-time-out"
        for filler in fillers:
            filler.close()


def test_a_server_that_never_answers(belfry, raw_server):
    def serve(connection):
        read_request(connection)
        connection.recv(1)

    b = belfry(channel(raw_server(serve).url, more="timeout 300ms;"))
    assert hint_of(run_test(b)) == "answer-time-out"


def test_a_tls_handshake_that_never_ends(belfry, raw_server):
    server = raw_server(lambda connection: connection.recv(1 << 20) and
                        connection.recv(1))
    b = belfry(channel(server.url.replace("http:", "https:"),
                       more="timeout 300ms;"))
    assert hint_of(run_test(b)) == "tls-time-out"


@pytest.mark.parametrize("bytes_, hint", [
    (b"", "plain-to-https-port"),
    (b"SSH-2.0-OpenSSH_9.2p1\r\n", "plain-to-https-port"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40000 + b"\r\n\r\n",
     "answer-too-large"),
    (b"HTTP/1.1 600 Hm\r\nContent-Length: 0\r\n\r\n", "not-http"),
], ids=["nothing", "ssh", "headers", "status"])
def test_what_is_no_web_server(belfry, raw_server, bytes_, hint):
    def serve(connection):
        read_request(connection)
        connection.sendall(bytes_)

    b = belfry(channel(raw_server(serve).url))
    assert hint_of(run_test(b)) == hint


# ---- answers ----

@pytest.mark.parametrize("status, hint", [
    (400, "http-400"), (401, "http-401"), (403, "http-403"),
    (404, "http-404"), (405, "http-405"), (408, "http-408"),
    (410, "http-410"), (413, "http-413"), (415, "http-415"),
    (418, "http-4xx"), (422, "http-422"), (426, "http-426"),
    (429, "http-429"), (500, "http-5xx"), (502, "http-502"),
    (503, "http-503"), (504, "http-504"), (511, "captive-portal")])
def test_every_status_has_its_hint(belfry, receiver, status, hint):
    b = belfry(channel(receiver(lambda request: status).url))
    result = run_test(b)
    assert result["status"] == status and hint_of(result) == hint


def test_a_redirect_says_where_to(belfry, receiver):
    endpoint = receiver(lambda request: (
        308, {"Location": "https://hooks.example.com/new/path"}))
    result = run_test(belfry(channel(endpoint.url)))
    assert hint_of(result) == "redirect"
    assert "moved to https://hooks.example.com," in result["hint"]["cause"]
    assert len(endpoint.requests) == 1


def test_a_web_page_that_takes_everything(belfry, receiver):
    endpoint = receiver(lambda request: (
        200, {"Content-Type": "text/html; charset=utf-8"},
        b"<html>Log in to the guest network</html>"))
    b = belfry(channel(endpoint.url))
    result = run_test(b)
    # 2xx is success; the hint is there all the same.
    assert result["ok"] and hint_of(result) == "web-page"
    said = b.ctl("test", "hook")
    assert "cause: A web page answered" in said.stdout


def test_a_clock_that_is_wrong(belfry, receiver):
    """The receiver's Date is a day off, and it refuses the signature."""
    def serve(connection):
        read_request(connection)
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT",
                             time.gmtime(time.time() - 86400)).encode()
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nDate: " + date +
                           b"\r\nContent-Length: 0\r\n\r\n")

    server = RawServer(serve)
    b = belfry(channel(server.url, more=f"secret {SECRET};"))
    assert hint_of(run_test(b)) == "clock-skew"
    server.close()


def test_a_signature_that_is_refused(belfry, receiver):
    endpoint = receiver(lambda request: (
        401, {}, b'{"error": "signature does not match"}'))
    b = belfry(channel(endpoint.url, more=f"secret {SECRET};"))
    assert hint_of(run_test(b)) == "signature-refused"


# ---- proxies ----

def proxy(raw_server, answer):
    def serve(connection):
        read_request(connection)
        connection.sendall(answer)
    return raw_server(serve)


def test_a_proxy_that_wants_credentials(belfry, raw_server):
    server = proxy(raw_server, b"HTTP/1.1 407 No\r\n"
                   b"Proxy-Authenticate: Basic realm=x\r\n"
                   b"Content-Length: 0\r\n\r\n")
    for url in ("http://receiver.example/", "https://receiver.example/"):
        b = belfry(channel(url, more=f"proxy {server.url};"))
        result = run_test(b)
        assert hint_of(result) == "proxy-credentials", result
        assert "to the proxy, 127.0.0.1" in steps_of(result, "connect")[0]


def test_a_proxy_that_answers_in_place_of_the_server(belfry, raw_server):
    server = proxy(raw_server, b"HTTP/1.1 403 Forbidden\r\n"
                   b"Content-Type: text/html\r\nContent-Length: 4\r\n\r\nno!\n")
    b = belfry(channel("https://receiver.example/",
                       more=f"proxy {server.url};"))
    assert hint_of(run_test(b)) == "proxy-refused"


def test_a_proxy_that_is_not_there(belfry):
    b = belfry(channel("https://receiver.example/",
                       more=f"proxy http://127.0.0.1:{free_port()};"))
    assert hint_of(run_test(b)) == "proxy-unreachable"


def test_belfry_itself_is_no_receiver(belfry):
    b = belfry("", start=False)
    b.configure(channel(f"http://127.0.0.1:{b.port}/v1/events"))
    b.start()
    assert hint_of(run_test(b)) == "own-intake"


# ---- settings that are not saved ----

def post_draft(b, settings, module="webhook", **more):
    return post_test(b, "/v1/channels/test",
                     {"module": module, "settings": settings, **more})


def test_settings_can_be_tested_before_they_are_saved(belfry, receiver):
    endpoint = receiver()
    b = belfry()
    before = b.http("GET", "/v1/channels").json
    answer = post_draft(b, {"url": endpoint.url, "secret": SECRET,
                            "header": {"X-Team": "ops"}})
    assert answer.status == 200 and answer.json["ok"], answer
    request = endpoint.wait(1)[0]
    assert request.signed_by(SECRET) and request.headers["X-Team"] == "ops"
    assert request.json["subject"] == "Test notification from belfry"
    assert answer.json["steps"][-1]["text"] == "status 204"
    answer = post_draft(b, {"url": endpoint.url}, notification={
        "event": "incident_created", "subject": "Mine",
        "metadata": {"n": 1}})
    assert answer.json["ok"], answer
    assert endpoint.wait(2)[1].json["metadata"] == {"n": 1}
    # Nothing is left behind.
    assert b.http("GET", "/v1/channels").json == before
    assert b.http("GET", "/v1/events").json["events"] == []
    assert b.http("GET", "/v1/deliveries").json["deliveries"] == []
    assert SECRET.encode() not in b"".join(
        path.read_bytes() for path in (b.folder / "state").iterdir()
        if path.is_file())


def test_a_draft_that_fails_ends_in_a_hint(belfry):
    b = belfry()
    result = post_draft(b, {"url": f"http://127.0.0.1:{free_port()}/"}).json
    assert not result["ok"] and hint_of(result) == "connection-refused"


def test_many_drafts_at_once_keep_their_own_settings(belfry, receiver):
    slow = receiver(lambda request: time.sleep(0.3) or 204)
    b = belfry()
    post_draft(b, {"url": slow.url})  # a worker is there
    answers = []
    threads = [threading.Thread(target=lambda i=i: answers.append(post_draft(
        b, {"url": f"{slow.url}n{i}", "secret": f"secret-{i}"})))
        for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer.json["ok"] for answer in answers)
    for request in slow.requests[1:]:
        assert request.signed_by(f"secret-{request.path[2:]}")


@pytest.mark.parametrize("settings, field, said", [
    ({}, "/settings", "url"),
    ({"url": "ftp://x/"}, "/settings/url", "http"),
    ({"url": "http://x/", "urll": "y"}, "/settings/urll", "did you mean"),
    ({"url": "http://x/", "secret": "file:/etc/passwd"}, "/settings/secret",
     ""),
    ({"url": "http://x/", "previous_secret": "abc"}, "/settings",
     "previous_secret needs"),
])
def test_bad_settings_are_refused_where_they_are_wrong(belfry, settings,
                                                       field, said):
    answer = post_draft(belfry(), settings)
    assert answer.status == 422, answer
    assert answer.json["field"].startswith(field), answer
    assert said in answer.json["detail"], answer


def test_bad_requests_for_a_test_are_refused(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    assert post_draft(b, {"url": "http://x/"}, module="nosuch").status == 422
    assert post_draft(b, {"url": endpoint.url},
                      notification={"event": "nosuch"}).status == 422
    assert post_draft(b, {"url": endpoint.url},
                      notification={"subject": 5}).status == 422
    answer = post_test(b, "/v1/channels/hook/test", {"event": "nosuch"})
    assert answer.status == 422 and answer.json["field"] == "/event"
    assert post_test(b, "/v1/channels/nosuch/test", {}).status == 404
    assert endpoint.requests == []


def test_secrets_are_taken_from_the_saved_channel_of_the_same_place(
        belfry, receiver):
    """Who may test must not learn a secret by sending it elsewhere."""
    endpoint, other = receiver(), receiver()
    b = belfry(channel(endpoint.url, more=f"secret {CANARY};"))
    answer = post_draft(b, {"url": endpoint.url}, name="hook")
    assert answer.json["ok"], answer
    assert endpoint.wait(1)[0].signed_by(CANARY)
    answer = post_draft(b, {"url": other.url}, name="hook")
    assert answer.status == 422, answer
    assert answer.json["field"] == "/settings/secret"
    assert other.requests == []
    answer = post_draft(b, {"url": other.url, "secret": "another"},
                        name="hook")
    assert answer.json["ok"] and other.wait(1)[0].signed_by("another")
    # The saved channel goes on as it was.
    assert run_test(b)["ok"] and endpoint.wait(2)[1].signed_by(CANARY)


def test_what_an_endpoint_sends_back_is_masked(belfry, receiver):
    def echo(request):
        return (500, {"X-Echo": request.headers["Authorization"]},
                str(request.headers).encode())
    endpoint = receiver(echo)
    token = CANARY + '"\\quoted'
    b = belfry(channel(endpoint.url, more=f"bearer {CANARY}-saved;"))
    for answer in (post_test(b, "/v1/channels/hook/test", {}),
                   post_draft(b, {"url": endpoint.url, "bearer": token})):
        assert answer.status == 200 and answer.json["status"] == 500, answer
        assert CANARY not in answer.body.decode(), answer
    assert CANARY in endpoint.requests[1].headers["Authorization"]
    assert any(line.startswith("X-Echo: Bearer ***") for line in
               steps_of(answer.json, "answer")), answer.json


@pytest.mark.parametrize("word", ["status", "belfry", "verdict", "connect"])
def test_a_secret_that_is_a_word_of_ours_breaks_nothing(belfry, receiver, word):
    endpoint = receiver(lambda request: (302, {"Location": f"/in?{word}"}, b""))
    b = belfry(channel(endpoint.url, more=f"bearer {word};"))
    answer = post_test(b, "/v1/channels/hook/test", {})
    assert answer.status == 200 and answer.json["status"] == 302, answer
    assert answer.json["verdict"] == "retry" and answer.json["ok"] is False
    assert "Location: /in?***" in steps_of(answer.json, "answer")
    assert "connect" in {step["step"] for step in answer.json["steps"]}
    assert "and belfry does not" in answer.json["hint"]["cause"] or \
        word == "belfry", answer.json
    assert f"?{word}" not in answer.body.decode()


def test_belfryctl_tests_settings_that_are_not_saved(belfry, receiver,
                                                     tmp_path):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, more=f"secret {CANARY};"))
    run_test(b)
    done = b.ctl("test", "--module", "webhook", f"url={endpoint.url}",
                 f"secret={SECRET}", 'header={"X-Team": "ops"}')
    assert "delivered after " in done.stdout
    assert endpoint.requests[-1].signed_by(SECRET)
    assert endpoint.requests[-1].headers["X-Team"] == "ops"
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"url": endpoint.url}))
    b.ctl("test", "-m", "webhook", "--channel", "hook", "--settings", settings)
    assert endpoint.requests[-1].signed_by(CANARY)
    b.ctl("test", "-m", "webhook", "--settings", "-", "secret=mine",
          text=settings.read_text())
    assert endpoint.requests[-1].signed_by("mine")
    for status, *arguments in (
            (1, "-m", "webhook", f"url=http://127.0.0.1:{free_port()}/"),
            (4, "-m", "webhook", "urll=http://x/"),
            (4, "-m", "nosuch", "url=http://x/"),
            (2, "-m", "webhook", "url"), (2,), (2, "a", "b"),
            (2, "--settings", settings), (2, "-m", "webhook", "-f", "/none")):
        done = b.ctl("test", *arguments, check=False)
        assert done.returncode == status, done
    assert len(endpoint.requests) == 4


def test_a_module_that_dies_over_a_test_is_told_of(belfry, receiver):
    """The worker is killed in the middle."""
    endpoint = receiver(lambda request: time.sleep(5) or 204)
    b = belfry(channel(endpoint.url))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(
        post_draft(b, {"url": endpoint.url})))
    thread.start()
    endpoint.wait(1)
    os.kill(b.pids("worker")[0], signal.SIGKILL)
    thread.join(20)
    assert answers[0].status == 502, answers
