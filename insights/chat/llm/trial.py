"""How the configured endpoint does: questions that the built-in analyst can read are put to the model, and the figures of both are compared."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from insights.chat import analyst, intents
from insights.chat.context import Context
from insights.chat.reading import Understood
from insights.chat.vocabulary import Vocabulary
from insights.semantic.compiler import QueryError
from insights.semantic.execute import CannotRun
from insights.semantic.guard import Refused
from insights.semantic.query import SemanticQuery

from .assistant import Assistant
from .phrasing import PhrasingFailed
from .planning import PlanFailed, Question

MOST_QUESTIONS = 5


@dataclass(frozen=True)
class Tried:
    """``told``: what came of it, in words; ``good``: the model's figures are the analyst's, and its words could be shown."""

    question: str
    told: str
    good: bool
    milliseconds: float


def trial(assistant: Assistant, context: Context, vocabulary: Vocabulary, questions: Sequence[str]) -> Iterator[Tried]:
    """Those of the questions that the analyst reads and that have figures, at most five."""
    tried = 0
    for question in questions:
        own = analyst.read(question, vocabulary, now=context.now)
        if tried == MOST_QUESTIONS or not isinstance(own, Understood):
            continue
        tried += 1
        began = time.perf_counter()
        told, good = _one(assistant, Question(question, context, vocabulary), own.query)
        yield Tried(question, told, good, round(1000 * (time.perf_counter() - began)))


def _one(assistant: Assistant, question: Question, own: SemanticQuery) -> tuple[str, bool]:
    try:
        planned = assistant.plan(question)
    except PlanFailed as failure:
        return f"no plan: {failure}", False
    if not isinstance(planned, Understood):
        return "it asked back or refused", False
    try:
        outcome, expected = intents.answered(planned.query, question.context), intents.answered(own, question.context)
    except (CannotRun, QueryError, Refused) as problem:
        return f"its plan does not run: {problem}", False
    if _figures(outcome.facts.rows) != _figures(expected.facts.rows):
        return f"other figures than the built-in analyst's: {planned.query.intent} of {', '.join(planned.query.measures)}", False
    if not (assistant.sees_rows and outcome.filled):
        return "the same figures", True
    try:
        prose = assistant.phrase(question.text, "", outcome.facts, outcome.draft, question.context)
    except PhrasingFailed as failure:
        return f"the same figures; its words cannot be shown: {failure}", False
    return f"the same figures; {prose.text}", True


def _figures(rows: Sequence[Sequence[Any]]) -> list[str]:
    return sorted(str(tuple(row)) for row in rows)
