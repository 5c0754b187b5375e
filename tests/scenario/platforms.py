"""Slack and Discord as endpoints: they answer as the platforms document it.

Slack, docs.slack.dev: "Sending messages using incoming webhooks" (200 "ok";
errors: a status and a word as plain text), "Rate limits" (one message a second
and webhook, 429 with Retry-After in whole seconds).

Discord, discord.com/developers/docs: "Rate Limits" (headers on every answer;
429 as JSON with retry_after and global), "Webhook" (200 with the message for
?wait=true), "Opcodes and Status Codes" (JSON error codes).
"""
import collections
import json
import math
import threading
import time

PAGE = b"<html><body>This network wants you to log in.</body></html>"
HTML = {"Content-Type": "text/html; charset=UTF-8"}


def word(status, text):
    """An answer of Slack's."""
    return status, {"Content-Type": "text/plain; charset=utf-8"}, \
        text.encode()


def page(status, headers=None):
    """An answer of something in between."""
    return status, {**HTML, **(headers or {})}, PAGE


def error(status, code, message, headers=None):
    """An error of Discord's."""
    return status, {"Content-Type": "application/json", **(headers or {})}, \
        json.dumps({"message": message, "code": code}).encode()


class Slack:
    """Takes so many messages in any second, and refuses more."""

    def __init__(self, most):
        self.most, self.taken = most, collections.deque()
        self.limited, self.subjects = [], []
        self.lock = threading.Lock()

    def __call__(self, request):
        with self.lock:
            now = time.monotonic()
            while self.taken and self.taken[0] <= now - 1:
                self.taken.popleft()
            if len(self.taken) >= self.most:
                self.limited.append(now)
                return 429, {"Retry-After": "1",
                             "Content-Type": "text/plain"}, b"rate_limited"
            self.taken.append(now)
            self.subjects.append(subject_of_slack(request))
            return word(200, "ok")


def subject_of_slack(request):
    blocks = request.json["attachments"][0]["blocks"]
    return blocks[0]["text"]["text"]


def subject_of_discord(request):
    return request.json["embeds"][0]["title"]


class Discord:
    """A webhook with a bucket: so many messages in a window, which begins with
    its first message. With quiet, only a 429 tells of it."""

    def __init__(self, most=5, window=0.5, quiet=False):
        self.most, self.window, self.quiet = most, window, quiet
        self.begun, self.used = -math.inf, 0
        self.limited, self.subjects, self.answer = [], [], None
        self.lock = threading.Lock()

    def headers(self, now):
        left = math.ceil((self.begun + self.window - now) * 1000) / 1000
        return {} if self.quiet else {
            "X-RateLimit-Limit": str(self.most),
            "X-RateLimit-Remaining": str(self.most - self.used),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": "abcd1234"}

    def __call__(self, request):
        with self.lock:
            if self.answer:
                return self.answer
            now = time.monotonic()
            if now >= self.begun + self.window:
                self.begun, self.used = now, 0
            if self.used >= self.most:
                self.limited.append(now)
                return limit(self.begun + self.window - now,
                             headers=self.headers(now))
            self.used += 1
            self.subjects.append(subject_of_discord(request))
            return 200, {"Content-Type": "application/json",
                         **self.headers(now)}, b'{"id":"1","type":0}'


def limit(after, everywhere=False, headers=None):
    """A 429 of Discord's."""
    return 429, {
        "Content-Type": "application/json",
        "Retry-After": str(math.ceil(after)),
        "X-RateLimit-Scope": "global" if everywhere else "user",
        **({"X-RateLimit-Global": "true"} if everywhere else {}),
        **(headers or {})}, json.dumps({
            "message": "You are being rate limited.",
            "retry_after": math.ceil(after * 1000) / 1000, "global": everywhere}).encode()
