"""The manual's examples do what the manual says, and it tells of everything."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from harness import BUILD, SECRET, SOURCE, channel, have, wait_until

EXAMPLES = SOURCE / "doc" / "examples"
PAYLOAD = {
    "body": "<p>It failed.</p>", "event": "deploy_failed",
    "metadata": {"application_name": "shop", "environment": "production",
                 "deployment_id": "dep-1"},
    "subject": "Deployment of shop failed", "tenant_id": "t-1",
    "timestamp": "2026-04-10T15:30:45.123456+00:00"}


def canonical(payload):
    return json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()


def sign(body, identifier="dlv_1", secret=SECRET, at=None):
    """The headers of a request as belfry makes it."""
    at = int(time.time() if at is None else at)
    key = (base64.b64decode(secret[6:]) if secret.startswith("whsec_")
           else secret.encode())
    digest = hmac.new(key, f"{identifier}.{at}.".encode() + body,
                      hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "webhook-id": identifier, "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        "X-Reoclo-Signature-256": "sha256=" + hmac.new(
            secret.encode(), body, hashlib.sha256).hexdigest()}


# ---- verifying.md ----

VERIFIERS = [EXAMPLES / "verify.py", pytest.param(
    EXAMPLES / "verify.js",
    marks=pytest.mark.skipif(not have("node"), reason="no node"))]
SHELL = EXAMPLES / "verify.sh"


def verify(program, headers, body, secret=SECRET, end="\n"):
    """Which of the three ways of an example hold."""
    head = "".join(f"{name}: {value}{end}" for name, value in headers.items())
    done = subprocess.run(
        [program], input=(head + end).encode() + body, capture_output=True,
        env={**os.environ, "WEBHOOK_SECRET": secret}, timeout=60)
    assert not done.stderr, done.stderr
    held = [line.endswith(b": holds") for line in done.stdout.splitlines()]
    assert len(held) == (2 if program == SHELL else 3)
    assert done.returncode == (0 if all(held) else 1)
    return held


@pytest.mark.parametrize("program", [*VERIFIERS, SHELL])
@pytest.mark.parametrize("secret,request_,expected", [
    ("", b"a: b\n\n{}", b"in WEBHOOK_SECRET"),
    (SECRET, b"", b"expected a request"),
    (SECRET, b"no body\n", b"expected a request")])
def test_verifiers_say_what_they_expect(program, secret, request_, expected):
    done = subprocess.run(
        [program], input=request_, capture_output=True, timeout=60,
        env={**os.environ, "WEBHOOK_SECRET": secret})
    assert done.returncode == 1
    assert expected in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("program", VERIFIERS)
@pytest.mark.parametrize("secret", [SECRET, "whsec_c2VjcmV0LWtleS0x"])
def test_verifiers_tell_real_from_tampered(program, secret):
    body = canonical(PAYLOAD)
    headers = sign(body, secret=secret)
    assert verify(program, headers, body, secret) == [True, True, True]
    tampered = body.replace(b"shop", b"shap")
    assert verify(program, headers, tampered, secret) == [False] * 3
    assert verify(program, headers, body, "another") == [False] * 3
    old = sign(body, secret=secret, at=time.time() - 301)
    assert verify(program, old, body, secret) == [True, True, False]


@pytest.mark.parametrize("secret", [SECRET, "whsec_c2VjcmV0LWtleS0x",
                                    "whsec_AABhAGIA"])
def test_a_shell_tells_real_from_tampered(secret):
    body = canonical(PAYLOAD)
    headers = sign(body, secret=secret)
    assert verify(SHELL, headers, body, secret) == [True, True]
    two = {**headers, "webhook-signature":
           "v1,AAAA " + headers["webhook-signature"]}
    assert verify(SHELL, two, body, secret) == [True, True]
    tampered = body.replace(b"shop", b"shap")
    assert verify(SHELL, headers, tampered, secret) == [False, False]
    assert verify(SHELL, headers, body, "another") == [False, False]
    for at in (time.time() - 301, time.time() + 3600):
        assert verify(SHELL, sign(body, secret=secret, at=at), body,
                      secret) == [True, False]


@pytest.mark.parametrize("program", VERIFIERS)
@pytest.mark.parametrize("metadata, javascript", [
    ({"a": 1, "b": 0.5, "c": [True, None, "x/y\n\""]}, True),
    ({"a": "h\u00e9"}, False), ({"a": "\x7f"}, False), ({"a": 1.0}, False),
    ({"a": 1e16}, False), ({"a": 2**53 + 1}, False), ({"a": -0.0}, False),
    ({"10": 1, "9": 2}, False), ({"a": 1e-05}, False)])
def test_javascript_cannot_write_everything_back(program, metadata,
                                                 javascript):
    body = canonical({**PAYLOAD, "metadata": metadata})
    python = program.suffix == ".py"
    assert verify(program, sign(body), body) == [True, python or javascript,
                                                 True]


def test_verifiers_take_what_belfry_sends(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, more=f"secret {SECRET};"))
    b.post(metadata={"deployment_id": "dep-1"})
    request = endpoint.wait(1)[0]
    for program in ("verify.py", "verify.js", "verify.sh"):
        for end in ("\n", "\r\n") if program != "verify.js" or have("node") \
                else ():
            assert all(verify(EXAMPLES / program, dict(request.headers.items()),
                              request.body, end=end))


# ---- receivers.md ----

class Example:
    """One of the example receivers, running."""

    def __init__(self, folder, program, *arguments, environment=None):
        self.arguments = [EXAMPLES / program, "--port", "0", *arguments]
        self.environment = {**os.environ, "WEBHOOK_SECRET": SECRET,
                            **(environment or {})}
        self.folder = folder
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.arguments, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, cwd=self.folder,
            env=self.environment)
        line = self.process.stdout.readline()
        self.port = int(re.search(r":(\d+)/", line).group(1))
        self.url = f"http://127.0.0.1:{self.port}/"

    def post(self, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=30)
        try:
            connection.request("POST", "/", body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def example(closing, tmp_path):
    return lambda *args, **kw: closing(Example(tmp_path, *args, **kw))


def arguments_of(program, api, tmp_path):
    """The options of an example whose action is seen at api, or as a line in
    the file "done"."""
    return {
        "rollback.py": ["--only", "environment=production", "--", "sh", "-c",
                        f"echo $BELFRY_METADATA_DEPLOYMENT_ID "
                        f">>{tmp_path}/rolled-back"],
        "ticket.py": ["--url", api.url + "issues", "--label", "ops"],
        "sms.py": ["--url", api.url + "Messages.json", "--from", "+100",
                   "--to", "+201", "--to", "+202"],
        "annotate.py": ["--url", api.url],
    }[program]


def actions(api, tmp_path):
    rolled_back = tmp_path / "rolled-back"
    lines = rolled_back.read_text().split() if rolled_back.exists() else []
    return len(api.requests) + len(lines)


@pytest.mark.parametrize("program, count", [
    ("rollback.py", 1), ("ticket.py", 1), ("sms.py", 2), ("annotate.py", 1)])
def test_receiver_acts_once_and_on_real_requests_only(
        example, receiver, tmp_path, program, count):
    api = receiver(lambda request: (200, {}, b"{}"))
    made = example(program, *arguments_of(program, api, tmp_path))
    body = canonical(PAYLOAD)
    tampered = body.replace(b"dep-1", b"dep-2")
    assert made.post(tampered, sign(body)) == 401
    assert made.post(body, sign(body, secret="another")) == 401
    assert made.post(body, sign(body, at=time.time() - 400)) == 401
    assert made.post(body, {}) == 401
    assert actions(api, tmp_path) == 0
    assert made.post(body, sign(body)) == 204
    assert actions(api, tmp_path) == count
    # The same delivery again, also after a restart: nothing is done.
    assert made.post(body, sign(body, at=time.time() + 1)) == 204
    made.close()
    made.start()
    assert made.post(body, sign(body)) == 204
    assert actions(api, tmp_path) == count
    assert made.post(body, sign(body, "dlv_2")) == 204
    assert actions(api, tmp_path) == 2 * count


def test_rollback_is_for_its_deployments_only(example, tmp_path):
    made = example("rollback.py", "--only", "environment=production", "--",
                   "sh", "-c", f"echo x >>{tmp_path}/rolled-back")
    for payload in (
            {**PAYLOAD, "event": "deploy_succeeded"},
            {**PAYLOAD, "metadata": {"environment": "staging"}},
            {**PAYLOAD, "metadata": {}}):
        body = canonical(payload)
        assert made.post(body, sign(body, "dlv_" + hashlib.sha256(body)
                                    .hexdigest())) == 204
    assert not (tmp_path / "rolled-back").exists()


def test_failed_command_is_tried_again(belfry, example, tmp_path):
    made = example("rollback.py", "--", "sh", "-c",
                   f"echo x >>{tmp_path}/tried; test -e {tmp_path}/ready")
    b = belfry(channel(made.url, more=f"secret {SECRET}; retry 50ms;"))
    identifier = b.delivery_of(b.post("deploy_failed"))
    shown = b.wait_state(identifier, "failed")
    assert [attempt["status"] for attempt in shown["attempts"]] == [502, 502]
    assert "returned non-zero" in shown["attempts"][0]["excerpt"], shown
    (tmp_path / "ready").touch()
    b.http("POST", f"/v1/deliveries/{identifier}/replay")
    b.wait_state(identifier, "delivered")
    assert (tmp_path / "tried").read_text() == "x\n" * 3


def test_ticket_holds_what_happened(example, receiver):
    api = receiver(lambda request: (201, {}, b"{}"))
    made = example("ticket.py", "--url", api.url + "issues",
                   environment={"TICKET_TOKEN": "tok"})
    body = canonical(PAYLOAD)
    assert made.post(body, sign(body)) == 204
    ticket = api.requests[0]
    assert ticket.headers["Authorization"] == "Bearer tok"
    assert ticket.headers["Idempotency-Key"] == "dlv_1"
    assert ticket.json["title"] == PAYLOAD["subject"]
    assert "dep-1" in ticket.json["description"]
    assert ticket.json["labels"] == "deploy_failed"


def test_one_phone_that_fails_is_tried_alone(example, receiver):
    broken = ["%2B202"]
    api = receiver(lambda request: 500 if any(
        number in request.body.decode() for number in broken) else 201)
    made = example("sms.py", "--url", api.url, "--from", "+100",
                   "--to", "+201", "--to", "+202")
    body = canonical({**PAYLOAD, "subject": "x" * 200})
    assert made.post(body, sign(body)) == 502
    broken.clear()
    assert made.post(body, sign(body)) == 204
    sent = [request.body.decode() for request in api.requests]
    assert ["To=%2B201" in text for text in sent] == [True, False, False]
    assert len(re.search("Body=(x*)[.]{3}", sent[0]).group(1)) == 157


def test_annotation_stands_at_the_event(example, receiver):
    api = receiver(lambda request: (200, {}, b"{}"))
    made = example("annotate.py", "--url", api.url, "--dashboard", "abc",
                   environment={"GRAFANA_TOKEN": "tok"})
    body = canonical(PAYLOAD)
    assert made.post(body, sign(body)) == 204
    assert api.requests[0].path == "/api/annotations"
    assert api.requests[0].headers["Authorization"] == "Bearer tok"
    assert api.requests[0].json == {
        "dashboardUID": "abc", "time": 1775835045123,
        "tags": ["belfry", "deploy_failed", "shop"],
        "text": "Deployment of shop failed"}


# ---- modules.md ----

def test_example_module_is_built_and_delivers(belfry, receiver, tmp_path):
    folder = tmp_path / "module"
    shutil.copytree(EXAMPLES / "module", folder)
    subprocess.run(
        ["make", "-s", "-C", folder, "CFLAGS=-O2 -Wall -Wextra -Werror",
         f"BELFRY_CFLAGS=-I{BUILD}/include",
         f"BELFRY_LIBS=-L{BUILD}/.libs -lbelfry"], check=True, timeout=120)
    answers = [503, 200, 403]
    endpoint = receiver(lambda request: answers[len(endpoint.requests) - 1])
    b = belfry(f"load_module {folder}/ntfy.so;"
               f"channel ntfy phone {{ url {endpoint.url}; topic ops;"
               "token tk_1; retry 50ms; }")
    first = b.delivery_of(b.post("incident_created", "Caf\u00e9 \"down\""))
    assert len(b.wait_state(first, "delivered")["attempts"]) == 2
    assert endpoint.requests[1].json == {
        "topic": "ops", "title": "incident_created",
        "message": "Caf\u00e9 \"down\"", "priority": 5}
    assert endpoint.requests[1].headers["Authorization"] == "Bearer tk_1"
    second = b.delivery_of(b.post("deploy_failed"))
    shown = b.wait_state(second, "failed")
    assert "refused the token" in shown["attempts"][0]["why"]
    assert endpoint.requests[2].json["priority"] == 3
    b.configure(f"load_module {folder}/ntfy.so;"
                f"channel ntfy phone {{ url {endpoint.url}; topic a/b; }}")
    assert "expected a name without slashes" in b.test_conf().stderr


# ---- the manual as a whole ----

PAGES = sorted((SOURCE / "doc" / "manual").glob("*.md"))


def anchors_of(page):
    """The anchors of a page's headings, as GitHub and cmark-gfm's readers
    make them."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ +(.*)$", text)}


@pytest.mark.parametrize("page", [*PAGES, SOURCE / "README.md"],
                         ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", page.read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match("https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors_of(target), f"{page.name}: {link}"


@pytest.mark.skipif(not (have("cmark-gfm") and have("mandoc")),
                    reason="no cmark-gfm or mandoc")
def test_html_has_no_dead_link(tmp_path):
    subprocess.run([SOURCE / "doc" / "html.sh", SOURCE / "doc", tmp_path],
                   check=True, timeout=120)
    pages = {page.name: page.read_text() for page in tmp_path.iterdir()}
    assert len(pages) == len(PAGES) + 5
    for name, text in pages.items():
        for link in re.findall('href="([^"]+)"', text):
            if re.match("https?:", link):
                continue
            path, _, anchor = link.partition("#")
            assert path in pages or not path, f"{name}: {link}"
            assert not anchor or f'id="{anchor}"' in pages[path or name], \
                f"{name}: {link}"


def test_every_page_is_in_the_table_of_contents():
    contents = (SOURCE / "doc" / "manual" / "index.md").read_text()
    for page in PAGES:
        assert page.name == "index.md" or f"({page.name})" in contents, page


def test_every_example_is_in_the_manual():
    manual = "".join(page.read_text() for page in PAGES)
    for example in EXAMPLES.rglob("*"):
        if example.is_file() and example.suffix in (".py", ".js", ".c"):
            assert example.name in manual, example


def test_every_route_is_in_the_manual():
    source = (SOURCE / "core" / "intake" / "routes.c").read_text()
    manual = (SOURCE / "doc" / "manual" / "api.md").read_text()
    routes = re.findall(r'\{ "([A-Z]+)", "(/[^"]*)"', source)
    assert len(routes) > 20
    said = {(method, re.sub("{[a-z]+}", "{}", path)) for method, path in
            re.findall(r"`([A-Z]+) (/[^`? ]*)", manual)}
    assert set(routes) <= said, set(routes) - said


def test_every_metric_is_in_the_manual():
    source = (SOURCE / "core" / "process" / "scheduler_metrics.c").read_text()
    manual = (SOURCE / "doc" / "manual" / "metrics.md").read_text()
    metrics = set(re.findall(r'"(belfry_[a-z_]+)"', source))
    said = set(re.findall(r"^\| `(belfry_[a-z_]+)", manual, re.MULTILINE))
    assert metrics == said, metrics ^ said


def test_alerts_are_of_metrics_that_there_are(belfry, receiver, tmp_path):
    """And of their labels, as belfry has them after a failure."""
    endpoint = receiver(lambda request: 500)
    b = belfry("events { channel_failing off; }\n" +
               channel(endpoint.url, "hook", "retry none;"))

    def metrics():
        return b.http("GET", "/metrics").body.decode()

    # It is there before the first failure: that is an increase.
    failed = re.compile(r'(?m)^belfry_deliveries_failed_total({.*}) (\S+)$')
    labels, before = failed.search(metrics()).groups()
    b.wait_state(b.delivery_of(b.post()), "failed")
    after = failed.search(metrics()).group(2)
    assert (before, after) == ("0", "1")
    rules = EXAMPLES / "belfry-alerts.yml"
    used = set(re.findall(r"\bbelfry_[a-z_]+", rules.read_text()))
    assert used <= set(re.findall(r"(?m)^(belfry_[a-z_]+)", metrics())), used
    assert rules.name in (SOURCE / "doc/manual/metrics.md").read_text()
    tenant = b.http("GET", "/v1/channels").json["channels"][0]["tenant_id"]
    test = tmp_path / "test.yml"
    test.write_text(f"""
rule_files: [{rules}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {{ series: 'belfry_deliveries_failed_total{labels}', values: '0 0 1' }}
      - {{ series: 'up{{job="belfry"}}', values: '1 0 0 0 0' }}
    promql_expr_test:
      - expr: ALERTS{{alertname="BelfryDown"}}
        eval_time: 4m
        exp_samples:
          - labels: >-
              ALERTS{{alertname="BelfryDown",alertstate="firing",job="belfry",
              severity="critical"}}
            value: 1
      - expr: ALERTS{{alertname="BelfryDeliveriesFailed"}}
        eval_time: 2m
        exp_samples:
          - labels: >-
              ALERTS{{alertname="BelfryDeliveriesFailed",alertstate="firing",
              channel="hook",severity="warning",tenant="{tenant}"}}
            value: 1
""")
    done = subprocess.run(["promtool", "test", "rules", test], timeout=60,
                          text=True, capture_output=True)
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done


def test_reasons_in_the_manual_are_belfrys():
    source = "".join(
        re.sub(r'"\s+"', "", (SOURCE / "core" / name).read_text())
        for name in ("transport/reason.c", "lib/verdict.c",
                     "process/scheduler_outcome.c"))
    manual = (SOURCE / "doc" / "manual" / "troubleshooting.md").read_text()
    part = manual.partition("## What the reasons mean")[2].partition("##")[0]
    reasons = [reason for row in re.findall(r"(?m)^\| (`.*?`) \|", part)
               for reason in re.findall("`([^`]+)`", row)]
    assert len(reasons) > 15
    for reason in reasons:
        # Numbers, and what the system says of an error, come from elsewhere.
        for piece in re.split(r"[.]{3}|ms while|\d+|: Connection refused", reason):
            assert piece.strip() in source, reason


# ---- README.md ----

def tour():
    """The commands of the README's tour, in order."""
    text = (SOURCE / "README.md").read_text()
    part = text.partition("## A tour")[2].partition("\n## ")[0]
    return re.findall(r"(?m)^    (.*)$", part)


def test_tour_works(belfry, receiver, tmp_path):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, "receiver", f"secret {SECRET};"))
    folder = tmp_path / "quickstart.d"
    (folder / "root").mkdir(parents=True)
    (tmp_path / "conf").mkdir()
    for name, target in (("belfry.sock", b.socket), ("root/bin", BUILD),
                         ("root/sbin", BUILD),
                         ("../conf/quickstart.conf", b.conf_file)):
        (folder / name).symlink_to(target)
    commands = tour()
    first = commands.pop(0)
    assert first.startswith("export ") and len(commands) > 15
    shown = {}
    for command in commands:
        deliveries = b.http("GET", "/v1/deliveries").json["deliveries"]
        if deliveries:
            b.wait_state(deliveries[-1]["id"], "delivered")
            command = command.replace(" ID", " " + deliveries[-1]["id"])
        command = command.replace("127.0.0.1:8420", f"127.0.0.1:{b.port}")
        if command.startswith("TOKEN="):
            first += f"; {command}"
            continue
        done = subprocess.run(
            ["bash", "-c", f"{first}; {command}"], cwd=tmp_path, text=True,
            capture_output=True, timeout=60, env=b.environment)
        no = command == "belfryctl explain deploy_started"
        assert done.returncode == no, (command, done)
        shown[command] = done.stdout
    wait_until(lambda: "reconfigured" in b.log(), "the reload")
    # The first delivery and its replay, the test, the event by curl.
    endpoint.wait(4)
    assert "off: that is its default" in \
        shown["belfryctl explain deploy_started"]
    assert "FAILED" not in shown["belfryctl check"]
