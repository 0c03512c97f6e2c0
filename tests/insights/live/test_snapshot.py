"""Every figure of a snapshot against the same figure worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adplatform.models import Experiment, ModelVersion, RollupState
from ads.models import Advertiser, Campaign, Flight, FlightBalance, FlightForecast, UnfilledHour
from insights.live import store, streams
from insights.live.business import alerts, director, heat, now, risk, snapshot
from insights.live.business.scope import EVERYTHING, Scope
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


def a_flight(*, booked: int, budget: int = 1000, name: str = "Autumn", **terms: Any) -> Flight:
    advertiser = Advertiser.objects.get_or_create(name="Volt Motors", category="automotive")[0]
    campaign = Campaign.objects.get_or_create(advertiser=advertiser, name="Electric Autumn")[0]
    given = {"starts_at": NOW - timedelta(days=1), "ends_at": NOW + timedelta(days=3), "bid_micros": 1, "goal_amount": 1} | terms
    flight = Flight.objects.create(campaign=campaign, name=name, state=Flight.State.LIVE, budget_micros=budget, **given)
    FlightBalance.objects.update_or_create(flight=flight, defaults={"booked_micros": booked, "day": NOW.date()})
    return Flight.objects.select_related("campaign", "balance").get(pk=flight.pk)


def test_the_feed_tells_what_asks_for_action_first_and_then_what_is_newest() -> None:
    title = facts.a_title()
    a_flight(booked=901, name="Nearly spent")
    a_flight(booked=900, name="Not yet")
    version = ModelVersion.objects.create(
        kind="ctr", number=4, estimator="random_forest", status="promoted", verdict="Better by 2 %", trained_at=NOW - MINUTE * 3
    )
    facts.asked(NOW - MINUTE * 5, title=title.pk, requests=3, filled=2)
    UnfilledHour.objects.create(bucket=NOW.replace(minute=0, second=0), title_id=title.pk, reason="capped", breaks=1, milliseconds=9_000)
    facts.directed(NOW - MINUTE, engagement=0.5, applied=True, title=title.pk)
    Experiment.objects.create(key="care", state="stopped", alarm="The sample ratio is off.", stopped_at=NOW - timedelta(hours=2))
    alerts.work_out(now=NOW - timedelta(hours=3))
    alerts.work_out(now=NOW)
    feed = build()["feed"]
    assert [(item["kind"], item["urgent"]) for item in feed] == [
        ("experiment", True), ("budget", True), ("director", False), ("model", False), ("unfilled", False)
    ]  # fmt: skip
    assert feed[0]["link"] == "/live/experiments/care/"
    assert feed[1]["text"] == "Electric Autumn / Nearly spent: 90 % of its budget is spent"
    assert feed[1]["at"] == (NOW - timedelta(hours=3)).isoformat(), "when it was first seen"
    assert (feed[2]["text"], feed[2]["detail"]) == ("The Director changed 1 plan in the last ten minutes", "Brought a scene forward (1).")
    assert (feed[3]["text"], feed[3]["detail"]) == (f"CTR model v{version.number} promoted", "Better by 2 %")
    assert feed[4]["text"] == "Ember Coast: 1 of 3 breaks without an ad in the last ten minutes"
    assert feed[4]["detail"] == "Mostly: the viewer has seen the ads for this break as often as their flights allow."


def test_a_budget_that_runs_out_says_when_at_the_present_rate() -> None:
    flight = a_flight(booked=500_000, budget=1_000_000)
    per_second = alerts.Rates(micros=50.0)
    told = alerts.budget(flight, per_second, NOW)
    assert told is not None and told.text == "Electric Autumn / Autumn: 50 % of its budget is spent"
    assert told.detail == "At the present rate it runs out on 20 Nov at 17:23 UTC, 3 days before the flight's end."
    assert alerts.budget(flight, alerts.Rates(micros=1.0), NOW) is None, "in five days and after its end"
    flight.balance.booked_micros = 1_000_000
    gone = alerts.budget(flight, per_second, NOW)
    assert gone is not None and "its budget is spent, 3 days before its end" in gone.text
    assert alerts.budget(flight, per_second, NOW + timedelta(days=1)) is None, "of an earlier day it is no news"


@pytest.mark.parametrize(("clicked", "where"), [(10, "below"), (20, ""), (40, ""), (80, "above")])
def test_a_click_rate_is_out_of_its_band_when_chance_hardly_explains_it(clicked: int, where: str) -> None:
    found = alerts.click_rate(a_flight(booked=0), alerts.Rates(shown=1_000, clicked=clicked, shown_before=20_000, clicked_before=600))
    assert (found is not None and where in found.text) if where else found is None
    assert alerts.click_rate(a_flight(booked=0, name="New"), alerts.Rates(shown=1_000, clicked=clicked, shown_before=900, clicked_before=30)) is None


def test_a_flight_is_behind_when_it_lacks_more_of_its_plan_than_chance() -> None:
    flight = a_flight(booked=0, goal_amount=1_000)
    flight.balance.impressions = 400
    assert alerts.behind(flight, 0.42) is None
    told = alerts.behind(flight, 0.6)
    assert told is not None and told.text == "Electric Autumn / Autumn is behind its plan: 400 of 600 impressions that were due by now"


def test_delivery_at_risk_is_told_in_units_and_money_and_no_advertiser_reads_of_everybodys_requests() -> None:
    flight = a_flight(booked=4_000_000, budget=20_000_000, goal_amount=1_000, bid_micros=20_000_000)
    FlightForecast.objects.create(
        flight=flight, computed_at=NOW, requests=900, expected_delivery=400, events_per_win=0.5, micros_per_win=10_000, warning="Of 900 requests few."
    )
    fine = a_flight(booked=0, name="Fine", goal_amount=1_000)
    FlightForecast.objects.create(flight=fine, computed_at=NOW, requests=900, expected_delivery=985)
    (row,) = risk.at_risk(EVERYTHING, NOW)["at_risk"]
    assert (row["flight"], row["missing"], row["shortfall"], row["shortfall_micros"]) == ("Autumn", 600, 0.6, 12_000_000)
    assert row["words"] == "Of 900 requests few."
    (own,) = risk.at_risk(Scope(advertiser=flight.campaign.advertiser_id), NOW)["at_risk"]
    assert own["words"] == "Expected 400 of 1,000 impressions by 23 Nov."
    assert risk.at_risk(Scope(advertiser=flight.campaign.advertiser_id + 1), NOW)["at_risk"] == []
    assert risk.at_risk(Scope(device="tv"), NOW)["at_risk"] is None


def test_the_map_of_the_day_is_the_mean_of_each_hour_of_the_week_that_has_passed() -> None:
    hour = NOW.replace(minute=0, second=0)  # a Friday, 14 o'clock
    for back, micros in ((0, 5_000), (7, 100), (14, 300)):
        facts.delivered(hour - timedelta(days=back), revenue_micros=micros)
    facts.watched(hour - timedelta(hours=1), watch_milliseconds=7_200_000)
    watched = streams.parse("trend?range=7d")
    assert heat.last(watched, now=NOW) is None
    assert heat.draw_wanted(now=NOW) == 1
    found = heat.last(watched, now=NOW)
    assert found is not None and (found["rows"][4], found["columns"][14], found["unit"]) == ("Fri", "14", "money")
    assert found["cells"][4][14] == {"value": 200, "n": 2}, "the hour that runs does not count"
    assert (found["cells"][4][13], found["cells"][4][15]) == ({"value": 0, "n": 2}, {"value": 0, "n": 2})
    assert found["watching"]["cells"][4][13] == {"value": 1.0, "n": 2}
    assert sum(cell["n"] for row in found["cells"] for cell in row) == 14 * 24, "hours before anything was counted are none"
    assert heat.draw_wanted(now=NOW) == 0 and heat.last(watched, now=NOW + timedelta(hours=1)) == found
    assert heat.draw_wanted(now=NOW + timedelta(hours=1)) == 1, "an hour later it is drawn anew"


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
