"""What was posted and what was answered: the other side of belfry's books.

Posters keep to it by themselves. An event whose answer got lost is, if it had
an idempotency key, posted until there is one; else its fate is open.
"""
import http.client
import json
import random
import threading
import time

from harness import TOKEN

# How often each type is posted, and which channels of the conf are to get it.
TYPES = {
    "deploy_failed": (6, {"steady", "flaky", "fragile"}),
    "deploy_succeeded": (3, {"steady", "flaky"}),
    "incident_created": (2, {"steady", "mail"}),
    "deploy_started": (1, set()),  # its toggle is off
    "chaos_crash": (0, {"fragile"}),
}


PATIENCE = 30  # seconds: until an answer no longer counts as one


class Entry:
    def __init__(self, subject, kind):
        self.subject, self.kind = subject, kind
        self.id = self.accepted = self.refused = None


class Ledger:
    def __init__(self):
        self.entries = []
        self.lock = threading.Lock()
        self.last_accepted = time.monotonic()
        self.stall = 0.0
        self.batches = 0

    def begin(self, kind, subject=None):
        with self.lock:
            entry = Entry(subject or f"chaos {len(self.entries)}", kind)
            self.entries.append(entry)
        return entry

    def answered(self, entry, status, answer):
        with self.lock:
            now = time.monotonic()
            if status != 202:
                entry.refused = status
                return
            entry.id, entry.accepted = answer["id"], now
            self.stall = max(self.stall, now - self.last_accepted)
            self.last_accepted = now

    @property
    def accepted(self):
        with self.lock:
            return [entry for entry in self.entries if entry.id]


def body_of(entry, key=None):
    body = {"event": entry.kind, "subject": entry.subject,
            "body": "<p>what happened</p>" * 10, "metadata": {"n": 1}}
    if key:
        body["idempotency_key"] = key
    return body


class Poster(threading.Thread):
    """Posts one by one and in batches, with and without keys, until stopped."""

    def __init__(self, ledger, port, seed, pause):
        super().__init__(daemon=True)
        self.ledger, self.port, self.pause = ledger, port, pause
        self.random = random.Random(seed)
        self.connection = None
        self.stopping = False
        self.odd = []  # answers that none should get
        self.hung = []  # when requests began that got no answer in time

    def _exchange(self, body, headers):
        """The answer's status and body, or None if there was none."""
        began = time.monotonic()
        try:
            self.connection = self.connection or http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=PATIENCE)
            self.connection.request("POST", "/v1/events", body, {
                "Authorization": f"Bearer {TOKEN}", **headers})
            response = self.connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            if self.connection:
                self.connection.close()
            self.connection = None
            if time.monotonic() - began >= PATIENCE:
                self.hung.append(time.strftime("%H:%M:%S", time.localtime(
                    time.time() - PATIENCE)))
            time.sleep(0.05)
            return None

    def _note(self, entry, status, answer):
        self.ledger.answered(entry, status, answer)
        if status not in (202, 409, 503, 507):
            self.odd.append((entry.subject, status, str(answer)[:200]))
        return status

    def one(self, entry, key=None):
        """Whether there is no need to ask again."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        got = self._exchange(json.dumps(body_of(entry)), headers)
        return bool(got) and self._note(
            entry, got[0], json.loads(got[1] or b"{}")) == 202

    def batch(self, entries, keys):
        """The entries that are to be asked for again."""
        text = "\n".join(json.dumps(body_of(entry, key))
                         for entry, key in zip(entries, keys))
        got = self._exchange(text, {"Content-Type": "application/x-ndjson"})
        self.ledger.batches += 1
        if not got:
            return entries
        if got[0] != 200:
            answer = json.loads(got[1] or b"{}")
            return [entry for entry in entries
                    if self._note(entry, got[0], answer) != 202]
        answers = [json.loads(line) for line in got[1].splitlines()]
        if len(answers) != len(entries):
            self.odd.append(("a batch", len(answers), len(entries)))
        return [entry for entry, answer in zip(entries, answers)
                if self._note(entry, answer["status"], answer) != 202]

    def _round(self):
        kinds = [kind for kind, (weight, _) in TYPES.items()
                 for _ in range(weight)]
        size = self.random.choice([1, 1, 1, 1, 1, 1, 20])
        keyed = self.random.random() < 0.5
        entries = [self.ledger.begin(self.random.choice(kinds))
                   for _ in range(size)]
        for _ in range(400 if keyed else 1):
            if size == 1:
                left = [] if self.one(entries[0], entries[0].subject
                                      if keyed else None) else entries
            else:
                left = self.batch(entries, [entry.subject if keyed else None
                                            for entry in entries])
            if not left:
                return
            entries = left
            time.sleep(0.1)

    def run(self):
        while not self.stopping:
            self._round()
            time.sleep(self.random.uniform(0, 2 * self.pause))

    def stop(self):
        self.stopping = True
