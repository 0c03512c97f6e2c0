"""Reads a question: guarded first, then as a follow-up where it is one, else as a question complete in itself."""

from __future__ import annotations

from datetime import datetime

from insights.chat.reading import Reading, Refuse, Understood
from insights.chat.tagging import tag
from insights.chat.text import MAX_QUESTION, clean
from insights.chat.vocabulary import Vocabulary
from insights.semantic.query import SemanticQuery

from . import followups, guard, questions
from .says import Stop, can_ask


def _widened(previous: SemanticQuery, query: SemanticQuery) -> tuple[str, ...]:
    limited, still = ({part.dimension for part in one.filters if part.op == "in"} for one in (previous, query))
    return tuple(name for name in query.dimensions if name in limited - still)


def read(question: str, vocabulary: Vocabulary, *, now: datetime, previous: SemanticQuery | None = None) -> Reading:
    """Pure: what the question asks for, given what the caller may see, the time, and the query that a follow-up would edit."""
    text = clean(question)
    if not text:
        return Refuse(f"Please ask something. {can_ask(vocabulary)}", "empty")
    if len(text) > MAX_QUESTION:
        return Refuse(f"That is too long for one question; please stay under {MAX_QUESTION} characters.", "empty")
    tagged = tag(text, vocabulary, now=now)
    if not tagged.tokens:
        return Refuse(f"Please ask in words. {can_ask(vocabulary)}", "empty")
    try:
        editing = previous is not None and followups.is_one(tagged, vocabulary)
        guard.check(tagged, vocabulary, editing=editing)
        if editing and previous is not None:
            query = followups.edited(tagged, vocabulary, previous, now)
            return Understood(query, tuple(tagged.repairs), follows=True, widened=_widened(previous, query))
        return Understood(questions.query(tagged, vocabulary, now), tuple(tagged.repairs))
    except Stop as stop:
        return stop.reading
