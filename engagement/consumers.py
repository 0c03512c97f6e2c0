"""The session socket: events in, acknowledgements, the timeline map and the Director's answers out."""

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
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import close_old_connections
from django.utils import timezone

from adplatform.eventlog import ingest, metrics, stream, tokens
from adplatform.eventlog.envelope import Event
from adplatform.eventlog.hashing import daily_hash
from engagement.director.act import Watching, act, load_watching, predict
from engagement.director.features import SessionSignals
from engagement.director.film import film_of
from engagement.director.policy import Trigger
from engagement.director.prediction import Engagement
from engagement.models import PlaybackSession
from engagement.playback import adload, live, messages
from engagement.playback.following import follow
from engagement.playback.plan import needs_more
from engagement.playback.publishing import State, UnknownSession, ensure_lead, load, publish_to
from engagement.playback.timeline import timeline

log = structlog.get_logger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

# Publishing talks to PostgreSQL and Redis; threads of its own keep one slow ad decision from holding up other sockets.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="playback")
UNAUTHORISED = 4401
FLOODING = 4429
TRY_AGAIN_LATER = 1013
EPOCH_OVER = 4410
MOST_REFUSALS = 50
PREDICTION_SECONDS = 1.0
# So far below the session's mean that a decision cannot wait for the next scene.
SHARP_DROP = 0.2
# How late, at most, the ad load of a viewer's other playbacks learns that a break was on screen.
BREAK_NOTED_SECONDS = 5.0


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


class PlaybackConsumer(AsyncWebsocketConsumer):
    """One player's socket. It keeps the plan as last seen and the live state; both can be read anew at any time."""

    # No channel layer: a player's answers go by its own socket, and a blocking Redis read for each of them would be waste.
    channel_layer_alias = "none"
    token: tokens.SessionToken
    state: State
    live: live.Live
    signals: SessionSignals
    who: Watching

    async def connect(self) -> None:
        self.bucket = messages.TokenBucket(at=time.monotonic())
        self.refusals = 0
        self.broken_off = False
        self.predicted_at = float("-inf")
        self._greet(timezone.now())
        await self.accept()
        try:
            self.token = self._proven()
            await in_thread(self._load)
        except tokens.TokenRefused as refused:
            await self._turn_away(refused.reason)
        except UnknownSession:
            await self._turn_away("unknown_session")

    def _proven(self) -> tokens.SessionToken:
        query = dict(part.partition("=")[::2] for part in self.scope["query_string"].decode("latin-1").split("&"))
        token = tokens.read(query.get("token", ""), tokens.SessionToken, now=timezone.now().timestamp())
        if token.session != self.session_id:
            raise tokens.TokenRefused("wrong_session")
        return token

    @property
    def session_id(self) -> uuid.UUID:
        return uuid.UUID(str(self.scope["url_route"]["kwargs"]["session_id"]))

    def _greet(self, now: datetime) -> None:
        """Who is at the other end; anew each day, since the hashes of another day are others."""
        headers = dict(self.scope["headers"])
        address = (self.scope.get("client") or ("",))[0]
        agent = headers.get(b"user-agent", b"").decode("latin-1")
        self.hashes = {"ip_hash": daily_hash(str(address), now=now), "ua_hash": daily_hash(agent, now=now)}
        self.day = now.date().isoformat()
        self.sender = {**self.hashes, "user_agent": agent, "request_id": f"ws-{uuid.uuid4()}"}

    def _load(self) -> None:
        self.state = load(self.session_id)
        kept = live.read(self.session_id)
        known = kept if kept is not None and kept.epoch == self.state.plan.epoch else None
        self.live = known or live.carried(kept, epoch=self.state.plan.epoch, t=0.0, now=timezone.now())
        self._tell_live()
        self.signals = SessionSignals.decode(self.live.signals)
        self.who = load_watching(self.session_id)
        session = PlaybackSession.objects.select_related("viewer").defer("plan").filter(pk=self.session_id).first()
        self.load_of = adload.shared(session) if session is not None else None
        self.noted = dict(self.live.shown)

    def _tell_live(self) -> None:
        self.live.around = msgspec.structs.replace(self.live.around, **self.hashes, day=self.day)

    async def _turn_away(self, reason: str) -> None:
        await self._say({"type": "refused", "reason": reason})
        await self.close(code=UNAUTHORISED)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not hasattr(self, "live") or self.broken_off:
            return
        try:
            message = messages.read(text_data or "")
        except messages.Unreadable as unreadable:
            await self._refuse(str(unreadable))
            return
        try:
            await self._answer(message)
        except EpochOver:
            await self._break_off("epoch_over", EPOCH_OVER)

    async def _answer(self, message: messages.Message) -> None:
        match message:
            case messages.Hello():
                await self._welcome()
            case messages.Events():
                await self._events(message.events)
            case messages.Seek():
                await self._seek(message)

    async def _welcome(self) -> None:
        self.state = await in_thread(load, self.session_id)
        if self.state.plan.epoch != self.live.epoch:
            raise EpochOver
        now = timezone.now()
        await self._say({"type": "welcome", "server_now": now.isoformat(), "acked_seq": self.live.acked_seq, "timeline": self._timeline(now)})

    async def _events(self, raw: list[msgspec.Raw]) -> None:
        if not self.bucket.take(len(raw), now=time.monotonic()):
            await self._break_off("flood", FLOODING)
            return
        now = timezone.now()
        if now.date().isoformat() != self.day:
            self._greet(now)
            self._tell_live()
        accepted = ingest.accept(raw, session=self.token, received_at=now, **self.sender)
        for refusal in accepted.refused:
            metrics.REFUSED.labels(reason=refusal.reason).inc()
        try:
            await in_thread(stream.append, accepted.events)
        except stream.LogUnavailable:
            await self._break_off("log_unavailable", TRY_AGAIN_LATER)
            return
        metrics.ACCEPTED.labels(way="socket").inc(len(accepted.events))
        fresh = [event for event in accepted.events if self.live.is_new(event)]
        self.live.acked_seq = max([self.live.acked_seq, *(event.seq for event in accepted.events)])
        await self._say({"type": "ack", "seq": self.live.acked_seq, "refused": [{"index": r.index, "reason": r.reason} for r in accepted.refused]})
        await self._follow(fresh, now)

    async def _follow(self, fresh: list[Event], now: datetime) -> None:
        """Director first, publishing after it: what the next scene is can only be decided before it is published."""
        played = self.state.plan.played
        if any(event.position and event.position.scene and event.position.scene not in played for event in fresh):
            await self._grow(await in_thread(load, self.session_id), now)
        follow(self.live, self.state.plan, fresh, now=now)
        film = film_of(self.state.plan)
        for event in fresh:
            place = event.position
            scene, offset = (place.scene, place.offset) if place else (None, None)
            self.signals.update(event.type, event.occurred_at.timestamp(), scene=scene, offset=offset, data=event.data, film=film, seq=event.seq)
        if fresh:
            await self._direct(fresh, now)
        if needs_more(self.state.plan, self.live.t):
            await self._grow(await in_thread(ensure_lead, self.session_id, self.live.t, now=now, state=self.state), now)
        self.live.signals = self.signals.encode()
        await in_thread(self._keep_live)
        await self._note_breaks()

    async def _note_breaks(self) -> None:
        """A break is met when it is on screen, which may be long after it was decided."""
        for one in self.state.plan.breaks:
            at = self.live.shown.get(one.id, 0.0)
            if self.load_of is not None and at > self.noted.get(one.id, 0.0) + BREAK_NOTED_SECONDS:
                self.noted[one.id] = at
                await in_thread(adload.note, self.load_of, self.session_id, one, at=at)

    async def _direct(self, fresh: list[Event], now: datetime) -> None:
        """Predict at most once a second and at every boundary; decide where a scene begins or attention drops sharply."""
        plan = self.state.plan
        begun = next((one.position.scene for one in reversed(fresh) if one.type == "playback.scene_start" and one.position), None)
        scene = begun if begun in plan.played else self.signals.scene
        due = time.monotonic() - self.predicted_at >= PREDICTION_SECONDS
        if scene is None or scene not in plan.played or not (due or begun):
            return
        found = predict(self.who, plan, self.signals, scene, now=now)
        dropped = found is not None and self.live.usual() is not None and found.value < (self.live.usual() or 0.0) - SHARP_DROP
        if found is not None and due:
            self.predicted_at = time.monotonic()
            self.live.note_prediction(found.value)
            await self._say(
                {"type": "engagement", "value": found.value, "low": found.low, "high": found.high, "model_version": found.model_version}
                | {"ms": round(found.milliseconds, 2)}
            )
        trigger: Trigger | None = "scene_start" if begun == scene else "drop" if dropped else None
        if trigger and not plan.ended and self.live.first_at(f"{plan.epoch}.{scene}.{trigger}"):
            await self._decide(scene, trigger, found, now)

    async def _decide(self, scene: int, trigger: Trigger, found: Engagement | None, now: datetime) -> None:
        try:
            acted = await in_thread(
                act, self.who, self.state, self.signals, scene=scene, trigger=trigger, engagement=found, session_usual=self.live.usual(), now=now
            )
        except stream.LogUnavailable as problem:
            log.warning("decision_not_logged", session=str(self.session_id), problem=str(problem))
            return
        await self._say(acted.message())
        await self._grow(acted.state, now)

    async def _seek(self, message: messages.Seek) -> None:
        now = timezone.now()
        self.live.heard_at = now.timestamp()
        if message.position.scene is None or not self.bucket.take(1, now=time.monotonic()):
            await self._refuse("unreadable" if message.position.scene is None else "flood")
            return
        grown = await in_thread(publish_to, self.session_id, message.position.scene, now=now)
        await self._grow(grown, now, always=True)

    async def _grow(self, state: State, now: datetime, *, always: bool = False) -> None:
        """Take over a newer plan and tell the player; never older than what it has. Raises EpochOver."""
        if state.plan.epoch != self.live.epoch:
            raise EpochOver
        if state.version > self.state.version or always:
            self.state = state
            await self._say({"type": "timeline", **self._timeline(now)})

    def _keep_live(self) -> None:
        try:
            live.keep(self.session_id, self.live)
        except stream.LogUnavailable as problem:
            log.warning("live_state_not_kept", session=str(self.session_id), problem=str(problem))

    def _timeline(self, now: datetime) -> dict[str, Any]:
        return timeline(self.state.plan, version=self.state.version, now=now)

    async def _break_off(self, reason: str, code: int) -> None:
        """An acknowledgement stands for every number before it, so nothing may be taken after events that were not: the player
        connects anew and sends all that has no answer again, in order."""
        self.broken_off = True
        await self._say({"type": "refused", "reason": reason})
        await self.close(code=code)

    async def _refuse(self, reason: str) -> None:
        """A reason costs a line; somebody who collects them is shown out."""
        self.refusals += 1
        await self._say({"type": "refused", "reason": reason})
        if self.refusals >= MOST_REFUSALS:
            await self.close(code=FLOODING)

    async def _say(self, message: dict[str, Any]) -> None:
        await self.send(text_data=msgspec.json.encode(message).decode())
