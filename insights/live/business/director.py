"""What the Director's changes gain, for its tile: worked out by a worker, kept in Redis, where the publisher finds it each second."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from engagement.director.success import Success, by_title, judged, load
from insights.live.store import client

KEY = "live:director:success"
TITLES_KEY = "live:director:success:titles"
HISTORY = timedelta(days=28)
# A worker that stands still for so long leaves no figure rather than an old one.
KEPT = timedelta(hours=1)


def work_out(*, now: datetime) -> Success:
    """Of the last 28 days, of all titles and of each. Reads every judged change of them. Raises redis.RedisError."""
    changes = load(now - HISTORY, now)
    changes = changes.take(changes.action != "suggest")
    found = judged(changes)
    pipeline = client().pipeline(transaction=True)
    pipeline.set(KEY, json.dumps(asdict(found)), ex=KEPT)
    pipeline.delete(TITLES_KEY)
    for title, one in by_title(changes).items():
        pipeline.hset(TITLES_KEY, str(title), json.dumps(asdict(one)))
    pipeline.expire(TITLES_KEY, KEPT)
    pipeline.execute()
    return found


def last(title: int | None = None) -> Success | None:
    """As it was worked out last, of one title or of all; None before that. Raises redis.RedisError."""
    body: Any = client().get(KEY) if title is None else client().hget(TITLES_KEY, str(title))
    return None if body is None else Success(**json.loads(body))
