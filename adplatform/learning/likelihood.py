"""Empirical likelihood: intervals of means and ratios of skewed values, such as rare clicks and large weights.

Owen 1988; Owen 2001, Empirical Likelihood, chapters 2 and 3. It asks how far the rows would have to be reweighted for another value
to be their mean, needs no variance, follows the skew of the rows, and never leaves their range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import Floats

NEWTON_STEPS, CLOSE = 60, 1e-7


@dataclass(frozen=True, slots=True)
class Valued:
    """One estimate with its interval."""

    value: float
    low: float
    high: float


def mean(values: Floats, sessions: NDArray[Any] | None = None, *, level: float = 0.95) -> Valued:
    return ratio(values, np.ones_like(values), sessions, level=level)


def ratio(top: Floats, bottom: Floats, sessions: NDArray[Any] | None = None, *, level: float = 0.95) -> Valued:
    """sum(top) / sum(bottom) of rows [n] with its interval, ``bottom`` >= 0 and not 0 everywhere; rows of one session are added up
    first and count as one observation."""
    if sessions is not None:
        _, group = np.unique(sessions, return_inverse=True)
        top, bottom = (np.bincount(group, weights=column).astype(np.float64) for column in (top, bottom))
    # Most rows of a log are alike (no click, the same weight), and the likelihood needs each kind once.
    kinds, count = np.unique(top + 1j * bottom, return_counts=True)
    # The root of -2 log R is normal: its square is chi-square with one degree of freedom (Wilks' theorem).
    bound = NormalDist().inv_cdf((1 + level) / 2)
    return _Likelihood(kinds.real.copy(), kinds.imag.copy(), count.astype(np.float64), bound).interval()


@dataclass(frozen=True)
class _Likelihood:
    """Empirical likelihood of the ratio t that solves sum(count * (top - t * bottom)) = 0; arrays [kinds], ``bottom`` >= 0."""

    top: Floats
    bottom: Floats
    count: Floats
    bound: float

    def interval(self) -> Valued:
        value = float((self.count * self.top).sum() / (self.count * self.bottom).sum())
        share = self.top[self.bottom > 0] / self.bottom[self.bottom > 0]
        return Valued(value, self._edge(value, float(share.min())), self._edge(value, float(share.max())))

    def _edge(self, value: float, end: float) -> float:
        """Where between the estimate and the end of the range the interval ends. The root of the statistic is nearly a straight
        line there, so each step goes where that line crosses; a step out of the bracket halves it instead."""
        error = math.sqrt(float((self.count * (self.top - value * self.bottom) ** 2).sum())) / float((self.count * self.bottom).sum())
        inside, outside, close = value, end, CLOSE * abs(end - value)
        at = value + math.copysign(self.bound * error, end - value)
        while abs(outside - inside) > close:
            if not min(inside, outside) < at < max(inside, outside):
                at = (inside + outside) / 2
            root = math.sqrt(self.statistic(at))
            if abs(root - self.bound) < CLOSE:
                return at
            inside, outside = (at, outside) if root <= self.bound else (inside, at)
            at = value + (at - value) * self.bound / root if math.isfinite(root) and root > 0 else math.inf
        return inside

    def statistic(self, ratio: float) -> float:
        """-2 log R: twice the largest of sum(count * log(1 + x * off)) over x, infinite where no weighting of the rows has this
        ratio. The function is concave in x, so Newton's steps, halved where they leave its domain, find the maximum."""
        off: Floats = self.top - ratio * self.bottom
        if off.min() >= 0 or off.max() <= 0:
            return 0.0 if not off.any() else math.inf
        low, high = -1.0 / float(off.max()), -1.0 / float(off.min())
        x = 0.0
        for _ in range(NEWTON_STEPS):
            tilted = off / (1.0 + x * off)
            step = float((self.count * tilted).sum() / (self.count * tilted**2).sum())
            while not low < x + step < high:
                step /= 2
            x += step
            if abs(step) <= 1e-9 * (high - low):
                break
        return 2.0 * float((self.count * np.log1p(x * off)).sum())
