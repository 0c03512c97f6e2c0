"""What the rows and scores of a training looked like, kept with the version so that monitoring can tell when they change."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import drift
from ..predictor import Predictor
from ..schema import FeatureSchema, Matrix
from .dataset import Dataset


def reference(schema: FeatureSchema, predictor: Predictor, earlier: Dataset, later: Dataset) -> dict[str, Any]:
    """Of all rows, and of the scores of the later ones alone: those it has learned from it knows better than what comes."""
    return drift.reference(
        np.vstack([earlier.features, later.features]),
        np.concatenate([np.full(len(earlier), np.nan), predictor.predict(as_scored(later.features, schema))]),
        schema,
        at=np.concatenate([earlier.at, later.at]),
        session=np.concatenate([earlier.session, later.session]),
    )


def as_scored(features: Matrix, schema: FeatureSchema) -> Matrix:
    """Rows as they are when they are scored: what is decided after that (a place in the pod) stands at its lowest."""
    scored = features.copy()
    for feature in schema.features:
        if feature.exposure:
            scored[:, schema.index[feature.name]] = feature.low
    return scored
