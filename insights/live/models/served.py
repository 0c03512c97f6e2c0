"""How long decisions took as served, from the decision logs: worked out by a worker each minute, kept in Redis for the publisher.

Percentiles are those of the decisions themselves, no estimate from buckets. What is timed is the whole decision in which a model
answered, for that is what somebody waited for; the model's own time for so many rows stands on its card.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from adplatform.eventlog.rollup import truncate
from insights.live.store import client

KEY, HOUR_KEY = "live:models:served", "live:models:served:{log}:{hour}"
# A worker that stands still for so long leaves no figure rather than an old one.
KEPT = timedelta(hours=1)
RECENT = timedelta(hours=1)
HOURS = 24
# Decisions reach the tables late when the consumer was behind: hours this near are counted again.
COUNTED_AGAIN = 3
# Of a window, the newest: beyond this the percentiles do not move any more, and a worker's minute is not for reading a million rows.
MOST = 50_000
PERCENTILES = (0.5, 0.95, 0.99)
# Upper edges of the histogram, milliseconds; what took longer falls into a bar of its own.
EDGES = (0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Log:
    """A table of decisions, and its columns that say which versions answered and in which arm."""

    name: str
    table: str
    columns: tuple[str, ...]


LOGS = (
    Log("ads", "ads_decision", ("model_version", "completion_version", "model_arm")),
    Log("director", "engagement_directordecision", ("model_version", "policy_version", "leave_version")),
)

NEWEST = """
WITH timed AS (
  SELECT decided_at, milliseconds, synthetic, {columns} FROM {table} WHERE decided_at >= %(since)s AND decided_at < %(until)s
  ORDER BY decided_at DESC LIMIT %(most)s
)
"""
TIMES = "count(*), percentile_cont(%(levels)s::float8[]) WITHIN GROUP (ORDER BY milliseconds), max(milliseconds)"
WHOLE = f"{NEWEST} SELECT {TIMES}, min(decided_at), avg(synthetic::int) FROM timed"  # noqa: S608 (constants alone)
PARTS = f"{NEWEST} SELECT grouping({{columns}}), {{columns}}, {TIMES} FROM timed GROUP BY GROUPING SETS ({{sets}})"  # noqa: S608
BARS = f"{NEWEST} SELECT width_bucket(milliseconds, %(edges)s::float8[]), count(*) FROM timed GROUP BY 1"  # noqa: S608


def work_out(*, now: datetime) -> dict[str, Any]:
    """Of the last hour, and hour by hour of the last day. Raises redis.RedisError."""
    found = {"at": now.isoformat(), "edges": list(EDGES), "logs": {log.name: _of(log, now) for log in LOGS}}
    client().set(KEY, json.dumps(found), ex=KEPT)
    return found


def last() -> dict[str, Any] | None:
    """As it was worked out last; None before that. Raises redis.RedisError."""
    body: Any = client().get(KEY)
    return None if body is None else json.loads(body)


def _of(log: Log, now: datetime) -> dict[str, Any]:
    hour = truncate(now, "hour")
    begins = [hour - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    return {
        "recent": whole(log, now - RECENT, now) | {"by": parts(log, now - RECENT, now)},
        "hours": [{"hour": begin.isoformat(), **told} for begin, told in zip(begins, _hours(log, begins, now), strict=True)],
    }


def _hours(log: Log, begins: Sequence[datetime], now: datetime) -> list[dict[str, Any]]:
    """Those that nothing can be added to any more are kept."""
    keys = [HOUR_KEY.format(log=log.name, hour=f"{begin:%Y%m%dT%H}") for begin in begins]
    kept: Any = client().mget(keys)
    told = []
    for place, (begin, key, body) in enumerate(zip(begins, keys, kept, strict=True)):
        again = len(begins) - place <= COUNTED_AGAIN
        if body is not None and not again:
            told.append(json.loads(body))
            continue
        until = min(begin + timedelta(hours=1), now)
        one = whole(log, begin, until) | {"bars": bars(log, begin, until)}
        client().set(key, json.dumps(one), ex=timedelta(hours=HOURS + 1))
        told.append(one)
    return told


def whole(log: Log, since: datetime, until: datetime) -> dict[str, Any]:
    """``n`` decisions of [since, until), the newest MOST at most, and since when those are; percentiles in milliseconds."""
    count, times, slowest, first, synthetic = _asked(WHOLE, log, since, until)[0]
    return {
        **_times(count, times, slowest),
        "since": (first or since).isoformat() if count >= MOST else since.isoformat(),
        "until": until.isoformat(),
        "synthetic": None if synthetic is None else float(synthetic),
    }


def parts(log: Log, since: datetime, until: datetime) -> dict[str, list[dict[str, Any]]]:
    """For each column of the log the same by its values; null where no model answered."""
    width = len(log.columns)
    found: dict[str, list[dict[str, Any]]] = {column: [] for column in log.columns}
    for grouping, *row in _asked(PARTS, log, since, until):
        place = next(place for place in range(width) if not grouping & (1 << (width - 1 - place)))
        found[log.columns[place]].append({"value": row[place], **_times(*row[width:])})
    return {column: sorted(rows, key=lambda one: -one["n"]) for column, rows in found.items()}


def bars(log: Log, since: datetime, until: datetime) -> list[int]:
    """Decisions between each edge and the next, from what was faster than the first to what was slower than the last."""
    counts = dict(_asked(BARS, log, since, until))
    return [counts.get(place, 0) for place in range(len(EDGES) + 1)]


def _asked(sql: str, log: Log, since: datetime, until: datetime) -> list[tuple[Any, ...]]:
    names = {"columns": ", ".join(log.columns), "table": log.table, "sets": ", ".join(f"({column})" for column in log.columns)}
    with connection.cursor() as cursor:
        cursor.execute(sql.format(**names), {"since": since, "until": until, "most": MOST, "levels": list(PERCENTILES), "edges": list(EDGES)})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _times(count: int, times: Sequence[float] | None, slowest: float | None) -> dict[str, Any]:
    p50, p95, p99 = (round(time, 3) for time in times) if times else (None, None, None)
    return {"n": count, "p50": p50, "p95": p95, "p99": p99, "max": None if slowest is None else round(slowest, 3)}
