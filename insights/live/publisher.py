"""Sends one snapshot a second of every stream that is watched. Two publishers may run: a lease decides who speaks, a fence who is believed."""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
import structlog
from asgiref.sync import sync_to_async
from channels.layers import BaseChannelLayer, get_channel_layer
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db import connection, transaction

from adplatform import heartbeat
from adplatform.eventlog import stream
from adplatform.health import answers

from . import store
from .streams import BadStream, Stream, kind_of, parse

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
STANDBY_SECONDS = 0.4
# Of each tick; what is left of the second is for sending.
BUILD_SECONDS = 0.7
NAME = "publisher"

Message = dict[str, str]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Built:
    """What was last published of one stream."""

    at: datetime
    body: str
    content: str


class Publisher:
    """One candidate for the lease. ``tick`` is everything but the sending, so that it can be driven step by step."""

    def __init__(self, *, owner: str | None = None, clock: Callable[[], datetime] = _now, lease_ms: int = store.LEASE_MS) -> None:
        self.owner = owner or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self.clock = clock
        self.lease_ms = lease_ms
        self.lease: store.Lease | None = None
        self.count = 0
        self.built: dict[str, _Built] = {}
        self.problem: str | None = None
        self.problem_since: datetime | None = None

    def tick(self) -> list[Message]:
        """The messages for the dashboards; none while another publisher holds the lease or Redis is away."""
        try:
            heartbeat.beat(NAME)
            return self._messages() if self._hold() else []
        except redis.RedisError as error:
            self._trouble("redis", error)
            return []

    def _hold(self) -> bool:
        lease = store.hold(self.owner, now=self.clock().timestamp(), lease_ms=self.lease_ms)
        if lease and lease != self.lease:
            self.count = 0
            self.built.clear()
            log.info("live_publisher_leads", owner=self.owner, fence=lease.fence)
        if self.lease and not lease:
            log.warning("live_publisher_lost_lease", owner=self.owner, fence=self.lease.fence)
        self.lease = lease
        return lease is not None

    def _messages(self) -> list[Message]:
        """One message for each stream that somebody watches; what does not fit into the tick is built in the next one."""
        now = self.clock()
        self.count += 1
        streams = self._streams(now)
        self.built = {key: one for key, one in self.built.items() if key in streams}
        behind = _log_state(now)
        until = time.monotonic() + BUILD_SECONDS
        messages = []
        for one in self._by_urgency(streams.values(), now):
            try:
                fresh = (one.key not in self.built or (self._due(one, now) and time.monotonic() < until)) and self._build(one)
            except DatabaseError as error:
                connection.close()
                return self._away(streams, error)
            if message := self._message(one.key, behind, fresh=fresh):
                messages.append(message)
        if self.problem:
            log.info("live_publisher_recovered", from_problem=self.problem)
        self.problem = self.problem_since = None
        return messages

    def _streams(self, now: datetime) -> dict[str, Stream]:
        found = {}
        for key in (store.MAIN, *store.watched(now=now.timestamp())):
            try:
                found[key] = parse(key)
            except BadStream as error:
                log.warning("live_stream_unknown", stream=key, reason=str(error), action="another release watches it; not published")
        return found

    def _by_urgency(self, streams: Iterable[Stream], now: datetime) -> list[Stream]:
        """Those that were never built first, then what waits the longest beyond its time."""

        def waited(stream: Stream) -> float:
            built = self.built.get(stream.key)
            return float("inf") if built is None else (now - built.at).total_seconds() - kind_of(stream).seconds(stream)

        return sorted(streams, key=lambda stream: (-waited(stream), stream.key))

    def _due(self, stream: Stream, now: datetime) -> bool:
        # Half a tick of slack: a second that came a little early must not make it wait for another.
        return (now - self.built[stream.key].at).total_seconds() >= kind_of(stream).seconds(stream) - TICK_SECONDS / 2

    def _build(self, stream: Stream) -> bool:
        """Whether there is something new. Raises django.db.Error."""
        now = self.clock()
        try:
            with transaction.atomic():
                # Inside somebody's transaction (a test's) the level can no longer be set, and need not be.
                if not connection.savepoint_ids:
                    connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                body = store.dumped(kind_of(stream).build(stream, now))
        except (DatabaseError, redis.RedisError):
            raise
        except Exception:
            # One stream that cannot be built must not take the figures of all the others away.
            log.exception("live_stream_failed", stream=stream.key, action="it says so on its page; the others go on")
            body = store.dumped({"failed": "These figures could not be put together. The publisher's log says why."})
        content = store.content_of(body)
        before = self.built.get(stream.key)
        self.built[stream.key] = _Built(now, body, content)
        return before is None or before.content != content

    def _message(self, key: str, behind: dict[str, Any], *, fresh: bool) -> Message | None:
        assert self.lease is not None  # noqa: S101
        built, stream = self.built[key], parse(key)
        meta = store.dumped(
            {
                "stream": key,
                "version": [self.lease.fence, self.count],
                "content": built.content,
                "built_at": built.at.isoformat(),
                "every": kind_of(stream).seconds(stream),
                "log": behind,
            }
        )
        # A publisher that slept through its lease finds it gone here and stays silent.
        if not store.keep(self.lease, key, meta=meta, body=built.body if fresh else ""):
            return None
        return {
            "type": "live.tick", "stream": key, "fence": str(self.lease.fence), "n": str(self.count), "content": built.content,
            "meta": meta, "body": built.body if fresh else "",
        }  # fmt: skip

    def _away(self, streams: Iterable[str], error: DatabaseError) -> list[Message]:
        self._trouble("database", error)
        assert self.problem_since is not None  # noqa: S101
        since = self.problem_since.isoformat()
        return [{"type": "live.problem", "stream": key, "what": "database", "since": since} for key in streams]

    def _trouble(self, what: str, error: Exception) -> None:
        if self.problem != what:
            self.problem, self.problem_since = what, self.clock()
            log.warning("live_publisher_waits", what=what, error=str(error).splitlines()[0] if str(error) else type(error).__name__)

    def leave(self) -> None:
        """Give the lease back, so that another takes over at once."""
        if self.lease:
            try:
                store.release(self.lease)
            except redis.RedisError as error:
                self._trouble("redis", error)
            self.lease = None


def _log_state(now: datetime) -> dict[str, Any]:
    """How far the figures are behind what was sent: ``oldest`` is the age in seconds of the oldest event not counted yet."""
    if not answers(settings.EVENTLOG_REDIS_URL):
        return {"away": True, "oldest": None, "unread": None}
    backlog = stream.backlog()
    oldest = backlog["oldest_ms"]
    age = 0.0 if oldest is None else max(0.0, now.timestamp() - oldest / 1000)
    return {"away": False, "oldest": round(age, 1), "unread": backlog["lag"] + backlog["pending"]}


async def run(publisher: Publisher, stop: asyncio.Event, *, interval: float = TICK_SECONDS) -> None:
    """Publish on every ``interval`` until ``stop`` is set; late ticks are left out, never made up for."""
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
    await sync_to_async(_close_connection)()


def _close_connection() -> None:
    """Looked up in the thread that reads: ``connection`` is another one in each thread."""
    connection.close()


async def _send(publisher: Publisher, message: Message) -> None:
    layer: BaseChannelLayer | None = get_channel_layer()
    if layer is None:
        raise ImproperlyConfigured("CHANNEL_LAYERS has no default layer; the live page needs one")
    try:
        await layer.group_send(store.group(message["stream"]), message)
    except (redis.RedisError, OSError) as error:
        publisher._trouble("redis", error)
