"""Prices lie between reserve and bid, for every pricing; quality is bounded; turns are taken as bought."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.learning.online import COUNTERS
from ads.decision import auction
from ads.decision.decide import candidates, decide
from ads.decision.inventory import CPC, CPCV, CPM, HOUSE, Inventory, Rows, compile_inventory
from ads.decision.request import AdRequest
from ads.decision.state import DeliveryState

from .rows import NOW, ad, flat_score, flight, id_score, inventories, inventory, request, requests

rates = st.floats(0.0001, 1.0)


@given(st.floats(0, 1e6), st.floats(0.01, 30), st.floats(0, 1e8), st.integers(0, 50_000))
def test_a_price_is_whole_and_binds_the_reserve_from_below_and_the_own_value_from_above(
    value: float, multiplier: float, runner_up: float, reserve: int
) -> None:
    price = auction.impression_price(value, multiplier, runner_up, reserve=reserve)
    assert isinstance(price, int)
    assert price >= reserve
    assert price <= max(reserve, value)
    assert price == reserve or price <= runner_up / multiplier


@given(st.sampled_from([CPM, CPC, CPCV]), st.integers(1, 10**9), st.integers(0, 10**6), rates, rates)
def test_what_an_event_costs_is_whole_and_never_above_the_bid_nor_worth_more_than_the_impression(
    pricing: int, bid: int, price: int, pctr: float, pvcr: float
) -> None:
    cost = auction.event_price(pricing, float(bid), price, pctr, pvcr)
    assert isinstance(cost, int)
    assert 0 <= cost <= (bid // 1000 if pricing == CPM else bid)
    assert cost * {CPM: 1.0, CPC: pctr, CPCV: pvcr}[pricing] <= price * (1 + 1e-9)


@given(inventories(), requests, st.integers(0, 2**32), st.sampled_from([0, 1_000, 8_000]))
def test_whoever_serves_pays_between_the_titles_reserve_and_the_own_bid(stock: Inventory, asked: AdRequest, seed: int, reserve: int) -> None:
    asked = replace(asked, reserve_micros=reserve)
    slots = decide(
        asked, inventory=stock, state=DeliveryState.empty(len(stock.flights)), score=id_score, now=NOW, rng=np.random.default_rng(seed)
    ).slots
    for alternate in itertools.chain.from_iterable(slot.alternates for slot in slots):
        place = stock.ad_flight[alternate.row]
        bid = int(stock.bid[place])
        if stock.tier[place] == HOUSE:
            assert (alternate.price_micros, alternate.event_price_micros, alternate.hold_micros) == (0, 0, 0)
            continue
        assert reserve <= alternate.price_micros <= alternate.value_micros
        assert 0 <= alternate.event_price_micros <= (bid // 1000 if stock.pricing[place] == CPM else bid)
        assert not alternate.explored or alternate.price_micros == reserve


def measured(impressions: float, completes: float, errors: float = 0.0) -> np.ndarray:
    counts = np.zeros((1, len(COUNTERS)))
    counts[0, COUNTERS.index("impressions")], counts[0, COUNTERS.index("completes")] = impressions, completes
    counts[0, COUNTERS.index("errors")] = errors
    return counts


@pytest.mark.parametrize(
    ("own", "category", "low", "high"),
    [((0, 0), (0, 0), 1.0, 1.0), ((0, 0), (9_000, 5_000), 1.0, 1.0), ((9_000, 500), (9_000, 8_000), 0.5, 0.5), ((90_000, 89_000), (90_000, 30_000), 1.5, 1.5),
     ((20, 0), (9_000, 7_200), 0.9, 0.95)],
)  # fmt: skip
def test_quality_tells_an_ad_from_its_category_only_as_far_as_it_was_measured(
    own: tuple[int, int], category: tuple[int, int], low: float, high: float
) -> None:
    stock = inventory(flight(1))
    state = replace(DeliveryState.empty(1), rates={"ad": measured(*own), "category": measured(*category)})
    found = auction.quality(candidates(stock, state, np.array([0])))
    assert low - 1e-9 <= found[0] <= high + 1e-9


def test_an_ad_that_fails_before_its_first_frame_loses_quality_as_far_as_its_category_does_not() -> None:
    stock = inventory(flight(1), flight(2), flight(3))
    category = measured(9_000, 7_200)
    rates = {"ad": np.vstack([measured(900, 720), measured(900, 720, 300), measured(0, 0, 600)]), "category": np.vstack([category] * 3)}
    sound, failing, never = auction.quality(candidates(stock, replace(DeliveryState.empty(3), rates=rates), np.arange(3)))
    assert sound == pytest.approx(1.0, abs=0.01)
    assert 0.7 < failing < 0.9
    assert never == auction.LEAST_QUALITY
    usual = replace(DeliveryState.empty(3), rates=rates | {"category": np.vstack([measured(9_000, 7_200, 3_000)] * 3)})
    assert auction.quality(candidates(stock, usual, np.arange(3)))[1] == pytest.approx(1.0, abs=0.05)


def test_a_better_kept_ad_wins_against_an_equal_bid_and_pays_less() -> None:
    stock = inventory(flight(1), flight(2))
    rates = {"ad": np.vstack([measured(20_000, 8_000), measured(20_000, 19_000)]), "category": np.vstack([measured(40_000, 27_000)] * 2)}
    state = replace(DeliveryState.empty(2), rates=rates)
    decision = decide(request(max_ads=1), inventory=stock, state=state, score=flat_score(), now=NOW, rng=np.random.default_rng(5))
    first = decision.slots[0].alternates[0]
    assert stock.ads[first.row].id == 2
    assert 1_000 < first.price_micros < 10_000


@given(st.lists(st.floats(0.05, 1.0), min_size=1, max_size=6))
def test_shares_of_voice_are_met_exactly_over_all_draws(shares: list[float]) -> None:
    stock = inventory(*(flight(n, tier="sponsorship", share_of_voice=share) for n, share in enumerate(shares, start=1)))
    draws = (np.arange(2_000) + 0.5) / 2_000
    turns = np.array([auction.admitted(stock, np.ones(len(shares), dtype=bool), draw) for draw in draws])
    assert turns.mean(axis=0) == pytest.approx(shares, abs=2e-3)
    together = turns.sum(axis=1)
    assert together.max() <= np.ceil(sum(shares) + 1e-9)


def test_the_runner_up_is_whoever_could_have_stood_in_the_slot() -> None:
    """The second best is a rival of the ad that stays, so it could not have: the third sets the price."""
    ads = ((1, "travel", 30_000_000), (2, "finance", 28_000_000), (3, "finance", 26_000_000), (4, "gaming", 9_000_000))
    stock = compile_inventory(
        Rows(tuple(flight(n, bid_micros=bid) for n, _, bid in ads), tuple(ad(n, n, category=name, duration=15.0) for n, name, _ in ads))
    )
    decision = decide(request(), inventory=stock, state=DeliveryState.empty(4), score=flat_score(), now=NOW, rng=np.random.default_rng(5))
    assert [(stock.ads[slot.alternates[0].row].id, slot.alternates[0].price_micros) for slot in decision.slots] == [(1, 9_000), (2, 26_000)]
