"""belfry -s tells the running daemon what to do, whatever its conf file has
become, and without the secrets that it was started with."""
import subprocess

from harness import BUILD, channel, wait_until


def signal(b, name, *options):
    return subprocess.run(
        [BUILD / "belfry", "-c", b.conf_file, "-s", name, *options],
        capture_output=True, text=True, cwd=b.folder, timeout=60)


def test_signals_reach_the_daemon(belfry, receiver):
    conf = channel(receiver().url, more="secret env:HOOK_SECRET;")
    b = belfry(conf, environment={"HOOK_SECRET": "s"})
    assert signal(b, "reload").returncode == 0
    wait_until(lambda: "reconfigured" in b.log(), "the reload")
    b.configure(conf + "bogus;")
    assert signal(b, "quit").returncode == 0
    assert b.ended() == 0
    gone = signal(b, "quit")
    assert gone.returncode == 1 and "no running belfry" in gone.stderr


def test_pid_file_is_found_as_the_daemon_finds_it(belfry):
    b = belfry(start=False)
    b.conf_file.write_text("daemon off;")
    named = signal(b, "stop", "-g", f"pid {b.folder}/other.pid;")
    assert f"{b.folder}/other.pid names none" in named.stderr
    b.conf_file.write_text("pid a b;")
    assert "expected one path" in signal(b, "stop").stderr
    unknown = signal(b, "restart")
    assert unknown.returncode == 1
    assert "expected stop, quit, reopen or reload" in unknown.stderr
