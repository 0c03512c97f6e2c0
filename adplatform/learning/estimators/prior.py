"""The figure every model has to beat: a smoothed rate that is a column of the row, or the mean of the labels."""

from __future__ import annotations

from typing import Any

from ..predictor import PLAIN, ColumnPredictor, Predictions
from ..schema import FeatureSchema, Matrix
from .base import Fitted


def fit(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    predictor = ColumnPredictor(schema.index[schema.prior] if schema.prior else None, float(labels.mean()))
    return Fitted(predictor.to_bytes(), PLAIN, predictor.predict)
