"""The smtp module against aiosmtpd, a mail server that nobody here wrote."""
import email
import email.policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

import tls
from harness import free_port

USER, PASSWORD = "u", "p"


class Handler:
    """Takes mail for all but nobody@, and keeps it."""

    def __init__(self):
        self.envelopes = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append(envelope)
        return "250 ok"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@pytest.fixture
def server():
    handler = Handler()
    controller = Controller(
        handler, hostname="127.0.0.1", port=free_port(),
        tls_context=tls.server(tls.issued("mail")), require_starttls=True,
        authenticator=authenticate, auth_required=True)
    controller.start()
    yield controller
    controller.stop()


def deliver(belfry, server, state, auth, password, to):
    b = belfry(start=False)
    b.configure(f"""
load_module {b.build}/.libs/smtp.so isolate=off;
channel smtp mail {{
    host 127.0.0.1; port {server.port}; retry none;
    ca_file {tls.authority().certificate};
    username {USER}; password {password}; auth {auth};
    from belfry@example.com; to {to};
}}
""")
    b.start()
    identifier = b.delivery_of(b.post(body="<pre>.\n..\nend</pre>"))
    attempt, = b.wait_state(identifier, state)["attempts"]
    return attempt


@pytest.mark.parametrize("auth", ["auto", "plain", "login"])
def test_it_takes_what_belfry_sends(belfry, server, auth):
    deliver(belfry, server, "delivered", auth, PASSWORD, "ops@example.com")
    envelope, = server.handler.envelopes
    assert envelope.rcpt_tos == ["ops@example.com"]
    mail = email.message_from_bytes(envelope.content,
                                    policy=email.policy.strict)
    text = mail.get_body(("plain",)).get_content()
    assert ".\n..\nend" in text.replace("\r\n", "\n")


def test_it_refuses_a_wrong_password(belfry, server):
    attempt = deliver(belfry, server, "failed", "auto", "wrong",
                      "ops@example.com")
    assert attempt["status"] == 535 and server.handler.envelopes == []


def test_it_refuses_one_recipient(belfry, server):
    attempt = deliver(belfry, server, "failed", "auto", PASSWORD,
                      "ops@example.com nobody@example.com")
    assert [r["status"] for r in attempt["recipients"]] == [250, 550]
    assert [e.rcpt_tos for e in server.handler.envelopes] == [
        ["ops@example.com"]]
