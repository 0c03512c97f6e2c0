"""From what somebody asks to the stored answer, for page, socket and API alike: the question is read, answered in stages and kept once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from pydantic import ValidationError

from insights.semantic.access import Scope
from insights.semantic.compiler import QueryError, checked_cube
from insights.semantic.loading import load
from insights.semantic.model import SemanticModel
from insights.semantic.query import SemanticQuery

from . import llm
from .context import Context
from .conversation import message_record, previous_of, sent_before, told
from .pipeline import Asked, stages
from .sent import in_our_words

MOST_CLIENT = 64


# As JSON writes it. PostgreSQL stores none.
NUL = "\\u0000"


class BadQuery(ValueError):
    """What was sent to be run as it stands is no query of this model, or not this caller's; the message says so."""


@dataclass(frozen=True)
class Question:
    """``client`` is the page's own name for it: sent twice, it is answered and stored once. ``query`` runs as it stands, and ``edited`` says in
    words what was changed about the one before it."""

    text: str
    conversation: int | None = None
    query: SemanticQuery | None = None
    client: str = ""
    edited: str = ""


@dataclass(frozen=True)
class Step:
    """One stage as it became known, ``milliseconds`` after the one before it; the last has the whole stored ``answer``."""

    stage: str
    milliseconds: float
    data: dict[str, Any]
    answer: dict[str, Any] | None = None


def query_of(sent: Any, *, scope: Scope) -> SemanticQuery | None:
    """A query as a chip, a pin or a program sends it. Raises BadQuery."""
    if sent is None:
        return None
    try:
        text = json.dumps(sent)
        if NUL in text:
            raise BadQuery("This query cannot be run: it holds a NUL character.")
        query = SemanticQuery.model_validate_json(text)
    except BadQuery:
        raise
    except (ValidationError, TypeError, ValueError, RecursionError) as problem:
        said = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else str(problem)
        raise BadQuery(f"This query cannot be run: {said[:200]}") from problem
    cube = load().cubes.get(query.cube) if query.cube else None
    if query.cube and (cube is None or not scope.sees(cube)):
        raise BadQuery(f"This query cannot be run: there is no cube '{query.cube}' that you may see.")
    try:
        if query.cube:
            checked_cube(query, load(), advertiser=scope.advertiser)
    except QueryError as problem:
        raise BadQuery(f"This query cannot be run: {problem}.") from problem
    return query


def query_sent(sent: Any, *, scope: Scope, now: datetime) -> SemanticQuery | None:
    """The same of what a page or a program sends: its labels are ours, whatever it called things. Raises BadQuery."""
    query = query_of(sent, scope=scope)
    return in_our_words(query, model=load(), scope=scope, now=now) if query else None


def answering(
    user: User, scope: Scope, question: Question, *, now: datetime, may_store: Callable[[], bool] = lambda: True, model: SemanticModel | None = None
) -> Iterator[Step]:
    """The last step has the answer as it was stored. Nothing is stored, and no last step comes, where ``may_store`` says no.

    Raises NoSuchConversation.
    """
    previous = previous_of(user, question.conversation)
    if stored := sent_before(user, question.client, now=now):
        yield Step("done", 0.0, {}, told(stored))
        return
    model = model or load()
    context = Context(scope, model, now, model.currency or settings.CURRENCY, user.pk)
    began = last = time.perf_counter()
    took: list[dict[str, Any]] = []
    for stage in stages(Asked(question.text, previous, question.query), context, assistant=llm.configured()):
        at = time.perf_counter()
        milliseconds, last = round(1000 * (at - last), 1), at
        took.append({"stage": stage.name, "ms": milliseconds})
        if stage.answer is None:
            yield Step(stage.name, milliseconds, stage.data)
            continue
        if not may_store():
            return
        message = message_record(
            actor=user,
            conversation=question.conversation,
            question=question.text,
            answer=stage.answer.full() | {"stages": took, "edited": question.edited},
            asked_at=now,
            milliseconds=round(1000 * (at - began), 1),
            client=question.client,
        )
        yield Step("done", milliseconds, {}, told(message))


def answered(user: User, scope: Scope, question: Question, *, now: datetime) -> dict[str, Any]:
    """The whole answer at once, stored. Raises NoSuchConversation."""
    *_, last = answering(user, scope, question, now=now)
    if last.answer is None:
        raise RuntimeError("an answer ends with the step done")
    return last.answer
