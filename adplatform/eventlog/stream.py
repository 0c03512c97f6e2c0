"""The event log behind three verbs: append, read, acknowledge. Redis Streams today; anything with the same verbs tomorrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypedDict

import msgspec
import redis
from django.conf import settings

from .envelope import Event, decode, encode

STREAM = "events"
GROUP = "tables"
MOVED = "events:moved"
LAG_COUNTED = 10_000
UNREAD_CHUNK = 2_000
FIELD = b"e"


class LogUnavailable(RuntimeError):
    """The event log cannot be reached; the sender keeps its events and tries again with the same ids."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as read: its place in the stream and its bytes; ``payload`` is None when the stream no longer has it."""

    stream_id: bytes
    payload: bytes | None


@lru_cache(maxsize=4)
def _pool(url: str) -> redis.BlockingConnectionPool:
    return redis.BlockingConnectionPool.from_url(url, max_connections=32, timeout=2, socket_connect_timeout=2, socket_timeout=10)


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    """Threads may share one; making another for each call costs more than most calls."""
    return redis.Redis(connection_pool=_pool(url))


def client() -> redis.Redis:
    """A client of the event log's Redis, which also keeps reservations and online features."""
    return _client(settings.EVENTLOG_REDIS_URL)


def append(events: Sequence[Event]) -> list[bytes]:
    """Append in order, in one round trip; returns the stream ids. Raises LogUnavailable."""
    return append_payloads([encode(event) for event in events])


def append_payloads(payloads: Sequence[bytes]) -> list[bytes]:
    """Append events that are encoded already. Raises LogUnavailable."""
    if not payloads:
        return []
    try:
        with client().pipeline(transaction=False) as pipeline:
            for payload in payloads:
                pipeline.xadd(STREAM, {FIELD: payload})
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
    return [_entry(stream_id, fields) for _, entries in answer or [] for stream_id, fields in entries]


def claim_orphans(consumer: str, *, idle_ms: int, count: int) -> list[Entry]:
    """Take over entries that were read and not acknowledged for ``idle_ms``, oldest first (XAUTOCLAIM)."""
    cursor: bytes | str = "0-0"
    claimed: list[Entry] = []
    while len(claimed) < count:
        answer: Any = client().xautoclaim(STREAM, GROUP, consumer, min_idle_time=idle_ms, start_id=cursor, count=count - len(claimed))
        cursor = answer[0]
        claimed += [_entry(stream_id, fields) for stream_id, fields in answer[1] if stream_id is not None]
        if cursor in (b"0-0", "0-0"):
            break
    return claimed


def _entry(stream_id: bytes, fields: Any) -> Entry:
    return Entry(stream_id, fields.get(FIELD, b"") if fields else None)


def acknowledge(stream_ids: Sequence[bytes]) -> None:
    """Acknowledge what is stored, and tell whoever listens on ``MOVED`` that the tables changed."""
    if not stream_ids:
        return
    with client().pipeline(transaction=False) as pipeline:
        pipeline.xack(STREAM, GROUP, *stream_ids)
        pipeline.publish(MOVED, len(stream_ids))
        pipeline.execute()


def unread() -> Iterator[Event]:
    """Events that may not be in the tables yet, oldest first: those nobody has acknowledged. What cannot be decoded is the consumer's
    business."""
    group = next((group for group in _groups() if group["name"] == GROUP.encode()), None)
    pending: Any = client().xpending(STREAM, GROUP) if group else {"min": None}
    start = pending["min"] or b"(" + group["last-delivered-id"] if group else b"-"
    while True:
        entries: Any = client().xrange(STREAM, min=start, count=UNREAD_CHUNK)
        if not entries:
            return
        for _, fields in entries:
            with suppress(msgspec.DecodeError, KeyError):
                yield decode(fields[FIELD])
        start = b"(" + entries[-1][0]


def leave(consumer: str) -> None:
    """Remove ``consumer`` from the group, unless it still holds entries: those would be lost with it."""
    script = """
        for _, raw in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
            if raw[2] == ARGV[2] and raw[4] == 0 then return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
        end
        return -1"""
    client().eval(script, 1, STREAM, GROUP, consumer)


def trim() -> int:
    """Drop entries that every group has read and acknowledged; never an unread or pending one. Returns how many."""
    oldest: list[tuple[int, int]] = []
    for group in _groups():
        pending: Any = client().xpending(STREAM, group["name"])
        oldest.append(_order(pending["min"] or group["last-delivered-id"]))
    if not oldest:
        return 0
    milliseconds, number = min(oldest)
    return int(client().xtrim(STREAM, minid=f"{milliseconds}-{number}", approximate=True))


def _groups() -> list[dict[str, Any]]:
    if not client().exists(STREAM):
        return []
    groups: Any = client().xinfo_groups(STREAM)
    return list(groups)


def _order(stream_id: bytes | str) -> tuple[int, int]:
    text = stream_id.decode() if isinstance(stream_id, bytes) else stream_id
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number)


class Backlog(TypedDict):
    """Entries not read (counted up to ``LAG_COUNTED``), entries read but not acknowledged, and the Unix milliseconds of the oldest of both."""

    lag: int
    pending: int
    oldest_ms: int | None


def backlog() -> Backlog:
    group = next((group for group in _groups() if group["name"] == GROUP.encode()), None)
    delivered = group["last-delivered-id"].decode() if group else "0-0"
    script = "return #redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])"
    lag: Any = client().eval(script, 1, STREAM, f"({delivered}", LAG_COUNTED)
    pending: Any = client().xpending(STREAM, GROUP) if group else {"pending": 0, "min": None}
    first_unread: Any = client().xrange(STREAM, min=f"({delivered}", count=1)
    ends = [_order(stream_id)[0] for stream_id in (pending["min"], *(entry[0] for entry in first_unread)) if stream_id]
    return Backlog(lag=int(lag), pending=int(pending["pending"]), oldest_ms=min(ends, default=None))
