"""Killed processes: what was answered 202 arrives, and little comes twice."""
import collections
import contextlib
import fcntl
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
from harness import PLAIN, Answer, alive, channel, wait_until
from load import Load

CONCURRENCY = 16


def settle(b, endpoint, accepted, deaths):
    """All that was accepted arrived; no more came twice than was in flight."""
    subjects = lambda: {r.json["subject"] for r in endpoint.requests}
    wait_until(lambda: set(accepted) <= subjects(),
               "everything accepted arrives", 60, 0.2)
    b.wait_idle()
    counts = collections.Counter(
        r.headers["webhook-id"] for r in endpoint.requests)
    twice = sum(count - 1 for count in counts.values())
    assert twice <= deaths * CONCURRENCY, (twice, deaths)


@pytest.mark.parametrize("kind", ["intake", "scheduler", "worker"])
def test_children_are_killed_under_load(belfry, receiver, kind):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, more=f"concurrency {CONCURRENCY};"),
               workers=2)
    load = Load(b.port, tolerant=kind == "intake")
    kills, victim = 0, None
    try:
        for _ in range(20):
            # The last one may still be on its way out.
            victims = wait_until(
                lambda: [pid for pid in b.pids(kind) if pid != victim],
                f"a {kind}")
            time.sleep(random.uniform(0.2, 0.4))
            victim = random.choice(victims)
            os.kill(victim, signal.SIGKILL)
            kills += 1
    finally:
        accepted = load.stop()
    assert kills == 20 and len(accepted) > 100
    wait_until(lambda: b.pids(kind), f"a new {kind}")
    b.wait_ready()
    settle(b, endpoint, accepted, kills)
    assert "signal 9" in b.log()


def test_all_are_killed_at_once(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, more=f"concurrency {CONCURRENCY};"))
    load = Load(b.port, tolerant=True)
    try:
        for _ in range(20):
            time.sleep(random.uniform(0.1, 0.4))
            b.kill()
            b.start()
    finally:
        accepted = load.stop()
    assert len(accepted) > 50
    settle(b, endpoint, accepted, 20)


def test_children_end_with_the_master(belfry, receiver):
    b = belfry(channel(receiver().url))
    children = [pid for kind in ("scheduler", "intake", "worker")
                for pid in b.pids(kind)]
    assert len(children) == 3
    os.kill(b.master, signal.SIGKILL)
    b.process.wait(5)
    wait_until(lambda: not any(alive(pid) for pid in children),
               "the children end", 5)
    b.start()  # over the pid file and the socket that are left
    b.post()


@pytest.mark.parametrize("kind", ["intake", "scheduler", "worker"])
def test_stopped_child_is_replaced(belfry, receiver, kind):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    victim = wait_until(lambda: b.pids(kind), "there is one")[0]
    os.kill(victim, signal.SIGSTOP)
    wait_until(lambda: not alive(victim), "the stopped child is killed", 10)
    wait_until(lambda: b.pids(kind), "it is replaced", 10)
    b.wait_ready()
    b.post()
    endpoint.wait(1)


def taken(lock):
    """Whether the lock is ours now. Its holder's threads end one by one."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True


def late(b):
    """The answer to an event that is refused; None if it is not."""
    connection = b.connection()
    connection.timeout = 1
    with contextlib.suppress(TimeoutError), contextlib.closing(connection):
        connection.request("POST", "/v1/events", json.dumps({
            "event": "deploy_failed", "subject": "late"}),
            {"Content-Type": "application/json"})
        answer = Answer(connection.getresponse())
        assert answer.status == 503, answer
        return answer


def test_a_store_that_is_out_of_reach_for_a_while(belfry, receiver):
    """A new scheduler that can't open it is no end of the daemon."""
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    b.post(subject="before")
    wait_until(lambda: endpoint.requests, "the first arrives")
    b.wait_idle()
    os.kill(b.master, signal.SIGSTOP)
    scheduler = b.pids("scheduler")[0]
    os.kill(scheduler, signal.SIGKILL)
    with open(b.folder / "state" / "belfry.lock", "rb+") as lock:
        wait_until(lambda: taken(lock), "the scheduler ends")
        os.kill(b.master, signal.SIGCONT)
        wait_until(lambda: b.log().count("is held by") >= 3,
                   "three schedulers found it held", 30)
        # What is posted early waits for it, what comes late is refused.
        early = threading.Thread(target=b.post, kwargs={"subject": "early"})
        early.start()
        answer = wait_until(lambda: late(b), "a late one is refused", 30, 1)
        assert answer.json["detail"] == "the scheduler is not there now"
        assert int(answer.headers["Retry-After"]) >= 1
    b.wait_ready()
    early.join(30)
    b.post(subject="after")
    wait_until(lambda: {"before", "early", "after"} <=
               {r.json["subject"] for r in endpoint.requests}, "what was accepted arrives")


def test_many_deaths_of_each_kind(belfry, receiver):
    endpoint = receiver()
    # The sanitizers' own report of such a signal is none of ours.
    b = belfry(channel(endpoint.url), environment={
        "ASAN_OPTIONS": "handle_segv=0:handle_abort=0:handle_sigbus=0"})
    for number in (signal.SIGSEGV, signal.SIGABRT):
        for kind in ("worker", "intake", "scheduler"):
            wait_until(lambda: b.pids(kind), f"a {kind}")
            os.kill(b.pids(kind)[0], number)
            time.sleep(0.3)
    b.wait_ready()
    b.post()
    endpoint.wait(1)


def test_suspects_hold_nobody_up(belfry, receiver):
    """What a worker had in hand when it died is sent again alone, which may
    take long; the others' deliveries go on, and so does the channel's own."""
    hanging = threading.Event()
    slow = receiver(lambda request: hanging.wait(60) and 204)
    good = receiver()
    b = belfry(channel(slow.url, "slow", "timeout 60s; concurrency 4;") +
               channel(good.url, "good"))
    for number in range(4):
        b.post(subject=str(number))
    slow.wait(4)
    good.wait(4)
    os.kill(b.pids("worker")[0], signal.SIGKILL)
    wait_until(lambda: b.pids("spare"), "a spare worker")
    slow.wait(5)  # one of the four, alone
    for number in range(20):
        b.post(subject=f"good {number}")
    good.wait(24)
    assert len(slow.requests) == 5
    # It keeps its suspects over a reload, and over its own death.
    assert b.reload()
    os.kill(b.pids("spare")[0], signal.SIGKILL)
    slow.wait(6)
    hanging.set()
    wait_until(lambda: {r.json["subject"] for r in slow.requests} >=
               {"0", "1", "2", "3"}, "the suspects arrive")
    b.wait_idle()
    wait_until(lambda: not b.pids("spare"), "the spare worker leaves")
    assert len(b.pids("worker")) == 1


def test_intakes_are_linked_when_there_are_descriptors_again(belfry, receiver):
    """The scheduler is killed, and whoever is to link the intakes to the next
    one has no descriptor left for a moment."""
    endpoint = receiver()
    b = belfry(channel(endpoint.url), start=False, build=PLAIN)
    (b.folder / "full.c").write_text(f"""
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socketpair(int domain, int type, int protocol, int pair[2])
{{
	errno = EMFILE;
	if ((type & 0xf) == SOCK_STREAM && access("{b.folder}/full", F_OK) == 0)
		return -1;
	return (int)syscall(SYS_socketpair, domain, type, protocol, pair);
}}
""")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", b.folder / "full.so",
                    b.folder / "full.c"], check=True)
    b.environment["LD_PRELOAD"] = str(b.folder / "full.so")
    b.without_wrapper().start()
    wait_until(lambda: "is ready" in b.log(), "all have started")
    intakes = b.pids("intake")
    (b.folder / "full").touch()
    b.send_signal(signal.SIGKILL, b.pids("scheduler")[0])
    wait_until(lambda: re.search("link.*Too many open files", b.log()),
               "the failure")
    (b.folder / "full").unlink()
    b.wait_ready()
    b.post()
    endpoint.wait(1)
    assert b.pids("intake") == intakes


def test_a_deleted_channel_leaves_nothing_to_the_next_of_its_name(
        belfry, receiver):
    """The cancel of what waited is broken off by a crash."""
    before, after = receiver(lambda request: 500), receiver()
    b = belfry("")

    def put(url):
        answer = b.http("PUT", "/v1/channels/hook", {
            "module": "webhook", "settings": {"url": url}, "retry": ["10m"]})
        assert answer.status == 201, answer

    put(before.url)
    events = "\n".join(json.dumps({"event": "deploy_failed", "subject": "old"})
                       for _ in range(1000))
    for _ in range(10):
        assert b.http("POST", "/v1/events", events, {
            "Content-Type": "application/x-ndjson"}).status == 200
    assert b.http("DELETE", "/v1/channels/hook").status == 200
    put(after.url)
    b.kill()
    b.start()
    b.post(subject="new")
    b.wait_idle()
    assert {r.json["subject"] for r in after.requests} == {"new"}
    b.stop()
    with contextlib.closing(
            sqlite3.connect(b.folder / "state" / "belfry.db")) as store:
        assert store.execute("SELECT name FROM setting "
                             "WHERE name LIKE 'cancelling/%'").fetchall() == []
