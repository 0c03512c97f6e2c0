"""What flights can expect, from decisions as they are really logged."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import numpy as np
import pytest
import time_machine
from django.core.management import call_command

from adplatform.eventlog import consumer, stream
from ads import live_inventory, live_plan
from ads.decision.plan import HOURS
from ads.forecast import log
from ads.forecast.foresight import expected_of
from ads.forecast.prospects import layers
from ads.forecast.service import forecast_flights, forecast_if_due
from ads.models import Ad, Flight, FlightForecast
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def logged() -> datetime:
    """Two days of breaks, one every 24 minutes by day and none at night, half of them on television. Now is their end."""
    make_ad(goal_amount=200, budget_micros=10**13)
    for number in range(120):
        at = NOW - timedelta(minutes=24 * (120 - number))
        if at.hour >= 6:
            device = "tv" if number % 2 else "mobile"
            answer = serve_break(make_request(device=device, hour=at.hour), now=at, rng=np.random.default_rng(number))
            for ad in answer.ads:
                track(ad.token, "ad.impression", at=at)
    consumer.drain(now=NOW)
    return NOW


def forecast_of(ad: Ad, now: datetime) -> FlightForecast:
    return next(row for row in forecast_flights(now=now) if row.flight_id == ad.flight_id)


def test_a_flight_expects_the_requests_that_match_it_at_the_hours_they_come(logged: datetime) -> None:
    everybody, television = make_ad(), make_ad(targeting={"include": {"devices": ["tv"]}})
    found = {row.flight_id: row for row in forecast_flights(now=logged)}
    every, tv = found[everybody.flight_id], found[television.flight_id]
    assert len(every.supply) == HOURS
    assert tv.eligible == pytest.approx(every.eligible / 2, rel=0.1)
    by_day, by_night = np.array(every.supply).reshape(7, 24)[:, 6:].mean(), np.array(every.supply).reshape(7, 24)[:, :6].mean()
    assert by_day == pytest.approx(2.5, rel=0.2)
    assert by_night < by_day / 2


def test_a_flight_that_cannot_reach_its_goal_says_why_and_what_would_help(logged: datetime) -> None:
    narrow = make_ad(targeting={"include": {"devices": ["tv"]}}, goal_amount=100_000, ends_at=NOW + timedelta(days=10))
    found = forecast_of(narrow, logged)
    assert found.expected_delivery < 1_000
    between = f"({found.expected_low:,.0f} to {found.expected_high:,.0f})"
    assert found.warning.startswith(f"Expected {found.expected_delivery:,.0f} {between} of 100,000 impressions by 11 Jun: only ")
    assert found.warning.endswith("widen the devices or lower the goal.")


def test_a_flight_that_nobody_matches_says_which_rule_to_widen(logged: datetime) -> None:
    found = forecast_of(make_ad(targeting={"include": {"genres": ["western"]}}), logged)
    assert found.eligible == 0
    assert found.warning == f"None of the {found.requests} requests logged in the last four weeks could have been served by it; widen the genres."


def test_a_budget_that_pays_for_less_than_the_goal_is_named(logged: datetime) -> None:
    found = forecast_of(make_ad(goal_amount=500, budget_micros=200_000), logged)
    # Its bid pays for ten; where nobody else is left it pays the reserve price.
    assert 10 < found.expected_delivery < 200
    assert f"its budget pays for {found.expected_delivery:,.0f} impressions at the prices to be expected; raise the budget" in found.warning


def test_who_comes_after_others_of_the_same_tier_can_win_only_what_they_leave(logged: datetime) -> None:
    first = [make_ad(priority=1, goal_amount=100_000, budget_micros=10**13) for _ in range(2)]
    last = make_ad(priority=9, goal_amount=100_000, budget_micros=10**13)
    found = {row.flight_id: row for row in forecast_flights(now=logged)}
    assert found[first[0].flight_id].win_share == pytest.approx(1.0)
    assert found[last.flight_id].win_share < 0.1
    assert "flights before it take" in found[last.flight_id].warning


def test_without_any_logged_request_nothing_is_forecast() -> None:
    ad = make_ad()
    found = forecast_of(ad, NOW)
    assert (found.supply, found.requests, found.warning) == ([], 0, "No requests are logged yet: its delivery cannot be forecast.")
    assert expected_of(ad.flight, now=NOW) == (None, found.warning)


def test_thin_evidence_says_so_instead_of_a_figure() -> None:
    ad = make_ad()
    serve_break(make_request(), now=NOW - timedelta(hours=1), rng=np.random.default_rng(1))
    consumer.drain(now=NOW)
    assert forecast_of(ad, NOW).warning == "Only 1 request is logged yet: too few to forecast its delivery."


def test_forecasting_twice_changes_nothing(logged: datetime) -> None:
    first = [(row.flight_id, row.supply, row.expected_delivery, row.win_share) for row in forecast_flights(now=logged)]
    again = [(row.flight_id, row.supply, row.expected_delivery, row.win_share) for row in forecast_flights(now=logged)]
    assert first == again
    assert FlightForecast.objects.count() == len(first)


def test_the_task_works_when_something_was_sold_or_an_hour_has_passed_and_not_otherwise(logged: datetime) -> None:
    assert forecast_if_due(now=logged) == 1
    assert forecast_if_due(now=logged + timedelta(minutes=1)) == 0
    make_ad()
    assert forecast_if_due(now=logged + timedelta(minutes=2)) == 2
    assert forecast_if_due(now=logged + timedelta(minutes=30)) == 0
    assert forecast_if_due(now=logged + timedelta(minutes=63)) == 2


def test_pacing_takes_up_a_forecast_with_the_next_request(logged: datetime) -> None:
    client: Any = stream.client()
    inventory = live_inventory.current(client)
    before = live_plan.cache.at(inventory, client.get(live_plan.VERSION_KEY))
    assert not before.counted.any()
    forecast_flights(now=logged)
    after = live_plan.cache.at(inventory, client.get(live_plan.VERSION_KEY))
    assert after.counted.all()
    answer = serve_break(make_request(), now=logged, rng=np.random.default_rng(1))
    assert answer.explanation["candidates"][0]["pacing"]["reason"] == "asap"


def test_a_flight_not_sold_yet_is_judged_beside_what_is_live(logged: datetime) -> None:
    terms = Flight(
        campaign=make_ad(goal_amount=100).flight.campaign, name="Proposed", starts_at=NOW, ends_at=NOW + timedelta(days=7), pricing="cpm", bid_micros=20_000_000,
        goal_amount=50_000, budget_micros=10**13,
    )  # fmt: skip
    expected, warning = expected_of(terms, now=logged)
    assert expected is not None
    assert 0 < expected.low <= expected.mean <= expected.high < 1_000
    assert warning.startswith("Expected ")
    terms.goal_amount = 20
    assert expected_of(terms, now=logged)[1] == ""


def test_layers_are_what_was_predicted_for_the_flights_ads(logged: datetime) -> None:
    ad = Ad.objects.get()
    found = log.scored(logged, 90)
    assert all(one.ads.tolist() == [ad.pk] for one in found)
    clicks, views = ([float(getattr(one, name)[0]) for one in found] for name in ("pctr", "pvcr"))
    assert len(clicks) == len(views) > 80
    assert all(0 < click < view < 1 for click, view in zip(clicks, views, strict=True))
    assert layers(clicks) == []  # the smoothed rate is the same for every viewer
    assert layers([float(number) for number in range(200)]) == pytest.approx([39.8, 79.6, 119.4, 159.2])


def test_the_command_prints_a_table_and_json(logged: datetime) -> None:
    table, one = StringIO(), StringIO()
    with time_machine.travel(logged, tick=False):
        call_command("forecast", stdout=table)
        call_command("forecast", flight=Flight.objects.get().pk, json=True, stdout=one)
    assert "200 impressions" in table.getvalue()
    (row,) = json.loads(one.getvalue())
    assert (row["goal"], row["unit"]) == (200, "events")
    assert row["requests"] > 80
