"""The files of the dashboard: served as they are, and nothing else is."""
import re

import pytest

import raw
from harness import SOURCE

SECURITY = ("default-src 'none'; script-src 'self'; style-src 'self'; "
            "img-src 'self'; connect-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'")

# Ways to write a path that leads out of a folder.
TRAVERSALS = [
    "/dashboard/../../../../../../etc/passwd",
    "/dashboard/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/dashboard/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/dashboard/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/dashboard/%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    "/dashboard/..\\..\\..\\..\\etc\\passwd",
    "/dashboard/..%5c..%5c..%5c..%5cetc%5cpasswd",
    "/dashboard/....//....//....//etc/passwd",
    "/dashboard/..;/..;/..;/etc/passwd",
    "/dashboard//etc/passwd",
    "/dashboard/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "/dashboard/pages/../../../../../../etc/passwd",
    "/dashboard/index.html%00/../../../etc/passwd",
    "/dashboard/file:///etc/passwd",
    "/dashboard/./../local.mk",
    "/dashboard/local.mk",
    "/../../../../etc/passwd",
    "//etc/passwd",
]


@pytest.fixture
def served(belfry):
    return belfry()


def test_every_page_and_script_is_served_as_it_is(served):
    for path in (SOURCE / "dashboard").rglob("*"):
        if path.suffix not in (".html", ".js", ".css", ".svg"):
            continue
        name = path.relative_to(SOURCE / "dashboard")
        answer = served.http("GET", f"/dashboard/{name}")
        assert answer.status == 200, name
        assert answer.body == path.read_bytes(), name
        assert answer.headers["Content-Security-Policy"] == SECURITY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-cache"


def test_the_top_leads_to_the_dashboard(served):
    for path in ("/", "/dashboard"):
        answer = served.http("GET", path)
        assert answer.status == 308
        assert answer.headers["Location"] == "/dashboard/"
    assert (served.http("GET", "/dashboard/").body ==
            (SOURCE / "dashboard/index.html").read_bytes())


def test_a_file_that_has_not_changed_is_not_sent_again(served):
    first = served.http("GET", "/dashboard/app.js")
    etag = first.headers["ETag"]
    assert re.fullmatch('"[0-9a-f]{32}"', etag)
    again = served.http("GET", "/dashboard/app.js",
                        headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == etag
    other = served.http("GET", "/dashboard/app.js",
                        headers={"If-None-Match": '"other"'})
    assert other.status == 200
    head = served.http("HEAD", "/dashboard/app.js")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(first.body)


def test_files_are_only_read(served):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = served.http(method, "/dashboard/app.js")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out(served, path):
    answer, = raw.exchange(
        served.port, raw.get(path.encode(), b"Connection: close\r\n"))
    assert answer.status in (400, 404), answer
    assert b"root:" not in answer.body


def test_without_a_dashboard_there_is_none(belfry):
    b = belfry(api="dashboard off;")
    for path in ("/", "/dashboard/", "/dashboard/app.js"):
        assert b.http("GET", path).status == 404


def test_files_that_are_not_there_cost_the_dashboard_alone(belfry, tmp_path):
    b = belfry(start=False)
    conf = b.conf_file.read_text().replace(str(SOURCE / "dashboard"),
                                           str(tmp_path / "none"))
    b.conf_file.write_text(conf)
    b.start()
    assert b.http("GET", "/dashboard/").status == 404
    assert b.http("GET", "/readyz").status == 200
    assert re.search("there is no dashboard: .*/none: No such file", b.log())


def test_links_and_hidden_files_are_not_served(belfry, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "index.html").write_text("<!doctype html><title>own</title>")
    (root / "passwd.js").symlink_to("/etc/passwd")
    (root / ".git.js").write_text("hidden")
    (root / "notes.txt").write_text("no page")
    b = belfry(start=False)
    conf = b.conf_file.read_text().replace(str(SOURCE / "dashboard"),
                                           str(root))
    b.conf_file.write_text(conf)
    b.start()
    assert b"own" in b.http("GET", "/dashboard/").body
    for name in ("passwd.js", ".git.js", "notes.txt"):
        assert b.http("GET", f"/dashboard/{name}").status == 404
