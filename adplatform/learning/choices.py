"""Choices that were made by chance, with all that could have been chosen: what tells how another model would have chosen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import Floats
from .predictor import Predictor
from .schema import Matrix

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Choices:
    """n choices, each of one option out of its own lot; the m options of all lots lie one after the other.

    Of a choice [n]: ``reward`` what came of it (a click is 1), ``worth`` the same in micros, ``propensity`` the chance that the option
    was chosen with, ``exploring`` the share of choices that a uniform draw from the lot makes, ``chosen`` the place of the option
    among all options, ``session`` whose choice it was.
    Of an option [m]: ``choice`` the one it belongs to, ascending; ``features`` float32 [m, f]; what ranks it is first ``level``, the
    lower the better, then ``fixed + slope * prediction``, then its order.
    """

    reward: Floats
    worth: Floats
    propensity: Floats
    exploring: Floats
    chosen: Ints
    session: NDArray[Any]
    choice: Ints
    features: Matrix
    level: Ints
    fixed: Floats
    slope: Floats

    def __len__(self) -> int:
        return len(self.reward)

    def best(self, predictions: Floats) -> Ints:
        """The option [n] that these predictions [m] put first in each lot."""
        return self.highest(self.fixed + self.slope * predictions)

    def highest(self, score: Floats) -> Ints:
        """The option [n] of the highest score [m] in each lot, of the lowest level there is; of equals the first."""
        order = np.lexsort((np.arange(len(score)), -score, self.level, self.choice))
        first: Ints = order[self.starts]
        return first

    @property
    def starts(self) -> Ints:
        """Where each lot [n] begins among the options: its first one."""
        found: Ints = np.searchsorted(self.choice, np.arange(len(self)))
        return found

    def propensities(self, predictions: Floats) -> Floats:
        """The chance [m] of every option under the rule that decides, had it these predictions: the best of its lot, but for the share
        that is drawn uniformly."""
        return self.chances(self.best(predictions))

    def chances(self, best: Ints) -> Floats:
        """As `propensities`, of a rule that takes ``best`` [n] of each lot."""
        size = np.bincount(self.choice, minlength=len(self))
        chances = (self.exploring / size)[self.choice]
        chances[best] += 1.0 - self.exploring
        return chances

    def expected(self, values: Floats, propensities: Floats) -> Floats:
        """The mean [n] of values [m] over each lot under these propensities [m]."""
        return np.bincount(self.choice, weights=values * propensities, minlength=len(self)).astype(np.float64)


# The option [n] that a model would take of each lot, given what was kept with its version.
Rule = Callable[[Choices, Predictor, Mapping[str, Any]], Ints]


def together(parts: Sequence[Choices]) -> Choices:
    """One after the other; at least one part."""
    moved = {
        "choice": np.cumsum([0, *(len(part) for part in parts[:-1])]),
        "chosen": np.cumsum([0, *(len(part.choice) for part in parts[:-1])]),
    }

    def column(name: str) -> Any:
        columns = [getattr(part, name) for part in parts]
        return np.concatenate([one + shift for one, shift in zip(columns, moved[name], strict=True)] if name in moved else columns)

    return Choices(**{field.name: column(field.name) for field in fields(Choices)})
