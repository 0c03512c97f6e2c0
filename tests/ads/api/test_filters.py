"""Lists are narrowed, searched and ordered; what makes no sense is refused in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from ads.models import Ad, Flight, FlightForecast

from ..inventory import NOW, make_ad
from .staff import superuser

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return superuser()


@pytest.fixture
def ads() -> list[Ad]:
    late: dict[str, Any] = {"starts_at": NOW + timedelta(days=100), "ends_at": NOW + timedelta(days=120)}
    return [make_ad(advertiser="Acme", priority=9), make_ad(advertiser="Brew Co", state=Flight.State.PAUSED), make_ad(advertiser="Brew Co", **late)]


def found(client: Client, query: str) -> list[int]:
    answer = client.get(f"/api/v1/{query}")
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def test_flights_by_what_a_planner_asks_for(client: Client, ads: list[Ad]) -> None:
    acme, paused, late = (ad.flight for ad in ads)
    FlightForecast.objects.create(flight=acme, computed_at=NOW, warning="It will fall short.")
    FlightForecast.objects.create(flight=late, computed_at=NOW)
    day = (NOW + timedelta(days=110)).isoformat().replace("+00:00", "Z")
    for query, flights in (
        ("state=paused", [paused]),
        ("state=paused&state=live&ordering=campaign", [acme, paused, late]),
        (f"advertiser={paused.campaign.advertiser_id}&ordering=-starts_at", [late, paused]),
        ("at_risk=true", [acme]),
        ("at_risk=false&ordering=campaign", [paused, late]),
        (f"running_from={day}", [late]),
        (f"running_until={NOW.date()}T23:00:00Z&ordering=campaign", [acme, paused]),
        ("search=brew flight&state=live", [late]),
        ("ordering=-priority&page_size=1", [acme]),
        ("tier=house", []),
    ):
        assert found(client, f"flights?{query}") == [flight.pk for flight in flights], query


def test_campaigns_that_run_in_a_time_have_one_flight_that_does(client: Client, ads: list[Ad]) -> None:
    between = f"running_from={(NOW + timedelta(days=40)).date()}T00:00:00Z&running_until={(NOW + timedelta(days=60)).date()}T00:00:00Z"
    late = ads[2].flight
    Flight.objects.create(**{**{field.attname: getattr(late, field.attname) for field in Flight._meta.concrete_fields}, "id": None, "name": "Early", "starts_at": NOW - timedelta(days=30), "ends_at": NOW})  # fmt: skip
    assert found(client, f"campaigns?{between}") == []
    assert found(client, f"campaigns?running_from={(NOW + timedelta(days=105)).date()}T00:00:00Z") == [late.campaign_id]


def test_ads_by_review_category_and_what_they_are_called(client: Client, ads: list[Ad]) -> None:
    Ad.objects.filter(pk=ads[1].pk).update(review="in_review", headline="Warm up with a cup")
    assert found(client, "ads?review=in_review") == found(client, "ads?search=cup warm") == [ads[1].pk]
    assert found(client, f"ads?universal_ad_id={ads[2].universal_ad_id}") == [ads[2].pk]
    assert found(client, f"ads?category={ads[0].category}") == [ads[0].pk]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("flights?state=lost", "state", "There is no state “lost”; there are draft, live, paused, ended."),
        ("flights?campaign=x", "campaign", "given by its id"),
        ("flights?campaign=99999999999999999999", "campaign", "given by its id"),
        ("flights?running_from=soon", "running_from", "Write a time as"),
        ("flights?ordering=colour", "ordering", "there are name, campaign, starts_at"),
        ("flights?page_size=many", "page_size", "A page has 1 to 500 rows."),
        ("flights?page_size=501", "page_size", "A page has 1 to 500 rows."),
        ("flights?format=xml", "format", "There is no format “xml” here"),
        ("flights/1?colour=red", "colour", "There is no filter “colour”"),
        ("ads?search=" + "x" * 101, "search", "at most 100 characters"),
    ],
    ids=lambda value: value if len(value) < 40 else "long",
)
def test_what_makes_no_sense_is_refused_in_words(client: Client, query: str, field: str, words: str) -> None:
    answer = client.get(f"/api/v1/{query}")
    assert answer.status_code == 400
    assert words in answer.json()["errors"][field][0]
    assert answer.json()["detail"].startswith(f"{field}: ")


def test_nul_bytes_and_far_pages_are_refused_too(client: Client) -> None:
    answers: list[Any] = [client.get(f"/api/v1/{query}") for query in ("ads?search=%00", "flights?page=99", "ads?universal_ad_id=%00")]
    assert [answer.status_code for answer in answers] == [400, 404, 400]
