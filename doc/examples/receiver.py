#!/usr/bin/env python3
"""receiver.py - a webhook endpoint that shows what arrives and verifies it

usage: receiver.py [--port 8421] [--secret SECRET] [--log FILE]

Prints each request as it came, then whether its two signatures hold:
X-Reoclo-Signature-256 over the body, and webhook-signature (Standard Webhooks)
over id, timestamp and body. Answers 204 to what verifies and 401 to the rest.
Needs nothing but Python 3.
"""
import argparse
import base64
import hashlib
import hmac
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 300  # seconds that webhook-timestamp may be off


def reoclo_holds(secret, headers, body):
    """The one-valued header: hex HMAC-SHA256 of the body."""
    expected = "sha256=" + hmac.new(
        secret.encode(), body, hashlib.sha256).hexdigest()
    sent = headers.get("X-Reoclo-Signature-256", "")
    return hmac.compare_digest(sent.encode(), expected.encode())


def standard_holds(secret, headers, body):
    """Standard Webhooks: any one of the signatures may match."""
    try:
        sent = int(headers.get("webhook-timestamp", ""))
    except ValueError:
        return False
    if abs(time.time() - sent) > TOLERANCE:
        return False
    key = (base64.b64decode(secret[len("whsec_"):])
           if secret.startswith("whsec_") else secret.encode())
    signed = f"{headers.get('webhook-id', '')}.{sent}.".encode() + body
    expected = b"v1," + base64.b64encode(
        hmac.new(key, signed, hashlib.sha256).digest())
    return any(hmac.compare_digest(one.encode(), expected)
               for one in headers.get("webhook-signature", "").split())


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    secret = ""
    out = sys.stdout

    def say(self, text):
        print(text, file=self.out, flush=True)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        checks = {
            "X-Reoclo-Signature-256": reoclo_holds(
                self.secret, self.headers, body),
            "webhook-signature": standard_holds(
                self.secret, self.headers, body),
        }
        self.say(f"{self.command} {self.path} {self.request_version}")
        for name, value in self.headers.items():
            self.say(f"{name}: {value}")
        self.say("\n" + body.decode("utf-8", "replace") + "\n")
        for name, holds in checks.items():
            self.say(f"  {name}: "
                     f"{'verified' if holds else 'DOES NOT VERIFY'}")
        self.say("")
        self.send_response(204 if all(checks.values()) else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """The request is printed whole; no access log beside it."""


def main():
    parser = argparse.ArgumentParser(
        description="A webhook endpoint that shows what arrives.")
    parser.add_argument("--port", type=int, default=8421)
    parser.add_argument("--secret", default="quickstart-secret")
    parser.add_argument("--log", help="append to this file, not to stdout")
    options = parser.parse_args()
    Receiver.secret = options.secret
    if options.log:
        Receiver.out = open(options.log, "a", encoding="utf-8")
    ThreadingHTTPServer(("127.0.0.1", options.port), Receiver).serve_forever()


if __name__ == "__main__":
    main()
