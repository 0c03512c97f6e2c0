"""Estimators behind one registry line each. Fitting returns what is served: bytes and how to read them; the rest is thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..predictor import Predictions
from ..schema import FeatureSchema, Matrix
from . import bagged, boosted, deep, forest, linear, mlp, prior, two_stage
from .base import CLASSIFICATION, REGRESSION, Estimator, Fitted, Sample, UnknownEstimator

__all__ = ["CLASSIFICATION", "ESTIMATORS", "REGRESSION", "Estimator", "Fitted", "Sample", "UnknownEstimator", "find", "fit"]

EACH_ALONE = Sample()


def fit(
    name: str, task: str, features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: Mapping[str, Any], sample: Sample = EACH_ALONE
) -> Fitted:
    """Fit ``name`` on float32 [n, features] and labels [n]; ``parameters`` go over the estimator's defaults. Estimators that know no
    weights and no sessions leave the ``sample`` out of account."""
    estimator = find(name, task)
    settled = {**estimator.parameters, **parameters}
    if estimator.fit_sample is not None:
        return estimator.fit_sample(features, labels, schema, settled, sample)
    return estimator.fit(features, labels, schema, settled)


def find(name: str, task: str) -> Estimator:
    """Raises UnknownEstimator, also for one whose package is not installed."""
    estimator = ESTIMATORS.get(name, {}).get(task)
    if estimator is None:
        raise UnknownEstimator(f"there is no estimator {name!r} for {task}; choose one of: {', '.join(of_task(task))}")
    estimator.needs()
    return estimator


def of_task(task: str) -> list[str]:
    """The names there are for a task, whether or not what they need is installed."""
    return sorted(name for name, tasks in ESTIMATORS.items() if task in tasks)


ESTIMATORS: dict[str, dict[str, Estimator]] = {
    "prior": {task: Estimator(prior.fit) for task in (CLASSIFICATION, REGRESSION)},
    "random_forest": forest.TASKS,
    **boosted.TASKS,
    "gradient_boosting": bagged.TASKS,
    "mlp": mlp.TASKS,
    "deep": deep.TASKS,
    "hashed_logistic": {CLASSIFICATION: Estimator(linear.fit, linear.HASHED)},
    "two_stage": {CLASSIFICATION: Estimator(two_stage.fit, two_stage.TWO_STAGE)},
}
