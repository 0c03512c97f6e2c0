"""From a question to its whole answer, stage by stage: read, compile, guard, run, word, check.

Page, socket, API, command and schedule all use this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from insights.semantic import compiler
from insights.semantic.access import Scope
from insights.semantic.execute import CannotRun
from insights.semantic.guard import Refused
from insights.semantic.model import SemanticModel
from insights.semantic.query import SemanticQuery

from . import intents, phrasing, reader
from .answer import Answer
from .catalogue import definitions
from .chips import chips
from .context import Context, Outcome
from .followups import follow_ups
from .grounding import Prose, Ungrounded, grounded, shown_rows
from .llm import Assistant, PhrasingFailed
from .reader import Read
from .reading import Clarify, Refuse, Understood

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Stage:
    """One step of an answer as it becomes known: understood, plan, sql, rows, chart, text, and at last done with the whole answer."""

    name: str
    data: dict[str, Any]
    answer: Answer | None = None


@dataclass(frozen=True)
class Asked:
    """``previous`` is the query that a follow-up edits; ``query`` is one that is run as it stands (an edited chip, a pin, a schedule)."""

    question: str
    previous: SemanticQuery | None = None
    query: SemanticQuery | None = None


def stages(asked: Asked, context: Context, *, assistant: Assistant | None = None) -> Iterator[Stage]:
    """Never raises for a question: what cannot be answered is said. The last stage is ``done``."""
    read = Read(Understood(asked.query)) if asked.query else None
    try:
        read = read or reader.read(asked.question, context, assistant=assistant, previous=asked.previous)
        answers = _figures(read.reading, read, asked, context, assistant) if isinstance(read.reading, Understood) else _no_figures(read.reading, read)
        for stage in answers:
            yield stage if stage.answer is None else _traced(stage.answer, read, context)
    except (CannotRun, compiler.QueryError, Refused) as problem:
        log.warning("question_not_answered", problem=str(problem))
        yield _traced(Answer("refused", f"I could not read the figures: {problem}."), read, context)


def _traced(answer: Answer, read: Read | None, context: Context) -> Stage:
    trace = {"retrieved": [asdict(hit) for hit in read.hits]} if read else {}
    return Stage("done", {}, replace(answer, trace=trace, currency=context.currency))


def _no_figures(reading: Clarify | Refuse, read: Read) -> Iterator[Stage]:
    status, choices = ("clarify", reading.choices) if isinstance(reading, Clarify) else ("refused", ())
    yield Stage("done", {}, Answer(status, reading.text, choices=choices, engine=read.engine(), note=read.note))


def _figures(understood: Understood, read: Read, asked: Asked, context: Context, assistant: Assistant | None) -> Iterator[Stage]:
    query = understood.query
    if query.cube in context.model.cubes and not context.scope.sees(context.model.cubes[query.cube]):
        raise compiler.QueryError(f"there is no cube '{query.cube}' that you may see")
    read_as = phrasing.interpretation(query, context.model, repairs=understood.repairs, widened=understood.widened)
    badge = read.checked.badge() if read.checked else None
    yield Stage("understood", {"interpretation": read_as, "engine": read.engine(), "verified": badge})
    yield Stage("plan", {"query": query.model_dump(mode="json")})
    outcome = intents.answered(query, context)
    if outcome.query is not None:
        query = outcome.query
        read_as = phrasing.interpretation(query, context.model, repairs=understood.repairs)
    read_as += " · includes the synthetic audience" if outcome.synthetic else ""
    facts = outcome.facts
    for ran in outcome.statements:
        yield Stage("sql", {"purpose": ran.purpose, "sql": ran.sql, "params": ran.params})
    columns = [{"name": column.name, "label": column.label, "role": column.role, "unit": column.unit} for column in facts.columns]
    yield Stage("rows", {"columns": columns, "cells": shown_rows(facts.columns, facts.rows, context.currency)})
    yield Stage("chart", {"chart": outcome.chart})
    prose, engine, note = _worded(outcome, asked.question, read_as, context, read, assistant)
    yield Stage("text", {"text": prose.text, "spans": prose.as_json(), "engine": engine})
    first = outcome.statements[0] if outcome.statements else None
    yield Stage(
        "done",
        {},
        Answer(
            "answered",
            prose.text,
            interpretation=read_as,
            sql=first.sql if first else "",
            params=first.params if first else {},
            columns=facts.columns,
            rows=facts.rows,
            chart=outcome.chart,
            engine=engine,
            note=f"{outcome.note} {note}".strip(),
            as_of=outcome.as_of,
            currency=context.currency,
            spans=tuple(prose.as_json()),
            query=query,
            statements=outcome.statements,
            more=outcome.more,
            synthetic=outcome.synthetic,
            verified=badge,
            chips=tuple(chips(query, context)),
            definitions=tuple(definitions(query, context)),
            suggestions=tuple(follow_ups(query, facts, context) if outcome.filled else ()),
        ),
    )


def _worded(outcome: Outcome, question: str, read_as: str, context: Context, read: Read, assistant: Assistant | None) -> tuple[Prose, str, str]:
    text = _built_in(outcome)
    if assistant is None or not assistant.sees_rows or not outcome.filled:
        return text, read.engine(), read.note
    try:
        return assistant.phrase(question, read_as, outcome.facts, outcome.draft, context), read.engine(assistant.model), read.note
    except PhrasingFailed as failure:
        return text, read.engine(), f"{read.note} {assistant.model} did not help ({failure}); this is the built-in wording.".strip()


def _built_in(outcome: Outcome) -> Prose:
    try:
        return grounded(outcome.draft, outcome.facts)
    except Ungrounded:
        log.exception("draft_not_grounded", draft=outcome.draft)
        return Prose("I have no words for this that I could check; the figures are in the table.", ())


def ask(
    question: str,
    *,
    scope: Scope,
    model: SemanticModel,
    now: datetime,
    currency: str,
    assistant: Assistant | None = None,
    previous: SemanticQuery | None = None,
) -> Answer:
    """Never raises for a question: what cannot be answered is said."""
    context = Context(scope, model, now, model.currency or currency)
    *_, last = stages(Asked(question, previous), context, assistant=assistant)
    if last.answer is None:
        raise RuntimeError("an answer ends with the stage done")
    return last.answer
