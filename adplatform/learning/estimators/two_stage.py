"""A linear model over everything, a forest over the best of what it says."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..predictor import BUNDLE, FIRST_STAGE, Predictions, TwoStagePredictor, load, sha256
from ..schema import FeatureSchema, Matrix
from .base import Fitted
from .forest import fit_uncorrected
from .linear import HASHED, learn

# Blocks of time that the first of two stages leaves out in turn.
FOLDS = 4


def fit(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
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
        unseen[block] = learn(features[rest], labels[rest], schema, linear)[0].logits(features[block])
    model, notes = learn(features, labels, schema, linear)
    wider = FeatureSchema(schema.name, schema.version, (*schema.features, FIRST_STAGE), schema.prior)
    forest = fit_uncorrected(np.column_stack([features, unseen]).astype(np.float32), labels, wider, parameters)
    served = TwoStagePredictor(model, load(forest.artifact, forest.suffix, expected_sha256=sha256(forest.artifact)), shortlist)
    artifact = served.to_bytes(first=model.to_bytes(), second=forest.artifact, second_suffix=forest.suffix)
    return Fitted(artifact, BUNDLE, lambda rows: forest.native(served.widened(rows)), forest.importance, notes)
