"""secure.py - HTTPS on connections that are kept, and HTTP/2

nginx stands in front of the sink, as in the ceiling programs' nginx-tls.conf:
most of the time is its, so read the ratio.
"""
import os
import signal
import subprocess
import time

from observe import Invalid, cpu_seconds, cpu_since, end, listening, values
from observe import wait_for
from stage import SINK, Belfry, Sink, channel

COUNT = 50000
KINDS = (("HTTPS, kept connections", 9443, "", "noverify,h1"),
         ("HTTPS, HTTP/2", 9444, "http2 on;", "noverify,h2"))


def secure(bench):
    certificate = f"{bench.ceiling}/data/cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
         f"{bench.ceiling}/data/key.pem", "-out", certificate],
        check=True, capture_output=True)
    front = subprocess.Popen(
        ["nginx", "-p", bench.ceiling, "-c", "nginx-tls.conf"],
        cwd=bench.ceiling, env=dict(os.environ), stderr=subprocess.DEVNULL)
    try:
        wait_for("nginx listens", lambda: listening(KINDS[0][1]), 10)
        for kind in KINDS:
            measure(bench, certificate, *kind)
    finally:
        end(front)


def measure(bench, certificate, name, port, more, options):
    """A backlog drained through nginx, beside libcurl doing the same."""
    url = f"https://127.0.0.1:{port}/hook"
    conf = (f"channel webhook sink {{ url {url}; secret topsecret; "
            f"ca_file {certificate}; {more} ")
    sink = Sink(bench.ceiling, SINK)
    daemon = Belfry(bench.build, conf + "rate 1/h; }")
    try:
        daemon.start()
        bench.feed(COUNT, "-B", "50", "-c", "16")
        time.sleep(1)
        cpu = cpu_seconds(daemon.process.pid)
        began = time.monotonic()
        daemon.configure(conf + "}")
        daemon.process.send_signal(signal.SIGHUP)
        wait_for("the backlog drains",
                 lambda: sink.stats()["ok"] >= COUNT, 120)
        rate = COUNT / (time.monotonic() - began)
        cpu = cpu_since(cpu, daemon.process.pid) / COUNT * 1e6
        bench.arrived_once(sink, COUNT)
        answer = subprocess.run(
            [f"{bench.ceiling}/multi", "-D", "lazy", "-w", "sign", "-u", url,
             "-n", str(COUNT), "-c", "16", "-o", options],
            capture_output=True, text=True)
    finally:
        daemon.stop()
        sink.stop()
    found = values(answer.stdout)
    if answer.returncode or found.get("failed") != "0":
        raise Invalid(answer.stdout + answer.stderr)
    ceiling = float(found["req_per_s"])
    bench.row(f"drain of {COUNT:,}, {name}: deliveries/s, beside libcurl",
              f"{rate:,.0f}", f"{ceiling:,.0f}", f"{rate / ceiling:.2f}", "")
    bench.row(f"drain of {COUNT:,}, {name}: CPU a delivery",
              f"{cpu:.0f} us", f"{float(found['cpu_us_per_req']):.0f} us",
              f"{cpu / float(found['cpu_us_per_req']):.2f}", "")
