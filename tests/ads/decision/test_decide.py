"""Whatever the inventory, a decision keeps its rules; and it is a function of its arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.decision import pacing
from ads.decision.decide import decide
from ads.decision.explanation import REASONS
from ads.decision.inventory import Inventory
from ads.decision.request import AdRequest
from ads.decision.state import Decision, DeliveryState

from .rows import NOW, flat_score, flight, id_score, inventories, inventory, request, requests


def decided(stock: Inventory, asked: AdRequest, seed: int = 1, state: DeliveryState | None = None) -> Decision:
    return decide(
        asked, inventory=stock, state=state or DeliveryState.empty(len(stock.flights)), score=id_score, now=NOW, rng=np.random.default_rng(seed)
    )


def reasons(decision: Decision, stock: Inventory) -> dict[int, str]:
    """Every ad's reason code; each ad must have exactly one."""
    found = [(item["ad"], item["reason"]) for item in decision.explanation["candidates"]]
    found += [(ad, reason) for reason, ads in decision.explanation["others"].items() for ad in ads]
    assert sorted(ad for ad, _ in found) == stock.ad_id.tolist()
    assert {reason for _, reason in found} <= REASONS.keys()
    return dict(found)


@given(inventories(), requests, st.integers(0, 2**32))
def test_the_same_inputs_and_seed_give_the_same_decision(stock: Inventory, asked: AdRequest, seed: int) -> None:
    first, second = decided(stock, asked, seed), decided(stock, asked, seed)
    assert first.slots == second.slots
    assert first.explanation == second.explanation


@given(inventories(), requests, st.integers(0, 2**32))
def test_every_ad_has_one_reason(stock: Inventory, asked: AdRequest, seed: int) -> None:
    decision = decided(stock, asked, seed)
    codes = reasons(decision, stock)
    assert sum(code in ("won", "explored") for code in codes.values()) == len(decision.slots)


def test_exploration_happens_as_often_as_its_rate_says() -> None:
    stock = inventory(*(flight(number) for number in range(1, 21)))
    explored = sum(any(slot.alternates[0].explored for slot in decided(stock, request(), seed).slots) for seed in range(1500))
    assert 30 <= explored <= 95


def test_flights_outside_their_dates_do_not_serve() -> None:
    later, gone = flight(1, starts=NOW.timestamp() + 1), flight(2, ends=NOW.timestamp())
    stock = inventory(later, gone)
    assert reasons(decided(stock, request()), stock) == {1: "not_started", 2: "ended"}


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [("booked", 100, "budget_spent"), ("held", 100, "budget_spent"), ("day_booked", 60, "daily_budget_spent"), ("delivered", 9, "goal_reached")],
)
def test_a_flight_with_nothing_left_does_not_serve(column: str, value: int, reason: str) -> None:
    stock = inventory(flight(1, bid_micros=1_000, budget_micros=100, daily_budget_micros=60, goal_amount=9))
    changed: dict[str, Any] = {column: np.array([value])}
    state = replace(DeliveryState.empty(1), **changed)
    assert reasons(decided(stock, request(), state=state), stock) == {1: reason}


@pytest.mark.parametrize(("pricing", "bid", "cost"), [("cpm", 28_000_000, 28_000), ("cpcv", 40_000, 40_000), ("cpc", 900_000, 900_000)])
@pytest.mark.parametrize(
    ("limits", "column", "reason"),
    [
        ({"daily_budget_micros": 10**7}, "day_booked", "daily_budget_spent"),
        ({"budget_micros": 10**7}, "held", "budget_spent"),
        ({"goal_type": "spend", "goal_amount": 10**7}, "booked", "budget_spent"),
        ({"goal_type": "spend", "daily_goal_amount": 10**7}, "day_booked", "daily_budget_spent"),
    ],
)
def test_a_flight_that_cannot_pay_one_more_event_at_its_bid_is_spent(
    limits: dict[str, Any], column: str, reason: str, pricing: str, bid: int, cost: int
) -> None:
    stock = inventory(flight(1, pricing=pricing, bid_micros=bid, **limits))
    enough: dict[str, Any] = {column: np.array([10**7 - cost])}
    too_little: dict[str, Any] = {column: np.array([10**7 - cost + 1])}
    assert pacing.spent(stock, replace(DeliveryState.empty(1), **enough)).tolist() == [0]
    assert reasons(decided(stock, request(), state=replace(DeliveryState.empty(1), **too_little)), stock) == {1: reason}


def test_a_house_flight_is_never_spent() -> None:
    stock = inventory(flight(1, tier="house", bid_micros=5_000_000, budget_micros=0, goal_amount=None))
    assert pacing.spent(stock, DeliveryState.empty(1)).tolist() == [0]


def test_held_impressions_do_not_count_towards_a_goal_of_clicks() -> None:
    stock = inventory(flight(1, goal_type="clicks", goal_amount=9))
    assert decided(stock, request(), state=replace(DeliveryState.empty(1), held_count=np.array([50]))).slots


def test_an_even_flight_far_ahead_of_its_plan_is_held_back() -> None:
    stock = inventory(flight(1, pacing="even", goal_amount=100), flight(2, pacing="asap", goal_amount=100))
    state = replace(DeliveryState.empty(2), delivered=np.array([90, 90]))
    held_back = [reasons(decided(stock, request(), seed, state), stock) for seed in range(40)]
    assert sum(found[1] == "paced" for found in held_back) > 30
    assert all(found[2] != "paced" for found in held_back)


def test_an_ad_longer_than_the_break_and_one_below_the_reserve_stay_out() -> None:
    long = inventory(flight(1), duration=40.0)
    assert reasons(decided(long, request()), long) == {1: "too_long"}
    cheap = inventory(flight(1, bid_micros=999_000))
    assert reasons(decided(cheap, request()), cheap) == {1: "below_reserve"}


def test_priority_goes_before_value() -> None:
    stock = inventory(flight(1, priority=5, bid_micros=50_000_000), flight(2, priority=3, bid_micros=2_000_000))
    slots = decide(request(max_ads=1), inventory=stock, state=DeliveryState.empty(2), score=flat_score(), now=NOW, rng=np.random.default_rng(5)).slots
    assert stock.ads[slots[0].alternates[0].row].id == 2


@pytest.mark.parametrize(("pricing", "bid", "event_price"), [("cpm", 20_000_000, 20_000), ("cpc", 1_000_000, 1_000_000), ("cpcv", 30_000, 28_571)])
def test_the_winner_pays_what_the_runner_up_was_worth(pricing: str, bid: int, event_price: int) -> None:
    """The runner-up is worth 20,000 micros an impression; pCTR is .02 and pVCR .7."""
    stock = inventory(flight(1, pricing=pricing, bid_micros=bid), flight(2, bid_micros=20_000_000, advertiser=1))
    slots = decide(request(max_ads=1), inventory=stock, state=DeliveryState.empty(2), score=flat_score(), now=NOW, rng=np.random.default_rng(5)).slots
    first = slots[0].alternates[0]
    assert stock.ads[first.row].id == 1
    assert first.price_micros == 20_000
    assert first.event_price_micros == event_price
