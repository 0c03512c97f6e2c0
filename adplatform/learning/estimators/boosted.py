"""Gradient boosted trees of three libraries, every one served as the same plain trees.

Fixed seeds and threads and the libraries' own deterministic modes: the same rows give the same trees. Missing values go where
each library learned to send them. Ids are left out, a tree can only ask whether a code is above another, which says nothing of a
hash; the smoothed rates stand for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calibration import Calibration, Floats, level_shift, sigmoid
from ..ensemble import LOG_ODDS, VALUE, Ensemble, Ints, Tree, graph, place_tree
from ..predictor import ONNX, Predictions
from ..schema import FeatureSchema, Matrix
from . import trees
from .base import CLASSIFICATION, REGRESSION, Estimator, Fit, Fitted, appeal_columns, leaf_for
from .fitting import Curve, Rows, fit_by_rounds

# One: threads that wait for each other spin, and on a machine that serves beside training that takes longer than working alone.
THREADS = 1
# Rounds without a better loss on the later rows before the learning stops.
PATIENCE = 30
BOOSTED: dict[str, Any] = {
    "rounds": 400, "fallback_rounds": 60, "learning_rate": 0.05, "leaves": 10, "positives_per_leaf": 4, "leaf_rows": 25, "l2": 5.0,
    "column_share": 0.7, "negatives": 1.0, "seed": 7,
}  # fmt: skip


@dataclass(frozen=True)
class Boosted:
    """A fitted ensemble: its trees as they are served, and the library's own answer, which only the parity check asks for."""

    trees: tuple[Tree, ...]
    base: float
    rounds: int
    curve: Curve
    native: Callable[[Matrix], Floats]

    def raw(self, features: Matrix) -> Floats:
        return self.native(features)


@dataclass(frozen=True)
class Setting:
    """What a library is asked for, the same for all three. ``leaf`` rows at least in a leaf, ``weight`` their sum of second
    derivatives; ``columns`` of the schema that the trees may ask about, ``fills`` what a library that knows no missing values gets there."""

    classifies: bool
    columns: Ints
    leaf: int
    weight: float
    parameters: Mapping[str, Any]
    fills: Matrix

    def own(self, features: Matrix) -> Matrix:
        taken: Matrix = np.ascontiguousarray(features[:, self.columns])
        return taken

    def start(self, rows: Rows) -> float:
        """What every row is before the first tree: the log-odds that give their rate, or their mean."""
        return level_shift(rows.labels, rows.margin) if self.classifies else float(rows.labels.mean())


Grow = Callable[[Setting, Rows, Rows | None, int], Boosted]


def tasks(grow: Grow, *, takes_margin: bool = True) -> dict[str, Estimator]:
    return {task: Estimator(_fit(grow, task, takes_margin=takes_margin), BOOSTED) for task in (CLASSIFICATION, REGRESSION)}


def _fit(grow: Grow, task: str, *, takes_margin: bool) -> Fit:
    def fit(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
        classifies = task == CLASSIFICATION
        rate = float(min(labels.mean(), 1 - labels.mean())) if classifies else 1.0
        leaf = leaf_for(len(labels), rate, parameters["positives_per_leaf"]) if classifies else int(parameters["leaf_rows"])
        columns, weight = appeal_columns(schema), leaf * rate * (1 - rate) if classifies else float(leaf)
        setting = Setting(classifies, columns, leaf, weight, parameters, schema.fills[columns])
        outcome = fit_by_rounds(
            lambda rows, later, rounds: grow(setting, rows, later, rounds), task, features, labels, schema,
            rounds=int(parameters["rounds"]), fallback=int(parameters["fallback_rounds"]), negatives=float(parameters["negatives"]),
            takes_margin=takes_margin,
        )  # fmt: skip
        return served(outcome.model, outcome.calibration, schema, task, {**outcome.notes, "rows_per_leaf": leaf})

    return fit


def served(model: Boosted, calibration: Calibration, schema: FeatureSchema, task: str, notes: dict[str, Any]) -> Fitted:
    """The correction goes into the leaves, and what the places add into one more tree, so nothing stands around the graph."""
    ensemble = Ensemble(model.trees, model.base, LOG_ODDS if task == CLASSIFICATION else VALUE)
    importance = ensemble.importance(schema)
    corrected = ensemble.scaled(calibration.slope, calibration.intercept)
    for offsets in calibration.offsets:
        corrected = corrected.with_tree(place_tree(offsets.column, offsets.low, offsets.values))

    def native(features: Matrix) -> Predictions:
        answers = calibration.log_odds(model.raw(features), features)
        return sigmoid(answers) if task == CLASSIFICATION else answers

    return Fitted(graph(corrected, schema), ONNX, native, importance, {**notes, "trees": len(model.trees)})


def lightgbm(setting: Setting, rows: Rows, later: Rows | None, rounds: int) -> Boosted:
    import lightgbm

    asked = setting.parameters
    options = {
        "objective": "binary" if setting.classifies else "regression", "metric": "binary_logloss" if setting.classifies else "l2",
        "learning_rate": asked["learning_rate"], "num_leaves": asked["leaves"], "min_data_in_leaf": setting.leaf, "lambda_l2": asked["l2"],
        "min_sum_hessian_in_leaf": 1e-3, "feature_fraction": asked["column_share"], "seed": asked["seed"], "deterministic": True,
        "force_row_wise": True, "num_threads": THREADS, "boost_from_average": False, "verbosity": -1,
    }  # fmt: skip
    start = setting.start(rows)

    def table(of: Rows, reference: Any = None) -> Any:
        return lightgbm.Dataset(setting.own(of.features), of.labels, init_score=of.margin + start, reference=reference)

    learned = table(rows)
    sets = {"train": learned} | ({"later": table(later, learned)} if later is not None else {})
    losses: dict[str, Any] = {}
    calls = [lightgbm.record_evaluation(losses)]
    if later is not None:
        calls.append(lightgbm.early_stopping(PATIENCE, verbose=False, first_metric_only=True))
    booster = lightgbm.train(
        options, learned, num_boost_round=rounds, valid_sets=list(sets.values()), valid_names=list(sets), callbacks=calls
    )  # fmt: skip
    best = (booster.best_iteration if later is not None else 0) or booster.current_iteration()
    curve = Curve("round", *(tuple(next(iter(losses[name].values()))) for name in sets))
    grown = trees.of_lightgbm(booster.dump_model(num_iteration=best), setting.columns)

    def native(features: Matrix) -> Floats:
        return np.asarray(booster.predict(setting.own(features), raw_score=True, num_iteration=best, num_threads=1)) + start

    return Boosted(grown, start, best, curve, native)


def xgboost(setting: Setting, rows: Rows, later: Rows | None, rounds: int) -> Boosted:
    import xgboost

    asked = setting.parameters
    options = {
        "objective": "binary:logistic" if setting.classifies else "reg:squarederror",
        "eval_metric": "logloss" if setting.classifies else "rmse", "eta": asked["learning_rate"], "tree_method": "hist",
        "grow_policy": "lossguide", "max_leaves": asked["leaves"], "max_depth": 0, "min_child_weight": setting.weight, "lambda": asked["l2"],
        "colsample_bytree": asked["column_share"], "seed": asked["seed"], "nthread": THREADS, "verbosity": 0,
        "base_score": 0.5 if setting.classifies else 0.0,
    }  # fmt: skip
    start = setting.start(rows)

    def table(of: Rows) -> Any:
        return xgboost.DMatrix(setting.own(of.features), of.labels, base_margin=of.margin + start, nthread=THREADS)

    learned = table(rows)
    sets = [(learned, "train")] + ([(table(later), "later")] if later is not None else [])
    losses: dict[str, Any] = {}
    booster = xgboost.train(
        options, learned, num_boost_round=rounds, evals=sets, evals_result=losses, verbose_eval=False,
        early_stopping_rounds=PATIENCE if later is not None else None,
    )  # fmt: skip
    best = booster.best_iteration + 1 if later is not None else rounds
    booster = booster[:best]
    grown, own_base = trees.of_xgboost(bytes(booster.save_raw("json")), setting.columns)
    curve = Curve("round", *(tuple(next(iter(losses[name].values()))) for _, name in sets))

    def native(features: Matrix) -> Floats:
        matrix = xgboost.DMatrix(setting.own(features), nthread=1)
        return booster.predict(matrix, output_margin=True).astype(np.float64) + start

    return Boosted(grown, start + own_base, best, curve, native)


def hist_gradient_boosting(setting: Setting, rows: Rows, later: Rows | None, rounds: int) -> Boosted:
    """scikit-learn cannot start from what the places add: it learns without, and its level is set afterwards."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    asked = setting.parameters
    kind = HistGradientBoostingClassifier if setting.classifies else HistGradientBoostingRegressor
    model = kind(
        learning_rate=asked["learning_rate"], max_iter=rounds, max_leaf_nodes=asked["leaves"], min_samples_leaf=setting.leaf,
        l2_regularization=asked["l2"], max_features=asked["column_share"], early_stopping=later is not None, n_iter_no_change=PATIENCE,
        scoring="loss", random_state=asked["seed"],
    )  # fmt: skip
    judged = {} if later is None else {"X_val": setting.own(later.features), "y_val": _classes(later.labels, setting)}
    with threadpool_limits(THREADS, user_api="openmp"):
        model.fit(_without_empty(setting.own(rows.features)), _classes(rows.labels, setting), **judged)
    seen = [] if later is None else [float(-score) for score in model.validation_score_[1:]]
    best = int(np.argmin(seen)) + 1 if seen else model.n_iter_
    curve = Curve("round", tuple(float(-score) for score in model.train_score_[1:]), tuple(seen))
    grown, base = trees.of_hist_gradient_boosting(model, setting.columns, best)
    del model._predictors[best:]

    def native(features: Matrix) -> Floats:
        own = setting.own(features)
        answers: Floats = model.decision_function(own) if setting.classifies else model.predict(own)
        return answers

    return Boosted(grown, base, best, curve, native)


def _without_empty(features: Matrix) -> Matrix:
    """scikit-learn finds no bins for a column that nothing is known of; as a constant it is never asked about."""
    filled: Matrix = np.where(np.isnan(features).all(axis=0), np.float32(0), features)
    return filled


def _classes(labels: Floats, setting: Setting) -> Any:
    return labels.astype(np.int64) if setting.classifies else labels


TASKS: dict[str, dict[str, Estimator]] = {
    "hist_gradient_boosting": tasks(hist_gradient_boosting, takes_margin=False),
    "lightgbm": tasks(lightgbm),
    "xgboost": tasks(xgboost),
}
