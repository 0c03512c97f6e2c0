"""One training of a kind at a time, across processes and machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


class AlreadyTraining(RuntimeError):
    """Another process is training this kind at this moment."""


@contextmanager
def one_at_a_time(kind: str) -> Iterator[None]:
    """Hold this kind's training lock. Raises AlreadyTraining.

    The lock belongs to a transaction on a connection of its own: it ends with the process that holds it, however that
    ends, and a connection pool cannot hand it to somebody else.
    """
    guard = connection.copy()
    try:
        guard.set_autocommit(False)
        with guard.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"train:{kind}"])
            if not cursor.fetchone()[0]:
                raise AlreadyTraining(f"a {kind} model is being trained already; wait for it to finish")
        yield
    finally:
        # Closing alone lets the lock go whenever the server notices; whoever trains next may be faster.
        if guard.connection is not None:
            guard.rollback()
        guard.close()
