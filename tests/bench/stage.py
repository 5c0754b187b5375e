"""stage.py - a receiver, and a belfry with the defaults that are shipped"""
import contextlib
import glob
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import urllib.request

from observe import Invalid, end, listening, wait_for

TOKEN = "bench-token-0123456789"
API = 8201
SINK = 9000


class Sink:
    """A receiver of the ceiling programs."""

    def __init__(self, ceiling, port, *options):
        if listening(port):
            raise Invalid(f"something listens on port {port} already")
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [f"{ceiling}/sink", "-p", str(port), "-l", "-u", *options],
            stdout=subprocess.PIPE, text=True)
        wait_for("the sink listens", lambda: listening(port), 5)

    def stats(self):
        with urllib.request.urlopen(self.url + "/stats") as answer:
            return json.load(answer)

    def reset(self):
        urllib.request.urlopen(self.url + "/reset").read()

    def stop(self):
        """Ends it; quantiles of the latency that it saw, in ms. {} when it has
        ended before."""
        if self.process.stdout.closed:
            return {}
        end(self.process)
        with self.process.stdout as totals:
            return {f"p{key}": int(us) / 1000 for key, us in re.findall(
                r"\bp([\d.]+)=(\d+)", totals.read())}


class Belfry:
    """A daemon with the defaults that are shipped, in a folder of its own."""

    def __init__(self, build, channels):
        self.build = build
        self.directory = tempfile.mkdtemp(prefix="belfry-bench-")
        self.conf = f"{self.directory}/belfry.conf"
        self.socket = f"{self.directory}/belfry.sock"
        self.configure(channels)
        self.command = f"{build}/belfry -c {self.conf}"
        self.process = None

    def configure(self, channels):
        with open(self.conf, "w") as file:
            file.write(f"""
load_module {self.build}/.libs/webhook.so isolate=off;
pid {self.directory}/belfry.pid;
error_log {self.directory}/error.log notice;
state_dir {self.directory}/state;
daemon off;
api {{ listen 127.0.0.1:{API}; listen unix:{self.socket}; }}
token bench {{ value {TOKEN}; scope ingest; }}
{channels}
""")

    def start(self, patience=20, **environment):
        if listening(API):
            raise Invalid(f"something listens on port {API} already")
        self.process = subprocess.Popen(self.command.split(),
                                        env=dict(os.environ, **environment))
        wait_for("belfry listens", lambda: listening(API), patience)

    def ctl(self, *arguments):
        answer = subprocess.run(
            [f"{self.build}/belfryctl", "--socket", self.socket, *arguments],
            capture_output=True, text=True)
        if answer.returncode:
            raise Invalid(f"belfryctl {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout

    def kept_events(self):
        """How many events stand in the store."""
        store, = glob.glob(f"{self.directory}/state/*.db")
        with contextlib.closing(sqlite3.connect(
                f"file:{store}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM event").fetchone()[0]

    def waiting(self):
        return json.loads(self.ctl("stats", "--json"))["deliveries"]["waiting"]

    def pause(self):
        """Ends the daemon and keeps its folder, for another start."""
        if self.process:
            end(self.process)
        self.process = None

    def stop(self):
        self.pause()
        shutil.rmtree(self.directory, ignore_errors=True)


def channel(port=SINK, name="sink", more=""):
    return (f"channel webhook {name} {{ url http://127.0.0.1:{port}/hook; "
            f"secret topsecret; {more} }}")
