"""Estimators behind one registry line each. Fitting returns what is served: bytes and how to read them; the rest is thrown away."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import ftrl
from .hashed import Dense, HashedLogistic, Spec, transformed
from .predictor import BUNDLE, FIRST_STAGE, INPUT, ONNX, OUTPUT, PLAIN, SHORTLIST, ColumnPredictor, Predictions, TwoStagePredictor, load, sha256
from .schema import FeatureSchema, Matrix

CLASSIFICATION, REGRESSION = "classification", "regression"
FIT_JOBS = 2
# Blocks of time that the first of two stages leaves out in turn.
FOLDS = 4
LEAST_LEAF = 25


class UnknownEstimator(ValueError):
    """No estimator of that name for that task; the message lists those there are."""


@dataclass(frozen=True)
class Fitted:
    """``native`` predicts with the library that was fitted; only the parity check calls it. ``notes`` say how the fitting went."""

    artifact: bytes
    suffix: str
    native: Callable[[Matrix], Predictions]
    importance: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


Fit = Callable[[Matrix, Predictions, FeatureSchema, dict[str, Any]], Fitted]


@dataclass(frozen=True)
class Estimator:
    fit: Fit
    tasks: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)


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


def _fit_prior(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    predictor = ColumnPredictor(schema.index[schema.prior] if schema.prior else None, float(labels.mean()))
    return Fitted(predictor.to_bytes(), PLAIN, predictor.predict)


def _fit_forest_classifier(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier

    positives = parameters.pop("positives_per_leaf")
    leaf = {"min_samples_leaf": leaf_for(len(labels), float(labels.mean()), positives)}
    forest = RandomForestClassifier(n_jobs=FIT_JOBS, **{**leaf, **parameters})
    return _fit_forest(forest, features, labels.astype(np.int64), schema, lambda model, rows: model.predict_proba(rows)[:, 1])


def leaf_for(rows: int, rate: float, positives: float) -> int:
    """Fewest rows in a leaf, so that it holds about ``positives`` positive outcomes: at a click rate of 1 %, leaves of 25 rows
    hold a click by chance and the forest learns noise. At most a tenth of the rows, so that there is something to split."""
    return max(LEAST_LEAF, min(rows // 10, math.ceil(positives / rate)))


def _fit_forest_regressor(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(n_jobs=FIT_JOBS, **parameters)
    return _fit_forest(forest, features, labels, schema, lambda model, rows: model.predict(rows))


def _fit_forest(forest: Any, features: Matrix, labels: Any, schema: FeatureSchema, predict: Callable[[Any, Matrix], Predictions]) -> Fitted:
    """Ids are left out: a tree can only ask whether a code is above another, which says nothing of a hash."""
    own = np.array([place for place, feature in enumerate(schema.features) if not feature.identity], dtype=np.int64)

    def filled(rows: Matrix) -> Matrix:
        return np.where(np.isnan(rows[:, own]), schema.fills[own], rows[:, own])

    forest.fit(filled(features), labels)
    forest.set_params(n_jobs=None)
    importance = dict(zip([schema.names[place] for place in own], map(float, forest.feature_importances_), strict=True))
    return Fitted(_forest_graph(forest, schema, own), ONNX, lambda rows: predict(forest, filled(rows)), importance)


def _forest_graph(forest: Any, schema: FeatureSchema, own: NDArray[np.int64]) -> bytes:
    """The forest as ONNX over whole rows, of which it takes its ``own`` columns, with the schema's fills in front, so that serving
    treats a missing value as training did."""
    from onnx import TensorProto, helper, numpy_helper
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    width = len(schema.features)
    classifies = hasattr(forest, "predict_proba")
    model = to_onnx(
        forest,
        initial_types=[("filled", FloatTensorType([None, len(own)]))],
        options={id(forest): {"zipmap": False}} if classifies else None,
        name=schema.name,
    )
    graph = model.graph
    answer = graph.output[-1].name
    fills = numpy_helper.from_array(schema.fills[own].reshape(1, len(own)), "fills")
    before = [
        helper.make_node("Gather", [INPUT, "own"], ["taken"], axis=1),
        helper.make_node("IsNaN", ["taken"], ["missing"]),
        helper.make_node("Where", ["missing", "fills", "taken"], ["filled"]),
    ]
    nodes = [*before, *graph.node, helper.make_node("Identity", [answer], [OUTPUT])]
    whole = helper.make_graph(
        nodes,
        schema.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 2 if classifies else 1])],
        [*graph.initializer, fills, numpy_helper.from_array(own, "own")],
    )
    named = helper.make_model(whole, opset_imports=model.opset_import, ir_version=model.ir_version, producer_name="intermission")
    helper.set_model_props(named, {"schema": schema.fingerprint()})
    return bytes(named.SerializeToString(deterministic=True))


def _fit_hashed_logistic(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    model, notes, importance = _hashed(features, labels, schema, parameters)
    return Fitted(model.to_bytes(), BUNDLE, model.predict, importance, notes)


def _hashed(
    features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: Mapping[str, Any]
) -> tuple[HashedLogistic, dict[str, Any], dict[str, float]]:
    """The model, how its learning went, and the share of the spread of its log-odds that each term has."""
    if not schema.terms:
        raise ValueError(f"the schema {schema.name} declares no terms, so a linear model has nothing to learn")
    settings = dict(parameters)
    spec = Spec.of(schema, int(settings.pop("bits")))
    numbers = [feature for feature in schema.features if feature.linear is not None]
    moved = [transformed(str(number.linear), features[:, schema.index[number.name]].astype(np.float64)) for number in numbers]
    dense = [Dense(number.name, str(number.linear), *_spread(values), 1.0) for number, values in zip(numbers, moved, strict=True)]
    columns = [np.nan_to_num((values - one.mean) / one.scale) for values, one in zip(moved, dense, strict=True)]
    empty = HashedLogistic(spec, np.zeros(1 << spec.bits, dtype=np.float32), (), 0.0)
    places = empty.places(features)
    used = np.unique(np.append(places, empty.nowhere))
    stacked = np.stack(columns, axis=1) if columns else np.zeros((len(features), 0))
    learned = ftrl.learn(np.searchsorted(used, places), stacked, labels, ftrl.Settings(**settings), nowhere=len(used) - 1)
    weights = np.zeros((1 << spec.bits) + 1, dtype=np.float32)
    weights[used] = learned.weights
    dense = [replace(one, weight=float(weight)) for one, weight in zip(dense, learned.dense, strict=True)]
    spreads = {" x ".join(term): float(weights[places[:, place]].std()) for place, term in enumerate(spec.terms)}
    spreads |= {f"{one.column} (number)": float((column * one.weight).std()) for one, column in zip(dense, columns, strict=True)}
    total = sum(spreads.values()) or 1.0
    notes = {
        "progressive_log_loss": [round(loss, 6) for loss in learned.losses],
        "weights": int(np.count_nonzero(weights)),
        "places": len(used) - 1,
    }
    return HashedLogistic(spec, weights[:-1], dense, learned.bias), notes, {name: spread / total for name, spread in spreads.items()}


def _spread(values: Predictions) -> tuple[float, float]:
    """Mean and standard deviation of the known values, 0 and 1 where there are none or they do not vary."""
    known = values[~np.isnan(values)]
    if not known.size:
        return 0.0, 1.0
    deviation = float(known.std())
    return float(known.mean()), deviation if deviation > 1e-9 else 1.0


def _fit_two_stage(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    """The linear model scores everything; the forest, which sees the linear score as a column of its own, ranks the best.

    The forest learns from scores of rows the linear model had not seen, by blocks of time: its scores of its own rows would
    look better than any it gives later.
    """
    shortlist = int(parameters.pop("shortlist"))
    linear = {name: parameters.pop(name) for name in list(parameters) if name in HASHED}
    unseen = np.zeros(len(labels))
    for block in np.array_split(np.arange(len(labels)), FOLDS):
        rest = np.ones(len(labels), dtype=bool)
        rest[block] = False
        unseen[block] = _hashed(features[rest], labels[rest], schema, linear)[0].logits(features[block])
    model, notes, _ = _hashed(features, labels, schema, linear)
    wider = FeatureSchema(schema.name, schema.version, (*schema.features, FIRST_STAGE), schema.prior)
    forest = _fit_forest_classifier(np.column_stack([features, unseen]).astype(np.float32), labels, wider, parameters)
    served = TwoStagePredictor(model, load(forest.artifact, forest.suffix, expected_sha256=sha256(forest.artifact)), shortlist)
    artifact = served.to_bytes(first=model.to_bytes(), second=forest.artifact, second_suffix=forest.suffix)
    return Fitted(artifact, BUNDLE, lambda rows: forest.native(served.widened(rows)), forest.importance, notes)


HASHED: dict[str, Any] = {"bits": 18, **asdict(ftrl.Settings())}
FOREST: dict[str, Any] = {"n_estimators": 150, "max_depth": 10, "positives_per_leaf": 4, "max_features": 0.6, "random_state": 7}
ESTIMATORS: dict[str, Estimator] = {
    "prior": Estimator(_fit_prior, (CLASSIFICATION, REGRESSION)),
    "random_forest": Estimator(_fit_forest_classifier, (CLASSIFICATION,), FOREST),
    "hashed_logistic": Estimator(_fit_hashed_logistic, (CLASSIFICATION,), HASHED),
    "two_stage": Estimator(_fit_two_stage, (CLASSIFICATION,), {**HASHED, **FOREST, "shortlist": SHORTLIST}),
    "random_forest_regressor": Estimator(
        _fit_forest_regressor,
        (REGRESSION,),
        {"n_estimators": 100, "max_depth": 10, "min_samples_leaf": 15, "max_features": 0.5, "random_state": 7},
    ),
}
