"""Sample-ratio alarm, adjustment by the past, and guardrails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.experiments.cuped import adjust
from adplatform.experiments.guardrails import judge, parse_guardrails
from adplatform.experiments.sequences import Floats, difference, sample
from adplatform.experiments.srm import log_bayes_factor, mismatch


def test_arms_that_keep_their_shares_rarely_alarm_however_often_one_looks() -> None:
    shares = np.array([0.6, 0.3, 0.1])
    drawn = np.random.default_rng(5).multinomial(20, shares, size=(2_000, 500)).cumsum(axis=1)
    assert (log_bayes_factor(drawn, shares) > np.log(20)).any(axis=1).mean() <= 0.05


@pytest.mark.parametrize(("counts", "alarm"), [((5_000, 5_100), False), ((0, 130), True), ((10_000, 10_900), True), ((0, 0), False), ((3, 0), False)])
def test_a_lost_share_of_an_arm_is_an_alarm_and_chance_is_none(counts: tuple[int, int], alarm: bool) -> None:  # noqa: FBT001
    found = mismatch(counts, (0.4, 0.4))
    assert found.alarm == alarm
    assert sum(found.expected) == sum(counts)
    assert ("must not be read" in found.words(["control", "bolder"])) == alarm


@given(st.floats(-3, 3), st.floats(0, 5))
def test_adjusting_keeps_the_difference_when_the_past_is_balanced_and_takes_the_noise(effect: float, slope: float) -> None:
    rng = np.random.default_rng(6)
    past = np.tile(rng.normal(size=1_000), 2)
    arm = np.repeat(np.array([0, 1], dtype=np.int8), 1_000)
    values = slope * past + effect * arm + rng.normal(size=2_000)
    found = adjust(values, arm, past)
    raw = values[arm == 1].mean() - values[arm == 0].mean()
    assert found.values[arm == 1].mean() - found.values[arm == 0].mean() == pytest.approx(raw)
    assert found.theta == pytest.approx(slope, abs=0.2)
    assert found.variance_left == pytest.approx(1 / (1 + slope**2), abs=0.06)


def test_adjusting_makes_the_interval_as_narrow_as_the_variance_that_is_left() -> None:
    rng = np.random.default_rng(7)
    past, arm = rng.normal(size=8_000), rng.integers(0, 2, 8_000).astype(np.int8)
    values = 10 + 2 * past + 0.2 * arm + rng.normal(size=8_000)
    adjusted = adjust(values, arm, past)

    def width(taken: Floats) -> float:
        found = difference(sample(taken[arm == 1]), sample(taken[arm == 0]))
        assert found.low < 0.2 < found.high
        return found.high - found.low

    assert width(adjusted.values) / width(values) == pytest.approx(np.sqrt(adjusted.variance_left), rel=0.01)


def test_units_without_history_are_left_as_they_are() -> None:
    rng = np.random.default_rng(8)
    past = np.where(rng.random(2_000) < 0.5, rng.normal(5, 1, 2_000), np.nan)
    values = np.nan_to_num(past, nan=5.0) + rng.normal(size=2_000)
    found = adjust(values, np.zeros(2_000, dtype=np.int8), past)
    assert (found.values == values)[np.isnan(past)].all()
    assert found.with_history == pytest.approx(0.5, abs=0.05)
    assert found.variance_left < 0.8


@pytest.mark.parametrize("past", [np.full(500, np.nan), np.full(500, 3.0)], ids=["nobody was here before", "all were alike"])
def test_a_past_that_tells_nothing_changes_nothing(past: Floats) -> None:
    values = np.arange(500.0)
    found = adjust(values, np.zeros(500, dtype=np.int8), past)
    assert (found.values == values).all()
    assert found.variance_left == 1.0


@pytest.mark.parametrize(
    ("mean", "higher", "breached"), [(0.90, True, True), (0.97, True, False), (1.10, False, True), (1.03, False, False), (0.5, False, False)]
)
def test_a_guardrail_is_breached_when_even_the_best_bound_is_too_bad(mean: float, higher: bool, breached: bool) -> None:  # noqa: FBT001
    rng = np.random.default_rng(9)
    control, arm = sample(rng.gamma(9, 1 / 9, 9_000)), sample(mean * rng.gamma(9, 1 / 9, 9_000))
    found = judge(arm, control, worst=0.05, higher_is_better=higher, alpha=0.05)
    assert found.breached == breached
    assert found.change.effect == pytest.approx(arm.mean / control.mean - 1)
    assert found.change.low < mean - 1 < found.change.high


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([{"metric": "completion"}], "guardrails must be"), ("completion", "guardrails must be"), ([{"metric": "a", "worst": 5}], "share from 0"),
        ([{"metric": "a", "worst": 0.1}, {"metric": "a", "worst": 0.2}], "only once"),
    ],
)  # fmt: skip
def test_guardrails_that_cannot_be_read_are_refused_in_words(raw: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_guardrails(raw)
