"""Bounded exploration with known propensities.

One slot of the pod is drawn uniformly. With probability EPSILON it is filled by a uniform draw from the ads eligible for
the break, else by the best. It is filled before the other slots, so its propensity is closed-form whatever they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

EPSILON = 0.04


@dataclass(frozen=True, slots=True)
class Draw:
    """``slot`` is the randomised one; ``pick`` the place in the eligible list it must hold, None to take the best."""

    slot: int
    pick: int | None


def draw(rng: Generator, *, slots: int, eligible: int, epsilon: float = EPSILON) -> Draw:
    slot = int(rng.integers(slots))
    explore = float(rng.random()) < epsilon
    pick = int(rng.integers(eligible))
    return Draw(slot, pick if explore else None)


def propensity(*, best: bool, eligible: int, epsilon: float = EPSILON) -> float:
    """Chance that the randomised slot holds a given ad of the ``eligible`` ones; over all of them it sums to one."""
    return (1.0 - epsilon) * best + epsilon / eligible
