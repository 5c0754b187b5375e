"""HTTP below any client: bytes as they are sent, answers as they come."""
import contextlib
import json
import socket

from harness import TOKEN

HOST = b"Host: x\r\n"
AUTH = f"Authorization: Bearer {TOKEN}\r\n".encode()
POST = b"POST /v1/events HTTP/1.1\r\n" + HOST + AUTH + \
    b"Content-Type: application/json\r\n"
EVENT = b'{"event":"deploy_failed","subject":"raw"}'


def post(body=EVENT, headers=b""):
    return POST + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(path=b"/healthz", headers=b"", method=b"GET"):
    return method + b" " + path + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"


class RawAnswer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


def _answer(data, at, heads):
    """The answer that begins at a place in data, and where it ends; None: it
    is not whole. heads: it has no body, whatever its length says."""
    end = data.find(b"\r\n\r\n", at)
    if end == -1:
        return None
    line, *fields = data[at:end].decode("latin-1").split("\r\n")
    version, status, _ = line.split(" ", 2)
    assert version == "HTTP/1.1", line
    headers = {}
    for field in fields:
        name, _, value = field.partition(": ")
        assert name.lower() not in headers, f"{name} twice"
        headers[name.lower()] = value
    end += 4
    size = 0 if heads or status.startswith("1") \
        else int(headers.get("content-length", 0))
    if len(data) < end + size:
        return None
    return RawAnswer(int(status), headers, bytes(data[end:end + size])), \
        end + size


class Raw:
    """A connection to a TCP port, or to a socket that is given."""

    def __init__(self, port=None, sock=None, timeout=20):
        self.socket = sock or socket.create_connection(
            ("127.0.0.1", port), timeout)
        self.socket.settimeout(timeout)
        self.data, self.at = bytearray(), 0

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.socket.close()

    def send(self, data):
        """Sends all, unless the peer has had enough. Returns the bytes that
        it took."""
        sent = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < len(data):
                sent += self.socket.send(data[sent:sent + 65536])
        return sent

    def end(self):
        """Says that nothing more comes."""
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self, heads=False):
        """The next answer; None when the peer closed instead."""
        while not (got := _answer(self.data, self.at, heads)):
            del self.data[:self.at]
            self.at = 0
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                assert not self.data, f"half an answer: {self.data[:300]!r}"
                return None
            self.data += more
        answer, self.at = got
        return answer

    def rest(self):
        """All answers until the peer closes."""
        return list(iter(self.answer, None))


def exchange(port, data, end=False, timeout=20):
    """Sends data on a connection of its own; all answers until it is closed.
    Whatever keeps the connection open must be answered before."""
    with Raw(port, timeout=timeout) as raw:
        raw.send(data)
        if end:
            raw.end()
        return raw.rest()
