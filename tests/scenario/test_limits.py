"""Little of everything: descriptors, memory, processes, rights, room. Belfry
starts, with a message or without, or refuses to with one; there is no half
start, and what was accepted is delivered."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from harness import BUILD, PLAIN, Belfry, channel, wait_until

ROOT = os.geteuid() == 0


def limited(b, **limits):
    """Starts it with limits by the names of ulimit's options."""
    b.without_wrapper()
    words = "; ".join(f"ulimit -{option} {value}"
                      for option, value in limits.items())
    b.before = ["bash", "-c", words + '; exec "$@"', "bash"]
    b.start(wait=False)
    return b


def words_of(b):
    return b.stderr_text() + b.log()


def starts(b):
    """Whether it came to be ready; if not it has said why, and ended."""
    def settled():
        if b.process.poll() is not None:
            return "ended"
        # An intake can answer before a worker could be made, or not.
        try:
            return (b.http("GET", "/readyz").status == 200 and
                    " is ready" in b.log() and "ready")
        except OSError:
            return False
    if wait_until(settled, "it starts or gives up", 30) == "ready":
        return True
    assert b.process.returncode == 1
    assert "belfry: " in words_of(b) or "[emerg]" in words_of(b)
    return False


def test_32_descriptors(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False)
    assert starts(limited(b, n=32))
    for _ in range(50):
        b.post()
    endpoint.wait(50)
    # More connections than descriptors: some wait or are turned away, and
    # deliveries go on.
    held = [b.connection(tcp=True) for _ in range(60)]
    for connection in held:
        connection.connect()
    for connection in held:
        connection.close()
    wait_until(lambda: b.http("GET", "/readyz").status == 200, "it recovers")
    b.post()
    endpoint.wait(51)


def test_files_that_may_not_grow(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False)
    # 2 MiB a file, in bash's blocks.
    assert starts(limited(b, f=2048))
    scheduler = b.pids("scheduler")
    statuses = []
    while statuses.count(503) < 3:
        statuses.append(b.http("POST", "/v1/events", {
            "event": "deploy_failed", "subject": "x" * 50000}).status)
        assert len(statuses) < 500, statuses
    assert set(statuses) == {202, 503}
    endpoint.wait(statuses.count(202))
    assert b.pids("scheduler") == scheduler, b.log()[-2000:]
    assert "the store takes nothing" in b.log()


@pytest.mark.parametrize("descriptors", [4, 6, 8, 10, 12, 16, 20, 24])
def test_too_few_descriptors(belfry, receiver, descriptors):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False, build=PLAIN)
    if starts(limited(b, n=descriptors)):
        b.post()
        endpoint.wait(1)


@pytest.mark.parametrize("mib", [20, 40, 60, 80, 100, 120, 150, 200])
def test_little_memory(belfry, receiver, mib):
    """The address space; the sanitizers want terabytes of it."""
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False, build=PLAIN)
    limited(b, v=mib * 1024)
    if not wait_until(lambda: b.process.poll() is not None or
                      b.log().find("is ready") != -1, "an end or a start", 60):
        return
    if b.process.poll() is None:
        b.wait_ready()
        b.post()
        endpoint.wait(1)
    else:
        # 127: the dynamic linker had no room for the libraries.
        assert words_of(b).strip() and b.process.returncode in (1, 127)


def as_nobody(b):
    """Starts it as nobody, in a folder that is nobody's."""
    shutil.chown(b.folder, "nobody")
    b.before = ["setpriv", "--reuid=nobody", "--regid=nogroup",
                "--clear-groups", *b.before]
    return b


@pytest.fixture
def open_belfry():
    """Makes belfries, not started, that nobody may look into: the folders above
    a test's own are for root alone."""
    if not ROOT:
        pytest.skip("only root can be somebody else")
    if subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup",
                       "--clear-groups", "test", "-x",
                       BUILD / "belfry"]).returncode:
        pytest.skip("the build stands where nobody may look, as in /root")
    made = []

    def make(conf="", **kw):
        made.append(Belfry(f"{top}/belfry{len(made)}", conf, **kw))
        return made[-1]

    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        try:
            yield make
        finally:
            for b in made:
                b.close()


def test_nobody_without_a_home(open_belfry, receiver):
    endpoint = receiver()
    b = open_belfry(channel(endpoint.url))
    b.environment.pop("HOME", None)
    as_nobody(b).start()
    b.post()
    endpoint.wait(1)
    assert os.stat(b.folder / "state").st_mode & 0o777 == 0o700
    assert b.reload()
    b.post()
    endpoint.wait(2)
    assert b.stop() == 0


def test_nobody_in_the_folders_of_others(open_belfry):
    for name, value in (("state_dir", "/var/lib/belfry-of-root"),
                        ("pid", "/run/belfry-of-root.pid"),
                        ("error_log", "/var/log/belfry-of-root.log")):
        b = open_belfry(main={name: value})
        as_nobody(b).start(wait=False)
        assert b.process.wait(30) == 1
        assert value in b.stderr_text() and "Permission denied" in \
            b.stderr_text(), name


def test_user_of_the_conf_file(open_belfry, receiver):
    endpoint = receiver()
    b = open_belfry(channel(endpoint.url), main={"user": "nobody nogroup"})
    b.start()
    b.post()
    endpoint.wait(1)
    for kind in ("scheduler", "intake", "worker"):
        for pid in b.pids(kind):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            assert "Uid:\t65534\t65534\t65534\t65534" in status, kind
            assert "NoNewPrivs:\t1" in status
    assert b.reload()
    b.post()
    endpoint.wait(2)
    b.ctl("show", b.delivery_of(b.post()))


def test_no_such_user(belfry):
    if not ROOT:
        pytest.skip("only root can be another user")
    b = belfry(start=False, main={"user": "belfry-nobody-has-this"})
    assert 'no user "belfry-nobody-has-this"' in b.test_conf().stderr
    b.start(wait=False)
    assert b.process.wait(30) == 1


def test_no_more_processes(open_belfry, receiver):
    """As nobody, who may have few: root may have any number."""
    in_use = int(subprocess.run(["ps", "--no-headers", "-L", "-u", "nobody"],
                                capture_output=True, text=True).stdout
                 .count("\n"))
    ready = 0
    for more in range(1, 9):
        endpoint = receiver()
        b = open_belfry(channel(endpoint.url), build=PLAIN)
        b.before = ["prlimit", f"--nproc={in_use + more}"]
        as_nobody(b).without_wrapper().start(wait=False)
        if starts(b):
            ready += 1
            b.post()
            endpoint.wait(1)
        else:
            assert "Resource temporarily unavailable" in words_of(b)
        b.close()
    assert ready


def test_state_folder_that_is_read_only(belfry, receiver, tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder],
                      capture_output=True).returncode:
        pytest.skip("no right to mount a file system")
    try:
        endpoint = receiver()
        b = belfry(channel(endpoint.url), main={"state_dir": folder})
        b.post()
        endpoint.wait(1)
        b.stop()
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        b.start(wait=False)
        assert b.process.wait(30) == 1
        assert "Read-only file system" in b.stderr_text()
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        b.start()
        b.post()
        endpoint.wait(2)
        b.stop()
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_tmp_is_full(belfry, receiver, tmp_path):
    """Nothing of belfry's is in the folder for temporary files."""
    endpoint = receiver()
    b = belfry(channel(endpoint.url), environment={
        "TMPDIR": "/nonexistent", "SQLITE_TMPDIR": "/nonexistent"})
    for number in range(20):
        b.post(subject=str(number))
    endpoint.wait(20)
    b.ctl("backup", tmp_path / "copy")
    b.ctl("check")
