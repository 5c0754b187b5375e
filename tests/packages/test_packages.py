"""The packages, built from the tarball as a distribution would build them, and
installed into a fresh root.

BELFRY_TARBALL names the tarball of `make dist`. Needs root, and a mirror of
Debian that apt can reach.
"""
import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

TARBALL = pathlib.Path(os.environ["BELFRY_TARBALL"]).resolve()
VERSION = re.fullmatch(r"belfry-(.*)\.tar\.xz", TARBALL.name)[1]


def run(*command, **options):
    """A command's output; fails with all it said."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-5000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the built Debian packages."""
    folder = tmp_path_factory.mktemp("deb")
    shutil.unpack_archive(TARBALL, folder)
    run("dpkg-buildpackage", "-us", "-uc", "-b", "-d",
        cwd=folder / f"belfry-{VERSION}",
        env=dict(os.environ, DEB_BUILD_OPTIONS=f"nocheck parallel={os.cpu_count()}"))
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory, built):
    """A fresh root without belfry, in which apt works; with the packages."""
    root = tmp_path_factory.mktemp("root")
    root.chmod(0o755)
    options = [f"--aptopt={line.rstrip(';')}"
               for line in run("apt-config", "dump").splitlines()
               if re.match(r"Acquire::(Check|http|Retries)", line)]
    sources = [str(path) for path in
               (pathlib.Path("/etc/apt/sources.list"),
                *pathlib.Path("/etc/apt/sources.list.d").iterdir())
               if path.is_file() and path.suffix in (".list", ".sources")
               and re.search(r"(?m)^(deb |Types:)", path.read_text())]
    run("mmdebstrap", "--mode=root", "--variant=apt", "--format=directory",
        *options, "--include=systemd-standalone-sysusers", "bookworm",
        str(root), *sources)
    debs = root / "packages"
    debs.mkdir()
    for deb in built.glob("*.deb"):
        if "-dbgsym_" not in deb.name:
            shutil.copy(deb, debs)
    run("mount", "--bind", "/proc", str(root / "proc"))
    try:
        run("chroot", str(root), "apt-get", "-q", "update")
        yield root
    finally:
        run("umount", str(root / "proc"))
        shutil.rmtree(root)


def inside(root, *command, **options):
    return run("chroot", str(root), *command, **options)


def install(root, *names):
    """Installs packages of ours by their files, and what they need from apt."""
    files = [f"/packages/{path.name}" for path in (root / "packages").iterdir()
             if path.name.split("_")[0] in names]
    assert len(files) == len(names)
    inside(root, "apt-get", "-q", "install", "-y", "--no-install-recommends",
           *files, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))


def modules(root):
    """What the running daemon has loaded."""
    answer = json.loads(inside(root, "belfryctl", "--json", "modules"))
    return {module["name"] for module in answer["modules"]}


def wait_until(true, what):
    for _ in range(300):
        with contextlib.suppress(AssertionError):
            if true():
                return
        time.sleep(0.1)
    raise AssertionError(f"not within 30 s: {what}")


@pytest.fixture
def daemon(root):
    """belfry, as its unit starts it, but on a port that is free outside."""
    conf = root / "etc/belfry/belfry.conf"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    conf.write_text(re.sub(
        r"(?m)^\t#?listen 127\.0\.0\.1:\d+;.*$",
        f"\tlisten 127.0.0.1:{port}; listen unix:/run/belfry/belfry.sock;",
        conf.read_text()))
    process = subprocess.Popen(["chroot", str(root), "/usr/sbin/belfry", "-g",
                                "daemon off; user belfry belfry; error_log stderr;"])
    try:
        wait_until(lambda: modules(root) is not None, "belfry answers")
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def receiver():
    """An endpoint, and the bodies that it got."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], got
    finally:
        server.shutdown()
        server.server_close()


def test_lintian_has_nothing_to_say(built):
    changes = next(built.glob("*.changes"))
    run("lintian", "--fail-on", "error,warning", "--allow-root", str(changes))


def test_every_module_has_its_package(built):
    modules = {path.stem for path in
               built.glob("belfry-*/debian/tmp/usr/lib/*/belfry/modules/*.so")}
    packages = {path.name.split("_")[0][len("belfry-mod-"):]
                for path in built.glob("belfry-mod-*.deb")
                if "dbgsym" not in path.name}
    assert modules == packages and "webhook" in modules


def test_installed_with_one_module_it_delivers(root, request):
    install(root, "belfry", "libbelfry1", "belfry-mod-webhook")
    with receiver() as (port, got):
        (root / "etc/belfry/conf.d/test.conf").write_text(
            f"channel webhook test {{ url http://127.0.0.1:{port}/; }}\n")
        inside(root, "belfry", "-t", "-g", "user belfry belfry;")
        request.getfixturevalue("daemon")
        assert modules(root) == {"webhook"}
        inside(root, "belfryctl", "send", "deploy_failed", "It failed")
        wait_until(lambda: got, "the delivery")
        assert json.loads(got[0])["subject"] == "It failed"
    (root / "etc/belfry/conf.d/test.conf").unlink()


def test_module_comes_later_and_goes_again(root, request):
    install(root, "belfry", "libbelfry1", "belfry-mod-webhook")
    process = request.getfixturevalue("daemon")
    enabled = root / "etc/belfry/modules-enabled/50-smtp.conf"
    assert modules(root) == {"webhook"} and not enabled.is_symlink()
    for _ in range(2):
        install(root, "belfry-mod-smtp")
        assert enabled.is_symlink()
        inside(root, "belfry", "-t", "-g", "user belfry belfry;")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: modules(root) == {"webhook", "smtp"}, "it is loaded")
        inside(root, "apt-get", "-q", "remove", "-y", "belfry-mod-smtp",
               env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
        assert not enabled.is_symlink()
        inside(root, "belfry", "-t", "-g", "user belfry belfry;")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: modules(root) == {"webhook"}, "it is gone")


def needs(built, package):
    deb = next(path for path in built.glob(f"{package}_*.deb"))
    depends = run("dpkg-deb", "-f", str(deb), "Depends")
    return {word.split()[0] for word in depends.split(", ")}


def test_what_a_module_needs_comes_with_it_alone(built):
    assert any(name.startswith("libidn2") for name in
               needs(built, "belfry-mod-smtp"))
    for package in ("belfry-mod-webhook", "belfry-mod-exec",
                    "belfry-mod-syslog"):
        assert all(name.startswith(("libc6", "libbelfry1", "belfry-module-abi"))
                   for name in needs(built, package)), needs(built, package)


# Of 10; lower is better. systemd calls up to 5 "medium", 2 "safe".
EXPOSURE_MOST = 3.0


def test_unit_is_good_and_exposes_little(built):
    unit = next(built.glob("belfry-*/debian/belfry.service"))
    done = run("systemd-analyze", "security", "--offline=yes",
               f"--threshold={round(EXPOSURE_MOST * 10)}", "--no-pager",
               str(unit))
    level = re.search(r"exposure level for \S+: (\S+)", done)
    assert level and float(level[1]) <= EXPOSURE_MOST, done[-1500:]


def test_the_rpm_builds_too(tmp_path):
    if not shutil.which("rpmbuild"):
        pytest.fail("rpmbuild is not installed")
    run("rpmbuild", "-tb", "--nodeps", "-D", f"_topdir {tmp_path}",
        "-D", "_lto_cflags %{nil}", str(TARBALL))
    names = {path.name.rsplit("-", 2)[0] for path in tmp_path.glob("RPMS/*/*.rpm")}
    assert {"belfry", "libbelfry", "libbelfry-devel", "belfry-mod-webhook",
            "belfry-mod-smtp", "belfry-mod-syslog"} <= names
