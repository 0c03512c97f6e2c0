"""The linear model over hashed values, learned by FTRL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from .. import ftrl
from ..hashed import Dense, HashedLogistic, Spec, transformed
from ..predictor import BUNDLE, Predictions
from ..schema import FeatureSchema, Matrix
from .base import Fitted

HASHED: dict[str, Any] = {"bits": 18, **asdict(ftrl.Settings())}


def fit(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    model, notes, importance = learn(features, labels, schema, parameters)
    return Fitted(model.to_bytes(), BUNDLE, model.predict, importance, notes)


def learn(
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
