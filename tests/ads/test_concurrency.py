"""Many processes at once: no flight is billed beyond what it sold, no viewer served beyond a cap, and one beacon bills once."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from adplatform.eventlog import consumer, ids, stream
from ads.models import Ad, AdEvent, DeliveryDay, FlightBalance, LedgerEntry
from ads.reconcile import reconcile
from ads.serving import serve_break
from tests.ads import child

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)


def billed(ad: Ad) -> tuple[int, int]:
    """(impressions charged for, micros)."""
    charged = LedgerEntry.objects.filter(flight=ad.flight, amount_micros__gt=0)
    return charged.count(), charged.aggregate(total=Sum("amount_micros"))["total"] or 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("requests", [125, pytest.param(2_500, marks=pytest.mark.soak)])
def test_8_processes_never_bill_over_budget_goal_or_a_daily_limit_nor_serve_over_a_cap(requests: int) -> None:
    budget = make_ad(category="travel", bid_micros=40_000_000, budget_micros=1_000_000)
    goal = make_ad(category="gaming", bid_micros=35_000_000, goal_amount=60)
    daily = make_ad(category="finance", bid_micros=30_000_000, daily_budget_micros=900_000)
    of_day = make_ad(category="retail", bid_micros=25_000_000, daily_goal_amount=50)
    capped = make_ad(category="telecom", bid_micros=20_000_000, frequency_caps=[{"scope": "campaign", "count": 2, "per": "hour", "times": 1}])
    for_life = make_ad(category="automotive", bid_micros=15_000_000, frequency_caps=[{"scope": "flight", "count": 3, "per": "lifetime", "times": 1}])
    viewers = [str(uuid.uuid4()) for _ in range(40)]
    processes = child.start("watch", processes=8, requests=requests, viewers=viewers, at=NOW.isoformat())
    assert processes.wait(280) == 0
    consumer.drain(now=NOW + timedelta(seconds=1))

    assert 500_000 < billed(budget)[1] <= 1_000_000
    assert 30 < billed(goal)[0] <= 60
    assert 450_000 < billed(daily)[1] <= 900_000
    assert 25 < billed(of_day)[0] <= 50
    for ad, most in ((capped, 2), (for_life, 3)):
        times = Counter(AdEvent.objects.filter(flight=ad.flight_id, type="ad.impression").values_list("viewer", flat=True))
        assert len(times) == len(viewers)
        assert max(times.values()) == most
    assert_adds_up(budget, goal, daily, of_day, capped, for_life)


def assert_adds_up(*ads: Ad) -> None:
    for ad in ads:
        booked = LedgerEntry.objects.filter(flight=ad.flight).aggregate(total=Sum("amount_micros"))["total"] or 0
        assert booked == FlightBalance.objects.get(flight=ad.flight).booked_micros
        assert booked == DeliveryDay.objects.filter(flight_id=ad.flight_id).aggregate(total=Sum("revenue_micros"))["total"]
    assert reconcile(stream.client(), now=NOW + timedelta(seconds=2), repair=False, grace=0.0).differences == ()


@pytest.mark.parametrize("event_id", [lambda: None, lambda: ids.new_id(NOW)], ids=["one id", "50 ids"])
def test_50_parallel_replays_of_one_beacon_bill_once(event_id: Callable[[], Any]) -> None:
    ad = make_ad()
    token = serve_break(make_request(), now=NOW).ads[0].token
    one = ids.new_id(NOW)

    def replay(number: int) -> None:
        track(token, "ad.impression", at=NOW, event_id=event_id() or one)
        if number % 10 == 9:
            consumer.drain(now=NOW)
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(replay, range(50)))
    consumer.drain(now=NOW)
    assert (LedgerEntry.objects.count(), AdEvent.objects.count()) == (1, 1)
    assert billed(ad) == (1, 1_000)
    assert_adds_up(ad)
