"""Budgets split between the arms of an experiment: no arm takes the other's share, and the flight's own limits stand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from adplatform.eventlog import consumer, ids, stream
from adplatform.experiments import selectors
from adplatform.models import Experiment
from ads import live_inventory, recovery, reservation
from ads.decision.decide import decide
from ads.decision.state import DeliveryState
from ads.models import Decision, FlightBalance, LedgerEntry
from ads.serving import serve_break

from .decision import rows
from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)
PRICE = 1_000
HALVES = [{"name": "control", "share": 0.5}, {"name": "bolder", "share": 0.5}]


@pytest.fixture(autouse=True)
def split() -> Iterator[Experiment]:
    made = Experiment.objects.create(key="split", arms=HALVES, state="running", started_at=NOW - timedelta(minutes=1), split_budgets=True)
    selectors.forget()
    yield made
    selectors.forget()


def serve(arm: str, at: datetime, *, watched: bool = True, **asked: Any) -> bool:
    """One break of one ad for a viewer in ``arm`` ("": in none); whether it was filled."""
    arms = {"split": arm} if arm else {}
    answer = serve_break(make_request(session=uuid.uuid4(), arms=arms, max_ads=1, **asked), now=at, rng=np.random.default_rng(1))
    for ad in answer.ads if watched else ():
        track(ad.token, "ad.impression", at=at)
    consumer.drain()
    return bool(answer.ads)


def booked_by_arm() -> dict[str, int]:
    sums: dict[str, int] = {}
    arms = dict(Decision.objects.values_list("id", "request__arms__split"))
    for decision, micros in LedgerEntry.objects.values_list("decision", "amount_micros"):
        sums[arms[decision]] = sums.get(arms[decision], 0) + micros
    return sums


def moments() -> Iterator[datetime]:
    return (NOW + timedelta(seconds=number) for number in range(10_000))


def test_an_arm_that_asks_first_leaves_the_other_its_half() -> None:
    make_ad(bid_micros=1_000_000, budget_micros=12 * PRICE)
    at = moments()
    assert [serve("control", next(at)) for _ in range(8)] == [True] * 6 + [False] * 2
    assert [serve("bolder", next(at)) for _ in range(8)] == [True] * 6 + [False] * 2
    assert booked_by_arm() == {"control": 6 * PRICE, "bolder": 6 * PRICE}
    assert FlightBalance.objects.get().booked_micros == 12 * PRICE


def test_unequal_shares_and_those_in_no_arm(split: Experiment) -> None:
    """What goes to nobody's arm is taken from what the arms may share, in their proportions."""
    Experiment.objects.filter(pk=split.pk).update(arms=[{"name": "control", "share": 0.3}, {"name": "bolder", "share": 0.1}])
    selectors.forget()
    make_ad(bid_micros=1_000_000, budget_micros=12 * PRICE)
    at = moments()
    assert [serve("", next(at)) for _ in range(4)] == [True] * 4
    assert sum(serve("bolder", next(at)) for _ in range(5)) == 2
    assert sum(serve("control", next(at)) for _ in range(8)) == 6


def test_a_goal_and_a_day_are_split_as_a_budget_is() -> None:
    make_ad(bid_micros=1_000_000, goal_amount=8)
    at = moments()
    assert sum(serve("control", next(at)) for _ in range(6)) == 4
    make_ad(bid_micros=1_000_000, budget_micros=100 * PRICE, daily_budget_micros=8 * PRICE)
    assert sum(serve("control", next(at)) for _ in range(6)) == 4
    assert serve("control", NOW + timedelta(days=1))


def test_what_was_not_shown_is_given_back_to_the_arm() -> None:
    make_ad(bid_micros=1_000_000, budget_micros=4 * PRICE)
    at = moments()
    assert serve("control", next(at), watched=False)
    later = NOW + timedelta(seconds=reservation.HOLD_SECONDS + 5)
    assert sum(serve("control", later + timedelta(seconds=number)) for number in range(4)) == 2


def test_a_decision_looks_for_another_ad_where_the_arms_share_is_gone() -> None:
    make_ad(bid_micros=5_000_000, goal_amount=2)
    at = moments()
    assert [serve("control", next(at)) for _ in range(2)] == [True, False]
    other = make_ad(bid_micros=2_000_000)
    answer = serve_break(make_request(session=uuid.uuid4(), arms={"split": "control"}, max_ads=1), now=next(at))
    assert [ad.ad for ad in answer.ads] == [other.pk]
    assert "arm_budget_spent" in answer.explanation["words"]


def test_breaks_decided_at_the_same_moment_keep_to_the_share() -> None:
    """What a decision does not know yet the reservation does."""
    make_ad(bid_micros=1_000_000, budget_micros=2 * PRICE)
    client, taken = stream.client(), []
    recovery.rebuild(client, now=NOW)
    inventory = live_inventory.current(client)
    for number in range(2):
        request = make_request(session=uuid.uuid4(), break_id=f"b{number}", arms={"split": "control"}, max_ads=1)
        recovery.restore(client, reservation.CountersLost(splits=reservation.splits_of(request, NOW)), now=NOW)
        state = DeliveryState.empty(len(inventory.flights))
        decision = decide(request, inventory=inventory, state=state, score=rows.flat_score(), now=NOW, rng=np.random.default_rng(1))
        taken.append(reservation.reserve(client, request, inventory, decision, ids.new_id(NOW), reservation.Prepared(b"e", b"a", b""), now=NOW))
    assert [one and one.places for one in taken] == [(0,), (None,)]
    assert [one and one.reasons for one in taken][1] == (("arm_budget_spent",),)


def test_after_redis_lost_everything_the_shares_stand_as_the_ledger_has_them() -> None:
    make_ad(bid_micros=1_000_000, budget_micros=12 * PRICE)
    at = moments()
    assert sum(serve("control", next(at)) for _ in range(4)) == 4
    stream.client().flushdb()
    assert sum(serve("control", next(at)) for _ in range(8)) == 2
    assert sum(serve("bolder", next(at)) for _ in range(8)) == 6


def test_over_a_random_evening_nobody_takes_more_than_may_be() -> None:
    rng, ads = np.random.default_rng(4), [make_ad(bid_micros=1_000_000, budget_micros=budget * PRICE) for budget in (7, 16, 25)]
    for number in range(60):
        arm = str(rng.choice(["control", "control", "control", "bolder", ""]))
        serve(arm, NOW + timedelta(seconds=20 * number), watched=bool(rng.random() < 0.8))
    arms = dict(Decision.objects.values_list("id", "request__arms__split"))
    for ad in ads:
        budget = ad.flight.budget_micros
        entries = [(arms[entry.decision], entry.amount_micros) for entry in LedgerEntry.objects.filter(flight=ad.flight)]
        of_arm = {arm: sum(micros for each, micros in entries if each == arm) for arm in ("control", "bolder", None)}
        assert sum(of_arm.values()) <= budget
        for arm in ("control", "bolder"):
            # Those in no arm may have come after the arm took its share.
            assert of_arm[arm] <= budget / 2
    assert LedgerEntry.objects.count() > 12
