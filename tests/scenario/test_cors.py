"""Pages of other sites: what browsers are told that they may do (CORS)."""
import pytest

import harness
from harness import TOKEN, channel
from test_sessions import Browser, one_hash, users  # noqa: F401 (fixture)

APP, LOCAL = "https://app.example.com", "http://localhost:3000"
CORS = f"cors_origin {APP} {LOCAL};"
SENT = "Authorization, Content-Type, If-Match, Idempotency-Key"
SHOWN = "ETag, Retry-After, RateLimit, RateLimit-Policy"


def ask(b, method, path, origin=APP, body=None, **headers):
    sent = {"Authorization": f"Bearer {TOKEN}", "Origin": origin}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = b.connection(tcp=True)
    try:
        connection.request(method, path, body,
                           {n: v for n, v in sent.items() if v is not None})
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def preflight(b, path, method="POST", origin=APP, **more):
    """What a browser asks: without a token, and without a cookie."""
    return ask(b, "OPTIONS", path, origin, Authorization=None,
               Access_Control_Request_Method=method,
               Access_Control_Request_Headers="authorization,content-type",
               **more)


def cors_of(answer):
    return {name: value for name, value in answer.headers.items()
            if name.startswith("Access-Control-")}


@pytest.fixture(scope="module")
def off(module_closing, tmp_path_factory):
    return module_closing(harness.Belfry(
        tmp_path_factory.mktemp("off"), channel("http://127.0.0.1:1/"))).start()


@pytest.fixture(scope="module")
def b(module_closing, tmp_path_factory, one_hash):  # noqa: F811
    return module_closing(harness.Belfry(
        tmp_path_factory.mktemp("on"),
        channel("http://127.0.0.1:1/") + users(one_hash)
        + "token slow { value slow-token-0123456789; rate 1/h; }",
        api=CORS)).start()


def test_it_is_off_by_default(off):
    for answer in (ask(off, "GET", "/v1/channels"),
                   preflight(off, "/v1/channels"),
                   ask(off, "GET", "/healthz")):
        assert not cors_of(answer)
        assert "Vary" not in answer.headers
    assert preflight(off, "/v1/channels").status == 405


@pytest.mark.parametrize("path,methods", [
    ("/v1/events", "POST, GET, HEAD"),
    ("/v1/channels/x", "GET, HEAD, PUT, PATCH, DELETE"),
    ("/v1/event-types/deploy_failed/toggle", "PUT, DELETE"),
    ("/metrics", "GET, HEAD"),
    ("/v1/deliveries/stream", "GET, HEAD"),
])
def test_a_preflight_is_told_the_methods_of_the_path(b, path, methods):
    answer = preflight(b, path)
    assert answer.status == 204
    assert cors_of(answer) == {
        "Access-Control-Allow-Origin": APP,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": SENT,
        "Access-Control-Expose-Headers": SHOWN,
        "Access-Control-Max-Age": "600"}
    assert answer.headers["Vary"] == "Origin"
    assert "Content-Length" not in answer.headers


def test_a_preflight_costs_no_connection(b):
    connection = b.connection(tcp=True)
    for _ in range(3):
        connection.request("OPTIONS", "/v1/events", headers={
            "Origin": LOCAL, "Access-Control-Request-Method": "POST"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == LOCAL
        assert answer.headers["Connection"] is None
    connection.close()


@pytest.mark.parametrize("origin", [
    "https://evil.example.com", "null", "*", "https://app.example.com.evil.com",
    "http://app.example.com", "https://app.example.com:8443",
    "https://APP.example.com", "https://app.example.com/", "app.example.com",
    "", None])
def test_sites_that_are_not_named_get_nothing(b, origin):
    refused = preflight(b, "/v1/channels", origin=origin)
    assert refused.status == 405
    assert not cors_of(refused)
    plain = ask(b, "GET", "/v1/channels", origin)
    assert plain.status == 200
    assert not cors_of(plain)
    # A cache must not hand it to a page that may have it.
    assert refused.headers["Vary"] == plain.headers["Vary"] == "Origin"


def test_an_answer_may_be_read_by_a_page_that_is_named(b):
    for answer in (ask(b, "GET", "/v1/channels"),
                   ask(b, "GET", "/v1/channels/nosuch"),
                   ask(b, "GET", "/v1/nosuch"),
                   ask(b, "GET", "/v1/channels", Authorization="Bearer wrong"),
                   ask(b, "GET", "/v1/channels", Authorization=None),
                   ask(b, "GET", "/healthz", Authorization=None),
                   ask(b, "GET", "/v1/openapi.json", Authorization=None)):
        assert cors_of(answer) == {"Access-Control-Allow-Origin": APP,
                                   "Access-Control-Expose-Headers": SHOWN}
        assert answer.headers["Vary"] == "Origin"


def test_a_page_learns_of_its_rate(b):
    with_rate = {"Authorization": "Bearer slow-token-0123456789",
                 "Content_Type": "application/json"}
    event = '{"event":"deploy_failed","subject":"s"}'
    assert ask(b, "POST", "/v1/events", APP, event, **with_rate).status == 202
    answer = ask(b, "POST", "/v1/events", APP, event, **with_rate)
    assert answer.status == 429 and answer.headers["Retry-After"]
    assert answer.headers["Access-Control-Allow-Origin"] == APP


def test_a_stream_may_be_read_too(b):
    connection = b.connection(tcp=True)
    connection.request("GET", "/v1/deliveries/stream", headers={
        "Authorization": f"Bearer {TOKEN}", "Origin": APP})
    answer = connection.getresponse()
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.headers["Vary"] == "Origin"
    assert answer.readline() == b": deliveries as they change\n"
    connection.close()


def test_an_OPTIONS_that_is_no_preflight_is_no_method(b):
    answer = ask(b, "OPTIONS", "/v1/channels", Authorization=None)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert preflight(b, "/v1/nosuch").status == 404


@pytest.mark.parametrize("path", ["/v1/session", "/v1/sessions", "/dashboard/",
                                  "/dashboard/app.js", "/"])
def test_sessions_and_the_dashboard_are_not_for_other_sites(b, path):
    assert preflight(b, path).status == 405
    for answer in (preflight(b, path), ask(b, "GET", path)):
        assert not cors_of(answer)


def test_a_cookie_never_gets_such_headers(b):
    browser = Browser(b)
    browser.sign_in()
    cookie = "; ".join(f"{n}={v}" for n, v in browser.cookie.items())
    signed_in = ask(b, "GET", "/v1/channels", Authorization=None, Cookie=cookie)
    assert signed_in.status == 200
    assert not cors_of(signed_in)
    wrong = ask(b, "GET", "/v1/channels", Authorization=None, Cookie="a=b")
    assert not cors_of(wrong)
    # The cookie is not looked at beside a token.
    assert cors_of(ask(b, "GET", "/v1/channels", Cookie=cookie))
    # Nor by a connection that was somebody else's before.
    connection = b.connection(tcp=True)
    for headers, allowed in (({"Authorization": f"Bearer {TOKEN}"}, True),
                             ({"Cookie": cookie}, False),
                             ({"Authorization": f"Bearer {TOKEN}"}, True)):
        connection.request("GET", "/v1/channels",
                           headers={**headers, "Origin": APP})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        assert bool(cors_of(answer)) == allowed
    connection.close()


def test_a_peer_of_the_socket_gets_none_without_a_token(b):
    answer = b.http("GET", "/v1/channels", headers={"Origin": APP})
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origin,expected", [
    ("*", "not an origin; expected http:// or https:// and a host"),
    ("null", "not an origin; expected"),
    ("app.example.com", "not an origin; expected"),
    ("ftp://app.example.com", "not an origin; expected"),
    ("https://app.example.com/", "expected nothing after host and port"),
    ("https://app.example.com/x", "expected nothing after host and port"),
    ("https://app.example.com?x", "expected nothing after host and port"),
    ('"https://app.example.com#x"', "cors_origin: "),
    ("https://App.example.com", "expected lower case"),
    ("https://app.example.com:443", "expected none, as browsers send it"),
    ("http://localhost:80", "expected none, as browsers send it"),
    ("https://user@app.example.com", "cors_origin: "),
    ("https://app.example.com:0", "cors_origin: "),
    ("https://", "cors_origin: "),
    ("", "expected ORIGIN ..."),
])
def test_what_is_no_origin_is_an_error_of_the_conf_file(belfry, origin,
                                                        expected):
    b = belfry("", api=f"cors_origin {origin};", start=False)
    done = b.test_conf()
    assert done.returncode != 0
    assert "cors_origin" in done.stderr
    assert expected in done.stderr
    assert ".conf:" in done.stderr
