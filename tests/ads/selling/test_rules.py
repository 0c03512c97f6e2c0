"""What can be sold, and what is told before it starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ads.selling.reach import TitleFacts
from ads.selling.rules import FlightTerms, Sponsor, World, date_problems, refusals, warnings

START = datetime(2026, 6, 1, tzinfo=UTC)
CHEAP = TitleFacts(1, "Ember Coast", frozenset({"drama"}), "PG", (("storm", frozenset()),), frozenset({"mid"}), 1_000_000)
DEAR = TitleFacts(2, "Winterline", frozenset({"family"}), "G", (("day", frozenset()),), frozenset({"mid"}), 30_000_000)
WORLD = World("USD", (CHEAP, DEAR), 1_000_000)
SOUND = FlightTerms(
    name="Spring", tier="standard", share_of_voice=None, starts_at=START, ends_at=START + timedelta(days=10), pricing="cpm", bid_micros=20_000_000,
    goal_type="impressions", goal_amount=1000, daily_goal_amount=None, budget_micros=50_000_000, daily_budget_micros=None, targets=({}, {}), currency="USD",
)  # fmt: skip
SPONSOR: dict[str, Any] = {"tier": "sponsorship", "goal_amount": None, "share_of_voice": 0.5}


def refused(world: World = WORLD, **changes: Any) -> dict[str, str]:
    return dict(refusals(replace(SOUND, **changes), world))


def warned(world: World = WORLD, **changes: Any) -> str:
    return " ".join(warnings(replace(SOUND, **changes), world))


def test_a_sound_flight_is_neither_refused_nor_warned_of() -> None:
    assert not refused()
    assert not warned(targets=({}, {"include": {"titles": [1]}}))


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"ends_at": START}, "ends_at", "ends before it starts"),
        ({"currency": "EUR"}, "campaign", "sells in USD"),
        ({"bid_micros": 0}, "bid_micros", "needs a bid"),
        ({"bid_micros": 500_000}, "bid_micros", "below the reserve price of 1.00"),
        ({"targets": ({}, {"include": {"titles": [2]}})}, "bid_micros", "below the reserve price of 30.00"),
        ({"pricing": "cpcv", "goal_type": "completed_views", "bid_micros": 500}, "bid_micros", "Even if every impression were viewed to its end"),
        ({"goal_type": "spend", "goal_amount": 60_000_000}, "goal_amount", "more than the budget holds"),
        ({"targets": ({"include": {"genres": ["horror"]}}, {})}, "targeting", "no published title matches"),
        ({"targets": ({"include": {"devices": ["tv"]}}, {"exclude": {"devices": ["tv"]}})}, "targeting", "reaches nobody"),
    ],
)
def test_what_cannot_be_sold_is_refused(changes: dict[str, Any], field: str, words: str) -> None:
    assert words in refused(**changes)[field]


def test_an_empty_catalogue_refuses_nobody() -> None:
    assert not refused(World("USD", (), 1_000_000), targets=({"include": {"genres": ["drama"]}}, {}))


def sponsor(share: float, *, begins: int = 0, ends: int = 10, **targeting: Any) -> Sponsor:
    return Sponsor(f"Sponsor of {share:.0%}", share, START + timedelta(days=begins), START + timedelta(days=ends), (targeting, {}))


def test_more_than_all_breaks_cannot_be_sold_to_sponsors() -> None:
    sold = World("USD", (CHEAP,), 1_000_000, (sponsor(0.4), sponsor(0.3, begins=5)))
    assert "70% of these breaks is already sold" in refused(sold, **SPONSOR)["share_of_voice"]
    assert not refused(sold, **SPONSOR | {"share_of_voice": 0.3})
    assert not refused(sold, **SPONSOR | {"ends_at": START + timedelta(days=5)})


def test_sponsors_that_meet_only_in_part_are_warned_of() -> None:
    evenings = World("USD", (CHEAP,), 1_000_000, (sponsor(0.8, include={"dayparts": [20]}),))
    assert not refused(evenings, **SPONSOR)
    assert "more than 100 %" in warned(evenings, **SPONSOR)
    assert not warned(evenings, **SPONSOR | {"targets": ({"include": {"dayparts": [8]}}, {})})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "below the reserve price of 1 of the 2 titles"),
        ({"budget_micros": 10_000_000}, "pays for 500 of the 1,000 impressions"),
        ({"daily_goal_amount": 50}, "allows 500 impressions in 10 days"),
    ],
)
def test_what_will_hardly_deliver_is_warned_of(changes: dict[str, Any], words: str) -> None:
    assert words in warned(**changes)


def test_a_goal_or_budget_that_is_reached_already_is_told() -> None:
    assert "Already 392 of 10 impressions are delivered: it stops at once." in warned(goal_amount=10, delivered=392)
    assert "Already 5 of 5 impressions are delivered today: it stops until tomorrow." in warned(daily_goal_amount=5, delivered_today=5)
    assert "Already 50.00 USD of the budget of 50.00 USD are spent" in warned(booked_micros=50_000_000)
    assert "Already" not in warned(goal_amount=393, delivered=392)


def test_only_a_new_flight_must_end_later_than_now() -> None:
    late = START + timedelta(days=10)
    assert "over before it begins: it ends on 11 Jun 2026" in dict(date_problems(SOUND, late, new=True))["ends_at"]
    assert not list(date_problems(SOUND, late, new=False))
    assert not list(date_problems(SOUND, START, new=True))
    far = replace(SOUND, ends_at=START + timedelta(days=4000))
    assert "more than 10 years away" in dict(date_problems(far, START, new=False))["ends_at"]
