"""From the log to the tables: a batch in one transaction, acknowledged after its commit, so a crash anywhere changes nothing.

A batch that cannot be stored is halved until the event at fault stands alone; that one goes to DeadEvent with the reason,
its neighbours are stored. When a server is away nothing is judged: the batch waits.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import psycopg
import redis
import structlog
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction

from adplatform import heartbeat

from . import ids, metrics, stream
from .envelope import Event, decode
from .handlers import registered
from .partitions import ensure_partitions

log = structlog.get_logger("adplatform.eventlog.consumer")

# Large enough that the dozens of statements a batch costs hardly count; a quiet log is read one event at a time all the same.
BATCH = 5000
ATTEMPTS = 3
BLOCK_MS = 1000
ORPHAN_IDLE_MS = 10_000
HOUSEKEEPING_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 10.0
EARLIEST_DAY = date(2020, 1, 1)
DAYS_AHEAD = timedelta(days=2)
# SQLSTATE classes that say "not now" or "not this schema" and nothing about the event: connection, rollback (deadlock),
# resources, operator intervention, system, and missing tables or rights, which a migration cures.
NOT_THE_EVENTS_FAULT = ("08", "25006", "40", "42501", "42703", "42883", "42P01", "53", "55", "57", "58")
REDIS_NOT_NOW = ("NOGROUP", "READONLY", "OOM", "LOADING", "MISCONF", "MASTERDOWN", "NOAUTH", "NOPERM", "BUSY", "NOSCRIPT")


class Unavailable(RuntimeError):
    """A server the batch needs is away, or busy, or not migrated; the batch is kept and tried again."""


@dataclass(frozen=True, slots=True)
class Read:
    """One entry decoded, or the reason why it cannot be."""

    entry: stream.Entry
    event: Event | None
    fault: str = ""
    attempts: int = 1


def drain(now: datetime | None = None) -> int:
    """Store everything that waits in the log, in this process, and return how many entries that were.

    Takes over what others read and did not acknowledge. ``now`` is handed to the handlers; the default is the clock.
    Raises Unavailable when PostgreSQL or Redis is away.
    """
    name = consumer_name()
    stream.ensure_group()
    total = 0
    for take in (partial(stream.claim_orphans, idle_ms=0), partial(stream.read, block_ms=None)):
        while entries := take(name, count=BATCH):
            process(entries, now=now)
            total += len(entries)
    stream.leave(name)
    return total


def consumer_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def process(entries: Sequence[stream.Entry], *, now: datetime | None = None) -> None:
    """Store and acknowledge a batch. Raises Unavailable, with nothing of the unstored part acknowledged."""
    metrics.BATCH_SIZE.observe(len(entries))
    with structlog.contextvars.bound_contextvars(batch=uuid.uuid4().hex[:12]), metrics.BATCH_SECONDS.time():
        moment = now or datetime.now(UTC)
        known = frozenset().union(*(handler.types for handler in registered()))
        _settle([_read(entry, known, moment) for entry in entries], moment)


def _read(entry: stream.Entry, known: frozenset[str], now: datetime) -> Read:
    if entry.payload is None:
        return Read(entry, None)
    try:
        event = decode(entry.payload)
        day = ids.day_of(event.id)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError) as error:
        return Read(entry, None, f"undecodable: {error}")
    # History is written on a clock of its own, and what the edge receives meanwhile is no less true for it.
    if not EARLIEST_DAY <= day <= (max(now, event.received_at) + DAYS_AHEAD).date():
        return Read(entry, None, f"id time {day} lies outside {EARLIEST_DAY} to two days ahead")
    if event.type not in known:
        return Read(entry, event, f"no handler for {event.type}")
    return Read(entry, event)


def _settle(batch: Sequence[Read], now: datetime) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _store(batch, now)
        except Exception as error:
            if _is_unavailable(error):
                _forget_broken_connection()
                if _is_collision(error) and attempt < ATTEMPTS:
                    continue
                raise Unavailable(_words(error)) from error
            if len(batch) > 1:
                half = len(batch) // 2
                _settle(batch[:half], now)
                _settle(batch[half:], now)
                return
            if attempt == ATTEMPTS:
                _bury(batch[0], _words(error), now)
                return
        else:
            return


def _store(batch: Sequence[Read], now: datetime) -> None:
    events = [item.event for item in batch if item.event is not None and not item.fault]
    ensure_partitions({ids.day_of(event.id) for event in events})
    with transaction.atomic(), connection.cursor() as wrapper:
        cursor = wrapper.cursor
        for handler in registered():
            if own := [event for event in events if event.type in handler.types]:
                handler(cursor, own, now=now)
        _insert_dead(cursor, [item for item in batch if item.fault], now)
    stream.acknowledge([item.entry.stream_id for item in batch])
    metrics.STORED.inc(len(events))
    metrics.DEAD.inc(len(batch) - len(events))


def _bury(item: Read, fault: str, now: datetime) -> None:
    try:
        _store([replace(item, fault=fault, attempts=ATTEMPTS)], now)
    except Exception as error:
        _forget_broken_connection()
        raise Unavailable(_words(error)) from error


def _insert_dead(cursor: Any, dead: Iterable[Read], now: datetime) -> None:
    for item in dead:
        stream_id, event = item.entry.stream_id.decode(), item.event
        request_id = event.request_id if event else None
        log.error("event_dead", reason=item.fault, stream_id=stream_id, event_id=str(event.id) if event else None, request_id=request_id)
        cursor.execute(
            "INSERT INTO adplatform_deadevent (stream_id, received_at, payload, reason, attempts) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (stream_id) DO NOTHING",
            [stream_id, now, item.entry.payload or b"", item.fault.replace("\x00", "\ufffd"), item.attempts],
        )


def _is_unavailable(error: Exception) -> bool:
    if isinstance(error, redis.exceptions.RedisError):
        return not (type(error) is redis.exceptions.ResponseError and not str(error).startswith(REDIS_NOT_NOW))
    if isinstance(error, stream.LogUnavailable):
        return True
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        return cause.sqlstate.startswith(NOT_THE_EVENTS_FAULT)
    return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) or isinstance(error, OperationalError | InterfaceError)


def _is_collision(error: Exception) -> bool:
    """A deadlock or a serialization failure against another consumer: the loser simply goes again."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    return isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith("40")


def _forget_broken_connection() -> None:
    """A connection the server closed never heals; inside a test's transaction there is none to give up."""
    if not connection.in_atomic_block:
        with suppress(OperationalError, InterfaceError):
            connection.close()


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


@dataclass
class Loop:
    """The long run: reads, stores, takes over orphans, trims, and waits out a server that is away."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    stopping: bool = False
    _waited: float = 0.0
    _housekept: float = 0.0

    def stop(self) -> None:
        """Finish the batch in hand and leave; may be called from a signal handler."""
        self.stopping = True

    def run(self) -> None:
        name = consumer_name()
        log.info("consumer_started", consumer=name)
        entries: list[stream.Entry] = []
        while not self.stopping:
            try:
                entries = entries or self._next(name)
                if entries:
                    process(entries, now=self.now())
                    entries = []
                self._recovered()
            except (Unavailable, redis.exceptions.RedisError) as error:
                self._wait(error)
        with suppress(redis.exceptions.RedisError):
            stream.leave(name)
        log.info("consumer_stopped", consumer=name)

    def _next(self, name: str) -> list[stream.Entry]:
        if time.monotonic() - self._housekept > HOUSEKEEPING_SECONDS:
            self._housekept = time.monotonic()
            stream.ensure_group()
            stream.trim()
            with suppress(redis.exceptions.RedisError):
                heartbeat.beat("consumer")
            if orphans := stream.claim_orphans(name, idle_ms=ORPHAN_IDLE_MS, count=BATCH):
                log.info("orphans_claimed", entries=len(orphans))
                return orphans
        return stream.read(name, count=BATCH, block_ms=BLOCK_MS)

    def _wait(self, error: Exception) -> None:
        """Doubling waits, one log line when an outage begins."""
        if not self._waited:
            log.warning("consumer_waiting", reason=_words(error), action="nothing is lost; the batch is tried again until the server is back")
        self._housekept = 0.0
        self._waited = min(LONGEST_WAIT_SECONDS, self._waited * 2 or 0.25)
        until = time.monotonic() + self._waited
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _recovered(self) -> None:
        if self._waited:
            log.info("consumer_recovered")
            self._waited = 0.0
