"""Pacing: what is planned, how much is let through, who is let through first, and that a replay meets it all again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.decision import pacing
from ads.decision.inventory import Inventory
from ads.decision.plan import HOURS, LAYERS, Expected, PacingPlan, compile_plan
from ads.decision.state import DeliveryState

from .rows import NOW, flight, inventory

DAY = 86_400.0
START = NOW.timestamp() - DAY
SUPPLY = tuple(float(10 + hour % 24) for hour in range(HOURS))


def one(**changes: Any) -> Inventory:
    """A flight of four days that began a day ago."""
    return inventory(flight(1, **({"starts": START, "ends": START + 4 * DAY, "pacing": "even", "goal_amount": 1000} | changes)))


def plan_of(known: Inventory, **changes: Any) -> PacingPlan:
    return compile_plan(known, {1: Expected(**({"supply": SUPPLY} | changes))})


def state(**counters: int) -> DeliveryState:
    empty: Any = DeliveryState.empty(1)
    counted: DeliveryState = replace(empty, **{name: np.array([value]) for name, value in counters.items()})
    return counted


def paced(known: Inventory, plan: PacingPlan, *, now: float = NOW.timestamp(), **counters: int) -> pacing.Pacing:
    return pacing.pace(known, plan, state(**counters), now)


PACINGS = st.sampled_from(["even", "front_loaded"])
PLANS = st.builds(
    lambda kind, scale, counted: (one(pacing=kind), {"supply": tuple(scale * hour for hour in SUPPLY) if counted else ()}),
    PACINGS,
    st.floats(0.1, 50.0),
    st.booleans(),
)


@given(PLANS, st.floats(0, 4 * DAY), st.integers(0, 999), st.integers(0, 999))
def test_who_is_further_ahead_never_passes_more(made: tuple[Inventory, dict[str, Any]], since: float, one_count: int, other: int) -> None:
    known, expected = made
    plan = plan_of(known, **expected)
    behind, ahead = (paced(known, plan, now=START + since, delivered=count) for count in sorted((one_count, other)))
    assert 0.0 <= ahead.signal[0] <= behind.signal[0] <= 1.0
    assert 1.0 <= ahead.multiplier[0] <= behind.multiplier[0]


@given(PLANS, st.lists(st.floats(0, 4 * DAY), min_size=2, max_size=6))
def test_the_plan_rises_from_nothing_at_the_start_to_all_at_the_end(made: tuple[Inventory, dict[str, Any]], moments: list[float]) -> None:
    known, expected = made
    plan = plan_of(known, **expected)
    planned = [paced(known, plan, now=START + since).planned[0] for since in (0.0, *sorted(moments), 4 * DAY)]
    assert planned[0] == pytest.approx(0.0, abs=1e-9)
    assert planned[-1] == pytest.approx(1.0)
    assert np.all(np.diff(planned) >= -1e-12)


def test_the_plan_follows_the_forecast_requests_not_the_clock() -> None:
    midnight = START - START % DAY
    known = one(starts=midnight, ends=midnight + 4 * DAY)
    evening = tuple(100.0 if hour % 24 >= 18 else 1.0 for hour in range(HOURS))
    noon = midnight + 1.5 * DAY
    assert paced(known, plan_of(known, supply=evening), now=noon).planned[0] < paced(known, plan_of(known, supply=()), now=noon).planned[0] - 0.05


def test_front_loaded_has_three_quarters_planned_at_half_time() -> None:
    known = one(pacing="front_loaded")
    assert paced(known, plan_of(known, supply=()), now=START + 2 * DAY).planned[0] == pytest.approx(0.75)


@given(st.integers(0, 999), st.floats(0, 4 * DAY))
def test_as_fast_as_possible_always_passes(delivered: int, since: float) -> None:
    known = one(pacing="asap")
    found = paced(known, plan_of(known), now=START + since, delivered=delivered)
    assert found.signal[0] == 1.0
    assert found.told(np.array([0]))[0]["reason"] == "asap"


@given(st.sampled_from(["asap", "even", "front_loaded"]), st.integers(0, 1000))
def test_what_is_delivered_and_held_never_passes_the_goal(kind: str, delivered: int) -> None:
    known = one(pacing=kind)
    found = paced(known, plan_of(known), delivered=delivered, held_count=1000 - delivered)
    assert found.signal[0] == 0.0
    assert found.told(np.array([0]))[0]["reason"] == "finished"


def test_holds_count_only_as_far_as_they_are_likely_to_settle() -> None:
    known = one()
    plan = plan_of(known, settle_share=0.5)
    assert paced(known, plan, held_count=100).delivered[0] == pytest.approx(0.05)
    assert paced(known, plan, delivered=100).delivered[0] == pytest.approx(0.1)


def test_a_flight_behind_its_plan_says_so_and_is_ranked_up() -> None:
    known = one()
    found = paced(known, plan_of(known), delivered=10)
    assert found.told(np.array([0]))[0]["reason"] == "behind"
    assert found.multiplier[0] > 1.0
    assert paced(known, plan_of(known), delivered=900).told(np.array([0]))[0]["reason"] == "ahead"


def test_a_flight_without_a_forecast_follows_the_clock_and_says_so() -> None:
    known = one()
    ahead = paced(known, compile_plan(known), delivered=600)
    assert ahead.told(np.array([0]))[0]["reason"] == "no_forecast"
    assert ahead.signal[0] < 0.01
    assert paced(known, compile_plan(known), delivered=10).signal[0] == 1.0


def test_a_flight_ahead_of_its_day_is_held_back_although_its_whole_plan_is_behind() -> None:
    known = one(daily_budget_micros=1_000_000, budget_micros=100_000_000)
    plan = plan_of(known)
    early = NOW.timestamp() - NOW.timestamp() % DAY + 3600
    found = paced(known, plan, now=early, delivered=1, day_booked=900_000)
    assert found.told(np.array([0]))[0]["reason"] == "day_ahead"
    assert found.signal[0] < 0.1 * paced(known, plan, now=early, delivered=1).signal[0]
    assert paced(known, plan, now=early + 20 * 3600, delivered=1).told(np.array([0]))[0]["reason"] == "behind"


def layered(signal: float, borders: list[float]) -> pacing.Pacing:
    one_value = np.array([signal])
    return pacing.Pacing(one_value, one_value, one_value, one_value, np.array([0]), np.array([True]), np.array([borders]))


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=LAYERS - 1, max_size=LAYERS - 1), st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_a_higher_response_is_never_let_through_less(signal: float, borders: list[float], responses: list[float]) -> None:
    known = inventory(flight(1))
    rows = np.zeros(len(responses), dtype=np.int64)
    rates = pacing.pass_rates(layered(signal, sorted(borders)), known, rows, np.array(sorted(responses)))
    assert np.all((rates >= 0.0) & (rates <= 1.0))
    assert np.all(np.diff(rates) >= 0.0)


@given(st.floats(0, 1))
def test_over_the_layers_the_pass_rate_averages_to_the_signal(signal: float) -> None:
    known = inventory(flight(1))
    borders = [float(border) for border in range(1, LAYERS)]
    rates = pacing.pass_rates(layered(signal, borders), known, np.zeros(LAYERS, dtype=np.int64), np.array([*borders, LAYERS]) - 0.5)
    assert rates.mean() == pytest.approx(signal, abs=1e-12)


@given(st.lists(st.floats(1e-9, 1.0), min_size=3, max_size=3), st.floats(1.0, 1e9))
def test_what_is_stored_of_pacing_is_restored_bit_for_bit(rates: list[float], multiplier: float) -> None:
    known = inventory(*(flight(number) for number in range(1, 6)))
    found = pacing.pace(known, None, DeliveryState.empty(5), NOW.timestamp())
    found.multiplier[:] = multiplier / 3.0
    rows = np.array([0, 2, 3])
    again = pacing.restored(pacing.stored(found, known, rows, np.array(rates)), known, rows)
    assert pacing.pass_rates(again, known, rows, np.zeros(3)).tolist() == rates
    assert again.multiplier[rows].tolist() == found.multiplier[rows].tolist()
