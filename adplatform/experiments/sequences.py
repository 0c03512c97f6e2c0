"""Intervals that hold at every look at once, so that an experiment may be read as often as one likes. Pure.

Asymptotic confidence sequences: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences" (Annals of Statistics 2024, arXiv 2103.06476), theorem 2.2 (two-sided, Robbins' normal mixture) and
proposition B.1 (one-sided). They ask neither for normal nor for bounded values, only for enough of them: below `ENOUGH_UNITS` an
arm has no interval. Ratios and relative lifts come by the delta method, with units as the clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw

Floats = NDArray[np.float64]


class Boundary(Protocol):
    def __call__(self, t: ArrayLike, *, alpha: float, tightest_at: float) -> Floats: ...


ALPHA = 0.05
# Where the intervals are tightest, in observations of both arms together. Fixed in advance: an interval tuned to what was seen would
# not hold. A tenth of them costs a quarter of the width, ten times as many a fourteenth.
TIGHTEST_AT = 10_000
# In each arm. The theory is asymptotic; with fewer, or with fewer that differ from the rest, the variance is not known well enough.
ENOUGH_UNITS = 100
ENOUGH_EVENTS = 10


class NotEnoughUnits(ValueError):
    """An arm has too few units, or all its units are alike, so that no interval can be given."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the bounds that cover the truth at all looks together with probability 1 - alpha. One-sided ones have one infinite
    bound."""

    effect: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0

    def times(self, factor: float) -> Interval:
        """In another unit; ``factor`` above 0."""
        return Interval(self.effect * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of one arm: ``mean`` over ``units`` independent units, ``variance`` of one unit's value.

    ``observations`` counts what the units did so far (sessions); with returning viewers it goes on growing when the units no longer
    do, and the intervals with it. ``events`` counts the units that are not at the most frequent value.
    """

    units: int
    mean: float
    variance: float
    observations: int
    events: int

    @property
    def squared_error(self) -> float:
        return self.variance / self.units if self.units else math.inf

    @property
    def enough(self) -> bool:
        return self.units >= ENOUGH_UNITS and self.events >= ENOUGH_EVENTS and self.variance > 0


def sample(values: ArrayLike, *, observations: int | None = None, events: int | None = None) -> Sample:
    """A sample of per-unit ``values`` [n], any distribution with a variance. ``observations`` defaults to one a unit, ``events`` to
    what the values themselves say."""
    array = np.asarray(values, dtype=np.float64)
    n = len(array)
    if n == 0:
        return Sample(0, 0.0, 0.0, observations or 0, 0)
    variance = float(array.var(ddof=1)) if n > 1 else 0.0
    return Sample(n, float(array.mean()), variance, max(observations or n, n), unlike(array) if events is None else events)


def ratio_sample(numerator: ArrayLike, denominator: ArrayLike, *, observations: int | None = None) -> Sample:
    """A sample of the ratio of sums, such as clicks per impression, from per-unit ``numerator`` and ``denominator`` [n].

    By the delta method (Deng, Knoblich, Lu, "Applying the delta method in metric analytics", KDD 2018): the ratio's error is that of the
    mean of `linearised`. A ratio without any denominator is a sample of nobody.
    """
    top, below = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    if below.sum() <= 0:
        return Sample(0, 0.0, 0.0, observations or 0, 0)
    return sample(linearised(top, below), observations=observations, events=unlike(top))


def linearised(numerator: Floats, denominator: Floats) -> Floats:
    """Per-unit values [n] whose mean is the ratio R of the sums and whose variance is n times the ratio's: R + (y - R x) / mean(x)."""
    ratio = numerator.sum() / denominator.sum()
    return np.asarray(ratio + (numerator - ratio * denominator) / denominator.mean(), dtype=np.float64)


def unlike(array: Floats) -> int:
    """How many values are not the most frequent one."""
    counts = np.unique(array, return_counts=True)[1]
    return int(len(array) - counts.max())


def boundary(t: ArrayLike, *, alpha: float = ALPHA, tightest_at: float = TIGHTEST_AT) -> Floats:
    """By how many standard errors the truth may lie away after ``t`` observations (any shape, above 0), at all t together, two-sided."""
    grown, scale = _grown(t, alpha, tightest_at)
    return np.asarray(np.sqrt(scale * np.log(np.sqrt(grown) / alpha)), dtype=np.float64)


def one_sided_boundary(t: ArrayLike, *, alpha: float = ALPHA, tightest_at: float = TIGHTEST_AT) -> Floats:
    """`boundary` towards one side alone."""
    grown, scale = _grown(t, 2 * alpha, tightest_at)
    return np.asarray(np.sqrt(scale * np.log1p(np.sqrt(grown) / (2 * alpha))), dtype=np.float64)


def _grown(t: ArrayLike, alpha: float, tightest_at: float) -> tuple[Floats, Floats]:
    """t rho^2 + 1 and 2 (t rho^2 + 1) / (t rho^2)."""
    scaled = np.asarray(t, dtype=np.float64) * rho_squared(alpha=alpha, tightest_at=tightest_at)
    grown = scaled + 1.0
    return grown, 2.0 * grown / scaled


def rho_squared(*, alpha: float = ALPHA, tightest_at: float = TIGHTEST_AT) -> float:
    """The mixture's variance that makes the two-sided sequence tightest at ``tightest_at`` (the paper's appendix C.3)."""
    return float((-lambertw(-(alpha**2) / math.e, -1).real - 1) / tightest_at)


def mean_sequence(one: Sample, *, alpha: float = ALPHA, tightest_at: float = TIGHTEST_AT) -> Interval:
    """The mean of one arm. Raises NotEnoughUnits."""
    _check(one)
    half = math.sqrt(one.squared_error) * float(boundary(one.observations, alpha=alpha, tightest_at=tightest_at))
    return Interval(one.mean, one.mean - half, one.mean + half)


def difference(arm: Sample, control: Sample, *, alpha: float = ALPHA, tightest_at: float = TIGHTEST_AT) -> Interval:
    """``arm`` minus ``control``. Raises NotEnoughUnits.

    With t observations in both arms the difference has the variance s1^2/n1 + s0^2/n0: the sequence of the paper's section 3 for
    randomised experiments, its regression being the arms' means.
    """
    _check(arm, control)
    effect, half = arm.mean - control.mean, _half(arm, control, boundary, alpha, tightest_at)
    return Interval(effect, effect - half, effect + half)


def at_least(arm: Sample, control: Sample, *, alpha: float = ALPHA, tightest_at: float = TIGHTEST_AT) -> Interval:
    """The difference with a lower bound alone, tighter than the two-sided one. Raises NotEnoughUnits."""
    _check(arm, control)
    effect, half = arm.mean - control.mean, _half(arm, control, one_sided_boundary, alpha, tightest_at)
    return Interval(effect, effect - half, math.inf)


def at_most(arm: Sample, control: Sample, *, alpha: float = ALPHA, tightest_at: float = TIGHTEST_AT) -> Interval:
    """The difference with an upper bound alone. Raises NotEnoughUnits."""
    _check(arm, control)
    effect, half = arm.mean - control.mean, _half(arm, control, one_sided_boundary, alpha, tightest_at)
    return Interval(effect, -math.inf, effect + half)


def lift(arm: Sample, control: Sample, *, alpha: float = ALPHA, tightest_at: float = TIGHTEST_AT) -> Interval:
    """``arm`` as a share of ``control`` less 1: 0.03 is 3 % more. By the delta method. Raises NotEnoughUnits, also where the control's
    mean is not clearly above 0, for then a share of it says nothing."""
    if mean_sequence(control, alpha=alpha, tightest_at=tightest_at).low <= 0:
        raise NotEnoughUnits("the control's mean is not clearly above 0, so no share of it can be told")
    _check(arm)
    share = arm.mean / control.mean
    # The control's own error grows with the share that is told of it.
    error = math.sqrt(arm.squared_error + share**2 * control.squared_error) / control.mean
    half = error * _reach(arm, control, boundary, alpha, tightest_at)
    return Interval(share - 1, share - 1 - half, share - 1 + half)


def _half(arm: Sample, control: Sample, bound: Boundary, alpha: float, tightest_at: float) -> float:
    return math.sqrt(arm.squared_error + control.squared_error) * _reach(arm, control, bound, alpha, tightest_at)


def _reach(arm: Sample, control: Sample, bound: Boundary, alpha: float, tightest_at: float) -> float:
    return float(bound(arm.observations + control.observations, alpha=alpha, tightest_at=tightest_at))


def _check(*arms: Sample) -> None:
    for one in arms:
        if not one.enough:
            raise NotEnoughUnits(f"an arm has {lacking(one)}")


def lacking(one: Sample) -> str:
    """What of an arm is too little for an interval, as "12 of at least 100 units"; nothing where there is enough."""
    if one.units < ENOUGH_UNITS:
        return f"{one.units:,} of at least {ENOUGH_UNITS} units"
    if one.events < ENOUGH_EVENTS or one.variance <= 0:
        return f"{one.events:,} of at least {ENOUGH_EVENTS} units that differ from the rest ({one.units:,} in all)"
    return ""


def evidence(one: Sample) -> float:
    """How much of what an interval takes an arm has, 0-1."""
    return min(one.units / ENOUGH_UNITS, one.events / ENOUGH_EVENTS, 1.0)
