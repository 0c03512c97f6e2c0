"""Readings of faults in our own machinery: scores that cannot be had again from what was logged, features that cannot be computed again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..metrics import Floats
from ..predictor import Predictor, TwoStagePredictor
from ..schema import FeatureSchema
from .readings import REPLAY, SKEW, Reading, Window
from .served import Served, Skew

# Scores are logged to seven digits.
TOLERANCE, RELATIVE = 1e-6, 1e-4
REPLAY_BOUND = SKEW_BOUND = 0.01
REPLAYED, LEAST_DIFFERING = 2000, 3


def replay(window: Window, predictor: Predictor, schema: FeatureSchema, mine: Served) -> Iterator[Reading]:
    """The logged vectors through the same artifact must give the logged scores."""
    rows = min(len(mine), REPLAYED)
    if not rows:
        return
    differs = ~replays(predictor, schema, mine.take(np.arange(len(mine)) < rows))
    share, count = float(differs.mean()), int(differs.sum())
    alarm = share > REPLAY_BOUND and count >= LEAST_DIFFERING
    words = f"Of {rows:,} logged rows {count:,} ({share:.1%}) do not give the logged score when the same artifact scores them again."
    if alarm:
        words += " Serving computes something else than the model that was registered: look at the release that was installed last."
    yield Reading(REPLAY, window, rows, words, value=share, bound=REPLAY_BOUND, alarm=alarm, figures={"differing": count})


def replays(predictor: Predictor, schema: FeatureSchema, mine: Served) -> np.ndarray:
    """bool [n]. A model that ranks a shortlist leaves the rest to a cheaper score: the first of two stages, or the smoothed rate."""
    same = _same(predictor.predict(mine.features), mine.scores)
    if isinstance(predictor, TwoStagePredictor):
        same |= _same(predictor.first.predict(mine.features), mine.scores)
    elif schema.prior is not None:
        same |= _same(mine.features[:, schema.index[schema.prior]].astype(np.float64), mine.scores)
    return same


def skew(window: Window, found: Skew) -> Iterator[Reading]:
    if not found.rows:
        return
    share = found.differing / found.rows
    alarm = share > SKEW_BOUND and found.differing >= LEAST_DIFFERING
    words = found.words
    if alarm:
        words += " Drift starts no training until this is repaired, for a model would learn the fault: ask the owners of these features."
    elif found.differing:
        words += f" That is no alarm: it takes {LEAST_DIFFERING} that differ."
    figures = {"differing": found.differing, "by_feature": dict(found.by_feature)}
    yield Reading(SKEW, window, found.rows, words, value=share, bound=SKEW_BOUND, alarm=alarm, figures=figures)


def _same(again: Floats, logged: Floats) -> np.ndarray:
    close: np.ndarray = np.abs(again - logged) <= TOLERANCE + RELATIVE * np.abs(logged)
    return close
