"""Real mail servers on loopback, each in a folder of its own: nothing of the
machine's own configuration is read or changed. They are started as root, as
mail servers are, and want /tmp to be open to their users."""
import contextlib
import email
import email.policy
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import tls
from harness import free_port, wait_until

USER, PASSWORD = "belfry", "correct horse"
DOMAIN = "mail.example"


def listening(port):
    import socket
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


class Mta:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="belfry-mta-"))
        self.folder.chmod(0o755)
        self.starttls, self.implicit = free_port(), free_port()
        self.pem = self.folder / "server.pem"
        shutil.copy(tls.issued("mail"), self.pem)

    def wait(self):
        wait_until(lambda: listening(self.starttls) and
                   listening(self.implicit), "the mail server listens", 30)

    def mail_of(self, subject):
        """The mail of that subject, when it is there: a server says 250 before
        it delivers."""
        return wait_until(
            lambda: next((mail for mail in self.mails(1)
                          if mail["Subject"] == subject), None),
            f"a mail {subject!r}", 60)

    def mails(self, count):
        """The mails in the maildir, read as strictly as Python can."""
        def found():
            paths = sorted(self.maildir.glob("new/*"),
                           key=lambda path: path.stat().st_mtime_ns)
            return paths if len(paths) >= count else None
        return [email.message_from_bytes(path.read_bytes(),
                                         policy=email.policy.strict)
                for path in wait_until(found, f"{count} mails", 30)]


class Postfix(Mta):
    """Postfix with Cyrus SASL; every address of the domain has one maildir."""

    def __init__(self):
        super().__init__()
        self.maildir = self.folder / "mail" / "box"
        owner = pwd.getpwnam("postfix")
        for name in ("queue", "data", "mail", "conf"):
            (self.folder / name).mkdir()
        for name in ("data", "mail"):
            shutil.chown(self.folder / name, owner.pw_uid)
        self._make_user(owner.pw_uid)
        (self.folder / "conf/main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {self.folder}/log
maillog_file_prefixes = {self.folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{DOMAIN}
mydestination =
mynetworks =
alias_maps =
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_base = {self.folder}/mail
virtual_mailbox_maps = inline:{{ ops@{DOMAIN}=box/ oncall@{DOMAIN}=box/ }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{owner.pw_uid}
virtual_gid_maps = static:{owner.pw_gid}
smtpd_tls_cert_file = {self.pem}
smtpd_tls_key_file = {self.pem}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = mx.{DOMAIN}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions =
smtpd_reject_unlisted_recipient = yes
""")
        services = "\n".join(
            f"{name} unix {private} - n - {most} {command}"
            for name, private, most, command in (
                ("pickup", "n", 1, "pickup"), ("cleanup", "n", 0, "cleanup"),
                ("qmgr", "n", 1, "qmgr"), ("rewrite", "-", "-",
                                           "trivial-rewrite"),
                ("bounce", "-", 0, "bounce"), ("defer", "-", 0, "bounce"),
                ("trace", "-", 0, "bounce"), ("proxymap", "-", "-",
                                              "proxymap"),
                ("anvil", "-", 1, "anvil"), ("tlsmgr", "-", 1, "tlsmgr"),
                ("error", "-", "-", "error")))
        (self.folder / "conf/master.cf").write_text(f"""
127.0.0.1:{self.starttls} inet n - n - - smtpd
127.0.0.1:{self.implicit} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
{services}
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
""")
        self._run("start")
        self.wait()

    def _make_user(self, uid):
        users = self.folder / "users"
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", users, "-u",
                        f"mx.{DOMAIN}", USER], input=PASSWORD.encode(),
                       check=True, capture_output=True)
        shutil.chown(users, uid)

    def _run(self, verb):
        # Cyrus SASL has its users there, unless configured in /etc too:
        # Postfix sees ours, in a mount namespace of its own.
        result = subprocess.run(
            ["unshare", "--mount", "sh", "-c",
             'mount --bind "$0" /etc/sasldb2 && exec "$@"',
             self.folder / "users", "postfix", "-c", self.folder / "conf",
             verb],
            capture_output=True, text=True, timeout=60)
        assert result.returncode == 0 or verb == "stop", result.stderr + \
            self.log()

    def log(self):
        with contextlib.suppress(OSError):
            return (self.folder / "log").read_text()
        return ""

    def close(self):
        self._run("stop")
        shutil.rmtree(self.folder, ignore_errors=True)


# Debian's mail servers conflict, so the second is unpacked beside the first.
EXIM_PACKAGES = ("exim4-daemon-light", "libgnutls-dane0", "libunbound8",
                 "libidn12")


class Exim(Mta):
    """Exim as a daemon of its own, from its unpacked packages."""

    def __init__(self, packages):
        super().__init__()
        self.maildir = self.folder / "mail"
        root = self.folder / "root"
        for package in packages:
            subprocess.run(["dpkg", "-x", package, root], check=True)
        for name in ("mail", "spool", "log"):
            (self.folder / name).mkdir()
            shutil.chown(self.folder / name, "nobody")
        shutil.chown(self.pem, "nobody")
        conf = self.folder / "exim.conf"
        conf.write_text(f"""
exim_path = {root}/usr/sbin/exim4
exim_user = nobody
exim_group = nogroup
never_users =
spool_directory = {self.folder}/spool
log_file_path = {self.folder}/log/%s
pid_file_path = {self.folder}/exim.pid
primary_hostname = mx.{DOMAIN}
local_interfaces = <; 127.0.0.1.{self.starttls} ; 127.0.0.1.{self.implicit}
tls_on_connect_ports = {self.implicit}
tls_advertise_hosts = *
tls_certificate = {self.pem}
tls_privatekey = {self.pem}
acl_smtp_rcpt = rcpt
acl_smtp_data = data
keep_environment =
queue_run_in_order = true
begin acl
rcpt:
  deny !authenticated = *
       message = 550 5.7.1 log in first
  accept local_parts = ops : oncall
         domains = {DOMAIN}
  deny message = 5.1.1 no such user
data:
  accept
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  maildir_format
  directory = {self.maildir}
  user = nobody
  group = nogroup
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${{if def:tls_in_cipher}}
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_advertise_condition = ${{if def:tls_in_cipher}}
  server_prompts = "Username:: : Password::"
  server_condition = ${{if and {{{{eq{{$auth1}}{{{USER}}}}}{{eq{{$auth2}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth1
""")
        self.output = open(self.folder / "output", "wb")
        # Debian's Exim wants a user of its package's, which is not installed:
        # it sees one, and the libraries beside it (the environment's path is
        # not for programs that change their user), in a mount namespace of
        # its own.
        (self.folder / "ld.so.conf").write_text(
            f"{root}/usr/lib/x86_64-linux-gnu\n"
            "include /etc/ld.so.conf.d/*.conf\n")
        for name, line in (("passwd", "Debian-exim:x:65533:65534::/:/bin/false"),
                           ("group", "Debian-exim:x:65533:")):
            (self.folder / name).write_text(
                pathlib.Path(f"/etc/{name}").read_text() + line + "\n")
        self.process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c",
             'ldconfig -X -C "$0/ld.so.cache" -f "$0/ld.so.conf" && '
             'mount --bind "$0/ld.so.cache" /etc/ld.so.cache && '
             'mount --bind "$0/passwd" /etc/passwd && '
             'mount --bind "$0/group" /etc/group && exec "$@"', self.folder,
             root / "usr/sbin/exim4", "-C", conf, "-bdf"],
            stdout=self.output, stderr=self.output,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        self.wait()

    def wait(self):
        wait_until(lambda: self.process.poll() is not None or
                   (listening(self.starttls) and listening(self.implicit)),
                   "Exim listens", 30)
        assert self.process.poll() is None, self.log()

    def log(self):
        return "".join(path.read_text(errors="replace") for path in
                       [self.folder / "output",
                        *(self.folder / "log").glob("*")])

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.output.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def fetch_exim(folder):
    """Downloads Exim's packages into the folder, once."""
    for attempt in range(3):
        result = subprocess.run(["apt-get", "download", *EXIM_PACKAGES],
                                cwd=folder, capture_output=True, text=True)
        if result.returncode == 0:
            return sorted(pathlib.Path(folder).glob("*.deb"))
        time.sleep(1)
    raise AssertionError(result.stderr)
