"""Prose in which every figure, name and date is a cell of the result. A text is written with placeholders; digits of its own are refused.

Placeholders: ``{{r3.ctr}}`` (row 3, column ctr), ``{{label.ctr}}``, ``{{period}}``, ``{{filters}}``, ``{{rows}}`` (how many), ``{{told.x}}``
(what was worked out beside the rows).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from insights.semantic.compiler import Column

from .text import clean

PLACEHOLDER = re.compile(r"\{\{\s*([a-z][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?)\s*\}\}")
NUMBER_WORDS = frozenset(
    {
        *("zero", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "dozen", "hundred", "thousand"),
        *("million", "billion", "half", "halves", "third", "quarter", "double", "doubled", "triple", "tripled", "twice", "thrice", "percent"),
    }
)
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
UNKNOWN = "unknown"
MISSING = "n/a"


class Ungrounded(ValueError):
    """The text says something that is no cell of the result."""


@dataclass(frozen=True)
class Facts:
    """A result with everything a text about it may name. ``told`` are facts beside the rows, by name, as they are shown."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    currency: str
    period: str = ""
    filters: str = ""
    told: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> int:
        return next(index for index, column in enumerate(self.columns) if column.name == name)

    def value(self, row: int, name: str) -> Any:
        """The raw value; ``row`` counts from 0."""
        return self.rows[row][self.column(name)]

    def cells(self) -> dict[str, str]:
        """Every placeholder with the words that replace it."""
        filled = {f"label.{column.name}": column.label for column in self.columns}
        filled |= {f"told.{name}": words for name, words in self.told.items()}
        filled |= {"period": self.period, "filters": self.filters, "rows": shown(len(self.rows), "count", self.currency)}
        for number, row in enumerate(self.rows, start=1):
            filled |= {f"r{number}.{column.name}": cell(value, column, self.currency) for column, value in zip(self.columns, row, strict=True)}
        return filled


def cell(value: Any, column: Column, currency: str) -> str:
    if column.role == "measure":
        return shown(value, column.unit, currency)
    if column.role == "time":
        return moment(value, column.unit)
    return clean(str(value))[:120] if value not in (None, "") else UNKNOWN


def shown(value: float | None, unit: str, currency: str) -> str:
    """A figure as people read it. Rounded for display only; the cell keeps its value."""
    if value is None:
        return MISSING
    match unit:
        case "share":
            return f"{100 * value:.2f}%"
        case "money":
            sign = "-" if value < 0 else ""
            return f"{sign}{SYMBOLS.get(currency, currency + ' ')}{abs(value):,.2f}"
        case "hours":
            return f"{value:,.1f} h"
        case "seconds":
            return f"{value:,.1f} s"
        case "milliseconds":
            return f"{value:,.1f} ms"
        case "count":
            return f"{value:,.0f}"
    return f"{value:,.2f}"


def moment(value: Any, grain: str) -> str:
    if value in (None, ""):
        return UNKNOWN
    text = str(value)
    if grain == "hour":
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
    day = date.fromisoformat(text[:10])
    return f"{day:%Y-%m}" if grain == "month" else f"week of {day:%Y-%m-%d}" if grain == "week" else f"{day:%Y-%m-%d}"


def fill(text: str, facts: Facts) -> str:
    """Replace the placeholders by their cells. Raises Ungrounded for a digit, a number in words or an unknown placeholder."""
    cells = facts.cells()
    outside = PLACEHOLDER.sub(" ", text)
    if any(char.isnumeric() for char in outside):
        raise Ungrounded("the text has figures of its own")
    if said := NUMBER_WORDS & set(re.findall(r"[a-z]+", outside.lower())):
        raise Ungrounded(f"the text says a number in words: {', '.join(sorted(said))}")
    if "{" in outside or "}" in outside:
        raise Ungrounded("the text has a broken placeholder")
    if unknown := [name for name in PLACEHOLDER.findall(text) if name not in cells]:
        raise Ungrounded(f"the text names a cell that is not there: {unknown[0][:40]}")
    return PLACEHOLDER.sub(lambda found: cells[found.group(1)], text)


def shown_rows(columns: Sequence[Column], rows: Sequence[Sequence[Any]], currency: str) -> list[list[str]]:
    return [[cell(value, column, currency) for column, value in zip(columns, row, strict=True)] for row in rows]


def sentence(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def as_records(facts: Facts) -> list[Mapping[str, Any]]:
    """Rows as name -> shown text, each with its placeholder prefix: what a language model is given."""
    cells = facts.cells()
    return [
        {"row": f"r{number}", **{column.name: cells[f"r{number}.{column.name}"] for column in facts.columns}}
        for number in range(1, len(facts.rows) + 1)
    ]
