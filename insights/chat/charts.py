"""Which chart fits a result, by rule: a declarative spec over the result's columns, never code.

``{type, x, y, ...}`` with columns by name; a value is drawn as it stands in the rows, in its column's unit.

- ``kpi``: ``y`` the figures of the one row; ``before`` {figure: column of the earlier period} and ``better`` {figure: up | down | neither}
  where there is a baseline.
- ``line``: ``x`` "time", ``y`` one column or several of one unit, or one with ``series``, the column that names its lines; ``partial`` true
  where the last bucket is not complete.
- ``bar``: ``x`` the column of names, ``y`` columns of one unit; ``sorted`` false where the names have an order of their own (weekdays, hours).
- ``paired``: bars of two periods side by side: ``x``, ``y`` = [figure, figure before], ``labels`` what the two periods are called.
- ``stacked``: one bar of parts: ``x`` the column of names, ``y`` [share].
- ``scatter``: ``x`` and ``y`` [one] are measures, ``names`` the column that names a point.

None where the table alone serves better.
"""

from __future__ import annotations

from typing import Any

from insights.semantic.model import Cube
from insights.semantic.query import BEFORE, SHARE, SemanticQuery

from .facts import HOUR_OF_DAY, WEEKDAY, Facts

MOST_BARS, MOST_CYCLIC, MOST_PARTS, MOST_LINES, MOST_POINTS = 12, 24, 6, 5, 200
LEAST_POINTS = 4


def chart(query: SemanticQuery, facts: Facts, cube: Cube) -> dict[str, Any] | None:
    if not facts.rows:
        return None
    dimensions = [column.name for column in facts.columns if column.role == "dimension"]
    lead = query.order.measure if query.order else query.measures[0]
    if not dimensions and not query.grain:
        return _kpi(query, facts)
    if query.grain and query.intent != "rank":
        return _line(query, facts, dimensions, lead)
    if len(dimensions) + bool(query.grain) != 1 or len(facts.rows) < 2:
        return None
    x = dimensions[0] if dimensions else "time"
    if query.intent == "share" and facts.has(lead + SHARE) and len(facts.rows) <= MOST_PARTS:
        return {"type": "stacked", "x": x, "y": [lead + SHARE]}
    return _bars(query, facts, cube, x, lead)


def _kpi(query: SemanticQuery, facts: Facts) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": "kpi", "x": None, "y": list(query.measures)}
    compared = [name for name in query.measures if facts.has(name + BEFORE)]
    if compared:
        spec["before"] = {name: name + BEFORE for name in compared}
        spec["better"] = {name: facts.better.get(name, "neither") for name in compared}
    return spec


def _line(query: SemanticQuery, facts: Facts, dimensions: list[str], lead: str) -> dict[str, Any] | None:
    if not dimensions:
        if facts.has(lead + BEFORE):
            return {"type": "line", "x": "time", "y": [lead, lead + BEFORE]}
        return {"type": "line", "x": "time", "y": _alike(query, facts, lead)}
    if len(dimensions) == 1 and len({facts.value(row, dimensions[0]) for row in range(len(facts.rows))}) <= MOST_LINES:
        return {"type": "line", "x": "time", "series": dimensions[0], "y": [lead]}
    return None


def _alike(query: SemanticQuery, facts: Facts, lead: str) -> list[str]:
    """The measures that share an axis with the first."""
    units = {column.name: column.unit for column in facts.columns}
    return [lead, *(name for name in query.measures if name != lead and units[name] == units[lead])][:MOST_LINES]


def _bars(query: SemanticQuery, facts: Facts, cube: Cube, x: str, lead: str) -> dict[str, Any] | None:
    cyclic = x in (WEEKDAY, HOUR_OF_DAY)
    if len(facts.rows) <= (MOST_CYCLIC if cyclic else MOST_BARS):
        if facts.has(lead + BEFORE):
            return {"type": "paired", "x": x, "y": [lead, lead + BEFORE], "labels": [facts.period, facts.baseline], "sorted": not cyclic}
        if _two_kinds(query, cube) and len(facts.rows) >= LEAST_POINTS and query.intent == "breakdown":
            return _scatter(query, x)
        return {"type": "bar", "x": x, "y": _alike(query, facts, lead), "sorted": not cyclic}
    return _scatter(query, x) if _two_kinds(query, cube) and len(facts.rows) <= MOST_POINTS else None


def _two_kinds(query: SemanticQuery, cube: Cube) -> bool:
    """Two figures that were asked for, neither of which is a part of the other."""
    if len(query.measures) != 2:
        return False
    first, second = (cube.measures[name] for name in query.measures)
    parts = {part for one in (first, second) if one.ratio for part in (one.ratio.numerator, one.ratio.denominator)}
    return first.unit != second.unit and not parts & set(query.measures)


def _scatter(query: SemanticQuery, x: str) -> dict[str, Any]:
    return {"type": "scatter", "x": query.measures[0], "y": [query.measures[1]], "names": x}
