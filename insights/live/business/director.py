"""What the Director's changes gain, for its tile: worked out by a worker, kept in Redis, where the publisher finds it each second."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from engagement.director.success import Success, success
from insights.live.store import client

KEY = "live:director:success"
HISTORY = timedelta(days=28)
# A worker that stands still for so long leaves no figure rather than an old one.
KEPT = timedelta(hours=1)


def work_out(*, now: datetime) -> Success:
    """Of the last 28 days. Reads every judged change of them. Raises redis.RedisError."""
    found = success(now - HISTORY, now)
    client().set(KEY, json.dumps(asdict(found)), ex=KEPT)
    return found


def last() -> Success | None:
    """As it was worked out last; None before that. Raises redis.RedisError."""
    body: Any = client().get(KEY)
    return None if body is None else Success(**json.loads(body))
