"""What can be sold, and what is told before it starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ads.selling.reach import TitleFacts
from ads.selling.rules import FlightTerms, Sponsor, World, refusals, warnings

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
