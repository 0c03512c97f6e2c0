"""What the log loss will be before all labels are in, from the scores themselves and from the labels that came early.

Two estimates of the same figure, the log loss that these rows will have when their labels are mature:

- `expected_log_loss` reads no label of the window. Scores that are calibrated say themselves how often they will be wrong
  (confidence-based performance estimation; NannyML, and Guillory et al. 2021, "Predicting with Confidence on Unseen
  Distributions"). It is right as long as the calibration of the last mature rows still holds.
- `delay_weighted_log_loss` reads the positives seen so far, each weighing 1 / P(delay <= age of its row): those that are not
  in yet are expected to be like those that are (delays as in Chapelle 2014, "Modeling Delayed Feedback in Display
  Advertising", with the distribution of past delays in place of an exponential). It needs no calibrated model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import EPSILON, Floats

Z = 1.96
# How far, in log-odds, a model's calibration is believed to be off before its mature rows say so.
PRIOR_SHIFT = 0.2
NEWTON_STEPS = 30
# A row younger than this share of its labels tells too little: its one positive would weigh twenty.
LEAST_REACHED = 0.05
LEAST_DELAYS = 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """A log loss with the 95 % interval in which the mature one will lie, over ``rows``."""

    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """What mature rows say of the scores: true log-odds are those of the score plus ``shift``, give or take ``error``.
    ``dispersion`` is how many times more outcomes vary between sessions than independent ones would, at least 1."""

    shift: float = 0.0
    error: float = PRIOR_SHIFT
    dispersion: float = 1.0


def calibration_of(labels: Floats, scores: Floats, session: NDArray[Any]) -> Calibration:
    """From mature rows: labels 0 or 1 and scores, float64 [n]. A normal prior of `PRIOR_SHIFT` holds it where positives are few."""
    if not len(labels):
        return Calibration()
    odds, shift, stiffness = logits(scores), 0.0, 1 / PRIOR_SHIFT**2
    for _ in range(NEWTON_STEPS):
        p = _sigmoid(odds + shift)
        step = (float((labels - p).sum()) - stiffness * shift) / (float((p * (1 - p)).sum()) + stiffness)
        shift += max(-1.0, min(1.0, step))
        if abs(step) < 1e-9:
            break
    p = _sigmoid(odds + shift)
    varies = float((p * (1 - p)).sum())
    _, of = np.unique(session, return_inverse=True)
    between = float((np.bincount(of, weights=labels - p) ** 2).sum())
    dispersion = max(1.0, between / max(varies, EPSILON))
    return Calibration(shift, 1 / math.sqrt(varies / dispersion + stiffness), dispersion)


def expected_log_loss(scores: Floats, calibration: Calibration | None = None) -> Estimate | None:
    """The log loss that ``scores`` [n] will have if their calibration is as it was; None without rows.

    Its variance is that of the outcomes, sum p (1 - p) logit(s)^2 / n^2, and that of the calibration.
    """
    if not len(scores):
        return None
    believed = calibration or Calibration()
    n, odds = len(scores), logits(scores)
    p = _sigmoid(odds + believed.shift)
    value = float((np.logaddexp(0.0, odds) - p * odds).mean())
    of_outcomes = believed.dispersion * float((p * (1 - p) * odds**2).sum()) / n**2
    of_calibration = (float((p * (1 - p) * odds).mean()) * believed.error) ** 2
    return _estimate(value, math.sqrt(of_outcomes + of_calibration), n)


@dataclass(frozen=True)
class Delays:
    """How long labels took, from past positives whose windows had closed: seconds, ascending, float64 [n]."""

    seconds: Floats

    @classmethod
    def of(cls, seconds: Floats) -> Delays | None:
        """None when there are too few to say anything."""
        known = np.sort(seconds[~np.isnan(seconds)])
        return cls(known) if len(known) >= LEAST_DELAYS else None

    def reached(self, age: Floats) -> Floats:
        """P(delay <= age) for ages in seconds, float64 [n]."""
        share: Floats = np.searchsorted(self.seconds, age, side="right") / len(self.seconds)
        return share


def delay_weighted_log_loss(so_far: Floats, scores: Floats, age: Floats, delays: Delays) -> Estimate | None:
    """The log loss that rows will have once their labels are in. ``so_far`` float64 [n]: 1 where the positive came already;
    ``age`` float64 [n]: seconds since the row could first become positive. Rows too young to tell are left out; None when none is left.

    The loss is linear in the label, -log(1 - s) - y logit(s), so a positive that counts 1 / P(delay <= age) leaves it unbiased. Its
    variance is that of the labels still out, sum p (1 - F) / F logit(s)^2 / n^2, and that of the curve of delays.
    """
    reached = delays.reached(age)
    told = reached >= LEAST_REACHED
    if not told.any():
        return None
    share, odds, positive = reached[told], logits(scores[told]), so_far[told]
    n = len(odds)
    weighted = positive / share * odds
    value = float((np.logaddexp(0.0, odds) - weighted).mean())
    believed = _sigmoid(odds)
    # As many as were seen, where the scores believe in fewer.
    p = np.minimum(1.0, believed * max(1.0, float((positive / share).sum()) / max(EPSILON, float(believed.sum()))))
    still_out = float((p * (1 - share) / share * odds**2).sum()) / n**2
    # The curve is off for all rows alike: its errors add up instead of cancelling out.
    curve = float(np.abs(p * odds * np.sqrt((1 - share) / (share * len(delays.seconds)))).mean())
    return _estimate(value, math.sqrt(still_out + curve**2), n)


def logits(scores: Floats) -> Floats:
    clipped = np.clip(scores, EPSILON, 1 - EPSILON)
    found: Floats = np.log(clipped / (1 - clipped))
    return found


def _sigmoid(odds: Floats) -> Floats:
    p: Floats = 1 / (1 + np.exp(-odds))
    return p


def _estimate(value: float, error: float, rows: int) -> Estimate:
    return Estimate(value, value - Z * error, value + Z * error, rows)
