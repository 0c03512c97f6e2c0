"""Estimators behind one registry line each. Fitting returns what is served: bytes and how to read them; the rest is thrown away."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .predictor import INPUT, ONNX, OUTPUT, PLAIN, ColumnPredictor, Predictions
from .schema import FeatureSchema, Matrix

CLASSIFICATION, REGRESSION = "classification", "regression"
FIT_JOBS = 2
LEAST_LEAF = 25


class UnknownEstimator(ValueError):
    """No estimator of that name for that task; the message lists those there are."""


@dataclass(frozen=True)
class Fitted:
    """``native`` predicts with the library that was fitted; only the parity check calls it."""

    artifact: bytes
    suffix: str
    native: Callable[[Matrix], Predictions]
    importance: Mapping[str, float] = field(default_factory=dict)


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
    filled = np.where(np.isnan(features), schema.fills, features)
    forest.fit(filled, labels)
    forest.set_params(n_jobs=None)
    importance = dict(zip(schema.names, map(float, forest.feature_importances_), strict=True))
    return Fitted(_forest_graph(forest, schema), ONNX, lambda rows: predict(forest, np.where(np.isnan(rows), schema.fills, rows)), importance)


def _forest_graph(forest: Any, schema: FeatureSchema) -> bytes:
    """The forest as ONNX with the schema's fills in front, so that serving treats a missing value as training did."""
    from onnx import TensorProto, helper, numpy_helper
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    width = len(schema.features)
    classifies = hasattr(forest, "predict_proba")
    model = to_onnx(
        forest,
        initial_types=[("filled", FloatTensorType([None, width]))],
        options={id(forest): {"zipmap": False}} if classifies else None,
        name=schema.name,
    )
    graph = model.graph
    answer = graph.output[-1].name
    fills = numpy_helper.from_array(schema.fills.reshape(1, width), "fills")
    before = [helper.make_node("IsNaN", [INPUT], ["missing"]), helper.make_node("Where", ["missing", "fills", INPUT], ["filled"])]
    nodes = [*before, *graph.node, helper.make_node("Identity", [answer], [OUTPUT])]
    whole = helper.make_graph(
        nodes,
        schema.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 2 if classifies else 1])],
        [*graph.initializer, fills],
    )
    named = helper.make_model(whole, opset_imports=model.opset_import, ir_version=model.ir_version, producer_name="intermission")
    helper.set_model_props(named, {"schema": schema.fingerprint()})
    return bytes(named.SerializeToString(deterministic=True))


ESTIMATORS: dict[str, Estimator] = {
    "prior": Estimator(_fit_prior, (CLASSIFICATION, REGRESSION)),
    "random_forest": Estimator(
        _fit_forest_classifier,
        (CLASSIFICATION,),
        {"n_estimators": 150, "max_depth": 10, "positives_per_leaf": 4, "max_features": 0.6, "random_state": 7},
    ),
    "random_forest_regressor": Estimator(
        _fit_forest_regressor,
        (REGRESSION,),
        {"n_estimators": 100, "max_depth": 10, "min_samples_leaf": 15, "max_features": 0.5, "random_state": 7},
    ),
}
