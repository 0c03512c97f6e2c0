"""The edge over HTTP: batches, pixels, clicks, other origins; never a database query."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY

from adplatform.eventlog import clicks, hashing, ids, ingest, pixels, stream, tokens, views
from adplatform.eventlog.envelope import Event, decode

SESSION = uuid.UUID(int=5)


def session_token() -> str:
    return tokens.sign(tokens.SessionToken(session=SESSION, viewer=None, title=9, expires=int(time.time()) + 60))


def tracking_token(**changes: Any) -> str:
    values: dict[str, Any] = {
        "decision": ids.new_id(), "slot": 1, "ad": 2, "flight": 3, "price_micros": 4000, "expires": int(time.time()) + 60, "session": SESSION
    }  # fmt: skip
    return tokens.sign(tokens.TrackingToken(**(values | changes)))


def playback(**changes: Any) -> dict[str, Any]:
    return {"v": 1, "id": str(ids.new_id()), "type": "playback.pause", "occurred_at": datetime.now(UTC).isoformat()} | changes


def post(client: Client, events: list[Any], *, content_type: str = "application/json", **extra: Any) -> HttpResponse:
    body = json.dumps({"session_token": session_token(), "events": events})
    return client.post("/api/v1/events", body, content_type=content_type, **extra)  # type: ignore[return-value]


def logged() -> list[Event]:
    stream.ensure_group()
    return [decode(entry.payload or b"") for entry in stream.read("test", count=1000, block_ms=None)]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain;charset=UTF-8"])
def test_a_batch_is_accepted_and_its_bad_items_are_named(client: Client, content_type: str) -> None:
    response = post(client, [playback(), {"v": 1}, playback(type="ad.decision"), playback()], content_type=content_type)
    assert response.status_code == 202
    assert json.loads(response.content) == {
        "accepted": 2,
        "refused": [{"index": 1, "reason": "unreadable"}, {"index": 2, "reason": "server_only_type"}],
    }
    events = logged()
    assert [event.session for event in events] == [SESSION, SESSION]
    assert all(len(event.ip_hash) == hashing.HEX_DIGITS and event.request_id for event in events)


@pytest.mark.django_db
def test_no_request_of_the_edge_touches_the_database_even_with_a_session_cookie(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicks, "_resolvers", [lambda ad: "https://example.com/"])
    client.force_login(get_user_model().objects.create_user("viewer"))
    with CaptureQueriesContext(connections["default"]) as queries:
        assert post(client, [playback(), {}]).status_code == 202
        assert client.get(f"/t/impression/{tracking_token()}").status_code == 200
        assert client.get(f"/t/click/{tracking_token()}").status_code == 302
    assert queries.captured_queries == []


def test_without_a_session_token_ad_events_still_count(client: Client) -> None:
    body = {"session_token": "forged", "events": [playback(), playback(type="ad.impression", token=tracking_token())]}
    response = client.post("/api/v1/events", json.dumps(body), content_type="application/json")
    assert response.json() == {"accepted": 1, "refused": [{"index": 0, "reason": "unsigned"}]}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"[" * 100_000, b'{"events": 1}', b'{"events": [NaN]}', b"\xff\xfe", b'{"events": [' + b"[" * 5000]
)
def test_an_unreadable_body_is_answered_400(client: Client, body: bytes) -> None:
    response = client.post("/api/v1/events", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error"] == "unreadable_body"


def test_a_body_or_a_batch_that_is_too_large_is_answered_413(client: Client) -> None:
    assert client.post("/api/v1/events", b" " * (views.BODY_BYTES + 1), content_type="text/plain").status_code == 413
    response = post(client, [1] * (ingest.MOST_EVENTS + 1))
    assert (response.status_code, json.loads(response.content)["error"]) == (413, "too_many_events")
    assert client.post("/api/v1/events", b" " * 3_000_000, content_type="text/plain").status_code == 413
    assert logged() == []


@override_settings(EVENTLOG_REDIS_URL="unix:///nowhere/redis.sock?db=0")
def test_when_the_log_is_away_the_sender_keeps_its_events(client: Client) -> None:
    response = post(client, [playback()])
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert client.get(f"/t/impression/{tracking_token()}").status_code == 503
    # A click is answered from memory, here an empty one, rather than with an error page.
    assert client.get(f"/t/click/{tracking_token()}").status_code == 404


def test_refusals_are_counted_by_reason(client: Client) -> None:
    before = REGISTRY.get_sample_value("intermission_events_refused_total", {"reason": "unknown_type"}) or 0
    post(client, [playback(type="x"), playback(type="y"), playback()])
    assert REGISTRY.get_sample_value("intermission_events_refused_total", {"reason": "unknown_type"}) == before + 2


@pytest.mark.parametrize("name", pixels.PIXEL_EVENTS)
def test_every_tracking_event_is_a_pixel_with_the_id_its_token_gives(client: Client, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicks, "_resolvers", [lambda ad: "https://example.com/"])
    token = tracking_token()
    for _ in range(2):
        client.get(f"/t/{name}/{token}")
    assert [event.type for event in logged()] == [pixels.PIXEL_EVENTS[name]] * 2
    append_once = {event.id for event in logged()}
    assert len(append_once) <= 1


def test_a_pixel_is_a_gif_that_is_never_cached(client: Client) -> None:
    response = client.get(f"/t/start/{tracking_token()}")
    assert (response["Content-Type"], response["Cache-Control"]) == ("image/gif", "no-store")
    assert response.content[:6] == b"GIF89a"


def test_a_forged_pixel_is_refused_and_an_unknown_event_not_found(client: Client) -> None:
    assert client.get("/t/impression/forged").status_code == 400
    assert client.get(f"/t/launch/{tracking_token()}").status_code == 404
    assert logged() == []


def test_a_click_goes_to_the_ads_own_page_and_nowhere_else(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicks, "_resolvers", [{2: "https://volt.example/", 4: "javascript:alert(1)"}.get])
    response = client.get(f"/t/click/{tracking_token()}?url=https://evil.example/")
    assert (response.status_code, response["Location"]) == (302, "https://volt.example/")
    assert client.get(f"/t/click/{tracking_token(ad=4)}").status_code == 404
    assert client.get(f"/t/click/{tracking_token(ad=5)}").status_code == 404
    assert client.get("/t/click/forged").status_code == 400


def test_an_expired_click_still_redirects_and_is_marked(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicks, "_resolvers", [lambda ad: "https://volt.example/"])
    assert client.get(f"/t/click/{tracking_token(expires=1)}").status_code == 302
    assert [event.invalid for event in logged()] == ["expired_token"]


def test_other_origins_may_send_and_a_null_origin_without_credentials(client: Client) -> None:
    response = post(client, [playback()], headers={"origin": "https://player.example"})
    assert response["Access-Control-Allow-Origin"] == "https://player.example"
    assert response["Access-Control-Allow-Credentials"] == "true"
    pixel = client.get(f"/t/start/{tracking_token()}", headers={"origin": "null"})
    assert pixel["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in pixel
    preflight = client.options("/api/v1/events", headers={"origin": "https://player.example", "access-control-request-method": "POST"})
    assert (preflight.status_code, preflight["Access-Control-Allow-Headers"]) == (204, "Content-Type")


def test_other_methods_are_not_allowed(client: Client) -> None:
    assert client.get("/api/v1/events").status_code == 405
    assert client.head(f"/t/click/{tracking_token()}").status_code == 405


def test_an_address_is_hashed_with_a_salt_of_the_day() -> None:
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    assert hashing.daily_hash("10.0.0.1", now=now) == hashing.daily_hash("10.0.0.1", now=now + timedelta(hours=3))
    assert hashing.daily_hash("10.0.0.1", now=now) != hashing.daily_hash("10.0.0.1", now=now + timedelta(days=1))
    assert hashing.daily_hash("", now=now) == ""


def test_a_robots_beacon_is_answered_like_any_other_and_stored_as_invalid(client: Client) -> None:
    robot = {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    assert client.get(f"/t/impression/{tracking_token()}", headers=robot).status_code == 200
    assert [event.invalid for event in logged()] == ["crawler"]


def test_a_robot_that_fetches_a_beacon_first_does_not_stand_in_the_way_of_the_viewers_own(client: Client) -> None:
    token = tracking_token()
    robot = {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    viewer = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    for agent in (robot, robot, viewer, viewer):
        client.get(f"/t/impression/{token}", headers=agent)
    first, again, own, repeated = logged()
    assert (first.invalid, own.invalid) == ("crawler", "")
    assert (first.id, own.id) == (again.id, repeated.id)
    assert first.id != own.id
