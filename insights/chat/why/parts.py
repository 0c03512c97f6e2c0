"""A change taken apart exactly, and the parts that stand out. Pure: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Thresholds of Adtributor (Bhagwan et al., NSDI 2014, section 4.2) as its public implementations set them.
LEAST_EXPLAINED_BY_ONE = 0.1
LEAST_EXPLAINED = 0.67
# A part that accounts for no more of the change than it is of the whole moved like all the others.
STANDS_OUT = 0.1


@dataclass(frozen=True)
class Sides:
    """One dimension's elements before and now. ``before``/``now`` [n] are what is summed: the figure itself, or the numerator of a ratio
    with its ``base_before``/``base_now`` [n] below the line."""

    names: tuple[str, ...]
    before: Floats
    now: Floats
    base_before: Floats | None = None
    base_now: Floats | None = None


@dataclass(frozen=True)
class Part:
    """One element: its figure on both sides (None where there is nothing to divide by), what it contributed to the change of the whole,
    of that by its own rate and by its weight in the mix (ratios alone), the share of the change, and its share of the whole before."""

    name: str
    before: float | None
    now: float | None
    contribution: float
    rate: float | None
    mix: float | None
    explains: float
    weight: float
    surprise: float


@dataclass(frozen=True)
class Split:
    """The change along one dimension. ``parts`` are those that explain it, ``against`` those that moved the other way, each strongest first.
    ``alike``: none of them did so by more than its size."""

    dimension: str
    parts: tuple[Part, ...]
    against: tuple[Part, ...]
    explains: float
    surprise: float
    rate: float | None
    mix: float | None
    alike: bool


def contributions(sides: Sides, *, factor: float = 1.0) -> tuple[Floats, Floats | None, Floats | None]:
    """What each element adds to the change of the whole [n], and for a ratio of that by rate [n] and by mix [n]; the sums are exact.

    A sum's change is the sum of its elements' changes. A ratio R = sum(a) / sum(b) is the mean of the elements' rates with the weights
    w = b / sum(b): by midpoints (Marshall-Edgeworth) dR = sum(dr * mean(w)) + sum(dw * (mean(r) - mean(R))), the first sum being what
    changed inside the elements, the second what a different mix of them did. An element that is there on one side alone has no change of
    rate: all that it does is mix.
    """
    if sides.base_before is None or sides.base_now is None:
        return sides.now - sides.before, None, None
    whole_before, whole_now = sides.base_before.sum(), sides.base_now.sum()
    if whole_before <= 0 or whole_now <= 0:
        raise ValueError("a ratio without anything below the line on one side cannot be taken apart")
    weight_before, weight_now = sides.base_before / whole_before, sides.base_now / whole_now
    before, now = _rates(sides.before, sides.base_before), _rates(sides.now, sides.base_now)
    before, now = np.where(np.isnan(before), now, before), np.where(np.isnan(now), before, now)
    before, now = np.nan_to_num(before), np.nan_to_num(now)
    middle = (sides.before.sum() / whole_before + sides.now.sum() / whole_now) / 2
    rate = (now - before) * (weight_before + weight_now) / 2
    mix = (weight_now - weight_before) * ((before + now) / 2 - middle)
    # What is counted above the line of an element with nothing below it belongs to no rate: it is mix.
    stray = np.where(sides.base_now > 0, 0.0, sides.now) / whole_now - np.where(sides.base_before > 0, 0.0, sides.before) / whole_before
    mix = mix + stray
    return factor * (rate + mix), factor * rate, factor * mix


def surprise(before: Floats, now: Floats) -> Floats:
    """How unlike each element's share of the whole is on both sides, as its term of the Jensen-Shannon divergence (Adtributor, equation 5),
    in nats [n]."""
    p, q = _shares(before), _shares(now)
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(p > 0, p * np.log(2 * p / (p + q)), 0.0)
        other = np.where(q > 0, q * np.log(2 * q / (p + q)), 0.0)
    return np.asarray(0.5 * (one + other), dtype=np.float64)


def split(dimension: str, sides: Sides, *, factor: float = 1.0) -> Split | None:
    """The parts of one dimension that explain the change: in order of surprise, those that explain at least a tenth of it, until two thirds
    are explained (Adtributor, algorithm 1). Its explanatory power is taken from the exact contributions, also for a ratio, where the paper
    approximates. None where they do not come to two thirds, or nothing changed."""
    each, rate, mix = contributions(sides, factor=factor)
    change = float(each.sum())
    if not len(each) or abs(change) < 1e-12:
        return None
    explains = each / change
    strange = surprise(sides.before, sides.now)
    if sides.base_before is not None and sides.base_now is not None:
        strange = strange + surprise(sides.base_before, sides.base_now)
    chosen: list[int] = []
    for index in sorted(range(len(each)), key=lambda place: (-strange[place], -explains[place], sides.names[place])):
        if explains[index] < LEAST_EXPLAINED_BY_ONE:
            continue
        chosen.append(index)
        if explains[chosen].sum() >= LEAST_EXPLAINED:
            break
    if not chosen or explains[chosen].sum() < LEAST_EXPLAINED:
        return None
    chosen.sort(key=lambda place: -explains[place])
    against = sorted(np.flatnonzero(explains < -LEAST_EXPLAINED_BY_ONE), key=lambda place: float(explains[place]))
    weight = _shares(sides.before if sides.base_before is None else sides.base_before)

    def part(index: int) -> Part:
        return Part(
            sides.names[index],
            _figure(sides.before, sides.base_before, index, factor),
            _figure(sides.now, sides.base_now, index, factor),
            float(each[index]),
            None if rate is None else float(rate[index]),
            None if mix is None else float(mix[index]),
            float(explains[index]),
            float(weight[index]),
            float(strange[index]),
        )

    parts = tuple(part(index) for index in chosen)
    return Split(
        dimension,
        parts,
        tuple(part(int(index)) for index in against[:3]),
        float(explains[chosen].sum()),
        float(strange[chosen].sum()),
        None if rate is None else float(rate.sum()),
        None if mix is None else float(mix.sum()),
        alike=all(one.explains - one.weight < STANDS_OUT for one in parts),
    )


def ranked(splits: Sequence[Split]) -> list[Split]:
    """The dimensions by what they tell in how few words: where something stands out first, then by how much more of the change than of the
    whole each named part makes up, then the most surprising. The paper ranks by surprise alone, which prefers many small campaigns to the one
    device that everything came from."""

    def excess(one: Split) -> float:
        return sum(part.explains - part.weight for part in one.parts) / len(one.parts)

    return sorted(splits, key=lambda one: (one.alike, -excess(one), -one.surprise, one.dimension))


def _rates(part: Floats, base: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(base > 0, part / base, np.nan), dtype=np.float64)


def _shares(values: Floats) -> Floats:
    """Of what is not negative: refunds beyond what was earned have no share."""
    kept = np.maximum(values, 0.0)
    whole = kept.sum()
    return kept / whole if whole > 0 else np.zeros_like(kept)


def _figure(part: Floats, base: Floats | None, index: int, factor: float) -> float | None:
    if base is None:
        return float(part[index])
    return float(factor * part[index] / base[index]) if base[index] > 0 else None
