"""From what a model says to a probability that money can be paid on.

Three corrections, all in log-odds. Negatives left out of the training rows are put back in closed form. A slope and an intercept
(Platt 1999) are kept where they lower the loss of later rows beyond chance; never isotonic regression, which on the few hundred
positives there are follows noise. And what the place of a slot adds is kept apart from the ad's own appeal, as in PAL (Guo et al.,
RecSys 2019): the appeal never sees the place, the place adds the same log-odds to every ad, and serving scores every ad as the first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import losses
from .schema import Feature, FeatureSchema, Matrix

Floats = NDArray[np.float64]

# Beyond these a float32 probability is 0 or 1, whose log-odds nobody could add to.
LEAST, MOST = 1e-7, 1 - 1e-7
# What a place's offset is pulled to 0 with: as much as about this many clicks there say.
PLACE_PULL = 10.0
# Places after these share the offset of the last.
MOST_PLACES = 20
# Of the numbers that stand for an ad's appeal while the places are learned; only so strong that their sizes stay finite.
APPEAL_PULL = 1.0
# Twice the gain in log-likelihood of two free numbers passes this by chance once in twenty times (chi-square, 2 degrees).
CLEARLY = 5.99
LEAST_POSITIVES = 50
# Half of the way to the level of later rows is gone with so many positives: fewer say little about a tenth more or less.
LEVEL_PULL, SLOPE_PULL = 200.0, 1.0
NEWTON_STEPS = 40
SMALLEST_STEP = 1e-6


@dataclass(frozen=True)
class Offsets:
    """What each value of an exposure column adds, in log-odds: ``values[k]`` at ``low + k``, beyond the last as the last, and
    nothing where the column is missing. ``values[0]`` is 0: the place that serving scores for."""

    column: int
    low: float
    values: tuple[float, ...]

    def of(self, features: Matrix) -> Floats:
        """float64 [n]"""
        place = np.nan_to_num(np.rint(features[:, self.column].astype(np.float64) - self.low))
        added: Floats = np.array(self.values)[np.clip(place, 0, len(self.values) - 1).astype(np.int64)]
        return added


@dataclass(frozen=True)
class Calibration:
    """``slope * log-odds + intercept + offsets``."""

    slope: float = 1.0
    intercept: float = 0.0
    offsets: tuple[Offsets, ...] = ()

    @property
    def changes_nothing(self) -> bool:
        return self.slope == 1.0 and self.intercept == 0.0 and not any(any(one.values) for one in self.offsets)

    def margin(self, features: Matrix) -> Floats:
        """What the exposure columns add, float64 [n] in log-odds."""
        return margin(self.offsets, features)

    def log_odds(self, raw: Floats, features: Matrix) -> Floats:
        """float64 [n] from the model's own log-odds [n] of the same rows."""
        return self.slope * raw + self.intercept + self.margin(features)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Calibration:
        """Raises KeyError, TypeError, ValueError for what `as_json` never wrote."""
        offsets = tuple(Offsets(int(one["column"]), float(one["low"]), tuple(map(float, one["values"]))) for one in content["offsets"])
        return cls(float(content["slope"]), float(content["intercept"]), offsets)


def sigmoid(log_odds: Floats) -> Floats:
    # Beyond 500 exp overflows, and the answer is 0 or 1 long before.
    chance: Floats = 1.0 / (1.0 + np.exp(np.minimum(-log_odds, 500.0)))
    return chance


def log_odds(chance: Floats) -> Floats:
    near = np.clip(chance, LEAST, MOST)
    odds: Floats = np.log(near / (1.0 - near))
    return odds


def thinned(labels: Floats, kept: float, seed: int) -> NDArray[np.bool_]:
    """Which rows to learn from, bool [n]: every positive, and the share ``kept`` of the negatives. Raises ValueError."""
    if not 0.0 < kept <= 1.0:
        raise ValueError(f"negatives must be a share above 0 and at most 1, not {kept}")
    return (labels > 0.5) | (np.random.default_rng(seed).random(len(labels)) < kept)


def place_offsets(features: Matrix, labels: Floats, schema: FeatureSchema) -> tuple[Offsets, ...]:
    """What the places add, for labels of 0 and 1 [n]; none for a schema without exposure columns.

    Better ads come first, so the bare rate of a place mixes both. Here the places are fitted beside the columns that the schema
    declares as numbers of a linear model, the smoothed rates above all: those were counted before the row, so they stand for
    the ad's appeal. Thin places are pulled to 0.
    """
    columns = [place for place, feature in enumerate(schema.features) if feature.exposure]
    if not columns or labels.min() == labels.max():
        return ()
    placed = [_placed(features[:, column], schema.features[column]) for column in columns]
    appeal = _appeal(features, schema)
    design = np.column_stack([np.ones(len(labels)), appeal, *placed])
    pull = np.concatenate([[0.0], np.full(appeal.shape[1], APPEAL_PULL), np.full(sum(one.shape[1] for one in placed), PLACE_PULL)])
    weights = logistic(design, labels, np.zeros(len(labels)), pull)[1 + appeal.shape[1] :]
    parts = np.split(weights, np.cumsum([one.shape[1] for one in placed])[:-1])
    return tuple(
        Offsets(column, schema.features[column].low, (0.0, *map(float, part))) for column, part in zip(columns, parts, strict=True)
    )  # fmt: skip


def _placed(column: NDArray[np.float32], feature: Feature) -> Floats:
    """One column for each value above the lowest, up to the highest that occurs: 1 where the row has it."""
    place = np.clip(np.nan_to_num(np.rint(column.astype(np.float64) - feature.low)), 0, MOST_PLACES)
    marked: Floats = (place[:, np.newaxis] == np.arange(1, int(place.max()) + 1)).astype(np.float64)
    return marked


def _appeal(features: Matrix, schema: FeatureSchema) -> Floats:
    from .hashed import transformed

    numbers = [(place, str(one.linear)) for place, one in enumerate(schema.features) if one.linear is not None and not one.exposure]
    found = []
    for place, transform in numbers:
        value = transformed(transform, features[:, place].astype(np.float64))
        known = value[~np.isnan(value)]
        deviation = float(known.std()) if known.size else 0.0
        if deviation > 1e-9:
            found.append(np.nan_to_num((value - known.mean()) / deviation))
    return np.column_stack(found) if found else np.zeros((len(features), 0))


def margin(offsets: Sequence[Offsets], features: Matrix) -> Floats:
    """What the exposure columns add, float64 [n] in log-odds."""
    total = np.zeros(len(features))
    for one in offsets:
        total = total + one.of(features)
    return total


@dataclass(frozen=True)
class Platt:
    """A slope and an intercept and what they do to rows they were not fitted on; ``kept`` whether they are worth having."""

    slope: float
    intercept: float
    kept: bool
    words: str


def platt(labels: Floats, raw: Floats, margin: Floats) -> Platt:
    """Slope and intercept of the model's log-odds ``raw`` [n] on later rows, in order of time, given what the places add.

    Kept when they gain more log-likelihood than two free numbers do by chance, and when those fitted on either half of the rows
    lower the loss of the other half as well. Otherwise slope 1 and intercept 0.
    """
    positives = int(min(labels.sum(), (1 - labels).sum()))
    if positives < LEAST_POSITIVES:
        return Platt(1.0, 0.0, False, f"{positives} later positives are too few to correct by, {LEAST_POSITIVES} are needed")
    slope, intercept = _line(labels, raw, margin)
    gained = _gain(labels, raw, margin, slope, intercept)
    half = np.arange(len(labels)) < len(labels) // 2
    halves = ((half, ~half), (~half, half))
    crossed = sum(_gain(labels[rest], raw[rest], margin[rest], *_line(labels[part], raw[part], margin[part])) for part, rest in halves)
    loss = f"the loss of {len(labels):,} later rows by {-gained / len(labels):+.6f} a row"
    said = f"slope {slope:.3f} and intercept {intercept:+.3f} change {loss}"
    if slope <= 0 or 2 * gained < CLEARLY or crossed <= 0:
        return Platt(1.0, 0.0, False, f"{said}: not clearly better, so the model's own figures stay")
    return Platt(slope, intercept, True, f"{said}: kept")


def _line(labels: Floats, raw: Floats, margin: Floats) -> tuple[float, float]:
    """The slope as it fits; the level moved from the model's own towards that of the rows as far as their positives say."""
    _, slope = logistic(np.column_stack([np.ones(len(raw)), raw]), labels, margin, np.array([0.0, SLOPE_PULL]), start=np.array([0.0, 1.0]))
    weight = float(labels.sum() / (labels.sum() + LEVEL_PULL))
    rate = weight * float(labels.mean()) + (1 - weight) * float(sigmoid(raw + margin).mean())
    return float(slope), level_shift(np.full(len(labels), rate), slope * raw + margin)


def _gain(labels: Floats, raw: Floats, margin: Floats, slope: float, intercept: float) -> float:
    """How much log-likelihood the line gains on these rows."""
    return float((losses(labels, sigmoid(raw + margin)) - losses(labels, sigmoid(slope * raw + intercept + margin))).sum())


def level_shift(labels: Floats, log_odds: Floats) -> float:
    """What to add to all log-odds so that the mean prediction is the rate of the rows."""
    (shift,) = logistic(np.ones((len(labels), 1)), labels, log_odds, np.zeros(1))
    return float(shift)


def logistic(design: Floats, labels: Floats, given: Floats, pull: Floats, start: Floats | None = None) -> Floats:
    """Weights [d] of a logistic regression of ``labels`` on ``design`` [n, d] with the log-odds ``given`` [n] added, each pulled
    to its ``start`` (0 by default) with strength ``pull`` [d]. Newton's method, a step halved until it helps."""
    centre = np.zeros(design.shape[1]) if start is None else start

    def cost(weights: Floats) -> float:
        odds = design @ weights + given
        return float((np.logaddexp(0.0, odds) - labels * odds).sum() + (pull * (weights - centre) ** 2).sum() / 2)

    weights, now = centre, cost(centre)
    for _ in range(NEWTON_STEPS):
        chance = sigmoid(design @ weights + given)
        slope = design.T @ (labels - chance) - pull * (weights - centre)
        curve = (design * (chance * (1 - chance))[:, np.newaxis]).T @ design + np.diag(pull + 1e-9)
        step = np.linalg.solve(curve, slope)
        size, after = 1.0, cost(weights + step)
        while after > now and size > SMALLEST_STEP:
            size /= 2
            after = cost(weights + size * step)
        if after > now or np.abs(size * step).max() < 1e-9:
            break
        weights, now = weights + size * step, after
    return weights


def kept_words(kept: float) -> str:
    """How ``q = p / (p + (1 - p) / w)`` puts negatives back (He et al. 2014, section 6.3): in log-odds it adds ``log w``."""
    return f"{kept:.0%} of the negatives, put back by adding {math.log(kept):+.3f} in log-odds"
