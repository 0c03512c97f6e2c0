"""Quality figures, each beside its baseline and with a 95 % interval.

Intervals resample whole playback sessions, not rows: rows of one session resemble each other, and treating them as
independent would make every interval too narrow. All figures but AUC are ratios of sums, so a resample is one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REPLICATES = 400
AUC_REPLICATES = 120
LEVELS = (2.5, 97.5)
EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Metric:
    """``baseline`` is the same figure of the constant prediction, ``ceiling`` that of the true probabilities where they are
    known (a synthetic audience). None where a figure is undefined (no positives, one class)."""

    value: float | None
    baseline: float | None
    ci_low: float | None
    ci_high: float | None
    ceiling: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Resampling:
    """Bootstrap weights of the sessions, float64 [replicates, sessions], the same for every model compared on these rows."""

    weights: Floats
    session: NDArray[np.int64]

    @classmethod
    def of(cls, sessions: NDArray[Any], rng: np.random.Generator, replicates: int = REPLICATES) -> Resampling:
        names, session = np.unique(sessions, return_inverse=True)
        count = len(names)
        weights = rng.multinomial(count, np.full(count, 1.0 / count), size=replicates).astype(np.float64)
        return cls(weights, session.astype(np.int64))

    def sums(self, values: Floats) -> Floats:
        """The sum of ``values`` [n] in each replicate, float64 [replicates]."""
        resampled: Floats = self.weights @ np.bincount(self.session, weights=values, minlength=self.weights.shape[1])
        return resampled


def classification(
    labels: Floats, predictions: Floats, base_rate: float, resampling: Resampling, *, truth: Floats | None = None
) -> dict[str, Metric]:
    """Log loss, normalised entropy, AUC, calibration ratio and Brier score; the constant baseline predicts ``base_rate``,
    the click rate of the training rows.

    Normalised entropy is the log loss over the entropy of the observed rate (He et al. 2014): below 1 is better than
    knowing the rate. The calibration ratio is the mean prediction over the observed rate.
    """
    constant = np.full_like(labels, base_rate)
    point, resampled = _Sums(labels, None), _Sums(labels, resampling)
    found = {
        "log_loss": _metric(point.log_loss(predictions), point.log_loss(constant), resampled.log_loss(predictions)),
        "normalised_entropy": _metric(
            point.normalised_entropy(predictions), point.normalised_entropy(constant), resampled.normalised_entropy(predictions)
        ),
        "auc": _auc_metric(labels, predictions, resampling),
        "calibration": _metric(point.calibration(predictions), point.calibration(constant), resampled.calibration(predictions)),
        "brier": _metric(point.mse(predictions), point.mse(constant), resampled.mse(predictions)),
    }
    if truth is None:
        return found
    best = {
        "log_loss": point.log_loss(truth)[0],
        "normalised_entropy": point.normalised_entropy(truth)[0],
        "auc": auc(labels, truth),
        "calibration": point.calibration(truth)[0],
        "brier": point.mse(truth)[0],
    }
    return {name: replace(metric, ceiling=_finite(best[name])) for name, metric in found.items()}


def regression(labels: Floats, predictions: Floats, base_value: float, resampling: Resampling, *, truth: Floats | None = None) -> dict[str, Metric]:
    """MAE, mean squared error, R2 and bias; the constant baseline predicts ``base_value``, the mean of the training labels.

    ``truth`` are the true expectations. They give the least mean squared error that can be had, not the least MAE (the true medians
    would): that has no ceiling.
    """
    constant = np.full_like(labels, base_value)
    point, resampled = _Sums(labels, None), _Sums(labels, resampling)
    found = {
        "mae": _metric(point.mae(predictions), point.mae(constant), resampled.mae(predictions)),
        "mse": _metric(point.mse(predictions), point.mse(constant), resampled.mse(predictions)),
        "r2": _metric(point.r2(predictions), point.r2(constant), resampled.r2(predictions)),
        "bias": _metric(point.bias(predictions), point.bias(constant), resampled.bias(predictions)),
    }
    if truth is None:
        return found
    best = {"mse": point.mse(truth)[0], "r2": point.r2(truth)[0], "bias": point.bias(truth)[0]}
    return found | {name: replace(found[name], ceiling=_finite(value)) for name, value in best.items()}


class _Sums:
    """Each figure from sums over rows: one number without resampling, [replicates] numbers with it."""

    def __init__(self, labels: Floats, resampling: Resampling | None) -> None:
        self.labels = labels
        self.resampling = resampling
        self.rows = self.total(np.ones_like(labels))
        self.positives = self.total(labels)

    def total(self, values: Floats) -> Floats:
        return np.array([values.sum()]) if self.resampling is None else self.resampling.sums(values)

    def log_loss(self, predictions: Floats) -> Floats:
        return self.total(losses(self.labels, predictions)) / self.rows

    def normalised_entropy(self, predictions: Floats) -> Floats:
        rate = np.clip(self.positives / self.rows, EPSILON, 1 - EPSILON)
        return self.log_loss(predictions) / -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))

    def calibration(self, predictions: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.where(self.positives > 0, self.total(predictions) / np.maximum(self.positives, EPSILON), np.nan)

    def mse(self, predictions: Floats) -> Floats:
        return self.total((predictions - self.labels) ** 2) / self.rows

    def mae(self, predictions: Floats) -> Floats:
        return self.total(np.abs(predictions - self.labels)) / self.rows

    def bias(self, predictions: Floats) -> Floats:
        return self.total(predictions - self.labels) / self.rows

    def r2(self, predictions: Floats) -> Floats:
        around_mean = self.total(self.labels**2) - self.positives**2 / self.rows
        return np.where(around_mean > EPSILON, 1 - self.total((predictions - self.labels) ** 2) / np.maximum(around_mean, EPSILON), np.nan)


def losses(labels: Floats, predictions: Floats) -> Floats:
    """Log loss of each row, float64 [n]."""
    clipped = np.clip(predictions, EPSILON, 1 - EPSILON)
    return -(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped))


def squares(labels: Floats, predictions: Floats) -> Floats:
    """Squared error of each row, float64 [n]."""
    return (predictions - labels) ** 2


def auc(labels: Floats, predictions: Floats, weights: Floats | None = None) -> float:
    """Area under the ROC curve with ties counted half; NaN with one class only. ``weights`` [n] count rows more than once."""
    weight = np.ones_like(labels) if weights is None else weights
    _, tie = np.unique(predictions, return_inverse=True)
    positive = np.bincount(tie, weights=weight * labels)
    negative = np.bincount(tie, weights=weight * (1 - labels))
    pairs = positive.sum() * negative.sum()
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs else math.nan


def level(figure: str, labels: Floats, predictions: Floats) -> float:
    """One figure (a method of the sums) of one model."""
    return float(getattr(_Sums(labels, None), figure)(predictions)[0])


def paired_difference(figure: str, labels: Floats, candidate: Floats, champion: Floats, resampling: Resampling) -> tuple[float, float, float]:
    """(value, low, high) of candidate minus champion in ``figure`` (a method of the sums) on the same rows, both resampled alike."""
    resampled = _Sums(labels, resampling)
    difference = getattr(resampled, figure)(candidate) - getattr(resampled, figure)(champion)
    low, high = np.nanpercentile(difference, LEVELS)
    return level(figure, labels, candidate) - level(figure, labels, champion), float(low), float(high)


def describe(metrics: Mapping[str, Metric]) -> dict[str, dict[str, Any]]:
    return {name: metric.as_json() for name, metric in metrics.items()}


def _auc_metric(labels: Floats, predictions: Floats, resampling: Resampling) -> Metric:
    values = [auc(labels, predictions, weights[resampling.session]) for weights in resampling.weights[:AUC_REPLICATES]]
    return _metric(np.array([auc(labels, predictions)]), np.array([0.5]), np.array(values))


def _metric(value: Floats, baseline: Floats, spread: Floats) -> Metric:
    known = spread[~np.isnan(spread)]
    low, high = np.percentile(known, LEVELS) if known.size else (math.nan, math.nan)
    return Metric(_finite(value[0]), _finite(baseline[0]), _finite(low), _finite(high))


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
