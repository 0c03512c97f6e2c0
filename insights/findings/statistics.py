"""The few tests that the detectors share, and the control of how often chance alone raises one of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import bdtr, bdtrc, digamma, ndtr, polygamma, stdtr, stdtrit

from adplatform.learning.metrics import Floats

# 95 % intervals.
Z = 1.959964
# Fewer series cannot tell how alike their variances are.
FEWEST_LENDERS = 8
LEAST_VARIANCE = 0.05
# However alike they are, no more is lent: rates that vary have heavier tails than the normal, and those of so many degrees cover them.
MOST_LENT = 8.0


@dataclass(frozen=True, slots=True)
class Expected:
    """What was expected, with a 95 % interval of one new observation, and how unlikely what was seen is, on both sides."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Beside:
    """One observation beside its past on a scale where chance alone (Poisson, binomial) has the ``variance`` 1: it is ``away`` chance errors
    from what is expected. ``variance`` is that of the past, with ``freedom`` degrees of freedom; rates that vary add to it in proportion to
    the ``size`` of the counts. ``exact`` is the p that chance alone gives. ``at(z)`` is the value so many chance errors from what is expected."""

    away: float
    variance: float
    freedom: int
    size: float
    exact: float
    at: Callable[[float], float]


def count_beside(seen: float, past: Sequence[float], *, unit: float = 1.0) -> Beside:
    """A count beside past ones of the same kind, at least two of them. ``unit`` is what one counted thing weighs, for sums such as money.

    On the scale 2 sqrt(y + 3/8) a Poisson count has the variance 1 (Anscombe 1948). Exact is the conditional test of two Poisson rates:
    of all that was counted, the share that falls on this observation (Przyborowski & Wilenski 1940).
    """
    number, before = max(0.0, seen) / unit, [max(0.0, one) / unit for one in past]
    scaled = [2 * math.sqrt(one + 0.375) for one in before]
    centre, error = fmean(scaled), math.sqrt(1 + 1 / len(before))
    exact = _two_sided(round(number), round(number) + round(sum(before)), 1 / (len(before) + 1))
    return Beside(
        (2 * math.sqrt(number + 0.375) - centre) / error, variance(scaled), len(scaled) - 1, fmean(before), exact,
        lambda z: unit * max(0.0, (max(0.0, centre + z * error) / 2) ** 2 - 0.375),
    )  # fmt: skip


def share_beside(part: float, whole: float, past: Sequence[tuple[float, float]]) -> Beside:
    """``part`` of ``whole`` beside pairs of the past, at least two of them with anything in them.

    The variance is Pearson's dispersion of the past pairs, which widens the binomial error (quasi-binomial, McCullagh & Nelder 1989, 4.5).
    """
    pairs = [(k, n) for k, n in past if n > 0]
    parts, wholes, freedom = sum(k for k, _ in pairs), sum(n for _, n in pairs), len(pairs) - 1
    share = min(max(parts / wholes, 0.5 / wholes), 1 - 0.5 / wholes)
    of_one = share * (1 - share)
    dispersion = sum((k - n * share) ** 2 / (n * of_one) for k, n in pairs) / freedom
    error = math.sqrt(of_one * (1 / whole + 1 / wholes))
    exact = _two_sided(round(part), round(whole), share)
    return Beside((part / whole - share) / error, dispersion, freedom, wholes / len(pairs), exact, lambda z: min(1.0, max(0.0, share + z * error)))


def _two_sided(k: int, n: int, share: float) -> float:
    below = float(bdtr(k, n, share))
    above = float(bdtrc(k - 1, n, share)) if k else 1.0
    return min(1.0, 2 * min(below, above))


def expected(beside: Sequence[Beside]) -> list[Expected]:
    """Of each what was expected, the variances of all lending each other strength: with a handful of past weeks the variance of one alone is
    hardly known, and nothing short of a catastrophe would be certain (moderated t, Smyth 2004, section 3).

    No variance is taken for less than chance alone has, and no p for less than chance alone gives.
    """
    scale = _of_size(beside)
    prior, freedom = _prior(np.array([one.variance for one in beside]) / scale, np.array([one.freedom for one in beside]))
    found = []
    for one, own in zip(beside, scale.tolist(), strict=True):
        total = freedom + one.freedom
        spread = math.sqrt(max(1.0, (freedom * own * prior + one.freedom * one.variance) / total))
        half = float(stdtrit(total, 0.975)) * spread
        p = 2 * float(stdtr(total, -abs(one.away) / spread))
        found.append(Expected(one.at(0.0), one.at(-half), one.at(half), max(p, one.exact)))
    return found


def _of_size(beside: Sequence[Beside]) -> Floats:
    """What each variance is beside the others' for its size alone: 1 + phi size (negative and beta binomial), phi by the median, so that one
    that went wild in the past blinds no other."""
    if len(beside) < FEWEST_LENDERS:
        return np.ones(len(beside))
    size, freedom = np.array([max(one.size, 1.0) for one in beside]), np.array([float(one.freedom) for one in beside])
    # The median of a chi square over its degrees of freedom (Wilson & Hilferty 1931).
    middle = (1 - 2 / (9 * freedom)) ** 3
    phi = float(np.median((np.array([one.variance for one in beside]) / middle - 1) / size))
    return np.asarray(1 + max(0.0, phi) * size, dtype=np.float64)


def _prior(variances: Floats, freedom: Floats) -> tuple[float, float]:
    """Variance and degrees of freedom that the others lend to each; (1, 0) where they are too few to tell (Smyth 2004, 6.2)."""
    if len(variances) < FEWEST_LENDERS:
        return 1.0, 0.0
    half = freedom / 2
    logs = np.log(np.maximum(variances, LEAST_VARIANCE)) - digamma(half) + np.log(half)
    excess = float(logs.var(ddof=1) - polygamma(1, half).mean())
    if excess <= polygamma(1, MOST_LENT / 2):
        return float(np.exp(logs.mean())), MOST_LENT
    # Trigamma falls all the way, so there is one place where it is this large.
    lent = 2 * float(brentq(lambda x: polygamma(1, x) - excess, 1e-3, MOST_LENT / 2))
    return float(np.exp(logs.mean() + digamma(lent / 2) - math.log(lent / 2))), lent


def discoveries(p: Sequence[float], *, rate: float) -> list[bool]:
    """Which of these are not chance, so that among those the share of chance ones is ``rate`` at most on average (Benjamini & Hochberg
    1995); while nothing is going on, anything at all is found with probability ``rate`` at most."""
    if not p:
        return []
    order = sorted(range(len(p)), key=lambda place: p[place])
    last = max((rank for rank, place in enumerate(order, start=1) if p[place] <= rate * rank / len(p)), default=0)
    chosen = set(order[:last])
    return [place in chosen for place in range(len(p))]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Of two rates, with its 95 % interval, and the standard error of its logarithm."""

    value: float
    low: float
    high: float
    error: float


def log_ratio(value: float, error: float) -> Ratio:
    return Ratio(math.exp(value), math.exp(value - Z * error), math.exp(value + Z * error), error)


def stratified_ratio(k1: ArrayLike, n1: ArrayLike, k0: ArrayLike, n0: ArrayLike) -> Ratio | None:
    """Mantel & Haenszel's ratio of two rates over strata [s], like with like, with the variance of Greenland & Robins (1985); None where
    either side has no events at all."""
    one, shown, other, compared = (np.asarray(value, dtype=np.float64) for value in (k1, n1, k0, n0))
    total = shown + compared
    there = total > 0
    one, shown, other, compared, total = (value[there] for value in (one, shown, other, compared, total))
    above, below = float((one * compared / total).sum()), float((other * shown / total).sum())
    if above <= 0 or below <= 0:
        return None
    spread = float(((shown * compared * (one + other) - one * other * total) / total**2).sum())
    return log_ratio(math.log(above / below), math.sqrt(spread / (above * below)))


def trend(events: ArrayLike, trials: ArrayLike) -> float:
    """How likely the rate falls along the columns by chance alone, over strata [s, d]: the one-sided p of Mantel's extension of the test for
    trend (Mantel 1963), 1 where there is nothing to tell from."""
    k, n = np.asarray(events, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    score = np.arange(k.shape[1], dtype=np.float64)
    per: Floats = n.sum(axis=1)
    rate = np.divide(k.sum(axis=1), per, out=np.zeros_like(per), where=per > 0)
    moved = float(((k - n * rate[:, None]) * score).sum())
    spread = (n * score**2).sum(axis=1) - np.divide((n * score).sum(axis=1) ** 2, per, out=np.zeros_like(per), where=per > 0)
    spread_of = float((rate * (1 - rate) * np.divide(per, per - 1, out=np.zeros_like(per), where=per > 1) * spread).sum())
    return float(ndtr(moved / math.sqrt(spread_of))) if spread_of > 0 else 1.0


def higher_than(part: int, whole: int, other_part: int, other_whole: int) -> float:
    """How likely chance makes the first share so much higher than the second: one-sided p of the score test of two proportions."""
    pooled = (part + other_part) / (whole + other_whole)
    of_both = pooled * (1 - pooled) * (1 / whole + 1 / other_whole)
    return float(ndtr((other_part / other_whole - part / whole) / math.sqrt(of_both))) if of_both > 0 else 1.0
