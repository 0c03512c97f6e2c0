"""What people do with findings: put one aside, take that back, have its action done. Each is audited with who did it."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F

from insights.models import Insight

from .actions import DOINGS, REFUSALS, Doing, sentence
from .sources import BY_KIND
from .store import insights_write

log = structlog.get_logger(__name__)

DISMISS = "insights.dismiss_insight"
State = Insight.State


class Refused(Exception):
    """Nothing was done; the message says why, in a sentence."""


@transaction.atomic
def insight_dismiss(*, actor: User, insight: Insight, now: datetime) -> Insight:
    """Put it aside until it is materially worse (see `store`). Raises PermissionDenied, Refused."""
    _may(actor, DISMISS, "Findings are dismissed by executives and ad operations.")
    taken = Insight.objects.filter(pk=insight.pk, state=State.OPEN).update(
        state=State.DISMISSED, dismissed_by=actor, dismissed_at=now, dismissed_micros=F("money_micros"), dismissed_severity=F("severity")
    )
    return _told(actor, insight, "dismissed", taken=taken)


@transaction.atomic
def insight_restore(*, actor: User, insight: Insight) -> Insight:
    """Take a dismissal back. Raises PermissionDenied, Refused."""
    _may(actor, DISMISS, "Findings are restored by executives and ad operations.")
    taken = Insight.objects.filter(pk=insight.pk, state=State.DISMISSED).update(
        state=State.OPEN, dismissed_by=None, dismissed_at=None, dismissed_micros=None, dismissed_severity=None
    )
    return _told(actor, insight, "restored", taken=taken)


def insight_act(*, actor: User, insight: Insight, now: datetime) -> Insight:
    """Do what the finding recommends, by the actor's own right, if it is still so. Of two clicks at once one does it.

    Raises PermissionDenied, Refused.
    """
    doing = DOINGS.get(insight.action)
    if doing is None:
        raise Refused("There is nothing here that a button could do; see what it recommends.")
    _may(actor, doing.permission, f"You may not do this: it takes the right {doing.permission}. Ask somebody who has it.")
    _still_so(insight, now)
    return _act(actor, insight, doing, now)


def _still_so(insight: Insight, now: datetime) -> None:
    """Judge its kind anew; what is no longer so closes."""
    source = BY_KIND[insight.kind]
    insights_write(now=now, found={source.kind: source.run(now)})
    before = (insight.action, insight.params)
    insight.refresh_from_db()
    if insight.state == State.GONE:
        raise Refused("This is no longer so, and nothing was done.")
    if (insight.action, insight.params) != before:
        raise Refused("What is recommended has changed meanwhile, and nothing was done; read it again.")


@transaction.atomic
def _act(actor: User, insight: Insight, doing: Doing, now: datetime) -> Insight:
    # Taken first: a second click waits for this row, and then finds it done.
    taken = Insight.objects.filter(pk=insight.pk, state=State.OPEN).update(state=State.DONE, acted_by=actor, acted_at=now)
    if not taken:
        _told(actor, insight, "acted on", taken=0)
    try:
        with transaction.atomic():
            outcome = doing.do(actor, insight.params, now)
    except (*REFUSALS, ValidationError) as error:
        raise Refused(f"Nothing was done: {sentence(error)}") from error
    Insight.objects.filter(pk=insight.pk).update(outcome=outcome)
    return _told(actor, insight, f"acted on: {outcome}", taken=taken)


def _told(actor: User, insight: Insight, words: str, *, taken: int) -> Insight:
    insight.refresh_from_db()
    if not taken:
        raise Refused(f"Nothing was done: it is {insight.get_state_display().lower()} by now{_by(insight)}.")
    LogEntry.objects.log_actions(actor.pk, [insight], CHANGE, change_message=words, single_object=True)
    transaction.on_commit(lambda: log.info("insight_changed", key=insight.key, what=words, by=actor.get_username()), robust=True)
    return insight


def _by(insight: Insight) -> str:
    who = {State.DONE: insight.acted_by, State.DISMISSED: insight.dismissed_by}.get(State(insight.state))
    return f", by {who.get_username()}" if who else ""


def _may(actor: User, permission: str, refusal: str) -> None:
    if not actor.has_perm(permission):
        raise PermissionDenied(refusal)
