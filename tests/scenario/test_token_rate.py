"""How fast requests may be made with one token. Rates are so slow that none
comes back while a test runs: what is counted does not depend on time."""
import http.client
import json
import os
import pathlib
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import TOKEN, channel, wait_until
from raw import exchange, post as raw_post

SLOW, OTHER = "slow-token-0123456789", "other-token-012345678"
BURST = 20


def token(name, value, more):
    return f"token {name} {{ value {value}; scope admin; {more} }}\n"


CONF = "intake_processes 2;\n" + channel("http://127.0.0.1:1/") \
    + token("slow", SLOW, f"rate 1/h burst={BURST};") \
    + token("other", OTHER, "")


@pytest.fixture
def b(belfry):
    return belfry(CONF)


def ask(b, value, path="/v1/channels", method="GET", body=None):
    return b.http(method, path, body, {"Authorization": f"Bearer {value}"},
                  tcp=True)


def passed(b, value, tries):
    """How many of so many requests are not refused for their rate."""
    answers = [ask(b, value).status for _ in range(tries)]
    assert set(answers) <= {200, 429}
    return answers.count(200)


def batch(b, value, lines):
    event = json.dumps({"event": "deploy_failed", "subject": "s"}) + "\n"
    connection = b.connection(tcp=True)
    connection.request("POST", "/v1/events", event * lines, {
        "Authorization": f"Bearer {value}",
        "Content-Type": "application/x-ndjson"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def test_over_its_rate_a_token_is_told_so(b):
    assert passed(b, SLOW, BURST + 15) == BURST
    answer = ask(b, SLOW)
    assert answer.status == 429
    wait = int(answer.headers["Retry-After"])
    assert 3000 < wait <= 3600
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["type"] == "urn:belfry:problem:token-rate"
    assert answer.headers["RateLimit-Policy"] == '"token";q=1;w=3600'
    assert answer.headers["RateLimit"] == f'"token";r=0;t={wait}'


def test_other_tokens_and_open_paths_are_unaffected(b):
    passed(b, SLOW, BURST + 1)
    assert passed(b, OTHER, 3 * BURST) == 3 * BURST
    answer = ask(b, OTHER)
    assert "RateLimit" not in answer.headers
    assert "Retry-After" not in answer.headers
    for path in ("/healthz", "/readyz", "/v1/openapi.json"):
        assert ask(b, SLOW, path).status == 200
    assert b.http("GET", "/v1/channels").status == 200


def test_all_methods_count_and_nothing_is_done(b):
    passed(b, SLOW, BURST)
    assert ask(b, SLOW, "/v1/events", "POST",
               {"event": "deploy_failed", "subject": "s"}).status == 429
    assert ask(b, SLOW, "/v1/tokens", "POST", {"name": "x"}).status == 429
    assert ask(b, SLOW, "/v1/tokens/nosuch", "DELETE").status == 429
    assert ask(b, OTHER, "/v1/events").json["events"] == []


def test_a_wrong_request_costs_one_too(belfry):
    b = belfry(channel("http://127.0.0.1:1/") + f"""
token reader {{ value {SLOW}; scope read; rate 1/h burst=3; }}
""")
    assert ask(b, SLOW, "/v1/tokens").status == 403
    assert ask(b, SLOW, "/v1/channels/nosuch").status == 404
    assert ask(b, SLOW, "/v1/channels?nosuch=1").status in (400, 422)
    assert ask(b, SLOW).status == 429


def test_the_answer_comes_before_the_body(b):
    passed(b, SLOW, BURST)
    head, _, _ = raw_post(b"x" * 100000).partition(b"\r\n\r\n")
    answers = exchange(b.port, head.replace(TOKEN.encode(), SLOW.encode())
                       + b"\r\n\r\n")
    assert [a.status for a in answers] == [429]


def taken(pid, port):
    """How many connections to a port a process has accepted: a socket that
    waits to be accepted has no inode yet (proc(5), /proc/net/tcp)."""
    established = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, _, _, _, _, _, inode = line.split()[:10]
        if state == "01" and int(local.rpartition(":")[2], 16) == port:
            established.add(f"socket:[{inode}]")
    found = 0
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += os.readlink(descriptor) in established
        except FileNotFoundError:
            pass
    return found


def test_many_connections_to_two_intakes_gain_nothing(b):
    pids = b.pids("intake")
    assert len(pids) == 2
    connections = [http.client.HTTPConnection("127.0.0.1", b.port, timeout=30)
                   for _ in range(60)]
    # Whoever is awake accepts: each gets its half while the other stands.
    for pid, other, half in zip(pids, reversed(pids),
                                (connections[:30], connections[30:])):
        os.kill(other, signal.SIGSTOP)
        for connection in half:
            connection.connect()
        wait_until(lambda: taken(pid, b.port) == 30, "its half is taken")
        os.kill(other, signal.SIGCONT)

    def use(connection):
        found = []
        for _ in range(5):
            connection.request("GET", "/v1/channels",
                               headers={"Authorization": f"Bearer {SLOW}"})
            answer = connection.getresponse()
            answer.read()
            found.append(answer.status)
        return found

    with ThreadPoolExecutor(20) as pool:
        found = sum(pool.map(use, connections), [])
    for connection in connections:
        connection.close()
    assert found.count(200) == BURST
    assert found.count(429) == 300 - BURST


def test_each_further_line_of_a_batch_costs_one(b):
    answer, text = batch(b, SLOW, BURST - 5)
    assert answer.status == 200 and text.count("\n") == BURST - 5
    assert passed(b, SLOW, 20) == 5


def test_a_batch_over_the_rate_leaves_nothing_behind(b):
    assert passed(b, SLOW, BURST - 5) == BURST - 5
    answer, text = batch(b, SLOW, 6)
    assert answer.status == 429
    assert json.loads(text)["type"] == "urn:belfry:problem:token-rate"
    assert int(answer.headers["Retry-After"]) > 0
    assert ask(b, OTHER, "/v1/events").json["events"] == []
    # It cost the one of its request.
    assert passed(b, SLOW, 20) == 4


def test_a_batch_larger_than_the_burst_is_made_up_for(b):
    answer, text = batch(b, SLOW, 3 * BURST)
    assert answer.status == 200 and text.count('"status":202') == 3 * BURST
    answer = ask(b, SLOW)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > (2 * BURST) * 3600


def test_a_reload_keeps_what_was_spent(b):
    assert passed(b, SLOW, BURST - 3) == BURST - 3
    before = b.pids("intake")
    b.reload()
    wait_until(lambda: not set(before) & set(b.pids("intake")),
               "the old intakes have left")
    assert passed(b, SLOW, BURST) == 3


def test_another_rate_begins_anew(b):
    assert passed(b, SLOW, BURST + 1) == BURST
    b.configure(CONF.replace(f"rate 1/h burst={BURST}", "rate 2/h burst=4"))
    b.reload()
    assert passed(b, SLOW, BURST) == 4
    b.configure(CONF.replace(f"rate 1/h burst={BURST}", "rate off"))
    b.reload()
    assert passed(b, SLOW, 2 * BURST) == 2 * BURST


def test_an_intake_that_is_killed_takes_nothing_along(b):
    assert passed(b, SLOW, BURST - 3) == BURST - 3
    before = b.pids("intake")
    for pid in before:
        b.send_signal(9, pid)
    wait_until(lambda: len(set(b.pids("intake")) - set(before)) == 2,
               "there are other intakes")
    b.wait_ready_again()
    assert passed(b, SLOW, BURST) == 3


def test_the_default_is_that_of_tokens_without_a_rate(belfry):
    b = belfry(channel("http://127.0.0.1:1/")
               + token("plain", SLOW, "") + token("free", OTHER, "rate off;"),
               api="token_rate 1/h burst=4;")
    assert passed(b, SLOW, 10) == 4
    assert passed(b, OTHER, 10) == 10
    made = b.http("POST", "/v1/tokens", {"name": "made", "scope": "read"}).json
    assert made["rate"] == "1/h burst=4"
    assert passed(b, made["token"], 10) == 4
    rows = {row["name"]: row["rate"]
            for row in b.http("GET", "/v1/tokens").json["tokens"]}
    assert rows["plain"] == rows["made"] == "1/h burst=4"
    assert rows["free"] == "off"


def test_a_token_of_the_api_has_its_own_rate(b):
    made = b.ctl("token", "create", "-s", "read", "-r", "1/h burst=6", "ci")
    value = made.stdout.strip()
    assert passed(b, value, 10) == 6
    b.reload()
    assert passed(b, value, 10) == 0
    assert "1/h burst=6" in b.ctl("token", "list").stdout
    answer = b.http("POST", "/v1/tokens", {"name": "free", "rate": "off"})
    assert answer.status == 201 and answer.json["rate"] == "off"
    again = b.http("POST", "/v1/tokens", {"name": "two", "scope": "read",
                                          "rate": "60/m"})
    assert again.json["rate"] == "60/m burst=1"


@pytest.mark.parametrize("rate", ["", "fast", "0/s", "-1/s", "1/d", "1000001/s",
                                  "1/s burst=0", "1/s burst", "1/s burst=1 x",
                                  "off burst=1", 5, None, {}])
def test_a_rate_that_is_none_is_refused(b, rate):
    answer = b.http("POST", "/v1/tokens", {"name": "x", "rate": rate})
    assert answer.status == 422
    assert answer.json["field"] == "/rate"
    assert "x" not in [row["name"] for row
                       in b.http("GET", "/v1/tokens").json["tokens"]]


def test_a_tenants_own_people_make_no_faster_token(belfry):
    b = belfry(channel("http://127.0.0.1:1/") + f"""
token boss {{ value {SLOW}; scope manage; tenant acme; rate off; }}
""", api="token_rate 100/s burst=100;")

    def make(rate):
        return ask(b, SLOW, "/v1/tokens", "POST",
                   {"name": "x", "rate": rate}).status

    assert make("100/s burst=100") == 201
    assert make("6000/m burst=1") == 201
    for faster in ("101/s", "6001/m", "100/s burst=101", "off"):
        assert make(faster) == 403


@pytest.mark.parametrize("conf,api,expected", [
    ("token t { value abcdefgh; rate 5; }", "", 'rate: "5": not a rate'),
    ("token t { value abcdefgh; rate 5/s burst=0; }", "", "burst=NUMBER"),
    ("token t { value abcdefgh; rate; }", "", "rate: "),
    ("", "token_rate 5/d;", 'token_rate: "5/d": not a rate'),
])
def test_mistakes_in_the_conf_file_are_named(belfry, conf, api, expected):
    done = belfry(conf, api=api, start=False).test_conf()
    assert done.returncode != 0
    assert expected in done.stderr
    assert "belfry.conf:" in done.stderr
