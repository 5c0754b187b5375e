"""A full disk: no 202 without storage, and no harm once there is room."""
import contextlib
import os
import subprocess

import pytest
from harness import channel, wait_until

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB, for the store alone."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs",
                           folder], capture_output=True)
    if done.returncode:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def filled(folder):
    """Takes all the room that is left."""
    path = folder / "ballast"
    with open(path, "wb", buffering=0) as ballast:
        with contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)
    try:
        yield
    finally:
        os.unlink(path)


def test_full_disk(belfry, receiver, small_disk):
    endpoint = receiver()
    b = belfry(start=False)
    b.configure(channel(endpoint.url))
    text = b.conf_file.read_text().replace(
        f"state_dir {b.folder}/state;", f"state_dir {small_disk};")
    b.conf_file.write_text(text)
    b.start()
    accepted, refused = [], []

    def post(number):
        answer = b.http("POST", "/v1/events", {
            "event": "deploy_failed", "subject": str(number),
            "body": "x" * 2000})
        if answer.status == 202:
            accepted.append(str(number))
        else:
            assert answer.status in (503, 507), answer
            assert answer.headers["Content-Type"] == "application/problem+json"
            refused.append(str(number))
        return answer

    post(0)
    with filled(small_disk):
        wait_until(lambda: post(len(accepted) + len(refused)).status != 202,
                   "an event is refused", 30)
        answer = post("again")
        assert answer.status in (503, 507)
        assert "full" in answer.json["detail"] or "disk" in answer.json["detail"]
        assert int(answer.headers["Retry-After"]) >= 1
        assert b.http("GET", "/readyz").status == 503
        assert b.http("GET", "/healthz").status == 200
        for number in range(20):
            post(f"still {number}")
    wait_until(lambda: post("after").status == 202, "it recovers", 30)
    wait_until(lambda: b.http("GET", "/readyz").status == 200, "it is ready")
    wait_until(lambda: set(accepted) <=
               {r.json["subject"] for r in endpoint.requests},
               "everything accepted arrives", 30)
    b.wait_idle()
    arrived = {r.json["subject"] for r in endpoint.requests}
    assert not (set(refused) - set(accepted)) & arrived
    assert b.metric("belfry_store_failures_total") >= 1
    # And after a start on what is there.
    b.kill()
    b.start()
    b.post(subject="last")
    wait_until(lambda: "last" in
               {r.json["subject"] for r in endpoint.requests}, "the last")
    assert "corrupt" not in b.log()


def test_low_space_is_an_event(belfry, receiver):
    endpoint = receiver()
    space = os.statvfs("/tmp")
    b = belfry(channel(endpoint.url) +
               f"low_space {space.f_bavail * space.f_frsize // MIB + 100000}m;")
    b.post()
    wait_until(lambda: "store_low_space" in
               {r.json["event"] for r in endpoint.requests}, "the event", 90)
