"""Confidence sequences: they hold at every look together, and say so where there is too little to go by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.experiments.sequences import (
    ENOUGH_UNITS,
    NotEnoughUnits,
    at_least,
    at_most,
    boundary,
    difference,
    lift,
    linearised,
    mean_sequence,
    one_sided_boundary,
    ratio_sample,
    sample,
)

LOOKS = np.arange(100, 5_001, 50)


def _z(values: np.ndarray) -> np.ndarray:
    """Standardised difference of two arms [tests, 2, n] at each of `LOOKS`."""
    totals, squares = np.cumsum(values, axis=2)[:, :, LOOKS - 1], np.cumsum(values**2, axis=2)[:, :, LOOKS - 1]
    means = totals / LOOKS
    variances = (squares / LOOKS - means**2) * LOOKS / (LOOKS - 1)
    return np.asarray((means[:, 1] - means[:, 0]) / np.sqrt(variances.sum(axis=1) / LOOKS))


@pytest.mark.parametrize("power", [0.5, 1.5], ids=["even", "skewed"])
def test_reading_after_every_batch_keeps_false_alarms_below_alpha_where_a_fixed_test_does_not(power: float) -> None:
    rng = np.random.default_rng(20)
    z = np.concatenate([_z(rng.exponential(size=(50, 2, 5_000)) ** power) for _ in range(8)])
    assert (np.abs(z) > boundary(2 * LOOKS)).any(axis=1).mean() <= 0.05
    assert (np.abs(z) > 1.96).any(axis=1).mean() > 0.2


def test_the_boundary_is_that_of_robbins_mixture_and_tightest_where_it_was_told_to_be() -> None:
    # Half-width at t = 10,000 over sqrt(t): sqrt(2 (9.212 / 8.212) ln(sqrt(9.212) / 0.05)), worked out by hand.
    assert boundary(10_000) == pytest.approx(math.sqrt(2 * 9.211968 / 8.211968 * math.log(math.sqrt(9.211968) / 0.05)), rel=1e-6)
    best = [boundary(10_000, tightest_at=where) for where in (3_000, 9_000, 10_000, 11_000, 30_000)]
    assert best.index(min(best)) == 2
    looks = np.geomspace(1e3, 1e7, 50)
    assert (np.diff(boundary(looks) / np.sqrt(looks)) < 0).all()


@given(st.integers(10_000, 10**7), st.floats(0.001, 0.2))
def test_one_side_reaches_less_far_than_two_and_further_than_a_single_look(t: int, alpha: float) -> None:
    one, two = float(one_sided_boundary(t, alpha=alpha)), float(boundary(t, alpha=alpha))
    assert one < two
    assert two > math.sqrt(2 * math.log(1 / alpha))


def test_a_difference_is_what_is_measured_and_its_bounds_lie_around_it() -> None:
    rng = np.random.default_rng(1)
    control, arm = sample(rng.normal(10, 2, 4_000)), sample(rng.normal(10.5, 2, 4_000))
    found = difference(arm, control)
    assert found.effect == pytest.approx(arm.mean - control.mean)
    assert found.low < 0.5 < found.high
    assert found.clear
    assert at_least(arm, control).low > found.low
    assert at_most(arm, control).high < found.high
    shares = lift(arm, control)
    assert shares.effect == pytest.approx(arm.mean / control.mean - 1)
    assert shares.low < 0.05 < shares.high
    assert mean_sequence(control).low < 10 < mean_sequence(control).high


def test_what_returning_viewers_did_again_widens_the_reach_as_new_looks_do() -> None:
    values = np.random.default_rng(2).normal(size=50_000)
    assert difference(sample(values, observations=5_000_000), sample(values)).high > difference(sample(values), sample(values)).high


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=2, max_size=40))
def test_the_linearised_values_of_a_ratio_average_to_the_ratio(pairs: list[tuple[int, int]]) -> None:
    clicks, shown = np.array(pairs, dtype=np.float64).T
    assert linearised(clicks, shown).mean() == pytest.approx(clicks.sum() / shown.sum())


def test_the_error_of_a_ratio_is_that_of_many_repetitions_with_viewers_as_units() -> None:
    """Clicks of one viewer hang together, so impressions as units would claim too much."""
    rng = np.random.default_rng(3)
    ratios, claimed, naive = [], [], []
    for _ in range(300):
        shown = rng.integers(1, 12, 800)
        clicks = rng.binomial(shown, np.where(rng.random(800) < 0.1, 0.5, 0.02))
        found = ratio_sample(clicks, shown)
        ratios.append(found.mean)
        claimed.append(math.sqrt(found.squared_error))
        naive.append(math.sqrt(found.mean * (1 - found.mean) / shown.sum()))
    truth = float(np.std(ratios))
    assert np.mean(claimed) == pytest.approx(truth, rel=0.1)
    assert np.mean(naive) < 0.8 * truth


@pytest.mark.parametrize(
    "values", [np.arange(ENOUGH_UNITS - 1), np.ones(5_000), np.r_[np.zeros(5_000), np.ones(9)], np.zeros(0)], ids=["few", "alike", "rare", "none"]
)
def test_too_little_to_go_by_gives_no_interval(values: np.ndarray) -> None:
    enough = sample(np.arange(1_000))
    with pytest.raises(NotEnoughUnits):
        difference(sample(values), enough)
    with pytest.raises(NotEnoughUnits):
        mean_sequence(sample(values))


def test_a_share_of_a_control_that_may_be_zero_is_not_told() -> None:
    values = np.random.default_rng(4).normal(0, 1, 1_000)
    with pytest.raises(NotEnoughUnits, match="clearly above 0"):
        lift(sample(values + 1), sample(values))


def test_a_ratio_without_any_denominator_is_a_sample_of_nobody() -> None:
    assert ratio_sample(np.zeros(5), np.zeros(5)).units == 0
