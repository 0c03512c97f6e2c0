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
from insights.semantic.execute import CannotRun, run
from insights.semantic.guard import Refused
from insights.semantic.model import SemanticModel
from insights.semantic.query import SemanticQuery
from insights.semantic.retrieval import search

from . import analyst, intents, phrasing
from .answer import BUILT_IN, Answer
from .context import Context, Outcome
from .grounding import Prose, Ungrounded, grounded, shown_rows
from .llm import Assistant, PhrasingFailed
from .reading import Clarify, Reading, Refuse, Understood
from .verified import VerifiedHit, verified
from .vocabulary import Vocabulary, build

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


def vocabulary_for(context: Context) -> Vocabulary:
    """The model's words and the names that this caller may see, read under the caller's own scope."""
    model, scope = context.model, context.scope
    used = {name for cube in model.cubes.values() if scope.sees(cube) for name in cube.dimensions}
    names = {
        name: [(key, str(label)) for key, label in run(compiler.compile_names(entity, advertiser=scope.advertiser), model=model, scope=scope).values]
        for name, entity in model.entities().items()
        if name in used
    }
    return build(model, names, scope=scope)


def stages(asked: Asked, context: Context, *, assistant: Assistant | None = None) -> Iterator[Stage]:
    """Never raises for a question: what cannot be answered is said. The last stage is ``done``."""
    hits = [] if asked.query else search(asked.question, context)
    for stage in _stages(asked, context, assistant):
        yield stage if stage.answer is None else replace(stage, answer=replace(stage.answer, trace={"retrieved": [asdict(hit) for hit in hits]}))


def _read(asked: Asked, context: Context) -> tuple[Reading, VerifiedHit | None]:
    """What staff have checked answers first; then the analyst reads."""
    if asked.query:
        return Understood(asked.query), None
    vocabulary = vocabulary_for(context)
    if checked := verified(asked.question, context, vocabulary):
        return Understood(checked.query), checked
    return analyst.read(asked.question, vocabulary, now=context.now, previous=asked.previous), None


def _stages(asked: Asked, context: Context, assistant: Assistant | None) -> Iterator[Stage]:
    try:
        reading, checked = _read(asked, context)
        if isinstance(reading, Clarify):
            yield _done(Answer("clarify", reading.text, choices=reading.choices, currency=context.currency))
        elif isinstance(reading, Refuse):
            yield _done(Answer("refused", reading.text, currency=context.currency))
        else:
            yield from _figures(reading, asked, context, assistant, checked)
    except (CannotRun, compiler.QueryError, Refused) as problem:
        log.warning("question_not_answered", problem=str(problem))
        yield _done(Answer("refused", f"I could not read the figures: {problem}.", currency=context.currency))


def _figures(understood: Understood, asked: Asked, context: Context, assistant: Assistant | None, checked: VerifiedHit | None) -> Iterator[Stage]:
    query = understood.query
    read_as = phrasing.interpretation(query, context.model, repairs=understood.repairs)
    badge = checked.badge() if checked else None
    yield Stage("understood", {"interpretation": read_as, "engine": BUILT_IN, "verified": badge})
    yield Stage("plan", {"query": query.model_dump(mode="json")})
    outcome = intents.answered(query, context)
    read_as += " · includes the synthetic audience" if outcome.synthetic else ""
    facts = outcome.facts
    for ran in outcome.statements:
        yield Stage("sql", {"purpose": ran.purpose, "sql": ran.sql, "params": ran.params})
    columns = [{"name": column.name, "label": column.label, "role": column.role, "unit": column.unit} for column in facts.columns]
    yield Stage("rows", {"columns": columns, "cells": shown_rows(facts.columns, facts.rows, context.currency)})
    yield Stage("chart", {"chart": outcome.chart})
    prose, engine, note = _worded(outcome, asked.question, read_as, assistant)
    yield Stage("text", {"text": prose.text, "spans": prose.as_json(), "engine": engine})
    first = outcome.statements[0] if outcome.statements else None
    yield _done(
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
        )
    )


def _worded(outcome: Outcome, question: str, read_as: str, assistant: Assistant | None) -> tuple[Prose, str, str]:
    text = _built_in(outcome)
    if assistant is None or not outcome.filled:
        return text, BUILT_IN, ""
    try:
        return assistant.phrase(question, read_as, outcome.facts, outcome.draft), f"phrased by {assistant.model}", ""
    except PhrasingFailed as failure:
        return text, BUILT_IN, f"{assistant.model} did not help ({failure}); this is the built-in wording."


def _built_in(outcome: Outcome) -> Prose:
    try:
        return grounded(outcome.draft, outcome.facts)
    except Ungrounded:
        log.exception("draft_not_grounded", draft=outcome.draft)
        return Prose("I have no words for this that I could check; the figures are in the table.", ())


def _done(answer: Answer) -> Stage:
    return Stage("done", {}, answer)


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
