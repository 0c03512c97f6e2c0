"""What each kind of model is made of, registered by the room it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from numpy.typing import NDArray

from ..choices import Choices, Rule
from ..gates import Terms
from ..metrics import Floats
from ..schema import FeatureSchema
from .dataset import Dataset


class UnknownKind(ValueError):
    """No model of that kind; the message lists those there are."""


@dataclass(frozen=True)
class Policy:
    """How predictions become choices where the highest alone does not decide: ``rule`` takes an option of every lot, and what an option
    earns is its ``fixed`` and ``slope`` times what came of it. ``terms`` speak of it."""

    rule: Rule
    terms: Terms


@dataclass(frozen=True)
class Recipe:
    """What one kind of model is made of. A room registers its own in ``AppConfig.ready``.

    ``load(as_of)`` gives the mature rows known at that time. ``label_seconds`` is how long after a row its label may still
    be coming in: rows that close before the split are left out of training, their labels lie beyond it. ``choices(since, as_of)``
    gives the randomised choices that predictions of this kind rank, None where chance chose none; kinds that rank nothing leave it out.
    ``returning``: the rows' sessions are units that come again all along (viewers), so that they are divided by unit and by time.
    ``notes(rows learned from)`` are kept with the version, as JSON.
    """

    kind: str
    task: str
    schema: FeatureSchema
    default_estimator: str
    load: Callable[[datetime], Dataset]
    least_rows: int
    label_seconds: float
    least_positives: int = 0
    choices: Callable[[datetime, datetime], Choices | None] | None = None
    returning: bool = False
    policy: Policy | None = None
    notes: Callable[[Dataset], Mapping[str, Any]] | None = None


Truth = Callable[[NDArray[Any]], Floats]

_recipes: dict[str, Recipe] = {}
_truths: dict[str, Truth] = {}


def register_recipe(recipe: Recipe) -> None:
    _recipes[recipe.kind] = recipe


def register_truth(kind: str, truth: Truth) -> None:
    """Who made an audience knows its true probabilities, float64 [n] for the keys of n rows, NaN where unknown. They leave as
    one aggregate alone: the figures that predicting the truth would have had, the ceiling of every model."""
    _truths[kind] = truth


def recipe_for(kind: str) -> Recipe:
    """Raises UnknownKind."""
    if kind not in _recipes:
        raise UnknownKind(f"there is no model of kind {kind!r}; choose one of: {', '.join(sorted(_recipes))}")
    return _recipes[kind]


def kinds() -> list[str]:
    return sorted(_recipes)


def truth_of(kind: str) -> Truth | None:
    return _truths.get(kind)
