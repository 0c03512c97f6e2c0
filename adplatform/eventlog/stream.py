"""The event log behind three verbs: append, read, acknowledge. Redis Streams today; anything with the same verbs tomorrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

from .envelope import Event, encode

STREAM = "events"
GROUP = "tables"
FIELD = b"e"


class LogUnavailable(RuntimeError):
    """The event log cannot be reached; the sender keeps its events and tries again with the same ids."""


@dataclass(frozen=True)
class Entry:
    """One entry as read: its place in the stream, its bytes, and how often it was delivered before."""

    stream_id: bytes
    payload: bytes
    deliveries: int = 1


@lru_cache(maxsize=4)
def _pool(url: str) -> redis.BlockingConnectionPool:
    return redis.BlockingConnectionPool.from_url(url, max_connections=32, timeout=2, socket_connect_timeout=2, socket_timeout=10)


def client() -> redis.Redis:
    """A client of the event log's Redis, which also keeps reservations and online features."""
    return redis.Redis(connection_pool=_pool(settings.EVENTLOG_REDIS_URL))


def append(events: Sequence[Event]) -> list[bytes]:
    """Append in order, in one round trip; returns the stream ids. Raises LogUnavailable."""
    try:
        with client().pipeline(transaction=False) as pipeline:
            for event in events:
                pipeline.xadd(STREAM, {FIELD: encode(event)})
            return list(pipeline.execute())
    except redis.exceptions.RedisError as error:
        raise LogUnavailable(str(error)) from error


def ensure_group() -> None:
    try:
        client().xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.exceptions.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def read(consumer: str, *, count: int, block_ms: int | None) -> list[Entry]:
    """The next new entries for ``consumer``; waits up to ``block_ms`` (None: not at all)."""
    answer: Any = client().xreadgroup(GROUP, consumer, {STREAM: ">"}, count=count, block=block_ms)
    return [Entry(stream_id, fields[FIELD]) for _, entries in answer or [] for stream_id, fields in entries]


def claim_orphans(consumer: str, *, idle_ms: int, count: int) -> list[Entry]:
    """Take over entries that another consumer read and never acknowledged (XAUTOCLAIM)."""
    answer: Any = client().xautoclaim(STREAM, GROUP, consumer, min_idle_time=idle_ms, count=count)
    claimed = [(stream_id, fields) for stream_id, fields in answer[1] if fields]
    if not claimed:
        return []
    pending: Any = client().xpending_range(STREAM, GROUP, min=claimed[0][0], max=claimed[-1][0], count=len(claimed) * 2, consumername=consumer)
    deliveries = {item["message_id"]: item["times_delivered"] for item in pending}
    return [Entry(stream_id, fields[FIELD], deliveries.get(stream_id, 1)) for stream_id, fields in claimed]


def acknowledge(stream_ids: Sequence[bytes]) -> None:
    if stream_ids:
        client().xack(STREAM, GROUP, *stream_ids)
