"""A real syslog receiver: Debian's rsyslog, unpacked and not installed, as it
would take the place of the machine's own."""
import functools
import json
import os
import pathlib
import subprocess
import tempfile

from harness import free_port, wait_until

PACKAGES = ["rsyslog", "rsyslog-openssl", "libestr0", "libfastjson4",
            "liblognorm5"]
# Is removed when the tests end.
FOLDER = tempfile.TemporaryDirectory(prefix="belfry-rsyslog-")


@functools.cache
def unpacked():
    """The folder that has it."""
    folder = pathlib.Path(FOLDER.name)
    # apt downloads as a user of its own, who needs to get there.
    folder.chmod(0o777)
    subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=folder,
                   check=True, capture_output=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder / "root"], check=True)
    return folder / "root"


class Rsyslog:
    """An rsyslogd on loopback: messages() are what it parsed. pem: the
    certificate and key it shows, and ca who may come; None: no TLS."""

    def __init__(self, folder, pem=None, ca=None, auth="anon", port=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.out = self.folder / "messages"
        tls = "" if pem is None else f"""
global(DefaultNetstreamDriverCAFile="{ca}"
       DefaultNetstreamDriverCertFile="{pem}"
       DefaultNetstreamDriverKeyFile="{pem}")"""
        driver = "" if pem is None else (
            'StreamDriver.Name="ossl" StreamDriver.Mode="1" '
            f'StreamDriver.AuthMode="{auth}"')
        self.conf = self.folder / "rsyslog.conf"
        self.conf.write_text(f"""
global(workDirectory="{self.folder}" maxMessageSize="64k"){tls}
module(load="imtcp" {driver})
input(type="imtcp" address="127.0.0.1" port="{self.port}"
      SupportOctetCountedFraming="on")
template(name="json" type="string" string="%jsonmesg%\\n")
action(type="omfile" file="{self.out}" template="json")
""")
        root = unpacked()
        libraries = next(root.glob("usr/lib/*/rsyslog"))
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [root / "usr/sbin/rsyslogd", "-n", "-f", self.conf, "-i",
             self.folder / "pid", "-M", libraries],
            env={**os.environ, "LD_LIBRARY_PATH": str(libraries.parent)},
            stdout=self.log, stderr=self.log)

    def messages(self):
        if not self.out.exists():
            return []
        found = [json.loads(line) for line in
                 self.out.read_text().splitlines()]
        return [m for m in found if m["programname"] != "rsyslogd"]

    def wait(self, count, timeout=20):
        wait_until(lambda: len(self.messages()) >= count,
                   f"{count} messages", timeout)
        return self.messages()

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
