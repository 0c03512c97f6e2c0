"""Sharing, pinning and scheduling an answer of one's own."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from insights.models import Message, Pin, ScheduledQuestion, SharedAnswer

from .calendar import Every, next_time

SHARED_FOR = timedelta(days=30)
MOST_PINS = 24
MOST_SCHEDULES = 20


class CannotKeep(ValueError):
    """The answer cannot be kept so; the message says why and what to do."""


def answer_share(*, actor: User, message: Message, now: datetime) -> SharedAnswer:
    """A link that lasts SHARED_FOR. Shared again while it lasts, the same. Raises CannotKeep."""
    query = _query(message)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=actor.pk)  # so that two clicks make one link
        mine = SharedAnswer.objects.filter(created_by=actor, question=message.question, query=query, revoked_at=None, expires_at__gt=now).first()
        if mine is not None:
            return mine
        made = SharedAnswer.objects.create(
            token=secrets.token_urlsafe(32), question=message.question, query=query, created_by=actor, created_at=now, expires_at=now + SHARED_FOR
        )
        LogEntry.objects.log_actions(actor.pk, [made], ADDITION, change_message="shared by a link", single_object=True)
    return made


def share_revoke(*, actor: User, token: str, now: datetime) -> bool:
    """Whether there was such a link of the actor's that still worked."""
    found = SharedAnswer.objects.filter(token=token, created_by=actor, revoked_at=None)
    shared = found.first()
    if shared is None or not found.update(revoked_at=now):
        return False
    LogEntry.objects.log_actions(actor.pk, [shared], CHANGE, change_message="link taken back", single_object=True)
    return True


def shared_by_token(token: str, *, now: datetime) -> SharedAnswer | None:
    return SharedAnswer.objects.filter(token=token, revoked_at=None, expires_at__gt=now).select_related("created_by").first()


def answer_pin(*, actor: User, message: Message, title: str, now: datetime) -> Pin:
    """Onto the actor's board, at its end; pinned twice it is there once. Raises CannotKeep."""
    query = _query(message)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=actor.pk)  # positions and the limit are counted one after the other
        mine = Pin.objects.filter(user=actor)
        if (there := mine.filter(question=message.question).first()) is not None:
            there.query = query
            there.title = title or there.title
            there.save(update_fields=["query", "title"])
            return there
        if mine.count() >= MOST_PINS:
            raise CannotKeep(f"Your board holds {MOST_PINS} answers already; take one off first.")
        last = mine.aggregate(last=Max("position"))["last"]
        named = title or message.question[:120]
        position = 0 if last is None else last + 1
        return Pin.objects.create(user=actor, title=named, question=message.question, query=query, position=position, pinned_at=now)


def pin_remove(*, actor: User, pin: int) -> bool:
    return bool(Pin.objects.filter(user=actor, pk=pin).delete()[0])


def pin_change(*, actor: User, pin: int, title: str | None = None, position: int | None = None) -> bool:
    """Rename a pin, or put it at a place; the others make room."""
    with transaction.atomic():
        mine = list(Pin.objects.select_for_update().filter(user=actor).order_by("position", "pk"))
        chosen = next((one for one in mine if one.pk == pin), None)
        if chosen is None:
            return False
        if title:
            chosen.title = title
        if position is not None:
            mine.remove(chosen)
            mine.insert(min(position, len(mine)), chosen)
        for place, one in enumerate(mine):
            one.position = place
        Pin.objects.bulk_update(mine, ["position", "title"])
    return True


def answer_schedule(*, actor: User, message: Message, every: Every, hour: int, now: datetime) -> ScheduledQuestion:
    """By mail to the actor's own address. Raises CannotKeep."""
    query = _query(message)
    if not actor.email:
        raise CannotKeep("Your account has no e-mail address; an administrator can enter one.")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=actor.pk)
        mine = ScheduledQuestion.objects.filter(user=actor, active=True)
        if (there := mine.filter(question=message.question, every=every, hour=hour).first()) is not None:
            return there
        if mine.count() >= MOST_SCHEDULES:
            raise CannotKeep(f"You get {MOST_SCHEDULES} answers by mail already; end one first.")
        made = ScheduledQuestion.objects.create(
            user=actor, question=message.question, query=query, every=every, hour=hour, next_at=next_time(every, hour, after=now), created_at=now
        )
        LogEntry.objects.log_actions(actor.pk, [made], ADDITION, change_message=f"by mail every {every}", single_object=True)
    return made


def schedule_end(*, actor: User, schedule: int) -> bool:
    return bool(ScheduledQuestion.objects.filter(user=actor, pk=schedule, active=True).update(active=False))


def schedule_claim(schedule: ScheduledQuestion, *, now: datetime) -> bool:
    """Whether this worker is the one to send it; the next time is set with the claim, so a mail is sent once or, if the worker dies in
    between, not at all."""
    following = next_time(schedule.every, schedule.hour, after=now)
    due = ScheduledQuestion.objects.filter(pk=schedule.pk, active=True, next_at=schedule.next_at).filter(next_at__lte=now)
    return bool(due.update(next_at=following))


def _query(message: Message) -> dict[str, object]:
    if message.status != "answered" or not message.query:
        raise CannotKeep("Only an answer with figures can be kept.")
    query: dict[str, object] = message.query
    return query
