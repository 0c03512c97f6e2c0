"""Conversations: whose they are, and what was asked and answered in them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Coalesce, NullIf
from pydantic import ValidationError

from insights.models import Conversation, Message
from insights.semantic.query import SemanticQuery

LISTED = 50
MOST_TITLE = 120
# A question is sent again while its answer is awaited, not days later.
SENT_AGAIN_FOR = timedelta(hours=24)


def _signed(number: int) -> int:
    return number - 2**32 if number >= 2**31 else number


_LOCK = _signed(crc32(b"insights.message"))


class NoSuchConversation(Exception):
    """There is none of this number, or it is another's; who asks cannot tell which."""


def conversations_of(user: User, *, search: str = "", archived: bool = False) -> list[dict[str, Any]]:
    """The user's latest conversations, newest first, each called by its name or its first question; those in which ``search`` was said."""
    first = Message.objects.filter(conversation=OuterRef("pk")).order_by("asked_at", "pk").values("question")[:1]
    latest = Message.objects.filter(conversation=OuterRef("pk")).order_by("-asked_at", "-pk").values("asked_at")[:1]
    found = Conversation.objects.filter(user=user, archived=archived, messages__isnull=False).distinct()
    for word in search.split()[:8]:
        said = Message.objects.filter(Q(question__icontains=word) | Q(answer__text__icontains=word), conversation__user=user)
        found = found.filter(Q(title__icontains=word) | Q(pk__in=said.values("conversation")))
    called = Coalesce(NullIf("title", Value("")), Subquery(first), output_field=TextField())
    rows = found.annotate(called=called, latest=Subquery(latest)).order_by("-latest", "-pk")
    return [
        {"id": pk, "title": called, "started_at": started_at, "latest_at": latest_at, "archived": archived}
        for pk, called, started_at, latest_at in rows.values_list("pk", "called", "started_at", "latest")[:LISTED]
    ]


def conversation_of(user: User, conversation: int) -> Conversation:
    """Raises NoSuchConversation."""
    found = Conversation.objects.filter(pk=conversation, user=user).first()
    if found is None:
        raise NoSuchConversation("There is no such conversation of yours.")
    return found


def conversation_change(*, actor: User, conversation: int, title: str | None = None, archived: bool | None = None) -> None:
    """What is not given stays. Raises NoSuchConversation."""
    changes = {name: value for name, value in (("title", title), ("archived", archived)) if value is not None}
    if not Conversation.objects.filter(pk=conversation, user=actor).update(**changes):
        raise NoSuchConversation("There is no such conversation of yours.")


def messages_of(user: User, conversation: int) -> QuerySet[Message]:
    """Raises NoSuchConversation."""
    return conversation_of(user, conversation).messages.order_by("asked_at", "pk")


def message_of(user: User, message: int) -> Message | None:
    """One of the user's own."""
    return Message.objects.filter(pk=message, conversation__user=user).first()


def told(message: Message) -> dict[str, Any]:
    """A stored message as it was answered: what API, socket and page show of it."""
    shown: dict[str, Any] = message.answer | {
        "conversation": message.conversation_id, "message": message.pk, "question": message.question,
        "milliseconds": message.milliseconds, "asked_at": message.asked_at.isoformat(),
    }  # fmt: skip
    return shown


def previous_of(user: User, conversation: int | None) -> SemanticQuery | None:
    """The query of the conversation's last answer, which a follow-up edits. Raises NoSuchConversation."""
    if conversation is None:
        return None
    last = messages_of(user, conversation).filter(status="answered", query__isnull=False).order_by("-asked_at", "-pk").first()
    try:
        return SemanticQuery.model_validate_json(json.dumps(last.query)) if last else None
    except ValidationError:
        # Asked of an earlier shape of queries: the question stands for itself.
        return None


def sent_before(user: User, client: str, *, now: datetime) -> Message | None:
    """The message that this very question of the page has become, if it has."""
    if not client:
        return None
    return Message.objects.filter(conversation__user=user, asked_at__gte=now - SENT_AGAIN_FOR, answer__client=client).first()


def message_record(
    *, actor: User, conversation: int | None, question: str, answer: dict[str, Any], asked_at: datetime, milliseconds: float, client: str = ""
) -> Message:
    """Store a question with its whole answer, in a new conversation where none is given; once for each ``client``, however often it is sent.

    Raises NoSuchConversation for a conversation that is not the actor's.
    """
    with transaction.atomic():
        if client:
            # Two that answer the same question at once take turns here, and the second finds what the first has stored.
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, _signed(crc32(f"{actor.pk}:{client}".encode()))])
            if stored := sent_before(actor, client, now=asked_at):
                return stored
        into = conversation_of(actor, conversation) if conversation else Conversation.objects.create(user=actor)
        return Message.objects.create(
            conversation=into,
            question=question,
            answer=answer | ({"client": client} if client else {}),
            status=answer["status"],
            query=answer.get("query"),
            asked_at=asked_at,
            milliseconds=milliseconds,
        )
