"""The figures of a built snapshot beside SQL written by hand over the raw rows they come from."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adplatform.models import DeadEvent, RollupState
from ads.models import FlightForecast
from insights.findings.sources import SOURCES
from insights.findings.store import insights_refresh
from insights.findings.stream import INSIGHTS
from insights.live.streams import Stream
from tests.ads.inventory import make_ad
from tests.insights.live.facts import asked, delivered, watched

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
HOUR = datetime(2026, 11, 20, 13, tzinfo=UTC)


def by_hand(statement: str, **params: Any) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def a_business() -> None:
    """Six past Fridays of this hour, then one with half the impressions; a flight that falls short; two events that were never stored."""
    for week in range(7):
        at = HOUR - timedelta(weeks=week, minutes=-10)
        shown = (100 if week == 0 else 200) + 2 * week
        delivered(
            at,
            impressions=shown,
            gross_impressions=shown,
            clicks=shown // 20,
            completed_views=shown // 2,
            revenue_micros=shown * 10_000,
            synthetic=week == 0,
        )
        asked(at, requests=shown, filled=shown, slots_offered=shown + 10, slots_filled=shown)
        watched(at, sessions=shown // 2)
    for name in ("ads.delivery", "ads.breaks", "engagement.playback"):
        RollupState.objects.create(name=name, filled_to=NOW - timedelta(minutes=1))
    flight = make_ad(goal_amount=10_000, starts_at=NOW - timedelta(days=2), ends_at=NOW + timedelta(days=9), bid_micros=8_000_000).flight
    FlightForecast.objects.create(flight=flight, computed_at=NOW, requests=900, eligible=20_000, win_share=0.2, expected_delivery=4_000)
    for number in range(2):
        DeadEvent.objects.create(stream_id=f"1-{number}", payload=b"", reason="no such title")


def snapshot() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(INSIGHTS.build(Stream("insights"), NOW)))
    return found


def test_every_figure_of_the_feed_equals_sql_written_by_hand() -> None:
    a_business()
    insights_refresh(now=NOW)
    shown = {one["key"]: one for one in snapshot()["open"]}

    (seen, synthetic) = by_hand(
        "SELECT sum(impressions), sum(impressions) FILTER (WHERE synthetic) * 1.0 / sum(impressions) FROM ads_deliveryminute"
        " WHERE bucket >= %(hour)s AND bucket < %(hour)s + interval '1 hour'", hour=HOUR,
    )  # fmt: skip
    # Anscombe's mean of the six past Fridays, put back.
    (usual, past, earned) = by_hand(
        "SELECT (power(avg(2 * sqrt(n + 0.375)) / 2, 2) - 0.375)::float8, count(*), sum(micros) / sum(n) FROM (SELECT sum(impressions) AS n, sum(revenue_micros)"
        " AS micros FROM ads_deliveryminute WHERE bucket < %(hour)s GROUP BY date_trunc('hour', bucket)) hours", hour=HOUR,
    )  # fmt: skip
    one = shown["anomaly:impressions-all"]
    assert (
        one["words"] == f"All campaigns: impressions {seen} where {usual:,.0f} is usual at this hour ({100 - 100 * float(seen) / usual:.0f} % down)"
    )
    assert f"the same hour of {past} past weeks" in one["detail"]
    assert one["money"] == pytest.approx((usual - float(seen)) * float(earned), abs=1)
    assert one["synthetic"] == float(synthetic)

    (flight, missing, micros) = by_hand(
        "SELECT f.id, f.goal_amount - c.expected_delivery, round((f.goal_amount - c.expected_delivery) * f.bid_micros / 1000)"
        " FROM ads_flight f JOIN ads_flightforecast c ON c.flight_id = f.id"
    )
    one = shown[f"pacing:flight-{flight}"]
    assert one["money"] == micros and one["money_how"].startswith(f"{missing:,.0f} impressions short")

    (dead,) = by_hand("SELECT count(*) FROM adplatform_deadevent")
    assert shown["deadletters"]["words"].startswith(f"{dead} events could not be stored")
    assert shown["deadletters"]["money"] is None


def test_judging_takes_as_many_queries_whatever_there_is() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            for source in SOURCES:
                source.run(NOW)
        return len(captured)

    a_business()
    few = queries()
    for _ in range(3):
        flight = make_ad(goal_amount=10_000, starts_at=NOW - timedelta(days=2), ends_at=NOW + timedelta(days=9)).flight
        FlightForecast.objects.create(flight=flight, computed_at=NOW, requests=900, expected_delivery=4_000)
        delivered(HOUR - timedelta(days=1), ad=flight.ads.get().pk, campaign=flight.campaign_id, impressions=400, clicks=20, revenue_micros=1)
    assert queries() == few <= 45


def test_the_feed_costs_the_same_few_queries_and_ranks_by_money() -> None:
    a_business()
    insights_refresh(now=NOW)
    with CaptureQueriesContext(connection) as captured:
        rows = snapshot()["open"]
    assert len(captured) <= 4
    sums = [one["money"] or 0 for one in rows]
    assert sums == sorted(sums, reverse=True) and sums[0] > 0


def test_the_page_offers_only_what_its_reader_may_do() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    page = client.get("/live/insights/").content.decode()
    assert "insights.dismiss_insight" in page and "adplatform.change_experiment" in page
    reader = User.objects.create_user("reader")
    reader.groups.create(name="read-only")
    client.force_login(reader)
    assert "dismiss_insight" not in client.get("/live/insights/").content.decode()
