"""Who asks, of which model, when: what every part of an answer is handed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from insights.semantic.access import Scope
from insights.semantic.compiler import Column
from insights.semantic.model import SemanticModel
from insights.semantic.query import SemanticQuery

from .grounding import Facts


@dataclass(frozen=True)
class Context:
    """``user`` is the asker's key where there is one; the command asks without."""

    scope: Scope
    model: SemanticModel
    now: datetime
    currency: str
    user: int | None = None


@dataclass(frozen=True)
class Statement:
    """SQL that was run for an answer: the first gives its rows, the others what stands beside them."""

    purpose: str
    sql: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What was found. ``draft`` is the built-in wording with placeholders over ``facts``; ``filled`` is False where there was nothing to word
    and the draft says so: then neither a chart nor another wording follows."""

    facts: Facts
    draft: str
    statements: tuple[Statement, ...] = ()
    chart: dict[str, Any] | None = None
    note: str = ""
    filled: bool = True
    as_of: str | None = None
    synthetic: bool = False
    # What was run where that differs from what was read: a baseline without data gives way to a nearer one.
    query: SemanticQuery | None = None
    # Shown below the rows as tables of their own: (heading, columns, rows).
    more: tuple[tuple[str, tuple[Column, ...], tuple[tuple[Any, ...], ...]], ...] = field(default=())
