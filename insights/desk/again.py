"""A kept question answered now, within what this person may see now. Nothing of it is stored as a message."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from insights.chat.answer import Answer
from insights.chat.answering import BadQuery, query_of
from insights.chat.context import Context
from insights.chat.pipeline import Asked, stages
from insights.semantic.access import scope_of
from insights.semantic.loading import load

from .moved import as_of

MAY_NOT = "Your account may no longer ask about the business."
NO_LONGER = "What was kept can no longer be run: the figures that can be asked for have changed. Ask it anew."


def answered_again(user: User, question: str, kept: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """``kept`` is the stored query. Always an answer: where it cannot be run, a refusal that says why."""
    scope = scope_of(user)
    if scope is None:
        return Answer("refused", MAY_NOT).full() | {"question": question}
    model = load()
    context = Context(scope, model, now, model.currency or settings.CURRENCY, user.pk)
    try:
        query = query_of(kept, scope=scope)
    except BadQuery:
        return Answer("refused", NO_LONGER, currency=context.currency).full() | {"question": question}
    *_, last = stages(Asked(question, query=as_of(query, now=now) if query else None), context)
    if last.answer is None:
        raise RuntimeError("an answer ends with the stage done")
    return last.answer.full() | {"question": question}
