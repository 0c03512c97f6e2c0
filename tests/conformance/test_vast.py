"""Our VAST as @dailymotion/vast-client reads and plays it: every demo ad, pods, the buffet, an empty break, and names that mean no good.

One Node process reads all documents. Its VASTTracker plays one of them against the real edge.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lxml import etree

from adplatform.eventlog import consumer, ids, tokens
from ads import closing
from ads.formats import vast
from ads.formats.creative import Creative, creatives
from ads.models import Ad, AdEvent, AdIcon, AdVerification, Companion, LedgerEntry
from ads.serving import ServedAd, ServedBreak
from ads.validity import WINDOW
from catalog.models import MediaAsset
from tests.ads.formats.vast_rules import problems
from tests.ads.inventory import make_ad
from tests.conformance import node

HOST = "http://testserver"
NOW = datetime(2026, 6, 1, 20, 0, tzinfo=UTC)
HOSTILE = ["]]>", '<&>"', "\x00\x0b", "\U0001f697" * 30, "x" * 120]
# Also of those that only read: tables are made for tests that say so.
pytestmark = pytest.mark.django_db
EVENTS = {*vast.LINEAR_EVENTS, "progress-3"}


def served_ad(ad: Ad, slot: int, decision: uuid.UUID) -> ServedAd:
    token = tokens.TrackingToken(decision, slot, ad.pk, ad.flight_id, 1_000, int((NOW + timedelta(days=1)).timestamp()), uuid.UUID(int=1))
    return ServedAd(
        slot=slot, ad=ad.pk, name=ad.name, flight=ad.flight_id, campaign=ad.flight.campaign_id, campaign_name=ad.flight.campaign.name,
        advertiser_name=ad.flight.campaign.advertiser.name, asset=ad.asset_id, duration=ad.asset.duration, skip_after=ad.skip_after,
        click_through=ad.click_through, token=tokens.sign(token), price_micros=1_000, pctr=0.01, headline=ad.headline,
    )  # fmt: skip


def written(ads: list[Ad], beside: list[Ad] | None = None, *, macros: bool = False) -> str:
    def told(rows: list[Ad]) -> tuple[Creative, ...]:
        decision = ids.new_id(NOW)
        served = tuple(served_ad(ad, slot, decision) for slot, ad in enumerate(rows))
        return creatives(ServedBreak(decision, served, 0.0, {}, 1.0), base=HOST, macros=macros)

    return vast.document(told(ads), substitutes=told(beside or []), error_url=f"{HOST}/t/breakError/x")


@pytest.fixture(scope="module")
def documents(django_db_setup: None, django_db_blocker: Any) -> dict[str, str]:
    """Of every demo ad, as seeded; nothing of it stays."""
    with django_db_blocker.unblock(), transaction.atomic():
        for command in ("seed_catalogue", "seed_ads"):
            call_command(command, verbosity=0)
        segments = [{"uri": "s0.m4s", "duration": 12.0, "tight": True}]
        MediaAsset.objects.filter(kind="ad").update(
            path="clips/0123", duration=12.0, state="ready", segments=segments, files={"s0.m4s": {"size": 420_000}}, captions="WEBVTT"
        )
        ads = list(Ad.objects.select_related("asset", "flight__campaign__advertiser"))
        for number, name in enumerate(HOSTILE):
            ad = ads[number]
            ad.name, ad.headline = name, name[:90]
            ad.flight.campaign.advertiser.name = name
        dressed = ads[len(HOSTILE)]
        Companion.objects.create(ad=dressed, picture="pictures/c.png", width=300, height=250, alt_text="Beside", slot="side")
        AdIcon.objects.create(
            ad=dressed, program="AdChoices", picture="pictures/i.png", width=20, height=20, click_through="https://choices.example/"
        )
        AdVerification.objects.create(ad=dressed, vendor="v.example-omid", script="https://v.example/omid.js", parameters="a]]>b")
        found = {f"ad {ad.pk}": written([ad]) for ad in ads}
        found |= {f"pod of {length}": written(ads[6 : 6 + length]) for length in range(1, 6)}
        found |= {"buffet": written(ads[6:8], ads[8:10]), "empty": written([]), "dressed": written([dressed], macros=True)}
        found |= {f"hostile {number}": written([ads[number]]) for number in range(len(HOSTILE))}
        transaction.set_rollback(True)
    return found


@pytest.fixture(scope="module")
def read(documents: dict[str, str]) -> dict[str, Any]:
    return node.run("vast.mjs", {"documents": documents, "play": ["dressed"]})


def test_every_document_is_valid_by_the_rules_of_the_schema(documents: dict[str, str]) -> None:
    assert len(documents) > 35
    assert {name: found for name, document in documents.items() if (found := problems(document))} == {}


def test_every_ad_is_read_with_every_event_and_without_a_warning(read: dict[str, Any]) -> None:
    assert {name: one["faults"] for name, one in read.items() if one["faults"] and name != "empty"} == {}
    for name, one in read.items():
        for ad in one["ads"]:
            assert EVENTS - {"skip"} <= ad["events"].keys(), name
            assert ("skip" in ad["events"]) == (ad["skipDelay"] == 5)
            assert set(ad["events"].values()) == {1}
            assert (len(ad["impressions"]), len(ad["errors"]), len(ad["clickTracking"])) == (1, 1, 1)
            assert all(len(ad["viewable"][0][kind]) == 1 for kind in ("viewable", "notViewable", "viewUndetermined"))
            assert ad["universalAdIds"][0]["value"]
            assert ad["duration"] == 12
            assert ad["media"][0]["type"] == vast.HLS
            assert ad["clickThrough"].startswith(f"{HOST}/t/click/")
    assert {ad["skipDelay"] for one in read.values() for ad in one["ads"]} == {5, -1}


def test_pods_are_read_in_order_and_substitutes_beside_them(read: dict[str, Any]) -> None:
    for length in range(1, 6):
        assert [ad["sequence"] for ad in read[f"pod of {length}"]["ads"]] == [str(place) for place in range(1, length + 1)]
    assert [ad["sequence"] for ad in read["buffet"]["ads"]] == ["1", "2", None, None]
    assert len({ad["servingId"] for one in ("pod of 5", "buffet") for ad in read[one]["ads"]}) == 9


def test_an_empty_break_is_read_as_no_ad_with_where_to_tell_it(read: dict[str, Any]) -> None:
    assert (read["empty"]["ads"], read["empty"]["errorURLs"]) == ([], [f"{HOST}/t/breakError/x?code=303"])
    assert read["empty"]["version"] == "4.2"


def test_hostile_names_are_read_as_they_were_written(read: dict[str, Any]) -> None:
    titles = [read[f"hostile {number}"]["ads"][0]["title"] for number in range(len(HOSTILE))]
    assert titles == [name.replace("\x00\x0b", "") for name in HOSTILE]


def test_companions_icons_and_verifications_are_read(read: dict[str, Any]) -> None:
    (ad,) = read["dressed"]["ads"]
    (companion,), (icon,), (verification,) = ad["companions"], ad["icons"], ad["verifications"]
    assert (companion["width"], companion["events"], companion["alt"]) == ("300", ["creativeView"], "Beside")
    assert (icon["program"], icon["clicks"]) == ("AdChoices", 1)
    assert (verification["vendor"], verification["parameters"]) == ("v.example-omid", "a]]>b")
    assert "reason=[REASON]" in verification["trackingEvents"]["verificationNotExecuted"][0]


def test_the_error_and_the_playhead_are_filled_in_by_the_player_that_asked_for_macros(read: dict[str, Any]) -> None:
    sent = [url for _, url in read["dressed"]["played"][0]["sent"]]
    (error,) = [url for url in sent if "/t/error/" in url]
    assert "code=405" in error
    assert not [url for url in sent if "[" in url]


@pytest.mark.django_db(transaction=True)
def test_a_tracker_that_plays_an_ad_twice_bills_it_once() -> None:
    make_ad(starts_at=NOW - timedelta(days=1), ends_at=NOW + timedelta(days=1))
    with time_machine.travel(NOW, tick=False) as clock:
        asked = {"session": str(uuid.uuid4()), "break": "b1", "macros": "1"}
        with CaptureQueriesContext(connection) as queries:
            document = Client().get("/api/v1/vast", asked).content.decode()
        assert Client().get("/api/v1/vast", asked).content.decode() == document
        assert len([query for query in queries if "ads_" in query["sql"]]) <= 12
        (played,) = node.run("vast.mjs", {"documents": {"one": document}, "play": ["one"]})["one"]["played"]
        for _ in range(2):
            for seconds, url in played["sent"]:
                clock.move_to(NOW + timedelta(seconds=seconds + 1))
                assert Client().get(url.removeprefix(HOST)).status_code == 200
        click = Client().get(played["through"].removeprefix(HOST))
        assert click["Location"] == "https://brand.example/"
        consumer.drain()
        closing.close_windows(now=datetime.now(UTC) + 2 * WINDOW)
    assert LedgerEntry.objects.count() == 1
    events = AdEvent.objects.values_list("type", "valid")
    once = {
        "ad.impression",
        "ad.start",
        "ad.first_quartile",
        "ad.midpoint",
        "ad.third_quartile",
        "ad.complete",
        "ad.click",
        "ad.viewable",
        "ad.loaded",
    }
    assert sorted(kind for kind, _ in events if kind in once) == sorted(once)
    assert {valid for _, valid in events} == {True}
    assert {event.data["code"] for event in AdEvent.objects.filter(type="ad.error")} == {405}
    assert {event.data["at"] for event in AdEvent.objects.filter(type="ad.mute")} == {3.0}
    assert etree.fromstring(document.encode()).get("version") == "4.2"
