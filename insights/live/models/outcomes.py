"""What came of the Director for viewers: optimisation success by action and day, and what they rated. Worked out by a worker, kept in
Redis; and whether the models that hold a place can be loaded, which takes reading their files."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from adplatform.learning.selectors import trouble_of
from adplatform.models import ModelVersion
from engagement.director.success import Success, by_action, by_day, judged, load
from engagement.models import DirectorAction
from insights.live.store import client

KEY = "live:models:outcomes"
HISTORY = timedelta(days=28)
KEPT = timedelta(hours=1)
# Of viewers: with fewer, an interval of a mean is no interval.
LEAST_VIEWERS = 30
Z = 1.959964

RATED = """
WITH by_viewer AS (
  SELECT r.viewer_id, sum(r.stars)::float8 AS stars, count(*)::float8 AS n, bool_or(v.synthetic)::int AS synthetic
  FROM engagement_rating r JOIN engagement_viewer v ON v.id = r.viewer_id
  WHERE r.rated_at >= %(since)s AND r.rated_at < %(until)s GROUP BY r.viewer_id
)
SELECT count(*), sum(n), sum(stars), sum(stars * stars), sum(stars * n), sum(n * n), sum(n * synthetic) FROM by_viewer
"""
STARS = "SELECT stars, count(*) FROM engagement_rating WHERE rated_at >= %(since)s AND rated_at < %(until)s GROUP BY stars"


def work_out(*, now: datetime) -> dict[str, Any]:
    """Of the last 28 days. Reads every judged change of them. Raises redis.RedisError."""
    changes = load(now - HISTORY, now)
    scenes = changes.take(changes.action != "suggest")
    found = {
        "at": now.isoformat(),
        "days": HISTORY.days,
        "success": {
            "whole": _success(judged(scenes)),
            "actions": [{"action": action, "does": str(DirectorAction(action).label), **_success(one)} for action, one in by_action(changes).items()],
            "by_day": [{"day": day, **_success(one)} for day, one in by_day(scenes).items()],
        },
        "rating": rating(now - HISTORY, now),
        "cannot_be_loaded": cannot_be_loaded(),
    }
    client().set(KEY, json.dumps(found), ex=KEPT)
    return found


def last() -> dict[str, Any] | None:
    """As it was worked out last; None before that. Raises redis.RedisError."""
    body: Any = client().get(KEY)
    return None if body is None else json.loads(body)


def rating(since: datetime, until: datetime) -> dict[str, Any]:
    """Mean stars of what was rated in [since, until) with its 95 % interval, the ratings of a viewer as one observation (Cochran 1977,
    section 6.3: a ratio of two sums). The interval is None below LEAST_VIEWERS."""
    with connection.cursor() as cursor:
        cursor.execute(RATED, {"since": since, "until": until})
        viewers, n, stars, squares, products, sizes, synthetic = cursor.fetchone()
        cursor.execute(STARS, {"since": since, "until": until})
        counts = dict(cursor.fetchall())
    mean = stars / n if n else None
    low = high = None
    if mean is not None and viewers >= LEAST_VIEWERS:
        spread = max(0.0, squares - 2 * mean * products + mean * mean * sizes)
        half = Z * (spread * viewers / (viewers - 1)) ** 0.5 / n
        low, high = max(1.0, mean - half), min(5.0, mean + half)
    return {
        "value": mean, "low": low, "high": high, "n": int(n or 0), "viewers": viewers, "stars": [counts.get(one, 0) for one in range(1, 6)],
        "synthetic": synthetic / n if n else None,
    }  # fmt: skip


def cannot_be_loaded() -> dict[str, str]:
    """By the id of the version, why, in words."""
    held = ModelVersion.objects.exclude(alias="").exclude(artifact="")
    return {str(version.pk): trouble for version in held if (trouble := trouble_of(version))}


def _success(one: Success) -> dict[str, Any]:
    return asdict(one) | {"words": one.words}
