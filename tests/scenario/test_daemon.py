"""The daemon as an operator meets it: background, pid file, start, signals."""
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import time

import pytest
from harness import BUILD, alive, channel, wait_until


def start_in_background(b):
    """Starts a daemon as an init script would: its exit status and its words."""
    with open(b.stderr_file, "ab") as words:
        done = subprocess.run(
            [b.build / "belfry", "-c", b.conf_file], stdout=words, stderr=words,
            stdin=subprocess.DEVNULL, cwd=b.folder, env=b.environment,
            timeout=60)
    return done.returncode, b.stderr_text()


def test_background(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False, main={"daemon": "on"})
    status, words = start_in_background(b)
    assert (status, words) == (0, "")
    # Whoever started it may go on at once.
    master = b.master
    b.post()
    endpoint.wait(1)
    assert os.getsid(master) == master
    for number in (0, 1, 2):
        assert os.readlink(f"/proc/{master}/fd/{number}") == "/dev/null"
    os.kill(master, signal.SIGQUIT)
    wait_until(lambda: not alive(master), "it ends")
    assert not (b.folder / "belfry.pid").exists()


def test_background_says_why_it_does_not_start(belfry, receiver):
    first = belfry(channel(receiver().url))
    b = belfry(channel(receiver().url), start=False, main={
        "daemon": "on", "state_dir": f"{first.folder}/state"})
    status, words = start_in_background(b)
    assert status == 1
    assert "belfry.lock" in words and "is held by" in words
    assert not (b.folder / "belfry.pid").exists()


def test_second_master_leaves_the_first_alone(belfry, receiver):
    endpoint = receiver()
    first = belfry(channel(endpoint.url))
    main = {"state_dir": f"{first.folder}/state",
            "pid": f"{first.folder}/belfry.pid"}
    second = belfry(channel(endpoint.url), start=False, main=main)
    second.start(wait=False)
    assert second.process.wait(30) == 1
    assert "is held by" in second.log()
    assert first.master == first.process.pid
    first.post()
    endpoint.wait(1)
    # The lock is nobody's as soon as its holder is killed.
    first.kill()
    second.start()
    assert first.master == second.process.pid
    os.kill(second.process.pid, signal.SIGTERM)
    assert second.ended() == 0
    assert not (first.folder / "belfry.pid").exists()


def test_folders_that_were_not_there(belfry):
    """They are noted; and are not left over by a start that comes to nothing."""
    main = {"state_dir": "new/state", "pid": "run/belfry.pid",
            "error_log": "log/belfry/error.log"}
    b = belfry(start=False, main=main)
    b.log_file = b.folder / "log/belfry/error.log"
    os.umask(0o022)
    b.start()
    owner = pwd.getpwuid(os.getuid()).pw_name
    for name, mode in (("new", "0755"), ("new/state", "0700"),
                       ("run", "0755"), ("log", "0755"),
                       ("log/belfry", "0755")):
        assert (f"[notice] {b.process.pid}#master: the folder {b.folder}/{name} "
                f"was not there: made, mode {mode}, owner {owner}\n"
                in b.log()), b.log()
    other = belfry(start=False, main={**main, "pid": str(b.folder) +
                                      "/run/belfry.pid"})
    other.conf_file.write_text(other.conf_file.read_text().replace(
        f":{other.port};", f":{b.port};"))
    before = sorted(other.folder.iterdir())
    other.start(wait=False)
    assert other.process.wait(30) == 1
    assert (f"belfry seems to run already, as process {b.process.pid} "
            f"({b.folder}/run/belfry.pid): listen on 127.0.0.1:{b.port}: bind: "
            "Address already in use\n") in other.stderr_text()
    assert set(other.folder.iterdir()) - set(before) <= {other.stderr_file}
    os.kill(b.process.pid, signal.SIGTERM)
    b.ended()


def test_same_addresses(belfry, receiver):
    first = belfry(channel(receiver().url))
    same = belfry(channel(receiver().url), start=False)
    same.conf_file.write_text(same.conf_file.read_text().replace(
        f"listen 127.0.0.1:{same.port};", f"listen 127.0.0.1:{first.port};"))
    same.start(wait=False)
    assert same.process.wait(30) == 1
    assert f"listen on 127.0.0.1:{first.port}: bind: Address already in use" \
        in same.stderr_text()
    same.configure("")
    same.conf_file.write_text(same.conf_file.read_text().replace(
        f"unix:{same.socket}", f"unix:{first.socket}"))
    same.start(wait=False)
    assert same.process.wait(30) == 1
    assert "another process listens there" in same.stderr_text()
    assert first.http("GET", "/readyz").status == 200


def test_file_in_the_place_of_a_socket_is_kept(belfry):
    b = belfry(start=False)
    precious = pathlib.Path(b.socket)
    precious.write_text("precious")
    b.start(wait=False)
    assert b.process.wait(30) == 1
    assert "a file that is no socket is there" in b.stderr_text()
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM,
                                    signal.SIGQUIT, signal.SIGUSR1,
                                    signal.SIGHUP])
def test_signal_to_the_group_means_the_master(belfry, receiver, number):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), before=["setsid"])
    b.post()
    endpoint.wait(1)
    children = b.pids("scheduler") + b.pids("intake") + b.pids("worker")
    os.killpg(b.master, number)
    if number in (signal.SIGUSR1, signal.SIGHUP):
        wait_until(lambda: "reopening" in b.log() or "reconfigured" in b.log(),
                   "it is obeyed")
        b.post()
        endpoint.wait(2)
    else:
        assert b.ended() == 0
        wait_until(lambda: not any(alive(pid) for pid in children), "the end")
    # Each ended because the master said so.
    assert "ended on signal" not in b.log().replace(
        "ended on signal 9", "" if number in (signal.SIGINT, signal.SIGTERM)
        else "ended on signal 9")


def test_closed_standard_descriptors(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False)
    b.before = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    b.start()
    for pid in [b.master, *b.pids("scheduler"), *b.pids("worker")]:
        for number in (0, 1, 2):
            assert os.readlink(f"/proc/{pid}/fd/{number}") == "/dev/null"
    b.post()
    endpoint.wait(1)


def test_children_that_die_are_replaced_whoever_started_it(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False).without_wrapper()
    b.before = ["bash", "-c", "trap '' CHLD; exec \"$@\"", "bash"]
    b.start()
    worker, = b.pids("worker")
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: b.pids("worker") not in ([], [worker]), "a new worker")
    b.post()
    endpoint.wait(1)


def test_descriptors_do_not_gather_over_upgrades(belfry, receiver):
    b = belfry(channel(receiver().url), api="keepalive_timeout 1s;")
    counts = []
    for _ in range(3):
        counts.append(len(os.listdir(f"/proc/{b.master}/fd")))
        old = b.master
        b.send_signal(signal.SIGUSR2)
        wait_until(lambda: not alive(old), "the old master ends", 30)
        b.wait_ready_again()
    counts.append(len(os.listdir(f"/proc/{b.master}/fd")))
    assert counts[-1] <= counts[1], counts


def test_stop_during_an_upgrade_means_both(belfry, receiver):
    b = belfry(channel(receiver().url))
    slow = b.folder / "slow.so"
    source = b.folder / "slow.c"
    source.write_text("#include <unistd.h>\n__attribute__((constructor)) "
                      "static void wait(void) { sleep(60); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", slow, source], check=True)
    b.configure(f"load_module {slow};" + channel(receiver().url))
    master = b.master
    b.send_signal(signal.SIGUSR2)
    wait_until(lambda: "upgrade: started" in b.log(), "the new master")
    os.kill(master, signal.SIGTERM)
    assert b.ended() == 0
    assert not (b.folder / "belfry.pid").exists()
    assert not (b.folder / "belfry.pid.oldbin").exists()
    assert not pathlib.Path(b.socket).exists()


def test_quit_right_after_an_upgrade_began(belfry, receiver):
    """nginx's scripts tell the old master to quit; the new one is to live."""
    endpoint = receiver()
    b = belfry(channel(endpoint.url), api="keepalive_timeout 1s;")
    old = b.master
    b.send_signal(signal.SIGUSR2, old)
    wait_until(lambda: "upgrade: started" in b.log(), "the new master")
    b.send_signal(signal.SIGQUIT, old)
    wait_until(lambda: not alive(old), "the old master ends", 30)
    b.wait_ready_again()
    assert b.master != old
    b.post()
    endpoint.wait(1)


def test_start_after_a_crash_of_everything(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    b.post()
    endpoint.wait(1)
    b.kill()
    assert (b.folder / "belfry.pid").exists()
    assert pathlib.Path(b.socket).exists()
    b.start()
    b.post()
    endpoint.wait(2)


def test_user_cannot_change_by_a_reload(belfry, receiver):
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    b = belfry(channel(receiver().url), main={"user": ""})
    b.main["user"] = "nobody"
    b.configure(channel(receiver().url))
    assert not b.reload()
    assert "user can't change from root to nobody by a reload" in b.log()
    b.post()


def test_store_moves_only_with_a_restart(belfry, receiver):
    b = belfry(channel(receiver().url))
    b.main["state_dir"] = f"{b.folder}/elsewhere"
    b.configure(channel(receiver().url))
    assert not b.reload()
    assert "state_dir can't change" in b.log()


def test_pid_file_that_cannot_be_written(belfry):
    b = belfry(start=False, main={"pid": "/proc/belfry.pid"})
    b.start(wait=False)
    assert b.process.wait(30) == 1
    assert "write the pid file /proc/belfry.pid" in b.stderr_text()


def test_stopped_master_delays_nothing_and_goes_on(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    os.kill(b.master, signal.SIGSTOP)
    b.post()
    endpoint.wait(1)
    worker = b.pids("worker")[0]
    os.kill(worker, signal.SIGKILL)
    time.sleep(0.2)
    os.kill(b.master, signal.SIGCONT)
    b.post()
    endpoint.wait(2)


def test_titles(belfry, receiver):
    b = belfry(channel(receiver().url))
    for kind, pids in (("master", [b.master]), ("scheduler", b.pids("scheduler")),
                       ("intake", b.pids("intake")),
                       ("worker", b.pids("worker"))):
        assert pids
        title = pathlib.Path(f"/proc/{pids[0]}/cmdline").read_bytes()
        assert title.rstrip(b"\0") == f"belfry: {kind}".encode()


def test_secrets_do_not_stay_in_the_environment(belfry, receiver):
    b = belfry(channel(receiver().url, more="secret env:HOOK_SECRET;"),
               environment={"HOOK_SECRET": "tell-nobody-0123"})
    for pid in [b.master, *b.pids("scheduler"), *b.pids("intake"),
                *b.pids("worker")]:
        assert b"tell-nobody-0123" not in \
            pathlib.Path(f"/proc/{pid}/environ").read_bytes()


@pytest.fixture
def systemd(tmp_path):
    """The socket on which systemd would listen."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(20)
        yield listener, str(path)


class TestNotify:
    @staticmethod
    def heard(listener, wanted, not_before=()):
        """Receives until a message has the line."""
        while True:
            lines = listener.recv(4096).decode().split("\n")
            for line in not_before:
                assert line not in lines
            if any(line.startswith(wanted) for line in lines):
                return lines

    def test_life(self, belfry, receiver, systemd):
        listener, path = systemd
        b = belfry(channel(receiver().url), environment={
            "NOTIFY_SOCKET": path})
        self.heard(listener, "READY=1")
        b.send_signal(signal.SIGHUP)
        lines = self.heard(listener, "RELOADING=1", ["READY=1"])
        assert any(line.startswith("MONOTONIC_USEC=") for line in lines)
        self.heard(listener, "READY=1")
        old = b.master
        b.send_signal(signal.SIGUSR2)
        lines = self.heard(listener, "MAINPID=")
        assert lines[0] != f"MAINPID={old}"
        self.heard(listener, "READY=1")
        b.wait_ready_again()
        wait_until(lambda: not alive(old), "the old master ends", 30)
        b.send_signal(signal.SIGTERM)
        self.heard(listener, "STOPPING=1")

    def test_not_ready_without_a_store(self, belfry, systemd):
        listener, path = systemd
        b = belfry(start=False, main={"state_dir": "/proc/nowhere"},
                   environment={"NOTIFY_SOCKET": path})
        b.start(wait=False)
        assert b.process.wait(30) == 1
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                assert b"READY=1" not in listener.recv(4096)

    def test_watchdog(self, belfry, receiver, systemd):
        listener, path = systemd
        b = belfry(channel(receiver().url), environment={
            "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})
        self.heard(listener, "READY=1")
        for _ in range(3):
            self.heard(listener, "WATCHDOG=1")
        # Nobody says that all is well while the scheduler does nothing.
        os.kill(b.pids("scheduler")[0], signal.SIGSTOP)
        listener.settimeout(0.9)
        with pytest.raises(TimeoutError):
            while True:
                listener.recv(4096)
        listener.settimeout(20)
        self.heard(listener, "WATCHDOG=1")

    def test_abstract_name(self, belfry, receiver):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.settimeout(20)
            listener.bind(f"\0belfry-test-{os.getpid()}")
            belfry(channel(receiver().url), environment={
                "NOTIFY_SOCKET": f"@belfry-test-{os.getpid()}"})
            self.heard(listener, "READY=1")


def test_mistakes_of_the_command_line():
    for options in (["-x"], ["-s", "restart"], ["-c"], ["word"]):
        done = subprocess.run([BUILD / "belfry", *options],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and "belfry" in done.stderr, options
    for option in ("-v", "-V", "-h", "-?"):
        done = subprocess.run([BUILD / "belfry", option],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 0 and "belfry" in done.stdout
