"""What the click and the completion model served, for monitoring: a bounded sample of a window, with the outcomes known so far."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from django.db import connection, transaction

from adplatform.learning.monitoring import Served, Skew

from . import scorer
from .dataset import CLICK_WINDOW, COMPLETION_WINDOW, LEAST_TO_TELL
from .features import SCHEMA
from .rollout import LOGGED

# What arrives in the tables this long after a window closed can no longer be waited for.
LATE = timedelta(minutes=1)
# Ads of a break, roughly, by which a sample of rows becomes a sample of decisions.
SLOTS = 2

COUNT = """
SELECT count(*) FROM ads_decision
WHERE day BETWEEN %(first_day)s AND %(last_day)s AND decided_at >= %(since)s AND decided_at < %(until)s
"""

# All events of a decision lie in the partition of its day. The sample is drawn by the decision's id, before its slots are read.
ROWS = """
WITH picked AS MATERIALIZED (
    SELECT id, day, decided_at, session, slots, {version} AS version, request->>'device' AS device FROM ads_decision
    WHERE day BETWEEN %(first_day)s AND %(last_day)s AND decided_at >= %(since)s AND decided_at < %(until)s
      AND (hashtext(id::text) & 1073741823) %% %(every)s = 0
), happened AS MATERIALIZED (
    SELECT e.decision, e.slot,
           min(e.occurred_at) FILTER (WHERE e.type = 'ad.impression') AS at, min(e.ua_hash) FILTER (WHERE e.type = 'ad.impression') AS ua_hash,
           bool_or(e.type = 'ad.viewable') AS viewable, min(e.occurred_at) FILTER (WHERE e.type = 'ad.click') AS clicked_at,
           min(e.occurred_at) FILTER (WHERE e.type = %(outcome)s) AS came_at, min(e.received_at) FILTER (WHERE e.type = %(outcome)s) AS known_at
    FROM picked p JOIN ads_adevent e ON e.decision = p.id AND e.day = p.day
    WHERE e.day BETWEEN %(first_day)s AND %(last_day)s AND e.valid AND e.received_at <= %(as_of)s
      AND e.type IN ('ad.impression', 'ad.viewable', 'ad.click', %(outcome)s)
    GROUP BY e.decision, e.slot
), software AS (
    SELECT ua_hash, bool_or(viewable) AS tells, count(*) AS shown, bool_or(bool_or(viewable)) OVER () AS anybody
    FROM happened WHERE at IS NOT NULL GROUP BY ua_hash
)
SELECT extract(epoch FROM p.decided_at)::float8, p.session::text, slot.value->'features'->'values', (slot.value->>%(score)s)::float8,
       coalesce(p.version, 0), (slot.value->%(shadow)s->>'version')::int, (slot.value->%(shadow)s->>%(score)s)::float8,
       extract(epoch FROM %(as_of)s - h.at)::float8,
       CASE WHEN h.came_at <= h.at + %(window)s THEN extract(epoch FROM h.known_at - h.at)::float8 END,
       p.device, coalesce(slot.value->>'advertiser_name', slot.value->>'advertiser', '')
FROM picked p
CROSS JOIN LATERAL jsonb_array_elements(p.slots) AS slot
JOIN happened h ON h.decision = p.id AND h.slot = (slot.value->>'slot')::int
JOIN software USING (ua_hash)
WHERE slot.value->'features'->>'schema' = %(schema)s
  AND (h.viewable OR h.clicked_at <= h.at + %(window)s OR (NOT software.tells AND (software.shown >= %(least_to_tell)s OR NOT software.anybody)))
ORDER BY p.decided_at, p.id, h.slot
"""


def load(*, kind: str, outcome: str, version: str, window: timedelta, since: datetime, until: datetime, as_of: datetime, most: int) -> Served:
    """Rows decided in [since, until) whose impression was valid and seen, with what was received until ``as_of``.

    ``outcome`` within ``window`` of the impression is a 1; ``version`` names the column that says which model of this ``kind`` scored.
    Where there are more rows than ``most``, decisions are sampled.
    """
    bounds: dict[str, Any] = {
        "since": since,
        "until": until,
        "as_of": as_of,
        "first_day": since.astimezone(UTC).date(),
        "last_day": until.astimezone(UTC).date(),
        "outcome": outcome,
        "score": LOGGED[kind].score,
        "shadow": LOGGED[kind].shadow,
        "window": window,
        "schema": SCHEMA.fingerprint(),
        "least_to_tell": LEAST_TO_TELL,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(COUNT, bounds)
        decisions = cursor.fetchone()[0]
        every = max(1, -(-decisions * SLOTS // most))
        # Of a sample the planner expects a handful of rows and would compare each with each: a minute in place of a second.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(ROWS.format(version=version), {**bounds, "every": every})
        rows = cursor.fetchall()
        cursor.execute("SET LOCAL enable_nestloop = on")
        return _served(rows, window, every)


LOADS = {
    scorer.KIND: partial(load, kind=scorer.KIND, outcome="ad.click", version="model_version", window=CLICK_WINDOW),
    scorer.COMPLETION: partial(load, kind=scorer.COMPLETION, outcome="ad.complete", version="completion_version", window=COMPLETION_WINDOW),
}


def _computed_again(since: datetime, until: datetime, sample: int, rng: np.random.Generator) -> Skew:
    # Arrow costs every process that holds it tens of megabytes, and web processes compute nothing again.
    from . import skew

    return skew.check(since, until, sample, rng)


# Both models read the same rows, so one look is enough.
SKEW = {scorer.KIND: _computed_again}


def _served(rows: Sequence[tuple[Any, ...]], window: timedelta, every: int) -> Served:
    def numbers(place: int) -> np.ndarray:
        return np.array([np.nan if row[place] is None else row[place] for row in rows], dtype=np.float64)

    values = [[np.nan if value is None else value for value in json.loads(row[2])] for row in rows]
    version, age, delay = np.array([row[4] for row in rows], dtype=np.int64), numbers(7), numbers(8)
    so_far = (~np.isnan(delay)).astype(np.float64)
    return Served(
        features=np.array(values, dtype=np.float32).reshape(len(rows), len(SCHEMA.features)),
        scores=np.where(version > 0, numbers(3), np.nan),
        version=version,
        at=numbers(0),
        session=np.array([row[1] for row in rows], dtype=np.str_),
        labels=np.where(age >= (window + LATE).total_seconds(), so_far, np.nan),
        so_far=so_far,
        age=age,
        delay=delay,
        shadow_version=np.array([row[5] if row[5] and row[6] is not None else 0 for row in rows], dtype=np.int64),
        shadow_scores=numbers(6),
        groups={"device": np.array([row[9] or "" for row in rows], dtype=np.str_), "advertiser": np.array([row[10] for row in rows], dtype=np.str_)},
        seen_rows=len(rows) * every,
    )
