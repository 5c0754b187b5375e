"""mail.py - mails into smtp-sink, beside libcurl's own loop"""
import json
import re
import signal
import statistics
import subprocess
import tempfile
import time

from mailsink import MailSink
from observe import Invalid, cpu_seconds, cpu_since, values
from stage import Belfry

MAIL = 9003
MAILS = 10000
SENDER = "belfry@example.com"
RECIPIENT = "ops@example.com"
EHLO = "bench.example.com"


def drain_mails(bench, sink):
    """Sends as many, all of which waited: mails a second, and processor
    time of a mail in the workers, and in all processes."""
    conf = (f"load_module {bench.build}/.libs/smtp.so isolate=off;"
            f"channel smtp mail {{ host 127.0.0.1; port {MAIL}; tls off; "
            f"ehlo {EHLO}; from {SENDER}; to {RECIPIENT}; ")
    daemon = Belfry(bench.build, conf + "rate 1/h; }")
    try:
        before = sink.count()
        daemon.start()
        bench.feed(MAILS, "-B", "50", "-c", "16")
        time.sleep(2)
        early = sink.count() - before  # the one that the rate lets pass
        root = daemon.process.pid
        cpu = cpu_seconds(root)
        daemon.configure(conf + "}")
        daemon.process.send_signal(signal.SIGHUP)
        took = sink.take(MAILS, before)
        workers, every = (cpu_since(cpu, root, title)
                          for title in ("belfry: worker", ""))
        states = json.loads(daemon.ctl("stats", "--json"))["deliveries"]
        failed = json.loads(daemon.ctl("deliveries", "--state", "failed",
                                       "--json"))["deliveries"]
        if states["waiting"] + states["in_flight"] or failed:
            raise Invalid(f"not all is delivered: {states}")
        return ((MAILS - early) / took, workers / (MAILS - early) * 1e6,
                every / (MAILS - early) * 1e6)
    finally:
        daemon.stop()


def load_mails(bench, sink, message):
    """libcurl sends the message as often: mails a second, and processor
    time of a mail."""
    before = sink.count()
    answer = subprocess.run(
        [f"{bench.build}/tests/bench/mailload", "-u",
         f"smtp://127.0.0.1:{MAIL}/{EHLO}", "-f", f"<{SENDER}>",
         "-t", f"<{RECIPIENT}>", "-n", str(MAILS), message],
        capture_output=True, text=True)
    found = values(answer.stdout)
    if answer.returncode or found.get("failed") != "0":
        raise Invalid(answer.stdout + answer.stderr)
    sink.take(MAILS, before)
    return float(found["mails_per_s"]), float(found["cpu_us_per_mail"])


def composed(bench, path):
    """Sends all once into a sink that keeps them: each must be there,
    once. Writes one of them into a file, for libcurl to send."""
    sink = MailSink(MAIL, dump=True)
    try:
        drain_mails(bench, sink)
        mails = sink.mails()
    finally:
        sink.stop()
    ids = {re.search(rb"^Message-ID:\s+(\S+)", mail, re.M)[1]
           for mail in mails}
    if len(mails) != MAILS or len(ids) != MAILS:
        raise Invalid(f"of {MAILS} mails {len(ids)} arrived, in "
                      f"{len(mails)} copies")
    with open(path, "wb") as file:
        file.write(mails[MAILS // 2])


def mail(bench):
    with tempfile.TemporaryDirectory(prefix="mail-bench-") as directory:
        message = f"{directory}/message"
        composed(bench, message)
        sink = MailSink(MAIL)
        try:
            runs = [drain_mails(bench, sink) +
                    load_mails(bench, sink, message)
                    for _ in range(bench.rounds)]
        finally:
            sink.stop()
    rate, workers, every, most, least = map(statistics.median, zip(*runs))
    name = f"{MAILS:,} mails through one channel"
    bench.row(f"{name}: mails/s, beside libcurl", f"{rate:,.0f}",
             f"{most:,.0f}", f"{rate / most:.2f}", "at least 0.7")
    for what, cpu, bar in (("workers", workers, "at most 1.25"),
                           ("all processes", every, "")):
        bench.row(f"{name}: CPU a mail, {what}", f"{cpu:.0f} us",
                 f"{least:.0f} us", f"{cpu / least:.2f}", bar)
