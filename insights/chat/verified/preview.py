"""What a stored question answers just now, for whoever looks at it in the admin: under their own scope, never the asker's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User

from insights.chat.context import Context
from insights.chat.pipeline import Asked, stages
from insights.chat.reader import vocabulary_for
from insights.models import VerifiedQuery
from insights.semantic.access import scope_of
from insights.semantic.loading import load
from insights.semantic.retrieval.questions import NoLongerFits, stored

from .answering import asked_of

MOST_ROWS = 8


@dataclass(frozen=True)
class Preview:
    """``problem`` says why it answers nobody; then there is nothing else."""

    problem: str = ""
    interpretation: str = ""
    text: str = ""
    heads: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    sql: str = ""


def preview(row: VerifiedQuery, *, user: User, now: datetime) -> Preview:
    scope = scope_of(user)
    if scope is None:
        return Preview("You may not ask about the business yourself, so nothing is shown.")
    model = load()
    try:
        query = stored(row.query, model)
    except NoLongerFits as problem:
        return Preview(f"It no longer fits the semantic model and answers nobody: {problem}. Change its query, or reject it.")
    context = Context(scope, model, now, model.currency or settings.CURRENCY, user.pk)
    dated = asked_of(row.question, query, context, vocabulary_for(context))
    if dated is None:
        return Preview("Its period cannot be read from the question as it stands, so it answers nobody. Say the period in plain words.")
    *_, last = stages(Asked(row.question, query=dated), context)
    answer = last.answer
    if answer is None or answer.status != "answered":
        return Preview(answer.text if answer else "It gives no answer.")
    full = answer.full()
    heads = tuple(column["label"] for column in full["columns"])
    return Preview("", answer.interpretation, answer.text, heads, tuple(tuple(row) for row in full["cells"][:MOST_ROWS]), answer.sql)
