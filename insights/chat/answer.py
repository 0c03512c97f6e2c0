"""A whole answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from insights.semantic.compiler import Column
from insights.semantic.query import SemanticQuery

from .context import Statement
from .grounding import shown_rows
from .reading import Choice

BUILT_IN = "built-in analyst (no language model)"


@dataclass(frozen=True)
class Answer:
    """What was asked for and found. ``status``: answered, clarify or refused. ``note`` says what went otherwise than planned."""

    status: str
    text: str
    interpretation: str = ""
    sql: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    chart: dict[str, Any] | None = None
    choices: tuple[Choice, ...] = ()
    engine: str = BUILT_IN
    note: str = ""
    as_of: str | None = None
    currency: str = "USD"
    # For every figure, name, date and judging word of the text: where it stands and what backs it (grounding.Prose.as_json).
    spans: tuple[dict[str, Any], ...] = ()
    query: SemanticQuery | None = None
    # Every statement that was run, with what it was for; and what is shown below the rows as tables of their own.
    statements: tuple[Statement, ...] = ()
    more: tuple[tuple[str, tuple[Column, ...], tuple[tuple[Any, ...], ...]], ...] = ()
    synthetic: bool = False
    # How it was read, in parts that can be changed (chips.chips); what the measures mean; what could be asked next.
    chips: tuple[dict[str, Any], ...] = ()
    definitions: tuple[dict[str, str], ...] = ()
    suggestions: tuple[str, ...] = ()
    # The question that staff have checked, where one answered; and what of the catalogue the asked one was matched with, and why.
    verified: dict[str, Any] | None = None
    trace: dict[str, Any] = field(default_factory=dict)

    def public(self) -> dict[str, Any]:
        """The contract of ``manage.py ask --json``: exactly these keys."""
        return {
            "status": self.status,
            "interpretation": self.interpretation,
            "sql": self.sql,
            "params": self.params,
            "columns": [_column(column) for column in self.columns],
            "rows": [list(row) for row in self.rows],
            "text": self.text,
            "chart": self.chart,
        }

    def full(self) -> dict[str, Any]:
        """The contract plus what the page shows around it."""
        return self.public() | {
            "choices": [{"label": choice.label, "question": choice.question} for choice in self.choices],
            "engine": self.engine,
            "note": self.note,
            "as_of": self.as_of,
            "cells": shown_rows(self.columns, self.rows, self.currency),
            "currency": self.currency,
            "spans": list(self.spans),
            "query": self.query.model_dump(mode="json") if self.query else None,
            "statements": [{"purpose": ran.purpose, "sql": ran.sql, "params": ran.params} for ran in self.statements],
            "more": [
                {
                    "heading": heading,
                    "columns": [_column(column) for column in columns],
                    "rows": [list(row) for row in rows],
                    "cells": shown_rows(columns, rows, self.currency),
                }
                for heading, columns, rows in self.more
            ],
            "synthetic": self.synthetic,
            "chips": list(self.chips),
            "definitions": list(self.definitions),
            "suggestions": [{"label": question, "question": question} for question in self.suggestions],
            "verified": self.verified,
            "trace": self.trace,
        }


def _column(column: Column) -> dict[str, str]:
    return {"name": column.name, "label": column.label, "role": column.role, "unit": column.unit}
