"""Thumbs with a reason on one's own answers, and the queue they make. Each change is audited with who made it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction

from insights.chat.text import clean
from insights.models import Feedback, Message

HANDLE = "insights.change_feedback"
MOST_COMMENT = 500
MOST_OUTCOME = 300


class Refused(Exception):
    """Nothing was done; the message says why, in a sentence."""


@transaction.atomic
def feedback_give(*, actor: User, message: Message, good: bool, reason: str = "", comment: str = "", now: datetime) -> Feedback:
    """One for each person and answer; given again it takes the place of the first and is open again.

    Raises PermissionDenied, Refused.
    """
    if not Message.objects.filter(pk=message.pk, conversation__user=actor).exists():
        raise PermissionDenied("Only your own answers can be judged.")
    if reason and reason not in Feedback.Reason.values:
        raise Refused(f"The reason is one of {', '.join(Feedback.Reason.values)}.")
    said = clean(comment)
    if len(said) > MOST_COMMENT:
        raise Refused(f"A comment takes at most {MOST_COMMENT} characters.")
    told = {"good": good, "reason": "" if good else reason, "comment": said, "given_at": now, "state": Feedback.State.OPEN, "outcome": ""}
    given, created = Feedback.objects.update_or_create(message=message, user=actor, defaults=told)
    what = "found it good" if good else f"found it bad: {given.get_reason_display() or 'no reason given'}"
    LogEntry.objects.log_actions(actor.pk, [given], ADDITION if created else CHANGE, change_message=what, single_object=True)
    return given


@transaction.atomic
def feedback_done(*, actor: User, feedback: Feedback, outcome: str) -> Feedback:
    """Staff have seen to it; ``outcome`` says how. Raises PermissionDenied, Refused."""
    if not actor.has_perm(HANDLE):
        raise PermissionDenied("What people thought of answers is seen to by the ad-ops lead.")
    said = clean(outcome)[:MOST_OUTCOME]
    if not said:
        raise Refused("Say what was done about it.")
    taken = Feedback.objects.filter(pk=feedback.pk, state=Feedback.State.OPEN).update(state=Feedback.State.DONE, outcome=said)
    feedback.refresh_from_db()
    if not taken:
        raise Refused(f"Nothing was done: it was seen to already ({feedback.outcome}).")
    LogEntry.objects.log_actions(actor.pk, [feedback], CHANGE, change_message=f"done: {said}", single_object=True)
    return feedback
