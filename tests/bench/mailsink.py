"""mailsink.py - a receiver that counts mails, or keeps them"""
import os
import shutil
import subprocess
import tempfile
import time

from observe import Invalid, end, listening, values, wait_for


class MailSink:
    """Postfix' smtp-sink, which counts mails, or keeps them (dump)."""

    def __init__(self, port, dump=False):
        if listening(port):
            raise Invalid(f"something listens on port {port} already")
        # The user that it becomes must be able to write there.
        self.directory = tempfile.mkdtemp(prefix="mail-bench-")
        os.chmod(self.directory, 0o777)
        self.dump = f"{self.directory}/mails"
        self.counters = open(f"{self.directory}/counters", "w+b")
        self.process = subprocess.Popen(
            ["smtp-sink", *(["-u", "postfix"] if os.geteuid() == 0 else []),
             *(["-D", self.dump] if dump else []), "-c",
             f"127.0.0.1:{port}", "256"], stdout=self.counters)
        wait_for("smtp-sink listens", lambda: listening(port), 5)

    def count(self):
        """Mails so far; the last of the counters, which end in CR each."""
        size = os.fstat(self.counters.fileno()).st_size
        tail = os.pread(self.counters.fileno(), 200, max(0, size - 200))
        lines = tail.split(b"\r")
        return int(values(lines[-2].decode())["mesg"]) if lines[1:] else 0

    def take(self, count, since, seconds=120):
        """Waits for as many since then; Invalid if there are others."""
        start = time.monotonic()
        wait_for("the mails arrive", lambda: self.count() - since >= count,
                 seconds)
        took = time.monotonic() - start
        time.sleep(1)  # a mail that is sent twice may come late
        if self.count() - since != count:
            raise Invalid(f"of {count} mails {self.count() - since} arrived")
        return took

    def mails(self):
        """The mails that were kept, as they were sent."""
        with open(self.dump, "rb") as file:
            kept = file.read().split(b"X-Client-Addr: ")[1:]
        # The sink puts a trace in front, a line behind, and LF for CRLF.
        return [b"Date: " + mail.split(b"\nDate: ", 1)[1][:-1]
                .replace(b"\n", b"\r\n") for mail in kept]

    def stop(self):
        end(self.process)
        self.counters.close()
        shutil.rmtree(self.directory, ignore_errors=True)
