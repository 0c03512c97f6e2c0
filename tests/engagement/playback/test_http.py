from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from adplatform.eventlog import ids, tokens
from engagement.models import PlaybackSession, Viewer
from tests.media import Films

pytestmark = pytest.mark.django_db


def open_playback(client: Client, **body: Any) -> dict[str, Any]:
    response = client.post("/api/v1/playback", json.dumps({"title": "test-pattern", "tab": "one", **body}), content_type="application/json")
    assert response.status_code == 201, response.content
    answer: dict[str, Any] = response.json()
    return answer


def durations(playlist: str) -> list[float]:
    return [float(line.removeprefix("#EXTINF:").rstrip(",")) for line in playlist.splitlines() if line.startswith("#EXTINF:")]


def test_opening_a_title_publishes_two_clips_and_says_where_everything_is(client: Client, films: Films) -> None:
    answer = open_playback(client, device="tv", hour=21)
    items = answer["timeline"]["items"]
    assert [item["kind"] for item in items[:2]] == ["scene", "scene"]
    assert answer["resume_at"] == 0
    assert [scene["position"] for scene in answer["scenes"]] == [1, 2, 3, 4, 5, 6]
    session = PlaybackSession.objects.get(pk=answer["session"])
    assert (session.device, session.hour) == ("tv", 21)
    master = client.get(answer["playlist"])
    assert master.status_code == 200
    assert master["Cache-Control"] == "no-store"
    media_uri = next(line for line in master.content.decode().splitlines() if line and not line.startswith("#"))
    media = client.get(answer["playlist"].rsplit("/", 1)[0] + "/" + media_uri)
    assert media["Content-Type"] == "application/vnd.apple.mpegurl"
    assert sum(durations(media.content.decode())) == pytest.approx(answer["timeline"]["published_until"], abs=1e-4)
    timeline = client.get(answer["timeline_url"]).json()
    assert timeline["items"] == items
    assert timeline["duration"] >= timeline["published_until"]
    assert timeline["captions"][0]["url"].startswith("/media/")


def test_two_tabs_are_two_sessions_and_a_reload_is_none(client: Client, films: Films) -> None:
    ada = User.objects.create_user("ada")
    client.force_login(ada)
    stored = client.session
    stored["viewer"] = str(Viewer.objects.create(name="Ada", account=ada).pk)
    stored.save()
    first = open_playback(client, tab="one")
    second = open_playback(client, tab="two")
    again = open_playback(client, tab="one")
    assert first["session"] != second["session"]
    assert again["session"] == first["session"]
    assert again["reopened"]
    assert open_playback(client, tab="one", restart=True)["session"] != first["session"]


def test_a_new_session_keeps_which_suggestion_it_came_from(client: Client, films: Films) -> None:
    suggested = ids.new_id(timezone.now())
    answer = open_playback(client, came_from=str(suggested))
    assert PlaybackSession.objects.get(pk=answer["session"]).came_from == suggested


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"{", 400, "unreadable"),
        (b'{"title": 7}', 400, "unreadable"),
        (b'{"title": "test-pattern", "hour": 24}', 400, "unreadable"),
        (b'{"title": "test-pattern", "device": "fridge"}', 400, "unreadable"),
        (b'{"title": "test-pattern", "came_from": "a film I liked"}', 400, "unreadable"),
        (b'{"title": "test-pattern", "tab": "a\\u0000"}', 400, "unreadable"),
        (b'{"title": "a\\u0000"}', 400, "unreadable"),
        (b'{"title": "nowhere"}', 404, "unknown_title"),
    ],
)
def test_a_bad_request_is_answered_with_the_reason(client: Client, films: Films, body: bytes, status: int, reason: str) -> None:
    response = client.post("/api/v1/playback", body, content_type="application/json")
    assert (response.status_code, response.json()["error"]) == (status, reason)
    assert response.json()["detail"]


def test_a_form_of_another_site_opens_nothing(client: Client, films: Films) -> None:
    response = client.post("/api/v1/playback", b'{"title": "test-pattern"}', content_type="text/plain")
    assert response.json()["error"] == "not_json"


def test_forged_expired_foreign_and_unknown_tokens_are_told_apart(client: Client, films: Films) -> None:
    answer = open_playback(client)
    other = open_playback(client, tab="two")
    now = timezone.now()
    token = tokens.read(answer["session_token"], tokens.SessionToken, now=None)
    late = tokens.sign(tokens.SessionToken(token.session, None, token.title, int((now - timedelta(seconds=1)).timestamp())))
    nobody = ids.new_id(now)
    unknown = tokens.sign(tokens.SessionToken(nobody, None, token.title, token.expires))
    asked = [
        (f"/hls/{answer['session_token'][:-4]}AAAA/media.m3u8", 403, "unsigned"),
        (f"/hls/{late}/master.m3u8", 403, "expired_token"),
        (f"/hls/{unknown}/media.m3u8", 404, "unknown_session"),
        (f"/api/v1/playback/{answer['session']}/timeline", 403, "unsigned"),
        (f"/api/v1/playback/{answer['session']}/timeline?token={other['session_token']}", 403, "wrong_session"),
        (f"/api/v1/playback/{answer['session']}/why/{nobody}?token={answer['session_token']}", 404, "unknown_decision"),
    ]
    for url, status, reason in asked:
        response = client.get(url)
        assert (response.status_code, response.json()["error"]) == (status, reason), url
