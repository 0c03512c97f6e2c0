"""Simulated futures of worlds where the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ads.decision.inventory import CapRow
from ads.decision.plan import DAY
from ads.forecast import expectation
from ads.forecast.simulation import LOST, PACED, SPENT, WON

from ..decision.rows import NOW, include
from .worlds import AHEAD, COMING, EFFORT, VIEWERS, World, delivered, flight

# One slot in so many is given away by exploration, and lanes are some: this is how exact a share is.
NEARLY = 0.04


def test_alone_a_flight_wins_every_break_that_it_matches() -> None:
    assert delivered(flight(1)) == [pytest.approx(COMING)]
    assert delivered(flight(1, targets=(include(devices=["tv"]),))) == [pytest.approx(COMING / 2, rel=0.01)]
    assert delivered(flight(1, targets=(include(genres=["western"]),))) == [0.0]


def test_two_flights_with_the_same_terms_share_equally_by_their_plans() -> None:
    both = [flight(number, goal_amount=COMING, pacing="even", advertiser=number) for number in (1, 2)]
    first, second = delivered(*both)
    assert first + second == pytest.approx(COMING, rel=0.01)
    assert first == pytest.approx(second, rel=0.1)


def test_a_rival_of_a_higher_tier_takes_all_and_a_lower_priority_gets_what_is_left() -> None:
    # Exploration stays within a tier: a sponsor is never explored away.
    assert delivered(flight(1, tier="sponsorship", share_of_voice=1.0), flight(2)) == pytest.approx([COMING, 0.0])
    first, second = delivered(flight(1, priority=1, goal_amount=COMING // 2), flight(2, priority=9))
    assert first == pytest.approx(COMING // 2, abs=1)
    assert second == pytest.approx(COMING / 2, rel=0.02)


def test_a_sponsor_has_its_share_of_voice() -> None:
    sponsor, rest = delivered(flight(1, tier="sponsorship", share_of_voice=0.5), flight(2))
    assert sponsor == pytest.approx(COMING / 2, rel=NEARLY)
    assert sponsor + rest == pytest.approx(COMING)


@pytest.mark.parametrize(
    ("cap", "consent", "counted"),
    [
        (CapRow("flight", 1, "day"), True, VIEWERS * AHEAD),
        (CapRow("flight", 3, "day"), True, 3 * VIEWERS * AHEAD),
        (CapRow("campaign", 5, "lifetime"), True, 5 * VIEWERS),
        (CapRow("flight", 2, "stream"), True, 2 * VIEWERS * AHEAD),
        # Without consent a day outlives the playback: once in each.
        (CapRow("flight", 3, "day"), False, VIEWERS * AHEAD),
        (CapRow("flight", 1, "pod"), True, COMING),
    ],
)
def test_caps_meet_the_same_viewers_again(cap: CapRow, consent: bool, counted: int) -> None:  # noqa: FBT001
    assert delivered(flight(1, caps=(cap,)), consent=consent) == [pytest.approx(counted, rel=0.03)]


def test_a_goal_and_a_budget_end_a_flight() -> None:
    assert delivered(flight(1, goal_amount=100)) == [pytest.approx(100.0)]
    assert delivered(flight(1, goal_amount=100), events=0.5) == [pytest.approx(100.0)]
    # A thousandth of its bid for each, and the last one has to be paid in full.
    (found,) = delivered(flight(1, budget_micros=1_000_000), micros=10_000.0)
    assert 98.9 <= found <= 100
    daily = flight(1, daily_goal_amount=20, pacing="asap")
    assert delivered(daily) == [pytest.approx(20 * (AHEAD + 1), rel=0.1)]


def test_an_even_flight_delivers_evenly_and_reaches_its_goal() -> None:
    run = World((flight(1, goal_amount=COMING // 2, pacing="even", starts=NOW.timestamp()),)).future().run
    assert run.delivered[:, 0] == pytest.approx(COMING // 2, rel=0.01)
    half = run.days[AHEAD // 2 + 1, :, 0].mean() / (COMING // 2)
    assert half == pytest.approx((AHEAD // 2 + 1) / AHEAD, abs=0.1)


def test_dayparts_and_dates_are_kept() -> None:
    hours = [hour for hour in range(24) if hour % 2]
    evening = delivered(flight(1, targets=(include(dayparts=hours),)))[0]
    requests = World((flight(1),)).people().requests
    assert evening == pytest.approx(AHEAD / 7 * sum(one.hour in hours for one in requests), rel=0.01)
    later = flight(1, starts=NOW.timestamp() + 4 * DAY)
    assert delivered(later) == [pytest.approx(COMING * 3 / 7, rel=0.01)]


def test_one_advertiser_and_one_category_stand_once_in_a_break() -> None:
    same = [flight(number, advertiser=1) for number in (1, 2)]
    assert sum(delivered(*same, breaks={"max_ads": 3})) == pytest.approx(COMING)
    others = [flight(number, advertiser=number) for number in (1, 2)]
    assert sum(delivered(*others, breaks={"max_ads": 3})) == pytest.approx(2 * COMING)
    # Ads of ten seconds: three fit into thirty, and no fourth.
    four = [flight(number, advertiser=number) for number in (1, 2, 3, 4)]
    assert sum(delivered(*four, breaks={"max_ads": 4})) == pytest.approx(3 * COMING)


def test_available_is_what_nobody_else_and_no_goal_takes_and_viewers_are_counted_once() -> None:
    world = World((flight(1, caps=(CapRow("flight", 1, "day"),), goal_amount=5), flight(2, tier="sponsorship", share_of_voice=1.0)))
    run, crowd = world.alone()
    assert run.seen[:, 0].mean() == pytest.approx(VIEWERS * AHEAD, rel=0.03)
    viewers, sessions, often = expectation.audience(crowd, world.people(), run, 0)
    assert viewers == pytest.approx(VIEWERS, rel=0.01)
    assert sessions == 0.0
    assert np.flatnonzero(often).tolist() == [AHEAD - 1]
    stranger = World((flight(1),), consent=False)
    run, crowd = stranger.alone()
    viewers, sessions, _ = expectation.audience(crowd, stranger.people(), run, 0)
    assert viewers == 0.0
    assert sessions == pytest.approx(VIEWERS * AHEAD, rel=0.01)


def test_who_takes_what_adds_up_to_what_is_lost() -> None:
    simulated = World(
        (flight(1, priority=9), flight(2, priority=1, goal_amount=COMING // 4), flight(3, priority=5, goal_amount=COMING // 4))
    ).future()
    run = simulated.run
    assert run.stages[SPENT:, 0].sum() == pytest.approx(COMING)
    assert run.taken[0].sum() == pytest.approx(run.stages[LOST, 0])
    takers = dict(expectation.takers(run, 0))
    assert takers[1] == pytest.approx(0.25, abs=0.05)
    assert takers[2] == pytest.approx(0.25, abs=0.05)


def test_whom_a_flight_hurts_is_told_and_who_never_met_it_is_not() -> None:
    tv, mobile = (include(devices=[device]) for device in ("tv", "mobile"))
    draft, victim, stranger = flight(1, priority=1, targets=(tv,)), flight(2, goal_amount=COMING // 3, targets=(tv,)), flight(3, targets=(mobile,))
    with_it, without, scene = World((draft, victim, stranger)).without(0)
    (hurt,) = expectation.hurt(with_it, without, scene, 0)
    assert (hurt.flight, hurt.final) == (1, True)
    assert hurt.before == pytest.approx(COMING // 3, rel=0.02)
    # All that is left are the few breaks in which exploration lets it stand.
    assert hurt.after < 0.1 * hurt.before


def test_the_same_seed_gives_the_same_future() -> None:
    world = World((flight(1, pacing="even", goal_amount=300), flight(2), flight(3, tier="house")), sure=False)
    first, again = world.future().outcomes, world.future().outcomes
    assert np.array_equal(first, again)


def test_unsure_traffic_makes_an_interval_and_a_goal_closes_it() -> None:
    free, bound = World((flight(1),), sure=False).future(), World((flight(1, goal_amount=200),), sure=False).future()
    told = free.delivery(0)
    assert told.low < COMING * 0.95 < COMING * 1.05 < told.high
    assert told.mean == pytest.approx(COMING, rel=0.1)
    assert bound.delivery(0).low == pytest.approx(200)
    assert bound.delivery(0).high == pytest.approx(200)


def test_pacing_is_told_apart_from_losing() -> None:
    run = World((flight(1, goal_amount=COMING // 10, pacing="even", starts=NOW.timestamp()), flight(2, tier="house"))).future().run
    assert run.stages[PACED, 0] > 0.6 * COMING
    assert run.stages[WON, 0] == pytest.approx(COMING // 10, rel=0.02)


_terms: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "tier": st.sampled_from(["standard", "price_priority", "house"]),
        "goal_amount": st.integers(1, COMING),
        "daily_goal_amount": st.integers(1, 100),
        "budget_micros": st.integers(10_000, 10**7),
        "pacing": st.sampled_from(["asap", "even", "front_loaded"]),
        "priority": st.integers(1, 10),
        "bid_micros": st.integers(1_000_000, 60_000_000),
        "caps": st.sampled_from([(), (CapRow("flight", 1, "day"),), (CapRow("advertiser", 2, "week"),), (CapRow("ad", 1, "stream"),)]),
        "exclusivity": st.sampled_from(["pod", "stream"]),
        "advertiser": st.integers(1, 2),
        "slot_position": st.sampled_from(["any", "first", "last"]),
    },
)


@settings(max_examples=12, deadline=None)
@given(st.lists(_terms, min_size=1, max_size=4), st.integers(1, 3))
def test_nobody_delivers_more_than_there_is_was_sold_or_is_paid_for(terms: list[dict[str, Any]], places: int) -> None:
    rows = tuple(flight(number, **one) for number, one in enumerate(terms, 1))
    scene = World(rows, viewers=8, breaks={"max_ads": places}).scene()
    effort = expectation.Effort(lanes=3, requests=200, seed=EFFORT.seed)
    crowd = expectation.gathered(scene, until=NOW.timestamp() + AHEAD * DAY, effort=effort)
    run = expectation.future(scene, crowd, effort).run
    coming = np.bincount(crowd.lane, weights=crowd.weight)
    assert (run.slots <= coming[:, None] + 1e-6).all()
    assert (run.slots.sum(axis=1) <= places * coming + 1e-6).all()
    for row, sold in enumerate(scene.inventory.flights):
        assert (run.delivered[:, row] <= (sold.goal_amount or np.inf) + 1e-6).all()
        assert (run.micros[:, row] <= sold.budget_micros + 1e-6).all() or sold.tier == "house"
    assert (run.stages[SPENT:].sum(axis=0) <= coming.mean() + 1e-6).all()
