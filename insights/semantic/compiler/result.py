"""What the compiler gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .finishing import Finish


class QueryError(ValueError):
    """The query names something the model does not have, that this caller may not see, or that cannot be said of these figures; the message
    says what can be asked instead."""


@dataclass(frozen=True)
class Column:
    """One column of the result. ``role`` is time, dimension or measure; ``unit`` as in the model; ``words`` are (value, what people call it)."""

    name: str
    label: str
    role: str
    unit: str = ""
    words: tuple[tuple[str, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Compiled:
    """``finish`` is what is left to do once the rows are read, where a figure is not SQL's to give (a sketch) or not everybody's to see.
    ``light``: it reads little by its nature, and nobody's question makes it read more."""

    sql: str
    params: dict[str, Any]
    columns: tuple[Column, ...]
    finish: Finish | None = None
    light: bool = False
