"""Sends one snapshot a second of every stream that is watched. Two publishers may run: a lease decides who speaks, a fence who is believed."""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import redis
import structlog
from asgiref.sync import sync_to_async
from channels.layers import BaseChannelLayer, get_channel_layer
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from adplatform import heartbeat
from adplatform.eventlog import stream
from adplatform.health import answers

from . import store
from .builds import Lanes, Made, lanes_of_threads, make
from .streams import BadStream, Stream, kind_of, parse

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
STANDBY_SECONDS = 0.2
# So long a tick waits for the main stream, and for the others; what is ready later goes with the next tick.
MAIN_SECONDS = 0.7
REST_SECONDS = 0.25
# A database that says nothing for so long is as good as away: it may hang without closing a connection.
HANGS = timedelta(seconds=5)
# A stream that cannot be built is tried again after this, however often it is due.
RETRY = timedelta(seconds=5)
# The log's state is asked each second; an answer that is so much late is none.
LOG_SILENT = timedelta(seconds=4)
SEND_SECONDS = 2.0
NAME = "publisher"

Message = dict[str, str]
AWAY = {"away": True, "oldest": None, "unread": None}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Built:
    """What a stream was last found to be. ``kept``: the store has this very body, so that it need not be sent again."""

    at: datetime
    body: str
    content: str
    kept: bool = False


@dataclass(slots=True)
class _Failing:
    since: datetime
    tried: datetime


@dataclass(slots=True)
class _Running:
    since: datetime
    future: Future[Made]


class Publisher:
    """One candidate for the lease. ``tick`` is everything but the sending, so that it can be driven step by step; without ``lanes`` it
    builds in its caller's thread."""

    def __init__(
        self,
        *,
        owner: str | None = None,
        clock: Callable[[], datetime] = _now,
        lease_ms: int = store.LEASE_MS,
        lanes: Lanes | None = None,
    ) -> None:
        self.owner = owner or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self.clock = clock
        self.lease_ms = lease_ms
        self.lanes = lanes or Lanes()
        self.lease: store.Lease | None = None
        self.count = 0
        self.built: dict[str, _Built] = {}
        self.failing: dict[str, _Failing] = {}
        self.running: dict[str, _Running] = {}
        self.wanted: dict[str, Stream] = {}
        self.behind: dict[str, Any] = AWAY
        self.behind_at = clock()
        self.asking: Future[dict[str, Any]] | None = None
        self.problem: str | None = None
        self.problem_since: datetime | None = None

    def tick(self) -> list[Message]:
        """The messages for the dashboards; none while another publisher holds the lease or Redis is away."""
        try:
            heartbeat.beat(NAME)
            return self._messages() if self._hold() else []
        except redis.RedisError as error:
            self._trouble("redis", str(error), self.clock())
            return []

    def _hold(self) -> bool:
        lease = store.hold(self.owner, now=self.clock().timestamp(), lease_ms=self.lease_ms)
        if lease and lease != self.lease:
            self.count = 0
            # Another may have published meanwhile: nothing that was kept before is known to be the last.
            self.built.clear()
            log.info("live_publisher_leads", owner=self.owner, fence=lease.fence)
        if self.lease and not lease:
            log.warning("live_publisher_lost_lease", owner=self.owner, fence=self.lease.fence)
        self.lease = lease
        if lease is None:
            self.wanted = {}
        return lease is not None

    def _messages(self) -> list[Message]:
        """One message for each stream that somebody watches and that was built, now or earlier, or that cannot be built."""
        now = self.clock()
        self.count += 1
        self.wanted = self._streams(now)
        self._forget()
        self._start(now)
        self._gather()
        self._look_for_hangs(now)
        if self.problem == "database":
            return [_problem(key, "database", self.problem_since or now) for key in self.wanted]
        self._fine()
        behind = self.behind if now - self.behind_at < LOG_SILENT else AWAY
        return [message for one in self.wanted.values() if (message := self._message(one, behind))]

    def _streams(self, now: datetime) -> dict[str, Stream]:
        found = {}
        for key in (store.MAIN, *store.watched(now=now.timestamp())):
            try:
                found[key] = parse(key)
            except BadStream as error:
                log.warning("live_stream_unknown", stream=key, reason=str(error), action="another release watches it; not published")
        return found

    def _forget(self) -> None:
        for kept in (self.built, self.failing):
            for key in [key for key in kept if key not in self.wanted]:
                del kept[key]

    def _start(self, now: datetime) -> None:
        """Give to the lanes what is due. They work in the order given, and what waits there is not given again: each stream has its turn."""
        if self.asking is None:
            self.asking = self.lanes.log.submit(lambda: _log_state(self.clock()))
        for one in self._by_urgency(self.wanted.values(), now):
            # While the database is away the main stream alone asks whether it is back.
            if one.key in self.running or not self._due(one, now) or (self.problem == "database" and one.key != store.MAIN):
                continue
            lane = self.lanes.first if one.key == store.MAIN else self.lanes.rest
            self.running[one.key] = _Running(now, lane.submit(partial(self._make, one)))

    def _make(self, one: Stream) -> Made:
        """In a lane's thread; nobody may want it any more when its turn comes."""
        return make(one, self.clock) if one.key in self.wanted else Made(one, self.clock(), wrong="left")

    def _by_urgency(self, streams: Iterable[Stream], now: datetime) -> list[Stream]:
        """Those that were never built first, then what waits the longest beyond its time."""

        def waited(stream: Stream) -> float:
            built = self.built.get(stream.key)
            return float("inf") if built is None else (now - built.at).total_seconds() - kind_of(stream).seconds(stream)

        return sorted(streams, key=lambda stream: (-waited(stream), stream.key))

    def _due(self, one: Stream, now: datetime) -> bool:
        if failing := self.failing.get(one.key):
            return now - failing.tried >= RETRY
        # Half a tick of slack: a second that came a little early must not make it wait for another.
        return one.key not in self.built or (now - self.built[one.key].at).total_seconds() >= kind_of(one).seconds(one) - TICK_SECONDS / 2

    def _gather(self) -> None:
        until = time.monotonic() + REST_SECONDS
        if main := self.running.get(store.MAIN):
            wait([main.future], timeout=MAIN_SECONDS)
        wait([one.future for one in self.running.values()], timeout=max(0.0, until - time.monotonic()))
        for key, running in list(self.running.items()):
            if running.future.done():
                del self.running[key]
                self._take(key, running.future.result())
        if self.asking is not None and self.asking.done():
            self.behind, self.behind_at = self.asking.result(), self.clock()
            self.asking = None

    def _take(self, key: str, made: Made) -> None:
        if made.wrong == "database":
            self._trouble("database", made.reason, made.at)
        elif made.wrong == "stream":
            self._fails(key, made)
        elif not made.wrong:
            if self.problem == "database" and made.at >= (self.problem_since or made.at):
                self._fine()
            if self.failing.pop(key, None):
                log.info("live_stream_recovered", stream=key)
            content = store.content_of(made.body)
            before = self.built.get(key)
            self.built[key] = _Built(made.at, made.body, content, kept=before is not None and before.kept and before.content == content)

    def _fails(self, key: str, made: Made) -> None:
        """One stream that cannot be built takes no other away; its last figures stay, and it says since when they do."""
        if key not in self.failing:
            action = "its page says so; it is tried again, the others go on"
            log.error("live_stream_failed", stream=key, reason=made.reason, action=action, exc_info=made.error)
            self.failing[key] = _Failing(made.at, made.at)
        self.failing[key].tried = made.at

    def _look_for_hangs(self, now: datetime) -> None:
        main = self.running.get(store.MAIN)
        if main and now - main.since > HANGS:
            self._trouble("database", f"no answer for {(now - main.since).total_seconds():.0f} s", main.since)

    def _message(self, one: Stream, behind: dict[str, Any]) -> Message | None:
        assert self.lease is not None  # noqa: S101
        key = one.key
        if failing := self.failing.get(key):
            return _problem(key, "stream", failing.since)
        built = self.built.get(key)
        if built is None:
            return None
        meta = store.dumped(
            {
                "stream": key,
                "version": [self.lease.fence, self.count],
                "content": built.content,
                "built_at": built.at.isoformat(),
                "every": kind_of(one).seconds(one),
                "log": behind,
            }
        )
        body = "" if built.kept else built.body
        # A publisher that slept through its lease finds it gone here and stays silent.
        if not store.keep(self.lease, key, meta=meta, body=body):
            return None
        built.kept = True
        return {
            "type": "live.tick", "stream": key, "fence": str(self.lease.fence), "n": str(self.count), "content": built.content,
            "meta": meta, "body": body,
        }  # fmt: skip

    def _trouble(self, what: str, reason: str, since: datetime) -> None:
        if self.problem != what:
            self.problem, self.problem_since = what, since
            log.warning("live_publisher_waits", what=what, error=(reason or "no message").splitlines()[0])

    def _fine(self) -> None:
        if self.problem:
            log.info("live_publisher_recovered", from_problem=self.problem)
        self.problem = self.problem_since = None

    def leave(self) -> None:
        """Give the lease back, so that another takes over at once."""
        if self.lease:
            try:
                store.release(self.lease)
            except redis.RedisError as error:
                self._trouble("redis", str(error), self.clock())
            self.lease = None
        self.wanted = {}
        self.lanes.close()


def _problem(key: str, what: str, since: datetime) -> Message:
    return {"type": "live.problem", "stream": key, "what": what, "since": since.isoformat()}


def _log_state(now: datetime) -> dict[str, Any]:
    """How far the figures are behind what was sent: ``oldest`` is the age in seconds of the oldest event not counted yet."""
    try:
        if not answers(settings.EVENTLOG_REDIS_URL):
            return AWAY
        backlog = stream.backlog()
    except redis.RedisError:
        return AWAY
    oldest = backlog["oldest_ms"]
    age = 0.0 if oldest is None else max(0.0, now.timestamp() - oldest / 1000)
    return {"away": False, "oldest": round(age, 1), "unread": backlog["lag"] + backlog["pending"]}


async def run(stop: asyncio.Event, *, interval: float = TICK_SECONDS) -> None:
    """Publish on every ``interval`` until ``stop`` is set; late ticks are left out, never made up for."""
    publisher = Publisher(lanes=lanes_of_threads())
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not stop.is_set():
        for message in await sync_to_async(publisher.tick)():
            await _send(publisher, message)
        due = max(due + (interval if publisher.lease else STANDBY_SECONDS), loop.time())
        try:
            await asyncio.wait_for(stop.wait(), max(0.0, due - loop.time()))
        except TimeoutError:
            continue
    await sync_to_async(publisher.leave)()


async def _send(publisher: Publisher, message: Message) -> None:
    layer: BaseChannelLayer | None = get_channel_layer()
    if layer is None:
        raise ImproperlyConfigured("CHANNEL_LAYERS has no default layer; the live page needs one")
    try:
        await asyncio.wait_for(layer.group_send(store.group(message["stream"]), message), SEND_SECONDS)
    except (redis.RedisError, OSError) as error:
        publisher._trouble("redis", str(error), publisher.clock())
