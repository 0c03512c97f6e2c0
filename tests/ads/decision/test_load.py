"""How many ads a playback carries, whatever a viewer does: pauses, seeks, goes from film to film."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.decision.load import HOUR_SECONDS, Allowance, History, Policy, allowance, in_ad_free_stretch

POLICY = Policy()


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    return Policy(
        pre_roll=draw(st.booleans()),
        post_roll=draw(st.booleans()),
        most_breaks=draw(st.none() | st.integers(0, 6)),
        spacing_seconds=draw(st.sampled_from([0, 60, 600])),
        break_seconds=draw(st.integers(5, 120)),
        seconds_per_hour=draw(st.integers(0, 400)),
        long_watch_seconds=draw(st.none() | st.integers(1, 2000)),
        ad_free_seconds=draw(st.integers(0, 2000)),
    )


# What passes before the next break: seconds of film, of waiting, and how much of what was allowed is filled.
stretches = st.tuples(st.floats(0, 900), st.floats(0, 1800), st.floats(0, 1), st.sampled_from(["pre", "mid", "post"]))


@given(policies(), st.lists(stretches, max_size=40))
def test_no_hour_holds_more_ads_and_no_two_breaks_stand_closer_than_the_policy_allows(
    policy: Policy, life: list[tuple[float, float, float, str]]
) -> None:
    clock = film = 0.0
    ads: list[tuple[float, float]] = []
    breaks: list[float] = []
    for watched, waited, filled, position in life:
        clock, film = clock + watched + waited, film + watched
        history = History(film, film - breaks[-1] if breaks else None, len(breaks), tuple(ads))
        found = allowance(policy, history, position, now=clock)  # type: ignore[arg-type]
        assert (found.seconds > 0) == (found.ads > 0)
        assert found.seconds <= policy.break_seconds
        assert found.seconds == policy.break_seconds or found.reason
        if found.seconds * filled > 0:
            assert not in_ad_free_stretch(policy, film)
            ads.append((clock, found.seconds * filled))
            breaks.append(film)
    for at, _ in ads:
        assert sum(seconds for other, seconds in ads if at <= other < at + HOUR_SECONDS) <= policy.seconds_per_hour + 1e-6
    assert all(later - earlier >= policy.spacing_seconds - 1e-6 for earlier, later in itertools.pairwise(breaks))
    assert policy.most_breaks is None or len(breaks) <= policy.most_breaks


@pytest.mark.parametrize(
    ("changes", "history", "position", "reason"),
    [
        ({}, History(), "pre", "policy_no_pre_roll"),
        ({}, History(), "post", "policy_no_post_roll"),
        ({"mid_rolls": False}, History(), "mid", "policy_no_mid_roll"),
        ({"most_breaks": 2}, History(breaks=2), "mid", "policy_most_breaks"),
        ({"spacing_seconds": 600}, History(film_since_break=599), "mid", "policy_spacing"),
        ({"long_watch_seconds": 3600, "ad_free_seconds": 900}, History(film_seconds=3600), "mid", "ad_free_stretch"),
        ({"seconds_per_hour": 60}, History(ads=((900.0, 58.0),)), "mid", "policy_hourly_load"),
    ],
)
def test_a_break_left_out_says_which_rule_left_it_out(changes: dict[str, int], history: History, position: str, reason: str) -> None:
    assert allowance(replace(POLICY, **changes), history, position, now=1000.0) == Allowance(0.0, 0, reason)  # type: ignore[arg-type]


def test_a_break_is_shortened_to_what_the_hour_still_holds_and_gets_its_length_back_later() -> None:
    policy, history = replace(POLICY, seconds_per_hour=60), History(ads=((1000.0, 30.0), (2000.0, 18.0)))
    assert allowance(policy, history, "mid", now=2100.0) == Allowance(12.0, 2, "policy_hourly_load")
    assert allowance(policy, history, "mid", now=1000.0 + HOUR_SECONDS) == Allowance(30.0, 2)


def test_ad_free_stretches_return_after_each_long_watch() -> None:
    policy = replace(POLICY, long_watch_seconds=100, ad_free_seconds=50)
    assert [in_ad_free_stretch(policy, film) for film in (0, 99, 100, 149, 150, 249, 250, 300)] == [
        False,
        False,
        True,
        True,
        False,
        False,
        True,
        False,
    ]
