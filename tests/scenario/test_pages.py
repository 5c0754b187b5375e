"""Lists of what is large come in pages that nobody has to fear."""
import urllib.parse

import pytest


MANAGE = {"Authorization": "Bearer acme-manage-0123456789"}
LARGE = 500_000
MOST = 3_000_000


@pytest.fixture
def b(belfry, receiver):
    return belfry(f"""
tenant acme {{ channel webhook hook {{ url {receiver().url}; }} }}
token acme {{ value acme-manage-0123456789; tenant acme; scope manage; }}
""")


def pages(b, path, cursor, name):
    """All rows of a list, and how many pages they came in."""
    rows, count, after = [], 0, None
    while count == 0 or after:
        query = f"?limit=1000&{cursor}={urllib.parse.quote(after)}" \
            if after else "?limit=1000"
        answer = b.http("GET", path + query, headers=MANAGE)
        assert answer.status == 200, answer
        assert len(answer.body) < MOST
        rows += answer.json[name]
        after = answer.json["next"]
        count += 1
    return rows, count


def test_history_with_large_subjects_comes_in_pages(b):
    for i in range(9):
        answer = b.http("POST", "/v1/events",
                        {"event": "deploy_failed", "subject": f"{i}" * LARGE},
                        MANAGE)
        assert answer.status == 202, answer
    for path, name in (("/v1/events", "events"),
                       ("/v1/deliveries", "deliveries")):
        rows, count = pages(b, path, "before", name)
        assert count > 1
        assert [row["subject"][0] for row in rows] == list("876543210")


def test_large_channels_come_in_pages(b):
    """One frame would not hold them all, and the scheduler has other things to
    do."""
    intakes = b.pids("intake")
    header = [["X-Large", "v" * LARGE]]
    names = [f"channel-{i}" for i in range(9)]
    for name in names:
        answer = b.http("POST", "/v1/channels", {
            "name": name, "module": "webhook",
            "settings": {"url": "http://127.0.0.1:9/", "header": header}},
            MANAGE)
        assert answer.status == 201, answer
    rows, count = pages(b, "/v1/channels", "after", "channels")
    assert count > 1
    assert [row["name"] for row in rows] == [*names, "hook"]
    assert rows[0]["settings"]["header"][0][0] == "X-Large"
    assert b.pids("intake") == intakes
