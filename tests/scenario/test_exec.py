"""The exec module: a program for each delivery, started by the spawner."""
import json
import os
import pathlib
import pwd
import signal
import stat

import pytest

from harness import BUILD, SECRET, alive, wait_until

LOAD = f"load_module {BUILD}/.libs/exec.so;\n"


@pytest.fixture
def script(tmp_path):
    """Makes programs: script(text) is the path of one."""
    count = 0

    def make(text, mode=0o755):
        nonlocal count
        count += 1
        path = tmp_path / f"program{count}"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(mode)
        return path

    # pytest keeps its folders to itself; a program of another user's needs them.
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest-", "popen-", "test_")):
            folder.chmod(folder.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)
    return make


def channel(program, more="", name="run"):
    return f"{LOAD}channel exec {name} {{ program {program}; {more} }}\n"


def test_a_program_gets_the_event_and_what_it_is_about(belfry, script, tmp_path):
    program = script(f'cat >{tmp_path}/event; env >{tmp_path}/env; '
                     f'echo "$0 $*" >{tmp_path}/arguments')
    b = belfry(channel(f'{program} "one two" three',
                       "environment TICKET_TOKEN env:TOKEN_OF_TICKETS;"),
               environment={"TOKEN_OF_TICKETS": SECRET, "OTHER": "x"})
    event = b.post("deploy_failed", "It failed; `rm -rf`", metadata={"a": "ü"})
    b.wait_state(b.delivery_of(event), "delivered")
    got = json.loads((tmp_path / "event").read_bytes())
    assert got["subject"] == "It failed; `rm -rf`"
    assert got["metadata"] == {"a": "ü"}
    assert (tmp_path / "arguments").read_text() == f"{program} one two three\n"
    variables = dict(line.split("=", 1) for line in
                     (tmp_path / "env").read_text().splitlines())
    assert variables["BELFRY_EVENT"] == "deploy_failed"
    assert variables["BELFRY_SEVERITY"] == "error"
    assert variables["BELFRY_CHANNEL"] == "run"
    assert variables["BELFRY_ATTEMPT"] == "1"
    assert variables["BELFRY_DELIVERY_ID"] == b.delivery_of(event)
    assert variables["TICKET_TOKEN"] == SECRET
    assert "OTHER" not in variables


def test_what_a_program_leaves_behind_may_write_without_end(belfry, script):
    program = script("for i in 1 2 3 4 5 6 7 8; do cat /dev/zero & done; sleep 0.3")
    b = belfry(channel(program))
    wait_until(lambda: b.pids("worker"), "a worker runs")
    workers = b.pids("worker")
    b.wait_state(b.delivery_of(b.post()), "delivered")
    assert b.pids("worker") == workers


@pytest.mark.parametrize("code, state, attempts",
                         [(0, "delivered", 1), (75, "failed", 2),
                          (1, "failed", 1), (3, "failed", 1)])
def test_the_exit_status_is_the_verdict(belfry, script, code, state, attempts):
    program = script(f"echo because of this; exit {code}")
    b = belfry(channel(program, "retry 50ms;"))
    shown = b.wait_state(b.delivery_of(b.post()), state)
    assert len(shown["attempts"]) == attempts
    if code:
        assert "because of this" in shown["attempts"][0]["why"]
        assert str(code) in shown["attempts"][0]["why"]


def test_a_program_on_a_signal_is_tried_again(belfry, script, tmp_path):
    program = script(f"[ -e {tmp_path}/once ] || {{ : >{tmp_path}/once; kill -9 $$; }}")
    b = belfry(channel(program, "retry 50ms;"))
    shown = b.wait_state(b.delivery_of(b.post()), "delivered")
    assert "signal 9" in shown["attempts"][0]["why"]


def test_a_program_that_hangs_is_killed_with_what_it_started(belfry, script,
                                                             tmp_path):
    program = script(f"sleep 1000 & echo $! >{tmp_path}/child; sleep 1000")
    b = belfry(channel(program, "timeout 500ms; retry 50ms;"))
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    assert "timed out after 500 ms" in shown["attempts"][0]["why"]
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not alive(child), "the program's child is gone")


def test_much_output_and_unread_input_hold_nobody_up(belfry, script):
    program = script("head -c 3000000 /dev/zero | tr '\\0' x; exit 1")
    b = belfry(channel(program, "max_output 100;"))
    event = b.post(body="y" * 500_000)
    shown = b.wait_state(b.delivery_of(event), "failed")
    assert len(shown["attempts"][0]["excerpt"]) <= 100


def test_a_program_that_is_gone_is_a_failure_that_says_so(belfry, script):
    program = script("exit 0")
    b = belfry(channel(program))
    program.unlink()
    shown = b.wait_state(b.delivery_of(b.post()), "failed")
    assert "could not be run" in shown["attempts"][0]["why"]
    assert "No such file" in shown["attempts"][0]["why"]


def test_a_program_runs_as_its_own_user(belfry, script, tmp_path):
    if os.geteuid() != 0:
        pytest.fail("needs root")
    (tmp_path / "out").mkdir(mode=0o777)
    (tmp_path / "out").chmod(0o777)
    program = script(f"id -un >{tmp_path}/out/user; id -Gn >{tmp_path}/out/groups;"
                     f" ls /proc/$$/fd >{tmp_path}/out/fds; echo $HOME >{tmp_path}/out/home")
    b = belfry(channel(program, "user nobody;"))
    b.wait_state(b.delivery_of(b.post()), "delivered")
    assert (tmp_path / "out/user").read_text() == "nobody\n"
    assert (tmp_path / "out/groups").read_text().split() == ["nogroup"]
    assert (tmp_path / "out/home").read_text().strip() == \
        pwd.getpwnam("nobody").pw_dir
    # Nothing of belfry's is open in it; from 10 on they are the shell's own.
    assert not set((tmp_path / "out/fds").read_text().split()) & set("3456789")


@pytest.mark.parametrize("directives, message", [
    ("program relative/path;", "expected an absolute path"),
    ("program /nonexistent/program;", "/nonexistent/program: No such file"),
    ("program /etc/passwd;", "expected a file that can be executed"),
    ("user nobody;", 'no "program"'),
    ("program /bin/true; user no-such-user;", 'no user "no-such-user"'),
    ("program /bin/true; environment BELFRY_X y;", "does not begin with"),
    ("program /bin/true; environment 9X y;", "does not begin with a digit"),
])
def test_a_mistake_in_the_conf_file_is_named(belfry, directives, message):
    b = belfry(f"{LOAD}channel exec run {{ {directives} }}", start=False)
    done = b.test_conf()
    assert done.returncode == 1
    assert message in done.stderr and "belfry.conf:" in done.stderr


def test_a_program_that_anybody_may_write_is_refused(belfry, script):
    b = belfry(channel(script("exit 0", mode=0o777)), start=False)
    assert "may be written by anyone" in b.test_conf().stderr


def test_a_spawner_that_dies_is_replaced_and_nothing_is_lost(belfry, script,
                                                             tmp_path):
    program = script(f"echo x >>{tmp_path}/count")
    b = belfry(channel(program, "retry 100ms 100ms 100ms 100ms;"))
    spawner, = wait_until(lambda: b.pids("spawner"), "the spawner's title")
    os.kill(spawner, signal.SIGKILL)
    wait_until(lambda: b.pids("spawner") not in ([], [spawner]), "a new spawner")
    events = [b.post() for _ in range(5)]
    for event in events:
        b.wait_state(b.delivery_of(event), "delivered")


def test_a_reload_brings_another_program_and_lets_the_old_one_end(belfry, script,
                                                                  tmp_path):
    slow = script(f"sleep 1; echo old >>{tmp_path}/out")
    fast = script(f"echo new >>{tmp_path}/out")
    b = belfry(channel(slow))
    first = b.post()
    wait_until(lambda: b.stats()["deliveries"]["in_flight"] == 1, "it runs")
    b.configure(channel(fast))
    assert b.reload()
    second = b.post()
    b.wait_state(b.delivery_of(second), "delivered")
    b.wait_state(b.delivery_of(first), "delivered")
    assert sorted((tmp_path / "out").read_text().split()) == ["new", "old"]
    wait_until(lambda: len(b.pids("spawner")) == 1, "the old spawner is gone")


def test_without_programs_there_is_no_spawner(belfry):
    assert belfry().pids("spawner") == []


def test_a_test_shows_what_the_program_printed(belfry, script):
    b = belfry(channel(script("echo hello; exit 0")))
    done = b.ctl("test", "run")
    assert "hello" in done.stdout and "delivered" in done.stdout
