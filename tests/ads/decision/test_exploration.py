"""Exploration is bounded, its chances are known, and it never breaks a rule."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.decision import exploration
from ads.decision.control import CONTROL_SHARE, in_control
from ads.decision.decide import decide
from ads.decision.explanation import REASONS
from ads.decision.inventory import Inventory
from ads.decision.request import AdRequest
from ads.decision.stages import STAGES, of_breaks, stage_of
from ads.decision.state import Decision, DeliveryState

from .rows import NOW, flat_score, flight, id_score, inventories, inventory, request, requests


def decided(stock: Inventory, asked: AdRequest, seed: int) -> Decision:
    return decide(asked, inventory=stock, state=DeliveryState.empty(len(stock.flights)), score=id_score, now=NOW, rng=np.random.default_rng(seed))


@given(st.integers(1, 200), st.integers(0, 2**32))
def test_chances_over_a_lot_sum_to_one_and_none_is_below_the_floor(able: int, seed: int) -> None:
    lot = exploration.draw(np.random.default_rng(seed), slots=[(0, able // 2, np.arange(able))])
    assert lot is not None
    chances = [lot.propensity(place) for place in range(able)]
    assert sum(chances) == pytest.approx(1.0)
    assert lot.best in lot.places
    assert lot.chosen in lot.places
    assert all(chance >= exploration.FLOOR * (1 - 1e-9) for chance in chances if chance)
    assert sum(chance > 0 for chance in chances) == min(able, exploration.MOST_IN_A_LOT)


def test_what_is_drawn_comes_as_often_as_its_chance_says() -> None:
    able, best = np.arange(8), 3
    lots = [exploration.draw(np.random.default_rng(seed), slots=[(0, best, able)]) for seed in range(20_000)]
    others = sum(lot is not None and lot.explored is not None for lot in lots)
    assert others / 20_000 == pytest.approx(exploration.EPSILON * 7 / 8, abs=0.006)


def test_every_ad_is_as_often_in_the_lot_where_there_are_too_many() -> None:
    lots = [exploration.draw(np.random.default_rng(seed), slots=[(0, 0, np.arange(80))]) for seed in range(2_000)]
    times = np.bincount([place for lot in lots if lot for place in lot.places], minlength=80)
    assert times[0] == 2_000
    assert times[1:].min() > 0.8 * times[1:].mean()


@given(inventories(), requests, st.integers(0, 2**32))
def test_the_lot_is_whoever_could_stand_in_the_slot_beside_the_rest_of_the_pod(stock: Inventory, asked: AdRequest, seed: int) -> None:
    """Each of the lot is put in the slot: the pod keeps every rule; nobody else of the tier could be."""
    decision = decided(stock, asked, seed)
    drawn = decision.explanation["randomised"]
    randomised = [slot for slot in decision.slots if slot.randomised]
    assert len(randomised) == (drawn is not None)
    if drawn is None:
        return
    pod = [slot.alternates[0].row for slot in decision.slots]
    rest = [row for index, row in enumerate(pod) if index != drawn["slot"]]
    tier = stock.tier[stock.ad_flight[pod[drawn["slot"]]]]
    could = {
        int(stock.ad_id[row])
        for row in decision.eligible.tolist()
        if stock.tier[stock.ad_flight[row]] == tier and stands(stock, asked, row, rest, drawn["slot"], len(pod))
    }
    assert could == {drawn["best"]["ad"], *drawn["others"]["ads"]}
    assert drawn["best"]["propensity"] + len(drawn["others"]["ads"]) * (drawn["others"]["propensity"] or 0.0) == pytest.approx(1.0)
    told = {item["ad"]: item["propensity"] for item in decision.explanation["candidates"] if item["propensity"] is not None}
    assert told.keys() <= could
    holder = randomised[0].alternates[0]
    assert holder.propensity == told[stock.ads[holder.row].id]


def stands(stock: Inventory, asked: AdRequest, row: int, rest: list[int], slot: int, slots: int) -> bool:
    """The rules of a pod, told once more and slowly."""
    if row in rest:
        return False
    mine = stock.ad_flight[row]
    position = stock.slot_position[mine]
    if (position == 1 and slot != 0) or (position == 2 and slot != slots - 1):
        return False
    if round(1000 * stock.ad_duration[row]) + sum(round(1000 * stock.ad_duration[other]) for other in rest) > 1000 * asked.duration + 50:
        return False
    for other in rest:
        theirs = stock.ad_flight[other]
        if stock.advertiser[mine] == stock.advertiser[theirs] or stock.ad_category[row] == stock.ad_category[other]:
            return False
        if stock.excludes[mine, stock.ad_category[other]] or stock.excludes[theirs, stock.ad_category[row]]:
            return False
        if position and position == stock.slot_position[theirs]:
            return False
    return True


def test_sponsorships_and_house_ads_are_never_explored_away() -> None:
    sponsor = inventory(*(flight(n, tier="sponsorship", share_of_voice=1.0) for n in range(1, 6)))
    house = inventory(*(flight(n, tier="house") for n in range(1, 6)))
    for stock in (sponsor, house):
        assert not any(slot.randomised for seed in range(100) for slot in decided(stock, request(), seed).slots)


def test_the_control_slice_is_a_fixed_share_of_the_audience() -> None:
    viewers = [request(viewer=uuid.UUID(int=n), consent=True) for n in range(4_000)]
    inside = [in_control(asked) for asked in viewers]
    assert sum(inside) / 4_000 == pytest.approx(CONTROL_SHARE, abs=0.015)
    again = [in_control(request(viewer=asked.viewer, consent=True, session=uuid.UUID(int=9))) for asked in viewers]
    assert again == inside


def test_without_consent_the_session_decides_about_control() -> None:
    answers = {in_control(request(viewer=uuid.UUID(int=1), consent=False, session=uuid.UUID(int=n))) for n in range(200)}
    assert answers == {True, False}


def test_a_decision_says_whether_it_is_of_the_control_slice() -> None:
    stock = inventory(flight(1))
    for n in range(60):
        asked = request(session=uuid.UUID(int=n))
        decision = decide(asked, inventory=stock, state=DeliveryState.empty(1), score=flat_score(), now=NOW, rng=np.random.default_rng(1))
        assert decision.control is in_control(asked)


def test_every_reason_an_ad_can_have_belongs_to_a_stage() -> None:
    assert {stage_of(code) for code in REASONS if not of_breaks(code)} == STAGES.keys()
