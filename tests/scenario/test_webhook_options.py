"""Directives of a webhook channel, as the receiver sees them."""
import base64
import contextlib
import datetime
import hashlib
import hmac
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time

import pytest

import tls
from harness import SECRET, channel, free_port, read_request, wait_until


def delivered(b, name=None, **more):
    """Posts an event, and waits until it is delivered."""
    return b.wait_state(b.delivery_of(b.post(**more), name), "delivered")


def test_headers_and_method(belfry, receiver):
    endpoint = receiver()
    b = belfry("".join(
        channel(endpoint.url + method, method.lower(),
                f"method {method}; header X-Team ops; "
                'header X-Words "two words; and \\"more\\""; '
                "header X-Team again; header User-Agent custom/1;")
        for method in ("POST", "PUT", "PATCH")))
    b.post(subject="Grüße")
    for request in endpoint.wait(3):
        assert request.path == "/" + request.method
        assert request.headers.get_all("X-Team") == ["ops", "again"]
        assert request.headers["X-Words"] == 'two words; and "more"'
        assert request.headers.get_all("User-Agent") == ["custom/1"]
        assert request.headers["Content-Length"] == str(len(request.body))
        assert request.headers.get("Transfer-Encoding") is None
        assert request.headers.get("Expect") is None
        assert request.json["subject"] == "Grüße"
        assert "X-Reoclo-Signature-256" not in request.headers
        assert "webhook-signature" not in request.headers


def test_basic_and_bearer(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url + "basic", "basic",
                       'username "us er"; password "p:ä#ss";') +
               channel(endpoint.url + "bearer", "bearer", "bearer t0k-en=;") +
               channel(endpoint.url + "none", "none"))
    b.post()
    got = {request.path: request.headers.get("Authorization")
           for request in endpoint.wait(3)}
    assert got["/basic"] == "Basic " + \
        base64.b64encode("us er:p:ä#ss".encode()).decode()
    assert got["/bearer"] == "Bearer t0k-en="
    assert got["/none"] is None


def test_secrets_from_environment_and_file(belfry, receiver, tmp_path):
    endpoint = receiver()
    secret = tmp_path / "secret"
    secret.write_text("from-a-file\n")
    secret.chmod(0o600)
    b = belfry(channel(endpoint.url + "env", "env", "secret env:HOOK;") +
               channel(endpoint.url + "file", "file", f"secret file:{secret};"),
               environment={"HOOK": "from-the-environment"})
    b.post()
    for request in endpoint.wait(2):
        assert request.signed_by({"/env": "from-the-environment",
                                  "/file": "from-a-file"}[request.path])
    for kind in ("intake", "worker"):
        for pid in b.pids(kind):
            with open(f"/proc/{pid}/environ", "rb") as f:
                assert b"from-the-environment" not in f.read()


def test_signature_header(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, more=f"secret {SECRET}; "
                       "signature_header X-Hub-Signature-256;"))
    delivered(b)
    request = endpoint.requests[0]
    want = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Hub-Signature-256"] == "sha256=" + want
    assert "X-Reoclo-Signature-256" not in request.headers


def standard(request, key):
    head = f"{request.headers['webhook-id']}." \
           f"{request.headers['webhook-timestamp']}."
    return "v1," + base64.b64encode(hmac.new(
        key, head.encode() + request.body, hashlib.sha256).digest()).decode()


def test_rotation_of_secrets(belfry, receiver):
    """Both while they overlap; afterwards the new one alone, without any
    reload in between."""
    endpoint = receiver()
    key = os.urandom(24)
    new = "whsec_" + base64.b64encode(key).decode()
    until = datetime.datetime.now(datetime.timezone.utc) + \
        datetime.timedelta(seconds=4)
    b = belfry(channel(
        endpoint.url, more=f'secret "{new}"; previous_secret old-secret; '
        f"previous_secret_until {until.strftime('%Y-%m-%dT%H:%M:%SZ')};"))
    delivered(b)
    request, = endpoint.requests
    assert request.wall < until.timestamp() - 1, "too slow to tell"
    assert request.signed_by("old-secret")
    assert request.headers["webhook-signature"].split() == \
        [standard(request, key), standard(request, b"old-secret")]
    time.sleep(max(0, until.timestamp() - time.time()) + 0.1)
    delivered(b)
    request = endpoint.requests[1]
    # The X-Reoclo header is keyed with the text itself.
    assert request.signed_by(new)
    assert request.headers["webhook-signature"] == standard(request, key)


def test_secret_changes_with_a_reload(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, more="secret first-secret;"))
    delivered(b)
    b.configure(channel(endpoint.url, more="secret second-secret;"))
    assert b.reload()
    delivered(b)
    assert endpoint.requests[0].signed_by("first-secret")
    assert endpoint.requests[1].signed_by("second-secret")


# ---- the way to the endpoint ----

class Proxy:
    """A proxy of the simplest kind: CONNECT, and requests with a whole URL."""

    def __init__(self, raw_server, refuse=None):
        self.heads = []
        self.refuse = refuse
        self.server = raw_server(self._serve)
        self.url = self.server.url.rstrip("/")

    def _serve(self, connection):
        request = read_request(connection)
        head = request.partition(b"\r\n\r\n")[0].decode()
        self.heads.append(head)
        if self.refuse:
            connection.sendall(self.refuse)
            return
        method, target, _ = head.split("\r\n")[0].split(" ")
        place = re.sub(r"^http://|/.*", "", target).split(":")
        with socket.create_connection((place[0], int(place[1]))) as onward:
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 Fine\r\n\r\n")
            else:
                onward.sendall(request)
            self._pass_on(connection, onward)

    @staticmethod
    def _pass_on(one, other):
        while True:
            ready = select.select([one, other], [], [], 30)[0]
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                (other if source is one else one).sendall(data)
            if not ready:
                return


def test_proxy(belfry, receiver, raw_server):
    proxy = Proxy(raw_server)
    plain, direct = receiver(), receiver()
    secure = receiver(ssl=tls.server(tls.issued("good")))
    with_user = proxy.url.replace("//", "//me:s3cret@")
    b = belfry(f"proxy {proxy.url};\n"
               "events { channel_failing off; }\n" +
               channel(plain.url, "plain") +
               channel(secure.url, "secure",
                       f"ca_file {tls.authority().certificate}; "
                       f"bearer only-for-the-endpoint;") +
               channel(plain.url + "user", "user", f"proxy {with_user};") +
               channel(secure.url, "distrusting", "retry none;") +
               channel(direct.url, "direct", "proxy off;"))
    event = b.post()
    for name in ("plain", "secure", "user", "direct"):
        b.wait_state(b.delivery_of(event, name), "delivered")
    # The proxy's own 200 is not the endpoint's.
    shown = b.wait_state(b.delivery_of(event, "distrusting"), "failed")
    assert "nobody that is trusted" in shown["attempts"][0]["why"]
    first = sorted(head.split("\r\n")[0] for head in proxy.heads)
    assert first == [
        f"CONNECT 127.0.0.1:{secure.port} HTTP/1.1",
        f"CONNECT 127.0.0.1:{secure.port} HTTP/1.1",
        f"POST {plain.url} HTTP/1.1",
        f"POST {plain.url}user HTTP/1.1",
    ]
    for head in proxy.heads:
        own = "Proxy-Authorization: Basic " + \
            base64.b64encode(b"me:s3cret").decode()
        assert (own in head) == (f"{plain.url}user" in head)
        assert "only-for-the-endpoint" not in head
    assert len(direct.requests) == 1
    assert "Proxy-Authorization" not in secure.requests[0].headers
    assert "s3cret" not in b.log()
    shown = b.http("GET", "/v1/channels/user").body.decode()
    assert "s3cret" not in shown


def test_proxy_that_refuses(belfry, receiver, raw_server):
    proxy = Proxy(raw_server, b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                  b"Content-Length: 0\r\n\r\n")
    endpoint = receiver(ssl=tls.server(tls.issued("good")))
    b = belfry(channel(endpoint.url, "hook", f"proxy {proxy.url}; "
                       "retry none;") +
               channel(endpoint.url, "gone", "retry none; "
                       f"proxy http://127.0.0.1:{free_port()};"))
    event = b.post()
    for name in ("hook", "gone"):
        shown = b.wait_state(b.delivery_of(event, name), "failed")
        why = shown["attempts"][0]["why"]
        assert "proxy" in why.lower() or "407" in why, why
    assert not endpoint.requests


def test_proxies_of_the_environment_are_ignored(belfry, receiver, raw_server):
    """And so are its exceptions from a proxy."""
    proxy, own = Proxy(raw_server), Proxy(raw_server)
    endpoint = receiver()
    names = ("http_proxy", "https_proxy", "all_proxy")
    b = belfry(channel(endpoint.url, "one") +
               channel(endpoint.url + "two", "two", f"proxy {own.url};"),
               environment={
                   **{name: proxy.url for name in names},
                   **{name.upper(): proxy.url for name in names},
                   "no_proxy": "*", "NO_PROXY": "*"})
    event = b.post()
    for name in ("one", "two"):
        b.wait_state(b.delivery_of(event, name), "delivered")
    assert not proxy.heads and len(own.heads) == 1


def test_bind_address(belfry, raw_server):
    peers = []

    def serve(connection):
        read_request(connection)
        peers.append(connection.getpeername()[0])
        connection.sendall(b"HTTP/1.1 204 No Content\r\n"
                           b"Connection: close\r\n\r\n")

    server = raw_server(serve)
    b = belfry("bind_address 127.0.0.5;\n" +
               channel(server.url + "1", "main") +
               channel(server.url + "2", "own", "bind_address 127.0.0.6;") +
               channel(server.url + "3", "off", "bind_address off;"))
    event = b.post()
    for name in ("main", "own", "off"):
        b.wait_state(b.delivery_of(event, name), "delivered")
    assert sorted(peers) == ["127.0.0.1", "127.0.0.5", "127.0.0.6"]


def test_client_certificate_with_a_key_of_its_own(belfry, receiver, tmp_path):
    """A certificate and its key in two files."""
    pem = tls.issued("belfry", by="Clients").read_text()
    cut = pem.index("-----BEGIN PRIVATE KEY-----")
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    certificate.write_text(pem[:cut])
    key.write_text(pem[cut:])
    key.chmod(0o600)
    endpoint = receiver(ssl=tls.server(tls.issued("good"),
                                       tls.authority("Clients")))
    b = belfry(channel(
        endpoint.url, more=f"ca_file {tls.authority().certificate}; "
        f"client_certificate {certificate}; client_key {key};"))
    delivered(b)


class Nginx:
    """nginx with TLS and HTTP/2 in front of an endpoint."""

    def __init__(self, folder, onward):
        self.port = free_port()
        self.log = folder / "access.log"
        conf = folder / "nginx.conf"
        conf.write_text(f"""
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    log_format own "$server_protocol $connection";
    access_log {self.log} own;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{self.port} ssl http2;
        ssl_certificate {tls.issued("good")};
        ssl_certificate_key {tls.issued("good")};
        location / {{ proxy_pass {onward}; }}
    }}
}}
""")
        self.process = subprocess.Popen(
            [nginx(), "-p", folder, "-c", conf],
            stderr=subprocess.DEVNULL)
        wait_until(self._listens, "nginx listens")

    def _listens(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True

    def lines(self):
        return [line.split() for line in self.log.read_text().splitlines()]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def nginx():
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


@pytest.mark.skipif(not nginx(), reason="needs nginx")
def test_http2(belfry, receiver, closing, tmp_path):
    endpoint = receiver(lambda request: time.sleep(0.05) or 204)
    (tmp_path / "nginx").mkdir()
    front = closing(Nginx(tmp_path / "nginx", endpoint.url))
    ca = tls.authority().certificate
    found = {}
    for http2 in ("on", "off"):
        b = belfry(channel(f"https://127.0.0.1:{front.port}/{http2}",
                           more=f"ca_file {ca}; http2 {http2}; "
                           f"secret {SECRET};"))
        for _ in range(10):
            b.post()
        b.wait_idle()
        wait_until(lambda: len(front.lines()) == 10, "nginx's log")
        found[http2] = front.lines()
        front.log.write_text("")
    assert all(request.signed_by(SECRET) for request in endpoint.wait(20))
    assert {protocol for protocol, _ in found["on"]} == {"HTTP/2.0"}
    assert {protocol for protocol, _ in found["off"]} == {"HTTP/1.1"}
    # Streams of one connection.
    assert len({connection for _, connection in found["on"]}) == 1


def test_http2_with_a_server_that_has_none(belfry, receiver):
    endpoint = receiver(ssl=tls.server(tls.issued("good")))
    b = belfry(channel(endpoint.url, more="http2 on; "
                       f"ca_file {tls.authority().certificate};"))
    delivered(b)


# ---- what an endpoint says ----

def test_gone_stops_the_channel(belfry, receiver):
    endpoint, other = receiver(lambda request: 410), receiver()
    b = belfry(channel(endpoint.url, "hook", "gone stop; concurrency 1; "
                       "events deploy_*;") + channel(other.url, "other"))
    identifiers = [b.delivery_of(b.post(), "hook") for _ in range(5)]
    wait_until(lambda: b.http("GET", "/v1/channels/hook").json["state"] ==
               "stopped", "the channel is stopped")
    state = b.http("GET", "/v1/channels/hook").json
    assert "410" in state["reason"]
    assert "410" in b.ctl("channels", "hook").stdout
    told = wait_until(lambda: [r for r in other.requests
                               if r.json["event"] == "channel_stopped"],
                      "the other channel is told")
    assert told[0].json["metadata"]["channel"] == "hook"
    time.sleep(0.5)
    assert len(endpoint.requests) == 1
    b.stop()
    b.start()
    assert b.http("GET", "/v1/channels/hook").json["state"] == "stopped"
    # Nothing is lost: all goes out when it is started again.
    endpoint.answer = lambda request: 204
    b.ctl("channels", "start", "hook")
    for identifier in identifiers:
        shown = b.wait_state(identifier, "delivered")
    assert b.http("GET", "/v1/channels/hook").json["state"] == "running"
    assert len(b.delivery(identifiers[0])["attempts"]) == 2
    assert len(shown["attempts"]) == 1


def test_gone_is_retried_unless_told(belfry, receiver):
    endpoint = receiver(lambda request: 410)
    b = belfry(channel(endpoint.url, more="retry 50ms;"))
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    assert len(shown["attempts"]) == 2
    assert b.http("GET", "/v1/channels/hook").json["state"] == "running"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0",
                                  "127.1", "2130706433", "[::ffff:127.0.0.1]"])
def test_own_intake_is_refused(belfry, host):
    b = belfry(start=False)
    b.configure(channel(f"http://{host}:{b.port}/v1/events",
                        more="retry none;"))
    done = b.test_conf()
    if done.returncode:
        assert "url" in done.stderr  # refused at once: better still
        return
    b.start()
    identifier = b.delivery_of(b.post())
    shown = b.wait_state(identifier, "failed")
    why = shown["attempts"][0]["why"]
    # A system without IPv6 does not even come that far.
    assert "own intake" in why or host.startswith("["), why
    assert b.stats() and "intake" in b.ctl("show", identifier).stdout or \
        host.startswith("[")
