"""What the policy model expected of the options that were taken, for monitoring, with what was then watched."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import connection

from adplatform.learning.monitoring import Served

from .lots import SCHEMA, rows_of

# Of who did not come to the place of a decision there is nothing to learn, and there never will be.
MADE = """
FROM engagement_directordecision d LEFT JOIN engagement_directoroutcome o ON o.decision = d.id
WHERE d.decided_at >= %(since)s AND d.decided_at < %(until)s AND d.policy_version IS NOT NULL AND (d.applied OR d.action = 'keep')
  AND (o.decision IS NULL OR (o.reached AND o.coming IS NOT NULL))
"""
COUNT = f"SELECT count(*) {MADE}"
ROWS = f"""
SELECT d.session, extract(epoch FROM d.decided_at)::float8, d.policy_version, d.features,
  jsonb_path_query_first(d.alternatives, '$[*] ? (@.taken == true)') AS taken, CASE WHEN o.judged_at <= %(as_of)s THEN o.coming END, d.action
{MADE} AND (hashtext(d.id::text) & 1073741823) %% %(every)s = 0
ORDER BY d.decided_at, d.id
"""  # noqa: S608 (a constant of ours)


def load(*, since: datetime, until: datetime, as_of: datetime, most: int) -> Served:
    """Decisions of [since, until) that were made with a policy model, each with the share watched of the scene at its place and the next
    once it was judged. Rows are as they were served, to the last bit."""
    bounds: dict[str, Any] = {"since": since, "until": until, "as_of": as_of}
    with connection.cursor() as cursor:
        cursor.execute(COUNT, bounds)
        every = max(1, -(-cursor.fetchone()[0] // most))
        cursor.execute(ROWS, {**bounds, "every": every})
        rows = [(*row[:3], json.loads(row[3]), json.loads(row[4]), *row[5:]) for row in cursor.fetchall() if row[4]]
    labels = np.array([np.nan if row[5] is None else row[5] for row in rows], dtype=np.float64)
    at = np.array([row[1] for row in rows], dtype=np.float64)
    nothing = np.full(len(rows), np.nan)
    return Served(
        features=np.vstack([np.empty((0, len(SCHEMA.features)), np.float32), *(rows_of(row[3], [row[4]["features"]]) for row in rows)]),
        scores=np.array([np.nan if row[4]["expected"] is None else row[4]["expected"] for row in rows], dtype=np.float64),
        version=np.array([row[2] for row in rows], dtype=np.int64),
        at=at,
        session=np.array([str(row[0]) for row in rows], dtype=np.str_),
        labels=labels,
        so_far=np.nan_to_num(labels),
        age=as_of.astimezone(UTC).timestamp() - at,
        delay=nothing,
        shadow_version=np.zeros(len(rows), dtype=np.int64),
        shadow_scores=nothing,
        groups={"action": np.array([row[6] for row in rows], dtype=np.str_)},
        seen_rows=len(rows) * every,
    )
