"""Estimators behind one registry line each. Fitting returns what is served: bytes and how to read them; the rest is thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..predictor import SHORTLIST, Predictions
from ..schema import FeatureSchema, Matrix
from . import forest, linear, prior, two_stage
from .base import CLASSIFICATION, REGRESSION, Estimator, Fitted, UnknownEstimator

__all__ = ["CLASSIFICATION", "ESTIMATORS", "REGRESSION", "Estimator", "Fitted", "UnknownEstimator", "find", "fit"]


def fit(name: str, task: str, features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: Mapping[str, Any]) -> Fitted:
    """Fit ``name`` on float32 [n, features] and labels [n]; ``parameters`` go over the estimator's defaults."""
    estimator = find(name, task)
    return estimator.fit(features, labels, schema, {**estimator.parameters, **parameters})


def find(name: str, task: str) -> Estimator:
    """Raises UnknownEstimator."""
    estimator = ESTIMATORS.get(name)
    if estimator is None or task not in estimator.tasks:
        possible = sorted(key for key, value in ESTIMATORS.items() if task in value.tasks)
        raise UnknownEstimator(f"there is no estimator {name!r} for {task}; choose one of: {', '.join(possible)}")
    return estimator


ESTIMATORS: dict[str, Estimator] = {
    "prior": Estimator(prior.fit, (CLASSIFICATION, REGRESSION)),
    "random_forest": Estimator(forest.fit_classifier, (CLASSIFICATION,), forest.FOREST),
    "hashed_logistic": Estimator(linear.fit, (CLASSIFICATION,), linear.HASHED),
    "two_stage": Estimator(two_stage.fit, (CLASSIFICATION,), {**linear.HASHED, **forest.FOREST, "shortlist": SHORTLIST}),
    "random_forest_regressor": Estimator(forest.fit_regressor, (REGRESSION,), forest.FOREST_REGRESSOR),
}
