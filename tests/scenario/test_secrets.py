"""Sealed secrets, keys and their rotation, and that no secret gets out."""
import fcntl
import os
import pathlib
import pty
import re
import signal
import subprocess
import termios

from harness import channel, wait_until

SECRET = "canary-s3cret"


def reload(b):
    """Reloads, and waits until events are routed by the new conf file."""
    before = b.log().count("new configuration is in use")
    assert b.reload(), b.log()
    wait_until(
        lambda: b.log().count("new configuration is in use") > before,
        "the scheduler has the new configuration")


def seal(b, *arguments, text=SECRET):
    return b.ctl("seal", *arguments, text=text + "\n").stdout.strip()


def keys(b):
    """The ids of the keys in the key file, the last one seals."""
    text = (b.folder / "state" / "belfry.key").read_text()
    return re.findall(r"^([0-9a-f]{8}) [0-9a-f]{64}$", text, re.M)


def make_api_channels(b, endpoint, count):
    for i in range(count):
        answer = b.http("POST", "/v1/channels", {
            "name": f"team{i}", "module": "webhook",
            "settings": {"url": f"{endpoint.url}{i}", "secret": SECRET,
                         "header": {"X-Key": {"secret": SECRET}}}})
        assert answer.status == 201, answer


def test_the_conf_file_takes_what_seal_prints(belfry, receiver):
    endpoint = receiver()
    b = belfry("")
    sealed = seal(b, "hook", "secret")
    header = seal(b, "hook", "header X-Key", text="of a header")
    url = seal(b, "far", "url", text=endpoint.url + "far")
    token = seal(b, "--token", "sealed", text="the-value-of-a-token")
    other = seal(b, "hook", "secret", "--tenant", "acme")
    assert SECRET not in sealed and sealed.startswith("sealed:v1:")
    b.configure(
        channel(endpoint.url, more=f"secret {sealed}; header X-Key {header};")
        + f"channel webhook far {{ url {url}; }}\n"
        + f"token sealed {{ value {token}; scope admin; }}\n"
        + f"tenant acme {{ {channel(endpoint.url, more=f'secret {other};')} }}")
    reload(b)
    b.post()
    b.post(tenant_id="acme")
    endpoint.wait(3)
    assert [r.headers["X-Key"] for r in endpoint.requests
            if r.headers["X-Key"]] == ["of a header"]
    assert sum(r.signed_by(SECRET) for r in endpoint.requests
               if r.headers["X-Reoclo-Signature-256"]) == 2
    answer = b.http("GET", "/v1/channels", tcp=True, headers={
        "Authorization": "Bearer the-value-of-a-token"})
    assert answer.status == 200
    # Into another place it does not open, and the old conf file stays.
    for more in (f"previous_secret {sealed};", f"header Other {header};"):
        b.configure(channel(endpoint.url, more=more))
        assert not b.reload()
        assert "sealed for another place" in b.test_conf().stderr
        assert "belfry.conf:" in b.test_conf().stderr
    b.configure(channel(endpoint.url, "other", f"secret {sealed};"))
    assert "sealed for another place" in b.test_conf().stderr
    b.configure(channel(endpoint.url, more=f"secret {sealed[:-4]};"))
    assert b.test_conf().returncode != 0


class Terminal:
    """belfryctl with a terminal of its own, for all but what it puts out."""

    def __init__(self, b, *words):
        self.fd, slave = pty.openpty()
        self.shown = b""
        self.child = subprocess.Popen(
            [b.build / "belfryctl", "--socket", b.socket, *words],
            stdin=slave, stdout=subprocess.PIPE, stderr=slave,
            env=b.environment, start_new_session=True,
            preexec_fn=self.take)
        os.close(slave)

    @staticmethod
    def take():
        """In the child: this is its terminal, whose interrupts count, also
        where the tests run in the background, with SIGINT ignored."""
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def answer(self, prompt, text):
        while not self.shown.endswith(prompt):
            self.shown += os.read(self.fd, 1000)
        os.write(self.fd, text)

    def end(self):
        """Its status, and what it put out."""
        out = self.child.communicate(timeout=60)[0]
        echoes = termios.tcgetattr(self.fd)[3] & termios.ECHO
        try:
            while got := os.read(self.fd, 1000):
                self.shown += got
        except OSError:  # the other end is closed
            pass
        os.close(self.fd)
        assert echoes, "the terminal is left without an echo"
        return self.child.returncode, out.decode()


def test_seal_does_not_echo_on_a_terminal(belfry):
    b = belfry("")
    terminal = Terminal(b, "seal", "hook", "secret")
    terminal.answer(b"channel hook, secret: ", SECRET.encode() + b"\n")
    status, out = terminal.end()
    assert status == 0 and out.startswith("sealed:v1:")
    assert SECRET.encode() not in terminal.shown


def test_a_password_is_typed_twice(belfry):
    b = belfry("", start=False)
    terminal = Terminal(b, "passwd")
    terminal.answer(b"Password: ", b"pw1\n")
    terminal.answer(b"again: ", b"pw1\n")
    status, out = terminal.end()
    assert status == 0 and out.startswith("$scrypt$")
    assert b"pw1" not in terminal.shown
    terminal = Terminal(b, "passwd")
    terminal.answer(b"Password: ", b"pw1\n")
    terminal.answer(b"again: ", b"pw2\n")
    status, out = terminal.end()
    assert status == 2 and out == ""
    assert b"the two are not the same" in terminal.shown


def test_an_interrupt_at_a_prompt_puts_the_echo_back(belfry):
    terminal = Terminal(belfry("", start=False), "passwd")
    terminal.answer(b"Password: ", b"pw")
    # One that comes before the prompt waits for a line is not heard.
    wait_until(lambda: terminal.child.poll() is not None or
               not os.write(terminal.fd, b"\x03"), "it ends")
    assert terminal.end() == (-signal.SIGINT, "")


def test_rotation_seals_everything_anew(belfry, receiver):
    endpoint = receiver()
    b = belfry("")
    make_api_channels(b, endpoint, 3)
    sealed = seal(b, "hook", "secret")
    b.configure(channel(endpoint.url, more=f"secret {sealed};"))
    reload(b)
    first = keys(b)
    assert len(first) == 1
    done = b.ctl("rotate").stdout
    second = keys(b)
    assert len(second) == 2 and second[0] == first[0]
    assert "3 channels" in done and "channel hook: secret" in done
    assert "belfry.conf:" in done and "rotate --finish" in done
    # Still needed by the conf file, so it is not dropped.
    b.ctl("rotate", "--finish")
    assert keys(b) == second
    reload(b)
    sealed = seal(b, "hook", "secret")
    b.configure(channel(endpoint.url, more=f"secret {sealed};"))
    reload(b)
    b.ctl("rotate", "--finish")
    assert keys(b) == second[1:]
    b.stop()
    b.start()
    b.post()
    assert all(r.signed_by(SECRET) for r in endpoint.wait(4))


def test_a_rotation_finds_channels_that_nobody_has_used(belfry, receiver):
    """Their settings are read when they are needed: with which keys?"""
    endpoint = receiver()
    b = belfry("")
    make_api_channels(b, endpoint, 3)
    b.stop()
    b.start()
    assert "3 channels" in b.ctl("rotate").stdout
    b.ctl("rotate", "--finish")
    b.post()
    assert all(r.signed_by(SECRET) for r in endpoint.wait(3))
    # Read anew, and not asked for before the rotation after that.
    reload(b)
    b.ctl("rotate")
    b.ctl("rotate", "--finish")
    assert len(keys(b)) == 1
    b.post()
    assert all(r.signed_by(SECRET) for r in endpoint.wait(6))


def test_what_belfryctl_makes(belfry, receiver, tmp_path):
    endpoint = receiver()
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    b = belfry("")
    shown = b.ctl("channels", "create", "webhook", "team",
                  f"url={endpoint.url}", f"secret=@{secret}", "retry=1s 2s",
                  "events=deploy_*", "header.X-Team=ops").stdout
    assert SECRET not in shown and "X-Team ops" in shown
    b.ctl("channels", "set", "team", "header.X-Key=@-", "concurrency=2",
          text="of-a-header")
    b.post()
    got = endpoint.wait(1)[0]
    assert got.signed_by(SECRET)
    assert got.headers["X-Key"] == "of-a-header"
    shown = b.ctl("channels", "team").stdout
    assert "of-a-header" not in shown and "concurrency" in shown
    assert b.ctl("channels", "set", "team", "timeout=x",
                 check=False).returncode == 4
    assert b.ctl("channels", "create", "webhook", check=False).returncode == 2
    b.ctl("channels", "set", "team", "secret=")
    b.post()
    assert "X-Reoclo-Signature-256" not in endpoint.wait(2)[1].headers
    assert "is deleted" in b.ctl("channels", "delete", "team").stdout
    assert b.http("GET", "/v1/channels").json["channels"] == []


def outputs(b):
    """Everything that belfry shows or keeps, by name."""
    found = {"log": b.log(), "stderr": b.stderr_text(),
             "-T": b.test_conf("-T").stdout + b.test_conf("-T").stderr}
    for path in (b.folder / "state").iterdir():
        if path.is_file() and path.name != "belfry.key":
            found[str(path)] = path.read_bytes().decode("latin-1")
    for pid in [b.master, *b.pids("worker"), *b.pids("intake"),
                *b.pids("scheduler")]:
        for name in ("cmdline", "environ", "limits"):
            found[f"{pid}/{name}"] = pathlib.Path(
                f"/proc/{pid}/{name}").read_text(errors="replace")
    for path in ("channels", "channels/team", "channels/hook", "deliveries",
                 "events", "tokens", "stats", "modules", "event-types"):
        found[path] = b.http("GET", f"/v1/{path}").body.decode()
    for delivery in b.http("GET", "/v1/deliveries").json["deliveries"]:
        found[delivery["id"]] = b.http(
            "GET", f"/v1/deliveries/{delivery['id']}").body.decode()
    found["metrics"] = b.http("GET", "/metrics").body.decode()
    return found


def test_no_secret_gets_out(belfry, receiver, tmp_path):
    down = receiver(lambda request: 500)
    endpoint = receiver()
    (tmp_path / "file").write_text("canary-file\n")
    b = belfry("", environment={"HIDDEN": "canary-env"})
    sealed = seal(b, "sealed", "secret", text="canary-sealed")
    b.configure(
        channel(down.url, "hook", "secret canary-literal; "
                f"header X-A env:HIDDEN; password file:{tmp_path}/file; "
                "username me; retry 1h;")
        + channel(endpoint.url, "sealed", f"secret {sealed}; "
                  "previous_secret canary-previous; "
                  "previous_secret_until 2099-01-01T00:00:00Z; "
                  f"header X-B file:{tmp_path}/file;")
        + "token more { value canary-token; scope read; }\n")
    reload(b)
    answers = [b.http("POST", "/v1/channels", {
        "name": "team", "module": "webhook", "retry": "1h",
        "settings": {"url": down.url, "secret": "canary-api-secret",
                     "bearer": "canary-api-bearer",
                     "header": {"X-C": {"secret": "canary-api-header"}}}})]
    assert answers[0].status == 201, answers
    answers.append(b.http("PATCH", "/v1/channels/team", {
        "settings": {"bearer": "canary-api-second"}}))
    # What is refused does not show what was sent, either.
    for wrong in ({"secret": ["canary-a", "canary-b"]},
                  {"secret": "file:canary-reference"},
                  {"secret": {"canary": 1}}, {"bearer": "canary\x01control"},
                  {"url": {"secret": "http://canary host/"}},
                  {"username": "u", "password": "canary-both"}):
        answers.append(b.http("PATCH", "/v1/channels/team",
                              {"settings": wrong}))
        assert answers[-1].status == 422, (wrong, answers[-1])
    for i in range(3):
        b.post(subject=f"event {i}")
    wait_until(lambda: len(down.requests) >= 6 and len(endpoint.requests) >= 3,
               "everything was tried")
    for name in ("hook", "sealed", "team"):
        answers.append(b.http("POST", f"/v1/channels/{name}/test"))
    answers.append(b.http("POST", "/v1/rotate", {}))
    found = outputs(b)
    for answer in answers:
        found[repr(answer)[:60]] = answer.body.decode()
    assert any("canary" in v for v in down.requests[0].headers.values())
    for name, text in found.items():
        at = text.find("canary")
        assert at == -1, (name, text[max(0, at - 100):at + 40])
    for pid in b.pids("worker") + b.pids("scheduler") + [b.master]:
        assert re.search(r"Max core file size +0 ", found[f"{pid}/limits"])
