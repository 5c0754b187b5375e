"""Certificates for the scenarios, made by the openssl program."""
import functools
import pathlib
import ssl
import subprocess
import tempfile

# Is removed when the tests end.
FOLDER = tempfile.TemporaryDirectory(prefix="belfry-tls-")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True,
                   capture_output=True)


class Authority:
    """An authority of its own, and what it signs."""

    def __init__(self, name):
        self.folder = pathlib.Path(FOLDER.name) / name
        self.folder.mkdir()
        self.name = name
        self.certificate = self.folder / "ca.pem"
        self.key = self.folder / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
                f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, subject="IP:127.0.0.1", days=30, start=None,
              more=""):
        """A certificate with its key in one PEM file. start and days as in
        openssl ca: an expired one ends before today."""
        pem = self.folder / f"{name}.pem"
        key, request = self.folder / f"{name}.key", self.folder / "request"
        openssl("req", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", request)
        conf = self.folder / "ca.conf"
        (self.folder / "index").write_text("")
        conf.write_text(f"""
[ca]
default_ca = own
[own]
database = {self.folder}/index
new_certs_dir = {self.folder}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = extensions
unique_subject = no
[any]
commonName = supplied
[extensions]
subjectAltName = {subject}
{more}
""")
        dates = ["-startdate", start[0], "-enddate", start[1]] if start \
            else ["-days", days]
        openssl("ca", "-batch", "-notext", "-config", conf, "-cert",
                self.certificate, "-keyfile", self.key, "-in", request,
                "-out", pem, *dates)
        pem.write_text(pem.read_text() + key.read_text())
        return pem


@functools.cache
def _authority(name):
    return Authority(name)


def authority(name="Scenario"):
    return _authority(name)


@functools.cache
def issued(name, subject="IP:127.0.0.1", expired=False, by="Scenario"):
    dates = ("20200101000000Z", "20200201000000Z") if expired else None
    return authority(by).issue(name, subject, start=dates)


@functools.cache
def self_signed():
    folder = pathlib.Path(FOLDER.name)
    pem, key = folder / "self.pem", folder / "self.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
            "/CN=self", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", pem)
    pem.write_text(pem.read_text() + key.read_text())
    return pem


def server(pem, clients=None):
    """A server's side, with the certificate in pem; clients: the authority
    whose certificates it wants clients to show."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.certificate)
    return context
