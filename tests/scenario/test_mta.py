"""The smtp module against Postfix and Exim."""
import base64
import email
import email.policy
import os
import shutil

import dkim
import pytest

import mta
import tls
from harness import wait_until
from mta import DOMAIN, PASSWORD, USER

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="mail servers need root"),
    pytest.mark.skipif(not shutil.which("postfix"), reason="no postfix")]

BODY = """<h1>Deployment failed</h1><p>See <a href="https://x.example/1">the
log</a>: caf\u00e9 &amp; more.</p><table><tr><th>Host</th><td>web-1</td></tr>
</table><p>.</p>"""


@pytest.fixture(scope="module", params=["postfix", "exim"])
def server(request, module_closing, tmp_path_factory):
    if request.param == "postfix":
        return module_closing(mta.Postfix())
    packages = mta.fetch_exim(tmp_path_factory.mktemp("exim"))
    return module_closing(mta.Exim(packages))


@pytest.fixture
def mailer(belfry, server):
    def make(more="", password=PASSWORD, to=("ops", "oncall")):
        b = belfry(start=False)
        b.configure(f"""
load_module {b.build}/.libs/smtp.so isolate=off;
channel smtp mail {{
    host 127.0.0.1; ca_file {tls.authority().certificate};
    username {USER}; password "{password}";
    from "Bel F\u00fc" <belfry@{DOMAIN}>;
    to {' '.join(f'{name}@{DOMAIN}' for name in to)};
    retry none;
    {more}
}}
""")
        return b.start()
    return make


def deliver(server, b, state, subject):
    identifier = b.delivery_of(b.post(body=BODY, subject=subject,
                                      metadata={"incident_id": "inc-1"}))
    wait_until(lambda: b.delivery(identifier)["state"] in
               ("delivered", "failed"), "the delivery ends", 60)
    delivery = b.delivery(identifier)
    assert delivery["state"] == state, (delivery["attempts"], server.log())
    return delivery


@pytest.mark.parametrize("way", ["starttls", "implicit"])
@pytest.mark.parametrize("auth", ["auto", "plain", "login"])
def test_a_mail_reaches_the_maildir(server, mailer, way, auth):
    subject = f"It failed: \u00fc {way} {auth}"
    more = f"port {server.starttls};" if way == "starttls" else \
        f"port {server.implicit}; tls implicit;"
    delivery = deliver(server, mailer(more + f" auth {auth};"), "delivered", subject)
    attempt, = delivery["attempts"]
    assert [r["status"] for r in attempt["recipients"]] == [250, 250]
    assert attempt["tls_us"] > 0
    mail = server.mail_of(subject)
    assert not mail.defects
    assert delivery["id"] in mail["X-Belfry-Delivery"]
    assert mail["From"].addresses[0].display_name == "Bel F\u00fc"
    assert [a.addr_spec for a in mail["To"].addresses] == [
        f"ops@{DOMAIN}", f"oncall@{DOMAIN}"]
    text = mail.get_body(("plain",)).get_content()
    assert "caf\u00e9 & more" in text and "https://x.example/1" in text
    assert "web-1" in mail.get_body(("html",)).get_content()


def test_a_wrong_password_is_refused(server, mailer):
    delivery = deliver(server, mailer(f"port {server.starttls};", "wrong"), "failed",
                       "never")
    attempt, = delivery["attempts"]
    assert attempt["status"] == 535, server.log()
    assert "refused the login" in attempt["why"]


def test_an_unknown_recipient_fails_alone(server, mailer):
    delivery = deliver(server, mailer(f"port {server.starttls};",
                              to=("ops", "nobody")), "failed", "for ops only")
    attempt, = delivery["attempts"]
    assert [(r["verdict"], r["status"]) for r in attempt["recipients"]] == [
        ("delivered", 250), ("failed", 550)]
    assert server.mail_of("for ops only")


def test_the_certificate_is_checked(server, mailer):
    other = tls.authority("Unknown").certificate
    b = mailer(f"port {server.starttls};")
    b.configure(b.conf_file.read_text().split("token scenario")[1]
                .partition("}\n")[2].replace(
                    str(tls.authority().certificate), str(other)))
    assert b.reload()
    attempt, = deliver(server, b, "failed", "never")["attempts"]
    assert "signed by nobody that is trusted" in attempt["why"]


def make_key(folder, kind):
    """A key for DKIM, and the TXT record that its verifiers look up."""
    options = ("-algorithm", "ED25519") if kind == "ed25519" else (
        "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    pem, der = folder / f"{kind}.pem", folder / f"{kind}.der"
    tls.openssl("genpkey", *options, "-out", pem)
    tls.openssl("pkey", "-in", pem, "-pubout", "-outform", "DER", "-out", der)
    # An Ed25519 key stands there bare (RFC 8463, section 4.2).
    public = der.read_bytes()[-32 if kind == "ed25519" else 0:]
    return pem, f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_the_signature_holds_behind_the_mail_server(server, mailer, tmp_path,
                                                    kind):
    pem, record = make_key(tmp_path, kind)
    subject = f"Signed \u00fc {kind}"
    deliver(server, mailer(f"port {server.starttls}; "
                           f"dkim {DOMAIN} sel file:{pem};"), "delivered",
            subject)
    def arrived():
        for path in server.maildir.glob("new/*"):
            raw = path.read_bytes()
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            if mail["Subject"] == subject:
                return raw
        return None

    def verify(mail):
        return dkim.verify(mail, dnsfunc=lambda name, **_: record.encode()
                           if name == f"sel._domainkey.{DOMAIN}.".encode()
                           else None)
    raw = wait_until(arrived, "the signed mail arrives", 30)
    assert verify(raw)
    assert not verify(raw.replace(b"web-1", b"web-2"))
