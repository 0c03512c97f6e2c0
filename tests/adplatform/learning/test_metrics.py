"""Figures agree with their definitions, and their intervals cover what they claim to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, mean_absolute_error, r2_score, roc_auc_score

from adplatform.learning import metrics
from adplatform.learning.metrics import Resampling


def sample(n: int, seed: int, calibrated: float = 1.0) -> tuple[np.ndarray, np.ndarray, Resampling]:
    rng = np.random.default_rng(seed)
    truth = rng.beta(2, 30, n)
    labels = (rng.random(n) < truth).astype(float)
    return labels, truth * calibrated, Resampling.of(np.arange(n) // 3, rng)


def test_classification_figures_are_those_of_the_textbook() -> None:
    labels, predictions, resampling = sample(3000, 1)
    found = metrics.classification(labels, predictions, 0.06, resampling)
    rate = labels.mean()
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert found["log_loss"].value == pytest.approx(log_loss(labels, predictions))
    assert found["log_loss"].baseline == pytest.approx(log_loss(labels, np.full(3000, 0.06)))
    assert found["normalised_entropy"].value == pytest.approx(log_loss(labels, predictions) / entropy)
    assert found["auc"].value == pytest.approx(roc_auc_score(labels, predictions))
    assert found["calibration"].value == pytest.approx(predictions.mean() / rate)
    assert found["brier"].value == pytest.approx(((predictions - labels) ** 2).mean())
    for metric in found.values():
        assert metric.ci_low is not None
        assert metric.ci_high is not None
        assert metric.value is not None
        assert metric.ci_low < metric.value < metric.ci_high


def test_regression_figures_are_those_of_the_textbook() -> None:
    rng = np.random.default_rng(2)
    labels = rng.random(500)
    predictions = labels + rng.normal(0, 0.2, 500)
    found = metrics.regression(labels, predictions, 0.5, Resampling.of(np.arange(500), rng))
    assert found["mae"].value == pytest.approx(mean_absolute_error(labels, predictions))
    assert found["mae"].baseline == pytest.approx(np.abs(labels - 0.5).mean())
    assert found["r2"].value == pytest.approx(r2_score(labels, predictions))
    assert found["r2"].baseline == pytest.approx(r2_score(labels, np.full(500, 0.5)))


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.3])), min_size=2, max_size=30).filter(
        lambda rows: len({row[0] for row in rows}) == 2
    )
)
def test_auc_counts_ties_half(rows: list[tuple[bool, float]]) -> None:
    labels, predictions = np.array([float(row[0]) for row in rows]), np.array([row[1] for row in rows])
    assert metrics.auc(labels, predictions) == pytest.approx(roc_auc_score(labels, predictions))


def test_weights_count_rows_more_than_once() -> None:
    labels, predictions, _ = sample(60, 3)
    weights = np.random.default_rng(0).integers(0, 4, 60).astype(float)
    repeated = np.repeat(np.arange(60), weights.astype(int))
    assert metrics.auc(labels, predictions, weights) == pytest.approx(metrics.auc(labels[repeated], predictions[repeated]), nan_ok=True)


def test_without_any_click_there_is_no_calibration_and_no_auc() -> None:
    found = metrics.classification(np.zeros(50), np.full(50, 0.1), 0.1, Resampling.of(np.arange(50), np.random.default_rng(0)))
    assert (found["calibration"].value, found["auc"].value, found["auc"].ci_low) == (None, None, None)


def test_the_calibration_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        labels, predictions, resampling = sample(1500, seed)
        metric = metrics.classification(labels, predictions, 0.06, resampling)["calibration"]
        covered += bool(metric.ci_low is not None and metric.ci_high is not None and metric.ci_low <= 1 <= metric.ci_high)
    assert 52 <= covered <= 60


def test_rows_of_one_session_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    clicks = np.repeat((rng.random(200) < 0.2).astype(float), 5)
    predictions = np.full(1000, 0.2)
    together = metrics.classification(clicks, predictions, 0.2, Resampling.of(np.repeat(np.arange(200), 5), rng))["calibration"]
    apart = metrics.classification(clicks, predictions, 0.2, Resampling.of(np.arange(1000), rng))["calibration"]
    assert together.ci_high is not None
    assert together.ci_low is not None
    assert apart.ci_high is not None
    assert apart.ci_low is not None
    assert together.ci_high - together.ci_low > 1.8 * (apart.ci_high - apart.ci_low)


def test_a_model_compared_with_itself_differs_by_nothing() -> None:
    labels, predictions, resampling = sample(500, 5)
    assert metrics.paired_difference("log_loss", labels, predictions, predictions, resampling) == (0, 0, 0)


def test_nothing_beats_the_true_expectation_in_squared_error() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(4000)
    labels = np.clip(truth + rng.normal(0, 0.2, 4000), 0, None)
    near = truth + rng.normal(0, 0.1, 4000)
    resampling = Resampling.of(np.arange(4000) // 4, rng)
    found = metrics.regression(labels, near, float(labels.mean()), resampling, truth=truth)
    assert found["mse"].ceiling is not None
    assert found["r2"].ceiling is not None
    assert found["mse"].ceiling < (found["mse"].ci_low or 0.0)
    assert found["r2"].ceiling > (found["r2"].ci_high or 1.0)
    assert found["mae"].ceiling is None
    assert metrics.regression(labels, near, float(labels.mean()), resampling)["mse"].ceiling is None
