#!/usr/bin/env python3
"""verify.py - the three ways to verify a webhook, in Python

usage: WEBHOOK_SECRET=... verify.py < REQUEST

REQUEST is header lines, an empty line, and the body, byte for byte. Prints
which of the three hold; the exit status is 0 if all of them do. Needs nothing
but Python 3; a receiver copies the function that it wants.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time


def verify_raw(secret, headers, body):
    """X-Reoclo-Signature-256 over the body as it came: always possible."""
    expected = "sha256=" + hmac.new(
        secret.encode(), body, hashlib.sha256).hexdigest()
    sent = headers.get("x-reoclo-signature-256", "")
    return hmac.compare_digest(expected.encode(), sent.encode())


def verify_reserialised(secret, headers, payload):
    """The same, where a framework has parsed the body: written again by
    Python it is the same bytes, for every event that belfry takes."""
    body = json.dumps(payload, separators=(",", ":"), sort_keys=True)
    return verify_raw(secret, headers, body.encode())


def verify_standard(secret, headers, body, tolerance=300):
    """Standard Webhooks: id, time and body are signed. The only one that
    tells a request that somebody has kept and sends again."""
    try:
        sent = int(headers.get("webhook-timestamp", ""))
    except ValueError:
        return False
    if abs(time.time() - sent) > tolerance:
        return False
    key = (base64.b64decode(secret[len("whsec_"):])
           if secret.startswith("whsec_") else secret.encode())
    signed = f"{headers.get('webhook-id', '')}.{sent}.".encode() + body
    expected = b"v1," + base64.b64encode(
        hmac.new(key, signed, hashlib.sha256).digest())
    return any(hmac.compare_digest(one.encode(), expected)
               for one in headers.get("webhook-signature", "").split())


def main():
    secret = os.environ.get("WEBHOOK_SECRET")
    if not secret:
        sys.exit("verify.py: expected the channel's secret in WEBHOOK_SECRET")
    head, *body = re.split(rb"\r?\n\r?\n", sys.stdin.buffer.read(), maxsplit=1)
    if not body:
        sys.exit("verify.py: expected a request: headers, an empty line, "
                 "the body")
    body = body[0]
    headers = {}
    for line in head.decode().splitlines():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    holds = {
        "raw body": verify_raw(secret, headers, body),
        "re-serialised": verify_reserialised(
            secret, headers, json.loads(body)),
        "Standard Webhooks": verify_standard(secret, headers, body),
    }
    for name, held in holds.items():
        print(f"{name}: {'holds' if held else 'does not hold'}")
    sys.exit(0 if all(holds.values()) else 1)


if __name__ == "__main__":
    main()
