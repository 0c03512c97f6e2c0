"""A result with everything a text about it may name, and how its values are shown to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from insights.semantic.compiler import Column
from insights.semantic.query import BEFORE, CHANGE, GROWTH, SHARE

from .text import clean

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
UNKNOWN = "unknown"
MISSING = "n/a"
LONGEST_NAME = 120
WEEKDAY, HOUR_OF_DAY = "weekday", "hour_of_day"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNDER, LEAST_POINTS = "under ", 0.00005  # points are not told finer than they are written
WHOLE = 100  # a plain number this large is told without decimals
MOST = 1e15  # a figure beyond it is shown by its power of ten


@dataclass(frozen=True)
class Facts:
    """Rows with what stands beside them. ``told`` are facts worked out beside the rows, by name, as they are shown. ``better`` says for each
    measure which direction is good, ``adds_up`` which columns may be summed over the rows. ``whole``: every row there is stands here, none was
    cut off by a limit; where some were, ``order`` (measure, falling) is all that is known of the others."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    currency: str
    period: str = ""
    filters: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    baseline: str = ""
    better: Mapping[str, str] = field(default_factory=dict)
    adds_up: frozenset[str] = frozenset()
    plurals: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    order: tuple[str, bool] | None = None

    def column(self, name: str) -> int:
        return next(index for index, column in enumerate(self.columns) if column.name == name)

    def has(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    def value(self, row: int, name: str) -> Any:
        """The raw value; ``row`` counts from 0."""
        return self.rows[row][self.column(name)]

    def known(self, name: str) -> list[Any]:
        """The values of a column that are there."""
        at = self.column(name)
        return [row[at] for row in self.rows if row[at] is not None]

    def derived(self, column: Column) -> str:
        """``_before``, ``_change``, ``_growth`` or ``_share`` for a column worked out beside its measure, else nothing."""
        ending = next((ending for ending in (BEFORE, CHANGE, GROWTH, SHARE) if column.name.endswith(ending)), "")
        return ending if ending and self.has(column.name.removesuffix(ending)) else ""

    def cells(self) -> dict[str, str]:
        """Every plain placeholder with the words that replace it."""
        filled = {f"label.{column.name}": clean(column.label) for column in self.columns}
        filled |= {f"plural.{name}": clean(words) for name, words in self.plurals.items()}
        filled |= {f"told.{name}": clean(words) for name, words in self.told.items()}
        filled |= {"period": clean(self.period), "baseline": clean(self.baseline), "filters": clean(self.filters)}
        filled["rows"] = shown(len(self.rows), "count", self.currency)
        as_shown = [signed_as(column, self.derived(column)) for column in self.columns]
        for number, row in enumerate(self.rows, start=1):
            filled |= {f"r{number}.{column.name}": cell(value, column, self.currency) for column, value in zip(as_shown, row, strict=True)}
        return filled


def signed_as(column: Column, ending: str) -> Column:
    """The column with the unit its values are shown in: changes with their sign, a change of a share in points."""
    if ending == CHANGE:
        return Column(column.name, column.label, column.role, "signed points" if column.unit == "share" else f"signed {column.unit}")
    if ending == GROWTH:
        return Column(column.name, column.label, column.role, "signed growth")
    return column


def cell(value: Any, column: Column, currency: str) -> str:
    if column.role == "measure" and not isinstance(value, str):
        return shown(value, column.unit, currency)
    if column.role == "time":
        return moment(value, column.unit)
    if column.name == WEEKDAY and value in range(1, 8):
        return WEEKDAYS[int(value) - 1]
    if column.name == HOUR_OF_DAY and value in range(24):
        return f"{int(value):02d}:00 UTC"
    if (said := dict(column.words).get(str(value))) is not None:
        return clean(said)[:LONGEST_NAME]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(str(value))[:LONGEST_NAME].rstrip() or UNKNOWN if value not in (None, "") else UNKNOWN


def shown(value: float | None, unit: str, currency: str) -> str:
    """A figure as people read it. Rounded for display only, the cell keeps its value; what is not nothing is never rounded to nothing."""
    if value is None:
        return MISSING
    if unit.startswith("signed "):
        plain = magnitude(value, unit.removeprefix("signed "), currency)
        return plain if value == 0 or plain.startswith(UNDER) else f"{'+' if value > 0 else '-'}{plain}"
    plain = magnitude(value, unit, currency)
    return f"-{plain}" if value < 0 and not plain.startswith(UNDER) else plain


def magnitude(value: float, unit: str, currency: str) -> str:
    """The figure without its sign."""
    size = abs(value)
    match unit:
        case "share":
            return f"{_decimals(100 * size, 2)}%"
        case "growth":
            return f"{_decimals(100 * size, 1)}%"
        case "points":
            return f"{UNDER + '0.01' if 0 < size < LEAST_POINTS else _decimals(100 * size, 2)} percentage points"
        case "money":
            return f"{SYMBOLS.get(currency, currency + ' ')}{_decimals(size, 2)}"
        case "hours":
            return f"{_decimals(size, 1)} h"
        case "seconds":
            return f"{_decimals(size, 1)} s"
        case "milliseconds":
            return f"{_decimals(size, 1)} ms"
        case "count":
            return _decimals(size, 0)
    if size >= WHOLE or size == int(size):
        return _decimals(size, 0)
    return _decimals(size, 2) if size >= 1 else f"{size:.4f}".rstrip("0") if size >= 0.001 else f"{size:.2g}"


def _decimals(size: float, places: int) -> str:
    if size > MOST:
        return f"{size:.3g}"
    rounded = round(size, places)
    return f"{size:.2g}" if rounded == 0 < size else f"{rounded:,.{places}f}"


def moment(value: Any, grain: str) -> str:
    if value in (None, ""):
        return UNKNOWN
    text = str(value)
    if grain == "hour":
        read = datetime.fromisoformat(text)
        return f"{(read.astimezone(UTC) if read.tzinfo else read):%Y-%m-%d %H:%M}"
    day = date.fromisoformat(text[:10])
    return f"{day:%Y-%m}" if grain == "month" else f"week of {day:%Y-%m-%d}" if grain == "week" else f"{day:%Y-%m-%d}"


def shown_rows(columns: Sequence[Column], rows: Sequence[Sequence[Any]], currency: str) -> list[list[str]]:
    beside = Facts(tuple(columns), (), currency)
    shaped = [signed_as(column, beside.derived(column)) for column in columns]
    return [[cell(value, column, currency) for column, value in zip(shaped, row, strict=True)] for row in rows]


def sentence(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def as_records(facts: Facts) -> list[Mapping[str, Any]]:
    """Rows as name -> shown text, each with its placeholder prefix: what a language model is given."""
    cells = facts.cells()
    return [
        {"row": f"r{number}", **{column.name: cells[f"r{number}.{column.name}"] for column in facts.columns}}
        for number in range(1, len(facts.rows) + 1)
    ]
