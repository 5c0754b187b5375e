"""Modules come, go and are replaced while belfry runs."""
import os
import subprocess

import jsonschema
import pytest
from harness import BUILD, SOURCE, channel, wait_until

MODULE = SOURCE / "tests" / "modules" / "abi1.c"


def build(path, *flags):
    """A module, put in its place as an upgrade of a package does."""
    made = path.with_suffix(".new")
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{BUILD}/include", *flags,
                    "-o", made, MODULE, f"-L{BUILD}/.libs", "-lbelfry"],
                   check=True)
    os.rename(made, path)
    return path


def test_dropped_in_and_enabled(belfry, receiver, tmp_path):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    module = build(tmp_path / "first.so")
    b.configure(f"load_module {module};\n" + channel(
        endpoint.url, "new", "priorty 2;", module="first"))
    assert 'did you mean "priority"' in b.test_conf().stderr
    assert not b.reload()
    b.configure(f"load_module {module};\n" + channel(
        endpoint.url, "new", "priority 9;", module="first"))
    assert "priority: 9 is out of range" in b.test_conf().stderr
    b.configure(f"load_module {module};\n" + channel(
        endpoint.url, "new", "priority 2;", module="first"))
    assert b.reload()
    b.wait_state(b.delivery_of(b.post(), "new"), "delivered")
    assert endpoint.wait(1)[0].headers["Priority"] == "2"
    shown = b.ctl("modules").stdout
    row, = [line for line in shown.splitlines() if line.startswith("first")]
    for word in ("1.0", "BSD-2-Clause", "new", str(module)):
        assert word in row, shown


def test_replaced_file_serves_what_comes(belfry, receiver, tmp_path):
    endpoint = receiver()
    module = build(tmp_path / "first.so")
    b = belfry(f"load_module {module};\n" + channel(
        endpoint.url, "own", module="first"))
    for number in range(30):
        b.post(subject=f"old {number}")
    build(module, '-DVERSION="2.0"')
    assert b.reload()
    for number in range(30):
        b.post(subject=f"new {number}")
    wait_until(lambda: len({r.json["subject"] for r in endpoint.requests})
               == 60, "all deliveries")
    assert {r.headers["Version"] for r in endpoint.requests
            if r.json["subject"].startswith("new")} == {"2.0"}
    listed, = [m for m in b.http("GET", "/v1/modules").json["modules"]
               if m["name"] == "first"]
    assert listed["version"] == "2.0"
    b.wait_idle()


def test_taken_away_and_brought_back(belfry, receiver, tmp_path):
    endpoint, other = receiver(), receiver()
    module = build(tmp_path / "first.so")
    load = f"load_module {module};\n"
    own = channel("http://127.0.0.1:1/", "own", "retry 2s 2s 2s 2s 2s 2s 2s;",
                  module="first")
    good = channel(endpoint.url, "own", "retry 2s 2s 2s 2s 2s 2s 2s;", module="first")
    b = belfry(load + own + channel(other.url, "hook"))
    event = b.post(subject="it waits")
    delivery = b.delivery_of(event, "own")
    wait_until(lambda: b.delivery(delivery)["attempts"], "the first attempt")

    b.configure(good + channel(other.url, "hook"))
    assert b.test_conf().returncode == 0
    assert b.reload()
    assert 'channel own is held: no module "first" is loaded' in b.log()
    held = b.http("GET", "/v1/channels/own").json
    assert held["state"] != "enabled"
    assert held["reason"] == "its module is not loaded"
    assert "its module is not loaded" in b.ctl("channels").stdout
    assert "module first is not loaded" in b.ctl("explain",
                                                 "deploy_failed").stdout
    # The others go on; what waits is kept.
    b.wait_state(b.delivery_of(b.post(subject="meanwhile"), "hook"),
                 "delivered")
    assert b.delivery(delivery)["state"] == "scheduled"

    b.configure(load + good + channel(other.url, "hook"))
    assert b.reload()
    b.wait_state(delivery, "delivered")
    assert [r.json["subject"] for r in endpoint.requests] == ["it waits"]


SHIPPED = ["webhook", "smtp", "slack-format", "discord-embed", "exec", "syslog"]
GOOD = {
    "webhook": {"url": "https://example.com/", "secret": "s3cret", "http2": True},
    "smtp": {"host": "mx.example.com", "from": "a@example.com",
             "to": ["b@example.com", "c@example.com"], "port": 25},
    "slack-format": {"url": "https://hooks.slack.com/services/T/B/x"},
    "discord-embed": {"url": "https://discord.com/api/webhooks/1/x"},
    "syslog": {"host": "logs.example.com", "max_size": "4k",
               "facility": "local0", "port": "6514"},
}


@pytest.fixture(scope="module")
def shipped(module_closing, tmp_path_factory):
    from harness import Belfry
    return module_closing(Belfry(
        tmp_path_factory.mktemp("shipped"),
        "".join(f"load_module {BUILD}/.libs/{name}.so;\n"
                for name in SHIPPED if name != "webhook")).start())


@pytest.mark.parametrize("name", SHIPPED)
def test_settings_have_a_schema(shipped, name):
    answer = shipped.http("GET", f"/v1/modules/{name}").json
    schema = answer["settings_schema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == {d["name"] for d in answer["directives"]}
    validator = jsonschema.Draft202012Validator(schema)
    assert not validator.is_valid({})
    if name not in GOOD:
        return
    validator.validate(GOOD[name])
    for bad in ({"no_such_setting": 1}, {next(iter(GOOD[name])): {"a": 1}}):
        assert not validator.is_valid({**GOOD[name], **bad})


@pytest.mark.parametrize("name", GOOD)
def test_what_the_schema_takes_the_api_takes(shipped, name):
    made = shipped.http("POST", "/v1/channels", {
        "name": f"by-{name}", "module": name, "settings": GOOD[name]})
    assert made.status == 201, made
    schema = shipped.http("GET", f"/v1/modules/{name}").json["settings_schema"]
    shown = shipped.http("GET", f"/v1/channels/by-{name}").json["settings"]
    # Secrets are in no answer.
    schema["required"] = [member for member in schema["required"]
                          if not schema["properties"][member].get("writeOnly")]
    jsonschema.Draft202012Validator(schema).validate(shown)


def test_module_that_is_not_there(shipped):
    answer = shipped.http("GET", "/v1/modules/nothing")
    assert answer.status == 404
    assert answer.json["type"].endswith("unknown-module")
