"""Conversations: whose they are, and what was asked and answered in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Prefetch, QuerySet

from insights.models import Conversation, Message

LISTED = 50


def conversations_of(user: User) -> list[dict[str, Any]]:
    """The user's latest conversations, newest first, each named by its first question."""
    asked = Prefetch("messages", Message.objects.defer("answer"))  # a whole result each
    found = Conversation.objects.filter(user=user, messages__isnull=False).distinct().prefetch_related(asked)[:LISTED]
    return [
        {"id": conversation.pk, "title": conversation.messages.all()[0].question, "started_at": conversation.started_at} for conversation in found
    ]


def messages_of(user: User, conversation: int) -> QuerySet[Message]:
    """Raises Conversation.DoesNotExist for a conversation that is not the user's."""
    return Conversation.objects.get(pk=conversation, user=user).messages.all()


def message_record(
    *, actor: User, conversation: int | None, question: str, answer: dict[str, Any], asked_at: datetime, milliseconds: float
) -> Message:
    """Store a question with its whole answer, in a new conversation where none is given.

    Raises Conversation.DoesNotExist for a conversation that is not the actor's.
    """
    with transaction.atomic():
        into = Conversation.objects.get(pk=conversation, user=actor) if conversation else Conversation.objects.create(user=actor)
        return Message.objects.create(
            conversation=into,
            question=question,
            answer=answer,
            status=answer["status"],
            query=answer.get("query"),
            asked_at=asked_at,
            milliseconds=milliseconds,
        )
