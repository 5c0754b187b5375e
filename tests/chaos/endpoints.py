"""Endpoints that record what came, and that can be down, slow or broken."""
import asyncio
import email
import email.policy
import http.server
import json
import threading
import time

from aiosmtpd.controller import Controller

from harness import free_port

UP, DOWN, BROKEN, SLOW = "up", "down", "broken", "slow"


class Receipt:
    """One arrival. good: the sender was told that it was taken; ended: when."""

    def __init__(self, subject, arrived, ended, good):
        self.subject, self.arrived, self.ended = subject, arrived, ended
        self.good = good


class HttpEndpoint:
    def __init__(self, name):
        endpoint = self
        self.name, self.mode, self.delay = name, UP, 0
        self.receipts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                arrived = time.monotonic()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                subject = json.loads(body)["subject"]
                if endpoint.mode == SLOW:
                    time.sleep(endpoint.delay)
                if endpoint.mode == DOWN:
                    self.close_connection = True
                    return
                good = endpoint.mode != BROKEN
                # Before the answer: who reads that it was delivered finds it.
                receipt = Receipt(subject, arrived, arrived, good)
                endpoint.receipts.append(receipt)
                self.send_response(204 if good else 503)
                if not good:
                    self.send_header("Content-Length", "0")
                self.end_headers()
                receipt.ended = time.monotonic()

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request, client_address):
                pass  # clients that are killed are what is tested

        self.make = lambda port: Server(("127.0.0.1", port), Handler)
        self.port = 0
        self._listen()

    def _listen(self):
        self.server = self.make(self.port)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _close(self):
        self.server.shutdown()
        self.server.server_close()

    def be(self, mode, delay=0):
        if mode == DOWN and self.mode != DOWN:
            self._close()
        if mode != DOWN and self.mode == DOWN:
            self._listen()
        self.delay = delay
        self.mode = mode

    def close(self):
        if self.mode != DOWN:
            self._close()


class MailEndpoint:
    """aiosmtpd, a mail server that nobody here wrote. Down and broken are the
    same to its clients: it says 451."""

    def __init__(self, name):
        endpoint = self
        self.name, self.mode, self.delay = name, UP, 0
        self.receipts = []

        class Handler:
            async def handle_MAIL(self, server, session, envelope, address,
                                  options):
                if endpoint.mode in (DOWN, BROKEN):
                    return "451 4.3.0 try again later"
                envelope.mail_from = address
                return "250 ok"

            async def handle_DATA(self, server, session, envelope):
                arrived = time.monotonic()
                if endpoint.mode == SLOW:
                    await asyncio.sleep(endpoint.delay)
                subject = str(email.message_from_bytes(
                    envelope.content, policy=email.policy.default)["Subject"])
                endpoint.receipts.append(
                    Receipt(subject, arrived, time.monotonic(), True))
                return "250 ok"

        self.port = free_port()
        self.controller = Controller(Handler(), hostname="127.0.0.1",
                                     port=self.port)
        self.controller.start()

    def be(self, mode, delay=0):
        self.delay, self.mode = delay, mode

    def close(self):
        self.controller.stop()
