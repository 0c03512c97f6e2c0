"""Sums over single sessions and decisions, too heavy for a tick: worked out by a worker while somebody looks, kept in Redis, read there.

Everything has a name: ``title:<id>:<days>``, ``precursors:<days>``, ``content``. It is worked out anew once it is `FRESH` old, but only
while a stream that shows it is watched; a page that is opened has it worked out at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from insights.live.store import client

FRESH = timedelta(minutes=5)
# What nobody asked for so long is forgotten rather than shown old.
KEPT = timedelta(hours=6)
# A worker that died with a name in its hands lets go of it after this.
CLAIMED = timedelta(minutes=10)


def _key(name: str) -> str:
    return f"live:worked:{name}"


def _claim_key(name: str) -> str:
    return f"live:working:{name}"


def keep(name: str, figures: dict[str, Any], *, now: datetime) -> None:
    """Raises redis.RedisError."""
    client().set(_key(name), json.dumps({**figures, "worked_at": now.isoformat()}, separators=(",", ":")), ex=KEPT)


def last(names: Sequence[str]) -> list[dict[str, Any] | None]:
    """As they were worked out last, None for what never was. One round trip. Raises redis.RedisError."""
    found: Any = client().mget([_key(name) for name in names])
    return [None if body is None else json.loads(body) for body in found]


def stale(names: Sequence[str], *, now: datetime) -> list[str]:
    """Those that were never worked out or are older than `FRESH`."""
    found = zip(names, last(names), strict=True) if names else ()
    return [name for name, one in found if one is None or now - datetime.fromisoformat(one["worked_at"]) >= FRESH]


def claim(name: str) -> bool:
    """Whether nobody else is at it. Given back by `done`, or after `CLAIMED`."""
    return bool(client().set(_claim_key(name), "1", nx=True, ex=CLAIMED))


def done(name: str) -> None:
    client().delete(_claim_key(name))
