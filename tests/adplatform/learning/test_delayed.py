"""Before the labels are in: estimates whose intervals hold the mature figure, and a running test that seldom cries wolf."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adplatform.learning import change, delayed
from adplatform.learning.metrics import Floats, losses

WINDOW, ROWS = 600.0, 4000


@dataclass(frozen=True)
class Young:
    """Rows of one hour at its end: what is seen so far, and the labels they will have."""

    scores: Floats
    so_far: Floats
    age: Floats
    labels: Floats
    session: np.ndarray
    delay: Floats

    @property
    def mature_loss(self) -> float:
        return float(losses(self.labels, self.scores).mean())


def young(seed: int, *, rows: int = ROWS, true_shift: float = 0.0, youngest: float = 0.0, oldest: float = WINDOW) -> Young:
    """Clicks come 90 seconds after the row on average; the truth is the score moved by ``true_shift`` log-odds."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(1.5, 40, rows)
    p = 1 / (1 + np.exp(-(delayed.logits(scores) + true_shift)))
    labels = (rng.random(rows) < p).astype(np.float64)
    delay = np.minimum(rng.exponential(90, rows), WINDOW - 1)
    age = rng.uniform(youngest, oldest, rows)
    return Young(scores, labels * (delay <= age), age, labels, (np.arange(rows) // 3).astype(np.str_), np.where(labels > 0, delay, np.nan))


def covered(estimate: delayed.Estimate | None, truth: float) -> bool:
    assert estimate is not None
    return estimate.low <= truth <= estimate.high


@pytest.mark.parametrize("true_shift", [0.0, 0.3])
def test_the_interval_of_the_expected_log_loss_holds_the_mature_one(true_shift: float) -> None:
    held = []
    for seed in range(150):
        past, now = young(seed, true_shift=true_shift), young(10_000 + seed, true_shift=true_shift)
        believed = delayed.calibration_of(past.labels, past.scores, past.session)
        held.append(covered(delayed.expected_log_loss(now.scores, believed), now.mature_loss))
    assert 0.9 <= np.mean(held) <= 0.995


def test_believing_the_scores_of_a_model_that_is_off_misses() -> None:
    held = [
        covered(delayed.expected_log_loss(now.scores, delayed.Calibration(error=0)), now.mature_loss)
        for now in (young(seed, true_shift=0.5) for seed in range(60))
    ]
    assert np.mean(held) < 0.5


@pytest.mark.parametrize("true_shift", [0.0, 0.5])
def test_early_positives_weighed_by_their_delay_hold_the_mature_log_loss_also_of_a_model_that_is_off(true_shift: float) -> None:
    held, naive = [], []
    for seed in range(150):
        now = young(seed, true_shift=true_shift)
        delays = delayed.Delays.of(young(20_000 + seed).delay)
        assert delays is not None
        estimate = delayed.delay_weighted_log_loss(now.so_far, now.scores, now.age, delays)
        told = delays.reached(now.age) >= delayed.LEAST_REACHED
        truth = float(losses(now.labels, now.scores)[told].mean())
        held.append(covered(estimate, truth))
        naive.append(float(losses(now.so_far, now.scores)[told].mean()) < truth)
    assert 0.9 <= np.mean(held) <= 0.995
    assert np.mean(naive) > 0.99


def test_rows_as_old_as_the_window_have_their_own_log_loss() -> None:
    now = young(5, youngest=WINDOW, oldest=2 * WINDOW)
    delays = delayed.Delays.of(young(6).delay)
    assert delays is not None
    estimate = delayed.delay_weighted_log_loss(now.so_far, now.scores, now.age, delays)
    assert estimate is not None
    assert estimate.value == pytest.approx(now.mature_loss)
    assert estimate.high - estimate.low == pytest.approx(0, abs=1e-9)


def test_too_few_delays_or_rows_too_young_are_no_estimate() -> None:
    assert delayed.Delays.of(np.full(delayed.LEAST_DELAYS - 1, 5.0)) is None
    delays = delayed.Delays.of(np.full(50, 30.0))
    assert delays is not None
    assert delayed.delay_weighted_log_loss(np.zeros(3), np.full(3, 0.1), np.full(3, 10.0), delays) is None
    assert delayed.expected_log_loss(np.empty(0)) is None


@given(st.integers(0, 400), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_few_rows_leave_the_calibration_near_where_it_was_believed_to_be(rows: int, positives: int) -> None:
    labels = (np.arange(rows) < positives).astype(np.float64)
    found = delayed.calibration_of(labels, np.full(rows, 0.02), np.arange(rows).astype(np.str_))
    assert abs(found.shift) < 2
    assert 0 < found.error <= delayed.PRIOR_SHIFT
    assert found.dispersion >= 1


def test_a_year_of_calm_hours_seldom_alarms_and_a_shift_is_found_within_a_day() -> None:
    rng = np.random.default_rng(8)
    alarms = 0
    for _ in range(6):
        steps = rng.normal(size=2000).tolist()
        alarms += any_alarm(steps)
    assert alarms <= 4
    delays = [first_alarm((rng.normal(size=60) + 1.0).tolist()) for _ in range(40)]
    assert np.mean(delays) < 24
    assert any_alarm([-1.5] * 30)


def any_alarm(steps: list[float]) -> bool:
    return first_alarm(steps) < len(steps)


def first_alarm(steps: list[float]) -> int:
    """The index of the first alarm; sums older than 80 steps play no part."""
    for index in range(len(steps)):
        if change.page_hinkley(steps[max(0, index - 80) : index + 1]).alarm:
            return index
    return len(steps)


def test_what_is_allowed_does_not_add_up_and_an_alarm_begins_anew() -> None:
    assert not change.page_hinkley([3.0] * 100, [3.0] * 100).alarm
    crossed = change.page_hinkley([0.0] * 5 + [3.0] * 4)
    assert (crossed.alarm, crossed.worse, crossed.began) == (True, True, 5)
    after = change.page_hinkley([3.0] * 4 + [0.0])
    assert (after.alarm, after.up) == (False, 0.0)
