"""Building streams beside the tick: who asks for a heavy one waits for it, and nobody else does."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

import psycopg
import structlog
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction
from prometheus_client import Histogram

from adplatform.metrics import BUCKETS

from . import store
from .streams import META, Stream, kind_of

log = structlog.get_logger(__name__)

# No statement of the figures may run longer: it would not be ready for its tick, and others wait for the same server.
STATEMENT_MS = 2000
READING = f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = {STATEMENT_MS}"
# What the server says when it is going, coming, full or not to be reached, as opposed to what it says of one statement.
AWAY = ("08", "53", "57P", "58")
SECONDS = Histogram("intermission_live_build_seconds", "Time to build one stream of the live dashboards", ["kind"], buckets=BUCKETS)

Wrong = Literal["", "stream", "database", "left"]
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Made:
    """What became of building ``stream``: its ``body``, read from ``at`` on, or what went wrong;
    ``left``: nobody wanted it any more when its turn came."""

    stream: Stream
    at: datetime
    body: str = ""
    wrong: Wrong = ""
    error: Exception | None = None

    @property
    def reason(self) -> str:
        return f"{type(self.error).__name__}: {(str(self.error).strip() or 'no message').splitlines()[0]}"


def make(stream: Stream, clock: Callable[[], datetime]) -> Made:
    """Read one stream in one repeatable-read transaction. Never raises."""
    reused = connection.connection is not None and not connection.in_atomic_block
    made = _attempt(stream, clock())
    # A connection that was cut since it was last used says nothing of the server: a new one does.
    return _attempt(stream, clock()) if reused and made.wrong == "database" else made


def _attempt(stream: Stream, at: datetime) -> Made:
    try:
        with SECONDS.labels(stream.kind).time(), transaction.atomic():
            # Inside somebody's transaction (a test's) the level can no longer be set, and need not be.
            if not connection.savepoint_ids:
                connection.cursor().execute(READING)
            body = kind_of(stream).build(stream, at)
        if taken := META & body.keys():
            raise ValueError(f"{', '.join(sorted(taken))} in what {stream.kind} builds belongs to the publisher; name it otherwise")
        return Made(stream, at, body=store.dumped(body))
    except DatabaseError as error:
        if not connection.in_atomic_block:
            connection.close()
        return Made(stream, at, wrong="database" if is_away(error) else "stream", error=error)
    except Exception as error:  # noqa: BLE001 (a page's mistake must not take the figures of all the others away; it is logged by the caller)
        return Made(stream, at, wrong="stream", error=error)


def is_away(error: DatabaseError) -> bool:
    """Whether the server is not to be had, rather than one statement refused, broken or too slow."""
    cause = error.__cause__
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        return cause.sqlstate.startswith(AWAY)
    return isinstance(error, OperationalError | InterfaceError)


class Lane(Protocol):
    """Where work is done, in the order in which it is given."""

    def submit(self, work: Callable[[], Done]) -> Future[Done]: ...

    def close(self) -> None: ...


class Inline:
    """In the caller's own thread, at once."""

    def submit(self, work: Callable[[], Done]) -> Future[Done]:
        return _finish(Future(), work)

    def close(self) -> None:
        """Nothing was begun."""


class Threads:
    """In threads with a database connection each. They are daemons: a server that hangs does not hold up the end of the process."""

    def __init__(self, name: str, count: int = 1) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], Done]) -> Future[Done]:
        future: Future[Done] = Future()
        self._waiting.put(lambda: _finish(future, work))
        return future

    def _work(self) -> None:
        while work := self._waiting.get():
            work()
        connection.close()

    def close(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(STATEMENT_MS / 1000)


def _finish(future: Future[Done], work: Callable[[], Done]) -> Future[Done]:
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 (whoever waits for the result gets it)
        future.set_exception(error)
    return future


@dataclass(frozen=True, slots=True)
class Lanes:
    """``first`` builds the main stream and nothing else, ``rest`` the others in turn, ``log`` asks how far the figures are behind."""

    first: Lane = field(default_factory=Inline)
    rest: Lane = field(default_factory=Inline)
    log: Lane = field(default_factory=Inline)

    def close(self) -> None:
        for lane in (self.first, self.rest, self.log):
            lane.close()


def lanes_of_threads() -> Lanes:
    # Two for the rest: one slow stream leaves the other thread to everybody else.
    return Lanes(Threads("first"), Threads("rest", 2), Threads("log"))
