"""Bounded exploration with known propensities.

The best pod is found first. One of its slots open to exploration is drawn uniformly; with probability EPSILON it is filled by
a uniform draw from its lot: the best ad and others of its tier that could stand there with the rest of the pod as it is. The
rest never moves, so the propensities are closed-form, given the eligible ads after throttling and the lot.

No chance is below FLOOR: where more ads could stand there than FLOOR allows, the lot is a uniform draw of them. Who is not in
the lot could not win this time, and over many decisions everybody is as often in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .state import Ints

EPSILON = 0.04
# An outcome seen with a chance of p weighs 1/p in what is learned from it: weights stay below a thousand.
FLOOR = 0.001
MOST_IN_A_LOT = round(EPSILON / FLOOR)


@dataclass(frozen=True, slots=True)
class Lot:
    """Who could have won the randomised ``slot``: places in the pool, ascending. ``best`` holds the slot when nothing is
    explored, ``chosen`` holds it now."""

    slot: int
    places: tuple[int, ...]
    best: int
    chosen: int

    @property
    def explored(self) -> int | None:
        """The ad that was drawn in place of the best one, None when the best one stands."""
        return None if self.chosen == self.best else self.chosen

    def propensity(self, place: int) -> float:
        """The chance that this ad holds the slot; over the lot it sums to one, and it is 0 for all others."""
        if place == self.best:
            return self.of_best
        return self.of_others if place in self.places else 0.0

    @property
    def of_best(self) -> float:
        return (1.0 - EPSILON) + EPSILON / len(self.places)

    @property
    def of_others(self) -> float:
        return EPSILON / len(self.places)


def draw(rng: Generator, *, slots: Sequence[tuple[int, int, Ints]], epsilon: float = EPSILON) -> Lot | None:
    """Draw a slot, its lot, and who holds it. ``slots`` are those open to exploration as (slot, best, able): the places in the
    pool of all that could stand there, ascending, the best included. None when no slot is open."""
    if not slots:
        return None
    slot, best, able = slots[int(rng.integers(len(slots)))]
    if len(able) > MOST_IN_A_LOT:
        others = able[able != best]
        able = np.sort(np.append(rng.permutation(others)[: MOST_IN_A_LOT - 1], best))
    explore = float(rng.random()) < epsilon
    pick = int(able[rng.integers(len(able))])
    return Lot(slot, tuple(able.tolist()), best, pick if explore else best)
