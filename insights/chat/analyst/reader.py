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
            return Understood(followups.edited(tagged, vocabulary, previous, now), tuple(tagged.repairs), follows=True)
        return Understood(questions.query(tagged, vocabulary, now), tuple(tagged.repairs))
    except Stop as stop:
        return stop.reading
