"""Estimators behind one registry line each. Fitting returns what is served: bytes and how to read them; the rest is thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..predictor import Predictions
from ..schema import FeatureSchema, Matrix
from . import boosted, deep, forest, linear, mlp, prior, two_stage
from .base import CLASSIFICATION, REGRESSION, Estimator, Fitted, UnknownEstimator

__all__ = ["CLASSIFICATION", "ESTIMATORS", "REGRESSION", "Estimator", "Fitted", "UnknownEstimator", "find", "fit"]


def fit(name: str, task: str, features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: Mapping[str, Any]) -> Fitted:
    """Fit ``name`` on float32 [n, features] and labels [n]; ``parameters`` go over the estimator's defaults."""
    estimator = find(name, task)
    return estimator.fit(features, labels, schema, {**estimator.parameters, **parameters})


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
    "mlp": mlp.TASKS,
    "deep": deep.TASKS,
    "hashed_logistic": {CLASSIFICATION: Estimator(linear.fit, linear.HASHED)},
    "two_stage": {CLASSIFICATION: Estimator(two_stage.fit, two_stage.TWO_STAGE)},
}
