"""Documents that are no events, batches and repeats, posted to one daemon: the
answer names the field, and nothing is left behind (bad inputs, lines 1 to 26;
tests/unit/json_test.c and parse_test.c go through each line in full)."""
import json
import signal
import threading
import time

import harness
import pytest
from harness import channel, wait_until

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def endpoint(module_closing):
    return module_closing(harness.Receiver())


@pytest.fixture(scope="module")
def b(module_closing, tmp_path_factory, endpoint):
    return module_closing(harness.Belfry(
        tmp_path_factory.mktemp("posting"), channel(endpoint.url) + """
tenant acme { }
token acme { value acme-token-0123456789; tenant acme; scope ingest; }
token other { value other-token-012345678; tenant other; scope ingest; }
""")).start()


def post(b, body, headers=None, token=None):
    if token:
        headers = {"Authorization": f"Bearer {token}", **(headers or {})}
    return b.http("POST", "/v1/events", body, headers)


def event(more=b"", subject=b"s"):
    return b'{"event":"deploy_failed","subject":"%s"%s}' % (subject, more)


def metadata(value):
    return event(b',"metadata":{"a":' + value + b"}")


# name: (line, body, status, field, words of the detail)
REFUSED = {
    "empty": (1, b"", 400, None, ""),
    "white space": (1, b" \r\n\t ", 400, None, ""),
    "null": (1, b"null", 422, None, "object"),
    "array": (1, b"[]", 422, None, "object"),
    "string": (1, b'"deploy_failed"', 422, None, "object"),
    "number": (1, b"1", 422, None, "object"),
    "bytes behind": (2, event() + b"x", 400, None, "follows"),
    "two documents": (2, event() + event(), 400, None, "follows"),
    "bytes behind a NUL": (2, event() + b"\0" + event(), 400, None, ""),
    "NaN": (3, metadata(b"NaN"), 400, None, ""),
    "Infinity": (3, metadata(b"-Infinity"), 400, None, ""),
    "01": (3, metadata(b"01"), 400, None, ""),
    "+1": (3, metadata(b"+1"), 400, None, ""),
    "1.": (3, metadata(b"1."), 400, None, ""),
    ".5": (3, metadata(b".5"), 400, None, ""),
    "0x10": (3, metadata(b"0x10"), 400, None, ""),
    "single quotes": (3, b"{'event':'deploy_failed'}", 400, None, ""),
    "comment": (3, event(b"/* */"), 400, None, ""),
    "trailing comma": (3, event(b","), 400, None, ""),
    "raw tab": (4, event(subject=b"a\tb"), 400, None, "control"),
    "raw newline": (4, event(subject=b"a\nb"), 400, None, "control"),
    "raw NUL": (4, event(subject=b"a\0b"), 400, None, "control"),
    "\\x41": (5, event(subject=b"\\x41"), 400, None, ""),
    "\\uZZZZ": (5, event(subject=b"\\uZZZZ"), 400, None, ""),
    "\\u12": (5, event(subject=b"\\u12"), 400, None, ""),
    "lone continuation": (6, event(subject=b"\x80"), 400, None, "UTF-8"),
    "truncated": (6, event(subject=b"\xe2\x82"), 400, None, "UTF-8"),
    "overlong /": (6, event(subject=b"\xc0\xaf"), 400, None, "UTF-8"),
    "overlong NUL": (6, event(subject=b"\xc0\x80"), 400, None, "UTF-8"),
    "CESU-8": (6, event(subject=b"\xed\xa0\xbd\xed\xb8\x80"), 400, None,
               "UTF-8"),
    "above U+10FFFF": (6, event(subject=b"\xf4\x90\x80\x80"), 400, None,
                       "UTF-8"),
    "five bytes": (6, event(subject=b"\xf8\x88\x80\x80\x80"), 400, None,
                   "UTF-8"),
    "FE FF": (6, event(subject=b"\xfe\xff"), 400, None, "UTF-8"),
    "Latin-1": (6, event(subject=b"caf\xe9"), 400, None, "UTF-8"),
    "UTF-16": (7, event().decode().encode("utf-16"), 400, None, ""),
    "NUL in a value": (8, event(subject=b"a\\u0000b"), 400, None, "u0000"),
    "NUL in keys": (9, event(b',"metadata":{"a\\u00001":1,"a\\u00002":2}'),
                    400, None, "u0000"),
    "NUL in the type": (10, b'{"event":"deploy_failed\\u0000x","subject":"s"}',
                        400, None, "u0000"),
    "lone surrogate": (11, event(subject=b"\\ud800"), 400, None, "surrogate"),
    "swapped pair": (11, event(subject=b"\\ude00\\ud83d"), 400, None,
                     "surrogate"),
    "5,000 digits": (13, metadata(b"7" * 5000), 400, None, "4300"),
    "1e400": (14, metadata(b"1e400"), 400, None, ""),
    "event twice": (17, event(b',"event":"deploy_succeeded"'), 400, None,
                    "twice"),
    "key twice": (17, event(b',"metadata":{"a":1,"\\u0061":2}'), 400, None,
                  "twice"),
    "900 levels": (21, metadata(b"[" * 900 + b"]" * 900), 400, None, "deep"),
    "100,000 brackets": (21, b"[" * 100000, 400, None, "deep"),
    "500,000 brackets": (21, b"[" * 500000, 400, None, "deep"),
    "number as type": (25, b'{"event":5,"subject":"s"}', 422, "/event",
                       "string"),
    "object as subject": (25, b'{"event":"deploy_failed","subject":{}}', 422,
                          "/subject", "string"),
    "null as body": (25, event(b',"body":null'), 422, "/body", "string"),
    "array as metadata": (25, event(b',"metadata":[]'), 422, "/metadata",
                          "object"),
    "number as time": (25, event(b',"timestamp":5'), 422, "/timestamp",
                       "string"),
    "no time": (25, event(b',"timestamp":"yesterday"'), 422, "/timestamp",
                "RFC 3339"),
    "number as tenant": (25, event(b',"tenant_id":5'), 422, "/tenant_id",
                         "string"),
    "no tenant's id": (25, event(b',"tenant_id":"../x"'), 422, "/tenant_id",
                       "letters"),
    "no event": (25, b'{"subject":"s"}', 422, "/event", "required"),
    "no subject": (25, b'{"event":"deploy_failed"}', 422, "/subject",
                   "required"),
    "unknown type": (25, b'{"event":"deploy_faild","subject":"s"}', 422,
                     "/event", "did you mean deploy_failed"),
    "other case": (25, b'{"event":"Deploy_Failed","subject":"s"}', 422,
                   "/event", "did you mean deploy_failed"),
    "unknown member": (26, event(b',"webhook-id":"x"'), 422, "/webhook-id",
                       "unknown member"),
    "key in the body": (26, event(b',"idempotency_key":"x"'), 422,
                        "/idempotency_key", "unknown member"),
}


def stored(b):
    return b.metric("belfry_events_accepted_total"), \
        b.http("GET", "/v1/events?limit=1000").json["events"]


def test_what_is_no_event_is_refused_by_its_field_and_leaves_nothing(
        b, endpoint):
    before, count = stored(b), len(endpoint.requests)
    for name, (line, body, status, field, detail) in REFUSED.items():
        answer = post(b, body)
        where = (name, f"line {line}", answer)
        assert answer.status == status, where
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] is None
        problem = answer.json
        assert problem["status"] == status, where
        assert problem["type"].startswith("urn:belfry:problem:"), where
        assert problem.get("field") == field, where
        assert detail in problem["detail"] and problem["detail"], where
    assert stored(b) == before
    b.wait_idle()
    assert len(endpoint.requests) == count


def test_a_slip_in_a_name_gets_the_nearest_one(b):
    assert post(b, {"event": "deploy_faild", "subject": "s"}) \
        .json["nearest"] == "deploy_failed"
    assert "nearest" not in post(b, {"event": "zzzzzz", "subject": "s"}).json


def test_long_texts_are_whole_or_refused(b, endpoint):
    """Bad inputs, line 24."""
    for size in (64 << 10, (1 << 20) - 100):
        text = "\u00e9" * (size // 2)
        body = json.dumps({"event": "deploy_failed", "subject": f"{size}",
                           "body": text}, ensure_ascii=False).encode()
        assert post(b, body).status == 202
        wait_until(lambda: any(
            r.json["subject"] == str(size) and r.json["body"] == text
            for r in endpoint.requests), "the event, whole")
    assert post(b, event(subject=b"x" * (1 << 20))).status == 413


# ---- batches ----

def batch(b, *lines, token=None):
    answer = post(b, b"\n".join(lines), NDJSON, token)
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.body.endswith(b"\n")
    return [json.loads(line) for line in answer.body.splitlines()]


def test_a_bad_line_stops_no_other(b, endpoint):
    lines = batch(
        b, event(subject=b"b1"), b"nonsense", b'{"event":"deploy_failed"}',
        b"", b'{"event":"deploy_faild","subject":"b"}', b"  \t",
        event(b',"tenant_id":"' + b"x" * 65 + b'"'), b"\xff", b"\0",
        b'{"event":"deploy_started","subject":"off"}',
        event(subject=b"b2") + b"\r")
    assert [line["status"] for line in lines] == \
        [202, 400, 422, 422, 422, 400, 400, 202, 202]
    assert [line.get("field") for line in lines] == \
        [None, None, "/subject", "/event", "/tenant_id", None, None, None,
         None]
    assert lines[3]["nearest"] == "deploy_failed"
    # A type that is off: taken, for no channel, and it is said why.
    assert lines[7]["deliveries"] == [] and "off" in lines[7]["reason"]
    for line, subject in ((lines[0], "b1"), (lines[8], "b2")):
        assert b.http("GET", f"/v1/events/{line['id']}") \
            .json["subject"] == subject
        assert [d["channel"] for d in line["deliveries"]] == ["hook"]


def test_a_batch_has_one_line_and_10000_at_most(b):
    line = b'{"event":"deploy_started","subject":"s"}\n'
    for body, status in ((b"", 400), (b"\n \n", 400), (line * 10000, 200),
                         (line * 10001, 413)):
        answer = post(b, body, NDJSON)
        assert answer.status == status
        if status == 200:
            assert len(answer.body.splitlines()) == 10000


def test_a_key_in_the_header_of_a_batch_is_refused(b):
    answer = post(b, event(), {**NDJSON, "Idempotency-Key": "k"})
    assert answer.status == 400 and "Idempotency-Key" in answer.json["detail"]


# ---- repeats ----

def test_a_repeat_gets_the_first_answer_and_makes_nothing(b, endpoint):
    body = event(subject=b"once")
    first = post(b, body, {"Idempotency-Key": "once"})
    assert first.status == 202
    before = b.metric("belfry_events_accepted_total")
    for _ in range(3):
        again = post(b, body, {"Idempotency-Key": "once"})
        assert (again.status, again.json) == (202, first.json)
    other = post(b, body + b" ", {"Idempotency-Key": "once"})
    assert other.status == 422
    assert other.json["type"] == "urn:belfry:problem:idempotency-conflict"
    assert b.metric("belfry_events_accepted_total") == before
    b.wait_idle()
    assert sum(r.json["subject"] == "once" for r in endpoint.requests) == 1
    # A line of a batch has the same keys.
    keyed = event(b',"idempotency_key":"line"', b"line")
    one, = batch(b, keyed)
    two, = batch(b, keyed)
    assert one == two and one["status"] == 202
    three, = batch(b, keyed + b" ")
    assert three["status"] == 422


def test_a_repeat_of_what_went_nowhere_gets_its_reason_again(b):
    body = {"event": "deploy_started", "subject": "off"}
    first = post(b, body, {"Idempotency-Key": "off"})
    assert first.json["deliveries"] == [] and first.json["reason"]
    assert post(b, body, {"Idempotency-Key": "off"}).json == first.json


def test_keys_belong_to_a_tenant(b):
    ids = [post(b, event(), {"Idempotency-Key": "shared"}, token).json["id"]
           for token in ("acme-token-0123456789", "other-token-012345678",
                         None)]
    assert len(set(ids)) == 3
    assert post(b, event(), {"Idempotency-Key": "shared"},
                "acme-token-0123456789").json["id"] == ids[0]


def test_keys_that_are_none_are_refused(b):
    for key, status in (("", 400), ("k" * 256, 400), ("k" * 255, 202)):
        assert post(b, event(), {"Idempotency-Key": key}).status == status


def test_what_was_refused_does_not_use_its_key_up(b):
    for body in (b"{", b'{"event":"deploy_faild","subject":"s"}'):
        assert post(b, body, {"Idempotency-Key": "again"}).status >= 400
    assert post(b, event(), {"Idempotency-Key": "again"}).status == 202


def test_a_repeat_while_the_first_is_in_progress_is_409(b):
    # Both are read in one turn, before the first can be durable.
    keyed = event(b',"idempotency_key":"twice"')
    lines = batch(b, keyed, keyed)
    assert [line["status"] for line in lines] == [202, 409]
    assert lines[1]["type"] == "urn:belfry:problem:idempotency-in-progress"
    again, = batch(b, keyed)
    assert again == lines[0]


def test_keys_hold_across_a_kill_of_everything(belfry, receiver):
    """An answer that was lost can be asked for again."""
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    ids = {key: post(b, event(subject=key.encode()),
                     {"Idempotency-Key": key}).json
           for key in ("k1", "k2")}
    stop, seen, faults = threading.Event(), {}, []

    def keep_posting(number):
        count = 0
        while not stop.is_set():
            key = f"{number}-{count}"
            try:
                answer = post(b, event(subject=key.encode()),
                              {"Idempotency-Key": key})
            except OSError:
                time.sleep(0.02)
                continue
            if answer.status == 202:
                seen[key] = answer.json["id"]
                count += 1
            elif answer.status not in (409, 503):
                faults.append(answer)

    threads = [threading.Thread(target=keep_posting, args=(i,))
               for i in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            time.sleep(0.3)
            for pid in b.pids("scheduler"):
                b.send_signal(signal.SIGKILL, pid)
            wait_until(lambda: b.pids("scheduler"), "a new scheduler")
            time.sleep(0.3)
            b.kill()
            b.start()
        reached = len(seen)
        wait_until(lambda: len(seen) > reached, "it goes on")
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not faults, faults[:3]
    for key, first in ids.items():
        assert post(b, event(subject=key.encode()),
                    {"Idempotency-Key": key}).json == first
    for key, identifier in seen.items():
        assert post(b, event(subject=key.encode()),
                    {"Idempotency-Key": key}).json["id"] == identifier
    b.wait_idle()
    # Many sendings there may be, but of one delivery for each key.
    deliveries = {}
    for request in endpoint.requests:
        deliveries.setdefault(request.json["subject"], set()).add(
            request.headers["webhook-id"])
    assert set(deliveries) >= set(seen)
    assert all(len(found) == 1 for found in deliveries.values())
