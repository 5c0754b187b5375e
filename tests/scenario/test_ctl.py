"""belfryctl, every command: what it prints for people and for programs, and its
exit status, as belfryctl(1) says."""
import contextlib
import fcntl
import json
import os
import pathlib
import re
import sqlite3
import struct
import subprocess
import termios
import threading

import pytest
from harness import BUILD, PLAIN, TOKEN, Belfry, Receiver, channel, wait_until

OK, NO, USAGE, UNREACHABLE, REFUSED, FAILED = range(6)


@pytest.fixture(scope="module")
def b(module_closing, tmp_path_factory):
    good = module_closing(Receiver())
    bad = module_closing(Receiver(lambda request: 500))
    made = module_closing(Belfry(
        tmp_path_factory.mktemp("ctl"),
        "events { channel_failing off; channel_recovered off; }\n" +
        channel(good.url, "good", "events deploy_*;") +
        channel(bad.url, "bad", "events incident_created; retry none;") +
        channel(bad.url, "slow", "events incident_updated; retry 1h;") +
        "tenant acme { " + channel(good.url, "team") + " }"))
    made.good = good
    return made.start()


def run(b, *words, status=OK, text=None):
    done = b.ctl(*words, check=False, text=text)
    assert done.returncode == status, (words, done)
    # What is said of a failure goes to standard error.
    assert bool(done.stderr) == (status >= USAGE), (words, done)
    return done


def answer(b, *words, status=OK, text=None):
    """What --json prints: one document, wherever the option stands."""
    done = run(b, *words, "--json", status=status, text=text)
    return json.loads(done.stdout)


# ---- what is wrong with a command line, or with what it asks for ----

@pytest.mark.parametrize("words,says", [
    ((), "usage:"),
    (("nosuch",), 'unknown command "nosuch"\n'),
    (("channel",), 'unknown command "channel"; did you mean "channels"?'),
    (("help", "deliverys"), 'did you mean "deliveries"?'),
    (("help", "send", "x"), "too many words: expected [COMMAND]"),
    (("--nosuch", "stats"), "unrecognized option"),
    (("send",), "expected TYPE SUBJECT"),
    (("send", "deploy_failed"), "expected TYPE SUBJECT"),
    (("send", "deploy_failed", "x", "word"), 'metadata "word"'),
    (("send", "deploy_failed", "x", "=5"), 'metadata "=5"'),
    (("send", "deploy_failed", "x", "-k", ""), "--key is empty"),
    (("send", "deploy_failed", "x", "-f", "-"), "either --file or TYPE"),
    (("send", "--batch", "x", "y"), "--batch needs --file"),
    (("send", "--batch", "-f", "-", "-k", "x"), "idempotency_key"),
    (("send", "-f", "-", "-t", "acme"), "has its own"),
    (("send", "-f", "/nonexistent"), "/nonexistent: No such file"),
    (("send", "-f", "/"), "belfryctl: /: Is a directory"),
    (("send", "deploy_failed", "x", "--nosuch"), "unknown option --nosuch"),
    (("send", "deploy_failed", "x", "-t"), "option -t needs a value"),
    (("explain",), "something is missing: expected TYPE"),
    (("explain", "a", "b"), "too many words: expected TYPE"),
    (("events", "deploy_failed", "maybe"), "expected on, off or default"),
    (("channels", "frob", "good"), "expected enable, disable, start, create"),
    (("channels", "set", "good"), "set NAME SETTING=VALUE"),
    (("channels", "enable", "good", "bad"), "too many words: expected [NAME"),
    (("deliveries", "x"), "too many words: expected none"),
    (("deliveries", "-f", "--since", "2026-01-01T00:00:00Z"),
     "--follow is of what is to come"),
    (("deliveries", "-f", "-s", "odd"), 'state "odd": expected scheduled'),
    (("show",), "something is missing: expected ID"),
    (("replay",), "either IDs or a selection"),
    (("replay", "dlv_1", "-c", "good"), "either IDs or a selection"),
    (("cancel",), "either IDs or a selection"),
    (("cancel", "-t", "acme"), "either IDs or a selection"),
    (("modules", "x", "y"), "too many words"),
    (("token", "burn", "x"), "expected create NAME, list, or revoke NAME or ID"),
    (("token", "create"), "expected create NAME, list, or revoke NAME or ID"),
    (("token", "list", "x"), "expected create NAME, list, or revoke NAME or ID"),
    (("token", "-s", "read"), "--scope and --rate are for create NAME"),
    (("token", "revoke", "x", "-r", "1/s"), "are for create NAME"),
    (("tenants", "-n", "X"), "are for create ID and set ID"),
    (("tenants", "frob", "x"), "expected list, show ID, create ID, set ID"),
    (("tenants", "create"), "expected list, show ID, create ID, set ID"),
    (("tenants", "list", "x"), "expected list, show ID, create ID, set ID"),
    (("tenants", "show", "x", "-n", "X"), "are for create ID and set ID"),
    (("tenants", "create", "x", "-l", "channels"), 'limit "channels": exp'),
    (("tenants", "create", "x", "-l", "=1"), 'limit "=1": expected NAME='),
    (("tenants", "set", "x", "-l", "channels=1m"), 'limit "channels=1m"'),
    (("tenants", "set", "x", "-l", "stored_bytes=1mb"), "stored_bytes=1mb"),
    (("tenants", "set", "x", "-l", "burst=-1"), 'limit "burst=-1"'),
    (("tenants", "set", "x", *["-lburst=1"] * 17), "too many of --limit"),
    (("stats", "x"), "too many words"),
    (("backup",), "something is missing: expected FILE"),
    (("check", "x"), "too many words"),
    (("test",), "expected"),
])
def test_command_line_that_is_wrong(b, words, says):
    assert says in run(b, *words, status=USAGE).stderr


@pytest.mark.parametrize("words,says", [
    (("send", "deploy_faild", "x"), "did you mean deploy_failed"),
    (("send", "deploy_failed", "x", "--timestamp", "noon"), "/timestamp"),
    (("explain", "deploy_faild"), "did you mean deploy_failed"),
    (("events", "deploy_faild"), "did you mean deploy_failed"),
    (("events", "channel_failing", "on"), "the conf file sets it, in "),
    (("channels", "nosuch"), 'there is no channel "nosuch"'),
    (("channels", "nosuch"), "--tenant says whose is meant"),
    (("channels", "disable", "nosuch"), 'there is no channel "nosuch"'),
    (("channels", "create"), '"channels create" wants more words'),
    (("channels", "enable"), '"channels enable" wants more words'),
    (("deliveries", "-s", "odd"), "expected scheduled, sending"),
    (("deliveries", "-c", "nosuch"), 'there is no channel "nosuch"'),
    (("deliveries", "-f", "-c", "nosuch"), 'there is no channel "nosuch"'),
    (("deliveries", "-f", "-e", "deploy_faild"), "did you mean deploy_failed"),
    (("deliveries", "--since", "noon"), "RFC 3339"),
    (("deliveries", "-n", "0"), "belfryctl: limit: expected a whole number, 1 to 1000"),
    (("show", "nosuch"), "no such delivery"),
    (("show", "evt_0123456789abcdef"), "no such event"),
    (("replay", "nosuch"), "no id of a delivery"),
    (("replay", "-c", "nosuch"), 'there is no channel "nosuch"'),
    (("cancel", "-e", "nosuch"), 'there is no event type "nosuch"'),
    (("cancel", "--until", "noon"), "RFC 3339"),
    (("test", "--module", "webhook", "ur=http://x/"),
     'unknown directive "ur"'),
    (("test", "--module", "webhook", "command=/bin/true"),
     'unknown directive "command"; expected one of url, '),
    (("test", "--module", "webhook"), "belfryctl: url: missing"),
    (("test", "nosuch"), 'there is no channel "nosuch"'),
    (("token", "create", "ci", "-s", "root"), "ingest, metrics, read, manage or admin"),
    (("modules", "nosuch"), 'no module "nosuch" is loaded'),
    (("token", "create", ""), "1 to 64 characters"),
    (("token", "create", "a\x1b[2Jb"), "without control"),
    (("token", "revoke", "nosuch"), "no token of that name or id"),
    (("token", "revoke", "scenario"), "no token of that name or id"),
    (("tenants", "show", "nosuch"), 'there is no tenant "nosuch"'),
    (("tenants", "set", "nosuch", "-n", "X"), 'there is no tenant "nosuch"'),
    (("tenants", "delete", "nosuch"), 'there is no tenant "nosuch"'),
    (("tenants", "set", "acme", "-n", "X"), "stands in the conf file, at "),
    (("tenants", "create", "No Such"), "/id: expected an id of"),
    (("tenants", "create", "x", "-l", "room=1"), "/limits/room: unknown"),
    (("tenants", "create", "x", "-l", "burst=1"), "expected events_per_second"),
])
def test_request_that_is_refused(b, words, says):
    assert says in run(b, *words, status=REFUSED).stderr
    done = run(b, *words, "--json", status=REFUSED)
    assert says in done.stderr and not done.stdout


@pytest.mark.parametrize("words,offered", [
    (("",), "send"),
    (("help", "sh"), "show"),
    (("deliveries", "-s", ""), "delivered"),
    (("token", "create", "ci", "-s", ""), "ingest"),
    (("--socket", "x", "token", ""), "revoke"),
    (("events", "-t", "acme", "deploy_failed", ""), "default"),
    (("tenants", ""), "create"),
    (("modules", ""), "webhook"),
    (("channels", "set", "-t", "acme", "team", ""), "signature_header="),
    (("channels", "set", "good", "timeout=1s", "u"), "url="),
    (("channels", "create", "webhook", "new", "ev"), "events="),
    (("channels", "create", "webhook", "new", "client_k"), "client_key="),
    (("tenants", "show", ""), "acme"),
    (("tenants", "create", "-n", "x", "--limit", ""), "channels="),
    (("deliveries", "-f", "--st"), "--state"),
])
def test_completion(b, words, offered):
    script = pathlib.Path(__file__).parents[2] / "core/ctl/belfryctl.bash"
    done = subprocess.run(
        ["bash", "-c", '. "$0"; COMP_WORDS=(belfryctl "$@"); COMP_CWORD=$#; '
         '_belfryctl; printf "%s\\n" "${COMPREPLY[@]}"', script, *words],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "BELFRY_SOCKET": str(b.socket),
             "PATH": f"{b.build}:{os.environ['PATH']}"})
    assert not done.stderr and offered in done.stdout.split()


def test_help_of_every_command(b):
    whole = run(b, "--help").stdout
    commands = [line.split()[0] for line in
                whole.split("commands:\n")[1].split("\n\n")[0].splitlines()]
    assert len(commands) >= 16
    for command in commands:
        shown = run(b, command, "--help").stdout
        assert shown.startswith(f"usage: belfryctl {command}")
        assert command == "help" or run(b, "help", command).stdout == shown
    assert run(b, "help").stdout == whole
    assert run(b, "-V").stdout.startswith("belfryctl ")


def test_daemon_that_is_not_there(b):
    for words in (("stats",), ("stats", "--json"), ("deliveries", "-f"),
                  ("send", "deploy_failed", "x")):
        for where in (("--socket", "/nonexistent/socket"),
                      ("--url", "http://127.0.0.1:9")):
            done = subprocess.run([BUILD / "belfryctl", *where, *words],
                                  capture_output=True, text=True)
            assert done.returncode == UNREACHABLE and not done.stdout, done
            assert "can't reach belfry" in done.stderr, done
    # An empty variable is one that is not set.
    done = subprocess.run([BUILD / "belfryctl", "stats"], text=True,
                          capture_output=True,
                          env={**os.environ, "BELFRY_SOCKET": ""})
    assert "/belfry/belfry.sock: " in done.stderr, done


def test_over_http_with_a_token(b):
    def over(token, *words):
        return subprocess.run(
            [BUILD / "belfryctl", "--url", f"http://127.0.0.1:{b.port}",
             *words], capture_output=True, text=True,
            env={**os.environ, "BELFRY_TOKEN": token})

    assert over(TOKEN, "stats").returncode == OK
    refused = over("wrong", "stats")
    assert refused.returncode == REFUSED
    assert "That in BELFRY_TOKEN is none" in refused.stderr
    for words in (("stats",), ("deliveries", "-f")):
        assert "Set BELFRY_TOKEN to one" in over("", *words).stderr
    token = run_token(b, "reader", "read")
    assert over(token, "events").returncode == OK
    assert over(token, "send", "deploy_failed", "x").returncode == REFUSED
    run(b, "token", "revoke", "reader")


def run_token(b, name, scope):
    done = b.ctl("token", "create", "-s", scope, name)
    assert "only time" in done.stderr
    return done.stdout.strip()


# ---- the commands ----

def test_send(b):
    lines = run(b, "send", "deploy_failed", "A <b> & \N{SNOWMAN}",
                "-b", "<p>x</p>", "--timestamp", "2026-04-10T15:30:45Z",
                "text=shop", "number=9007199254740993", "list=[1,2]",
                'quoted="5"', "empty=").stdout.splitlines()
    assert lines[0].startswith("accepted evt_")
    assert lines[1].endswith("  good") and lines[1].startswith("  dlv_")
    shown = answer(b, "show", lines[0].split()[1])
    assert shown["subject"] == "A <b> & \N{SNOWMAN}"
    assert shown["body"] == "<p>x</p>"
    assert shown["timestamp"] == "2026-04-10T15:30:45.000000+00:00"
    assert shown["metadata"] == {"text": "shop", "number": 9007199254740993,
                                 "list": [1, 2], "quoted": "5", "empty": ""}
    first = answer(b, "send", "deploy_failed", "once", "-k", "key-1")
    assert answer(b, "send", "deploy_failed", "once", "-k", "key-1") == first
    assert "another body" in run(b, "send", "deploy_failed", "other", "-k",
                                 "key-1", status=REFUSED).stderr
    assert "no deliveries: event type deploy_started is off" in run(
        b, "send", "deploy_started", "x").stdout
    sent = answer(b, "send", "-t", "acme", "deploy_failed", "theirs")
    assert [d["channel"] for d in sent["deliveries"]] == ["team"]


def test_send_a_file(b, tmp_path):
    path = tmp_path / "event.json"
    path.write_text('{"event": "deploy_failed", "subject": "from a file"}')
    assert "accepted" in run(b, "send", "-f", str(path)).stdout
    run(b, "send", "-f", "-", text="{", status=REFUSED)


def test_send_a_batch(b):
    good = '{"event": "deploy_failed", "subject": "%d"}\n'
    two = good % 1 + good % 2
    assert run(b, "send", "--batch", "-f", "-",
               text=two).stdout.count("accepted") == 2
    done = b.ctl("send", "--batch", "-f", "-", check=False,
                 text=good % 1 + '{"event": "deploy_failed"}\n' + good % 3)
    assert done.returncode == REFUSED, done
    assert done.stdout.count("accepted") == 2
    assert done.stderr == "belfryctl: line 2: /subject: is required\n"
    done = b.ctl("send", "--batch", "-f", "-", "--json", check=False,
                 text='{"event": "deploy_failed"}\n' + good % 2)
    assert done.returncode == REFUSED, done
    assert [json.loads(line)["status"] for line in
            done.stdout.splitlines()] == [422, 202]


def test_explain(b):
    assert "yes" in run(b, "explain", "deploy_failed").stdout
    told = answer(b, "explain", "deploy_failed")["channels"]
    assert {c["channel"]: c["receives"] for c in told} == \
        {"good": True, "bad": False, "slow": False}
    assert "no channel gets it: event type deploy_started is off" in run(
        b, "explain", "deploy_started", status=NO).stdout
    assert answer(b, "explain", "deploy_started", status=NO)["reason"]
    assert [c["channel"] for c in answer(
        b, "explain", "-t", "acme", "deploy_failed")["channels"]] == ["team"]


def test_events(b):
    assert len(run(b, "events").stdout.splitlines()) == 20
    assert len(answer(b, "events")["event_types"]) == 19
    assert "duration_seconds" in run(b, "events", "deploy_failed").stdout
    assert answer(b, "events", "deploy_started", "on")["source"] == "api"
    run(b, "explain", "deploy_started")
    assert answer(b, "events", "deploy_started", "default")["enabled"] is False
    run(b, "explain", "deploy_started", status=NO)


def test_channels(b):
    names = [line.split()[0] for line in
             run(b, "channels").stdout.splitlines()[1:]]
    assert sorted(names) == ["bad", "good", "slow", "team"]
    # Whose they are is said where they are several tenants'.
    heading, *rows = run(b, "channels").stdout.splitlines()
    assert heading.split()[:3] == ["CHANNEL", "TENANT", "MODULE"]
    assert ["team", "acme"] in [row.split()[:2] for row in rows]
    assert run(b, "channels", "-t", "acme").stdout.split()[:2] == \
        ["CHANNEL", "MODULE"]
    shown = run(b, "channels", "team", "-t", "acme").stdout
    assert "127.0.0.1" in shown
    assert re.search(r"^events +\(all\)$", shown, re.M), shown
    assert answer(b, "channels", "disable", "good")["state"] == "disabled"
    assert "disabled" in run(b, "channels", "good").stdout
    run(b, "explain", "deploy_failed", status=NO)
    assert answer(b, "channels", "enable", "good")["state"] == "running"
    run(b, "channels", "start", "good")


def test_channel_that_does_not_run_when_it_is_told_to(belfry):
    b = belfry(channel("http://127.0.0.1:1/", "one") +
               channel("http://127.0.0.1:1/", "two", "enabled off;"))
    b.ctl("channels", "disable", "one")
    done = b.ctl("channels", "start", "one", check=False)
    assert done.returncode == NO and "disabled" in done.stdout, done
    assert done.stderr == (
        "belfryctl: channel one is still disabled: it was disabled over the "
        'API\nTry "belfryctl channels enable one".\n')
    done = b.ctl("--json", "channels", "start", "one", check=False)
    assert done.returncode == NO and json.loads(done.stdout)["disabled"]
    done = b.ctl("channels", "enable", "two", check=False)
    assert done.returncode == NO, done
    assert done.stderr == ("belfryctl: channel two is still disabled: it is "
                           "disabled in the conf file\n")
    assert b.ctl("channels", "disable", "two").stderr == ""
    assert b.ctl("channels", "enable", "one").stderr == ""


def test_channel_whose_deliveries_fail(belfry, receiver):
    statuses = [500]
    endpoint = receiver(lambda request: statuses[-1])
    b = belfry("events { channel_failing off; channel_recovered off; }\n" +
               channel(endpoint.url, name="down", more="retry none;"))
    assert "failing" not in run(b, "channels").stdout
    first = b.delivery_of(b.post())
    b.wait_state(first, "failed")
    since = answer(b, "channels", "down")["failing_since"]
    assert f"failing since {since}" in run(b, "channels").stdout
    assert f"failing_since {since}" in run(b, "channels", "down").stdout
    b.stop()
    b.start()
    assert answer(b, "channels", "down")["failing_since"] == since
    statuses.append(204)
    run(b, "replay", first)
    b.wait_state(first, "delivered")
    assert "failing" not in run(b, "channels").stdout


def test_lists_of_several_pages_are_whole(belfry):
    many = belfry("".join(
        f"channel webhook c{n} {{ url http://127.0.0.1:1/; }}\n"
        f"token t{n} {{ value token-number-{n:04}; }}\n"
        for n in range(1100)), build=PLAIN)
    for words, member in ((["channels"], "channels"),
                          (["token", "list"], "tokens")):
        name = words[0][0]
        want = {f"{name}{n}" for n in range(1100)}
        whole = answer(many, *words)
        names = [thing["name"] for thing in whole[member]]
        assert len(names) == len(set(names)) and want <= set(names)
        assert whole["next"] is None
        shown = {line.split()[0] for line in
                 run(many, *words).stdout.splitlines()}
        assert want <= shown


def test_test(b):
    assert "204" in run(b, "test", "good").stdout
    done = run(b, "test", "bad", status=NO)
    assert "500 Internal Server Error" in done.stdout
    assert answer(b, "test", "good")["ok"] is True
    assert answer(b, "test", "bad", status=NO)["status"] == 500


def test_deliveries_and_show(b):
    sent = answer(b, "send", "incident_created", "It is down")
    identifier = sent["deliveries"][0]["id"]
    b.wait_state(identifier, "failed")
    listed = run(b, "deliveries", "-s", "failed", "-c", "bad", "-e",
                 "incident_created", "-n", "1").stdout
    assert identifier in listed and "It is down" in listed
    for words, found in (
            (("-s", "failed"), True), (("-s", "delivered"), False),
            (("-c", "bad"), True), (("-c", "good"), False),
            (("-e", "incident_created"), True),
            (("-e", "deploy_failed"), False), (("-t", "acme"), False),
            (("--since", "2020-01-01T00:00:00Z"), True),
            (("--until", "2020-01-01T00:00:00Z"), False)):
        rows = answer(b, "deliveries", *words)["deliveries"]
        assert (identifier in [row["id"] for row in rows]) == found, words
    assert len(answer(b, "deliveries", "-n", "1")["deliveries"]) == 1
    run(b, "send", "-t", "acme", "deploy_failed", "theirs")
    assert run(b, "deliveries").stdout.split()[:4] == \
        ["DELIVERY", "ACCEPTED", "TENANT", "EVENT"]
    assert run(b, "deliveries", "-t", "acme").stdout.split()[:3] == \
        ["DELIVERY", "ACCEPTED", "EVENT"]
    shown = run(b, "show", identifier).stdout
    assert "HTTP status 500" in shown and "failed" in shown
    attempt = answer(b, "show", identifier)["attempts"][0]
    assert attempt["status"] == 500 and attempt["verdict"] == "failed"
    assert identifier in run(b, "show", sent["id"]).stdout


def on_terminal(b, *words, columns=160):
    """What a reader sees at a terminal of a width, without colours."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ,
                struct.pack("HHHH", 40, columns, 0, 0))
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            [b.build / "belfryctl", "--socket", b.socket, *words],
            stdout=theirs, stderr=theirs,
            env={**b.environment, "NO_COLOR": "1"})
        os.close(theirs)
        text = b""
        # EIO: the last who had it open has closed it.
        with contextlib.suppress(OSError):
            while more := screen.read(65536):
                text += more
        assert process.wait(20) == OK
    return text.decode().splitlines()


def test_a_long_subject_is_cut_at_the_end_of_a_line(b):
    subject = "\N{SNOWMAN}" * 300
    run(b, "send", "deploy_failed", subject)
    words = ("deliveries", "-c", "good", "-n", "1")
    heading, row, *more = on_terminal(b, *words)
    assert more == ["(there are more: narrow the list, or raise --limit)"]
    assert len(row) == 160 and row.endswith("\N{SNOWMAN}\N{HORIZONTAL ELLIPSIS}")
    assert row.index("\N{SNOWMAN}") == heading.index("SUBJECT")
    # It is never cut away, nor cut for a program.
    assert on_terminal(b, *words, columns=40)[1].endswith(
        " " + "\N{SNOWMAN}" * 11 + "\N{HORIZONTAL ELLIPSIS}")
    assert subject in run(b, *words).stdout


def test_an_empty_list_is_told_to_a_reader_only(b):
    words = ("deliveries", "--until", "2020-01-01T00:00:00Z")
    assert on_terminal(b, *words) == ["no deliveries"]
    assert run(b, *words).stdout == ""


def follower(b, *words):
    process = subprocess.Popen(
        [b.build / "belfryctl", "--socket", b.socket, "deliveries", "-f",
         *words], stdout=subprocess.PIPE, text=True, env=b.environment)
    return process


def test_follow(b):
    """Each sees what it asked for, in the state it asked for, and no more."""
    followers = [follower(b, *words) for words in
                 (("-c", "bad", "--json"), ("-e", "incident_created"),
                  ("-t", "acme", "--json"), ("-s", "failed", "--json"))]
    try:
        by_channel, by_event, by_tenant, by_state = (
            process.stdout for process in followers)
        # They are there when what is sent reaches each of them.
        seen = set()

        def read(name, stream):
            line = stream.readline()
            assert line
            seen.add(name)
            return line

        lines = {}
        threads = [threading.Thread(
            target=lambda n=n, s=s: lines.__setitem__(n, read(n, s)),
            daemon=True) for n, s in (("channel", by_channel),
                                      ("event", by_event),
                                      ("tenant", by_tenant),
                                      ("state", by_state))]
        for thread in threads:
            thread.start()

        def all_seen():
            b.ctl("send", "incident_created", "followed")
            b.ctl("send", "-t", "acme", "deploy_failed", "followed")
            return len(seen) == 4

        wait_until(all_seen, "a line for each", 30, 0.2)
        for thread in threads:
            thread.join(10)
        assert json.loads(lines["channel"])["channel"] == "bad"
        assert "incident_created" in lines["event"]
        assert json.loads(lines["tenant"])["tenant_id"] == "acme"
        assert json.loads(lines["state"])["state"] == "failed"
    finally:
        for process in followers:
            process.terminate()
            process.wait(10)
            process.stdout.close()


def test_replay_and_cancel(b):
    sent = answer(b, "send", "incident_created", "again")
    identifier = sent["deliveries"][0]["id"]
    b.wait_state(identifier, "failed")
    assert run(b, "replay", identifier).stdout == "1 replayed\n"
    wait_until(lambda: len(b.delivery(identifier)["attempts"]) == 2,
               "the second attempt")
    assert "0 replayed: no delivery that has failed is selected (" in run(
        b, "replay", "--until", "2020-01-01T00:00:00Z", status=NO).stdout
    assert answer(b, "replay", "-e", "incident_created", "-c",
                  "bad")["replayed"] >= 1
    waiting = answer(b, "send", "incident_updated", "waits")
    identifier = waiting["deliveries"][0]["id"]
    wait_until(lambda: b.delivery(identifier)["attempts"], "an attempt")
    b.wait_state(identifier, "scheduled")
    assert "0 replayed: only what is there and has ended" in run(
        b, "replay", identifier, status=NO).stdout
    assert run(b, "cancel", "-c", "slow", "--until", "2020-01-01T00:00:00Z",
               status=NO).stdout == \
        "0 cancelled: no delivery that waits is selected\n"
    assert answer(b, "cancel", "-c", "slow")["cancelled"] == 1
    assert b.delivery(identifier)["state"] == "cancelled"
    assert "0 cancelled: only what is there and waits" in run(
        b, "cancel", identifier, status=NO).stdout
    assert answer(b, "cancel", identifier, status=NO) == {"cancelled": 0}


def test_modules_and_stats(b):
    assert "webhook" in run(b, "modules").stdout
    module = answer(b, "modules")["modules"][0]
    assert module["name"] == "webhook" and module["directives"]
    assert "accepted" in run(b, "stats").stdout
    shown = run(b, "modules", "webhook").stdout
    assert re.search("^url +url +\\(required\\) +Where events are", shown, re.M)
    assert re.search("^method +choice +POST +HTTP", shown, re.M), shown
    assert answer(b, "modules", "webhook")["directives"] == module["directives"]
    assert answer(b, "stats")["events"]["accepted"] >= 0


def test_token(b):
    token = run_token(b, "ci", "ingest")
    assert token.startswith("bft_")
    listed = run(b, "token", "list").stdout
    assert "ci" in listed and token not in listed
    assert run(b, "token").stdout == listed
    made = answer(b, "token", "create", "-t", "acme", "ci")
    assert made["tenant_id"] == "acme" and made["scope"] == "ingest"
    assert [t["name"] for t in
            answer(b, "token", "list", "-t", "acme")["tokens"]] == ["ci"]
    assert answer(b, "token", "revoke", "-t", "acme", "ci") == {}
    assert run(b, "token", "revoke", "ci").stdout == "revoked\n"
    assert "ci" not in [t["name"] for t in
                        answer(b, "token", "list")["tokens"]]


def test_one_of_several_tokens_of_a_name(b):
    """As when one is replaced: the new one is there before the old one goes."""
    old = answer(b, "token", "create", "shop")
    new = answer(b, "token", "create", "shop")
    other = answer(b, "token", "create", "-t", "acme", "shop")
    assert "there are 3 tokens of that name: expected the id of one" in run(
        b, "token", "revoke", "shop", status=REFUSED).stderr
    assert "no token of that name or id" in run(
        b, "token", "revoke", "-t", "acme", old["id"], status=REFUSED).stderr
    run(b, "token", "revoke", old["id"])
    row = answer(b, "audit", "-n", "1")["audit"][0]
    assert (row["object"], row["detail"]) == (old["id"], "shop")
    left = {t["id"] for t in answer(b, "token", "list")["tokens"]
            if t["name"] == "shop"}
    assert left == {new["id"], other["id"]}
    assert new["id"] in run(b, "token", "list").stdout
    run(b, "token", "revoke", "-t", "acme", "shop")
    run(b, "token", "revoke", "shop")


def test_tenants(b):
    made = answer(b, "tenants", "create", "shop", "--name", "Shop Ltd",
                  "-l", "events_per_second=100", "-l", "channels=7",
                  "--limit", "stored_bytes=64m", "-l", "channels=3",
                  "-l", "tokens=9")
    assert made["name"] == "Shop Ltd" and made["limits"] == {
        "events_per_second": 100, "burst": None, "channels": 3, "tokens": 9,
        "stored_bytes": 64 << 20}
    assert "there is a tenant of that id" in run(
        b, "tenants", "create", "shop", status=REFUSED).stderr
    shown = run(b, "tenants", "show", "shop").stdout
    assert re.search("^id +shop\n", shown) and "Shop Ltd" in shown
    rows = dict(line.split(None, 1) for line in
                shown.split("\n\n")[1].splitlines())
    assert re.sub(" +", " ", rows["channels"]) == "3 3 0"
    assert re.sub(" +", " ", rows["burst"]) == "default 100 -"

    # What is not named stays.
    changed = answer(b, "tenants", "set", "shop", "-l", "channels=0",
                     "-l", "stored_bytes=default")
    assert changed["name"] == "Shop Ltd" and changed["limits"] == {
        "events_per_second": 100, "burst": None, "channels": 0, "tokens": 9,
        "stored_bytes": None}
    assert "Shop" not in run(b, "tenants", "set", "shop", "-n", "").stdout

    heading, *lines = run(b, "tenants", "list").stdout.splitlines()
    assert heading.split() == ["TENANT", "NAME", "SOURCE", "CHANNELS",
                               "WAITING", "EVENTS", "BYTES"]
    assert ["shop", "-", "api", "0", "0", "0", "0"] in \
        [line.split() for line in lines]
    column = heading.index("SOURCE")
    assert {line[column:].split()[0] for line in lines} >= {"api", "conf"}
    assert run(b, "tenants").stdout.splitlines()[0] == heading
    listed = answer(b, "tenants", "list")
    assert listed["next"] is None and answer(b, "tenants") == listed
    assert {"acme", "shop"} <= {t["id"] for t in listed["tenants"]}
    default, = (t["id"] for t in listed["tenants"] if t["source"] == "default")
    assert "default tenant can't be deleted" in run(
        b, "tenants", "delete", default, status=REFUSED).stderr

    assert run(b, "tenants", "delete", "shop").stdout == \
        "tenant shop is deleted\n"
    answer(b, "tenants", "create", "shop")
    assert answer(b, "tenants", "delete", "shop") == {"deleted": "shop"}
    assert "shop" not in run(b, "tenants", "list").stdout


def test_an_empty_list_of_a_misspelt_type_is_told_of(b):
    done = run(b, "deliveries", "-e", "deploy_faild", status=REFUSED)
    assert "did you mean deploy_failed" in done.stderr
    run(b, "deliveries", "-e", "monitoring_dns_changed")


def test_what_exists_is_changed_by_set(b):
    for words in (("tenants", "create", "twice"),
                  ("channels", "create", "webhook", "twice", "secret=x",
                   "url=https://example.com/")):
        run(b, *words)
        again = run(b, *words, status=REFUSED)
        assert 'by the word "set" in place of "create"' in again.stderr
    run(b, "channels", "delete", "twice")
    run(b, "tenants", "delete", "twice")


def test_tenants_of_more_than_a_page(b):
    names = [f"many-{i:04}" for i in range(1001)]
    for name in names:
        assert b.http("POST", "/v1/tenants", {"id": name}).status == 201
    listed = [t["id"] for t in answer(b, "tenants", "list")["tenants"]]
    assert [name for name in listed if name in set(names)] == names
    for name in names:
        assert b.http("DELETE", f"/v1/tenants/{name}").status == 200


def test_check(b, belfry):
    done = b.ctl("check", check=False)
    assert done.returncode == NO and "FAILED   bad" in done.stdout, done
    assert answer(b, "check", status=NO)["ok"] is False
    sound = belfry()
    assert "every page is sound" in run(sound, "check").stdout
    assert answer(sound, "check")["ok"] is True


def test_backup_is_restored_and_opened(b, belfry, receiver, tmp_path):
    endpoint = receiver(lambda request: 500)
    conf = "events { channel_failing off; }\n" + channel(
        endpoint.url, more="retry 1h;")
    first = belfry(conf)
    identifier = first.delivery_of(first.post(subject="kept"))
    endpoint.wait(1)
    first.wait_state(identifier, "scheduled")
    copy = tmp_path / "copy.db"
    assert run(first, "backup", str(copy)).stdout.startswith(f"{copy}: ")
    assert sqlite3.connect(copy).execute(
        "PRAGMA integrity_check").fetchone() == ("ok",)
    assert "File exists" in run(first, "backup", str(copy),
                                status=FAILED).stderr
    refused = run(first, "backup", "/nonexistent/copy", status=FAILED).stderr
    assert "make /nonexistent/copy: No such file" in refused
    assert "The daemon writes the file, as its own user" in refused
    second = tmp_path / "second.db"
    assert answer(first, "backup", str(second)) == {
        "file": str(second), "bytes": second.stat().st_size}
    # A relative name is that of the caller, not of the daemon.
    subprocess.run([first.build / "belfryctl", "--socket", first.socket,
                    "backup", "third.db"], check=True, cwd=tmp_path,
                   env=first.environment)
    assert (tmp_path / "third.db").exists()
    first.post(subject="after the backup")
    first.stop()
    other = belfry(conf, start=False)
    state = other.folder / "state"
    state.mkdir(mode=0o700)
    copy.rename(state / "belfry.db")
    endpoint.answer = lambda request: 204
    other.start()
    assert other.delivery(identifier)["state"] == "scheduled"
    run(other, "cancel", identifier)
    run(other, "replay", identifier)
    other.wait_state(identifier, "delivered")
    assert [d["subject"] for d in other.http("GET", "/v1/deliveries")
            .json["deliveries"]] == ["kept"]
