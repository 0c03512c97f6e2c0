"""Builds one snapshot a second and sends it to every dashboard. Two may run: a lease decides who speaks, a fence who is believed."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import uuid
from collections.abc import Callable
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
from adplatform.eventlog.rollup import truncate
from adplatform.health import answers

from . import director, snapshot, store

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
STANDBY_SECONDS = 0.4
NAME = "publisher"


def _now() -> datetime:
    return datetime.now(UTC)


class Publisher:
    """One candidate for the lease. ``tick`` is everything but the sending, so that it can be driven step by step."""

    def __init__(self, *, owner: str | None = None, clock: Callable[[], datetime] = _now, lease_ms: int = store.LEASE_MS) -> None:
        self.owner = owner or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self.clock = clock
        self.lease_ms = lease_ms
        self.lease: store.Lease | None = None
        self.count = 0
        self.compared: snapshot.Yesterday | None = None
        self.problem: str | None = None
        self.problem_since: datetime | None = None

    def tick(self) -> dict[str, str] | None:
        """One message for the dashboards, or None while another publisher holds the lease or Redis is away."""
        try:
            heartbeat.beat(NAME)
            if not self._hold():
                return None
            message = self._build()
        except redis.RedisError as error:
            self._trouble("redis", error)
            return None
        return message

    def _hold(self) -> bool:
        lease = store.hold(self.owner, now=self.clock().timestamp(), lease_ms=self.lease_ms)
        if lease and lease != self.lease:
            self.count = 0
            log.info("live_publisher_leads", owner=self.owner, fence=lease.fence)
        if self.lease and not lease:
            log.warning("live_publisher_lost_lease", owner=self.owner, fence=self.lease.fence)
        self.lease = lease
        return lease is not None

    def _build(self) -> dict[str, str] | None:
        assert self.lease is not None  # noqa: S101
        try:
            body = self._read()
        except DatabaseError as error:
            connection.close()
            self._trouble("database", error)
            assert self.problem_since is not None  # noqa: S101
            return {"type": "live.problem", "what": "database", "since": self.problem_since.isoformat()}
        # A publisher that slept through its lease finds it gone here and stays silent.
        if not store.keep(self.lease, body):
            return None
        if self.problem:
            log.info("live_publisher_recovered", from_problem=self.problem)
        self.problem = self.problem_since = None
        return {"type": "live.tick", "fence": str(self.lease.fence), "n": str(self.count), "body": body}

    def _read(self) -> str:
        assert self.lease is not None  # noqa: S101
        now = self.clock()
        with transaction.atomic():
            # Inside somebody's transaction (a test's) the level can no longer be set, and need not be.
            if not connection.savepoint_ids:
                connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if self.compared is None or self.compared.minute != truncate(now, "minute"):
                self.compared = snapshot.yesterday(now)
            self.count += 1
            built = snapshot.build(now, version=(self.lease.fence, self.count), compared=self.compared, success=director.last())
        return json.dumps({**built, "log": _log_state(now)}, separators=(",", ":"))

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
        message = await sync_to_async(publisher.tick)()
        if message:
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


async def _send(publisher: Publisher, message: dict[str, str]) -> None:
    layer: BaseChannelLayer | None = get_channel_layer()
    if layer is None:
        raise ImproperlyConfigured("CHANNEL_LAYERS has no default layer; the live page needs one")
    try:
        await layer.group_send(store.GROUP, message)
    except (redis.RedisError, OSError) as error:
        publisher._trouble("redis", error)
