"""A bounded load of events on kept connections, in a process of its own.

Every answer is counted: what was answered 202 must arrive, and nothing may be
refused or cut off.
"""
import http.client
import json
import threading
import time

from harness import TOKEN


class Load:
    """Posts events until stopped. tolerant: connection errors and 503 are
    expected (something is being killed) and such events are given up."""

    def __init__(self, port, threads=4, pause=0.002, tolerant=False,
                 most=100000, headers=None):
        self.port, self.pause, self.tolerant = port, pause, tolerant
        self.most = most
        self.headers = {"Content-Type": "application/json",
                        "Authorization": f"Bearer {TOKEN}", **(headers or {})}
        self.accepted = []  # subjects
        self.faults = []
        self.lock = threading.Lock()
        self.running = True
        self.threads = [threading.Thread(target=self._run, args=(i,))
                        for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def _post(self, connection, subject):
        connection.request(
            "POST", "/v1/events",
            json.dumps({"event": "deploy_failed", "subject": subject}),
            self.headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 202:
            with self.lock:
                self.accepted.append(subject)
            return True
        if not (self.tolerant and answer.status == 503):
            self.faults.append((subject, answer.status, body[:200]))
        return False

    def _run(self, number):
        connection = None
        count = 0
        while self.running and len(self.accepted) < self.most:
            subject = f"{number}-{count}"
            count += 1
            try:
                connection = connection or http.client.HTTPConnection(
                    "127.0.0.1", self.port, timeout=30)
                self._post(connection, subject)
            except (OSError, http.client.HTTPException) as error:
                if not self.tolerant:
                    self.faults.append((subject, repr(error)))
                if connection:
                    connection.close()
                connection = None
                time.sleep(0.02)
            time.sleep(self.pause)
        if connection:
            connection.close()

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join(60)
        assert not self.faults, self.faults[:5]
        return self.accepted

    close = stop
