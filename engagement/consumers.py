"""The session socket: events in, acknowledgements, the timeline map and the Director's answers out.

A plain ASGI application: what Channels' consumers do around each message, a task and a visit to a thread, costs more than all that
happens in here. Events are folded, predicted from and committed on the event loop; what needs PostgreSQL is done beside it, in threads.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

import msgspec
import structlog
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone

from adplatform.eventlog import commits, ingest, metrics, sender, tokens
from adplatform.eventlog.envelope import encode
from adplatform.eventlog.hashing import daily_hash
from adplatform.eventlog.stream import LogUnavailable
from engagement.director.act import act
from engagement.director.recalled import recalled
from engagement.playback import adload, messages, services
from engagement.playback.attending import Attended, Boundary, attend
from engagement.playback.publishing import State, UnknownSession, ensure_lead, load, publish_to
from engagement.playback.timeline import timeline

log = structlog.get_logger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

# Threads of its own, so that one slow ad decision does not hold up other work of the process. Few: each that is busy takes its turn at the
# interpreter from the event loop, which answers everybody.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="playback")
UNAUTHORISED = 4401
FLOODING = 4429
TRY_AGAIN_LATER = 1013
EPOCH_OVER = 4410
MOST_REFUSALS = 50


class EpochOver(Exception):
    """The session goes on elsewhere on another playlist: no time that this player tells means anything there."""


async def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run blocking work in a playback thread, whose database connection is kept as long as CONN_MAX_AGE allows."""

    def run() -> R:
        close_old_connections()
        try:
            return work(*args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)


async def playback_socket(scope: Any, receive: Any, send: Any) -> None:
    async with commits.joined() as joined:
        await PlaybackSocket(scope, send, joined).serve(receive)


class PlaybackSocket:
    """One player's socket."""

    token: tokens.SessionToken

    def __init__(self, scope: Any, send: Any, joined: commits.Commits) -> None:
        self.scope, self.send, self.commits = scope, send, joined
        self.session_id = uuid.UUID(str(scope["url_route"]["kwargs"]["session_id"]))
        self.bucket = messages.TokenBucket(at=time.monotonic())
        self.refusals = 0
        self.over = False
        self.held: Attended | None = None
        self.working: asyncio.Task[None] | None = None

    async def serve(self, receive: Any) -> None:
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                if message["type"] == "websocket.connect":
                    await self._greet()
                elif not self.over:
                    await self._hear(message.get("text") or "")
        finally:
            # What was begun is finished: a decision that changed the plan has to reach the log.
            if self.working is not None:
                await self.working

    async def _greet(self) -> None:
        self._recognise(timezone.now())
        await self.send({"type": "websocket.accept"})
        query = dict(part.partition("=")[::2] for part in self.scope["query_string"].decode("latin-1").split("&"))
        try:
            self.token = tokens.read(query.get("token", ""), tokens.SessionToken, now=timezone.now().timestamp())
            if self.token.session != self.session_id:
                raise tokens.TokenRefused("wrong_session")
        except tokens.TokenRefused as refused:
            await self._break_off(refused.reason, UNAUTHORISED)

    def _recognise(self, now: datetime) -> None:
        """Who is at the other end; anew each day, since the hashes of another day are others."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        peer = str((self.scope.get("client") or ("",))[0])
        agent = sender.user_agent_of(peer, headers)
        self.hashes = {"ip_hash": daily_hash(sender.address_of(peer, headers), now=now), "ua_hash": daily_hash(agent, now=now)}
        self.day = now.date()
        self.sender = {**self.hashes, "user_agent": agent, "request_id": f"ws-{uuid.uuid4()}"}

    async def _hear(self, text: str) -> None:
        try:
            message = messages.read(text)
        except messages.Unreadable as unreadable:
            await self._refuse(str(unreadable))
            return
        try:
            await self._answer(message)
        except (EpochOver, commits.Superseded):
            await self._break_off("epoch_over", EPOCH_OVER)
        except UnknownSession:
            await self._break_off("unknown_session", UNAUTHORISED)
        except LogUnavailable:
            await self._break_off("log_unavailable", TRY_AGAIN_LATER)
        except DatabaseError as problem:
            log.warning("socket_without_database", session=str(self.session_id), problem=str(problem))
            await self._break_off("try_again", TRY_AGAIN_LATER)

    async def _answer(self, message: messages.Message) -> None:
        now = timezone.now()
        if not self.bucket.take(messages.cost(message), now=time.monotonic()):
            if isinstance(message, messages.Hello | messages.Events):
                await self._break_off("flood", FLOODING)
            else:
                await self._refuse("flood")
            return
        held = self.held
        if held is None:
            held = self.held = await in_thread(attend, self.session_id, hashes=self.hashes, now=now)
        elif isinstance(message, messages.Hello):
            await self._grow(held, await in_thread(load, self.session_id), tell=False)
        match message:
            case messages.Hello():
                await self._welcome(held, now)
            case messages.Events():
                await self._events(held, message.events, now)
            case messages.Seek():
                await self._seek(held, message, now)
            case messages.Direct():
                await self._direct(held, message, now)
        self._wake(held)

    async def _welcome(self, held: Attended, now: datetime) -> None:
        decisions = await in_thread(recalled, self.session_id)
        told = {"server_now": now.isoformat(), "acked_seq": held.live.acked_seq, "timeline": self._timeline(held, now), "decisions": decisions}
        await self._say({"type": "welcome"} | told)

    async def _events(self, held: Attended, raw: list[msgspec.Raw], now: datetime) -> None:
        """An acknowledgement comes when the events are in the log; with them the live state is kept that they led to."""
        if now.date() != self.day:
            self._recognise(now)
            held.live.around = msgspec.structs.replace(held.live.around, **self.hashes, day=self.day.isoformat())
        accepted = ingest.accept(raw, session=self.token, received_at=now, check=held.misplaced, **self.sender)
        for refusal in accepted.refused:
            metrics.REFUSED.labels(reason=refusal.reason).inc()
        if held.behind(accepted.events):
            await self._grow(held, await in_thread(load, self.session_id))
        fresh = held.take(accepted.events, now=now)
        engagement = held.look(fresh, now=now)
        if accepted.events:
            await self.commits.commit([encode(event) for event in accepted.events], held.kept())
            metrics.ACCEPTED.labels(way="socket").inc(len(accepted.events))
        refused = [{"index": refusal.index, "reason": refusal.reason} for refusal in accepted.refused]
        await self._say({"type": "ack", "seq": held.live.acked_seq, "refused": refused})
        if engagement is not None:
            await self._say(engagement)

    async def _seek(self, held: Attended, message: messages.Seek, now: datetime) -> None:
        held.live.heard_at = now.timestamp()
        if message.position.scene is None:
            await self._refuse("unreadable")
            return
        await self._grow(held, await in_thread(publish_to, self.session_id, message.position.scene, now=now), tell=False)
        await self._say({"type": "timeline", **self._timeline(held, now)})

    async def _direct(self, held: Attended, message: messages.Direct, now: datetime) -> None:
        state, event = await in_thread(services.film_as_edited, token=self.token, wanted=message.as_edited, t=held.live.t, now=now)
        if event is not None:
            held.take([event], now=now)
            await self.commits.commit([encode(event)], held.kept())
        await self._grow(held, state, tell=False)
        await self._say({"type": "timeline", **self._timeline(held, now)})

    # What needs the plan

    def _wake(self, held: Attended) -> None:
        """One thing at a time, beside the events: they are acknowledged while a slow database or ad decision is waited for."""
        if not self.over and (self.working is None or self.working.done()) and (held.boundaries or held.wants_more or held.load_of):
            self.working = asyncio.create_task(self._work(held))

    async def _work(self, held: Attended) -> None:
        """Director first, publishing after it: what the next scene is can only be decided before it is published."""
        try:
            while held.boundaries:
                await self._decide(held, held.boundaries[0])
                held.boundaries.pop(0)  # not before: one that failed is tried again
            if held.wants_more:
                await self._grow(held, await in_thread(ensure_lead, self.session_id, held.live.t, now=timezone.now(), state=held.state))
            for one, at in held.breaks_met():
                await in_thread(adload.note, held.load_of, self.session_id, one, at=at)
        except (EpochOver, commits.Superseded):
            await self._break_off("epoch_over", EPOCH_OVER)
        except UnknownSession:
            await self._break_off("unknown_session", UNAUTHORISED)
        except (LogUnavailable, DatabaseError) as problem:
            # Tried again with the next message; until then the playlist's polls publish.
            log.warning("plan_not_moved", session=str(self.session_id), problem=str(problem))

    async def _decide(self, held: Attended, due: Boundary) -> None:
        if held.plan.ended:
            return
        acted = await in_thread(
            act,
            held.who,
            held.state,
            due.signals,
            scene=due.scene,
            trigger=due.trigger,
            engagement=due.engagement,
            session_usual=due.usual,
            now=due.at,
        )
        held.who = acted.who
        held.live.note_decided(due.name(held.live.epoch))
        await self.commits.commit([], held.kept())
        await self._say(acted.message())
        await self._grow(held, acted.state)

    async def _grow(self, held: Attended, state: State, *, tell: bool = True) -> None:
        """Take over a newer plan and tell the player; never an older one than it has. Raises EpochOver."""
        if state.plan.epoch != held.live.epoch:
            raise EpochOver
        if state.version > held.state.version:
            held.state = state
            if tell:
                await self._say({"type": "timeline", **self._timeline(held, timezone.now())})

    def _timeline(self, held: Attended, now: datetime) -> dict[str, Any]:
        return timeline(held.plan, version=held.state.version, now=now)

    # Answers

    async def _break_off(self, reason: str, code: int) -> None:
        """An acknowledgement stands for every number before it, so nothing may be taken after events that were not: the player
        connects anew and sends all that has no answer again, in order."""
        if self.over:
            return
        self.over = True
        metrics.REFUSED.labels(reason=reason).inc()
        await self._say({"type": "refused", "reason": reason})
        await self.send({"type": "websocket.close", "code": code})

    async def _refuse(self, reason: str) -> None:
        """A reason costs a line; somebody who collects them is shown out."""
        self.refusals += 1
        metrics.REFUSED.labels(reason=reason).inc()
        await self._say({"type": "refused", "reason": reason})
        if self.refusals >= MOST_REFUSALS:
            self.over = True
            await self.send({"type": "websocket.close", "code": FLOODING})

    async def _say(self, message: dict[str, Any]) -> None:
        await self.send({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})
