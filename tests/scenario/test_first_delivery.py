"""A posted event becomes a signed webhook, and its history can be read."""
import signal

from harness import SECRET, channel, wait_until


def test_event_arrives_signed(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url, more=f"secret {SECRET};"))
    event = b.post("deploy_succeeded", "Deployment succeeded",
                   body="<p>Deployment for MyApp succeeded.</p>",
                   metadata={"deployment_id": "dep-abc123",
                             "application_id": "app-xyz789"},
                   tenant_id=b.http("GET", "/v1/channels").json
                   ["channels"][0]["tenant_id"],
                   timestamp="2026-04-10T15:30:45.123456+00:00")
    request = endpoint.wait(1)[0]
    assert request.method == "POST"
    assert request.signed_by(SECRET)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("belfry/")
    assert request.json["timestamp"] == "2026-04-10T15:30:45.123456+00:00"
    assert set(request.json) == {"body", "event", "metadata", "subject",
                                 "tenant_id", "timestamp"}
    shown = b.wait_state(b.delivery_of(event), "delivered")
    assert len(shown["attempts"]) == 1
    assert shown["attempts"][0]["status"] == 204
    assert request.headers["webhook-id"] == shown["id"]


def test_stops_gracefully_and_starts_again(belfry, receiver):
    endpoint = receiver()
    b = belfry(channel(endpoint.url))
    b.post()
    endpoint.wait(1)
    assert b.stop() == 0
    b.start()
    b.post()
    endpoint.wait(2)
    assert b.stop(signal.SIGTERM) == 0
    assert not (b.folder / "belfry.pid").exists()


def test_command_line_shows_the_history(belfry, receiver):
    endpoint = receiver(lambda request: 500)
    b = belfry(channel(endpoint.url, more="retry 50ms;"))
    sent = b.ctl("send", "deploy_failed", "Broken", "application_name=MyApp")
    identifier = next(word for word in sent.stdout.split()
                      if word.startswith("dlv_"))
    b.wait_state(identifier, "failed")
    shown = b.ctl("show", identifier).stdout
    assert "failed" in shown and shown.count("500") >= 2
    assert identifier in b.ctl("deliveries", "--state", "failed").stdout
    endpoint.answer = lambda request: 200
    assert "1 replayed" in b.ctl("replay", identifier).stdout
    wait_until(lambda: len(endpoint.requests) == 3, "the replay")
    ids = {request.headers["webhook-id"] for request in endpoint.requests}
    assert ids == {identifier}
