"""The few tests that the detectors share, and the control of how often chance alone raises one of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t

# 95 % intervals.
Z = 1.959964


@dataclass(frozen=True, slots=True)
class Expected:
    """What was expected, with a 95 % interval of one new observation, and how unlikely what was seen is, on both sides."""

    value: float
    low: float
    high: float
    p: float


def expected_count(seen: float, past: Sequence[float], *, unit: float = 1.0) -> Expected:
    """One more count beside ``past`` counts of the same kind, at least two of them.

    On the variance-stabilised scale 2 sqrt(y + 3/8) (Anscombe 1948), where a Poisson count has the spread 1, a new observation lies within
    Student's t of the past mean with the spread of the past, 1 at least: counts scatter as much as the past did, never less than Poisson.
    ``unit`` is what one counted thing weighs, for sums such as money.
    """
    scaled = [2 * math.sqrt(max(0.0, one) / unit + 0.375) for one in past]
    centre, spread, count = fmean(scaled), max(1.0, stdev(scaled)), len(scaled)
    error = spread * math.sqrt(1 + 1 / count)
    away = (2 * math.sqrt(max(0.0, seen) / unit + 0.375) - centre) / error
    half = float(t.ppf(0.975, count - 1)) * error
    low, value, high = (unit * max(0.0, (max(0.0, one) / 2) ** 2 - 0.375) for one in (centre - half, centre, centre + half))
    return Expected(value, low, high, float(2 * t.sf(abs(away), count - 1)))


def expected_share(part: float, whole: float, past: Sequence[tuple[float, float]]) -> Expected:
    """``part`` of ``whole`` beside pairs of the past, at least two of them with anything in them.

    Pearson's dispersion of the past pairs, 1 at least, widens the binomial error (quasi-binomial, McCullagh & Nelder 1989, 4.5); Student's
    t with one degree of freedom less than there are pairs.
    """
    pairs = [(k, n) for k, n in past if n > 0]
    parts, wholes = sum(k for k, _ in pairs), sum(n for _, n in pairs)
    share = min(max(parts / wholes, 0.5 / wholes), 1 - 0.5 / wholes)
    variance = share * (1 - share)
    freedom = len(pairs) - 1
    dispersion = max(1.0, sum((k - n * share) ** 2 / (n * variance) for k, n in pairs) / freedom)
    error = math.sqrt(dispersion * variance * (1 / whole + 1 / wholes))
    half = float(t.ppf(0.975, freedom)) * error
    return Expected(share, max(0.0, share - half), min(1.0, share + half), float(2 * t.sf(abs(part / whole - share) / error, freedom)))


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
    per: NDArray[np.float64] = n.sum(axis=1)
    rate = np.divide(k.sum(axis=1), per, out=np.zeros_like(per), where=per > 0)
    moved = float(((k - n * rate[:, None]) * score).sum())
    spread = (n * score**2).sum(axis=1) - np.divide((n * score).sum(axis=1) ** 2, per, out=np.zeros_like(per), where=per > 0)
    variance = float((rate * (1 - rate) * np.divide(per, per - 1, out=np.zeros_like(per), where=per > 1) * spread).sum())
    return float(norm.cdf(moved / math.sqrt(variance))) if variance > 0 else 1.0


def higher_than(part: int, whole: int, other_part: int, other_whole: int) -> float:
    """How likely chance makes the first share so much higher than the second: one-sided p of the score test of two proportions."""
    pooled = (part + other_part) / (whole + other_whole)
    variance = pooled * (1 - pooled) * (1 / whole + 1 / other_whole)
    return float(norm.sf((part / whole - other_part / other_whole) / math.sqrt(variance))) if variance > 0 else 1.0
