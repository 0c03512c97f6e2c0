"""What the models of watching predicted at the starts of scenes, for monitoring, with what then came."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import connection

from adplatform.learning.monitoring import Served
from adplatform.learning.schema import Matrix

from . import dataset
from .features import SCHEMA

# The Director also decides when attention drops within a scene; models learn from the starts alone. A decision follows the event.
NEAR_SECONDS = 5.0

COUNT = """
SELECT count(*) FROM engagement_directordecision WHERE decided_at >= %(since)s AND decided_at < %(until)s AND {version} IS NOT NULL
"""
DECISIONS = """
SELECT session, extract(epoch FROM decided_at)::float8, {score}, {version}, features FROM engagement_directordecision
WHERE decided_at >= %(since)s AND decided_at < %(until)s AND {version} IS NOT NULL AND {score} IS NOT NULL
  AND (hashtext(id::text) & 1073741823) %% %(every)s = 0
ORDER BY decided_at, id
"""
Starts = dict[uuid.UUID, list[tuple[float, float]]]


def load(*, since: datetime, until: datetime, as_of: datetime, most: int) -> Served:
    """Decisions of [since, until) made when a scene began, each with the share watched of this scene and the next once the session
    had been silent for a quarter of an hour at ``as_of``. Features are as logged, to four digits."""
    asked = {"score": "engagement", "version": "model_version"}
    return _load(asked, dataset.starts_of, since=since, until=until, as_of=as_of, most=most)


def load_leaving(*, since: datetime, until: datetime, as_of: datetime, most: int) -> Served:
    """The same decisions, each with 1 where the viewer left within the next fifteen seconds, else 0."""
    asked = {"score": "leave_risk", "version": "leave_version"}
    return _load(asked, dataset.leaving_starts_of, since=since, until=until, as_of=as_of, most=most)


def _load(asked: dict[str, str], labels_of: Callable[..., Starts], *, since: datetime, until: datetime, as_of: datetime, most: int) -> Served:
    bounds: dict[str, Any] = {"since": since, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(**asked), bounds)
        every = max(1, -(-cursor.fetchone()[0] // most))
        cursor.execute(DECISIONS.format(**asked), {**bounds, "every": every})
        decisions = cursor.fetchall()
    starts = labels_of({row[0] for row in decisions}, since=since - dataset.LONGEST_SESSION, as_of=as_of)
    told = [(row, label) for row in decisions if (label := _label(starts.get(row[0], []), row[1])) is not None]
    return _served([row for row, _ in told], np.array([label for _, label in told], dtype=np.float64), as_of, every)


def _label(starts: Sequence[tuple[float, float]], at: float) -> float | None:
    """Of the scene that had just begun; NaN while its session goes on, None when none had."""
    begun = [(start, label) for start, label in starts if -NEAR_SECONDS <= at - start <= NEAR_SECONDS]
    return min(begun, key=lambda one: abs(at - one[0]))[1] if begun else None


def _served(rows: Sequence[tuple[uuid.UUID, float, float, int, str]], labels: np.ndarray, as_of: datetime, every: int) -> Served:
    at = np.array([row[1] for row in rows], dtype=np.float64)
    nothing = np.full(len(rows), np.nan)
    return Served(
        features=_features([row[4] for row in rows]),
        scores=np.array([row[2] for row in rows], dtype=np.float64),
        version=np.array([row[3] for row in rows], dtype=np.int64),
        at=at,
        session=np.array([str(row[0]) for row in rows], dtype=np.str_),
        labels=labels,
        so_far=np.nan_to_num(labels),
        age=as_of.astimezone(UTC).timestamp() - at,
        delay=nothing,
        shadow_version=np.zeros(len(rows), dtype=np.int64),
        shadow_scores=nothing,
        seen_rows=len(rows) * every,
    )


def _features(logged: Sequence[str]) -> Matrix:
    table = [[np.nan if (value := features.get(name)) is None else value for name in SCHEMA.names] for features in map(json.loads, logged)]
    return np.array(table, dtype=np.float32).reshape(len(logged), len(SCHEMA.names))
