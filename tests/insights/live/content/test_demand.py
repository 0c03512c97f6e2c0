"""The index of demand over supply, and what its interval promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from insights.live.content.breaks import pooled
from insights.live.content.catalogue import trend
from insights.live.content.demand import Index, index, words
from tests.insights.live.content.history import NOW

positive = st.floats(0.1, 1e4)
Floats = NDArray[np.float64]


def of(demand: Floats, supply: Floats, member: NDArray[np.bool_], *, noise: Floats | None = None, kinds: int = 1) -> Index:
    groups = np.arange(len(demand), dtype=np.int64)
    return index(demand, supply, member, groups, np.zeros(len(demand)) if noise is None else noise, kinds=kinds)


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    n = draw(st.integers(4, 12))
    demand, supply = (np.array(draw(st.lists(positive, min_size=n, max_size=n))) for _ in range(2))
    members = draw(st.integers(1, n - 1))
    return demand, supply, np.arange(n) < members


@given(catalogues(), st.floats(0.01, 100))
def test_the_interval_holds_the_index_whatever_the_units_and_the_order(made: tuple[Floats, Floats, NDArray[np.bool_]], unit: float) -> None:
    demand, supply, member = made
    found = of(demand, supply, member, noise=demand)
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(found.demand / found.supply)
    again = of(demand[::-1] * unit, supply[::-1] / unit, member[::-1], noise=demand[::-1] * unit**2)
    assert [again.value, again.low, again.high] == pytest.approx([found.value, found.low, found.high])


@given(catalogues())
def test_more_kinds_judged_together_widen_the_interval_and_more_watching_narrows_it(made: tuple[Floats, Floats, NDArray[np.bool_]]) -> None:
    demand, supply, member = made
    one, many = of(demand, supply, member, noise=demand), of(demand, supply, member, noise=demand, kinds=8)
    assert many.low is not None and one.low is not None and many.low <= one.low * (1 + 1e-9)
    # Ten times the sessions, alike: ten times the minutes, and ten times their variance.
    watched = of(10 * demand, supply, member, noise=10 * demand)
    assert watched.low is not None and watched.low >= one.low * (1 - 1e-9)


def test_ninety_five_of_a_hundred_intervals_hold_the_truth_where_titles_differ_by_chance() -> None:
    rng, held, rounds = np.random.default_rng(11), 0, 400
    for _ in range(rounds):
        member = np.arange(40) < 12
        supply = rng.uniform(20, 120, 40)
        rate = rng.gamma(4.0, 0.25, 40) * np.where(member, 2.0, 1.0)
        demand = rng.poisson(50 * supply * rate).astype(np.float64)
        # Every title is drawn anew, so the truth is that of endless draws: 2 over the mean of both kinds.
        truth = 2.0 / ((12 * 2.0 + 28) / 40)
        found = of(demand, supply, member, noise=demand)
        assert found.low is not None and found.high is not None
        held += found.low <= truth <= found.high
    assert 0.92 <= held / rounds <= 0.99


def test_with_fewer_than_three_titles_nothing_is_said_of_the_kind() -> None:
    member = np.array([True, True, False, False, False])
    found = of(np.array([900.0, 900, 100, 100, 100]), np.full(5, 10.0), member, noise=np.full(5, 9.0))
    assert (found.basis, found.verdict) == ("sessions", "not enough evidence")
    assert found.low is not None and found.low > 1
    said = words("Mystery", found, unit="the minutes")
    assert said.startswith("Mystery: not enough evidence. 86% of the watching on 40% of the minutes, but with 2 titles nobody can tell")


def test_a_kind_surely_asked_for_is_to_be_commissioned_with_its_figures() -> None:
    member = np.arange(12) < 4
    demand = np.where(member, 310.0, 86.25) * (1.0 + 0.1 * (np.arange(12) % 2))
    found = of(demand, np.where(member, 3.0, 11.0), member, kinds=8)
    assert found.verdict == "more"
    assert words("Storm", found, unit="the minutes").startswith("Commission more Storm: 64% of the watching on 12% of the minutes, index 5.")
    fewer = of(demand, np.where(member, 30.0, 1.0), member)
    assert fewer.verdict == "less" and words("Storm", fewer, unit="the minutes").startswith("Enough of Storm: only 64% of the watching on 94%")


def test_what_nobody_watched_and_what_every_title_is_have_no_verdict() -> None:
    nobody = of(np.array([0.0, 5, 5, 5]), np.full(4, 1.0), np.array([True, False, False, False]))
    assert nobody.value is None and words("Family", nobody, unit="the minutes") == "Family: nobody has watched it yet."
    everything = of(np.full(4, 2.0), np.full(4, 1.0), np.full(4, fill_value=True))
    assert (everything.value, everything.low, everything.verdict) == (1.0, None, "not enough evidence")


def test_a_week_is_compared_with_the_one_before_and_today_with_neither() -> None:
    today = NOW.date()
    daily = {today.fromordinal(today.toordinal() - back): 10 if back <= 7 else 5 for back in range(1, 15)} | {today: 1000}
    found = trend(daily, today)
    assert found is not None and (found["value"], found["weeks"]) == (2.0, [70, 35])
    assert found["low"] > 1 and found["high"] > 2
    assert trend({today: 5}, today) is None


@given(st.integers(0, 2**32 - 1))
def test_the_pooled_difference_of_one_stratum_is_the_plain_one_and_sessions_met_twice_widen_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    exposed = np.arange(200) < 100
    outcome = (rng.random(200) < np.where(exposed, 0.4, 0.2)).astype(float)
    one = pooled(np.zeros(200, dtype=np.int64), np.arange(200), exposed, outcome)
    assert one is not None and one.value == pytest.approx(outcome[:100].mean() - outcome[100:].mean())
    assert one.low < one.value < one.high
    twice = [np.concatenate([column, column]) for column in (np.zeros(200, dtype=np.int64), np.arange(200), exposed, outcome)]
    told_twice, believed = pooled(*twice), pooled(twice[0], np.arange(400), *twice[2:])
    assert told_twice is not None and believed is not None
    assert told_twice.low == pytest.approx(one.low, abs=1e-9)
    assert believed.low > one.low  # what the same sessions say again is no further evidence
