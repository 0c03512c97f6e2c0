"""What each column added to a prediction of trees: Shapley values along the paths (TreeSHAP), from the arrays that are served.

A leaf is reached when every column it asked about lies in the interval its splits leave. Leaving a column unknown, a row goes both
ways in proportion to the training rows (Lundberg et al. 2020, path-dependent). A leaf's game is then a product of one factor a
column, and the weighted sum over all coalitions is the integral of a polynomial, exact by Gauss-Legendre quadrature with half as
many points as the leaf has columns. That is a handful of numpy operations over all rows, leaves and columns at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .calibration import log_odds, sigmoid
from .ensemble import LEAF, PROBABILITY, Ensemble, Floats, Ints, Tree
from .schema import Matrix

# float64 [n rows, features] and the figure of no row in particular; a row of the first and the second add up to the prediction,
# in log-odds for probabilities, in the label's own unit for a regression.
Contributions = tuple[Floats, float]
# Cells (rows x leaves x columns) worked on at once.
CELLS = 2_000_000


@dataclass
class _Asked:
    """What the splits above a node leave of one column: ``low < x <= high``, whether a missing value got here, and the share of
    the training rows that did, of those that came to a split on it."""

    low: float = -np.inf
    high: float = np.inf
    missing: bool = True
    share: float = 1.0


@dataclass(frozen=True)
class Paths:
    """One leaf a line, one column asked about a place: ``column`` int, ``low``, ``high`` float32, ``missing`` bool and ``share``
    float64, all [leaves, most columns of a leaf]; ``value`` float64 [leaves]. Unused places ask nothing and change nothing."""

    column: Ints
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    missing: NDArray[np.bool_]
    share: Floats
    value: Floats
    base: float
    link: str
    width: int = field(default=0)

    @classmethod
    def of(cls, ensemble: Ensemble, width: int) -> Paths:
        leaves = [(value, asked) for tree in ensemble.trees for value, asked in _leaves(tree)]
        depth = max((len(asked) for _, asked in leaves), default=0) or 1
        shape = (len(leaves), depth)
        column, low, high = np.zeros(shape, dtype=np.int64), np.full(shape, -np.inf, np.float32), np.full(shape, np.inf, np.float32)
        missing, share = np.ones(shape, dtype=bool), np.ones(shape)
        for line, (_, asked) in enumerate(leaves):
            for place, (feature, one) in enumerate(asked.items()):
                column[line, place], low[line, place], high[line, place] = feature, one.low, one.high
                missing[line, place], share[line, place] = one.missing, one.share
        return cls(column, low, high, missing, share, np.array([value for value, _ in leaves]), ensemble.base, ensemble.link, width)

    def contributions(self, features: Matrix) -> Contributions:
        """For float32 [n, width]. A probability's shares are stretched to log-odds, each in the same proportion."""
        step = max(CELLS // max(self.column.size, 1), 1)
        parts = [self._shapley(features[first : first + step]) for first in range(0, len(features), step)]
        found = np.concatenate(parts) if parts else np.zeros((0, self.width))
        expected = self.base + float((self.value * self.share.prod(axis=1)).sum())
        if self.link != PROBABILITY:
            return found, expected
        start = float(log_odds(np.array([expected]))[0])
        moved = found.sum(axis=1)
        wanted = log_odds(expected + moved) - start
        slope = 1.0 / float(sigmoid(np.array([start]))[0] * (1 - sigmoid(np.array([start]))[0]))
        stretch = np.where(np.abs(moved) > 1e-12, wanted / np.where(np.abs(moved) > 1e-12, moved, 1.0), slope)
        return found * stretch[:, np.newaxis], start

    def _shapley(self, features: Matrix) -> Floats:
        value = features[:, self.column]
        reached = np.where(np.isnan(value), self.missing, (value > self.low) & (value <= self.high))
        points, weights = np.polynomial.legendre.leggauss((self.column.shape[1] + 1) // 2)
        total = np.zeros(value.shape)
        for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
            factor = np.where(reached, point, 0.0) + (1 - point) * self.share
            total += weight * factor.prod(axis=2, keepdims=True) / factor
        total *= (reached - self.share) * self.value[:, np.newaxis]
        found = np.zeros((len(features), self.width))
        flat = np.broadcast_to(self.column, value.shape).reshape(len(features), -1)
        np.add.at(found, (np.arange(len(features))[:, np.newaxis], flat), total.reshape(len(features), -1))
        return found


def _leaves(tree: Tree) -> Iterator[tuple[float, dict[int, _Asked]]]:
    waiting: list[tuple[int, dict[int, _Asked]]] = [(0, {})]
    while waiting:
        node, asked = waiting.pop()
        column = int(tree.feature[node])
        if column == LEAF:
            yield float(tree.value[node]), asked
            continue
        before, cut, missing_left = asked.get(column, _Asked()), float(tree.threshold[node]), bool(tree.missing_left[node])
        left, right = int(tree.left[node]), int(tree.right[node])
        through = tree.cover[left] + tree.cover[right]
        share = float(tree.cover[left] / through) if through > 0 else 0.5
        lower = _Asked(before.low, min(before.high, cut), before.missing and missing_left, before.share * share)
        upper = _Asked(max(before.low, cut), before.high, before.missing and not missing_left, before.share * (1 - share))
        waiting += [(right, {**asked, column: upper}), (left, {**asked, column: lower})]
