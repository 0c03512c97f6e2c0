"""Rows as they were served, and who can tell of them: each room registers its own kinds of model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..metrics import Floats
from ..schema import Matrix


class NotWatched(ValueError):
    """Nobody tells what models of this kind served; the message lists the kinds that are watched."""


@dataclass(frozen=True)
class Served:
    """Rows of one window, all arrays of length n.

    ``features`` float32 [n, f] as served and ``scores`` as logged, NaN where no model answered; ``version`` the number of the model
    that answered, 0 for none; ``at`` Unix seconds; ``session`` names sessions. ``labels`` are NaN until they are mature. While
    they are not, ``so_far`` is 1 where the outcome came already, ``age`` the seconds since it could first have come; ``delay`` the
    seconds it took until it was known, NaN where it has not come. ``groups`` name what each row belongs to (``advertiser``,
    ``device``). ``shadow_version`` and ``shadow_scores`` are what a challenger would have said, 0 and NaN where none was asked.
    ``seen_rows`` is how many rows the window had before sampling.
    """

    features: Matrix
    scores: Floats
    version: NDArray[np.int64]
    at: Floats
    session: NDArray[Any]
    labels: Floats
    so_far: Floats
    age: Floats
    delay: Floats
    shadow_version: NDArray[np.int64]
    shadow_scores: Floats
    groups: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    seen_rows: int = 0

    def __len__(self) -> int:
        return len(self.at)

    @property
    def sessions(self) -> int:
        return len(np.unique(self.session))

    def take(self, mask: NDArray[np.bool_]) -> Served:
        columns = {one.name: getattr(self, one.name)[mask] for one in fields(self) if one.name not in ("groups", "seen_rows")}
        return Served(**columns, groups={name: column[mask] for name, column in self.groups.items()}, seen_rows=self.seen_rows)

    def scored_by(self, number: int) -> Served:
        """The rows that this version scored, as the one that served or in the shadow, with its scores as ``scores``."""
        shadow = self.shadow_version == number
        mine = (self.version == number) | shadow
        told = np.where(self.version == number, self.scores, self.shadow_scores)[mine]
        chosen = self.take(mine)
        return Served(**{**{one.name: getattr(chosen, one.name) for one in fields(chosen)}, "scores": told})


class LoadServed(Protocol):
    def __call__(self, *, since: datetime, until: datetime, as_of: datetime, most: int) -> Served:
        """Rows served in [since, until) as known at ``as_of``: a sample of about ``most`` where there are more."""
        ...


class Skew(Protocol):
    """Features computed again from the log against those served: of ``rows`` rows, ``differing`` are not the same. ``by_feature``
    counts the rows in which each feature differs; ``words`` say it in a sentence or two."""

    @property
    def rows(self) -> int: ...
    @property
    def differing(self) -> int: ...
    @property
    def by_feature(self) -> Mapping[str, int]: ...
    @property
    def words(self) -> str: ...


# A sample of rows of [since, until) is computed again. Raises LookupError in words when the log cannot be read that far back.
SkewCheck = Callable[[datetime, datetime, int, np.random.Generator], Skew]


@dataclass(frozen=True, slots=True)
class Checks:
    """``replays``: the logged vectors are exact, so that the same artifact must give the logged scores."""

    load_served: LoadServed
    skew: SkewCheck | None = None
    replays: bool = True


_checks: dict[str, Checks] = {}


def register_checks(kind: str, *, load_served: LoadServed, skew: SkewCheck | None = None, replays: bool = True) -> None:
    """Models of this kind are watched."""
    _checks[kind] = Checks(load_served, skew, replays)


def checks_of(kind: str) -> Checks:
    """Raises NotWatched."""
    if kind not in _checks:
        raise NotWatched(f"models of kind {kind!r} are not watched; choose one of: {', '.join(sorted(_checks))}")
    return _checks[kind]


def watched_kinds() -> list[str]:
    return sorted(_checks)
