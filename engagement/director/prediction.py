"""How much of the coming scenes this viewer will watch, asked at most once a second by each live session."""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass

from adplatform.learning import registry

from .features import SCHEMA, SceneContext, SessionSignals, build

KIND = "engagement"


@dataclass(frozen=True, slots=True)
class Engagement:
    """Predicted share 0-1 of the coming two scenes watched at normal speed, with the band in which 80 % of the later
    outcomes of such predictions lay; ``milliseconds`` is what the answer took."""

    value: float
    low: float
    high: float
    model_version: int
    milliseconds: float


def predict_engagement(signals: SessionSignals, context: SceneContext, *, now: float) -> Engagement | None:
    """None while no model serves, or the serving one was trained on another schema. ``now`` in Unix seconds."""
    start = time.perf_counter()
    champion = registry.load_champion(KIND)
    if champion is None or champion.schema_fingerprint != SCHEMA.fingerprint():
        return None
    value = _share(float(champion.predictor.predict(build(signals, context, now))[0]))
    bands = champion.parameters["interval"]
    band = bisect_right(bands["edges"], value)
    low, high = _share(value + bands["low"][band]), _share(value + bands["high"][band])
    return Engagement(value, min(low, value), max(high, value), champion.version_number, (time.perf_counter() - start) * 1000)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
