"""The smtp module against a mail server that does as it is told."""
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

import tls
from harness import RawServer, wait_until
from smtp_server import DROP, SmtpServer

TO = ("a@example.com", "b@example.com", "c@example.com")


@pytest.fixture
def server(closing):
    return lambda *args, **kw: closing(SmtpServer(*args, **kw))


@pytest.fixture
def mailer(belfry):
    """A belfry with one mail channel: mailer(server, "directives", to=...)."""
    def make(port, more="", to=TO[:1], module="", **kw):
        b = belfry(start=False, **kw)
        b.configure(f"""
load_module {b.build}/.libs/smtp.so isolate=off;
{module}
channel smtp mail {{
    host 127.0.0.1; port {port}; ehlo client.example;
    from "Bel Fry" <belfry@example.com>; to {' '.join(to)};
    {more}
}}
""")
        return b.start()
    return make


PLAIN = "tls off; retry 200ms 200ms 200ms; "


def post(b, **more):
    return b.delivery_of(b.post(body="<p>It <b>broke</b>.</p>", **more))


def recipients(delivery, attempt=-1):
    return {r["address"][0]: (r["verdict"], r["status"])
            for r in delivery["attempts"][attempt]["recipients"]}


# ---- what is sent ----

def test_a_mail_arrives(server, mailer):
    s = server()
    b = mailer(s.port, PLAIN, TO)
    identifier = post(b, subject="It broke: ü")
    delivery = b.wait_state(identifier, "delivered")
    mail, = s.mails
    assert mail.sender.startswith("FROM:<belfry@example.com>")
    assert mail.recipients == list(TO)
    assert mail.message["Subject"] == "It broke: ü"
    assert mail.message["To"] == ", ".join(TO)
    assert identifier in mail.message["X-Belfry-Delivery"]
    assert "It broke." in mail.message.get_body(("plain",)).get_content()
    assert recipients(delivery) == {x: ("delivered", 250) for x in "abc"}
    assert s.sessions[0].commands[0] == "EHLO"


def test_one_connection_carries_many_mails(server, mailer):
    s = server()
    b = mailer(s.port, PLAIN + "concurrency 1;")
    for _ in range(5):
        post(b)
    wait_until(lambda: len(s.mails) == 5, "five mails")
    b.wait_idle()
    assert len(s.sessions) == 1
    assert len({mail.id for mail in s.mails}) == 5


@pytest.mark.parametrize("features", [(), ("PIPELINING",)])
def test_dots_survive(server, mailer, features):
    s = server(features=features)
    b = mailer(s.port, PLAIN)
    body = "<pre>.\n..\n.\nQUIT\nFrom me\n.</pre>"
    b.wait_state(b.delivery_of(b.post(body=body)), "delivered")
    text = s.mails[0].message.get_body(("plain",)).get_content()
    assert ".\n..\n.\nQUIT\n" in text.replace("\r\n", "\n")


def test_a_hundred_recipients_a_transaction(server, mailer):
    s = server()
    to = [f"u{i}@example.com" for i in range(250)]
    b = mailer(s.port, PLAIN, to)
    delivery = b.wait_state(post(b), "delivered")
    assert [len(mail.recipients) for mail in s.mails] == [100, 100, 50]
    assert len({mail.id for mail in s.mails}) == 1
    assert len(s.sessions) == 1
    assert len(delivery["attempts"][0]["recipients"]) == 250


def test_bcc_is_in_the_envelope_only(server, mailer):
    s = server()
    b = mailer(s.port, PLAIN + "cc c@example.com; bcc hidden@example.com; "
               "envelope_from bounces@example.com;")
    b.wait_state(post(b), "delivered")
    mail, = s.mails
    assert mail.recipients == ["a@example.com", "c@example.com",
                               "hidden@example.com"]
    assert b"hidden" not in mail.data
    assert mail.message["Cc"] == "c@example.com"
    assert mail.sender.startswith("FROM:<bounces@example.com>")


# ---- each recipient by itself ----

@pytest.mark.parametrize("features", [(), ("PIPELINING",)])
def test_one_of_three_refused_for_good(server, mailer, features):
    s = server(lambda command, argument, session:
               "550 5.1.1 no such user" if command == "RCPT" and
               "b@" in argument else None, features=features)
    b = mailer(s.port, PLAIN, TO)
    delivery = b.wait_state(post(b), "failed")
    assert len(delivery["attempts"]) == 1
    assert recipients(delivery) == {"a": ("delivered", 250),
                                    "b": ("failed", 550),
                                    "c": ("delivered", 250)}
    assert "550 5.1.1 no such user" in delivery["attempts"][0]["why"]
    assert [mail.recipients for mail in s.mails] == [[TO[0], TO[2]]]
    shown = subprocess.run(
        [b.build / "belfryctl", "--socket", b.socket, "show",
         delivery["id"]], capture_output=True, text=True, check=True).stdout
    assert "b@example.com" in shown and "5.1.1 no such user" in shown


@pytest.mark.parametrize("features", [(), ("PIPELINING",)])
def test_who_is_put_off_is_tried_again_alone(server, mailer, features):
    count = {"b": 0, "c": 0}

    def reply(command, argument, session):
        if command != "RCPT" or "a@" in argument:
            return None
        who = "b" if "b@" in argument else "c"
        count[who] += 1
        return "452 4.5.3 too many recipients" if count[who] == 1 else None
    s = server(reply, features=features)
    b = mailer(s.port, PLAIN, TO)
    delivery = b.wait_state(post(b), "delivered")
    assert [mail.recipients for mail in s.mails] == [[TO[0]], [TO[1], TO[2]]]
    assert s.mails[0].id == s.mails[1].id
    assert recipients(delivery, 0) == {"a": ("delivered", 250),
                                       "b": ("retry", 452),
                                       "c": ("retry", 452)}
    assert recipients(delivery, 1) == {"b": ("delivered", 250),
                                       "c": ("delivered", 250)}


def test_what_is_settled_outlives_a_kill(server, mailer):
    hold = [True]
    s = server(lambda command, argument, session:
               "450 later" if command == "RCPT" and hold[0] and
               "b@" in argument else None)
    b = mailer(s.port, "tls off; retry 2s;", TO[:2])
    identifier = post(b)
    wait_until(lambda: b.delivery(identifier)["attempts"], "an attempt")
    b.kill()
    hold[0] = False
    b.start()
    b.wait_state(identifier, "delivered")
    assert [mail.recipients for mail in s.mails] == [[TO[0]], [TO[1]]]


def test_a_kill_before_the_reply_makes_one_copy_at_most(server, mailer):
    """The worker ends between the final dot and its reply."""
    held = threading.Event()

    def reply(command, argument, session):
        if command == "MESSAGE" and not held.is_set():
            held.set()
            os.kill(b.pids("worker")[0], signal.SIGKILL)
            return DROP
        return None
    s = server(reply)
    b = mailer(s.port, PLAIN)
    b.wait_state(post(b), "delivered")
    assert held.is_set() and len(s.mails) == 2
    assert len({mail.id for mail in s.mails}) == 1


def test_a_replay_is_for_those_who_failed(server, mailer):
    refuse = [True]
    s = server(lambda command, argument, session:
               "550 no" if command == "RCPT" and refuse[0] and
               "b@" in argument else None)
    b = mailer(s.port, PLAIN, TO[:2])
    identifier = post(b)
    b.wait_state(identifier, "failed")
    refuse[0] = False
    assert b.http("POST", f"/v1/deliveries/{identifier}/replay").status < 300
    b.wait_state(identifier, "delivered")
    assert [mail.recipients for mail in s.mails] == [[TO[0]], [TO[1]]]


# ---- replies, and where connections end ----

@pytest.mark.parametrize("features", [(), ("PIPELINING",)])
@pytest.mark.parametrize("stage,answer", [
    ("GREETING", "421 4.3.2 closing"), ("EHLO", "421 4.3.2 closing"),
    ("MAIL", "421 4.3.2 closing"), ("RCPT", "421 4.3.2 closing"),
    ("DATA", "421 4.3.2 closing"), ("MESSAGE", "421 4.3.2 closing"),
    ("GREETING", "554 5.7.1 go away"), ("MAIL", "451 4.3.0 later"),
    ("RCPT", "450 4.2.1 greylisted"), ("DATA", "451 4.3.0 later"),
    ("DATA", "250 2.0.0 before it had it"), ("DATA", "334 go on"),
    ("MESSAGE", "452 4.3.1 full"), ("EHLO", DROP), ("MAIL", DROP),
    ("RCPT", DROP), ("DATA", DROP), ("MESSAGE", DROP)])
def test_what_is_temporary_is_tried_again(server, mailer, stage, answer,
                                          features):
    failing = [True]

    def reply(command, argument, session):
        if command == stage and failing[0]:
            failing[0] = False
            return answer
        return None
    s = server(reply, features=features)
    b = mailer(s.port, PLAIN)
    delivery = b.wait_state(post(b), "delivered")
    first, second = delivery["attempts"]
    assert first["verdict"] == "retry"
    if isinstance(answer, str):
        assert answer[4:] in first["why"]
    # Only an end behind the final dot may make a copy, of the same id.
    assert len(s.mails) == (2 if stage == "MESSAGE" else 1)
    assert len({mail.id for mail in s.mails}) == 1
    if stage == "MESSAGE" and answer is DROP:
        assert "may have been taken" in first["why"]


@pytest.mark.parametrize("features", [(), ("PIPELINING",)])
@pytest.mark.parametrize("stage,answer", [
    ("MAIL", "550 5.7.1 sender refused"), ("MAIL", "552 5.3.4 too big"),
    ("RCPT", "550 5.1.1 no such user"), ("DATA", "554 5.5.1 no"),
    ("MESSAGE", "554 5.7.1 spam"), ("MESSAGE", "552 5.3.4 too big")])
def test_what_is_final_is_not(server, mailer, stage, answer, features):
    s = server(lambda command, argument, session:
               answer if command == stage else None, features=features)
    b = mailer(s.port, PLAIN, TO[:2])
    delivery = b.wait_state(post(b), "failed")
    assert len(delivery["attempts"]) == 1
    status = int(answer[:3])
    assert recipients(delivery) == {"a": ("failed", status),
                                    "b": ("failed", status)}
    assert answer in delivery["attempts"][0]["why"]


def test_an_idle_session_that_ended_is_replaced(server, mailer):
    s = server(lambda command, argument, session:
               "421 4.4.2 idle too long" if command == "MAIL" and
               session.mails == 1 else None)
    b = mailer(s.port, PLAIN + "concurrency 1;")
    for _ in range(3):
        delivery = b.wait_state(post(b), "delivered")
        assert len(delivery["attempts"]) == 1
    assert len(s.mails) == 3 and len(s.sessions) == 3


def test_a_slow_end_of_data_stops_nobody_else(server, mailer, receiver):
    """libcurl's own transfers would stand still until the reply."""
    s = server(lambda command, argument, session:
               time.sleep(3) if command == "MESSAGE" else None)
    endpoint = receiver()
    b = mailer(s.port, PLAIN, module=f"channel webhook other "
               f"{{ url {endpoint.url}; }}")
    event = b.post()
    wait_until(lambda: s.mails, "the mail")
    took = [a["took_us"] for a in b.wait_state(
        b.delivery_of(event, "other"), "delivered")["attempts"]]
    assert b.delivery(b.delivery_of(event, "mail"))["state"] != "delivered"
    assert took[0] < 2_000_000
    b.wait_state(b.delivery_of(event, "mail"), "delivered")


def test_a_time_out_is_temporary(server, mailer):
    stall = [True]

    def reply(command, argument, session):
        if command == "MAIL" and stall[0]:
            stall[0] = False
            time.sleep(3)
        return None
    s = server(reply)
    b = mailer(s.port, PLAIN + "timeout 1s;")
    first, _ = b.wait_state(post(b), "delivered")["attempts"]
    assert first["why"] == "timed out while waiting for the reply to MAIL"


# ---- servers that overdo it ----

@pytest.mark.parametrize("flood", [
    b"220-" + b"x" * 70 + b"\r\n", b"x" * 4096], ids=["lines", "one-line"])
def test_an_endless_greeting_ends(raw_server, receiver, mailer, flood):
    def serve(connection):
        while True:
            connection.sendall(flood * 16)
    endless = raw_server(serve)
    endpoint = receiver()
    b = mailer(endless.port, "tls off; retry none; timeout 3s;",
               module=f"channel webhook other {{ url {endpoint.url}; }}")
    event = b.post()
    b.wait_state(b.delivery_of(event, "other"), "delivered", 20)
    b.wait_state(b.delivery_of(event, "mail"), "failed", 20)
    assert "stuck" not in b.log()


def test_ehlo_with_100000_lines(server, mailer):
    s = server(lambda command, argument, session:
               b"250-X\r\n" * 100000 + b"250 ok\r\n"
               if command == "EHLO" else None)
    b = mailer(s.port, "tls off; retry none;")
    delivery = b.wait_state(post(b), "failed")
    assert "longer than belfry reads" in delivery["attempts"][0]["why"]


def test_replies_that_come_unasked(server, mailer):
    s = server(lambda command, argument, session:
               "250 ok\r\n250 ok\r\n354 go" if command == "MAIL" else None,
               features=())
    b = mailer(s.port, "tls off; retry none;")
    delivery = b.wait_state(post(b), "failed")
    assert "before it was asked" in delivery["attempts"][0]["why"]
    assert not s.mails


# ---- TLS ----

SECURE = "retry none; username u; password p; "


def ca():
    return f"ca_file {tls.authority().certificate}; "


@pytest.mark.parametrize("implicit", [False, True])
def test_mail_goes_encrypted(server, mailer, implicit):
    s = server(tls=tls.server(tls.issued("mail")), implicit=implicit,
               auth=("PLAIN",), users={"u": "p"})
    b = mailer(s.port, SECURE + ca() + ("tls implicit;" if implicit else ""))
    b.wait_state(post(b), "delivered")
    session = s.mails[0].session
    assert session.secure and session.user == ("u", "p")


def test_no_starttls_nothing_is_given_away(server, mailer):
    s = server(auth=("PLAIN",))
    b = mailer(s.port, SECURE)
    delivery = b.wait_state(post(b), "failed")
    assert "does not offer STARTTLS" in delivery["attempts"][0]["why"]
    assert set(s.commands()) <= {"EHLO", "QUIT"}


@pytest.mark.parametrize("answer", [
    "454 4.7.0 TLS not available", "502 5.5.1 unknown",
    "220 go\r\n250-scripted\r\n250 AUTH PLAIN", DROP],
    ids=["454", "502", "glued", "drop"])
def test_starttls_that_fails_gives_nothing_away(server, mailer, answer):
    s = server(lambda command, argument, session:
               answer if command == "STARTTLS" else None,
               tls=tls.server(tls.issued("mail")), auth=("PLAIN",))
    b = mailer(s.port, "retry 100ms; username u; password p; " + ca())
    delivery = b.wait_state(post(b), "failed")
    assert len(delivery["attempts"]) == 2  # temporary
    assert not {"AUTH", "MAIL"} & set(s.commands())


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("which,why", [
    ("expired", "expired"), ("other", "for another host"),
    ("self", "self-signed"), ("unknown", "nobody that is trusted")])
def test_certificates_that_do_not_hold(server, mailer, which, why, implicit):
    pem = {"expired": lambda: tls.issued("old", expired=True),
           "other": lambda: tls.issued("other", "DNS:other.example"),
           "self": tls.self_signed,
           "unknown": lambda: tls.issued("mail", by="Unknown")}[which]()
    s = server(tls=tls.server(pem), implicit=implicit, auth=("PLAIN",))
    b = mailer(s.port, SECURE + ca() + ("tls implicit;" if implicit else ""))
    delivery = b.wait_state(post(b), "failed")
    assert why in delivery["attempts"][0]["why"]
    assert not {"AUTH", "MAIL"} & set(s.commands())


# ---- logging in ----

@pytest.mark.parametrize("way,auth", [
    ("auto", ("LOGIN", "PLAIN")), ("plain", ("PLAIN",)),
    ("login", ("PLAIN", "LOGIN")), ("auto", ("LOGIN",))])
def test_ways_to_log_in(server, mailer, way, auth):
    s = server(auth=auth, users={"u": "p"})
    b = mailer(s.port, PLAIN + f"username u; password p; auth {way};")
    b.wait_state(post(b), "delivered")
    assert s.mails[0].session.user == ("u", "p")


def test_a_wrong_password_is_final_and_raises_the_alarm(server, mailer):
    s = server(auth=("PLAIN",), users={"u": "other"})
    b = mailer(s.port, PLAIN + "username u; password secret-p;")
    delivery = b.wait_state(post(b), "failed")
    assert len(delivery["attempts"]) == 1
    assert delivery["attempts"][0]["status"] == 535
    assert "refused the login: 535 5.7.8" in delivery["attempts"][0]["why"]
    line, = [line for line in b.log().splitlines() if "535" in line and
             "verdict=" in line]
    assert "[error]" in line or " error" in line
    assert "secret-p" not in b.log() and "MAIL" not in s.commands()


def test_no_way_to_log_in_is_offered(server, mailer):
    s = server()
    b = mailer(s.port, "tls off; retry none; username u; password p;")
    delivery = b.wait_state(post(b), "failed")
    assert "offers no way to log in" in delivery["attempts"][0]["why"]
    assert "MAIL" not in s.commands()


@pytest.mark.parametrize("way", ["xoauth2", "oauthbearer"])
def test_a_token_is_read_again_when_it_changes(server, mailer, tmp_path, way):
    token = tmp_path / "token"
    token.write_text("first\n")
    s = server(auth=("PLAIN", way.upper()))
    b = mailer(s.port, PLAIN + f"username u; token file:{token}; auth {way};")
    b.wait_state(post(b), "delivered")
    token.write_text("second\n")
    b.wait_state(post(b), "delivered")
    given = [mail.session.user[1] for mail in s.mails]
    assert "Bearer first" in given[0] and "Bearer second" in given[1]
    token.unlink()
    identifier = post(b)
    wait_until(lambda: b.delivery(identifier)["attempts"], "an attempt")
    assert "token" in b.delivery(identifier)["attempts"][0]["why"]
    token.write_text("third\n")
    b.wait_state(identifier, "delivered")


def test_cram_md5_keeps_the_password_to_itself(server, mailer):
    s = server(auth=("CRAM-MD5",), users={"u": "p"})
    b = mailer(s.port, PLAIN + "username u; password p; auth cram-md5;")
    b.wait_state(post(b), "delivered")
    assert s.mails[0].session.user == ("u", "p")
    s.users["u"] = "another"
    b = mailer(s.port, PLAIN + "username u; password p; auth cram-md5;")
    b.wait_state(post(b), "failed")


@pytest.mark.parametrize("implicit", [False, True])
def test_a_client_certificate_is_shown(server, mailer, implicit):
    s = server(tls=tls.server(tls.issued("mail"), clients=tls.authority()),
               implicit=implicit)
    client = tls.issued("client", "DNS:client.example")
    more = "retry none; " + ca() + ("tls implicit;" if implicit else "")
    b = mailer(s.port, more + f"client_certificate {client}; "
               f"client_key {client};")
    b.wait_state(post(b), "delivered")
    assert len(s.mails) == 1
    b = mailer(s.port, more)
    b.wait_state(post(b), "failed")
    assert len(s.mails) == 1


# ---- the conf file ----

@pytest.mark.parametrize("directives,why", [
    ("to a@example.com", "from"),
    ("from a@example.com", "to"),
    ("from a@example.com; to nobody", "to:"),
    ("from a@example.com; to \"a@example.com\\r\\nRCPT TO:<x@y.z>\"", "to:"),
    ("from a@example.com; to ü@example.com", "to:"),
    ("from \"a@b.c\\nX: y\"; to a@example.com", "from:"),
    ("from a@example.com; to a@example.com; auth scram-sha-256",
     "gsasl"),
    ("from a@example.com; to a@example.com; tls maybe", "tls:"),
    ("from a@example.com; to a@example.com; tls off; username u; "
     "password p", "tls:"),
    ("from a@example.com; to a@example.com; username u", "username:"),
    ("from a@example.com; to a@example.com; auth xoauth2", "auth:"),
    ("from a@example.com; to a@example.com; ehlo \"a b\"", "ehlo:"),
    ("from a@example.com; to a@example.com; port 70000", "port"),
])
def test_settings_that_do_not_fit_are_refused(belfry, directives, why):
    b = belfry(start=False)
    lines = directives.replace("; ", ";\n")
    b.configure(f"""load_module {b.build}/.libs/smtp.so;
channel smtp mail {{
host mail.example.com;
{lines};
}}""")
    result = b.test_conf()
    assert result.returncode != 0
    assert why in result.stderr
    text = b.conf_file.read_text().splitlines()
    place = int(result.stderr.partition(f"{b.conf_file}:")[2].split(":")[0])
    if why.endswith(":"):  # the line is the directive's own
        assert text[place - 1].startswith(why[:-1]), result.stderr


@pytest.mark.parametrize("directives", [
    "from \"Ops\" <ops@example.com>; to a@example.com",
    "from ops@bücher.example; to a@bücher.example",
    "from a@example.com; to a@example.com; tls off",
    "from a@example.com; to a@example.com; envelope_from <>",
    "from a@example.com; to a@example.com; tls off allow_plaintext_auth; "
    "username u; password p",
])
def test_settings_that_fit_are_taken(belfry, directives):
    b = belfry(start=False)
    b.configure(f"""load_module {b.build}/.libs/smtp.so;
channel smtp mail {{ host mail.example.com; {directives}; }}""")
    result = b.test_conf()
    assert result.returncode == 0, result.stderr


def test_all_mail_can_be_disabled(server, mailer):
    s = server()
    b = mailer(s.port, PLAIN, module="disable smtp;")
    event = b.post()
    assert b.http("GET", f"/v1/events/{event}").json["deliveries"] == []
    assert not s.sessions
