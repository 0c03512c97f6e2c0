"""scikit-learn's gradient boosting, and for numbers a bag of them: how far the members are apart says how little is known.

Each member learns from as many sessions as there are, drawn with replacement (Efron & Tibshirani 1993: what is drawn must be what
is independent, and the rows of one viewer's evening are not). All members are one graph with a column each, so that one call gives
every answer. Missing values are filled as the schema says.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from ..calibration import Floats, sigmoid
from ..ensemble import VALUE, Ensemble
from ..ensemble import bagged as graph_of
from ..metrics import losses
from ..predictor import ONNX, Predictions
from ..schema import FeatureSchema, Matrix
from . import boosted
from .base import CLASSIFICATION, REGRESSION, Estimator, Fitted, Sample, appeal_columns
from .boosted import Boosted, Setting
from .fitting import CURVE_DIGITS, Curve, Rows, later_rows
from .forest import filled
from .trees import of_gradient_boosting

CLASSIFIER: dict[str, Any] = {**boosted.BOOSTED, "rounds": 200}
REGRESSOR: dict[str, Any] = {
    "bags": 8, "rounds": 70, "fallback_rounds": 50, "learning_rate": 0.1, "depth": 4, "leaf_rows": 25, "column_share": 0.3, "row_share": 0.5,
    "seed": 7,
}  # fmt: skip


def classifier(setting: Setting, rows: Rows, later: Rows | None, rounds: int) -> Boosted:
    """It cannot start from what the places add: it learns without, and its level is set afterwards."""
    from sklearn.ensemble import GradientBoostingClassifier

    asked = setting.parameters
    model = GradientBoostingClassifier(
        n_estimators=rounds, learning_rate=asked["learning_rate"], max_depth=None, max_leaf_nodes=asked["leaves"], min_samples_leaf=setting.leaf,
        max_features=asked["column_share"], random_state=asked["seed"],
    )  # fmt: skip

    def own(features: Matrix) -> Matrix:
        taken = setting.own(features)
        whole: Matrix = np.where(np.isnan(taken), setting.fills, taken)
        return whole

    model.fit(own(rows.features), rows.labels.astype(np.int64))
    staged = () if later is None else model.staged_decision_function(own(later.features))
    seen = [] if later is None else [float(losses(later.labels, sigmoid(np.ravel(stage) + later.margin)).mean()) for stage in staged]
    best = int(np.argmin(seen)) + 1 if seen else rounds

    def native(features: Matrix) -> Floats:
        stages = model.staged_decision_function(own(features))
        return np.ravel(next(islice(stages, best - 1, None))).astype(np.float64)

    grown, start = of_gradient_boosting(model, setting.columns, setting.fills, best), setting.start(rows)
    return Boosted(grown, start, best, Curve("round", tuple(map(float, model.train_score_)), tuple(seen)), native)


def fit_regressor(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any], sample: Sample) -> Fitted:
    """``bags`` models of as many rounds as one of them needed that stopped by later rows. What is predicted is their mean."""
    columns = appeal_columns(schema)
    own, weight = filled(features, columns, schema), np.ones(len(labels)) if sample.weight is None else sample.weight
    rounds, notes = _rounds(own, labels, weight, parameters)
    rng = np.random.default_rng(parameters["seed"])
    models = [
        _grown(own, labels, weight * drawn, parameters, rounds, seed) for seed, drawn in enumerate(_draws(len(labels), sample, parameters, rng))
    ]
    fills = schema.fills[columns]
    bags = [Ensemble(of_gradient_boosting(one, columns, fills, rounds), float(one.init_.constant_[0, 0]), VALUE) for one in models]
    mean = Ensemble(tuple(tree for bag in bags for tree in bag.trees), 0.0, VALUE)

    def native(asked: Matrix) -> Floats:
        rows = filled(asked, columns, schema)
        return np.mean([one.predict(rows) for one in models], axis=0) if len(rows) else np.zeros(0)

    notes |= {"bags": len(bags), "trees": len(mean.trees)}
    return Fitted(graph_of(bags, schema), ONNX, native, mean.importance(schema), notes)


def _rounds(own: Matrix, labels: Floats, weight: Floats, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    later = later_rows(labels, REGRESSION)
    if later is None:
        rounds = int(parameters["fallback_rounds"])
        return rounds, {"rounds": f"{rounds}: too few later rows to choose by"}
    trial = _grown(own[~later], labels[~later], weight[~later], parameters, int(parameters["rounds"]), 0)
    seen = [float(np.average((stage - labels[later]) ** 2, weights=weight[later])) for stage in trial.staged_predict(own[later])]
    rounds = int(np.argmin(seen)) + 1
    curve = [round(loss, CURVE_DIGITS) for loss in seen]
    return rounds, {"rounds": f"{rounds}, best of {len(seen)} on {int(later.sum()):,} later rows", "loss_curve": curve, "loss_curve_unit": "round"}


def _draws(rows: int, sample: Sample, parameters: dict[str, Any], rng: np.random.Generator) -> list[Floats]:
    """For each bag how often each row is in it, float64 [n]."""
    names, group = np.unique(np.arange(rows) if sample.session is None else sample.session, return_inverse=True)
    drawn = (np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names)) for _ in range(int(parameters["bags"])))
    return [counts[group].astype(np.float64) for counts in drawn]


def _grown(own: Matrix, labels: Floats, weight: Floats, parameters: dict[str, Any], rounds: int, seed: int) -> Any:
    from sklearn.ensemble import GradientBoostingRegressor

    inside = weight > 0
    model = GradientBoostingRegressor(
        n_estimators=rounds, learning_rate=parameters["learning_rate"], max_depth=parameters["depth"],
        min_samples_leaf=int(parameters["leaf_rows"]), max_features=parameters["column_share"], subsample=parameters["row_share"],
        random_state=int(parameters["seed"]) + seed,
    )  # fmt: skip
    return model.fit(own[inside], labels[inside], sample_weight=weight[inside])


def _each_alone(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    return fit_regressor(features, labels, schema, parameters, Sample())


TASKS = {
    CLASSIFICATION: Estimator(boosted.tasks(classifier, takes_margin=False)[CLASSIFICATION].fit, CLASSIFIER),
    REGRESSION: Estimator(_each_alone, REGRESSOR, fit_sample=fit_regressor),
}
