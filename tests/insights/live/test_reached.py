"""Reach beside the trend: of the days shown, narrowed as far as it is kept, an advertiser's own alone."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from ads import reach
from ads.models import Ad, AdEvent
from insights.live.business import trend
from insights.live.streams import parse
from tests.ads.inventory import NOW, make_ad
from tests.ads.test_reach import saw

pytestmark = pytest.mark.django_db


@pytest.fixture
def ads() -> tuple[Ad, Ad]:
    """Two people saw the first ad today, one of them the second one too, in another film; a third saw the first two days ago."""
    first, second = make_ad(), make_ad()
    both = uuid.uuid4()
    saw(first, both, times=3)
    saw(first, uuid.uuid4())
    saw(second, both, title=2)
    saw(first, uuid.uuid4(), days=-2)
    reach.take_due()
    return first, second


def shown(stream: str) -> Any:
    return trend.build(parse(stream), NOW + timedelta(minutes=1))["reach"]


@pytest.mark.parametrize(("range_", "days"), [("24h", 0), ("7d", 6)])
def test_people_are_those_of_the_raw_events(ads: tuple[Ad, Ad], range_: str, days: int) -> None:
    found = shown(f"trend?range={range_}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT coalesce(viewer, session)), count(*) FROM ads_adevent WHERE type = 'ad.impression' AND valid AND occurred_at >= %s",
            [(NOW - timedelta(days=days)).replace(hour=0)],
        )
        people, impressions = cursor.fetchone()
    assert (found["people"], found["impressions"], found["frequency"]) == (people, impressions, round(impressions / people, 2))
    assert found["low"] <= people <= found["high"]
    assert (found["since"], found["until"]) == ((NOW - timedelta(days=days)).date().isoformat(), NOW.date().isoformat())


def test_it_is_narrowed_as_far_as_it_is_kept(ads: tuple[Ad, Ad]) -> None:
    first, second = ads
    campaign, owner = second.flight.campaign_id, second.flight.campaign.advertiser_id
    assert shown(f"trend?campaign={campaign}&range=7d")["people"] == 1
    assert shown("trend?title=1&range=7d")["people"] == 3
    assert shown(f"trend?advertiser={owner}")["people"] == 1
    assert shown(f"trend?advertiser={owner}&campaign={first.flight.campaign_id}")["people"] is None
    assert shown("trend?device=tv") is None
    assert shown(f"trend?campaign={campaign}&title=1") is None
    assert AdEvent.objects.filter(valid=True).count() == 6
