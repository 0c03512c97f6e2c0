"""A break is filled as well as it can be, and never against a rule."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.decision import knapsack, pod
from ads.decision.decide import decide
from ads.decision.inventory import Inventory, Rows, compile_inventory
from ads.decision.request import AdRequest
from ads.decision.state import Decision, DeliveryState

from .rows import NOW, ad, flat_score, flight, inventories, inventory, request, requests

LENGTHS = (6_000, 10_000, 15_000, 20_000, 30_000)


@st.composite
def items(draw: st.DrawFn) -> knapsack.Items:
    """Scores of a few kinds, so that there are ties."""
    n = draw(st.integers(1, 11))

    def column(values: st.SearchStrategy[Any]) -> Any:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    return knapsack.Items(
        score=np.sort(column(st.sampled_from([1000.0, 1500.5, 7000.25]) | st.floats(1, 50_000)))[::-1],
        length=column(st.sampled_from(LENGTHS)),
        group=column(st.integers(0, 4)),
        owner=column(st.integers(0, 5)),
        end=column(st.sampled_from([0, 0, 0, 1, 2])),
        bars=column(st.lists(st.sampled_from([False, False, False, True]), min_size=5, max_size=5)).reshape(n, 5),
    )


def together(found: knapsack.Items, one: int, other: int) -> bool:
    return not (
        found.group[one] == found.group[other]
        or found.owner[one] == found.owner[other]
        or (found.end[one] and found.end[one] == found.end[other])
        or found.bars[one][found.group[other]]
        or found.bars[other][found.group[one]]
    )


def allowed(found: knapsack.Items, places: tuple[int, ...], room: int) -> bool:
    return bool(found.length[list(places)].sum() <= room) and all(together(found, *pair) for pair in itertools.combinations(places, 2))


@given(items(), st.sampled_from([30_000, 45_000, 60_000]), st.integers(1, 4))
def test_no_other_set_is_worth_more(found: knapsack.Items, room: int, places: int) -> None:
    chosen = tuple(knapsack.best(found, room, places))
    assert allowed(found, chosen, room)
    every = itertools.chain.from_iterable(itertools.combinations(range(len(found.score)), size) for size in range(1, places + 1))
    most = max(found.score[list(one)].sum() for one in every if allowed(found, one, room))
    assert found.score[list(chosen)].sum() == pytest.approx(most)


def decided(stock: Inventory, asked: AdRequest, seed: int = 1, **score: float) -> Decision:
    generator = np.random.default_rng(seed)
    return decide(asked, inventory=stock, state=DeliveryState.empty(len(stock.flights)), score=flat_score(**score), now=NOW, rng=generator)


def first_choice(stock: Inventory, asked: AdRequest) -> list[int]:
    """The ads of the pod where nothing is explored."""
    for seed in range(50):
        slots = decided(stock, asked, seed).slots
        if not any(slot.alternates[0].explored for slot in slots):
            return [stock.ads[slot.alternates[0].row].id for slot in slots]
    raise AssertionError("fifty explorations in a row")


@given(inventories(), requests, st.integers(0, 2**32))
def test_whatever_is_asked_a_pod_breaks_no_rule(stock: Inventory, asked: AdRequest, seed: int) -> None:
    slots = decided(stock, asked, seed).slots
    rows = [slot.alternates[0].row for slot in slots]
    flights = stock.ad_flight[rows]
    assert len(rows) <= asked.max_ads
    assert stock.ad_duration[rows].sum() <= asked.duration + pod.TOLERANCE_SECONDS
    assert len(set(stock.ad_category[rows].tolist())) == len(rows)
    assert len(set(stock.advertiser[flights].tolist())) == len(rows)
    assert not stock.excludes[flights][:, stock.ad_category[rows]].any() or len(rows) < 2
    for slot in slots:
        for alternate in slot.alternates:
            position = stock.slot_position[stock.ad_flight[alternate.row]]
            assert position != pod.FIRST or slot.index == 0
            assert position != pod.LAST or slot.index == len(slots) - 1


def rows_of(*ads: dict[str, Any]) -> Inventory:
    """Flights of one ad each; keys of an ad beside those of its flight."""
    own = ("category", "duration")
    flights = tuple(flight(n, **{key: value for key, value in fields.items() if key not in own}) for n, fields in enumerate(ads, start=1))
    return compile_inventory(
        Rows(flights, tuple(ad(n, n, **{key: fields[key] for key in own if key in fields}) for n, fields in enumerate(ads, start=1)))
    )


def test_two_short_ads_beat_a_long_one_that_is_worth_more_than_either() -> None:
    stock = rows_of(
        {"category": "travel", "duration": 30.0, "bid_micros": 30_000_000},
        {"category": "finance", "duration": 15.0, "bid_micros": 20_000_000},
        {"category": "gaming", "duration": 15.0, "bid_micros": 18_000_000},
    )
    assert first_choice(stock, request()) == [2, 3]


def test_a_better_tier_goes_before_any_price() -> None:
    stock = rows_of(
        {"category": "travel", "tier": "price_priority", "bid_micros": 90_000_000, "duration": 30.0},
        {"category": "finance", "tier": "standard", "bid_micros": 2_000_000, "duration": 20.0},
        {"category": "gaming", "tier": "house", "bid_micros": 0, "duration": 10.0},
    )
    assert first_choice(stock, request()) == [2, 3]


def test_house_ads_fill_only_where_the_policy_lets_them_and_cost_nothing() -> None:
    stock = rows_of({"category": "travel"}, {"category": "finance", "tier": "house", "bid_micros": 5_000_000, "budget_micros": 0})
    slots = decided(stock, request()).slots
    assert [stock.ads[slot.alternates[0].row].id for slot in slots] == [1, 2]
    assert [slot.alternates[0].price_micros for slot in slots] == [1_000, 0]
    assert slots[1].alternates[0].hold_micros == slots[1].alternates[0].event_price_micros == 0
    without = decided(stock, request(house_ads=False))
    assert len(without.slots) == 1
    assert without.explanation["others"]["house_not_allowed"] == [2]


def test_first_and_last_slots_go_to_who_bought_them() -> None:
    stock = rows_of(
        {"category": "travel", "bid_micros": 30_000_000},
        {"category": "finance", "bid_micros": 40_000_000, "slot_position": "last"},
        {"category": "gaming", "bid_micros": 9_000_000, "slot_position": "first"},
    )
    assert first_choice(stock, request()) == [3, 1, 2]


def test_a_sponsorship_has_its_share_of_the_breaks_and_two_of_them_take_turns() -> None:
    stock = rows_of(
        {"category": "travel", "tier": "sponsorship", "share_of_voice": 0.5},
        {"category": "travel", "tier": "sponsorship", "share_of_voice": 0.3},
        {"category": "finance", "bid_micros": 50_000_000},
    )
    winners = [stock.ads[decided(stock, request(max_ads=1), seed).slots[0].alternates[0].row].id for seed in range(600)]
    assert 250 <= winners.count(1) <= 350
    assert 140 <= winners.count(2) <= 220
    assert all(
        1 in decided(stock, request(max_ads=1), seed).explanation["others"].get("share_of_voice", []) for seed in range(20) if winners[seed] != 1
    )


@pytest.mark.parametrize(
    ("ads", "changes", "reason"),
    [
        ([{"category": "travel", "duration": 10.0}], {}, "no_candidate"),
        ([{"category": "travel", "duration": 10.0}, {"category": "travel", "duration": 10.0}], {}, "pod_conflict"),
        ([{"category": "travel", "duration": 20.0}, {"category": "finance", "duration": 20.0}], {}, "too_short_for_any"),
        ([{"category": "travel", "duration": 10.0}, {"category": "finance", "duration": 10.0}], {"max_ads": 1}, "most_ads"),
        ([{"category": "travel", "duration": 40.0}], {}, "too_short_for_any"),
        ([{"category": "travel", "bid_micros": 1}], {}, "below_reserve"),
        ([{"category": "travel", "include": None}], {"device": "toaster"}, "no_candidate"),
    ],
)
def test_seconds_that_stay_empty_say_why(ads: list[dict[str, Any]], changes: dict[str, Any], reason: str) -> None:
    stock = rows_of(*[{key: value for key, value in fields.items() if key != "include"} for fields in ads])
    found = decided(stock, request(**changes))
    assert found.explanation["unfilled"]["reason"] == reason
    filled = sum(float(stock.ad_duration[slot.alternates[0].row]) for slot in found.slots)
    assert found.explanation["unfilled"]["seconds"] == pytest.approx(30.0 - filled)


def test_a_full_break_has_nothing_unfilled() -> None:
    assert decided(inventory(flight(1), duration=30.0), request()).explanation["unfilled"] is None
