"""How much of the coming scenes this viewer will watch, and whether they are about to leave: asked at most once a second by each live
session. One row is built, two models are asked."""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Any

from adplatform.learning import registry
from adplatform.learning.registry import LoadedModel
from adplatform.learning.schema import Matrix

from .features import SCHEMA, SceneContext, SessionSignals, build

KIND = "engagement"
LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Engagement:
    """Predicted share 0-1 of the coming two scenes watched at normal speed, with the band in which 80 % of the later outcomes of such
    predictions lay; ``milliseconds`` is what the answer took.

    ``leave`` is the chance 0-1 of leaving within fifteen seconds, with the 95 % interval of how many did of whom such a chance was
    said; all None while no model of leaving serves.
    """

    value: float
    low: float
    high: float
    model_version: int
    milliseconds: float
    leave: float | None = None
    leave_low: float | None = None
    leave_high: float | None = None
    leave_version: int | None = None


def predict_engagement(signals: SessionSignals, context: SceneContext, *, now: float) -> Engagement | None:
    """None while no engagement model serves, or the serving one was trained on another schema. ``now`` in Unix seconds."""
    start = time.perf_counter()
    champion, leaving = _serving(KIND), _serving(LEAVE)
    if champion is None:
        return None
    row = build(signals, context, now)
    value, low, high = _banded(champion, row)
    found = Engagement(value, low, high, champion.version_number, 0.0)
    if leaving is not None:
        leave, leave_low, leave_high = _banded(leaving, row)
        found = replace(found, leave=leave, leave_low=leave_low, leave_high=leave_high, leave_version=leaving.version_number)
    return replace(found, milliseconds=(time.perf_counter() - start) * 1000)


def _serving(kind: str) -> LoadedModel | None:
    champion = registry.load_champion(kind)
    return champion if champion is not None and champion.schema_fingerprint == SCHEMA.fingerprint() else None


def _banded(model: LoadedModel, row: Matrix) -> tuple[float, float, float]:
    """(value, low, high), shares 0-1. Versions of earlier releases kept no band: theirs says nothing."""
    value = _share(float(model.predictor.predict(row)[0]))
    bands: dict[str, Any] = model.parameters.get("interval") or {"edges": [], "low": [-1.0], "high": [1.0]}
    band = bisect_right(bands["edges"], value)
    return value, min(_share(value + bands["low"][band]), value), max(_share(value + bands["high"][band]), value)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
