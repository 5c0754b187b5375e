"""What channels made over the API may reach: nothing that is not public, unless
the conf file opens it. 127.0.1.0/24 stands for the world outside here."""
import pytest

from harness import BUILD, Receiver, channel, free_port, wait_until
from names import NameServer, needs_namespace

OPEN = """
egress {
    allow_http on;
    allow_ports 1-65535;
    allow_private 127.0.1.0/24;
}
events { channel_failing off; }
"""
CLOSED = "may not reach"


def create(b, url, name="team", **more):
    return b.http("POST", "/v1/channels", {
        "name": name, "module": "webhook", "settings": {"url": url},
        "retry": "none", **more})


def attempt(b, name="team", state="failed"):
    """Has an event delivered; the only attempt at it."""
    identifier = b.delivery_of(b.post(), name)
    return b.wait_state(identifier, state)["attempts"][-1]


@pytest.fixture
def doors(closing):
    """An endpoint outside and one inside, on the same port."""
    for _ in range(50):
        outside = closing(Receiver(host="127.0.1.1"))
        try:
            return outside, closing(Receiver(port=outside.port))
        except OSError:
            continue
    raise AssertionError("no port is free on two addresses")


@pytest.fixture
def named(closing, tmp_path, belfry):
    """A belfry that asks a name server with the answers."""
    def make(answers, conf=OPEN, **kw):
        server = closing(NameServer(answers))
        made = belfry(conf, before=server.use(tmp_path), **kw)
        made.names = server
        return made
    return make


# ---- where it is written ----

@pytest.mark.parametrize("url, why", [
    ("http://example.com/", "plain text"),
    ("https://127.0.0.1/", "127.0.0.1 is a loopback address"),
    ("https://169.254.169.254/latest/", "link-local"),
    ("https://[::ffff:10.0.0.1]/", "IPv4-mapped"),
    ("https://[64:ff9b::a00:1]/", "NAT64"),
    ("https://localhost/", "localhost is this machine"),
    ("https://2130706433/", "not an IPv4 address"),
    ("https://0x7f.1/", "not an IPv4 address"),
    ("https://example.com@127.0.0.1/", "user name"),
    ("https://example.com\\@127.0.0.1/", "does not belong"),
    ("https://example.com:22/", "port 22"),
])
def test_a_closed_place_is_refused_at_once(belfry, url, why):
    b = belfry("egress { }")
    for answer in (create(b, url),
                   b.http("POST", "/v1/channels/test", {
                       "module": "webhook", "settings": {"url": url}})):
        assert answer.status == 422, answer
        assert answer.json["field"] == "/settings/url"
        assert why in answer.json["detail"]
    assert b.http("GET", "/v1/channels").json["channels"] == []


def test_a_public_place_is_not(belfry):
    b = belfry("egress { }")
    answer = create(b, "https://hooks.example.com/")
    assert answer.status == 201, answer
    answer = b.http("PATCH", "/v1/channels/team",
                    {"settings": {"url": "https://10.0.0.1/"}})
    assert answer.status == 422 and "private" in answer.json["detail"], answer
    shown = b.http("GET", "/v1/channels/team").json
    assert shown["settings"]["url"] == "https://hooks.example.com/"


def test_the_conf_file_is_not_bound_by_it(belfry, receiver):
    endpoint = receiver()
    b = belfry("egress { }" + channel(endpoint.url))
    b.post()
    endpoint.wait(1)


def test_a_reload_closes_and_opens(belfry, receiver):
    endpoint = receiver(host="127.0.1.1")
    b = belfry(OPEN)
    assert create(b, endpoint.url).status == 201
    attempt(b, state="delivered")
    b.configure("egress { }")
    assert b.reload(), b.log()
    wait_until(lambda: b.http("GET", "/v1/channels/team").json["state"] ==
               "faulty", "the channel is faulty")
    assert "plain text" in b.http("GET", "/v1/channels/team").json["reason"]
    b.configure(OPEN)
    assert b.reload(), b.log()
    wait_until(lambda: b.http("GET", "/v1/channels/team").json["state"] ==
               "running", "the channel runs again")
    attempt(b, state="delivered")
    assert len(endpoint.requests) == 2


def test_mail_in_plain_text_is_closed(belfry):
    b = belfry(f"load_module {BUILD}/.libs/smtp.so isolate=off;\n"
               "egress { allow_http off; }")
    mail = {"name": "mail", "module": "smtp", "settings": {
        "host": "mail.example.com", "from": "a@example.com",
        "to": ["b@example.com"], "username": "u", "password": "p"}}
    for words in ("off", ["off", "allow_plaintext_auth"]):
        answer = b.http("POST", "/v1/channels", {
            **mail, "settings": {**mail["settings"], "tls": words}})
        assert answer.status == 422 and "plain text" in answer.json["detail"]
        assert answer.json["field"] == "/settings/tls"
    assert b.http("POST", "/v1/channels", mail).status == 201
    answer = b.http("PATCH", "/v1/channels/mail", {
        "settings": {"tls": ["off", "allow_plaintext_auth"]}})
    assert answer.status == 422 and "plain text" in answer.json["detail"]


def test_belfry_itself_stays_closed(belfry):
    b = belfry(OPEN.replace("127.0.1.0/24", "0.0.0.0/0 ::/0"))
    assert create(b, f"http://127.0.0.1:{b.port}/v1/events").status == 201
    assert "own intake" in attempt(b)["why"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere(belfry, doors, status):
    outside, inside = doors
    outside.answer = lambda request: (status, {"Location": inside.url})
    b = belfry(OPEN)
    assert create(b, outside.url).status == 201
    assert attempt(b)["status"] == status
    assert len(outside.requests) == 1 and not inside.requests


MAIL = {"from": "belfry@example.com", "to": ["ops@example.com"]}


@pytest.mark.parametrize("module, settings, field, why", [
    ("smtp", {"host": "127.0.0.1", **MAIL}, "/settings/host", "loopback"),
    ("smtp", {"host": "0x7f.1", **MAIL}, "/settings/host", "IPv4"),
    ("smtp", {"host": "::1", **MAIL}, "/settings/host", "loopback"),
    ("smtp", {"host": "mail.example.com", "port": 25, **MAIL},
     "/settings/port", "port 25"),
    ("syslog", {"host": "localhost"}, "/settings/host", "this machine"),
    ("syslog", {"host": "log.example.com", "port": 6514}, "/settings/port",
     "port 6514"),
])
def test_a_closed_host_of_other_modules(belfry, module, settings, field, why):
    b = belfry("egress { }", start=False)
    b.configure(f"load_module {b.build}/.libs/{module}.so;\negress {{ }}")
    b.start()
    answer = b.http("POST", "/v1/channels", {
        "name": "team", "module": module, "settings": settings})
    assert answer.status == 422 and answer.json["field"] == field, answer
    assert why in answer.json["detail"]


# ---- what a name stands for ----

@needs_namespace
@pytest.mark.parametrize("addresses", [
    ["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["0.0.0.0"], "target"])
def test_a_name_of_a_closed_place(named, doors, addresses):
    outside, inside = doors
    b = named({"inside": addresses, "target": ["127.0.0.1"]})
    url = f"http://inside.test:{inside.port}/"
    assert create(b, url).status == 201
    why = attempt(b)["why"]
    # A system without IPv6 does not ask for such addresses.
    assert CLOSED in why or (":" in addresses[0] and "address" in why), why
    result = b.http("POST", "/v1/channels/team/test", {}).json
    assert not result["ok"], result
    assert CLOSED in str(result["steps"]) or ":" in addresses[0], result
    assert not inside.requests and not outside.requests


@needs_namespace
@pytest.mark.parametrize("module, more", [
    ("smtp", MAIL), ("syslog", {"transport": "tcp"})])
def test_a_name_of_a_closed_place_for_other_modules(named, doors, module,
                                                    more):
    """The host is no URL: what is connected to counts."""
    _, inside = doors
    b = named({"inside": ["127.0.0.1"]}, start=False)
    b.configure(f"load_module {b.build}/.libs/{module}.so;\n{OPEN}")
    b.start()
    answer = b.http("POST", "/v1/channels", {
        "name": "team", "module": module, "retry": "none",
        "settings": {"host": "inside.test", "port": inside.port, **more}})
    assert answer.status == 201, answer
    assert CLOSED in attempt(b)["why"]
    assert b.names.asked.count("inside.test") >= 1


@needs_namespace
def test_a_name_that_stands_for_another_place_later(named, doors):
    """Rebinding: what was allowed when it was looked at is not, when it is
    connected to."""
    outside, inside = doors
    b = named({"flip": lambda before: ["127.0.0.1" if before else
                                       "127.0.1.1"]})
    assert create(b, f"http://flip.test:{outside.port}/").status == 201
    attempt(b, state="delivered")
    # New workers look the name up anew.
    before = b.log().count("new configuration is in use")
    assert b.reload(), b.log()
    wait_until(
        lambda: b.log().count("new configuration is in use") > before,
        "the scheduler has the new configuration")
    assert CLOSED in attempt(b)["why"]
    assert len(outside.requests) == 1 and not inside.requests
    assert b.names.asked.count("flip.test") >= 2


@needs_namespace
@pytest.mark.parametrize("addresses", [
    ["127.0.0.1", "127.0.1.1"], ["127.0.1.1", "127.0.0.1"],
    ["::1", "127.0.1.1"]])
def test_of_several_addresses_the_open_one_is_taken(named, doors, addresses):
    outside, inside = doors
    b = named({"both": addresses})
    assert create(b, f"http://both.test:{outside.port}/").status == 201
    attempt(b, state="delivered")
    assert len(outside.requests) == 1 and not inside.requests


@needs_namespace
def test_what_became_of_the_open_address_is_told(named, doors):
    outside, _ = doors
    b = named({"both": ["127.0.0.1", "127.0.1.1"]})
    assert create(b, f"https://both.test:{outside.port}/").status == 201
    why = attempt(b)["why"]
    assert "TLS" in why and CLOSED not in why, why


@needs_namespace
def test_nothing_is_shared_with_channels_of_the_conf_file(named, doors):
    """Neither the connection nor the address that the operator's channel has
    is a way in."""
    _, inside = doors
    url = f"http://inside.test:{inside.port}/"
    b = named({"inside": ["127.0.0.1"]},
              OPEN + channel(url, "own", "retry none;"))
    assert create(b, url).status == 201
    for count in range(1, 4):
        event = b.post()
        b.wait_state(b.delivery_of(event, "own"), "delivered")
        shown = b.wait_state(b.delivery_of(event, "team"), "failed")
        assert CLOSED in shown["attempts"][0]["why"]
        assert len(inside.requests) == count
    assert b.names.asked.count("inside.test") >= 2


# ---- proxies ----

def test_the_proxy_of_the_conf_file_is_not_theirs(belfry, receiver):
    endpoint = receiver(host="127.0.1.1")
    b = belfry(OPEN, main={"proxy": f"http://127.0.0.1:{free_port()}"})
    assert create(b, endpoint.url).status == 201
    attempt(b, state="delivered")
    assert len(endpoint.requests) == 1


def test_their_own_proxy_looks_names_up(belfry, receiver):
    """The operator has chosen its address, so that it need not be opened."""
    proxy = receiver()
    b = belfry(OPEN.replace("egress {", f"egress {{ proxy {proxy.url};"))
    assert create(b, "http://hooks.example/a").status == 201
    attempt(b, state="delivered")
    assert proxy.requests[0].path == "http://hooks.example/a"
    answer = create(b, "http://10.0.0.1/", "other")
    assert answer.status == 422 and "private" in answer.json["detail"]
