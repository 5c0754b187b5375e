"""Modules that misbehave: an error when the conf file is loaded, or one worker
less for a moment, and never more than that."""
import os
import signal
import subprocess

import pytest
from harness import BUILD, PLAIN, SOURCE, channel, memory_kib, wait_until


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    path = tmp_path_factory.mktemp("modules") / "hostile.so"
    subprocess.run(
        ["cc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared",
         "-fPIC", f"-I{BUILD}/include", "-o", path,
         SOURCE / "tests" / "modules" / "hostile.c", f"-L{BUILD}/.libs",
         "-lbelfry"], check=True)
    return path


# The sanitizers' own report of what the module does is none of ours.
QUIET = {"ASAN_OPTIONS":
         "handle_segv=0:handle_abort=0:detect_leaks=0:allow_user_segv_handler=1"}


@pytest.fixture
def pair(belfry, receiver, hostile):
    """A belfry with a hostile channel and a good one: post(subject) makes an
    event for both."""
    bad, good = receiver(), receiver()

    def make(isolate="on", more="", workers=1):
        b = belfry(f"load_module {hostile} isolate={isolate};"
                   f"channel hostile bad {{ url {bad.url}; {more} }}"
                   + channel(good.url, "good"), workers=workers,
                   environment=QUIET)
        return b, bad, good

    return make


def subjects(endpoint):
    """Of what was posted: belfry has its own to say about the bad channel."""
    return [request.json["subject"] for request in endpoint.requests
            if request.json["event"] == "deploy_failed"]


@pytest.mark.parametrize("misdeed",
                         ["crash", "abort", "exit", "_exit", "smash"])
@pytest.mark.parametrize("isolate", ["on", "off"])
def test_delivery_that_ends_workers_is_set_aside(pair, misdeed, isolate):
    b, bad, good = pair(isolate)
    workers = wait_until(
        lambda: len(found := b.pids("worker")) == (2 if isolate == "on" else 1)
        and found, "the workers")
    event = b.post(subject=misdeed)
    for number in range(20):
        b.post(subject=f"fine {number}")
    shown = b.wait_state(b.delivery_of(event, "bad"), "failed")
    why = shown["attempts"][-1]["why"]
    assert "module hostile" in why and "3 times" in why
    if misdeed == "crash":
        assert "signal 11 (Segmentation fault)" in why
    # Nothing else was lost, and nothing of it came through.
    wait_until(lambda: len(set(subjects(good))) == 21, "the good channel's")
    wait_until(lambda: len(set(subjects(bad))) == 20, "the bad channel's")
    assert misdeed not in subjects(bad)
    if isolate == "on":
        # The others' worker has not so much as noticed.
        assert len(subjects(good)) == 21
        assert set(workers) & set(b.pids("worker"))
    b.wait_idle()


@pytest.mark.parametrize("misdeed", ["loop", "block"])
def test_worker_that_stands_still_is_found(pair, misdeed):
    b, bad, good = pair(more="timeout 1s;")
    event = b.post(subject=misdeed)
    b.post(subject="fine")
    wait_until(lambda: "does not end its attempts" in b.log(), "it is found", 30)
    # The others are served all the while.
    wait_until(lambda: len(subjects(good)) == 2, "the good channel's")
    shown = b.wait_state(b.delivery_of(event, "bad"), "failed", 60)
    assert "3 times" in shown["attempts"][-1]["why"]
    wait_until(lambda: subjects(bad) == ["fine"], "what waited behind it")


def test_endless_loop_outlives_no_scheduler(pair):
    """A worker that does not see that its scheduler is gone is replaced too."""
    b, bad, good = pair(more="timeout 60s;", isolate="off")
    event = b.post(subject="loop")
    wait_until(lambda: b.delivery(b.delivery_of(event, "bad"))["state"]
               == "sending", "it is under way")
    b.ctl("channels", "disable", "bad")
    os.kill(b.pids("scheduler")[0], signal.SIGKILL)
    wait_until(lambda: b.pids("scheduler"), "a scheduler")
    b.wait_ready()
    b.post(subject="fine")
    wait_until(lambda: "fine" in subjects(good), "the good channel's")


def test_chatter_goes_nowhere(pair):
    b, bad, good = pair(isolate="off")
    for _ in range(3):
        b.post(subject="chat")
    bad.wait(3)
    good.wait(3)
    assert len(b.pids("worker")) == 1 and "ended on signal" not in b.log()


def test_closed_descriptors_cost_one_worker(pair):
    b, bad, good = pair()
    b.post(subject="close")
    b.post(subject="fine")
    wait_until(lambda: "fine" in subjects(bad) and len(subjects(good)) == 2,
               "what is not hostile", 60)


def test_leak_is_the_workers_own(pair):
    b, bad, good = pair()
    for _ in range(40):
        b.post(subject="leak")
    bad.wait(40)
    sizes = sorted(memory_kib(pid) for pid in b.pids("worker"))
    assert len(sizes) == 2 and sizes[1] > sizes[0] + 30 * 1024, sizes


REFUSED = ["execve", "fork", "kill", "ptrace", "mount", "setuid", "unshare",
           "keyctl", "bpf", "overwrite", "cut", "ftruncate", "both", "make",
           "fchmod", "prlimit", "ioctl", "unlink", "listen", "packet"]


def test_what_reaches_beyond_the_worker_is_refused(belfry, receiver, hostile):
    """In the build without sanitizers, whose leak checker must fork."""
    bad, good = receiver(), receiver()
    b = belfry(f"load_module {hostile} isolate=on;"
               f"channel hostile bad {{ url {bad.url}; ordered on; }}"
               + channel(good.url, "good"), build=PLAIN)
    deeds = [*REFUSED, "shadow", "thread"]
    for deed in deeds:
        b.post(subject=deed)
    outcomes = {request.json["subject"]: request.headers["Outcome"]
                for request in bad.wait(len(deeds))}
    for deed in REFUSED:
        assert outcomes[deed] == "Operation not permitted", outcomes
    # The user of the tests may be root, as belfry's never is.
    assert outcomes["shadow"] in ("Permission denied", "done")
    assert outcomes["thread"] == "done"
    good.wait(len(deeds))
    for pid in b.pids("worker"):
        status = open(f"/proc/{pid}/status").read()
        assert "Seccomp:\t2\n" in status and "NoNewPrivs:\t1\n" in status
    b.wait_idle()
    assert "ended on signal" not in b.log()


def test_leak_ends_its_worker_before_the_machine(belfry, receiver, hostile):
    bad, good = receiver(), receiver()
    b = belfry(f"load_module {hostile} isolate=on;"
               f"channel hostile bad {{ url {bad.url}; }}"
               + channel(good.url, "good"), build=PLAIN,
               main={"worker_rlimit_data": "96m"})
    wait_until(lambda: len(b.pids("worker")) == 2, "both workers run")
    before = set(b.pids("worker"))
    for number in range(150):
        b.post(subject="leak")
    wait_until(lambda: b.stats()["deliveries"]["waiting"] == 0
               and b.stats()["deliveries"]["in_flight"] == 0
               and len(good.requests) >= 150, "all is delivered", 60)
    assert all(memory_kib(pid) < 130 * 1024 for pid in b.pids("worker"))
    now = set(b.pids("worker"))
    assert len(before - now) == 1 and before & now, "the leaking one alone"
    failed = [d for d in b.http("GET", "/v1/deliveries?state=failed").json["deliveries"]]
    assert not failed, failed


@pytest.mark.parametrize("misdeed", ["crash", "abort", "exit", "_exit"])
def test_misdeed_of_check_is_an_error_of_the_conf_file(
        belfry, receiver, hostile, misdeed):
    endpoint = receiver()
    b = belfry(channel(endpoint.url), environment=QUIET)
    good = channel(endpoint.url)
    b.configure(f"load_module {hostile};\nchannel hostile bad {{ url "
                f"{endpoint.url}; check {misdeed}; }}" + good)
    done = b.test_conf()
    assert done.returncode == 1
    assert "let module hostile check channel bad: e" in done.stderr, done
    assert not b.reload()
    b.post()
    endpoint.wait(1)


def test_crash_when_it_is_opened(belfry, receiver, tmp_path):
    source = tmp_path / "early.c"
    source.write_text(
        "#include <signal.h>\n__attribute__((constructor)) static void "
        "early(void) { raise(SIGSEGV); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "early.so",
                    source], check=True)
    endpoint = receiver()
    b = belfry(channel(endpoint.url), environment=QUIET)
    b.configure(f"load_module {tmp_path}/early.so;" + channel(endpoint.url))
    done = b.test_conf()
    assert done.returncode == 1
    assert f"load module {tmp_path}/early.so: ended on signal 11 " \
        "(Segmentation fault)" in done.stderr
    assert not b.reload()
    b.post()
    endpoint.wait(1)
