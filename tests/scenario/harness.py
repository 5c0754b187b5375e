"""What the scenarios run belfry with: real processes on free ports.

BELFRY_BUILD names the build under test (with sanitizers, as a rule), the
current folder if it is not set.
"""
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

BUILD = pathlib.Path(os.environ.get("BELFRY_BUILD", ".")).absolute()
PLAIN = pathlib.Path(os.environ.get("BELFRY_BUILD_PLAIN", BUILD)).absolute()
SOURCE = pathlib.Path(__file__).absolute().parents[2]
SECRET = "scenario-secret"
TOKEN = "scenario-token-0123456789"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what, timeout=20, interval=0.02):
    """Waits for a condition and returns its value; fails loudly."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(interval)


class Request:
    """A request as it arrived at a receiver."""

    def __init__(self, path, method, headers, body):
        self.path, self.method = path, method
        self.headers, self.body = headers, body
        self.at = time.monotonic()
        self.wall = time.time()

    @property
    def json(self):
        return json.loads(self.body)

    def signed_by(self, secret):
        want = "sha256=" + hmac.new(
            secret.encode(), self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(
            want, self.headers.get("X-Reoclo-Signature-256", ""))


class Receiver:
    """An endpoint. answer(request) gives a status, or (status, headers[,
    body]); by default everything is taken with 204."""

    def __init__(self, answer=None, ssl=None, port=0, host="127.0.0.1"):
        receiver = self
        self.answer = answer or (lambda request: 204)
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self):
                size = int(self.headers.get("Content-Length", 0))
                request = Request(self.path, self.command, self.headers,
                                  self.rfile.read(size))
                receiver.requests.append(request)
                got = receiver.answer(request)
                status, headers, body = (
                    (got, {}, b"") if isinstance(got, int)
                    else (*got, b"") if len(got) == 2 else got)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status >= 200 and status not in (204, 304):
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_PATCH = do_GET = handle_any

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request, client_address):
                pass  # clients that are killed are what is tested

        self.server = Server((host, port), Handler)
        if ssl:
            self.server.socket = ssl.wrap_socket(
                self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if ssl else ''}://{host}:{self.port}/"
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()

    def wait(self, count, timeout=20):
        wait_until(lambda: len(self.requests) >= count,
                   f"{count} requests ({len(self.requests)} came)", timeout)
        return self.requests

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class RawServer:
    """A server below HTTP: serve(connection) does as it likes with each."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.connections = 0
        self.serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._run, args=(connection,),
                             daemon=True).start()

    def _run(self, connection):
        with contextlib.suppress(OSError), connection:
            self.serve(connection)

    def close(self):
        # A blocked accept does not notice close alone.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def read_request(connection):
    """Reads one request with a Content-Length off a socket."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    size = re.search(rb"(?i)content-length: *(\d+)", head)
    while size and len(body) < int(size.group(1)):
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("belfry", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        # What printf makes of NULL.
        assert "json" not in self.headers.get("Content-Type", "") or \
            b"(null)" not in self.body, self

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Belfry:
    """A belfry of its own in a folder of its own. conf is what the conf file
    has beyond the usual; main has directives of the main context by name, ""
    for none."""

    def __init__(self, folder, conf="", api="", environment=None, build=BUILD,
                 workers=1, before=(), main=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.build = pathlib.Path(build)
        self.program = self.build / "belfry"
        self.port = free_port()
        # A socket's path is short.
        self.socket = f"/tmp/belfry-{os.getpid()}-{self.port}.sock"
        self.conf_file = self.folder / "belfry.conf"
        self.log_file = self.folder / "error.log"
        self.stderr_file = self.folder / "stderr"
        self.environment = {
            **os.environ, "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
            **(environment or {})}
        self.before = list(before)
        self.workers = workers
        self.process = None
        self.api_more = api
        self.main = {
            "daemon": "off", "state_dir": f"{self.folder}/state",
            "pid": f"{self.folder}/belfry.pid",
            "error_log": f"{self.log_file} info",
            "worker_processes": workers, **(main or {})}
        self.configure(conf)

    def configure(self, conf, api=None):
        """Writes the conf file."""
        if api is not None:
            self.api_more = api
        main = "\n".join(f"{name} {words};"
                         for name, words in self.main.items() if words)
        # Channels that tests make over the API go to endpoints on loopback.
        egress = "" if re.search(r"(?m)^\s*egress\b", conf) else """
egress { allow_http on; allow_private 127.0.0.0/8 ::1; allow_ports 1-65535; }
"""
        self.conf_file.write_text(f"""
load_module {self.build}/.libs/webhook.so isolate=off;
{main}
api {{
    listen 127.0.0.1:{self.port};
    listen unix:{self.socket} mode=0600;
    dashboard_root {SOURCE}/dashboard;
    {self.api_more}
}}
token scenario {{ value {TOKEN}; scope admin; }}
{egress}
{conf}
""")

    # ---- life ----

    def without_wrapper(self):
        """Has it run without libtool's script around it, which would be the
        first to feel a limit."""
        self.program = self.build / ".libs" / "belfry"
        self.environment["LD_LIBRARY_PATH"] = str(self.build / ".libs")
        return self

    def start(self, wait=True):
        self.stderr = open(self.stderr_file, "ab")
        self.process = subprocess.Popen(
            [*self.before, self.program, "-c", self.conf_file],
            stdout=self.stderr, stderr=self.stderr, cwd=self.folder,
            env=self.environment, stdin=subprocess.DEVNULL)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout=30):
        def ready():
            if self.process and self.process.poll() is not None:
                raise AssertionError(
                    f"belfry ended with {self.process.returncode}: "
                    f"{self.stderr_text()}{self.log()[-2000:]}")
            try:
                return self.http("GET", "/readyz").status == 200
            except OSError:
                return False
        wait_until(ready, "belfry is ready", timeout, 0.05)

    def wait_ready_again(self):
        """Waits until a new master, which an upgrade made, is at work."""
        def ready():
            with contextlib.suppress(OSError, ValueError):
                return (self.pids("worker") and self.pids("intake") and
                        self.http("GET", "/readyz").status == 200)
        wait_until(ready, "the new master is ready", 30, 0.05)

    @property
    def master(self):
        return int((self.folder / "belfry.pid").read_text())

    def pids(self, kind, master=None):
        """Process ids of the children of a kind."""
        found = []
        master = master or self.master
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                title = (entry / "cmdline").read_bytes().split(b"\0")[0]
                if int(stat[1]) == master and \
                        title.startswith(f"belfry: {kind}".encode()) and \
                        stat[0] != "Z":
                    found.append(int(entry.name))
        return found

    def send_signal(self, number, pid=None):
        os.kill(pid or self.master, number)

    def reload(self):
        """Reloads and waits until that is done or refused."""
        before = self.log()
        self.send_signal(signal.SIGHUP)

        def said(words):
            return wait_until(
                lambda: re.search(words, self.log()[len(before):]),
                "the reload", 30).group()

        if said("reconfigured|stays in use") != "reconfigured":
            return False
        # The master has done its part; the scheduler says when it routes so.
        if str(self.main.get("error_log", "")).endswith((" info", " debug")):
            said("the new configuration is in use|stays in use")
        return True

    def reload_silently(self):
        """Reloads one that has no log to tell; whether it came to new workers."""
        workers = set(self.pids("worker"))
        self.send_signal(signal.SIGHUP)
        return wait_until(
            lambda: (now := set(self.pids("worker"))) and not now & workers,
            "new workers")

    def stop(self, how=signal.SIGQUIT, timeout=40):
        """Stops it and returns its exit status."""
        self.send_signal(how)
        return self.ended(timeout)

    def ended(self, timeout=40):
        status = self.process.wait(timeout)
        self.stderr.close()
        return status

    def kill(self):
        """Kills all of it at once, as a power cut would."""
        master = self.master
        children = [pid for kind in ("scheduler", "intake", "worker")
                    for pid in self.pids(kind, master)]
        os.kill(master, signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        wait_until(lambda: not any(alive(pid) for pid in children),
                   "all processes are gone", 10)
        self.stderr.close()

    def close(self):
        if self.process and self.process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                self.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        # A master that an upgrade made is no child of ours.
        with contextlib.suppress(OSError, ValueError):
            self.send_signal(signal.SIGTERM)
            wait_until(lambda: not (self.folder / "belfry.pid").exists(),
                       "the new master ends", 15)
        with contextlib.suppress(OSError):
            os.unlink(self.socket)
        self.check_sanitizers()

    def check_sanitizers(self):
        text = self.stderr_text()
        for mark in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            assert mark not in text, text[-6000:]

    # ---- what it says ----

    def stderr_text(self):
        with contextlib.suppress(OSError):
            return self.stderr_file.read_text(errors="replace")
        return ""

    def log(self):
        with contextlib.suppress(OSError):
            return self.log_file.read_text(errors="replace")
        return ""

    def test_conf(self, *options):
        return subprocess.run(
            [self.build / "belfry", "-t", *options, "-c", self.conf_file],
            capture_output=True, text=True, env=self.environment,
            cwd=self.folder, timeout=60)

    # ---- its API ----

    def connection(self, tcp=False, timeout=30):
        if tcp:
            return http.client.HTTPConnection("127.0.0.1", self.port,
                                              timeout=timeout)
        return UnixConnection(self.socket, timeout)

    def http(self, method, path, body=None, headers=None, tcp=False):
        connection = self.connection(tcp)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if tcp and "Authorization" not in (headers or {}):
            headers = {"Authorization": f"Bearer {TOKEN}", **(headers or {})}
        headers = {**({"Content-Type": "application/json"} if body is not None
                      else {}), **(headers or {})}
        try:
            connection.request(method, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def post(self, event="deploy_failed", subject="A subject", **more):
        """Posts an event and returns its id."""
        headers = more.pop("headers", None)
        answer = self.http("POST", "/v1/events",
                           {"event": event, "subject": subject, **more},
                           headers)
        assert answer.status == 202, answer
        return answer.json["id"]

    def delivery_of(self, event, channel=None):
        found = [d for d in self.http("GET", f"/v1/events/{event}")
                 .json["deliveries"]
                 if channel is None or d["channel"] == channel]
        return found[0]["id"]

    def delivery(self, identifier):
        answer = self.http("GET", f"/v1/deliveries/{identifier}")
        assert answer.status == 200, answer
        return answer.json

    def wait_state(self, identifier, state, timeout=30):
        return wait_until(
            lambda: (d := self.delivery(identifier))["state"] == state and d,
            f"delivery {identifier} is {state}", timeout, 0.05)

    def stats(self):
        return self.http("GET", "/v1/stats").json

    def wait_idle(self, timeout=60):
        """Waits until nothing waits to be delivered."""
        def idle():
            deliveries = self.stats()["deliveries"]
            return deliveries["waiting"] == 0 and deliveries["in_flight"] == 0
        wait_until(idle, "nothing waits", timeout, 0.1)

    def metric(self, name):
        text = self.http("GET", "/metrics").body.decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
        return float(found.group(1)) if found else None

    def ctl(self, *arguments, check=True, text=None, timeout=60):
        done = subprocess.run(
            [self.build / "belfryctl", "--socket", self.socket, *arguments],
            capture_output=True, text=True, env=self.environment, input=text,
            timeout=timeout)
        assert "Sanitizer" not in done.stderr, done.stderr
        if check:
            assert done.returncode == 0, (arguments, done)
        return done


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def channel(url, name="hook", more="", module="webhook"):
    return f"channel {module} {name} {{ url {url}; {more} }}\n"


def memory_kib(pid):
    """Proportional share of memory of a process, in KiB."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+)", text, re.M).group(1))


def have(program):
    return shutil.which(program) is not None
