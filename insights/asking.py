"""The chat's socket: questions in, the stages of their answers out. It holds no figure and reads no question itself."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import User
from django.db import Error as DatabaseError
from django.utils import timezone

from engagement.playback.messages import TokenBucket
from insights.chat import runs
from insights.chat.answering import MOST_CLIENT, BadQuery, Question, answering, query_sent
from insights.chat.conversation import NoSuchConversation, previous_of
from insights.chat.limits import TOO_MANY, AskThrottle
from insights.chat.text import MAX_QUESTION
from insights.live.permissions import Visit, standing
from insights.semantic.access import Scope, scope_of

log = structlog.get_logger(__name__)

SIGNED_OUT = 4401
NOT_ALLOWED = 4403
FLOODING = 4429
TRY_AGAIN_LATER = 1013
# A query that a chip sends back, with the names of everything it filters by.
LARGEST_MESSAGE = 32_768
MESSAGES_A_SECOND = 2.0
BURST = 30.0
MOST_EDIT = 200
ONE_AT_A_TIME = "One question at a time: cancel the one that is being answered, or wait for it."


class Unreadable(ValueError):
    """No message of ours; says what one looks like."""


@dataclass(frozen=True)
class Asking:
    question: Question
    after: int
    query: Any


class AskConsumer(AsyncWebsocketConsumer):
    """Answers one question at a time.

    ``{"type": "ask", "id", "question", "conversation"?, "query"?, "edited"?, "after"?}`` is answered by ``stage`` messages with a growing
    ``seq`` and at last by ``done`` with the whole stored answer, or by ``failed`` or ``cancelled`` with the reason. Asked again with the same
    ``id``, the question goes on where it was: what was told after ``after`` is told again, and an answer that was finished meanwhile comes at
    once. ``{"type": "cancel", "id"}`` ends it. Who leaves does not end it: the answer is stored, and there when they come back.

    Who asks, and what they may see, is read at each question. Closed with SIGNED_OUT when the session is over, NOT_ALLOWED when its person
    may ask nothing any more, FLOODING when it says too much, and TRY_AGAIN_LATER while the database is away.
    """

    async def connect(self) -> None:
        session = self.scope.get("session")
        self.visit: Visit = (getattr(self.scope.get("user"), "pk", None) or 0, getattr(session, "session_key", None) or "")
        self.bucket = TokenBucket(rate=MESSAGES_A_SECOND, burst=BURST, left=BURST, at=time.monotonic())
        self.current: runs.Run | None = None
        self.relaying: asyncio.Task[None] | None = None
        self.over = False
        if not self.visit[0]:
            await self.close(code=NOT_ALLOWED)
        elif await self._asker() is not None:
            await self.accept()

    async def disconnect(self, code: int) -> None:
        self.over = True
        if self.relaying:
            self.relaying.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.over:
            return
        if not self.bucket.take(1, now=time.monotonic()):
            await self._end(FLOODING)
            return
        message = _read(text_data)
        match message.get("type"):
            case "ask":
                await self._ask(message)
            case "cancel":
                self._cancel(message.get("id"))
            case _:
                await self._say("failed", message.get("id"), 'Say {"type": "ask", "id", "question"} or {"type": "cancel", "id"}, as JSON.')

    async def _ask(self, message: dict[str, Any]) -> None:
        try:
            asking = _asking(message)
        except Unreadable as problem:
            await self._say("failed", message.get("id"), str(problem))
            return
        client = asking.question.client
        if self.current and not self.current.over and self.current.key[1] != client:
            await self._say("failed", client, ONE_AT_A_TIME)
            return
        asker = await self._asker()
        if asker is None:
            return
        run = runs.running(self.visit[0], client)
        if run is None:
            run = await self._begun(*asker, asking)
        if run is not None:
            self.current = run
            if self.relaying:
                self.relaying.cancel()
            self.relaying = asyncio.create_task(self._relay(run, asking.after))

    async def _begun(self, user: User, scope: Scope, asking: Asking) -> runs.Run | None:
        try:
            question = await database_sync_to_async(_checked)(user, scope, asking)
        except (BadQuery, NoSuchConversation, TooMany) as problem:
            await self._say("failed", asking.question.client, str(problem))
            return None
        except DatabaseError as error:
            await self._later(error)
            return None
        now = timezone.now()
        return runs.begin(user.pk, question.client, lambda may_store: answering(user, scope, question, now=now, may_store=may_store))

    async def _relay(self, run: runs.Run, after: int) -> None:
        async for event in run.follow(after):
            await self.send(text_data=json.dumps(event, ensure_ascii=False))

    def _cancel(self, client: Any) -> None:
        run = runs.running(self.visit[0], client) if isinstance(client, str) else None
        if run is not None:
            run.stop("cancelled", "Cancelled.")

    async def _asker(self) -> tuple[User, Scope] | None:
        """Who asks and what they may see, as the database has it now; None when that ended the connection."""
        try:
            user, scope = await database_sync_to_async(_standing_asker)(self.visit)
        except DatabaseError as error:
            await self._later(error)
            return None
        if user is None or scope is None:
            await self._end(SIGNED_OUT if user is None else NOT_ALLOWED)
            return None
        return user, scope

    async def _later(self, error: DatabaseError) -> None:
        log.warning("ask_socket_turned_away", reason=str(error), action="the page tries again by itself")
        await self._end(TRY_AGAIN_LATER)

    async def _say(self, kind: str, client: Any, reason: str) -> None:
        name = client[:MOST_CLIENT] if isinstance(client, str) else ""
        await self.send(text_data=json.dumps({"type": kind, "id": name, "reason": reason}))

    async def _end(self, code: int) -> None:
        if not self.over:
            self.over = True
            await self.close(code=code)


class TooMany(Exception):
    """This person has asked enough for a minute, over whatever door."""


def _read(text: str | None) -> dict[str, Any]:
    """Empty for what is no message of ours: binary, huge, unreadable or of another shape."""
    if not text or len(text) > LARGEST_MESSAGE:
        return {}
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _asking(message: dict[str, Any]) -> Asking:
    """Raises Unreadable."""
    client, text, conversation = message.get("id"), message.get("question"), message.get("conversation")
    edited, after = message.get("edited", ""), message.get("after", 0)
    if not isinstance(client, str) or not 8 <= len(client) <= MOST_CLIENT or not client.isprintable():
        raise Unreadable(f"Give the question an id of its own, a text of 8 to {MOST_CLIENT} characters such as a UUID.")
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_QUESTION or "\x00" in text:
        raise Unreadable(f"A question has 1 to {MAX_QUESTION} characters.")
    if conversation is not None and (not isinstance(conversation, int) or isinstance(conversation, bool) or not 0 < conversation < 2**63):
        raise Unreadable("A conversation is named by its number.")
    if not isinstance(edited, str) or not isinstance(after, int) or isinstance(after, bool):
        raise Unreadable('"edited" is a text and "after" a number.')
    question = Question(text.strip(), conversation, None, client, edited.replace("\x00", "")[:MOST_EDIT])
    return Asking(question, after, message.get("query"))


def _standing_asker(visit: Visit) -> tuple[User | None, Scope | None]:
    if visit not in standing({visit}, now=timezone.now()):
        return None, None
    user = User.objects.get(pk=visit[0])
    return user, scope_of(user)


def _checked(user: User, scope: Scope, asking: Asking) -> Question:
    """Raises BadQuery, NoSuchConversation, TooMany."""
    if not AskThrottle().allow_request(SimpleNamespace(user=user), None):  # type: ignore[arg-type]
        raise TooMany(TOO_MANY)
    previous_of(user, asking.question.conversation)
    asked = asking.question
    return Question(asked.text, asked.conversation, query_sent(asking.query, scope=scope, now=timezone.now()), asked.client, asked.edited)
