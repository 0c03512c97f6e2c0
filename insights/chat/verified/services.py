"""What people do with verified questions: propose one from an answer, verify, reject and edit it. Each is audited with who did it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from insights.chat.text import clean, words
from insights.models import Message, VerifiedQuery
from insights.semantic.access import PAGE_GROUPS
from insights.semantic.loading import load
from insights.semantic.model import SemanticModel
from insights.semantic.query import SemanticQuery
from insights.semantic.retrieval.questions import NoLongerFits, stored

from .patterns import pattern

log = structlog.get_logger(__name__)
VERIFY = "insights.verify_verifiedquery"
LONGEST = 300
MOST_PHRASINGS = 20
# Such a question goes on from the one before it and means nothing by itself.
GOES_ON = frozenset(["and", "only", "but", "instead", "without", "also", "same", "now", "then"])
_LOCK = "insights.verified"
State = VerifiedQuery.State


class Refused(Exception):
    """Nothing was done; the message says why, in a sentence."""


def may_propose(actor: User) -> bool:
    """Those who ask over the whole business; a checked question is everybody's."""
    return actor.is_active and (actor.is_superuser or actor.groups.filter(name__in=PAGE_GROUPS).exists())


@transaction.atomic
def verified_propose(*, actor: User, message: Message) -> VerifiedQuery:
    """Put an answered question before those who check. Proposed twice it is there once; a rejected one comes up again.

    Raises PermissionDenied, Refused.
    """
    own = Message.objects.filter(pk=message.pk, conversation__user=actor).exists()
    if not (own and may_propose(actor)) and not actor.has_perm(VERIFY):
        raise PermissionDenied("A question is proposed by those who asked it over the whole business, or by those who check questions.")
    question = clean(message.question)
    if message.status != "answered" or not message.query:
        raise Refused("Only an answered question can be proposed: this one has no query that could be checked.")
    if len(question) > LONGEST:
        raise Refused(f"The question is too long to be kept as a verified one; ask it in at most {LONGEST} characters.")
    if goes_on(question):
        raise Refused("This question goes on from the one before it. Ask it in full, then propose that.")
    _alone()
    there = VerifiedQuery.objects.filter(question__iexact=question).first()
    if there is None:
        made = VerifiedQuery.objects.create(question=question, query=message.query, proposed_by=actor)
        LogEntry.objects.log_actions(actor.pk, [made], ADDITION, change_message=f"proposed from answer {message.pk}", single_object=True)
        return made
    if there.state == State.VERIFIED:
        raise Refused("This question is verified already.")
    if VerifiedQuery.objects.filter(pk=there.pk, state=State.REJECTED).update(state=State.PROPOSED, query=message.query, proposed_by=actor):
        _audit(actor, there, f"proposed again from answer {message.pk}")
    return there


def goes_on(question: str) -> bool:
    said = words(question)
    return bool(said) and (said[0] in GOES_ON or said[:2] in (("what", "about"), ("how", "about")))


@transaction.atomic
def verified_verify(*, actor: User, verified: VerifiedQuery, now: datetime) -> VerifiedQuery:
    """From now on it answers. Raises PermissionDenied, Refused."""
    _may(actor)
    _alone()
    verified.refresh_from_db()
    check(question=verified.question, phrasings=verified.phrasings, query=verified.query, now=now, but=verified.pk)
    return _moved(actor, verified, "verified", [State.PROPOSED, State.REJECTED], state=State.VERIFIED, verified_by=actor, verified_at=now)


@transaction.atomic
def verified_reject(*, actor: User, verified: VerifiedQuery, note: str = "") -> VerifiedQuery:
    """It answers nobody, and is kept so that the same is not proposed unseen. Raises PermissionDenied, Refused."""
    _may(actor)
    what = f"rejected: {clean(note)[:LONGEST]}" if note else "rejected"
    return _moved(actor, verified, what, [State.PROPOSED, State.VERIFIED], state=State.REJECTED, verified_by=None, verified_at=None)


@transaction.atomic
def verified_edit(
    *, actor: User, verified: VerifiedQuery, now: datetime, question: str, phrasings: Iterable[str], query: dict[str, Any], note: str
) -> VerifiedQuery:
    """Whoever edits a verified question has checked it as it now is. Raises PermissionDenied, Refused."""
    _may(actor)
    _alone()
    said, others = clean(question), [text for phrase in phrasings if (text := clean(phrase))]
    check(question=said, phrasings=others, query=query, now=now, but=verified.pk)
    changes: dict[str, Any] = {"question": said, "phrasings": others, "query": query, "note": clean(note)[:LONGEST]}
    if verified.pk is None:
        made = VerifiedQuery.objects.create(**changes, proposed_by=actor)
        LogEntry.objects.log_actions(actor.pk, [made], ADDITION, change_message="proposed", single_object=True)
        return made
    VerifiedQuery.objects.filter(pk=verified.pk).update(**changes)
    VerifiedQuery.objects.filter(pk=verified.pk, state=State.VERIFIED).update(verified_by=actor, verified_at=now)
    verified.refresh_from_db()
    return _audit(actor, verified, "edited")


def check(
    *, question: str, phrasings: Iterable[str], query: Any, now: datetime, but: int | None = None, model: SemanticModel | None = None
) -> SemanticQuery:
    """Whether it can be a verified question: its query fits the model, and its words are no other's. Raises Refused."""
    texts = [question, *phrasings]
    if not all(isinstance(text, str) for text in texts) or len(texts) > MOST_PHRASINGS + 1:
        raise Refused(f"Phrasings are a list of at most {MOST_PHRASINGS} texts.")
    if not question or any(len(text) > LONGEST for text in texts):
        raise Refused(f"A question and each of its phrasings take between 1 and {LONGEST} characters.")
    try:
        fits = stored(query, model or load())
    except NoLongerFits as problem:
        raise Refused(f"The query does not fit the semantic model: {problem}.") from problem
    for text in texts:
        _check_period(text, fits, now)
    _check_unlike(texts, but, now)
    return fits


def _check_period(text: str, query: SemanticQuery, now: datetime) -> None:
    if query.period.start and not pattern(words(text), now=now).dated and query.intent != "why":
        raise Refused(
            f'"{text}" names no period, but its query is held to {query.period.label}: say the period in the question, or open it in the query.'
        )


def _check_unlike(texts: list[str], but: int | None, now: datetime) -> None:
    own = {pattern(words(text), now=now) for text in texts}
    for row in VerifiedQuery.objects.filter(state=State.VERIFIED).exclude(pk=but or 0):
        if any(pattern(words(text), now=now) in own for text in (row.question, *row.phrasings)):
            raise Refused(f'The verified question "{row.question}" is asked in the same words; change one of the two.')


def _may(actor: User) -> None:
    if not actor.has_perm(VERIFY):
        raise PermissionDenied("Questions are verified and rejected by the ad-ops lead.")


def _alone() -> None:
    """Questions are compared with each other before one is written, so they are written one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [_LOCK])


def _moved(actor: User, row: VerifiedQuery, what: str, before: list[Any], **changes: Any) -> VerifiedQuery:
    taken = VerifiedQuery.objects.filter(pk=row.pk, state__in=before).update(**changes)
    row.refresh_from_db()
    if not taken:
        raise Refused(f'Nothing was done: "{row.question}" is {row.get_state_display().lower()} already.')
    return _audit(actor, row, what)


def _audit(actor: User, row: VerifiedQuery, what: str) -> VerifiedQuery:
    row.refresh_from_db()
    LogEntry.objects.log_actions(actor.pk, [row], CHANGE, change_message=what, single_object=True)
    transaction.on_commit(_index, robust=True)
    log.info("verified_question_changed", question=row.pk, what=what, by=actor.get_username())
    return row


def _index() -> None:
    from insights.tasks import index_catalogue

    index_catalogue.delay()
