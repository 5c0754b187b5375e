"""Mails, read back with Python's email package under its strict policy, and
their signatures verified with dkimpy."""
import base64
import email
import email.header
import email.policy
import itertools
import json
import re
import subprocess

import pytest

from harness import BUILD

STRICT = email.policy.SMTP.clone(raise_on_defect=True)
BODY = "<p>Deployment of <b>MyApp</b> failed.</p>"


def compose(*parts):
    """The bytes of each mail, or the reason why there is none."""
    lines = "".join(json.dumps(part) + "\n" for part in parts)
    done = subprocess.run([f"{BUILD}/tests/unit/compose"], input=lines.encode(),
                          capture_output=True, check=True)
    out = done.stdout.decode().split("\n")[:-1]
    assert len(out) == len(parts)
    return [line[1:] if line.startswith("!") else base64.b64decode(line)
            for line in out]


def parts(subject="Deployment failed", body=BODY, metadata=None, **more):
    return {"from": ["belfry@example.com"], "to": ["ops@example.com"],
            "event": {"event": "deploy_failed", "subject": subject,
                      "body": body, "metadata": metadata or {}}, **more}


def read(raw):
    """Parses a mail after checking what holds for the bytes of any."""
    assert isinstance(raw, bytes), raw
    assert raw.isascii()
    assert b"\0" not in raw
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw), "bare CR or LF"
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not [line for line in lines if line.startswith((b".", b"From "))]
    head = raw.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    for line in head:
        if b" " in line.strip() and b"=?" not in line:
            assert len(line) <= 78
        if b"=?" in line:
            assert len(line) <= 76
        for word in re.findall(rb"=\?\S*?\?[QB]\?\S*?\?=", line):
            assert len(word) <= 75
            # Whole characters in each.
            email.header.make_header(email.header.decode_header(word.decode()))
    message = email.message_from_bytes(raw, policy=STRICT)
    for part in message.walk():
        assert not part.defects
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    return message


def text_of(message, kind):
    return message.get_body((kind,)).get_content()


def names(message):
    return sorted(name.lower() for name in message.keys())


USUAL = sorted(["date", "from", "to", "subject", "message-id", "list-id",
                "auto-submitted", "x-belfry-delivery", "x-belfry-event",
                "mime-version", "content-type"])


def test_a_mail_has_what_a_mail_has():
    raw = compose(parts(**{"from": ["Belfry", "<belfry@example.com>"],
                           "cc": ["Dev <dev@example.com>"],
                           "reply_to": ["help@example.com"],
                           "subject_prefix": "[belfry]"}))[0]
    message = read(raw)
    assert names(message) == sorted(USUAL + ["cc", "reply-to"])
    assert message["Subject"] == "[belfry] Deployment failed"
    assert message["From"] == "Belfry <belfry@example.com>"
    assert message["To"] == "ops@example.com"
    assert message["Cc"] == "Dev <dev@example.com>"
    assert message["Reply-To"] == "help@example.com"
    assert message["Date"] == "Thu, 09 Oct 2025 08:53:20 +0000"
    assert message["Message-ID"] == \
        "<dlv_0123456789abcdef0000002a@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<belfry.example.com>"
    assert message["X-Belfry-Delivery"] == "dlv_0123456789abcdef0000002a"
    assert message["X-Belfry-Event"] == "deploy_failed"
    assert text_of(message, "plain") == "Deployment of MyApp failed."
    assert text_of(message, "html") == BODY


def test_the_same_delivery_is_the_same_bytes():
    one, two = compose(parts(), parts())
    assert one == two


def test_an_incident_is_one_thread():
    raws = compose(parts("created", metadata={"incident_id": "i-1"}),
                   parts("resolved", metadata={"incident_id": "i-1"}),
                   parts("created", metadata={"incident_id": "i-2"}),
                   parts(metadata={"incident_id": "<x>\r\nBcc: a@b"}))
    first, second, other, forged = map(read, raws)
    assert first["References"] == second["References"] == \
        first["In-Reply-To"]
    assert re.fullmatch(r"<incident\.[0-9a-f]{32}@example\.com>",
                        first["References"])
    assert other["References"] != first["References"]
    assert names(forged) == sorted(USUAL + ["references", "in-reply-to"])


CONTROLS = ["\r\n", "\r", "\n", "\r\n ", "\x0b", "\x0c", "\x1c", "\x1d",
            "\x1e", "\x85", "\u2028", "\u2029", "\x7f", "\t"]


@pytest.mark.parametrize("control", CONTROLS, ids=repr)
def test_nothing_in_an_event_begins_a_header(control):
    forged = f"a{control}Bcc: evil@example.com"
    for raw in compose(parts(forged), parts("é" + forged),
                       parts(metadata={"incident_id": forged, "x": forged}),
                       parts(subject_prefix=forged),
                       parts(forged + control * 2 + "<p>body</p>")):
        message = read(raw)
        assert "bcc" not in names(message)
        assert message["To"] == "ops@example.com"
        assert len(message["Subject"].splitlines()) == 1
    assert read(compose(parts(forged))[0])["Subject"] == \
        "a Bcc: evil@example.com"


LITERAL = [
    "=?utf-8?q?h=C3=A9?=", "=?utf-8?b?aGk=?= and more", "a=?b?=c",
    "=?UTF-8?Q?a?= =?UTF-8?Q?b?=", "  two  spaces  ", "trailing ",
    "(comment) \"quoted\" <a@b>, [c]; \\", "a" * 300, "word " * 300 + "end",
    "ä", "日本語" * 400, "😀👩‍👧‍👦" * 60, "a" * 75 + "ä", "שלום עולם",
    "=", "?=", ":", "é" + " x" * 200, "\u202eevil", "x" * 66, "x" * 67,
    "x" * 68 + " y", "%s %n", "=20", "_",
]


@pytest.mark.parametrize("subject", LITERAL, ids=lambda s: ascii(s)[:40])
def test_a_subject_arrives_as_it_is(subject):
    message = read(compose(parts(subject))[0])
    # The package joins folded lines as they are.
    assert message["Subject"] == subject
    assert names(message) == USUAL


def test_a_long_subject_of_any_length_is_well_formed():
    kinds = ["é", "日", "😀", "aé", "a b é "]
    subjects = [(kind * 4096)[:size] for kind in kinds
                for size in itertools.chain(range(1, 90), [1000, 4096])]
    for subject, raw in zip(subjects, compose(*map(parts, subjects))):
        assert read(raw)["Subject"] == subject


def normal(text):
    return re.sub("\r\n?", "\n", text)


BODIES = [
    ".", "..", ".\r\n.", "<p>a</p>\n.\nQUIT\n", "QUIT", "From me\nFrom you",
    "a\n.\n.\nb", "a\r.\rb\r\rc", "a\n\n\n", "x" * 5000, "ä" * 5000,
    "日本語" * 2000, "a \nb\t\n", "=", "=20=\n=", "--=_dlv_0123456789abcdef0000002a",
    "--=_dlv_0123456789abcdef0000002a--\r\n\r\nx", "<p>" + "word " * 1000,
    "\x01\x02\x7f", "a" * 75 + "=", "é" * 25 + ".", ("a" * 75 + ".") * 5,
    "a" * 74 + " ", "From " * 100, "\t", "\u2028\u0085", "&amp; <b>x",
    " \n \n", "x" * 76 + "From y",
]


@pytest.mark.parametrize("body", BODIES, ids=lambda s: ascii(s)[:40])
def test_a_body_arrives_as_it_is(body):
    message = read(compose(parts(body=body))[0])
    html = message.get_body(("html",))
    got = html.get_payload(decode=True).decode()
    assert normal(got) == normal(body)


def test_lines_of_a_body_are_short_enough_for_any_way():
    for raw in compose(*(parts(body=body) for body in BODIES)):
        body = raw.split(b"\r\n\r\n", 1)[1]
        assert max(map(len, body.split(b"\r\n"))) <= 78


def test_without_a_body_the_subject_is_the_message():
    message = read(compose(parts("a < b & c", body=""))[0])
    assert text_of(message, "plain") == "a < b & c"
    assert text_of(message, "html") == "<p>a &lt; b &amp; c</p>"


NAMES = [
    ("Ops", "Ops"), ("\"Ops, Berlin\"", "Ops, Berlin"), ("Bär", "Bär"),
    ("=?utf-8?q?x?=", "=?utf-8?q?x?="), ("\"a \\\"b\\\" \\\\c\"", "a \"b\" \\c"),
    ("日本語" * 50, "日本語" * 50), ("a.b", "a.b"), ("(x)", "(x)"),
    ("x" * 200, "x" * 200), ("Ops Team", "Ops Team"),
]


@pytest.mark.parametrize("written,name", NAMES, ids=lambda s: ascii(s)[:30])
def test_a_name_arrives_as_it_is(written, name):
    raw = compose(parts(**{
        "from": [written, "<belfry@example.com>"],
        "to": ["a@example.com", f"{written} <b@example.com>",
               "c@example.com"]}))[0]
    message = read(raw)
    if len(name) > 60:
        # The package puts a space between the encoded words of a name
        # (CPython issue 79728); its older interface does not.
        old = email.message_from_bytes(raw, policy=email.policy.compat32)
        decoded = email.header.make_header(
            email.header.decode_header(old["From"]))
        assert str(decoded) == f"{name} <belfry@example.com>"
        return
    assert [a.display_name for a in message["From"].addresses] == [name]
    assert [(a.display_name, a.addr_spec) for a in message["To"].addresses] \
        == [("", "a@example.com"), (name, "b@example.com"),
            ("", "c@example.com")]


def test_many_recipients_are_folded():
    to = [f"user-{i}@example.com" for i in range(500)]
    message = read(compose(parts(to=to))[0])
    assert [a.addr_spec for a in message["To"].addresses] == to


BAD_ADDRESSES = [
    "", "ops", "@example.com", "ops@", "a b@example.com", "ops@exa mple.com",
    "ops@example.com\r\nBcc: x@y", "ops@example.com\n", "ops\0@example.com",
    "\x7f@example.com", "ops@example.com,x@y.com", "<ops@example.com",
    "ops@example.com>", "ops@example..com", ".ops@example.com",
    "ops.@example.com", "öps@example.com", "ops@-example.com",
    "x" * 65 + "@example.com", "ops@" + "x" * 64 + ".com",
    "ops@" + "x." * 130 + "com", "a@b <c@d.com>", "ops@[1.2.3]",
    "Ops\r\nX: y <ops@example.com>", "\u2028@example.com",
    "ops@exam\u2028ple.com", "ops@example.com x", "Ops ops@example.com",
]


@pytest.mark.parametrize("address", BAD_ADDRESSES, ids=lambda s: ascii(s)[:30])
def test_a_bad_address_is_refused_with_what_was_expected(address):
    for name in ("from", "to", "cc", "reply_to"):
        reason = compose(parts(**{name: [address]}))[0]
        assert isinstance(reason, str), reason
        if "\0" not in address:
            assert re.match(f"{name}: ", reason)
            assert re.search("expected|must be|not supported", reason)
        assert reason.isprintable()


@pytest.mark.parametrize("address,expected", [
    ("ops@example.com", "ops@example.com"),
    ("<ops@example.com>", "ops@example.com"),
    ("  ops@example.com ", "ops@example.com"),
    ("ops@bücher.example", "ops@xn--bcher-kva.example"),
    ("o'brien+tag@mail.example.com", "o'brien+tag@mail.example.com"),
    ("ops@localhost", "ops@localhost"),
])
def test_a_good_address_is_taken(address, expected):
    message = read(compose(parts(to=[address]))[0])
    assert [a.addr_spec for a in message["To"].addresses] == [expected]


# ---- DKIM ----

@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Each kind of key: (PEM, what the name server says)."""
    folder = tmp_path_factory.mktemp("dkim")
    made = {}
    for kind, options in {"rsa": ["-algorithm", "RSA", "-pkeyopt",
                                  "rsa_keygen_bits:2048"],
                          "ed25519": ["-algorithm", "ED25519"]}.items():
        pem = folder / kind
        subprocess.run(["openssl", "genpkey", *options, "-out", pem],
                       check=True, capture_output=True)
        public = subprocess.run(
            ["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"],
            check=True, capture_output=True).stdout
        if kind == "ed25519":
            public = public[-32:]
        record = f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"
        made[kind] = (pem.read_text(), record.encode())
    return made


def signed(pem, message, **dkim):
    return {**message, "time": "1760000000",
            "dkim": {"domain": "example.com", "selector": "belfry",
                     "key": pem, **dkim}}


def verify(raw, record, name=b"belfry._domainkey.example.com."):
    import dkim

    def answer(asked, **_):
        return record if asked == name else None

    return dkim.verify(raw, dnsfunc=answer)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_signature_verifies(keys, kind):
    pem, record = keys[kind]
    some = [parts(body=body) for body in BODIES] + \
           [parts(subject) for subject in LITERAL] + \
           [parts(metadata={"incident_id": "x"}, cc=["Ä <c@example.com>"])]
    for raw in compose(*(signed(pem, one) for one in some)):
        read(raw)
        assert raw.startswith(b"DKIM-Signature: v=1; a=" + kind.encode())
        assert verify(raw, record)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_change_on_the_way_breaks_the_signature(keys, kind):
    pem, record = keys[kind]
    raw = compose(signed(pem, parts()))[0]
    assert verify(raw, record)
    assert verify(raw.replace(b"Subject: ", b"Subject:  "), record)
    assert not verify(raw.replace(b"failed.", b"worked."), record)
    assert not verify(raw.replace(b"Subject: D", b"Subject: d"), record)
    assert not verify(raw.replace(b"\r\nTo:", b"\r\nFrom: x@y.z\r\nTo:"),
                      record)
    assert not verify(raw.replace(b"\r\nTo:", b"\r\nCc: x@y.z\r\nTo:"), record)
    assert not verify(raw.replace(b"t=176", b"t=177"), record)


def test_the_same_time_makes_the_same_signature(keys):
    for pem, _ in keys.values():
        one, two = compose(*[signed(pem, parts())] * 2)
        assert one == two


def test_a_bad_key_is_refused_with_what_was_expected(keys):
    small, other, sealed = (subprocess.run(
        ["openssl", "genpkey", *options], check=True,
        capture_output=True).stdout.decode() for options in (
            ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:768"],
            ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            ["-algorithm", "ED25519", "-aes256", "-pass", "pass:x"]))
    good = keys["rsa"][0]
    reasons = compose(
        signed("", parts()), signed("junk", parts()), signed(small, parts()),
        signed(other, parts()), signed(sealed, parts()),
        signed(good, parts(), domain="ex ample.com"),
        signed(good, parts(), domain=""), signed(good, parts(), selector=""),
        signed(good, parts(), selector="a;b"),
        signed(good, parts(), selector="a\r\nb"))
    for reason in reasons:
        assert isinstance(reason, str), reason
        assert "expected" in reason
