"""Belfry's own intake as the target of a channel: refused in every spelling, or
one event would make others without end. And names with several addresses."""
import pytest
from harness import channel
from names import NameServer, needs_namespace

SPELLINGS = {
    "dotted": "127.0.0.1", "decimal": "2130706433", "octal": "0177.0.0.1",
    "all octal": "017700000001", "hexadecimal": "0x7f000001",
    "mixed": "0x7f.0.0.01", "two parts": "127.1", "three parts": "127.0.1",
    "mapped": "[::ffff:127.0.0.1]", "mapped in hexadecimal":
    "[::ffff:7f00:1]", "mapped, written out": "[0:0:0:0:0:ffff:7f00:1]",
    "name": "localhost", "name with a dot": "localhost.",
    "name in capitals": "LOCALHOST", "unspecified": "0.0.0.0",
    "unspecified, short": "0", "escaped": "%31%32%37.0.0.1",
    "full-width digits": "\uff11\uff12\uff17.0.0.1",
    "userinfo": "user:word@127.0.0.1",
}


@pytest.mark.parametrize("wildcard", [False, True])
def test_own_intake_is_refused_in_every_spelling(belfry, wildcard):
    """Every spelling at once, each a channel; one that the conf file's parser
    refuses as no host is refused as well."""
    b = belfry(start=False)
    if wildcard:
        b.configure("", api=f"listen 0.0.0.0:{b.port + 0};")
        text = b.conf_file.read_text()
        b.conf_file.write_text(text.replace(
            f"    listen 127.0.0.1:{b.port};\n", "", 1))
    base = b.conf_file.read_text()
    taken = {}
    for number, (kind, host) in enumerate(SPELLINGS.items()):
        line = channel(f'"http://{host}:{b.port}/v1/events"', f"c{number}",
                       "retry none;")
        b.conf_file.write_text(base + line)
        done = b.test_conf()
        if done.returncode == 0:
            taken[kind] = (f"c{number}", line)
        else:
            assert "belfry.conf:" in done.stderr, done
    assert {"dotted", "mapped", "name"} <= set(taken)
    b.conf_file.write_text(
        base + "events { channel_failing off; }\n" +
        "".join(line for _, line in taken.values()))
    b.start()
    event = b.post()
    for kind, (name, _) in taken.items():
        delivery = b.wait_state(b.delivery_of(event, name), "failed")
        why = delivery["attempts"][-1]["why"]
        # A name may have an address besides at which nobody listens.
        assert "belfry's own intake" in why or "resolve" in why or \
            (kind.startswith("name") and "Connection refused" in why), \
            (kind, why)
    b.wait_idle()
    assert [e["event"] for e in b.http("GET", "/v1/events").json["events"]
            if e["event"] != "channel_failing"] == ["deploy_failed"]


def test_redirect_to_the_intake_is_not_followed(belfry, receiver):
    b = belfry(start=False)
    endpoint = receiver(lambda request: (
        307, {"Location": f"http://127.0.0.1:{b.port}/v1/events"}))
    b.configure("events { channel_failing off; }\n" +
                channel(endpoint.url, more="retry none;"))
    b.start()
    identifier = b.delivery_of(b.post())
    delivery = b.wait_state(identifier, "failed")
    assert delivery["attempts"][0]["status"] == 307
    assert len(endpoint.requests) == 1
    assert [e["event"] for e in b.http("GET", "/v1/events").json["events"]
            if e["event"] != "channel_failing"] == ["deploy_failed"]


@needs_namespace
def test_of_two_addresses_the_intake_is_not_connected_to(belfry, receiver,
                                                         closing, tmp_path):
    """A name of the intake's address and of somebody else's, on its port."""
    server = closing(NameServer({"both": ["127.0.0.1", "127.0.0.2"]}))
    b = belfry(start=False, before=server.use(tmp_path))
    other = receiver(port=b.port, host="127.0.0.2")
    b.configure(channel(f"http://both.test:{b.port}/", more="retry none;"))
    b.start()
    for count in range(1, 5):
        b.wait_state(b.delivery_of(b.post()), "delivered")
        assert len(other.requests) == count
    events = b.http("GET", "/v1/events").json["events"]
    assert [e["event"] for e in events] == ["deploy_failed"] * 4
