"""What an event costs, counted and not timed: a guard against getting worse.

Each figure is the slope between a short and a long run, so that starting and
ending do not count. The bounds stand some 15 % above what was measured when
they were set; one who makes belfry cheaper lowers them.
"""
import contextlib
import json
import pathlib
import re
import sqlite3
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).absolute().parents[1] / "bench"))
import tenants  # noqa: E402
from harness import PLAIN, Belfry, Receiver, channel, have, wait_until

# The process's main function, and the most instructions it may take an event.
INSTRUCTIONS = (("bf_intake_main", 68000), ("bf_scheduler_main", 84000))
SYSTEM_CALLS = 68

# Instructions of the scheduler for each tenant with two channels, from the
# store to where it is ready.
TENANT = 60000

EVENT = {
    "event": "deploy_succeeded", "subject": "Deployment 4711 of shop succeeded",
    "body": "<h2>Deployment succeeded</h2><p>Release <b>2026.4.1</b> of "
            "<a href=\"https://shop.example.com/\">shop</a> is live in "
            "eu-west-1, started by José García.</p><ul><li>3 services "
            "restarted</li><li>no migration pending</li></ul>",
    "metadata": {"application_id": "app-xyz789", "application_name": "shop",
                 "commit": {"author": "José", "files": 12,
                            "sha": "9fceb02d0ae598e95dc970b74767f19372d61af8"},
                 "deployment_id": "dep_000000004711", "duration_s": 41.75,
                 "rollback": False, "tags": ["web", "express", "eu"]},
}


@pytest.fixture
def endpoint():
    receiver = Receiver()
    yield receiver
    receiver.close()


def run(folder, endpoint, before, feed):
    """Starts belfry behind a program that counts, feeds it, and ends both."""
    belfry = Belfry(folder, channel(endpoint.url, more="secret topsecret;"),
                    build=PLAIN, before=before).without_wrapper()
    with_room = len(endpoint.requests)
    try:
        belfry.start()
        count = feed(belfry)
        endpoint.wait(with_room + count, 120)
        belfry.wait_idle()
        belfry.stop(timeout=60)
    finally:
        belfry.close()


def batches(count):
    """Posts so many events, 50 at once."""
    body = (json.dumps(EVENT) + "\n") * 50

    def feed(belfry):
        connection = belfry.connection()
        for _ in range(count // 50):
            connection.request("POST", "/v1/events", body,
                               {"Content-Type": "application/x-ndjson"})
            answer = connection.getresponse()
            assert answer.status == 200 and answer.read().count(b"evt_") == 50
        connection.close()
        return count
    return feed


def singles(count, endpoint):
    """Posts so many events, each when the one before it has arrived."""
    def feed(belfry):
        connection = belfry.connection()
        for _ in range(count):
            arrived = len(endpoint.requests)
            connection.request("POST", "/v1/events", json.dumps(EVENT),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 202, answer.read()
            answer.read()
            wait_until(lambda: len(endpoint.requests) > arrived,
                       "it arrives", 60, 0.002)
        connection.close()
        return count
    return feed


def fill(folder, count):
    """Puts so many tenants into the store of a belfry that does not run."""
    store, = folder.glob("**/*.db")
    with contextlib.closing(sqlite3.connect(store)) as database, database:
        tenants.fill(database, count)


def instructions(folder, process):
    """Of all processes in which that function ran, by callgrind's files."""
    total = 0
    for file in folder.glob("callgrind.*"):
        text = file.read_text(errors="replace")
        if re.search(rf"^c?fn=\(\d+\) {process}$", text, re.M):
            total += sum(int(n) for n in
                         re.findall(r"^totals: (\d+)", text, re.M))
    assert total > 0, f"callgrind counted nothing in {process}"
    return total


@pytest.mark.skipif(not have("valgrind"), reason="valgrind is not there")
def test_instructions_of_an_event_in_a_batch(tmp_path, endpoint):
    """Those of libraries included; a worker may not write callgrind's file."""
    short, long = 500, 2500
    counted = {}
    for count in (short, long):
        folder = tmp_path / str(count)
        run(folder, endpoint,
            ["valgrind", "-q", "--vgdb=no", "--tool=callgrind",
             "--trace-children=yes", f"--callgrind-out-file={folder}/callgrind.%p"], batches(count))
        for process, _ in INSTRUCTIONS:
            counted[process, count] = instructions(folder, process)
    for process, bound in INSTRUCTIONS:
        each = ((counted[process, long] - counted[process, short]) /
                (long - short))
        print(f"{process}: {each:,.0f} instructions an event")
        assert bound / 3 < each < bound, process


@pytest.mark.skipif(not have("valgrind"), reason="valgrind is not there")
def test_instructions_of_a_tenant_at_the_start(tmp_path):
    """Those of the second thousand as well: none pays for the others."""
    counts = (500, 1000, 2000)
    counted = []
    for count in counts:
        folder = tmp_path / str(count)
        belfry = Belfry(folder, build=PLAIN)
        try:
            belfry.start()
            belfry.stop()
            fill(folder, count)
        finally:
            belfry.close()
        belfry = Belfry(folder, build=PLAIN, before=[
            "valgrind", "-q", "--vgdb=no", "--tool=callgrind",
            "--trace-children=yes",
            f"--callgrind-out-file={folder}/callgrind.%p"]).without_wrapper()
        try:
            belfry.start()
            belfry.stop(timeout=60)
        finally:
            belfry.close()
        counted.append(instructions(folder, "bf_scheduler_main"))
    first, second = ((counted[i + 1] - counted[i]) /
                     (counts[i + 1] - counts[i]) for i in (0, 1))
    print(f"{first:,.0f} and {second:,.0f} instructions a tenant")
    assert TENANT / 3 < second < TENANT
    assert second < first * 1.3


@pytest.mark.skipif(not have("strace"), reason="strace is not there")
def test_system_calls_of_an_event(tmp_path, endpoint):
    """Of all processes, one event at a time: so none shares its calls."""
    short, long = 50, 250
    counted = {}
    for count in (short, long):
        folder = tmp_path / str(count)
        table = tmp_path / f"{count}.strace"
        run(folder, endpoint, ["strace", "-f", "-c", "-o", table],
            singles(count, endpoint))
        counted[count] = int(re.search(
            r"^100\.00 +\S+ +(?:\d+ +)?(\d+) .*total$", table.read_text(),
            re.M).group(1))
    each = (counted[long] - counted[short]) / (long - short)
    print(f"{each:.1f} system calls an event")
    assert SYSTEM_CALLS / 3 < each < SYSTEM_CALLS
