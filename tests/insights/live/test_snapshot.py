"""Every figure of a snapshot against the same figure worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adplatform.models import ModelVersion, RollupState
from ads.models import Advertiser, Campaign, Flight, FlightBalance
from insights.live import store, streams
from insights.live.business import director, now, snapshot
from insights.tasks import work_out_success
from tests.insights.live import facts

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 14, 37, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def build(at: datetime = NOW) -> dict[str, Any]:
    built: dict[str, Any] = json.loads(json.dumps(snapshot.build(at, compared=snapshot.yesterday(at))))
    return built


def by_hand(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_today_equals_sql_written_by_hand_over_the_minutes() -> None:
    for back in range(0, 300, 7):
        facts.delivered(
            NOW - MINUTE * back, ad=back % 3, impressions=back + 3, clicks=back % 4, completed_views=back + 1, revenue_micros=12_345 * back
        )
        facts.asked(NOW - MINUTE * back, requests=3, filled=2, slots_offered=6, slots_filled=back % 6)
    facts.delivered(NOW - timedelta(days=1), impressions=1_000_000, revenue_micros=9_000_000)
    tiles = build()["tiles"]
    day = "bucket >= '2026-11-20' AND bucket < '2026-11-21'"
    assert tiles["impressions"]["value"] == by_hand(f"SELECT sum(impressions) FROM ads_deliveryminute WHERE {day}")
    assert tiles["revenue"]["value"] == by_hand(f"SELECT sum(revenue_micros) FROM ads_deliveryminute WHERE {day}")
    assert tiles["ecpm"]["value"] == by_hand(f"SELECT round(sum(revenue_micros) * 1000 / sum(impressions)) FROM ads_deliveryminute WHERE {day}")
    assert tiles["ctr"]["value"] == float(by_hand(f"SELECT round(sum(clicks) / sum(impressions), 6) FROM ads_deliveryminute WHERE {day}"))
    assert tiles["completion_rate"]["value"] == float(
        by_hand(f"SELECT round(sum(completed_views) / sum(impressions), 6) FROM ads_deliveryminute WHERE {day}")
    )
    assert tiles["fill_rate"]["value"] == float(by_hand(f"SELECT round(sum(slots_filled) / sum(slots_offered), 6) FROM ads_breakminute WHERE {day}"))


def test_what_does_not_count_stands_beside_what_does() -> None:
    facts.delivered(NOW, impressions=90, gross_impressions=100, invalid=13, revenue_micros=5_000_000, reversed_micros=1_250_000)
    tiles = build()["tiles"]
    assert (tiles["impressions"]["value"], tiles["invalid_share"]["value"]) == (90, 0.1)
    assert tiles["invalid_share"]["note"] == "100 gross, 13 events in all"
    assert tiles["invalid_share"]["ci"][0] < 0.1 < tiles["invalid_share"]["ci"][1]
    assert tiles["revenue"]["note"] == "after 1.25 given back"


def test_yesterday_counts_only_up_to_the_same_minute() -> None:
    yesterday = NOW - timedelta(days=1)
    facts.delivered(yesterday - timedelta(hours=5), impressions=100)
    facts.delivered(yesterday - MINUTE, impressions=10)
    facts.delivered(yesterday, impressions=1000)
    facts.delivered(yesterday + timedelta(hours=3), impressions=5000)
    facts.delivered(yesterday - timedelta(days=1), impressions=7000)
    assert build()["tiles"]["impressions"]["before"] == 110


def test_nothing_yet_is_no_figure_rather_than_zero_percent() -> None:
    tiles = build()["tiles"]
    assert tiles["impressions"]["value"] == 0
    assert tiles["ctr"] == {
        "value": None, "before": None, "spark": [None] * 16, "note": "0 clicks", "ci": None, "n": 0, "baseline": "yesterday at 14:37 UTC"
    }  # fmt: skip
    assert tiles["engagement"]["value"] is None


def test_the_series_has_fifteen_whole_minutes_and_the_running_one() -> None:
    facts.delivered(NOW, impressions=4, revenue_micros=40)
    facts.delivered(NOW - MINUTE * 15, impressions=3, revenue_micros=30)
    facts.delivered(NOW - MINUTE * 16, impressions=99, revenue_micros=99)
    series = build()["series"]
    assert series["minutes"][0] == "2026-11-20T14:22:00+00:00"
    assert series["minutes"][-1] == "2026-11-20T14:37:00+00:00"
    assert series["impressions"] == [3, *[0] * 14, 4]
    assert series["revenue"] == [30, *[0] * 14, 40]


def test_a_session_is_active_for_thirty_seconds_after_it_was_heard_from() -> None:
    facts.a_session(NOW, started=400, seen=29)
    facts.a_session(NOW, started=5, seen=0, synthetic=True)
    facts.a_session(NOW, started=400, seen=31)
    facts.a_session(NOW, started=400, seen=3, ended=3)
    built = build()
    assert built["tiles"]["active_sessions"]["value"] == 2
    assert built["synthetic"]["sessions"] == 0.5


def test_sessions_of_a_minute_are_those_that_overlap_it() -> None:
    facts.a_session(NOW, started=250, seen=130)  # from 14:33:02 to 14:35:02
    facts.a_session(NOW, started=8, seen=0)  # within 14:37
    assert build()["series"]["active_sessions"] == [*[0] * 11, 1, 1, 1, 0, 1]


def test_engagement_is_the_mean_of_the_predictions_of_five_minutes() -> None:
    facts.directed(NOW - timedelta(seconds=10), engagement=0.9)
    facts.directed(NOW - timedelta(seconds=80), engagement=0.6)
    facts.directed(NOW - timedelta(seconds=90), engagement=None)
    facts.directed(NOW - timedelta(seconds=400), engagement=0.1)
    tile = build()["tiles"]["engagement"]
    assert tile["value"] == pytest.approx(0.75)
    assert tile["note"] == "2 predictions in 5 min"


def test_director_changes_are_counted_beside_the_decisions() -> None:
    facts.watched(NOW, scene=3, director_decisions=12, director_changes=2)
    facts.watched(NOW - timedelta(hours=2), scene=4, director_decisions=5, director_changes=1)
    tile = build()["tiles"]["director_changes"]
    assert (tile["value"], tile["note"]) == (3, "of 17 decisions")


def test_what_the_directors_changes_gain_stands_beside_them_as_a_worker_last_found_it() -> None:
    assert director.last() is None
    assert success()["note"] == "not worked out yet"
    work_out_success()
    assert success()["note"] == "in 28 days: not enough evidence yet: 0 changes made and 0 held back by chance"
    for number in range(40):
        facts.changed(NOW - timedelta(days=2), done=True, watched=0.9)
        facts.changed(NOW - timedelta(days=2), done=False, watched=0.6 + 0.02 * (number % 2))
        facts.changed(NOW - timedelta(days=30), done=True, watched=0.1)
    director.work_out(now=NOW)
    told = success()
    assert (told["value"], told["ci"], told["n"]) == (pytest.approx(0.29), pytest.approx([0.287, 0.293], abs=1e-3), 80)
    assert told["note"] == "90.0% of the next scene watched against 61.0%, in 28 days"
    assert success(title=1)["value"] == pytest.approx(0.29)
    assert success(title=2)["note"] == "not worked out yet"
    assert store.client().ttl(director.KEY) > 0 and store.client().ttl(director.TITLES_KEY) > 0


def success(**narrowed: int) -> dict[str, Any]:
    stream = streams.Stream("now").having(**{name: str(value) for name, value in narrowed.items()})
    built: dict[str, Any] = json.loads(json.dumps(now.build(stream, NOW)))["tiles"]["success_rate"]
    return built


def test_the_synthetic_share_of_impressions_is_told() -> None:
    facts.delivered(NOW, impressions=30, synthetic=True)
    facts.delivered(NOW, impressions=10)
    facts.delivered(NOW - timedelta(days=1, hours=2), impressions=5, synthetic=True)
    told = build()["synthetic"]
    assert (told["impressions"], told["yesterday"]) == (0.75, 1.0)


@pytest.mark.parametrize(("part", "whole", "low", "high"), [(0, 10, 0.0, 0.277533), (5, 10, 0.236593, 0.763407), (10, 10, 0.722467, 1.0)])
def test_the_interval_of_a_share_is_wilsons(part: int, whole: int, low: float, high: float) -> None:
    assert snapshot.interval(part, whole) == pytest.approx([low, high], abs=2e-6)


def a_flight(*, booked: int, budget: int = 1000, name: str = "Autumn") -> Flight:
    advertiser = Advertiser.objects.get_or_create(name="Volt Motors", category="automotive")[0]
    campaign = Campaign.objects.get_or_create(advertiser=advertiser, name="Electric Autumn")[0]
    flight = Flight.objects.create(
        campaign=campaign, name=name, state=Flight.State.LIVE, starts_at=NOW - timedelta(days=1), ends_at=NOW + timedelta(days=1),
        bid_micros=1, goal_amount=1, budget_micros=budget,
    )  # fmt: skip
    FlightBalance.objects.update_or_create(flight=flight, defaults={"booked_micros": booked})
    return flight


def test_the_feed_tells_budgets_models_breaks_and_the_director_newest_first() -> None:
    title = facts.a_title()
    a_flight(booked=901, name="Nearly spent")
    a_flight(booked=900, name="Not yet")
    ModelVersion.objects.create(
        kind="ctr", number=4, estimator="random_forest", status="promoted", verdict="Better by 2 %", trained_at=NOW - MINUTE * 3
    )
    facts.asked(NOW - MINUTE * 5, title=title.pk, requests=3, filled=2)
    facts.directed(NOW - MINUTE, engagement=0.5, applied=True, title=title.pk)
    feed = build()["feed"]
    assert [item["kind"] for item in feed] == ["budget", "director", "model", "unfilled"]
    assert feed[0]["text"] == "Electric Autumn / Nearly spent: 90% of its budget is spent"
    assert feed[1]["text"] == "Ember Coast: brought a scene forward"
    assert feed[2]["text"] == "CTR model v4 promoted"
    assert feed[3]["text"] == "Ember Coast: 1 break without an ad"


def test_campaigns_stand_in_the_order_of_their_revenue() -> None:
    campaign = a_flight(booked=0).campaign
    facts.delivered(NOW, campaign=campaign.pk, impressions=10, clicks=1, revenue_micros=50)
    facts.delivered(NOW, campaign=campaign.pk + 1, impressions=1, revenue_micros=60)
    rows = build()["campaigns"]
    assert [(row["name"], row["revenue"]) for row in rows] == [(f"Campaign {campaign.pk + 1}", 60), ("Electric Autumn", 50)]


def test_a_model_in_use_stands_beside_its_baseline() -> None:
    judged = {"auc": {"value": 0.7}, "normalised_entropy": {"value": 0.94, "baseline": 1.0, "ci_low": 0.92, "ci_high": 0.96}}
    ModelVersion.objects.create(kind="ctr", number=3, estimator="random_forest", alias="previous", metrics=judged)
    ModelVersion.objects.create(kind="ctr", number=4, estimator="random_forest", alias="champion", metrics=judged, synthetic_share=1.0)
    (model,) = build()["models"]
    assert (model["name"], model["estimator"], model["synthetic"]) == ("CTR v4", "random forest", 1.0)
    assert model["figure"] == {"name": "normalised entropy", "value": 0.94, "baseline": 1.0, "ci_low": 0.92, "ci_high": 0.96}


def test_the_snapshot_tells_how_far_events_are_counted() -> None:
    RollupState.objects.create(name="ads", filled_to=NOW.replace(second=0) - MINUTE)
    RollupState.objects.create(name="breaks", filled_to=None)
    assert build()["as_of"] == "2026-11-20T14:36:00+00:00"


def test_more_rows_cost_no_more_queries() -> None:
    def queries_with(rows: range) -> int:
        for back in rows:
            facts.delivered(NOW - MINUTE * back, ad=back, campaign=back, impressions=1)
            facts.asked(NOW - MINUTE * back, title=back, requests=2, filled=1)
            facts.directed(NOW - timedelta(seconds=back), engagement=0.5, applied=True, title=back)
            facts.a_session(NOW, started=back, seen=0)
            a_flight(booked=950, name=f"Flight {back}")
        with CaptureQueriesContext(connection) as captured:
            build()
        return len(captured)

    assert queries_with(range(1)) == queries_with(range(1, 40)) <= 26


def test_no_query_touches_a_table_of_raw_events() -> None:
    with CaptureQueriesContext(connection) as captured:
        build()
    statements = " ".join(query["sql"] for query in captured.captured_queries)
    assert "ads_adevent" not in statements
    assert "engagement_playbackevent" not in statements
