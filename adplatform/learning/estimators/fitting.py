"""How a model that is learned in rounds is fitted: how many rounds, and what is corrected afterwards, is read off later rows.

Rows come in order of time. A first model learns from all but the last of them, stops where it no longer gets better on those, and
its answers to them, which it has never seen, say what to correct. Then a model of as many rounds learns from everything: the
latest rows, with the newest ads, are the ones worth most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..calibration import Calibration, Floats, kept_words, level_shift, log_odds, margin, place_offsets, platt, sigmoid, thinned
from ..predictor import BUNDLE, wrap
from ..schema import FeatureSchema, Matrix
from .base import CLASSIFICATION, Fitted

LATER_SHARE = 0.15
# Fewer rows, or fewer clicks among them, would stop the learning by chance.
LEAST_LATER, LEAST_LATER_POSITIVES = 150, 30
SEED = 7
# In log-odds, so about as a share of the prediction: less is not worth a correction.
LEAST_SHIFT = 0.002
CURVE_DIGITS = 6


@dataclass(frozen=True)
class Rows:
    """float32 [n, features of the schema], labels [n], and what the places add [n] in log-odds."""

    features: Matrix
    labels: Floats
    margin: Floats

    def take(self, which: Any) -> Rows:
        return Rows(self.features[which], self.labels[which], self.margin[which])


@dataclass(frozen=True)
class Curve:
    """The loss after each round (``unit``: round or epoch) on the rows learned from and on the later ones."""

    unit: str
    train: tuple[float, ...]
    later: tuple[float, ...] = ()

    def notes(self) -> dict[str, Any]:
        """``loss_curve``, of later rows where there are any, is what the page of a version draws."""
        train, later = ([round(loss, CURVE_DIGITS) for loss in losses] for losses in (self.train, self.later))
        return {"loss_curve": later or train, "training_loss_curve": train, "loss_curve_unit": self.unit}


class Model(Protocol):
    @property
    def rounds(self) -> int: ...

    @property
    def curve(self) -> Curve | None: ...

    def raw(self, features: Matrix) -> Floats:
        """Log-odds among the rows it learned from, without what the places add, or the value of a regression; float64 [n]."""
        ...


Fittable = TypeVar("Fittable", bound=Model)
# Rows, the later ones to stop by (None: learn all the rounds), and how many rounds at most.
Learn = Callable[[Rows, Rows | None, int], Fittable]


@dataclass(frozen=True)
class Outcome(Generic[Fittable]):
    """``notes`` are what a version keeps of the fitting, and what its page draws: the loss of each round on both sides."""

    model: Fittable
    calibration: Calibration
    notes: dict[str, Any]


def fit_by_rounds(
    learn: Learn[Fittable], task: str, features: Matrix, labels: Floats, schema: FeatureSchema, *,
    rounds: int, fallback: int, negatives: float, takes_margin: bool,
) -> Outcome[Fittable]:  # fmt: skip
    """``rounds`` at most, ``fallback`` where there are too few later rows to stop by. Of the rows without a click the share
    ``negatives`` is learned from. ``takes_margin``: the model learns beside what the places add, so its answers hold none of it."""
    classifies = task == CLASSIFICATION
    offsets = place_offsets(features, labels, schema) if classifies else ()
    added = margin(offsets, features)
    rows = Rows(features, labels, added if takes_margin else np.zeros(len(labels)))
    learned_from = thinned(labels, negatives, SEED) if classifies else np.ones(len(labels), dtype=bool)
    share = float(learned_from[labels < 0.5].mean()) if classifies and (labels < 0.5).any() else 1.0
    back = float(np.log(share))
    notes: dict[str, Any] = {"places": [list(one.values) for one in offsets]} if offsets else {}
    if share < 1:
        notes["negatives"] = kept_words(share)

    def level(fitted: Fittable, which: NDArray[np.bool_]) -> float:
        """What puts the mean right: of a model that learned without knowing what the places add, or whose last batches pulled it."""
        shift = level_shift(labels[which], fitted.raw(features[which]) + back + added[which])
        return shift if abs(shift) > LEAST_SHIFT else 0.0

    later, line = later_rows(labels, task), None
    if later is None:
        rounds, notes["rounds"] = fallback, f"{fallback}: too few later rows to choose by or to correct by"
    else:
        unseen = rows.take(later)
        first = learn(rows.take(learned_from & ~later), Rows(unseen.features, unseen.labels, unseen.margin + back), rounds)
        rounds = first.rounds
        if first.curve is not None:
            notes |= {"rounds": f"{rounds}, best of {len(first.curve.later)} on {int(later.sum()):,} later rows", **first.curve.notes()}
        if classifies:
            line = platt(labels[later], first.raw(features[later]) + back + level(first, ~later), added[later])
            notes["platt"] = line.words
    model = learn(rows.take(learned_from), None, rounds)
    slope, intercept = (line.slope, line.intercept) if line is not None else (1.0, 0.0)
    if classifies:
        intercept += slope * (back + level(model, np.ones(len(labels), dtype=bool)))
    if later is None and model.curve is not None:
        notes |= model.curve.notes()
    return Outcome(model, Calibration(slope, intercept, offsets), notes)


def corrected(fitted: Fitted, calibration: Calibration, notes: Mapping[str, Any]) -> Fitted:
    """A model of probabilities in the wrapper that corrects them, or as it is where nothing is to be corrected."""
    if calibration.changes_nothing:
        return replace(fitted, notes={**fitted.notes, **notes})

    def native(features: Matrix) -> Floats:
        return sigmoid(calibration.log_odds(log_odds(fitted.native(features)), features))

    artifact = wrap(fitted.artifact, fitted.suffix, calibration)
    return Fitted(artifact, BUNDLE, native, fitted.importance, {**fitted.notes, **notes})


def later_rows(labels: Floats, task: str) -> NDArray[np.bool_] | None:
    """The last part of the rows, bool [n]; None where it is too small to choose anything by."""
    later = np.arange(len(labels)) >= len(labels) - int(len(labels) * LATER_SHARE)
    if later.sum() < LEAST_LATER:
        return None
    if task == CLASSIFICATION and min(labels[later].sum(), (1 - labels[later]).sum()) < LEAST_LATER_POSITIVES:
        return None
    return later if task != CLASSIFICATION or 0 < labels[~later].mean() < 1 else None
