"""Permutation importance (Breiman 2001; Fisher, Rudin & Dominici 2019): how much worse a model predicts rows it has not seen when
one column is shuffled among them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import Floats
from .predictor import Predictor
from .schema import FeatureSchema, Matrix

ROWS, REPEATS = 3000, 2


def permutation(
    model: Predictor, schema: FeatureSchema, features: Matrix, labels: Floats, loss: Callable[[Floats, Floats], Floats], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """``[{feature, loss_rise, low, high}]``, what matters most first. ``loss(labels, predictions)`` is that of each row [n]. The interval
    (95 %) is of the mean rise over rows, the repeats of a row averaged."""
    chosen = _sample(len(labels), rng)
    rows, outcome = features[chosen], labels[chosen]
    before = loss(outcome, model.predict(rows))
    found = []
    for place, feature in enumerate(schema.features):
        if np.unique(rows[:, place]).size < 2:
            continue
        rise = np.mean([loss(outcome, model.predict(_shuffled(rows, place, rng))) - before for _ in range(REPEATS)], axis=0)
        error = 1.96 * float(rise.std()) / np.sqrt(len(rise))
        found.append(
            {"feature": feature.name, "loss_rise": float(rise.mean()), "low": float(rise.mean() - error), "high": float(rise.mean() + error)}
        )
    return sorted(found, key=lambda one: -float(one["loss_rise"]))


def _sample(rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(rng.permutation(rows)[:ROWS]).astype(np.int64)


def _shuffled(rows: Matrix, place: int, rng: np.random.Generator) -> Matrix:
    changed = rows.copy()
    changed[:, place] = rng.permutation(rows[:, place])
    return changed
