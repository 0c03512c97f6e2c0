"""Random forests of scikit-learn, served as ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..predictor import INPUT, ONNX, OUTPUT, Predictions
from ..schema import FeatureSchema, Matrix
from .base import FIT_JOBS, Fitted

LEAST_LEAF = 25
FOREST: dict[str, Any] = {"n_estimators": 150, "max_depth": 10, "positives_per_leaf": 4, "max_features": 0.6, "random_state": 7}
FOREST_REGRESSOR: dict[str, Any] = {"n_estimators": 100, "max_depth": 10, "min_samples_leaf": 15, "max_features": 0.5, "random_state": 7}


def fit_classifier(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier

    positives = parameters.pop("positives_per_leaf")
    leaf = {"min_samples_leaf": leaf_for(len(labels), float(labels.mean()), positives)}
    forest = RandomForestClassifier(n_jobs=FIT_JOBS, **{**leaf, **parameters})
    return _fit(forest, features, labels.astype(np.int64), schema, lambda model, rows: model.predict_proba(rows)[:, 1])


def leaf_for(rows: int, rate: float, positives: float) -> int:
    """Fewest rows in a leaf, so that it holds about ``positives`` positive outcomes: at a click rate of 1 %, leaves of 25 rows
    hold a click by chance and the forest learns noise. At most a tenth of the rows, so that there is something to split."""
    return max(LEAST_LEAF, min(rows // 10, math.ceil(positives / rate)))


def fit_regressor(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(n_jobs=FIT_JOBS, **parameters)
    return _fit(forest, features, labels, schema, lambda model, rows: model.predict(rows))


def _fit(forest: Any, features: Matrix, labels: Any, schema: FeatureSchema, predict: Callable[[Any, Matrix], Predictions]) -> Fitted:
    """Ids are left out: a tree can only ask whether a code is above another, which says nothing of a hash."""
    own = np.array([place for place, feature in enumerate(schema.features) if not feature.identity], dtype=np.int64)

    def filled(rows: Matrix) -> Matrix:
        return np.where(np.isnan(rows[:, own]), schema.fills[own], rows[:, own])

    forest.fit(filled(features), labels)
    forest.set_params(n_jobs=None)
    importance = dict(zip([schema.names[place] for place in own], map(float, forest.feature_importances_), strict=True))
    return Fitted(_graph(forest, schema, own), ONNX, lambda rows: predict(forest, filled(rows)), importance)


def _graph(forest: Any, schema: FeatureSchema, own: NDArray[np.int64]) -> bytes:
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
