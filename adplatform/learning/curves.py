"""What a model card draws of a model on rows it has not seen: calibration by band and by group, ROC, precision and recall. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import likelihood
from .metrics import Floats

BANDS = 10
CURVE_POINTS = 100
# Smaller groups are left out of a card: their ratio says nothing, and there may be hundreds of them.
LEAST_GROUP_ROWS = 100
MOST_GROUPS = 40


@dataclass(frozen=True, slots=True)
class GroupRatio:
    """Predicted over observed in one group: with its own 95 % interval, and with the wider one that holds for all groups at once."""

    name: str
    ratio: float
    low: float
    high: float
    rows: int
    positives: int
    sure_low: float
    sure_high: float

    @property
    def off(self) -> float:
        """How far from 1, as a factor either way."""
        return max(self.ratio, 1 / self.ratio if self.ratio > 0 else np.inf)

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "ratio": self.ratio, "low": self.low, "high": self.high, "rows": self.rows, "positives": self.positives}


def calibration(labels: Floats, predictions: Floats, sessions: NDArray[Any], bands: int = BANDS) -> list[dict[str, float]]:
    """Mean prediction and mean outcome of bands of equally many rows, from the lowest predictions to the highest; the interval (95 %,
    empirical likelihood over sessions) is that of the outcome."""
    order = np.argsort(predictions, kind="stable")
    found = []
    for rows in np.array_split(order, min(bands, len(order))):
        seen = likelihood.mean(labels[rows], sessions[rows])
        found.append({"predicted": float(predictions[rows].mean()), "observed": seen.value, "low": seen.low, "high": seen.high, "rows": len(rows)})
    return found


def by_group(labels: Floats, predictions: Floats, groups: Mapping[str, NDArray[Any]], sessions: NDArray[Any]) -> dict[str, list[GroupRatio]]:
    """For each grouping the ratio of its groups with 100 rows and a positive outcome at least, those with most rows first."""
    named = {kind: np.asarray(names, dtype=np.str_) for kind, names in groups.items()}
    members = {kind: _largest(labels, names) for kind, names in named.items()}
    count = sum(map(len, members.values()))

    def of(kind: str, name: str) -> GroupRatio:
        inside = named[kind] == name
        return _ratio(name, labels[inside], predictions[inside], sessions[inside], count)

    return {kind: [of(kind, name) for name in names] for kind, names in members.items()}


def _largest(labels: Floats, names: NDArray[Any]) -> list[str]:
    known, group, rows = np.unique(names, return_inverse=True, return_counts=True)
    positives = np.bincount(group, weights=labels)
    order = [place for place in np.argsort(-rows, kind="stable").tolist() if rows[place] >= LEAST_GROUP_ROWS and positives[place] > 0]
    return [str(known[place]) for place in order[:MOST_GROUPS]]


def _ratio(name: str, labels: Floats, predictions: Floats, sessions: NDArray[Any], groups: int) -> GroupRatio:
    """The interval is found for observed over predicted, whose denominator is never 0, and turned round."""
    alone = likelihood.ratio(labels, predictions, sessions)
    all_at_once = likelihood.ratio(labels, predictions, sessions, level=1 - 0.05 / groups)
    turned = [1 / max(bound, 1e-9) for bound in (alone.value, alone.high, alone.low, all_at_once.high, all_at_once.low)]
    return GroupRatio(name, turned[0], turned[1], turned[2], len(labels), round(float(labels.sum())), turned[3], turned[4])


def roc(labels: Floats, predictions: Floats) -> list[list[float]]:
    """[false positive rate, true positive rate] from [0, 0] to [1, 1], ties as one step."""
    caught, alarms = _ranked(labels, predictions)
    wrong = alarms - caught
    return _thinned(np.column_stack([wrong / max(wrong[-1], 1e-12), caught / max(caught[-1], 1e-12)]))


def precision_recall(labels: Floats, predictions: Floats) -> list[list[float]]:
    """[recall, precision] from the highest prediction down."""
    caught, alarms = _ranked(labels, predictions)
    return _thinned(np.column_stack([caught[1:] / max(caught[-1], 1e-12), caught[1:] / alarms[1:]]))


def _ranked(labels: Floats, predictions: Floats) -> tuple[Floats, Floats]:
    """Positives and rows above each distinct prediction, beginning with none."""
    levels, place = np.unique(-predictions, return_inverse=True)
    positives = np.bincount(place, weights=labels, minlength=len(levels))
    return np.concatenate([[0.0], positives.cumsum()]), np.concatenate([[0.0], np.bincount(place, minlength=len(levels)).cumsum()])


def _thinned(points: Floats) -> list[list[float]]:
    kept = np.unique(np.linspace(0, len(points) - 1, CURVE_POINTS).round().astype(int))
    found: list[list[float]] = points[kept].round(6).tolist()
    return found
