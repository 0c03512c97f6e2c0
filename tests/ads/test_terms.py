"""What flights may say, in words a media planner understands; and how what they said before is read."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads import terms
from ads.decision.inventory import UNIT_SECONDS

KNOWN = terms.Vocabulary(titles=(7,), genres=("drama",), maturity=("PG",), tags=("sea",), segments=("fans",))
migration = import_module("ads.migrations.0005_targeting_includes_and_excludes_caps_in_units")

caps = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "scope": st.sampled_from(terms.SCOPES),
                "count": st.integers(1, 99),
                "per": st.sampled_from(list(UNIT_SECONDS)),
                "times": st.integers(1, 4),
            }
        ),
        st.fixed_dictionaries(
            {
                "scope": st.sampled_from(terms.SCOPES),
                "count": st.integers(1, 99),
                "per": st.sampled_from(["lifetime", "pod", "stream"]),
                "times": st.just(1),
            }
        ),
    ),
    max_size=terms.MOST_CAPS,
    unique_by=str,
)


@given(caps, st.sampled_from(["flight", "campaign"]))
def test_caps_written_out_are_read_back(found: list[dict[str, Any]], scope: str) -> None:
    assert terms.read_caps(terms.write_caps(found, scope=scope), scope=scope) == found
    assert not list(terms.cap_problems(found))


@pytest.mark.parametrize(
    ("text", "scope", "count", "per", "times"),
    [
        ("3 per day", "flight", 3, "day", 1),
        ("2 x per 30 minutes per campaign", "campaign", 2, "minute", 30),
        ("4 per week per viewer", "flight", 4, "week", 1),
        ("1 per break per advertiser", "advertiser", 1, "pod", 1),
        ("2 per playback", "flight", 2, "stream", 1),
        ("5 per lifetime per campaign", "campaign", 5, "lifetime", 1),
    ],
)
def test_a_planner_writes_caps_as_words(text: str, scope: str, count: int, per: str, times: int) -> None:
    assert terms.read_caps(text) == [{"scope": scope, "count": count, "per": per, "times": times}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scope": "planet"}, "scope is"),
        ({"per": "year"}, "not per “year”"),
        ({"count": 0}, "at least 1 impression"),
        ({"count": 10**25}, "at most 1,000,000"),
        ({"count": 3.0}, "whole number"),
        ({"times": 10**25}, "at most 31 days"),
        ({"times": 1.0}, "whole number"),
        ({"times": True}, "whole number"),
        ({"times": 32}, "at most 31 days"),
        ({"per": "pod", "times": 2}, "write “3 per break”"),
        ({"seconds": 5}, "nothing else"),
    ],
)
def test_a_cap_that_cannot_be_counted_is_refused(change: dict[str, Any], words: str) -> None:
    cap = {"scope": "flight", "count": 3, "per": "day", "times": 1} | change
    assert words in " ".join(terms.cap_problems([cap]))


def test_a_cap_says_a_thing_once_and_there_are_not_more_of_them_than_anybody_reads() -> None:
    cap = {"scope": "flight", "count": 3, "per": "day", "times": 1}
    assert list(terms.cap_problems([cap, dict(cap)])) == ["“3 per day per flight” is there twice; once is enough."]
    assert list(terms.cap_problems([cap | {"count": count} for count in range(1, 22)])) == ["These are 21 caps; 20 are the most."]


@pytest.mark.parametrize("text", [f"{10**25} per day", f"3 per {10**25} days", f"{'9' * 5000} per lifetime"])
def test_a_number_that_nobody_can_count_to_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="at most 1,000,000 impressions over at most 31 days"):
        terms.read_caps(text)


@pytest.mark.parametrize(
    ("targeting", "words"),
    [
        ([], "must be an object"),
        ({"devices": ["tv"]}, "must be an object"),
        ({"include": {"planets": ["mars"]}}, "has no “planets”"),
        ({"exclude": {"devices": "tv"}}, "must be a list"),
        ({"include": {"titles": [8]}}, "“titles” does not know 8"),
        ({"include": {"weekdays": [True]}}, "does not know True"),
        ({"include": {"weekdays": [5.0]}}, "does not know 5.0"),
        ({"include": {"titles": [7.0]}}, "does not know 7.0"),
        ({"include": {"titles": [10**25]}}, "does not know 1000"),
        ({"exclude": {"countries": ["XX"]}}, "does not know XX"),
    ],
)
def test_targeting_that_nothing_can_match_is_refused(targeting: Any, words: str) -> None:
    assert words in " ".join(terms.targeting_problems(targeting, KNOWN))


def test_every_key_knows_its_values() -> None:
    asked = {key: list(KNOWN.of(key) or ()) for key in terms.KEYS}
    assert all(asked.values())
    assert not list(terms.targeting_problems({"include": asked, "exclude": asked}, KNOWN))


def sold(**changes: Any) -> terms.Sold:
    fields: dict[str, Any] = {
        "tier": "standard", "pricing": "cpm", "bid_micros": 5_000_000, "goal_type": "impressions", "goal_amount": 1000, "daily_goal_amount": None,
        "budget_micros": 10_000_000, "daily_budget_micros": None, "share_of_voice": None,
    }  # fmt: skip
    return terms.Sold(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"tier": "sponsorship"}, "share_of_voice", "say which share"),
        ({"share_of_voice": 0.5}, "share_of_voice", "Only a sponsorship"),
        ({"goal_amount": None}, "goal_amount", "guarantees a goal"),
        ({"daily_goal_amount": 1001}, "daily_goal_amount", "larger than the whole goal"),
        ({"tier": "house"}, "bid_micros", "costs nothing"),
        ({"tier": "house", "bid_micros": 0, "budget_micros": 0, "goal_type": "spend"}, "goal_type", "spends nothing"),
        ({"bid_micros": 0}, "bid_micros", "needs a bid"),
        ({"bid_micros": 999_999}, "bid_micros", "below the reserve price of 1.00"),
        ({"budget_micros": 0}, "budget_micros", "needs a budget"),
    ],
)
def test_terms_that_can_never_deliver_are_refused(changes: dict[str, Any], field: str, words: str) -> None:
    found = dict(terms.sold_problems(sold(**changes)))
    assert words in found[field]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tier": "sponsorship", "share_of_voice": 0.5, "goal_amount": None},
        {"tier": "price_priority", "goal_amount": None},
        {"tier": "house", "bid_micros": 0, "budget_micros": 0, "goal_amount": None},
    ],
)
def test_every_tier_can_be_sold(changes: dict[str, Any]) -> None:
    assert not list(terms.sold_problems(sold(**changes)))


def test_a_campaign_in_another_currency_is_refused() -> None:
    assert "sells in USD" in " ".join(terms.currency_problems("EUR", "USD"))
    assert not list(terms.currency_problems("USD", "USD"))


old_caps = st.lists(
    st.fixed_dictionaries(
        {"scope": st.sampled_from(["viewer", "ad", "campaign", "advertiser"]), "count": st.integers(1, 9), "seconds": st.integers(1, 31 * 86_400)}
    )
)
old_targeting = st.dictionaries(st.sampled_from(["devices", "genres"]), st.lists(st.sampled_from(["tv", "drama"]), min_size=1))


@given(old_targeting, old_caps)
def test_what_was_said_in_the_old_shape_means_the_same_in_the_new_one_and_comes_back(targeting: dict[str, Any], found: list[dict[str, Any]]) -> None:
    caps = migration.new_caps(found)
    assert [cap["times"] * UNIT_SECONDS[cap["per"]] for cap in caps] == [cap["seconds"] for cap in found]
    assert {words for words in terms.cap_problems(caps) if not words.endswith("is there twice; once is enough.")} == set()
    assert migration.old_caps(caps) == found
    assert migration.new_targeting(targeting).get("include", {}) == targeting
    assert migration.old_targeting(migration.new_targeting(targeting)) == targeting


def test_backwards_leaves_out_what_the_old_shape_cannot_say() -> None:
    caps = [
        {"scope": "flight", "count": 3, "per": "pod", "times": 1},
        {"scope": "campaign", "count": 3, "per": "lifetime", "times": 1},
    ]
    assert migration.old_caps(caps) == [{"scope": "campaign", "count": 3, "seconds": 31 * 86_400}]
    assert migration.old_targeting({"include": {"devices": ["tv"]}, "exclude": {"genres": ["drama"]}}) == {"devices": ["tv"]}
