"""What the arms of a split experiment have taken, from the tables: after Redis has lost it, and when the experiment begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from django.db import connection

from adplatform.models import Experiment

from .reservation import HOLD_SECONDS, Split, write_arms

# What was charged, and what was reserved in the last moments and has no charge yet.
TAKEN = """
WITH mine AS (
    SELECT d.id, d.day, d.decided_at, d.slots, d.request->'arms'->>%(experiment)s AS arm FROM ads_decision d
    WHERE d.day >= %(first_day)s AND d.decided_at >= %(since)s AND d.request->'arms'->>%(experiment)s IS NOT NULL
), charged AS (
    SELECT m.arm, l.flight_id AS flight, l.amount_micros AS micros, 0 AS shown, l.booked_at AS at
    FROM mine m JOIN ads_ledgerentry l ON l.decision = m.id
), shown AS (
    SELECT m.arm, e.flight, 0 AS micros, 1 AS shown, e.received_at AS at FROM mine m
    JOIN ads_adevent e ON e.decision = m.id AND e.day = m.day AND e.type = 'ad.impression' AND e.valid
), held AS (
    SELECT m.arm, s.flight, s.hold_micros AS micros, 1 AS shown, m.decided_at AS at FROM mine m
    CROSS JOIN LATERAL jsonb_to_recordset(m.slots) AS s(slot smallint, flight bigint, hold_micros bigint)
    WHERE m.decided_at > %(open)s AND NOT EXISTS (
        SELECT FROM ads_adevent e WHERE e.decision = m.id AND e.day = m.day AND e.slot = s.slot AND e.type = 'ad.impression' AND e.valid
    )
)
SELECT arm, flight, sum(micros)::bigint, sum(shown)::bigint, coalesce(sum(micros) FILTER (WHERE at >= %(midnight)s), 0)::bigint,
       coalesce(sum(shown) FILTER (WHERE at >= %(midnight)s), 0)::bigint
FROM (SELECT * FROM charged UNION ALL SELECT * FROM shown UNION ALL SELECT * FROM held) taken GROUP BY arm, flight
"""


def restore(client: redis.Redis, splits: Sequence[Split], *, now: datetime) -> None:
    """Write what each split's arms have taken, where it is not known."""
    for split in splits:
        began = Experiment.objects.filter(key=split.experiment).values_list("started_at", flat=True).first() or now
        total, day = _taken(split, began, now)
        write_arms(client, split, total, day)


def _taken(split: Split, began: datetime, now: datetime) -> tuple[Counter[str], Counter[str]]:
    bounds: dict[str, Any] = {
        "experiment": split.experiment,
        "since": began,
        "first_day": began.astimezone(UTC).date(),
        "open": now - timedelta(seconds=HOLD_SECONDS),
        "midnight": now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0),
    }
    total: Counter[str] = Counter()
    day: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, bounds)
        for arm, flight, micros, shown, micros_today, shown_today in cursor.fetchall():
            total[f"m:{arm}:{flight}"], total[f"n:{arm}:{flight}"] = micros, shown
            day[f"m:{arm}:{flight}"], day[f"n:{arm}:{flight}"] = micros_today, shown_today
    return total, day
