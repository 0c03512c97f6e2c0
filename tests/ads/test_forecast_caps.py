"""What caps leave of a flight's traffic, from decisions as they are really logged."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from adplatform.eventlog import consumer
from ads.decision.inventory import CapRow
from ads.forecast import capping, log
from ads.forecast.capping import People
from ads.forecast.foresight import expected_of
from ads.forecast.service import forecast_flights
from ads.forecast.words import Capping, Prospect, warning
from ads.models import FlightForecast
from ads.serving import serve_break

from .decision.rows import flight, inventory
from .inventory import NOW, make_ad, make_request, track

VIEWERS, DAYS, AN_EVENING = 5, 6, 4
ONE_A_DAY = [{"scope": "flight", "count": 1, "per": "day", "times": 1}]
SOLD: dict[str, Any] = {"budget_micros": 10**13, "ends_at": NOW + timedelta(days=28)}


@pytest.fixture
def regulars(transactional_db: None) -> datetime:
    """Six evenings of the same five viewers, who meet four breaks each on every one of them. Now is the end of the last."""
    make_ad(goal_amount=10**6, budget_micros=10**13, priority=9)
    viewers = [uuid.UUID(int=number << 8 | 1) for number in range(1, VIEWERS + 1)]
    for evening in range(DAYS):
        for viewer in viewers:
            session = uuid.uuid4()
            for number in range(AN_EVENING):
                at = NOW - timedelta(days=DAYS - 1 - evening, minutes=20 * (AN_EVENING - number))
                request = make_request(session=session, break_id=f"b{number}", viewer=viewer, consent=True, hour=at.hour)
                for served in serve_break(request, now=at, rng=np.random.default_rng(number)).ads:
                    track(served.token, "ad.impression", at=at)
    consumer.drain(now=NOW)
    return NOW


def forecasts(now: datetime) -> dict[int, FlightForecast]:
    return {row.flight_id: row for row in forecast_flights(now=now)}


def test_a_cap_of_one_a_day_on_few_viewers_warns_and_without_it_nothing_does(regulars: datetime) -> None:
    capped, free = make_ad(goal_amount=250, frequency_caps=ONE_A_DAY, **SOLD), make_ad(goal_amount=250, **SOLD)
    found = forecasts(regulars)
    one = found[capped.flight_id]
    assert found[free.flight_id].warning == ""
    assert one.eligible == pytest.approx(found[free.flight_id].eligible)
    assert one.win_share == pytest.approx(1 / AN_EVENING)
    assert one.expected_delivery == pytest.approx(one.events_per_win * one.eligible / AN_EVENING, rel=0.05)
    assert one.expected_low < one.expected_delivery < one.expected_high
    between = f"({one.expected_low:,.0f} to {one.expected_high:,.0f})"
    assert one.warning == (
        f"Expected {one.expected_delivery:,.0f} {between} of 250 impressions by 29 Jun: its cap of 1 a day leaves {one.eligible / 4:,.0f} of {one.eligible:,.0f} "
        "matching breaks (about 5 viewers, 33 breaks a week each); loosen that cap or lower the goal."
    )


def test_thin_evidence_says_nothing_of_caps() -> None:
    thin = people_of(6, days=2, a_day=4)
    assert shares(thin, flight(1, caps=(CapRow("flight", 1, "day"),))) == [1.0]


def test_what_a_cap_keeps_from_one_flight_the_next_may_win(regulars: datetime) -> None:
    wanting: dict[str, Any] = {**SOLD, "goal_amount": 100_000}
    make_ad(priority=1, **wanting), make_ad(priority=1, frequency_caps=ONE_A_DAY, **wanting)
    behind = make_ad(priority=5, **wanting)
    # Two ads a break: the capped flight takes a quarter of one of the two places.
    assert forecasts(regulars)[behind.flight_id].win_share == pytest.approx(3 / 4, rel=0.01)


def test_a_draft_is_told_of_its_caps_too(regulars: datetime) -> None:
    draft = make_ad(state="draft", goal_amount=250, frequency_caps=ONE_A_DAY, **SOLD).flight
    expected, warning = expected_of(draft, now=regulars)
    assert expected is not None
    assert expected.mean < 250
    assert "its cap of 1 a day leaves" in warning
    draft.frequency_caps = [{**ONE_A_DAY[0], "count": AN_EVENING}]
    assert expected_of(draft, now=regulars)[1] == ""


def test_a_sample_of_people_has_all_of_each(regulars: datetime) -> None:
    logged = log.read(regulars, most=40)
    people = log.people(regulars, logged, most=64)
    breaks = np.bincount(people.person)
    assert set(breaks.tolist()) == {DAYS * AN_EVENING}
    assert people.share == pytest.approx(len(breaks) / VIEWERS)
    everybody = log.people(regulars, log.read(regulars))
    assert (len(everybody.requests), everybody.share) == (VIEWERS * DAYS * AN_EVENING, 1.0)


def people_of(viewers: int, *, days: int, a_day: int, consent: bool = True) -> People:
    """The same viewers every day, with so many breaks an evening in one session."""
    requests, at = [], []
    for day in range(days):
        for viewer in range(viewers):
            session = uuid.UUID(int=1 + viewer + day * viewers)
            for number in range(a_day):
                requests.append(make_request(session=session, viewer=uuid.UUID(int=1 + viewer), consent=consent))
                at.append(NOW.timestamp() - (days - day) * 86_400 + number * 900)
    return People(NOW.timestamp(), tuple(requests), np.array(at))


def shares(people: People, *flights: Any, wins: list[float] | None = None) -> list[float]:
    held = inventory(*flights)
    eligible = np.ones((len(people.requests), len(flights)), dtype=bool)
    found: list[float] = capping.left(held, people, eligible, np.array(wins or [np.inf] * len(flights))).share.tolist()
    return found


@pytest.mark.parametrize(
    ("cap", "share"),
    [
        (CapRow("flight", 1, "day"), 1 / 4),
        (CapRow("flight", 3, "day"), 3 / 4),
        (CapRow("flight", 2, "week"), 1 / 14),
        (CapRow("flight", 1, "minute", 30), 2 / 4),
        (CapRow("flight", 1, "stream"), 1 / 4),
        (CapRow("flight", 1, "pod"), 1.0),
        (CapRow("flight", 9, "day"), 1.0),
    ],
)
def test_a_window_leaves_as_many_breaks_as_the_cap_counts(cap: CapRow, share: float) -> None:
    assert shares(people_of(3, days=14, a_day=4), flight(1, caps=(cap,), ends=NOW.timestamp() + 30 * 86_400)) == [pytest.approx(share)]


def test_the_tightest_of_a_flights_caps_counts() -> None:
    assert shares(people_of(3, days=14, a_day=4), flight(1, caps=(CapRow("flight", 3, "day"), CapRow("ad", 1, "stream")))) == [pytest.approx(1 / 4)]


def test_a_lifetime_longer_than_the_log_goes_on_with_the_same_viewers() -> None:
    # 14 days of 4 breaks were logged and the flight lasts twice as long: 8 of 112.
    long = flight(1, caps=(CapRow("flight", 8, "lifetime"),), starts=NOW.timestamp(), ends=NOW.timestamp() + 28 * 86_400)
    assert shares(people_of(3, days=14, a_day=4), long) == [pytest.approx(8 / 112, rel=0.01)]


def test_a_lifetime_longer_than_the_log_says_no_more_where_every_viewer_is_new() -> None:
    people = people_of(3, days=14, a_day=4)
    strangers = tuple(replace(request, viewer=request.session) for request in people.requests)
    long = flight(1, caps=(CapRow("flight", 2, "lifetime"),), ends=NOW.timestamp() + 28 * 86_400)
    assert shares(replace(people, requests=strangers), long) == [pytest.approx(2 / 4)]


def test_without_consent_a_cap_longer_than_a_session_counts_once_a_session() -> None:
    people = people_of(3, days=14, a_day=4, consent=False)
    assert shares(people, flight(1, caps=(CapRow("flight", 3, "week"),))) == [pytest.approx(1 / 4)]


def test_flights_of_one_campaign_share_its_cap_by_what_they_want() -> None:
    cap = CapRow("campaign", 4, "week")
    both = [flight(number, campaign=7, caps=(cap,), ends=NOW.timestamp() + 30 * 86_400) for number in (1, 2)]
    people = people_of(3, days=14, a_day=4)
    assert shares(people, *both, wins=[300.0, 100.0]) == pytest.approx([3 / 28, 1 / 28])
    assert shares(people, *both) == pytest.approx([2 / 28, 2 / 28])
    later = flight(3, campaign=7, caps=(cap,), starts=NOW.timestamp() + 30 * 86_400, ends=NOW.timestamp() + 60 * 86_400)
    assert shares(people, both[0], later) == pytest.approx([4 / 28, 4 / 28])


def test_viewers_who_may_not_be_recognised_are_told_apart() -> None:
    cap = Capping(CapRow("campaign", 2, "hour", 6), share=0.25, viewers=0.0, weekly=0.0, sessions=1_234.0, uncapped=900.0)
    flight = Prospect(
        goal_type="impressions", goal=600, expected=250.0, eligible=1_000.0, winnable=1_000.0, by_budget=None, hours=240.0, ends=NOW.timestamp(),
        logged=4_000, hindrance="", capping=cap,
    )  # fmt: skip
    assert warning(flight, "EUR") == (
        "Expected 250 of 600 impressions by 1 Jun: its cap of 2 in 6 hours of the whole campaign leaves 250 of 1,000 matching breaks "
        "(about 1,200 playbacks without consent, where it counts as once a playback); loosen that cap, count it by hour or playback, or lower the goal."
    )
    # Where the targeting is too narrow even without caps, that is said first.
    narrow = replace(flight, goal=60_000, capping=replace(cap, share=0.6))
    assert (
        "only 1,000 breaks match its targeting until then (100 a day), of which its cap of 2 in 6 hours of the whole campaign leaves 60%; "
        in warning(narrow, "EUR")
    )
