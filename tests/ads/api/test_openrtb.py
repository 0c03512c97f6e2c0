"""Any exchange that speaks OpenRTB 2.6 can ask for our demand, pods included, and bills by the impression in what it is given."""

from __future__ import annotations

import gzip
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from lxml import etree

from adplatform.eventlog import consumer
from ads.models import Ad, AdEvent, Decision, LedgerEntry
from tests.ads.inventory import make_ad

from .test_privacy import ALL, tcf

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/api/v1/openrtb2/auction"
USER = {"id": "u1", "gender": "F", "yob": 1990}
VIDEO: dict[str, Any] = {"mimes": ["video/mp4"], "protocols": [2, 3, 13], "minduration": 5, "maxduration": 30, "startdelay": 0, "linearity": 1}


def sold(**changes: Any) -> Ad:
    now = datetime.now(UTC)
    return make_ad(starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1), **changes)


def ask(imps: list[dict[str, Any]] | None = None, *, headers: dict[str, str] | None = None, **changes: Any) -> Any:
    body = {"id": str(uuid.uuid4()), "imp": imps or [imp()], "cur": ["USD"]} | changes
    return Client().post(ADDRESS, body, content_type="application/json", headers=headers or {})


def imp(number: str = "1", **video: Any) -> dict[str, Any]:
    return {"id": number, "video": {name: value for name, value in (VIDEO | video).items() if value is not None}}


def bids(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, (answer.status_code, answer.headers, answer.content)
    return [bid | {"seat": seat["seat"]} for seat in answer.json()["seatbid"] for bid in seat["bid"]]


def fetch(markup: str, place: str) -> Any:
    (url,) = etree.fromstring(markup.encode()).xpath(f"//*[local-name()='{place}']/text()")
    return Client().get(str(url).removeprefix("http://testserver"))


def test_a_bid_names_its_seat_price_and_creative_and_its_impression_bills() -> None:
    ad = sold(category="gaming", bid_micros=20_000_000)
    answer = ask()
    (bid,) = bids(answer)
    assert answer["X-OpenRTB-Version"] == "2.6"
    assert (answer.json()["cur"], bid["impid"], bid["seat"]) == ("USD", "1", str(ad.flight.campaign.advertiser_id))
    assert (bid["crid"], bid["adomain"], bid["cat"], bid["cattax"]) == (ad.universal_ad_id, ["brand.example"], ["IAB9-30"], 1)
    assert (bid["mtype"], bid["protocol"], bid["dur"], bid["cid"]) == (2, 13, 10, str(ad.flight.campaign_id))
    document = etree.fromstring(bid["adm"].encode())
    assert (document.get("version"), len(document.xpath("//*[local-name()='Ad']"))) == ("4.2", 1)
    assert [one.get("type") for one in document.xpath("//*[local-name()='MediaFile']")] == ["application/x-mpegURL", "video/mp4"]
    assert not LedgerEntry.objects.exists()
    assert fetch(bid["adm"], "Impression").status_code == 200
    consumer.drain()
    assert LedgerEntry.objects.get().amount_micros == bid["price"] * 1000


def test_the_same_request_is_answered_the_same_and_holds_once() -> None:
    sold()
    asked: dict[str, Any] = {"id": "again", "imp": [imp()]}
    assert ask(**asked).json() == ask(**asked).json()
    consumer.drain()
    assert Decision.objects.count() == 1


def test_a_lost_bid_frees_what_it_held() -> None:
    sold(budget_micros=1_000, bid_micros=1_000_000)
    (bid,) = bids(ask())
    assert ask().status_code == 204
    assert Client().get(bid["lurl"].removeprefix("http://testserver")).status_code == 200
    consumer.drain()
    assert len(bids(ask())) == 1


def test_a_dynamic_pod_gets_a_bid_for_each_ad_that_fits() -> None:
    for seconds in (10.0, 15.0, 20.0, 30.0):
        sold(duration=seconds)
    found = bids(ask([imp(poddur=45, maxseq=3, podid="p1")]))
    assert {bid["impid"] for bid in found} == {"1"}
    assert sum(bid["dur"] for bid in found) <= 45
    assert len(found) >= 2
    assert len({bid["seat"] for bid in found}) == len(found)


def test_the_slots_of_a_structured_pod_never_hold_one_advertiser_or_category_twice() -> None:
    for number in range(6):
        sold(advertiser=f"Brand {number % 2}", category=("travel", "finance", "gaming")[number % 3])
    slots = [imp(str(number), podid="p1", podseq=1, slotinpod=number) for number in (1, 2, 3)]
    found = bids(ask(slots))
    assert len({bid["impid"] for bid in found}) == len(found) == 2
    assert len({bid["seat"] for bid in found}) == len({bid["cat"][0] for bid in found}) == 2


def test_a_hybrid_pod_fills_the_rest_beside_its_slots() -> None:
    for number in range(5):
        sold(advertiser=f"Brand {number}")
    found = bids(ask([imp("rest", podid="p1", poddur=20, maxseq=2), imp("first", podid="p1", slotinpod=1)]))
    assert {bid["impid"] for bid in found} == {"rest", "first"}
    assert len({bid["crid"] for bid in found}) == len(found) == 3


def test_floors_lengths_and_blocks_are_kept() -> None:
    sold(bid_micros=20_000_000, duration=10.0, category="travel")
    assert bids(ask([imp() | {"bidfloor": 19.5, "bidfloorcur": "USD"}]))[0]["price"] >= 19.5
    refused = [
        ask([imp() | {"bidfloor": 20.5, "bidfloorcur": "USD"}]),
        ask([imp(rqddurs=[15, 30], minduration=None, maxduration=None)]),
        ask([imp(minduration=15)]),
        ask([imp(durfloors=[{"mindur": 0, "maxdur": 15, "bidfloor": 25}])]),
        ask([imp(poddur=30, maxseq=1, mincpmpersec=2.5)]),
        ask(bcat=["IAB20"]),
        ask(acat=["IAB2"]),
        ask(badv=["brand.example"]),
        ask(wseat=["999999"]),
    ]
    assert [answer.status_code for answer in refused] == [204] * len(refused)
    assert len(bids(ask([imp(rqddurs=[10, 30], minduration=None, maxduration=None)], bcat=["IAB2"], badv=["other.example"]))) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cur": ["EUR"]}, "bids are in USD"),
        ({"bcat": ["123"], "cattax": 7}, "taxonomy 7"),
        ({"imp": [{"id": "1", "banner": {}}]}, "no flight"),
        ({"imp": [imp(protocols=[2, 3])]}, "no flight"),
        ({"imp": [imp(mimes=["video/x-flv"])]}, "no flight"),
        ({"imp": [imp(linearity=2)]}, "no flight"),
        ({"imp": [imp() | {"pmp": {"private_auction": 1}}]}, "no flight"),
        ({"imp": [imp() | {"bidfloor": 1, "bidfloorcur": "EUR"}]}, "no flight"),
    ],
    ids=["currency", "taxonomy", "banner", "old_vast", "flash", "overlay", "private", "floor_in_another_currency"],
)
def test_what_cannot_be_answered_is_no_bid_and_says_why(changes: dict[str, Any], why: str) -> None:
    sold()
    answer = ask(**{"imps": None, **changes}) if "imp" not in changes else ask(changes["imp"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert why in answer["X-No-Bid"]


def test_house_ads_are_never_bid() -> None:
    sold(tier="house", bid_micros=0, budget_micros=0)
    assert ask().status_code == 204


def test_a_test_request_is_answered_and_bills_nobody() -> None:
    sold()
    (bid,) = bids(ask(test=1))
    assert fetch(bid["adm"], "Impression").status_code == 200
    consumer.drain()
    assert not Decision.objects.exists()
    assert not LedgerEntry.objects.exists()
    assert not AdEvent.objects.filter(valid=True).exists()


def test_a_viewer_is_used_only_where_they_agreed() -> None:
    sold()
    person: dict[str, Any] = {"device": {"geo": {"country": "DEU", "utcoffset": 120}, "devicetype": 3}}
    for regs, consent in (
        ({"us_privacy": "1YNN"}, ""), ({"gdpr": 1}, ALL), ({"us_privacy": "1YYN"}, ""), ({"coppa": 1, "us_privacy": "1YNN"}, ""), ({"gdpr": 1}, tcf(1)),
        ({"gdpr": 1, "us_privacy": "1YNN"}, ""), ({}, ""),
    ):  # fmt: skip
        ask(regs=regs, **person, user=USER | {"consent": consent})
    consumer.drain()
    stored = [row.request for row in Decision.objects.order_by("decided_at")]
    assert [row["consent"] for row in stored] == [True, True, False, False, False, False, False]
    assert [(row["viewer"] is None, row["gender"]) for row in stored] == [*[(False, "female")] * 2, *[(True, None)] * 5]
    assert {(row["country"], row["device"]) for row in stored} == {("DE", "tv")}


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"{", "truncated"), (b"[]", "object"), (b'{"id": "1"}', "imp"), (b'{"id": "1", "imp": []}', "length"), (b"[" * 90_000, "")],
    ids=["cut", "list", "no_imp", "no_imps", "deep"],
)
def test_what_cannot_be_read_is_told(body: bytes, words: str) -> None:
    answer = Client().post(ADDRESS, body, content_type="application/json")
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_a_packed_body_is_read_and_one_that_unpacks_without_end_is_not() -> None:
    sold()
    packed = gzip.compress(json.dumps({"id": "1", "imp": [imp()]}).encode())
    headers = {"content-encoding": "gzip"}
    assert Client().post(ADDRESS, packed, content_type="application/json", headers=headers).status_code == 200
    bomb = gzip.compress(b" " * 50_000_000)
    assert Client().post(ADDRESS, bomb, content_type="application/json", headers=headers).status_code == 413
    assert Client().post(ADDRESS, b"no gzip", content_type="application/json", headers=headers).status_code == 400


def test_where_keys_are_set_only_who_has_one_may_ask(settings: LazySettings) -> None:
    sold()
    settings.OPENRTB_KEYS = ["one-key", "another-key"]
    assert [ask(headers=given).status_code for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer another-key"})] == [
        401,
        401,
        200,
    ]


def test_an_address_may_not_hold_without_end(settings: LazySettings) -> None:
    sold()
    settings.DECISIONS_PER_MINUTE = 2
    assert [ask().status_code for _ in range(3)] == [200, 200, 429]


def test_who_sells_here_is_told_at_the_addresses_the_field_knows(settings: LazySettings) -> None:
    settings.ADS_DOMAIN, settings.ADS_CONTACT_EMAIL, settings.ADS_SELLER_ID = "tv.example", "ads@tv.example", "7"
    settings.ADS_TXT_LINES = ["exchange.example, pub-1, RESELLER, abc"]
    for address in ("/ads.txt", "/app-ads.txt"):
        lines = Client().get(address).content.decode().splitlines()
        assert lines == ["tv.example, 7, DIRECT", "exchange.example, pub-1, RESELLER, abc", "OWNERDOMAIN=tv.example", "CONTACT=ads@tv.example"]
    told = Client().get("/sellers.json").json()
    assert told["version"] == "1.0"
    assert told["sellers"] == [{"seller_id": "7", "seller_type": "PUBLISHER", "name": settings.ADS_SELLER_NAME, "domain": "tv.example"}]
    assert re.match(r"public", Client().get("/ads.txt")["Cache-Control"])
