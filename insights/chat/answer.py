"""From a question to its whole answer: read, compile, guard, run, word, check. The one entry for page, API and command."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from insights.semantic import compiler
from insights.semantic.access import Scope
from insights.semantic.compiler import Column, Compiled
from insights.semantic.execute import CannotRun, Rows, plain, run
from insights.semantic.guard import Refused
from insights.semantic.model import SemanticModel
from insights.semantic.query import SemanticQuery

from . import analyst, charts, phrasing
from .grounding import Facts, fill, moment, shown_rows
from .llm import Phraser, PhrasingFailed
from .vocabulary import Vocabulary, build

log = structlog.get_logger(__name__)
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
    choices: tuple[analyst.Choice, ...] = ()
    engine: str = BUILT_IN
    note: str = ""
    as_of: str | None = None
    currency: str = "USD"

    def public(self) -> dict[str, Any]:
        """The contract of ``manage.py ask --json``: exactly these keys."""
        return {
            "status": self.status,
            "interpretation": self.interpretation,
            "sql": self.sql,
            "params": self.params,
            "columns": [{"name": column.name, "label": column.label, "role": column.role, "unit": column.unit} for column in self.columns],
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
        }


def vocabulary_for(model: SemanticModel, scope: Scope) -> Vocabulary:
    """The model's words and the names that this caller may see, read under the caller's own scope."""
    used = {name for cube in model.cubes.values() if scope.sees(cube) for name in cube.dimensions}
    names = {
        name: [(key, str(label)) for key, label in run(compiler.compile_names(entity, advertiser=scope.advertiser), model=model, scope=scope).values]
        for name, entity in model.entities().items()
        if name in used
    }
    return build(model, names, scope=scope)


def ask(question: str, *, scope: Scope, model: SemanticModel, now: datetime, currency: str, phraser: Phraser | None = None) -> Answer:
    """Never raises for a question: what cannot be answered is said."""
    currency = model.currency or currency
    try:
        reading = analyst.read(question, vocabulary_for(model, scope), now=now)
        if isinstance(reading, analyst.Clarify):
            return Answer("clarify", reading.text, choices=reading.choices, currency=currency)
        if isinstance(reading, analyst.Refuse):
            return Answer("refused", reading.text, currency=currency)
        return _answer(reading, question, scope=scope, model=model, currency=currency, phraser=phraser)
    except (CannotRun, compiler.QueryError, Refused) as problem:
        log.warning("question_not_answered", problem=str(problem))
        return Answer("refused", f"I could not read the figures: {problem}.", currency=currency)


def _answer(understood: analyst.Understood, question: str, *, scope: Scope, model: SemanticModel, currency: str, phraser: Phraser | None) -> Answer:
    query = understood.query
    cube = model.cubes[query.cube]
    compiled = compiler.compile_query(query, model, advertiser=scope.advertiser)
    rows = run(compiled, model=model, scope=scope)
    read_as = phrasing.interpretation(query, model, repairs=understood.repairs) + _origin(query, scope=scope, model=model)
    facts = Facts(compiled.columns, rows.values, currency, period=query.period.label, filters=phrasing.filter_words(query, model))
    engine, note = BUILT_IN, f"More than {len(rows.values)} rows; the first are shown." if rows.capped else ""
    if _empty(compiled, rows):
        text = _nothing_there(query, facts, scope=scope, model=model)
    else:
        written = phrasing.template(query, cube, facts)
        text = fill(written, facts)
        if phraser is not None:
            try:
                text, engine = phraser.phrase(question, read_as, facts, written), f"phrased by {phraser.model}"
            except PhrasingFailed as failure:
                note = f"{note} {phraser.model} did not help ({failure}); this is the built-in wording.".strip()
    return Answer(
        "answered",
        text,
        interpretation=read_as,
        sql=compiled.sql,
        params={name: plain(value) for name, value in compiled.params.items()},
        columns=compiled.columns,
        rows=rows.values,
        chart=None if _empty(compiled, rows) else charts.chart(query, compiled.columns, rows.values),
        engine=engine,
        note=note,
        as_of=_as_of(query, scope=scope, model=model),
        currency=currency,
    )


def _empty(compiled: Compiled, rows: Rows) -> bool:
    """No row, or no figure in any: nothing was recorded. A zero is a figure."""
    measures = [index for index, column in enumerate(compiled.columns) if column.role == "measure"]
    return all(row[index] is None for row in rows.values for index in measures)


def _nothing_there(query: SemanticQuery, facts: Facts, *, scope: Scope, model: SemanticModel) -> str:
    extent = run(compiler.compile_extent(query, model, advertiser=scope.advertiser), model=model, scope=scope)
    first, last = extent.values[0] if extent.values else (None, None)
    about = " for {{filters}}" if query.filters else ""
    if first is None:
        return fill(f"Nothing has been recorded{about} yet, in any period that you may see.", facts)
    found = Facts((Column("first", "first", "time", "day"), Column("last", "last", "time", "day")), ((first, last),), "", facts.period, facts.filters)
    return fill(f"There is no data{about} in {{{{period}}}}. What is recorded runs from {{{{r1.first}}}} to {{{{r1.last}}}}.", found)


def _origin(query: SemanticQuery, *, scope: Scope, model: SemanticModel) -> str:
    compiled = compiler.compile_origin(query, model, advertiser=scope.advertiser)
    return " · includes the synthetic audience" if compiled and run(compiled, model=model, scope=scope).values else ""


def _as_of(query: SemanticQuery, *, scope: Scope, model: SemanticModel) -> str | None:
    compiled = compiler.compile_freshness(model.cubes[query.cube])
    if compiled is None:
        return None
    rows = run(compiled, model=model, scope=scope).values
    return moment(rows[0][0], "hour") + " UTC" if rows and rows[0][0] else None
