"""Random forests of scikit-learn, served as plain trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calibration import Floats, log_odds
from ..ensemble import PROBABILITY, VALUE, Ensemble, Ints, graph
from ..predictor import ONNX, Predictions
from ..schema import FeatureSchema, Matrix
from .base import CLASSIFICATION, FIT_JOBS, REGRESSION, Estimator, Fitted, appeal_columns, leaf_for
from .fitting import Rows, corrected, fit_by_rounds
from .trees import of_forest

FOREST: dict[str, Any] = {
    "n_estimators": 150, "max_depth": 10, "positives_per_leaf": 4, "max_features": 0.6, "random_state": 7, "negatives": 1.0,
}  # fmt: skip
FOREST_REGRESSOR: dict[str, Any] = {"n_estimators": 100, "max_depth": 10, "min_samples_leaf": 15, "max_features": 0.5, "random_state": 7}
# Of the trees, for the forest that only says what to correct: its answers to later rows need no more.
TRIAL_SHARE = 3


@dataclass(frozen=True)
class Grown:
    """A forest that saw ``columns`` of the schema, missing values filled as the schema says."""

    forest: Any
    columns: Ints
    schema: FeatureSchema
    rounds: int
    curve: None = None

    def raw(self, features: Matrix) -> Floats:
        return log_odds(self.mean(features))

    def mean(self, features: Matrix) -> Floats:
        own = filled(features, self.columns, self.schema)
        answers: Floats = self.forest.predict_proba(own)[:, 1] if hasattr(self.forest, "predict_proba") else self.forest.predict(own)
        return answers

    def fitted(self, link: str) -> Fitted:
        ensemble = Ensemble(of_forest(self.forest, self.columns, self.schema.fills[self.columns]), 0.0, link)
        return Fitted(graph(ensemble, self.schema), ONNX, self.mean, ensemble.importance(self.schema))


def filled(features: Matrix, columns: Ints, schema: FeatureSchema) -> Matrix:
    taken = features[:, columns]
    whole: Matrix = np.where(np.isnan(taken), schema.fills[columns], taken)
    return whole


def fit_classifier(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    negatives = float(parameters.pop("negatives", 1.0))
    plant = _planter(labels, schema, parameters)
    trees = int(parameters["n_estimators"])

    def learn(rows: Rows, later: Rows | None, rounds: int) -> Grown:
        return plant(rows.features, rows.labels, rounds if later is None else -(-rounds // TRIAL_SHARE), rounds)

    outcome = fit_by_rounds(
        learn, CLASSIFICATION, features, labels, schema, rounds=trees, fallback=trees, negatives=negatives, takes_margin=False
    )  # fmt: skip
    return corrected(outcome.model.fitted(PROBABILITY), outcome.calibration, outcome.notes)


def _planter(labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Callable[[Matrix, Predictions, int, int], Grown]:
    from sklearn.ensemble import RandomForestClassifier

    settings = dict(parameters)
    leaf = leaf_for(len(labels), float(labels.mean()), settings.pop("positives_per_leaf"))
    settings = {"min_samples_leaf": leaf, **settings}
    columns = appeal_columns(schema)

    def plant(features: Matrix, labels: Predictions, trees: int, rounds: int) -> Grown:
        forest = RandomForestClassifier(n_jobs=FIT_JOBS, **{**settings, "n_estimators": trees})
        forest.fit(filled(features, columns, schema), labels.astype(np.int64))
        forest.set_params(n_jobs=None)
        return Grown(forest, columns, schema, rounds)

    return plant


def fit_regressor(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    from sklearn.ensemble import RandomForestRegressor

    columns = appeal_columns(schema)
    forest = RandomForestRegressor(n_jobs=FIT_JOBS, **parameters)
    forest.fit(filled(features, columns, schema), labels)
    forest.set_params(n_jobs=None)
    return Grown(forest, columns, schema, len(forest.estimators_)).fitted(VALUE)


TASKS = {CLASSIFICATION: Estimator(fit_classifier, FOREST), REGRESSION: Estimator(fit_regressor, FOREST_REGRESSOR)}
