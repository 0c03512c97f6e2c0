"""What a change is worth, with an interval: the difference between two runs over the same requests, people as one observation each. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ads.decision.state import Floats

from .world import Run, World

RESAMPLES, SEED = 1_000, 20_261
LOW, HIGH = 0.025, 0.975


@dataclass(frozen=True, slots=True)
class Estimate:
    """A day's ``extra`` of something, with its 95 % interval."""

    extra: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        return self.low > 0


@dataclass(frozen=True, slots=True)
class Gain:
    """Against the flight as it is, by the day: ``impressions``, ``goal`` events and ``micros``; ``losers`` says which flights give up how many
    slots a day (0: nobody, they were empty), the most first."""

    impressions: Estimate
    goal: Estimate
    micros: Estimate
    losers: tuple[tuple[int, float], ...]


def gain(world: World, base: Run, changed: Run, flight: int) -> Gain:
    # The same resamples for every figure: an interval of several is one of the same people.
    weights = _resamples(world)
    impressions, goal, micros = (
        _estimate(world, getattr(changed, name) - getattr(base, name), weights) for name in ("impressions", "events", "micros")
    )
    return Gain(impressions, goal, micros, _losers(world, base, changed, flight))


def per_day(world: World, values: Floats) -> float:
    return float(values.sum() * world.weight / world.days)


def _resamples(world: World) -> Floats:
    """How often each person is drawn [resamples, persons]."""
    persons = int(world.persons.max(initial=0)) + 1
    drawn: Floats = np.random.default_rng(SEED).multinomial(persons, np.full(persons, 1.0 / persons), size=RESAMPLES).astype(np.float64)
    return drawn


def _estimate(world: World, difference: Floats, weights: Floats) -> Estimate:
    by_person = np.bincount(world.persons, weights=difference, minlength=weights.shape[1])
    totals = weights @ by_person * world.weight / world.days
    low, high = np.quantile(totals, [LOW, HIGH])
    return Estimate(per_day(world, difference), float(low), float(high))


def _losers(world: World, base: Run, changed: Run, flight: int) -> tuple[tuple[int, float], ...]:
    lost: Counter[int] = Counter()
    for before, after in zip(base.others, changed.others, strict=True):
        if before is not after:
            lost.update(one for one in before if one != flight)
            lost.subtract(one for one in after if one != flight)
            lost[0] += max(0, len(after) - len(before))
    scale = world.weight / world.days
    return tuple((one, count * scale) for one, count in lost.most_common() if count > 0)
