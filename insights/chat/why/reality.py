"""Whether a change is one: what the same days of earlier weeks make usual, and what chance alone does. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from scipy.special import stdtrit

from insights.findings.statistics import count_beside, expected, share_beside

FEWEST_WEEKS = 4
FEWEST_COUNTED = 30
FEWEST_BASE = 100
SURE = 0.05
Kind = Literal["share", "count", "other"]
Verdict = Literal["real", "usual", "too_little", "no_history"]


@dataclass(frozen=True)
class Reality:
    """``usual``, ``low`` and ``high``: what was to be expected with its 95 % interval; None without enough history. ``weeks`` is how many
    earlier weeks that rests on; 0: on the baseline alone."""

    verdict: Verdict
    usual: float | None = None
    low: float | None = None
    high: float | None = None
    weeks: int = 0


def judged(kind: Kind, now: tuple[float, float], baseline: tuple[float, float], past: Sequence[tuple[float, float]], *, unit: float = 1.0) -> Reality:
    """``now``, ``baseline`` and each of ``past`` (the same days of earlier weeks, those without anything left out) as (counted, base): for a
    share both, for the others the base is 1. ``unit`` is what one counted thing weighs in a sum of money.

    Counts and shares are held against chance and against how much past weeks differ (insights.findings.statistics); other figures against
    the past weeks alone, by Student's prediction interval.
    """
    if kind == "share" and (min(now[1], baseline[1]) < FEWEST_BASE or now[0] + baseline[0] < FEWEST_COUNTED / 3):
        return Reality("too_little")
    if kind == "count" and (now[0] + baseline[0]) / unit < FEWEST_COUNTED:
        return Reality("too_little")
    weeks = [one for one in past if one[1] > 0]
    if len(weeks) < FEWEST_WEEKS:
        return _by_chance(kind, now, baseline, unit)
    if kind == "other":
        return _among([one[0] / one[1] for one in weeks], now[0] / now[1])
    beside = share_beside(*now, weeks) if kind == "share" else count_beside(now[0], [one[0] for one in weeks], unit=unit)
    usual = expected([beside])[0]
    return Reality("real" if usual.p < SURE else "usual", usual.value, usual.low, usual.high, len(weeks))


def _by_chance(kind: Kind, now: tuple[float, float], baseline: tuple[float, float], unit: float) -> Reality:
    """Two periods alone: what chance would do (binomial, Poisson). Days differ for more reasons, so this can only rule out, not rule in."""
    if kind == "other":
        return Reality("no_history")
    if kind == "share":
        pooled = (now[0] + baseline[0]) / (now[1] + baseline[1])
        error = math.sqrt(max(pooled * (1 - pooled), 0.0) * (1 / now[1] + 1 / baseline[1]))
        away = abs(now[0] / now[1] - baseline[0] / baseline[1])
    else:
        error = math.sqrt(max(now[0] + baseline[0], 0.0) * unit)
        away = abs(now[0] - baseline[0])
    return Reality("usual" if away <= 1.96 * error else "no_history")


def _among(past: Sequence[float], now: float) -> Reality:
    middle, spread = fmean(past), stdev(past)
    half = float(stdtrit(len(past) - 1, 1 - SURE / 2)) * spread * math.sqrt(1 + 1 / len(past))
    return Reality("usual" if abs(now - middle) <= half else "real", middle, middle - half, middle + half, len(past))
