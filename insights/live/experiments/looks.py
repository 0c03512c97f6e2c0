"""What the page on experiments reads: the experiments, their last looks, and who moved them. A constant number of queries, whatever the
count of experiments, none of them over exposures or events."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Case, Count, F, IntegerField, Q, Sum, Value, When, Window

from adplatform.eventlog.rollup import truncate
from adplatform.experiments.readout import SAMPLE_RATIO
from adplatform.models import Experiment, ExperimentReading
from engagement.models import PlaybackDay

# Of those that ended the newest; the page says how many more there are.
MOST_SHOWN = 60
# Traffic is that of the last day, for it differs by the hour.
PACE_OVER = timedelta(days=1)
DAYS_SHOWN = 14
MOST_ENTRIES = 40

# The index that keeps a look unique begins with the experiment and the time: both ends of it are found without a scan.
LAST = """
SELECT r.id FROM unnest(%(ids)s::bigint[]) AS e(id)
CROSS JOIN LATERAL (SELECT max(at) AS at FROM adplatform_experimentreading WHERE experiment_id = e.id) last
JOIN adplatform_experimentreading r ON r.experiment_id = e.id AND r.at = last.at
"""
BEFORE = """
SELECT r.id FROM unnest(%(ids)s::bigint[], %(until)s::timestamptz[]) AS e(id, until)
CROSS JOIN LATERAL (SELECT max(at) AS at FROM adplatform_experimentreading WHERE experiment_id = e.id AND at <= e.until) earlier
JOIN adplatform_experimentreading r ON r.experiment_id = e.id AND r.at = earlier.at
"""
BY_DAY = """
SELECT day, r.at, r.figures->'counts' FROM generate_series(%(first)s::timestamptz, %(until)s::timestamptz, interval '1 day') AS d(day)
CROSS JOIN LATERAL (
    SELECT at, figures FROM adplatform_experimentreading
    WHERE experiment_id = %(id)s AND at < d.day + interval '1 day' AND metric = %(sizes)s AND arm = ''
    ORDER BY at DESC LIMIT 1
) r ORDER BY day
"""


@dataclass(frozen=True, slots=True)
class Look:
    """The rows of one look: ``sizes`` is that of the arms' units, ``rows`` those of (metric, arm)."""

    at: datetime
    sizes: ExperimentReading | None
    rows: Mapping[tuple[str, str], ExperimentReading]


@dataclass(frozen=True, slots=True)
class Moved:
    at: datetime
    who: str
    words: str


@dataclass(frozen=True, slots=True)
class Seen:
    """An experiment with its last look, the last one at least a day before that, and who moved it, newest first."""

    experiment: Experiment
    last: Look | None
    before: Look | None
    moved: Sequence[Moved] = field(default=())


def all_seen() -> tuple[list[Seen], int]:
    """Running ones first, then drafts, then what ended, newest first; and how many older ones are left out. Four queries."""
    order = Case(When(state="running", then=Value(0)), When(state="draft", then=Value(1)), default=Value(2), output_field=IntegerField())
    newest = F("stopped_at").desc(nulls_last=True)
    rows = Experiment.objects.annotate(there=Window(Count("pk")), order=order).order_by("order", newest, F("started_at").desc(nulls_last=True), "key")
    found = list(rows[:MOST_SHOWN])
    return seen(found), (found[0].there - len(found) if found else 0)


def seen(experiments: Sequence[Experiment]) -> list[Seen]:
    """Three queries."""
    last = _looks(LAST, {"ids": [one.pk for one in experiments]})
    earlier = _looks(BEFORE, {"ids": list(last), "until": [look.at - PACE_OVER for look in last.values()]})
    moved = _moved(experiments)
    return [Seen(one, last.get(one.pk), earlier.get(one.pk), moved.get(one.pk, ())) for one in experiments]


def _looks(ids: str, parameters: Mapping[str, Any]) -> dict[int, Look]:
    rows: defaultdict[int, list[ExperimentReading]] = defaultdict(list)
    for row in ExperimentReading.objects.raw(f"SELECT * FROM adplatform_experimentreading WHERE id IN ({ids}) ORDER BY id", parameters):  # noqa: S608 (constants alone)
        rows[row.experiment_id].append(row)
    return {experiment: _look(found) for experiment, found in rows.items()}


def _look(rows: Sequence[ExperimentReading]) -> Look:
    sizes = next((row for row in rows if row.metric == SAMPLE_RATIO), None)
    return Look(rows[0].at, sizes, {(row.metric, row.arm): row for row in rows if row.metric != SAMPLE_RATIO})


def _moved(experiments: Iterable[Experiment]) -> dict[int, list[Moved]]:
    names = [str(one.pk) for one in experiments]
    kind = ContentType.objects.get_for_model(Experiment)
    entries = LogEntry.objects.filter(content_type=kind, object_id__in=names).order_by("-action_time", "-pk").select_related("user")
    found: defaultdict[int, list[Moved]] = defaultdict(list)
    for entry in entries[: MOST_ENTRIES * max(1, len(names))]:
        of = found[int(entry.object_id or 0)]
        if len(of) < MOST_ENTRIES:
            of.append(Moved(entry.action_time, entry.user.get_username(), entry.get_change_message()))
    return found


def by_day(experiment: Experiment, until: datetime) -> list[tuple[datetime, datetime, list[int]]]:
    """(day, time of its last look, units by arm until then) of the last `DAYS_SHOWN` days and of the one before them. One query."""
    midnight = truncate(until, "day")
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY, {"first": midnight - timedelta(days=DAYS_SHOWN), "until": midnight, "id": experiment.pk, "sizes": SAMPLE_RATIO})
        return [(day, at, json.loads(counts)) for day, at, counts in cursor.fetchall()]


def synthetic_by_day(since: datetime) -> dict[datetime, tuple[int, int]]:
    """Of each day since then (sessions, synthetic ones among them), from the rollup. One query."""
    rows = PlaybackDay.objects.filter(bucket__gte=truncate(since, "day")).values("bucket")
    summed = rows.annotate(everybody=Sum("sessions"), made=Sum("sessions", filter=Q(synthetic=True), default=0))
    return {row["bucket"]: (row["everybody"], row["made"]) for row in summed}
