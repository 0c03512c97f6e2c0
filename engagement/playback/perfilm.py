"""What follows from a film alone, worked out once: plans change with every clip, the film in them never does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from .plan import PlannedScene

T = TypeVar("T")
MOST_KEPT = 2_000


class PerFilm(Generic[T]):
    """Keeps ``make``'s result by the very tuple of scenes, which it holds, so that no other film can take its place."""

    def __init__(self, make: Callable[[tuple[PlannedScene, ...]], T]) -> None:
        self._make = make
        self._kept: dict[int, tuple[tuple[PlannedScene, ...], T]] = {}

    def __call__(self, film: tuple[PlannedScene, ...]) -> T:
        known = self._kept.get(id(film))
        if known is None or known[0] is not film:
            known = self._kept[id(film)] = (film, self._make(film))
            while len(self._kept) > MOST_KEPT:
                self._kept.pop(next(iter(self._kept)), None)
        return known[1]
