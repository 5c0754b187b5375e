"""Compares the books: the ledger, the endpoints' receipts, belfry's history
and its counters. What does not agree is a finding, a sentence."""
import collections
import re
import sqlite3
import time

from ledger import TYPES

# How long after an arrival its outcome may still be unrecorded, in seconds,
# with nothing wrong: commits wait 20 ms for each other, but machines are slow.
IN_FLIGHT = 2.0
MAY_FAIL = {"flaky", "fragile", "mail"}  # retries can be used up there
SHOWN = 20  # findings of one kind


class Findings(list):
    def add(self, kind, text):
        self.append((kind, text))

    def shown(self):
        counts = collections.Counter()
        for kind, text in self:
            counts[kind] += 1
            if counts[kind] <= SHOWN:
                yield f"{kind}: {text}"
        for kind, count in counts.items():
            if count > SHOWN:
                yield f"{kind}: {count - SHOWN} more"


def listed(belfry, what):
    """All of a list of the API."""
    before = ""
    while True:
        answer = belfry.http("GET", f"/v1/{what}?limit=1000{before}")
        assert answer.status == 200, answer
        yield from answer.json[what]
        if not answer.json["next"]:
            return
        before = f"&before={answer.json['next']}"


def metrics(belfry):
    """Values by name with labels."""
    text = belfry.http("GET", "/metrics").body.decode()
    return {name: float(value) for name, value in
            re.findall(r"^([a-z_]+(?:\{[^\n]*?\})?) (\S+)$", text, re.M)}


def channel_sum(values, name, channel, more=""):
    return sum(value for key, value in values.items()
               if key.startswith(name + "{") and
               f'channel="{channel}"' in key and more in key)


class Audit:
    def __init__(self, belfry, ledger, endpoints, struck):
        self.belfry, self.ledger, self.endpoints = belfry, ledger, endpoints
        self.struck = struck
        self.findings = Findings()
        self.lost = self.failed = self.duplicates = 0
        self.receipts = {
            endpoint.name: self._by_subject(endpoint.receipts)
            for endpoint in endpoints}

    @staticmethod
    def _by_subject(receipts):
        found = collections.defaultdict(list)
        for receipt in list(receipts):
            if receipt.good:
                found[receipt.subject].append(receipt)
        return found

    # ---- what was accepted ----

    def _failed(self, entry, delivery):
        """A delivery that failed says how, attempt by attempt."""
        self.failed += 1
        shown = self.belfry.delivery(delivery["id"])
        attempts = shown["attempts"]
        numbers = [attempt["number"] for attempt in attempts]
        channel = delivery["channel"]
        if channel not in MAY_FAIL and "signal" not in attempts[-1]["why"]:
            self.findings.add("failed", f"{entry.id} on {channel}, where "
                              f"nothing should: {attempts[-1]['why']}")
        if not attempts or numbers != list(range(1, len(numbers) + 1)) or \
                len(numbers) != delivery["attempt_count"] or \
                not all(attempt["why"] for attempt in attempts):
            self.findings.add("history", f"{entry.id} on {channel} failed, "
                              f"with attempts {numbers}")

    def _delivery(self, entry, delivery):
        channel, state = delivery["channel"], delivery["state"]
        if state == "failed":
            self._failed(entry, delivery)
        elif state != "delivered":
            self.lost += 1
            self.findings.add("lost", f"{entry.id} on {channel} is {state}")
        elif not self.receipts[channel].get(entry.subject):
            self.lost += 1
            self.findings.add("lost", f"{entry.id} on {channel} is shown as "
                              "delivered but never arrived")

    def events(self):
        """Every event that was accepted is stored once and went everywhere."""
        stored = {event["id"]: event for event in listed(self.belfry, "events")}
        deliveries = collections.defaultdict(list)
        for delivery in listed(self.belfry, "deliveries"):
            deliveries[delivery["event_id"]].append(delivery)
        for entry in self.ledger.accepted:
            event = stored.get(entry.id)
            if not event or event["subject"] != entry.subject:
                self.lost += 1
                self.findings.add("lost", f"{entry.id} ({entry.subject}) is "
                                  "not in the store")
                continue
            channels = sorted(d["channel"] for d in deliveries[entry.id])
            if channels != sorted(TYPES[entry.kind][1]):
                self.lost += 1
                self.findings.add("lost", f"{entry.id} {entry.kind} has "
                                  f"deliveries to {channels}")
            for delivery in deliveries[entry.id]:
                self._delivery(entry, delivery)
        self._nothing_else(stored)

    def _nothing_else(self, stored):
        """What was refused is not there, nothing is there twice."""
        counts = collections.Counter(
            event["subject"] for event in stored.values()
            if event["event"] in TYPES and event["subject"] != "crash")
        for entry in self.ledger.entries:
            if entry.refused and not entry.id and counts[entry.subject]:
                self.findings.add("refused", f"{entry.subject} was answered "
                                  f"{entry.refused} and is stored")
            # Without a key, each answer that got lost may hide one.
            if counts[entry.subject] > 1:
                self.findings.add("twice", f"{entry.subject} is stored "
                                  f"{counts[entry.subject]} times")

    # ---- what came twice ----

    def _in_flight(self, first, second):
        slack = max(IN_FLIGHT, self.ledger.stall)
        return any(fault.deaths and fault.began <= second.arrived and
                   first.ended >= fault.began - slack and
                   first.arrived <= fault.ended
                   for fault in self.struck)

    def twice(self):
        for channel, by_subject in self.receipts.items():
            for subject, receipts in by_subject.items():
                receipts.sort(key=lambda receipt: receipt.arrived)
                for first, second in zip(receipts, receipts[1:]):
                    self.duplicates += 1
                    if not self._in_flight(first, second):
                        self.findings.add(
                            "duplicate", f"{subject} on {channel}, "
                            f"{second.arrived - first.arrived:.3f} s apart, "
                            "with nothing in flight cut off")

    # ---- the counters ----

    def counters(self, before, after, calm, own):
        """What /metrics counted while nothing went wrong is what was posted
        then, calm; own is how many events belfry had to tell of itself."""
        def same(what, counted, expected):
            if counted != expected:
                self.findings.add("counter", f"{what} is {counted:g}, "
                                  f"expected {expected:g}")

        def grown(name):
            return after[name] - before[name]

        same("belfry_events_accepted_total",
             grown("belfry_events_accepted_total"), len(calm) + own)
        same("belfry_events_repeated_total",
             grown("belfry_events_repeated_total"), 0)
        same("belfry_events_unstored_total",
             grown("belfry_events_unstored_total"), 0)
        for endpoint in self.endpoints:
            expected = sum(endpoint.name in TYPES[entry.kind][1]
                           for entry in calm)
            for verdict in ("delivered", "retry", "failed"):
                label = f'verdict="{verdict}"'
                same(f"attempts of {endpoint.name}, {verdict}",
                     channel_sum(after, "belfry_attempts_total",
                                 endpoint.name, label) -
                     channel_sum(before, "belfry_attempts_total",
                                 endpoint.name, label),
                     expected if verdict == "delivered" else 0)
            for gauge in ("waiting", "in_flight"):
                same(f"deliveries of {endpoint.name}, {gauge}",
                     channel_sum(after, f"belfry_deliveries_{gauge}",
                                 endpoint.name), 0)

    # ---- the file ----

    def store(self, path):
        """After the end: the file by itself."""
        with sqlite3.connect(path) as db:
            result = [row[0] for row in db.execute("PRAGMA integrity_check")]
        if result != ["ok"]:
            self.findings.add("integrity", "; ".join(result[:5]))

    def posters(self, posters):
        for poster in posters:
            for odd in poster.odd[:SHOWN]:
                self.findings.add("answer", repr(odd))
            for began in poster.hung:
                self.findings.add("answer", "none in time to a request of "
                                  f"{began}")


def wait_idle(belfry, findings, timeout):
    """Waits until nothing waits; whether that came about."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        deliveries = belfry.stats()["deliveries"]
        if deliveries["waiting"] == 0 and deliveries["in_flight"] == 0:
            return True
        time.sleep(0.2)
    findings.add("stuck", f"{deliveries} after {timeout} s of calm")
    return False
