"""How far the tables are behind the log."""

from __future__ import annotations

import time
from typing import TypedDict

from adplatform.models import DeadEvent

from . import stream


class Health(TypedDict):
    """``lag``: entries no consumer has read yet, counted up to ``stream.LAG_COUNTED``. ``pending``: read, not acknowledged.
    ``oldest_pending_seconds``: age of the oldest entry that is not in the tables, 0 when all are. ``dead``: DeadEvent rows."""

    lag: int
    pending: int
    oldest_pending_seconds: float
    dead: int


def snapshot(now: float | None = None) -> Health:
    """Reads Redis and PostgreSQL; raises what their clients raise. ``now`` in Unix seconds."""
    backlog = stream.backlog()
    oldest = backlog["oldest_ms"]
    age = max(0.0, (time.time() if now is None else now) - oldest / 1000) if oldest is not None else 0.0
    return Health(lag=backlog["lag"], pending=backlog["pending"], oldest_pending_seconds=age, dead=DeadEvent.objects.count())
