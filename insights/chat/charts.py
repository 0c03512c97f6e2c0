"""Which chart fits a result, by rule: a declarative spec over the result's columns, never code."""

from __future__ import annotations

from typing import Any

from insights.semantic.compiler import Column
from insights.semantic.query import SemanticQuery

MOST_BARS = 20


def chart(query: SemanticQuery, columns: tuple[Column, ...], rows: tuple[tuple[Any, ...], ...]) -> dict[str, Any] | None:
    """``{type: kpi|bar|line, x: column or null, y: [columns of one unit]}``; None where the table alone serves better."""
    if not rows:
        return None
    units = {column.name: column.unit for column in columns if column.role == "measure"}
    dimensions = [column.name for column in columns if column.role == "dimension"]
    if not dimensions and not query.grain:
        return {"type": "kpi", "x": None, "y": list(query.measures)}
    lead = query.order.measure if query.order else query.measures[0]
    alike = [lead, *(name for name in query.measures if name != lead and units[name] == units[lead])]
    if query.grain and not dimensions and query.intent == "trend":
        return {"type": "line", "x": "time", "y": alike}
    if len(dimensions) + bool(query.grain) == 1 and 1 < len(rows) <= MOST_BARS:
        return {"type": "bar", "x": dimensions[0] if dimensions else "time", "y": alike}
    if query.grain and len(dimensions) == 1:
        return {"type": "line", "x": "time", "series": dimensions[0], "y": [lead]}
    return None
