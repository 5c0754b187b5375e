"""Testing a mail channel: servers that fail in every way at hand.

Each must end in the hint that its case has in the table, after the steps that
led to it, and no test may show the password.
"""
import json

import pytest

import tls
from harness import free_port
from smtp_server import DROP, SmtpServer
from test_channel_test import hint_of, post_draft, run_test, steps_of

PASSWORD = "c4naryc4naryc4nary"
LOGIN = {"username": "ops@example.com", "password": PASSWORD}


@pytest.fixture
def server(closing):
    return lambda *args, **kw: closing(SmtpServer(*args, **kw))


def settings(port, **more):
    return {"host": "127.0.0.1", "port": port, "ehlo": "client.example",
            "from": "belfry@example.com", "to": ["ops@example.com"], **more}


@pytest.fixture
def draft(belfry):
    """The result of a test of settings that are not saved."""
    def run(port, **more):
        b = belfry("", start=False)
        b.configure(f"load_module {b.build}/.libs/smtp.so isolate=off;")
        answer = post_draft(b.start(), settings(port, **more), module="smtp")
        assert answer.status == 200, answer
        assert PASSWORD not in answer.body.decode(), answer
        return answer.json
    return run


@pytest.fixture
def with_channel(belfry):
    """A belfry with a channel in the conf file, where alone files can be
    named."""
    def make(port, more=""):
        b = belfry("", start=False)
        b.configure(f"""
load_module {b.build}/.libs/smtp.so isolate=off;
channel smtp mail {{
    host 127.0.0.1; port {port}; ca_file {tls.authority().certificate};
    username {LOGIN["username"]}; password {PASSWORD};
    from belfry@example.com; to ops@example.com;
    {more}
}}
""")
        return b.start()
    return make


@pytest.fixture
def saved(with_channel):
    """The result of a test of such a channel."""
    def run(port, more=""):
        b = with_channel(port, more)
        result = run_test(b, "mail")
        assert PASSWORD not in json.dumps(result) + b.log()
        return result
    return run


def answering(command, text):
    return lambda asked, argument, session: text if asked == command else None


# ---- what the server replies ----

@pytest.mark.parametrize("command, reply, hint", [
    ("GREETING", "554 5.7.1 no mail from you", "greeting-refused"),
    ("GREETING", "421 4.3.2 going down", "service-unavailable"),
    ("GREETING", DROP, "greeting-broken"),
    ("MAIL", "530 5.7.0 Authentication required", "auth-required"),
    ("MAIL", "530 5.7.0 Must issue a STARTTLS command first", "tls-required"),
    ("MAIL", "550 5.1.8 Sender address rejected", "sender-refused"),
    ("MAIL", "553 5.7.1 Sender address rejected: not owned by user ops",
     "sender-not-yours"),
    ("MAIL", "550 no", "mail-refused"),
    ("RCPT", "550 5.1.1 User unknown", "mailbox-unknown"),
    ("RCPT", "554 5.7.1 Relay access denied", "relay-denied"),
    ("RCPT", "452 4.2.2 Mailbox full", "mailbox-full"),
    ("RCPT", "450 4.2.0 Greylisted", "greylisted"),
    ("RCPT", "550 no", "rcpt-refused"),
    ("MESSAGE", "550 5.7.26 This mail is unauthenticated",
     "unauthenticated-mail"),
    ("MESSAGE", "550 5.7.23 SPF validation failed", "spf"),
    ("MESSAGE", "552 5.3.4 Message size exceeds the limit",
     "message-too-big"),
    ("MESSAGE", "554 no", "data-refused"),
    ("MESSAGE", DROP, "data-broken"),
])
def test_a_reply_that_refuses_has_its_hint(draft, server, command, reply,
                                           hint):
    s = server(answering(command, reply))
    result = draft(s.port, tls="off")
    assert not result["ok"] and hint_of(result) == hint, result
    assert result["hint"]["cause"] and result["hint"]["fix"]
    if reply is not DROP:
        assert any(reply in line for step in ("answer", "greeting", "reply")
                   for line in steps_of(result, step)), result


# ---- logging in and TLS ----

@pytest.mark.parametrize("reply, hint", [
    (None, "wrong-password"),
    ("535 5.7.8 Username and Password not accepted", "app-password"),
    ("535 5.7.139 Authentication unsuccessful", "auth-disabled"),
    ("454 4.7.0 Temporary authentication failure", "auth-later"),
])
@pytest.mark.parametrize("way", ["PLAIN", "LOGIN"])
def test_a_login_that_fails_has_its_hint(saved, server, way, reply, hint):
    s = server(answering("LOGIN", reply), tls=tls.server(tls.issued("mail")),
               auth=(way,), users={LOGIN["username"]: "another"})
    result = saved(s.port)
    assert not result["ok"] and hint_of(result) == hint, result
    assert s.sessions[-1].user == (LOGIN["username"], PASSWORD)
    assert steps_of(result, "tls")[0].startswith("TLSv1.3, TLS_")


@pytest.mark.parametrize("make, hint", [
    (lambda: tls.issued("old", expired=True), "certificate-expired"),
    (lambda: tls.issued("other", "DNS:other.example"), "certificate-name"),
    (lambda: tls.issued("mail", by="Unknown"),
     "certificate-unknown-authority"),
    (tls.self_signed, "certificate-self-signed"),
], ids=["expired", "name", "unknown", "self-signed"])
@pytest.mark.parametrize("implicit", [False, True])
def test_a_bad_certificate_has_its_hint(saved, server, make, hint, implicit):
    s = server(tls=tls.server(make()), implicit=implicit, auth=("PLAIN",))
    result = saved(s.port, "tls implicit;" if implicit else "")
    assert not result["ok"] and hint_of(result) == hint, result
    assert any(line.startswith("subject CN = ") for line in
               steps_of(result, "certificate")), result
    assert not {"AUTH", "MAIL"} & set(s.commands())


def test_no_starttls_has_its_hint(draft, server):
    s = server(auth=("PLAIN",))
    result = draft(s.port, **LOGIN)
    assert hint_of(result) == "starttls-not-offered", result
    assert not {"AUTH", "MAIL"} & set(s.commands())


def test_starttls_refused_has_its_hint(draft, server):
    s = server(answering("STARTTLS", "454 4.7.0 TLS not available"),
               tls=tls.server(tls.issued("mail")))
    assert hint_of(draft(s.port)) in ("starttls-refused", "starttls-failed")


def test_no_login_offered_has_its_hint(saved, server):
    s = server(tls=tls.server(tls.issued("mail")))
    result = saved(s.port)
    assert hint_of(result) == "auth-not-offered", result


# ---- the wrong port, or no mail server at all ----

def test_a_port_for_implicit_tls_spoken_to_in_plain_text(saved, server):
    s = server(tls=tls.server(tls.issued("mail")), implicit=True)
    result = saved(s.port, "timeout 500ms;")
    assert hint_of(result) == "greeting-time-out", result
    assert "tls implicit" in result["hint"]["fix"]


def test_a_port_for_starttls_spoken_to_in_tls(draft, server):
    s = server(tls=tls.server(tls.issued("mail")))
    result = draft(s.port, tls="implicit")
    assert hint_of(result) == "implicit-tls-to-starttls-port", result


def test_a_web_server_in_place_of_the_mail_server(draft, raw_server):
    """What a proxy says to who does not ask in HTTP."""
    web = raw_server(lambda connection: connection.sendall(
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
    assert hint_of(draft(web.port)) == "not-smtp"


def test_nobody_listens(draft):
    assert hint_of(draft(free_port())) == "connection-refused"


# ---- a saved channel, and the command ----

@pytest.fixture
def refused(server, with_channel):
    """A belfry whose mail server does not take the password."""
    s = server(tls=tls.server(tls.issued("mail")), auth=("PLAIN",),
               users={LOGIN["username"]: "another"})
    return with_channel(s.port)


def test_belfryctl_says_what_a_wrong_password_is(refused):
    b = refused
    run_test(b, "mail")  # a worker is there
    said = b.ctl("test", "mail", check=False)
    assert said.returncode == 1 and PASSWORD not in said.stdout + said.stderr
    lines = said.stdout.splitlines()
    assert lines[-3].startswith("not delivered after ")
    assert "535 5.7.8 authentication failed" in lines[-3]
    assert lines[-2].startswith("cause: The server does not take this user")
    assert lines[-1].startswith("fix: Check `username`")
    assert b.http("GET", "/v1/deliveries").json["deliveries"] == []
    assert PASSWORD not in b.log()


def test_belfryctl_tests_mail_settings_that_are_not_saved(refused, server,
                                                          tmp_path):
    taken, b = server(), refused
    run_test(b, "mail")
    given = settings(taken.port, tls="off")
    done = b.ctl("test", "-m", "smtp", *(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in given.items()))
    assert "delivered after " in done.stdout
    mail, = taken.mails
    assert mail.message["Subject"].endswith("Test notification from belfry")
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings(free_port(), tls="off")))
    done = b.ctl("test", "-m", "smtp", "--settings", file, check=False)
    assert done.returncode == 1 and "fix: " in done.stdout
