"""How the effect on one metric and its interval moved from look to look."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db import connection

from adplatform.experiments import metrics
from adplatform.models import Experiment

from .shape import Told, about, arms_of, guards_of, iso

MOST_LOOKS = 200

# The last look of each of so many equal stretches of time, found from its end by the index: as quick after months as after a day.
THINNED = """
WITH ends AS (SELECT min(at) AS first, max(at) AS last FROM adplatform_experimentreading WHERE experiment_id = %(id)s),
times AS (
    SELECT DISTINCT look.at FROM ends CROSS JOIN generate_series(0, %(most)s - 1) AS n(n)
    CROSS JOIN LATERAL (
        SELECT at FROM adplatform_experimentreading
        WHERE experiment_id = %(id)s AND metric = %(metric)s AND at <= ends.last - (ends.last - ends.first) * (n.n / (%(most)s - 1.0))
        ORDER BY at DESC LIMIT 1
    ) look
)
SELECT r.arm, r.at, r.units, r.control_units, r.effect, r.low, r.high, r.control_mean, (r.figures->>'change')::float8,
       (r.figures->>'change_low')::float8, (r.figures->>'change_high')::float8
FROM times JOIN adplatform_experimentreading r ON r.experiment_id = %(id)s AND r.at = times.at AND r.metric = %(metric)s
ORDER BY r.at
"""
COLUMNS = ("at", "units", "control_units", "effect", "low", "high", "control_mean", "change", "change_low", "change_high")


def ribbon(experiment: Experiment, metric: str) -> Told:
    """Each arm's looks as columns, at most `MOST_LOOKS` of them, the last one among them. ``worst`` is what a guardrail on this metric
    allows, else None. Raises UnknownMetric for one that is neither registered nor was ever read."""
    with connection.cursor() as cursor:
        cursor.execute(THINNED, {"id": experiment.pk, "metric": metric, "most": MOST_LOOKS})
        rows = cursor.fetchall()
    if not rows:
        metrics.metric_of(metric)
    found: defaultdict[str, dict[str, list[Any]]] = defaultdict(lambda: {name: [] for name in COLUMNS})
    for arm, *values in rows:
        for name, value in zip(COLUMNS, values, strict=True):
            found[arm][name].append(iso(value) if isinstance(value, datetime) else value)
    guard = next((one.worst for one in guards_of(experiment) if one.metric == metric), None)
    arms = [{"name": arm.name} | found[arm.name] for arm in arms_of(experiment)[1:] if arm.name in found]
    return about(metric, metrics.registered()) | {"worst": guard, "arms": arms}
