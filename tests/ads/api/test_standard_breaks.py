"""A title for standard players: its stream, VMAP and asset lists, over HTTP, and one decision in all of them."""

from __future__ import annotations

import json
import math
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import m3u8
import pytest
from django.db import connection
from django.test import Client

from adplatform.eventlog import consumer, stream, tokens
from ads.models import Ad, AdEvent, AdPolicy, Decision, Flight, LedgerEntry
from catalog.models import MediaAsset, Scene, Title
from tests.ads.inventory import make_ad
from tests.media import Films

pytestmark = pytest.mark.django_db(transaction=True)
VMAP = "{http://www.iab.net/videosuite/vmap}"
VAST = "{http://www.iab.com/VAST}"
SIGNALING = "X-AD-CREATIVE-SIGNALING"


@pytest.fixture(autouse=True)
def ads(films: Films) -> list[Ad]:
    """Three ads with real clips of 6, 6 and 8 seconds, the first worth most."""
    now = datetime.now(UTC)
    made = [
        make_ad(starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1), bid_micros=bid) for bid in (30_000_000, 20_000_000, 10_000_000)
    ]
    for ad, asset in zip(made, sorted(films.ads.values(), key=lambda one: one.key), strict=True):
        Ad.objects.filter(pk=ad.pk).update(asset=asset)
    return made


def get(path: str, **query: Any) -> Any:
    return Client().get(path.removeprefix("http://testserver"), query, headers={"origin": "https://player.example"})


def parsed(document: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(document)  # noqa: S314 (our own)


def attributes(playlist: str) -> list[dict[str, str]]:
    """Of every EXT-X-DATERANGE."""
    lines = [line.partition(":")[2] for line in playlist.splitlines() if line.startswith("#EXT-X-DATERANGE:")]
    return [{name: value.strip('"') for name, value in re.findall(r'([A-Z-]+)=("[^"]*"|[^,]*)', line)} for line in lines]


def breaks_in(document: bytes) -> list[ElementTree.Element]:
    return parsed(document).findall(f"{VMAP}AdBreak")


def ad_tag(one: ElementTree.Element) -> str:
    return (one.findtext(f"{VMAP}AdSource/{VMAP}AdTagURI") or "").strip()


def serving_ids(vast: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in vast.iter(f"{VAST}AdServingId")]


def _asset(scene: Scene) -> MediaAsset:
    assert scene.asset is not None
    return scene.asset


def test_a_title_plays_as_a_vod_stream_of_its_own_for_any_origin(films: Films) -> None:
    master = get(f"/api/v1/streams/{films.bars.slug}/master.m3u8")
    assert (master.status_code, master["Content-Type"]) == (200, "application/vnd.apple.mpegurl")
    assert master["Access-Control-Allow-Origin"] == "https://player.example"
    listed = m3u8.loads(master.content.decode(), uri="http://testserver/api/v1/streams/colour-bars/master.m3u8")
    stream_info = listed.playlists[0].stream_info
    sizes = [
        (facts["size"] * 8, one["duration"])
        for scene in films.bars.scenes.all()
        for one in _asset(scene).segments
        if (facts := _asset(scene).files[one["uri"]])
    ]
    assert stream_info.bandwidth == math.ceil(max(bits / seconds for bits, seconds in sizes))
    assert stream_info.average_bandwidth == pytest.approx(sum(bits for bits, _ in sizes) / sum(seconds for _, seconds in sizes), abs=1)
    media = m3u8.loads(get(listed.playlists[0].absolute_uri).content.decode())
    assert (media.playlist_type, media.is_endlist, media.target_duration) == ("vod", True, 3)
    assert sum(one.duration for one in media.segments) == pytest.approx(18, abs=0.2)
    assert not any(one.dateranges for one in media.segments)
    assert get(f"/api/v1/streams/{films.bars.pk}/media.m3u8").content == get("/api/v1/streams/colour-bars/media.m3u8").content
    assert get(media.segments[0].uri)["Access-Control-Allow-Origin"] == "*"


def test_its_breaks_are_interstitials_where_they_are_asked_for(films: Films) -> None:
    AdPolicy.objects.create(title=films.bars, pre_roll=True, post_roll=True, break_seconds=14, break_ads=2)
    master = get("/api/v1/streams/colour-bars/master.m3u8", breaks="interstitials", device="tv").content.decode()
    assert "media.m3u8?breaks=interstitials&device=tv" in master
    playlist = get("/api/v1/streams/colour-bars/media.m3u8", breaks="interstitials", device="tv").content.decode()
    media, told = m3u8.loads(playlist), attributes(playlist)
    assert [one.id for one in media.segments[0].dateranges] == ["b0", "b2", "b4"]
    assert [one["CUE"] for one in told] == ["PRE,ONCE", "ONCE", "POST,ONCE"]
    assert {(one["CLASS"], one["X-RESUME-OFFSET"], one["X-RESTRICT"]) for one in told} == {("com.apple.hls.interstitial", "0", "SKIP,JUMP")}
    scenes = [one.program_date_time for one in media.segments if one.program_date_time]
    assert datetime.fromisoformat(told[1]["START-DATE"]) in scenes, "a mid-roll begins where a scene does"
    query = parse_qs(urlsplit(told[1]["X-ASSET-LIST"]).query)
    assert (query["break"], query["_HLS_interstitial_id"], query["position"], query["duration"]) == (["b2"], ["b2"], ["mid"], ["14"])
    assert "session" not in query, "the player names the playback"


def test_a_vmap_tells_each_break_and_where_it_is_asked_for(films: Films) -> None:
    AdPolicy.objects.create(title=films.bars, pre_roll=True, post_roll=True)
    answer = get("/api/v1/vmap/colour-bars", consent="1", country="AT")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/xml; charset=utf-8")
    assert answer["Access-Control-Allow-Origin"] == "https://player.example"
    told = breaks_in(answer.content)
    assert [one.get("timeOffset") for one in told] == ["start", "00:00:10.000", "end"]
    assert [one.get("breakId") for one in told] == ["b0", "b2", "b4"]
    queries = [parse_qs(urlsplit(ad_tag(one)).query) for one in told]
    assert len({query["session"][0] for query in queries}) == 1
    assert {(query["consent"][0], query["country"][0], query["title"][0]) for query in queries} == {("1", "AT", str(films.bars.pk))}
    assert [query["position"][0] for query in queries] == ["pre", "mid", "post"]
    vasts = [parsed(get(ad_tag(one)).content) for one in told]
    assert len(serving_ids(vasts[0])) == 2
    again = breaks_in(get("/api/v1/vmap/colour-bars").content)
    assert parse_qs(urlsplit(ad_tag(again[0])).query)["session"] != queries[0]["session"], "another playback is another session"


def test_a_title_without_breaks_has_an_empty_vmap_and_an_unknown_one_has_none(films: Films) -> None:
    AdPolicy.objects.create(title=films.bars, mid_rolls=False)
    answer = get("/api/v1/vmap/colour-bars")
    assert parsed(answer.content).tag == f"{VMAP}VMAP"
    assert breaks_in(answer.content) == []
    Title.objects.filter(pk=films.pattern.pk).update(published=False)
    for path in ("/api/v1/vmap/nothing", f"/api/v1/vmap/{films.pattern.pk}", "/api/v1/streams/nothing/master.m3u8", "/api/v1/vmap/%00"):
        refused = get(path)
        assert (refused.status_code, refused.json()["error"]) == (404, "unknown_title")
    for path, query in {"/api/v1/vmap/colour-bars": {"inline": "maybe"}, "/api/v1/streams/colour-bars/media.m3u8": {"breaks": "vast"}}.items():
        assert get(path, **query).status_code == 400
    AdPolicy.objects.all().delete()
    assert "device" in get("/api/v1/vmap/colour-bars", device="toaster").json()["detail"]


def test_one_break_of_one_playback_has_one_decision_in_every_form_and_reserves_once(films: Films, ads: list[Ad]) -> None:
    session = str(uuid.uuid4())
    (mid,) = breaks_in(get("/api/v1/vmap/colour-bars", session=session).content)
    vast = serving_ids(parsed(get(ad_tag(mid)).content))
    (inline,) = breaks_in(get("/api/v1/vmap/colour-bars", session=session, inline="1").content)
    listed = get("/api/v1/assetlist", title=films.bars.pk, _HLS_primary_id=session.upper(), **{"break": "b2"}).json()
    body = {"session": session, "break_id": "b2", "duration": 30, "title": films.bars.pk}
    decided = Client().post("/api/v1/decisions", body, content_type="application/json").json()
    assert serving_ids(inline) == vast
    assert [one[SIGNALING]["payload"][0]["identifiers"][1]["value"] for one in listed["ASSETS"]] == vast
    assert [one["ad"] for one in decided["ads"]] == [ads[0].pk, ads[1].pk]
    assert stream.client().xlen(stream.STREAM) == 1
    consumer.drain()
    decision = Decision.objects.get()
    assert (str(decision.pk), [slot["ad"] for slot in decision.slots]) == (decided["decision"], [ads[0].pk, ads[1].pk])


def test_an_asset_list_says_what_to_play_and_what_to_report_and_its_beacons_bill_once(films: Films, ads: list[Ad]) -> None:
    answer = get("/api/v1/assetlist", title="colour-bars", _HLS_primary_id="a playback", **{"break": "b2"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    told = answer.json()
    assert [one["DURATION"] for one in told["ASSETS"]] == [pytest.approx(6, abs=0.1)] * 2
    playlist = m3u8.loads(get(told["ASSETS"][0]["URI"]).content.decode())
    assert sum(one.duration for one in playlist.segments) == pytest.approx(told["ASSETS"][0]["DURATION"], abs=0.001)
    slots = [one[SIGNALING]["payload"][0] for one in told["ASSETS"]]
    assert [(one["type"], one["start"]) for one in slots] == [("linear", 0), ("linear", slots[0]["duration"])]
    assert slots[0]["identifiers"][0]["value"] == Ad.objects.get(pk=ads[0].pk).universal_ad_id
    for _ in range(3):
        for event in ("impression", "start", "firstQuartile", "midpoint", "thirdQuartile", "complete"):
            (url,) = next(one["urls"] for one in slots[0]["tracking"] if one["type"] == event)
            assert get(url).status_code == 200
    (pod,) = told[SIGNALING]["payload"]
    assert (told[SIGNALING]["type"], [get(one["urls"][0]).status_code for one in pod["tracking"]]) == ("pod", [200, 200])
    consumer.drain()
    assert LedgerEntry.objects.get().flight_id == ads[0].flight_id
    assert AdEvent.objects.exclude(type__startswith="ad.break").count() == 6, "each event is there once, however often it was told"


def test_asked_for_twenty_times_at_once_a_break_is_decided_once(films: Films) -> None:
    def ask(number: int) -> Any:
        offset = {"_HLS_start_offset": "7.5"} if number % 2 else {}
        try:
            return get("/api/v1/assetlist", title="colour-bars", _HLS_primary_id="one", **{"break": "b2"}, **offset).json()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(20)))
    assert len({json.dumps(one, sort_keys=True) for one in answers}) == 1
    assert len(answers[0]["ASSETS"]) == 2
    assert stream.client().xlen(stream.STREAM) == 1


def test_a_break_without_ads_is_an_empty_list_that_may_be_reported(films: Films) -> None:
    Flight.objects.update(state=Flight.State.PAUSED)
    told = get("/api/v1/assetlist", title="colour-bars", session="s", duration="15", **{"break": "b2"}).json()
    assert told["ASSETS"] == []
    (pod,) = told[SIGNALING]["payload"]
    assert (pod["duration"], [one["type"] for one in pod["tracking"]]) == (15, ["error"])
    assert get("/api/v1/assetlist", title="colour-bars", **{"break": "b2"}).status_code == 400
    assert "_HLS_start_offset" in get("/api/v1/assetlist", session="s", _HLS_start_offset="-1").json()["detail"]


def test_what_a_vmap_says_of_a_break_is_told_of_its_decision(films: Films) -> None:
    token = tokens.SessionToken(session=uuid.uuid4(), viewer=None, title=films.bars.pk, expires=int(datetime.now(UTC).timestamp()) + 600)
    (mid,) = breaks_in(get("/api/v1/vmap/colour-bars", session_token=tokens.sign(token), macros="1").content)
    told = {one.get("event"): (one.text or "").strip() for one in mid.iter(f"{VMAP}Tracking")}
    assert list(told) == ["breakStart", "breakEnd", "error"]
    assert get(told["breakStart"]).status_code == 404, "nothing was asked for yet"
    get(ad_tag(mid))
    assert "[ERRORCODE]" in told["error"]
    for event, url in told.items():
        led = get(url.replace("[ERRORCODE]", "303").replace("[CACHEBUSTING]", "1").replace("[MEDIAPLAYHEAD]", "-1"))
        assert led.status_code == 302, event
        assert get(led["Location"]).status_code == 200
    assert get(told["breakStart"][:-1] + "x").status_code == 400
    consumer.drain()
    events = AdEvent.objects.filter(session=token.session).values_list("type", "decision")
    assert {kind for kind, _ in events} == {"ad.break_start", "ad.break_end", "ad.break_error"}
    assert {decision for _, decision in events} == {Decision.objects.get().pk}
