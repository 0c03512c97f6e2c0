"""Reach and frequency: each person once, groups too small to tell untold, nothing of another advertiser's."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, override_settings

from adplatform.eventlog.partitions import ensure_partitions
from ads import reach
from ads.models import Ad, DeliveryDay, InvalidDay
from ads.reports.audience import NotKnown, audience, how_often
from tests.ads.inventory import NOW, make_ad

pytestmark = pytest.mark.django_db
DAY = NOW.date()
NEXT = DAY + timedelta(days=1)


def seen(ad: Ad, day: date, people: int, *, first: int = 0, times: int = 1) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ads_adevent (id, day, type, occurred_at, received_at, decision, slot, session, viewer, title, ad, flight, campaign,"
            " price_micros, valid, reason, data, synthetic)"
            " SELECT gen_random_uuid(), %(day)s, 'ad.impression', at, at, gen_random_uuid(), 0, gen_random_uuid(), md5('viewer ' || n)::uuid, 1,"
            " %(ad)s, %(flight)s, %(campaign)s, 0, true, '', '{}', false FROM generate_series(%(first)s, %(first)s + %(people)s - 1) n,"
            " generate_series(1, %(times)s) t, LATERAL (SELECT %(day)s::date::timestamp AT TIME ZONE 'UTC' + make_interval(secs => t) AS at) moments",
            {"day": day, "ad": ad.pk, "flight": ad.flight_id, "campaign": ad.flight.campaign_id, "first": first, "people": people, "times": times},
        )
    DeliveryDay.objects.create(
        bucket=NOW.replace(hour=0) + (day - DAY), advertiser_id=ad.flight.campaign.advertiser_id, campaign_id=ad.flight.campaign_id, flight_id=ad.flight_id,
        ad_id=ad.pk, impressions=people * times, device=uuid.uuid4().hex[:8],
    )  # fmt: skip


@pytest.fixture
def sold() -> tuple[Ad, Ad, Ad]:
    """Two campaigns of one advertiser that share half of their people, and one of somebody else's."""
    ensure_partitions([DAY, NEXT])
    ads = (make_ad(advertiser="One"), make_ad(advertiser="One"), make_ad(advertiser="Another"))
    seen(ads[0], DAY, 400)
    seen(ads[1], NEXT, 400, first=200)
    seen(ads[2], NEXT, 30, first=900, times=4)
    for day in (DAY, NEXT):
        reach.recount(day)
    return ads


def near(people: int | None, truth: int) -> bool:
    return people is not None and abs(people / truth - 1) < 0.06


def test_people_of_an_advertisers_campaigns_are_counted_once_and_grow_day_by_day(sold: tuple[Ad, Ad, Ad]) -> None:
    owner = sold[0].flight.campaign.advertiser_id
    found = audience(DAY, NEXT, of="advertiser", subjects=[owner])
    assert near(found.together.people, 600)
    assert (found.together.impressions, found.each) == (800, {})
    assert [near(people, truth) for (_, people), truth in zip(found.curve, (400, 600), strict=True)] == [True, True]
    both = audience(DAY, NEXT, of="campaign", subjects=[ad.flight.campaign_id for ad in sold[:2]])
    assert near(both.together.people, 600)
    assert all(near(one.people, 400) for one in both.each.values())


def test_a_group_too_small_is_not_told_nor_what_would_tell_it(sold: tuple[Ad, Ad, Ad]) -> None:
    found = audience(DAY, NEXT, of="flight", subjects=[sold[2].flight_id]).together
    assert (found.people, found.low, found.frequency, found.words) == (None, None, None, "fewer than 50")
    assert audience(DAY, DAY, of="flight", subjects=[sold[2].flight_id]).together.words == "nobody"
    seen(sold[2], DAY, 60, first=2_000)
    assert audience(DAY, DAY, of="flight", subjects=[sold[2].flight_id]).together.words == "not counted yet"


def test_how_often_people_saw_it_is_counted_and_small_groups_hide_with_the_next(sold: tuple[Ad, Ad, Ad]) -> None:
    seen(sold[0], NEXT, 100)
    owner = sold[0].flight.campaign.advertiser_id
    told = how_often(DAY, NEXT, of="advertiser", subjects=[owner], today=NEXT)
    # Of 600 people, 200 saw the second campaign too and 100 the first again; none did all of it.
    assert [one.people for one in told] == [300, 300, 0, 0, 0]
    everybody = how_often(DAY, NEXT, of="", subjects=[], today=NEXT)
    assert [one.people for one in everybody] == [None, 300, None, 0, 0]


def test_whoever_is_narrowed_reaches_their_own_campaigns_alone(sold: tuple[Ad, Ad, Ad]) -> None:
    own, other = sold[2].flight.campaign.advertiser_id, sold[0].flight
    assert audience(DAY, NEXT, of="", subjects=[], advertiser=own).together.words == "fewer than 50"
    for of, subject in (("campaign", other.campaign_id), ("flight", other.pk), ("advertiser", other.campaign.advertiser_id)):
        assert audience(DAY, NEXT, of=of, subjects=[subject], advertiser=own).together.people is None
        assert sum(one.people or 0 for one in how_often(DAY, NEXT, of=of, subjects=[subject], today=NEXT, advertiser=own)) == 0
    with pytest.raises(NotKnown, match="all advertisers together"):
        audience(DAY, NEXT, of="title", subjects=[1], advertiser=own)


@override_settings(PARTITION_KEEP_DAYS=30)
def test_what_cannot_be_told_is_refused_in_words() -> None:
    with pytest.raises(NotKnown, match="lies before"):
        audience(NEXT, DAY, of="", subjects=[])
    with pytest.raises(NotKnown, match="at most 31 days"):
        how_often(DAY, DAY + timedelta(days=31), of="", subjects=[], today=DAY)
    with pytest.raises(NotKnown, match="kept since"):
        how_often(DAY, DAY, of="", subjects=[], today=DAY + timedelta(days=31))


@pytest.fixture
def client(sold: tuple[Ad, Ad, Ad]) -> Client:
    signed_in = Client()
    signed_in.force_login(User.objects.create_superuser("planner"))
    return signed_in


def test_page_and_api_tell_the_same(client: Client, sold: tuple[Ad, Ad, Ad]) -> None:
    campaigns = f"{sold[0].flight.campaign_id},{sold[1].flight.campaign_id}"
    told = client.get(f"/api/v1/reports/reach?from={DAY}&to={NEXT}&campaign={campaigns}").json()
    page = client.get(f"/admin/reports/reach/?from={DAY}&to={NEXT}&campaign={campaigns}").content.decode()
    assert f">{told['together']['people']:,}<" in page
    assert set(told["each"]) == set(campaigns.split(","))
    assert client.get("/api/v1/reports/reach?campaign=1&flight=2").status_code == 400
    assert "is no day" in client.get("/admin/reports/reach/?from=1").content.decode()


def test_the_api_gives_rows_totals_and_files(client: Client, sold: tuple[Ad, Ad, Ad]) -> None:
    asked = f"/api/v1/reports/delivery?by=campaign,day&from={DAY}&to={NEXT}&show=impressions"
    told = client.get(asked).json()
    assert (told["found"], told["totals"]) == (3, {"impressions": 920})
    assert told["rows"][0]["names"]["campaign"] == sold[0].flight.campaign.name
    answer: Any = client.get(f"{asked}&format=csv")
    file = b"".join(answer.streaming_content)
    assert file.decode().splitlines()[0] == "Campaign id,Campaign,Day,Impressions"
    refused = client.get("/api/v1/reports/delivery?by=planet")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert "planet" in refused.json()["errors"]["by"][0]
    owner = sold[0].flight.campaign.advertiser_id
    statement = client.get(f"/api/v1/reports/statements/{owner}/2026-06").json()
    assert (statement["number"], statement["total"], statement["currency"]) == (f"ADV-{owner}-2026-06", 0, "USD")
    assert client.get(f"/api/v1/reports/statements/{owner}/2026-6").status_code == 404


def test_a_report_of_gross_and_net_says_why_events_do_not_count(client: Client, sold: tuple[Ad, Ad, Ad]) -> None:
    flight = sold[0].flight
    InvalidDay.objects.create(
        bucket=NOW.replace(hour=0), advertiser_id=flight.campaign.advertiser_id, campaign_id=flight.campaign_id, flight_id=flight.pk, ad_id=sold[0].pk,
        type="ad.click", reason="burst", events=77,
    )  # fmt: skip
    asked = f"/admin/reports/?by=campaign&from={DAY}&to={NEXT}&show=invalid_clicks"
    assert ">77<" in client.get(asked).content.decode()
    assert ">77<" not in client.get(f"{asked}&campaign={sold[2].flight.campaign_id}").content.decode()
