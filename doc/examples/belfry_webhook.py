"""belfry_webhook.py - what every receiver of belfry's webhooks needs

Verifies the signature and the time of each request, acts on each delivery once,
and answers so that belfry tries again what failed. Needs nothing but Python 3.

A receiver parses its options with options(), and hands serve() a function that
acts on a Delivery. What that function raises is answered 502 with the reason,
which belfry shows in "belfryctl show".
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 300  # seconds that webhook-timestamp may be off
BODY_MOST = 4 << 20  # bytes
KEPT = 90 * 86400  # seconds that is known what was done
TIMEOUT = 30  # seconds for a request to come in, and for calls that we make


class Refused(Exception):
    """A request that is not belfry's, or not meant for now."""


def key_of(secret):
    """The key of the signature: "whsec_" goes on in base64."""
    if secret.startswith("whsec_"):
        return base64.b64decode(secret[len("whsec_"):])
    return secret.encode()


def verify(secret, headers, body, now=None):
    """Returns the id of the delivery, or raises Refused."""
    identifier = headers.get("webhook-id", "")
    signatures = headers.get("webhook-signature", "").split()
    try:
        sent = int(headers.get("webhook-timestamp", ""))
    except ValueError:
        raise Refused("webhook-timestamp is no number") from None
    if abs((time.time() if now is None else now) - sent) > TOLERANCE:
        raise Refused("webhook-timestamp is too old, or in the future")
    signed = f"{identifier}.{sent}.".encode() + body
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    # While a secret is rotated there are two signatures: one has to hold.
    if not any(hmac.compare_digest(one.encode(), expected)
               for one in signatures):
        raise Refused("webhook-signature does not hold")
    return identifier


class Done:
    """What has been done, in a file, so that a restart does not do it again.
    Two requests with the same key at a time: the second is told to wait."""

    def __init__(self, path):
        self.database = sqlite3.connect(path, check_same_thread=False)
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY, at REAL)")
        with self.database:
            self.database.execute("DELETE FROM done WHERE at < ?",
                                  (time.time() - KEPT,))
        self.lock = threading.Lock()
        self.busy = set()

    def once(self, key, act):
        """Calls act() unless it was called for the key before."""
        with self.lock:
            if self.database.execute("SELECT 1 FROM done WHERE key = ?",
                                     (key,)).fetchone():
                return
            if key in self.busy:
                raise RuntimeError(f"{key} is being dealt with")
            self.busy.add(key)
        try:
            act()
            with self.lock, self.database:
                self.database.execute("INSERT INTO done VALUES (?, ?)",
                                      (key, time.time()))
        finally:
            with self.lock:
                self.busy.discard(key)


class Delivery:
    """One delivery: its id, and the event's six members."""

    def __init__(self, identifier, payload, done):
        self.id = identifier
        self.event = payload["event"]
        self.subject = payload["subject"]
        self.body = payload["body"]
        self.metadata = payload["metadata"]
        self.tenant = payload["tenant_id"]
        self.timestamp = payload["timestamp"]
        self.done = done

    def once(self, part, act):
        """For a delivery with several parts: each is done once, also when
        another one fails and belfry tries again."""
        self.done.once(f"{self.id} {part}", act)


def call(url, data, headers):
    """POSTs to an HTTP API. Raises what belfry is to be told."""
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        reason = error.read(200).decode("utf-8", "replace")
        raise RuntimeError(f"{url} answered {error.code}: {reason}") from None
    except OSError as error:
        raise RuntimeError(f"{url}: {error}") from None


def bearer(variable):
    """An Authorization header with the token of an environment variable."""
    token = os.environ.get(variable)
    return {"Authorization": f"Bearer {token}"} if token else {}


def options(description):
    """The options that receivers share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=8422,
                        help="on 127.0.0.1; 0: any (default: %(default)s)")
    parser.add_argument("--secret-file", metavar="FILE",
                        help="the channel's secret; else in $WEBHOOK_SECRET")
    parser.add_argument("--done", metavar="FILE", default="done.db",
                        help="what has been done (default: %(default)s)")
    return parser


def read_secret(given):
    if given.secret_file:
        with open(given.secret_file, encoding="utf-8") as file:
            return file.read().removesuffix("\n")
    secret = os.environ.get("WEBHOOK_SECRET")
    if not secret:
        sys.exit("expected --secret-file or $WEBHOOK_SECRET")
    return secret


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT

    def answer(self, status, text=""):
        body = text.encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > BODY_MOST:
            self.close_connection = True
            self.answer(413 if size else 411)
            return
        body = self.rfile.read(int(size))
        try:
            identifier = verify(self.server.secret, self.headers, body)
        except Refused as refused:
            self.answer(401, str(refused))
            return
        done = self.server.done
        try:
            delivery = Delivery(identifier, json.loads(body), done)
            done.once(identifier, lambda: self.server.act(delivery))
        except Exception as error:  # belfry tries again
            self.answer(502, str(error))
        else:
            self.answer(204)

    def log_message(self, format, *args):
        print(format % args, file=sys.stderr, flush=True)


def serve(given, act):
    """Receives until it is ended; act(delivery) acts on one."""
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Receiver)
    server.secret = read_secret(given)
    server.done = Done(given.done)
    server.act = act
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
