"""What the browser tests play on: a belfry with users, endpoints that record
and can be made to fail, and a real mail server.

Started by stage.mjs with a JSON object as its argument:

    conf       more of the conf file; {NAME} stands for the URL of an endpoint,
               {mail.starttls} and the like for what the mail server has
    api        more of the block api
    endpoints  their names
    mail       whether there is a mail server
    modules    of tests/modules: built and loaded, as a stranger's would be

It prints one line of JSON when all of it runs: the URL of belfry, that of the
control interface, those of the endpoints, and the users. The control interface
(HTTP on loopback, JSON) is what the tests ask what arrived, and to have
something happen. All ends when standard input does, as it does when the test
dies, however it dies.
"""
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).absolute().parents[1] /
                       "scenario"))
import harness  # noqa: E402
import mta  # noqa: E402
import tls  # noqa: E402

PASSWORD = "correct horse battery staple"
SCOPES = ("admin", "manage", "read")


class Endpoint:
    """A receiver that answers as it was last told to, on one port for good."""

    def __init__(self, port=0):
        self.requests = []
        self.answering = {}
        self.receiver = None
        # What waits to go on is let go when the endpoint is told anew.
        self.changed = threading.Event()
        self.up(port)

    def up(self, port):
        self.receiver = harness.Receiver(self.answer, port=port)
        self.receiver.requests = self.requests
        self.port, self.url = self.receiver.port, self.receiver.url

    def answer(self, request):
        told, changed = self.answering, self.changed
        if told.get("hold"):
            changed.wait()
        if told.get("down"):
            # It came on a connection that was kept.
            raise ConnectionResetError
        return (told.get("status", 204), told.get("headers", {}),
                told.get("body", "").encode())

    def tell(self, how):
        """status, headers, body: the answer; hold: none before it is told
        something else; down: it does not listen."""
        self.answering = how
        self.changed.set()
        self.changed = threading.Event()
        if how.get("down") and self.receiver:
            self.receiver.close()
            self.receiver = None
        elif not how.get("down") and not self.receiver:
            self.up(self.port)

    def close(self):
        self.tell({"down": True})

    def seen(self):
        return [{"path": request.path, "method": request.method,
                 "headers": dict(request.headers),
                 "body": request.body.decode("utf-8", "replace")}
                for request in self.requests]


class Stage:
    """All of it; the methods named after a verb and a path are the control
    interface."""

    def __init__(self, wanted):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="belfry-stage-"))
        self.things = []
        self.hash = None
        try:
            self.build(wanted)
        except BaseException:
            self.close()
            raise

    def build(self, wanted):
        self.endpoints = {name: self.add(Endpoint())
                          for name in wanted.get("endpoints", [])}
        self.modules = [self.built(name) for name in wanted.get("modules", [])]
        self.mta = self.add(mta.Postfix()) if wanted.get("mail") else None
        self.belfry = self.add(self.make(wanted))
        self.belfry.start()

    def add(self, thing):
        self.things.append(thing)
        return thing

    def built(self, name):
        """A module as somebody else would build it: by the header alone."""
        path = self.folder / f"{name}.so"
        subprocess.run(
            ["cc", "-std=gnu11", "-shared", "-fPIC",
             f"-I{harness.BUILD}/include", "-o", path,
             harness.SOURCE / f"tests/modules/{name}.c",
             f"-L{harness.BUILD}/.libs", "-lbelfry"], check=True)
        return path

    def make(self, wanted):
        belfry = harness.Belfry(
            self.folder / "belfry",
            before=self.trusting() if self.mta else ())
        belfry.configure(self.conf(wanted.get("conf", ""), belfry),
                         wanted.get("api", ""))
        return belfry

    def trusting(self):
        """A command that runs another where the mail server's authority is
        trusted: libcurl has the path of its authorities built in."""
        (self.folder / "certs").mkdir()
        shutil.copy(tls.authority().certificate,
                    self.folder / "certs/ca-certificates.crt")
        return ["unshare", "--mount", "sh", "-c",
                'mount --bind "$0" /etc/ssl/certs && exec "$@"',
                self.folder / "certs"]

    def conf(self, more, belfry):
        names = {name: endpoint.url
                 for name, endpoint in self.endpoints.items()}
        names["build"] = str(belfry.build)
        if self.mta:
            names["mail.starttls"] = str(self.mta.starttls)
            names["mail.implicit"] = str(self.mta.implicit)
            names["mail.user"] = mta.USER
            names["mail.password"] = mta.PASSWORD
            names["mail.domain"] = mta.DOMAIN
        for name, value in names.items():
            more = more.replace("{" + name + "}", value)
        modules = "".join(
            f"load_module {belfry.build}/.libs/{name}.so isolate=off;\n"
            for name in ("smtp", "slack-format", "discord-embed"))
        modules += "".join(f"load_module {path};\n" for path in self.modules)
        return modules + self.users(belfry) + more

    def users(self, belfry):
        # The same hash after a reload: another password ends their sessions.
        if not self.hash:
            self.hash = subprocess.run(
                [belfry.build / "belfryctl", "passwd"], input=PASSWORD + "\n",
                capture_output=True, text=True, timeout=60,
                check=True).stdout.strip()
        return "".join(
            f"dashboard_user {scope} {{ password {self.hash}; "
            f"scope {scope}; }}\n" for scope in SCOPES)

    def described(self, control):
        return {"belfry": f"http://127.0.0.1:{self.belfry.port}",
                "api": f"http://127.0.0.1:{self.belfry.port}",
                "control": control, "password": PASSWORD,
                "build": str(self.belfry.build),
                "mail": self.mta and {"starttls": str(self.mta.starttls),
                                      "implicit": str(self.mta.implicit)},
                "endpoints": {name: endpoint.url for name, endpoint in
                              self.endpoints.items()}}

    def close(self):
        """Closes all of it, and fails with the first that could not be."""
        errors = []
        for thing in reversed(self.things):
            try:
                thing.close()
            except Exception as error:  # the others are to be closed too
                errors.append(error)
        shutil.rmtree(self.folder, ignore_errors=True)
        if errors:
            raise errors[0]

    # ---- control interface: (what is asked) -> (what is answered) ----

    def post_call(self, asked):
        """Asks belfry, on its Unix socket: {method, path, body}."""
        answer = self.belfry.http(asked.get("method", "GET"), asked["path"],
                                  asked.get("body"), asked.get("headers"))
        try:
            body = answer.json
        except ValueError:
            body = answer.body.decode("utf-8", "replace")
        return {"status": answer.status, "body": body}

    def post_told(self, asked):
        """Tells an endpoint how to answer: {endpoint, ...}."""
        self.endpoints[asked["endpoint"]].tell(asked)
        return {}

    def post_seen(self, asked):
        """What came to an endpoint: {endpoint}."""
        return self.endpoints[asked["endpoint"]].seen()

    def post_mails(self, asked):
        """Waits for some mails: {count}."""
        return [{"headers": [[name, str(value)] for name, value in
                             mail.items()],
                 "text": mail.get_body(("plain",)).get_content()}
                for mail in self.mta.mails(asked["count"])]

    def post_conf(self, asked):
        """Another conf, and a reload: {conf, api, modules}; whether it was
        taken."""
        if "modules" in asked:
            self.modules = [self.built(name) for name in asked["modules"]]
        self.belfry.configure(self.conf(asked.get("conf", ""), self.belfry),
                              asked.get("api"))
        return {"taken": self.belfry.reload()}

    def post_restart(self, asked):
        self.belfry.stop()
        self.belfry.start()
        return {}

    def post_log(self, asked):
        return {"log": self.belfry.log()}


class Control(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stage):
        super().__init__(("127.0.0.1", 0), Handler)
        self.stage = stage


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        asked = json.loads(self.rfile.read(size) or b"{}")
        verb = getattr(self.server.stage, "post_" + self.path.strip("/"))
        try:
            status, said = 200, verb(asked)
        except Exception as error:  # the test is to show it
            status, said = 500, {"error": f"{type(error).__name__}: {error}"}
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main(make=Stage):
    stage = make(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
    control = Control(stage)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    print(json.dumps(stage.described(
        f"http://127.0.0.1:{control.server_address[1]}")), flush=True)
    sys.stdin.read()
    stage.close()


if __name__ == "__main__":
    main()
