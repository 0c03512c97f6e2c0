"""``GET /api/v1/vast``, as a standard player asks it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from lxml import etree

from adplatform.eventlog import consumer, stream
from adplatform.eventlog.errorcodes import CODES
from adplatform.eventlog.hashing import daily_hash
from ads.models import Ad, AdEvent, AdPolicy, Decision, LedgerEntry
from ads.reports.errors import error_counts
from ads.reservation.keys import HOLDS
from catalog.models import Genre, Title
from tests.ads.api.staff import member_of, superuser
from tests.ads.formats.vast_rules import problems
from tests.ads.inventory import make_ad

pytestmark = pytest.mark.django_db(transaction=True)
NS = {"v": "http://www.iab.com/VAST"}
HOST = "http://testserver"


@pytest.fixture(autouse=True)
def ad() -> Ad:
    return make(1)[0]


def make(count: int, **flight: Any) -> list[Ad]:
    now = datetime.now(UTC)
    return [make_ad(starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1), **flight) for _ in range(count)]


def ask(headers: dict[str, str] | None = None, **changes: Any) -> Any:
    asked = {"session": str(uuid.uuid4()), "break": "b1", "duration": "30"} | changes
    return Client().get("/api/v1/vast", {name: value for name, value in asked.items() if value is not None}, headers=headers)


def parsed(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    return etree.fromstring(answer.content)


def test_the_impression_of_the_document_bills_once() -> None:
    root = parsed(ask())
    (impression,) = root.findall(".//v:Impression", NS)
    for _ in range(3):
        assert Client().get(impression.text.removeprefix(HOST)).status_code == 200
    consumer.drain()
    assert LedgerEntry.objects.count() == 1


def test_a_break_that_nobody_bought_is_an_empty_document_with_an_error_url_that_works() -> None:
    root = parsed(ask(duration="1"))
    (error,) = root
    assert error.tag == f"{{{NS['v']}}}Error"
    Client().get(error.text.removeprefix(HOST))
    consumer.drain()
    event = AdEvent.objects.get()
    assert (event.type, event.valid, event.data["code"], event.decision) == ("ad.break_error", True, 303, Decision.objects.get().pk)


def test_every_form_of_a_break_is_one_decision() -> None:
    session = str(uuid.uuid4())
    body = {"session": session, "break_id": "b1", "duration": 30}
    told = Client().post("/api/v1/decisions", body, content_type="application/json").json()
    named = [ask(session=session), ask(session=session.upper()), ask(session=None, _HLS_primary_id=session), ask(session=session, version="4.3")]
    ads = [[one.text for one in parsed(answer).findall(".//v:AdServingId", NS)] for answer in named]
    assert ads == [ads[0]] * 4
    assert parsed(named[3]).get("version") == "4.3"
    token = told["ads"][0]["token"]
    assert all(token in answer.content.decode() for answer in named)
    consumer.drain()
    assert Decision.objects.count() == 1


def test_a_substitute_is_held_and_charged_like_any_other_and_falls_back_unused() -> None:
    make(5)
    session = str(uuid.uuid4())
    root = parsed(ask(session=session, max_ads="2", buffet="2"))
    assert problems(etree.tostring(root)) == []
    pod, spare = root.findall("v:Ad[@sequence]", NS), [one for one in root.findall("v:Ad", NS) if one.get("sequence") is None]
    assert (len(pod), len(spare)) == (2, 2)
    consumer.drain()
    slots = {row.break_id: [slot["ad"] for slot in row.slots] for row in Decision.objects.all()}
    assert slots.keys() == {"b1", "b1~2"}
    assert not set(slots["b1"]) & set(slots["b1~2"])
    impressions, unused = ([one.findtext(path, namespaces=NS) for one in spare] for path in (".//v:Impression", ".//v:Tracking[@event='notUsed']"))
    Client().get(impressions[0].removeprefix(HOST))
    Client().get(unused[1].removeprefix(HOST))
    held = stream.client().zcard(HOLDS)
    consumer.drain()
    assert LedgerEntry.objects.count() == 1
    # The one that was shown is charged and the other is free again; the pod's own are still held.
    assert (held, stream.client().zcard(HOLDS)) == (4, 2)
    assert ask(session=session, max_ads="2", buffet="2").content == ask(session=session, max_ads="2", buffet="2").content


def test_a_player_of_another_site_is_answered_as_the_standard_says() -> None:
    with_origin, without = ask(headers={"Origin": "https://player.example"}), ask(headers={"Origin": "null"})
    assert (with_origin["Access-Control-Allow-Origin"], with_origin["Access-Control-Allow-Credentials"]) == ("https://player.example", "true")
    assert (without["Access-Control-Allow-Origin"], without.get("Access-Control-Allow-Credentials")) == ("*", None)
    assert (with_origin["Content-Type"], with_origin["Cache-Control"]) == ("application/xml; charset=utf-8", "no-store")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "3.0"}, "this server writes VAST 4.2 and 4.3"),
        ({"session": None}, "name the playback session"),
        ({"session": "[TRANSACTIONID]"}, "name the playback session"),
        ({"session_token": "x"}, "unreadable_token"),
        ({"duration": "0"}, "duration: give seconds"),
        ({"duration": "nan"}, "duration: give seconds"),
        ({"max_ads": "99"}, "max_ads: give a whole number from 1 to 10"),
        ({"position": "4"}, "position: use pre, mid or post"),
        ({"break": "a b"}, "break: use 1 to 38 letters"),
        ({"title": "nowhere"}, "there is no title 'nowhere'"),
        ({"device": "toaster"}, "device: use one of tv"),
        ({"country": "Austria"}, "country: give two letters"),
        ({"buffet": "4"}, "buffet: give a whole number from 0 to 3"),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    answer = ask(**changes)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_macros_that_nobody_filled_in_say_nothing_and_titles_bring_their_own() -> None:
    title = Title.objects.create(name="Sea", slug="sea", maturity="PG")
    title.genres.add(Genre.objects.create(name="Drama", slug="drama"))
    AdPolicy.objects.create(title=title, break_seconds=25, break_ads=1)
    assert ask(title="sea", duration="[BREAKMAXDURATION]", max_ads="-1", position="2", device="[DEVICE]").status_code == 200
    consumer.drain()
    request = Decision.objects.get().request
    told = {name: request[name] for name in ("duration", "max_ads", "break_position", "genres", "maturity", "device", "title")}
    assert told == {
        "duration": 25.0, "max_ads": 1, "break_position": "mid", "genres": ["drama"], "maturity": "PG", "device": "desktop", "title": title.pk,
    }  # fmt: skip


def test_what_players_say_went_wrong_is_counted_by_code(ad: Ad) -> None:
    (error,) = [one.text for one in parsed(ask(macros="1")).findall(".//v:InLine/v:Error", NS)]
    for code, cachebuster in (("405", 1), ("405", 2), ("777", 3), ("[ERRORCODE]", 4)):
        filled = (
            error.removeprefix(HOST)
            .replace("[ERRORCODE]", code)
            .replace("[CACHEBUSTING]", f"{cachebuster:08}")
            .replace("[ADPLAYHEAD]", "00:00:04.500")
        )
        assert Client().get(filled).status_code == 200
    consumer.drain()
    now = datetime.now(UTC)
    assert [(one.code, one.count) for one in error_counts(now - timedelta(hours=1), now, flights=[ad.flight_id])] == [(405, 2), (900, 2)]
    assert {event.data.get("raw") for event in AdEvent.objects.all()} == {None, "777"}
    assert {event.data["at"] for event in AdEvent.objects.all()} == {4.5}
    (first, _) = superuser().get(f"/api/v1/errors?flight={ad.flight_id}").json()
    assert (first["code"], first["count"], first["words"]) == (405, 2, CODES[405])
    (stranger,) = make(1)
    member = member_of(stranger.flight.campaign.advertiser)
    assert member.get("/api/v1/errors").json() == []
    assert member.get(f"/api/v1/errors?flight={ad.flight_id}").status_code == 404


def test_a_stitching_server_is_believed_only_where_it_is_ours(settings: Any) -> None:
    device = {"X-Device-IP": "203.0.113.9", "X-Device-User-Agent": "Roku/DVP-14.5", "X-Forwarded-For": "198.51.100.7, 10.0.0.1"}
    for trusted in ([], ["127.0.0.0/8"]):
        settings.TRUSTED_PROXIES = trusted
        ask(headers=device)
    consumer.drain()
    requests = [row.request for row in Decision.objects.order_by("decided_at")]
    assert [request["device"] for request in requests] == ["desktop", "tv"]
    assert requests[0]["ip_hash"] != requests[1]["ip_hash"]
    assert requests[1]["ip_hash"] == daily_hash("203.0.113.9", now=datetime.now(UTC))
