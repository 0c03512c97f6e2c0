"""What the live page counts, read from rollups by a constant number of indexed queries. No raw event is ever scanned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, Model, Q, QuerySet, Sum
from django.db.models.functions import TruncMinute

from adplatform.eventlog.rollup import truncate
from adplatform.models import RollupState
from ads.models import BreakDay, BreakHour, BreakMinute, DeliveryDay, DeliveryHour, DeliveryMinute
from engagement.models import DirectorDecision, PlaybackDay, PlaybackHour, PlaybackMinute

ACTIVE_SECONDS = 30
SERIES_MINUTES = 10
ENGAGEMENT_MINUTES = 5
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

Sums = Mapping[str, int]


@dataclass(frozen=True)
class Fact:
    """One family of rollup tables and the measures this page reads from it."""

    minute: type[Model]
    hour: type[Model]
    day: type[Model]
    measures: tuple[str, ...]


FACTS = (
    Fact(
        DeliveryMinute,
        DeliveryHour,
        DeliveryDay,
        ("impressions", "clicks", "completed_views", "revenue_micros", "gross_impressions", "invalid", "reversed_micros"),
    ),
    Fact(BreakMinute, BreakHour, BreakDay, ("requests", "filled", "slots_offered", "slots_filled")),
    Fact(PlaybackMinute, PlaybackHour, PlaybackDay, ("sessions", "watch_milliseconds", "director_decisions", "director_changes")),
)
MEASURES = tuple(measure for fact in FACTS for measure in fact.measures)
NOTHING: Sums = dict.fromkeys((*MEASURES, "synthetic_impressions", "synthetic_sessions"), 0)


def _sums(fact: Fact) -> dict[str, Any]:
    # Named apart from the columns they sum: Django refuses an annotation with the name of a field.
    sums = {f"sum_{measure}": Sum(measure, default=0) for measure in fact.measures}
    marked = fact.measures[0]
    if f"synthetic_{marked}" in NOTHING:
        sums[f"sum_synthetic_{marked}"] = Sum(marked, filter=Q(synthetic=True), default=0)
    return sums


def _plain(row: Mapping[str, Any]) -> dict[str, int]:
    return {name.removeprefix("sum_"): int(value) for name, value in row.items() if name.startswith("sum_")}


def _rows(model: type[Model], condition: Q) -> QuerySet[Any]:
    return model._default_manager.filter(condition)


def today(now: datetime) -> Sums:
    """Sums of the UTC day so far. One query a family of tables."""
    bucket = truncate(now, "day")
    total: dict[str, int] = {}
    for fact in FACTS:
        total |= _plain(_rows(fact.day, Q(bucket=bucket)).aggregate(**_sums(fact)))
    return total


def same_time_yesterday(now: datetime) -> Sums:
    """Sums of yesterday up to the minute 24 hours before ``now``: its whole hours, and the minutes of the hour begun."""
    until = truncate(now - DAY, "minute")
    hour, day = truncate(until, "hour"), truncate(until, "day")
    total = dict(NOTHING)
    for fact in FACTS:
        hours = _plain(_rows(fact.hour, Q(bucket__gte=day, bucket__lt=hour)).aggregate(**_sums(fact)))
        minutes = _plain(_rows(fact.minute, Q(bucket__gte=hour, bucket__lt=until)).aggregate(**_sums(fact)))
        for measure in hours:
            total[measure] = hours[measure] + minutes[measure]
    return total


def by_minute(now: datetime) -> dict[datetime, Sums]:
    """Sums of the last SERIES_MINUTES whole minutes and of the running one, oldest first, empty minutes included."""
    buckets = minute_buckets(now)
    series: dict[datetime, dict[str, int]] = {bucket: dict(NOTHING) for bucket in buckets}
    for fact in FACTS:
        rows = _rows(fact.minute, Q(bucket__gte=buckets[0], bucket__lte=buckets[-1])).values("bucket").annotate(**_sums(fact))
        for row in rows:
            series[row["bucket"].astimezone(UTC)] |= _plain(row)
    return dict(series)


def minute_buckets(now: datetime) -> list[datetime]:
    running = truncate(now, "minute")
    return [running - MINUTE * back for back in range(SERIES_MINUTES, -1, -1)]


@dataclass(frozen=True)
class Audience:
    """Sessions watching now, how many of them are synthetic, and how many watched in each minute of the series."""

    active: int
    synthetic: int
    by_minute: tuple[int, ...]


def audience(now: datetime) -> Audience:
    """A session counts in a minute when it had begun by its end and was last heard from in it or later. One query."""
    buckets = minute_buckets(now)
    statement = """
        SELECT m, count(s.id), count(s.id) FILTER (WHERE s.synthetic)
        FROM unnest(%(minutes)s::timestamptz[]) AS m
        LEFT JOIN engagement_playbacksession s
          ON s.last_seen_at >= m AND s.last_seen_at >= %(first)s AND s.started_at < m + interval '1 minute'
        GROUP BY m
        UNION ALL
        SELECT NULL, count(*), count(*) FILTER (WHERE synthetic)
        FROM engagement_playbacksession
        WHERE last_seen_at >= %(heard)s AND started_at <= %(now)s AND ended_at IS NULL
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, {"minutes": buckets, "first": buckets[0], "heard": now - timedelta(seconds=ACTIVE_SECONDS), "now": now})
        counted = {moment: (everybody, synthetic) for moment, everybody, synthetic in cursor.fetchall()}
    active, synthetic = counted[None]
    return Audience(active, synthetic, tuple(counted[bucket][0] for bucket in buckets))


@dataclass(frozen=True)
class Engagement:
    """Mean predicted engagement over the last ENGAGEMENT_MINUTES with the count behind it, and each minute's mean."""

    mean: float | None
    count: int
    by_minute: tuple[float | None, ...] = ()


def engagement(now: datetime) -> Engagement:
    """One query over the decisions of the series' minutes."""
    buckets = minute_buckets(now)
    rows = (
        DirectorDecision.objects.filter(decided_at__gte=buckets[0], decided_at__lte=now, engagement__isnull=False)
        .annotate(minute=TruncMinute("decided_at", tzinfo=UTC))
        .values("minute")
        .annotate(mean=Avg("engagement"), n=Count("engagement"))
        .order_by("minute")
    )
    found = {row["minute"]: (row["mean"], row["n"]) for row in rows}
    recent = [found[bucket] for bucket in buckets[-ENGAGEMENT_MINUTES:] if bucket in found]
    count = sum(n for _, n in recent)
    mean = sum(value * n for value, n in recent) / count if count else None
    return Engagement(mean, count, tuple(found[bucket][0] if bucket in found else None for bucket in buckets))


def data_as_of() -> datetime | None:
    """The latest event minute folded into any rollup; None before the first event."""
    return RollupState.objects.order_by("-filled_to").filter(filled_to__isnull=False).values_list("filled_to", flat=True).first()
