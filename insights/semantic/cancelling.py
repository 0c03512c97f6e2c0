"""Ending the statement that a question is waiting for, from another thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

import psycopg
import structlog

from .refusals import Cancelled

log = structlog.get_logger(__name__)
SECONDS_TO_CANCEL = 2.0


class Cancel:
    """Statements that run within ``with cancel:`` in one thread are ended by ``cancel.now()`` in another, and none begins after it.

    ``now`` speaks to the database on a connection of its own and waits for it: call it where waiting does no harm.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._mark: Token[Cancel | None] | None = None
        self.asked = False

    def __enter__(self) -> Cancel:
        self._mark = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._mark is not None:
            _current.reset(self._mark)

    def now(self) -> None:
        # The lock is kept until the database has heard of it: else the next statement of this connection, somebody else's, would be hit.
        with self._lock:
            self.asked = True
            if self._connection is None:
                return
            try:
                self._connection.cancel_safe(timeout=SECONDS_TO_CANCEL)
            except psycopg.Error as error:
                # Its own time limit ends the statement then.
                log.warning("statement_not_cancelled", problem=str(error))

    @contextmanager
    def running(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        with self._lock:
            if self.asked:
                raise Cancelled("it was cancelled")
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None


_current: ContextVar[Cancel | None] = ContextVar("insights_cancel", default=None)


@contextmanager
def running(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Around a statement: it can be ended through the ``Cancel`` that this thread is in, if it is in one. Raises Cancelled when it is too late."""
    current = _current.get()
    if current is None:
        yield
        return
    with current.running(connection):
        yield


def cancelled() -> bool:
    """Whether the work of this thread was asked to end."""
    current = _current.get()
    return current is not None and current.asked
