"""A linear model over everything, trees over the best of what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..predictor import BUNDLE, FIRST_STAGE, SHORTLIST, Predictions, TwoStagePredictor, load, sha256
from ..schema import FeatureSchema, Matrix
from . import boosted, forest
from .base import CLASSIFICATION, Estimator, Fitted, UnknownEstimator
from .linear import HASHED, learn

# Blocks of time that the first of two stages leaves out in turn.
FOLDS = 4
# What may rank the shortlist; parameters that are not the linear model's own go over its defaults.
SECOND: dict[str, Estimator] = {name: tasks[CLASSIFICATION] for name, tasks in {"random_forest": forest.TASKS, **boosted.TASKS}.items()}
TWO_STAGE: dict[str, Any] = {**HASHED, "second": "random_forest", "shortlist": SHORTLIST}


def fit(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    """The linear model scores everything; the trees, which see its score as a column of its own, rank the best.

    The trees learn from scores of rows the linear model had not seen, by blocks of time: its scores of its own rows would
    look better than any it gives later. Those scores are of the ad as the first of its pod, as they are when it serves: what a
    place adds, the second stage corrects for itself. Raises UnknownEstimator.
    """
    second, shortlist = _second(str(parameters.pop("second"))), int(parameters.pop("shortlist"))
    linear = {name: parameters.pop(name) for name in list(parameters) if name in HASHED}
    reference = {schema.index[feature.name]: feature.low for feature in schema.features if feature.exposure}
    model, notes = learn(features, labels, schema, linear)
    scored = features.copy()
    for column, lowest in reference.items():
        scored[:, column] = lowest
    unseen = np.zeros(len(labels))
    for block in np.array_split(np.arange(len(labels)), FOLDS):
        rest = np.ones(len(labels), dtype=bool)
        rest[block] = False
        unseen[block] = learn(features[rest], labels[rest], schema, linear)[0].logits(scored[block])
    wider = FeatureSchema(schema.name, schema.version, (*schema.features, replace(FIRST_STAGE, linear="as_is")), schema.prior)
    grown = second.fit(np.column_stack([features, unseen]).astype(np.float32), labels, wider, {**second.parameters, **parameters})
    served = TwoStagePredictor(model, load(grown.artifact, grown.suffix, expected_sha256=sha256(grown.artifact)), shortlist, reference)
    artifact = served.to_bytes(first=model.to_bytes(), second=grown.artifact, second_suffix=grown.suffix)
    return Fitted(artifact, BUNDLE, lambda rows: grown.native(served.widened(rows)), grown.importance, {**grown.notes, "first_stage": notes})


def _second(name: str) -> Estimator:
    if name not in SECOND:
        raise UnknownEstimator(f"there are no trees {name!r} for a second stage; choose one of: {', '.join(sorted(SECOND))}")
    return SECOND[name]
