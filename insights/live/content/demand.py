"""Demand against supply: how much of the watching a kind of content has for its part of what is on offer. Pure.

The index of a kind is its share of the demand over its share of the supply: 2 where 30 % of the watching is of it and 15 % of the minutes.
Whether another title of the kind would be asked for as much is a question about titles, so titles are what is counted: the interval is that
of a ratio of sums over titles, those of the kind and the others drawn apart, linearised on the log scale (Woodruff 1971; Cochran 1977,
section 6.3), with Student's t for as many titles as there are (Welch 1947). With fewer than `FEWEST_TITLES` of it, or of the others, nobody can
tell the kind from its titles: then the interval is that of the watching of these titles alone, each session one observation, and says nothing
of the next one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

FEWEST_TITLES = 3
LEVEL = 0.95

Floats = NDArray[np.float64]
Basis = Literal["titles", "sessions"]
Verdict = Literal["more", "less", "as asked", "not enough evidence"]


@dataclass(frozen=True, slots=True)
class Index:
    """``units`` of the kind: titles, or scenes of a mood; ``groups``: titles that they belong to. Shares 0-1. ``low`` and ``high`` are None
    where not even the watching says anything; ``basis`` is what they allow for: another title, or another evening with the same ones."""

    units: int
    groups: int
    demand: float
    supply: float
    value: float | None
    low: float | None
    high: float | None
    basis: Basis
    verdict: Verdict


def index(
    demand: Floats, supply: Floats, member: NDArray[np.bool_], group: NDArray[np.int64], noise: Floats, *, kinds: int = 1, fewest: int = FEWEST_TITLES
) -> Index:
    """Of the units where ``member`` holds, among all: arrays [n] of ``demand`` and ``supply`` (any unit of measure, not negative), the title
    each belongs to, and ``noise``, the variance of each demand that comes from who happened to watch. ``kinds`` are judged together:
    intervals hold for all of them at once (Bonferroni)."""
    units, groups = int(member.sum()), len(np.unique(group[member]))
    asked, offered = (float(values[member].sum() / values.sum()) if values.sum() > 0 else 0.0 for values in (demand, supply))
    if not asked or not offered:
        return Index(units, groups, asked, offered, None, None, None, "sessions", "not enough evidence")
    value = asked / offered
    if bool(member.all()):
        return Index(units, groups, asked, offered, 1.0, None, None, "titles", "not enough evidence")
    tail = (1 + LEVEL) / 2
    tail = 1 - (1 - tail) / kinds
    pull = member / demand[member].sum() - 1 / demand.sum()
    watching = float(np.sqrt((pull**2 * noise).sum()))
    others = len(np.unique(group[~member]))
    basis: Basis = "titles" if min(groups, others) >= fewest else "sessions"
    half = float(ndtri(tail)) * watching
    if basis == "titles":
        between, freedom = _between(demand, supply, member, group)
        half = max(half, float(stdtrit(freedom, tail)) * between)
    low, high = value * math.exp(-half), value * math.exp(min(half, 50.0))
    verdict: Verdict = "not enough evidence" if basis == "sessions" else "more" if low > 1 else "less" if high < 1 else "as asked"
    return Index(units, groups, asked, offered, value, low, high, basis, verdict)


def _between(demand: Floats, supply: Floats, member: NDArray[np.bool_], group: NDArray[np.int64]) -> tuple[float, float]:
    """Standard error of the log of the index over titles, and its degrees of freedom. How many titles there are of the kind is known, so
    only what differs among titles of it, and among the others, counts. A title that is on both sides counts on each by its own part, which
    leaves out that they move together and so widens the interval."""
    pull = -demand / demand.sum() + supply / supply.sum()
    pull = pull + np.where(member, demand / demand[member].sum() - supply / supply[member].sum(), 0.0)
    variances, freedoms = [], []
    for side in (member, ~member):
        _, place = np.unique(group[side], return_inverse=True)
        sums = np.bincount(place, weights=pull[side])
        variances.append(float(((sums - sums.mean()) ** 2).sum() * len(sums) / (len(sums) - 1)))
        freedoms.append(len(sums) - 1)
    spread = sum(one**2 / freedom for one, freedom in zip(variances, freedoms, strict=True))
    return math.sqrt(sum(variances)), sum(variances) ** 2 / spread if spread else float(min(freedoms))


def words(name: str, found: Index, *, unit: str) -> str:
    """The verdict in a sentence, with the figures it comes from; ``unit`` is what supply counts, such as “the minutes”."""
    what = f"{found.demand:.0%} of the watching on {found.supply:.0%} of {unit}"
    if found.value is None:
        return f"{name}: nobody has watched it yet." if not found.demand else f"{name}: none of it is on offer."
    if found.low is None or found.high is None:
        return f"{name}: every title is of it, so there is nothing to compare it with."
    told = f"index {found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
    if found.basis == "sessions":
        few = "one title" if found.groups == 1 else f"{found.groups} titles"
        why = f"with {few} nobody" if found.groups < FEWEST_TITLES else "with so few titles that are not of it nobody"
        return f"{name}: not enough evidence. {what}, but {why} can tell the kind from its titles ({told} for these alone)."
    if found.verdict == "more":
        return f"Commission more {name}: {what}, {told} over {found.groups} titles."
    if found.verdict == "less":
        return f"Enough of {name}: only {what}, {told} over {found.groups} titles."
    return f"{name}: {what}; {told} over {found.groups} titles holds 1, so neither more nor less is clearly asked for."
