"""Shares with their intervals. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959964


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``of``, with the Wilson 95 % interval (Wilson 1927); all of it unknown where ``of`` is 0."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None

    @property
    def low(self) -> float:
        return self._bounds()[0]

    @property
    def high(self) -> float:
        return self._bounds()[1]

    def _bounds(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        n, p = self.of, min(1.0, self.count / self.of)
        centre, spread = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        return max(0.0, (centre - spread) / (1 + Z * Z / n)), min(1.0, (centre + spread) / (1 + Z * Z / n))


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two shares, with a 95 % interval."""

    value: float
    low: float
    high: float


def difference(one: Share, other: Share) -> Difference | None:
    """``one`` minus ``other`` with Newcombe's interval from their Wilson bounds (Newcombe 1998, method 10); None where one is unknown."""
    if one.value is None or other.value is None:
        return None
    gap = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Difference(gap, gap - below, gap + above)
