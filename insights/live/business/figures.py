"""What the live page counts, read from rollups by a constant number of indexed queries. No raw event is ever scanned.

Sums hold the families of figures that the scope can narrow, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Model, Q, QuerySet, Sum

from adplatform.eventlog.rollup import truncate
from adplatform.models import RollupState
from ads.models import BreakDay, BreakHour, BreakMinute, DeliveryDay, DeliveryHour, DeliveryMinute
from engagement.models import PlaybackDay, PlaybackHour, PlaybackMinute

from .scope import Scope

ACTIVE_SECONDS = 30
SERIES_MINUTES = 15
ENGAGEMENT_MINUTES = 5
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

Sums = Mapping[str, int]


@dataclass(frozen=True)
class Fact:
    """One family of rollup tables and the measures this page reads from it. ``sold``: kept by campaign and advertiser."""

    minute: type[Model]
    hour: type[Model]
    day: type[Model]
    measures: tuple[str, ...]
    sold: bool = False
    marked: str = ""

    def table(self, grain: str) -> type[Model]:
        return {"minute": self.minute, "hour": self.hour, "day": self.day}[grain]

    @property
    def names(self) -> tuple[str, ...]:
        """Of its sums; the synthetic part of what it is ``marked`` by is one of them."""
        return (*self.measures, f"synthetic_{self.marked}") if self.marked else self.measures

    def rows(self, grain: str, scope: Scope, when: Q) -> QuerySet[Any]:
        return self.table(grain)._default_manager.filter(when, scope.delivery if self.sold else scope.place)

    def sums(self) -> dict[str, Any]:
        # Named apart from the columns they sum: Django refuses an annotation with the name of a field.
        sums = {f"sum_{measure}": Sum(measure, default=0) for measure in self.measures}
        if self.marked:
            sums[f"sum_synthetic_{self.marked}"] = Sum(self.marked, filter=Q(synthetic=True), default=0)
        return sums


DELIVERY = Fact(
    DeliveryMinute,
    DeliveryHour,
    DeliveryDay,
    ("impressions", "clicks", "completed_views", "revenue_micros", "gross_impressions", "invalid", "reversed_micros"),
    sold=True,
    marked="impressions",
)
BREAKS = Fact(BreakMinute, BreakHour, BreakDay, ("requests", "filled", "slots_offered", "slots_filled"))
PLAYBACK = Fact(
    PlaybackMinute,
    PlaybackHour,
    PlaybackDay,
    ("sessions", "watch_milliseconds", "scene_starts", "scene_ends", "director_decisions", "director_changes"),
    marked="sessions",
)
FACTS = (DELIVERY, BREAKS, PLAYBACK)


def facts_of(scope: Scope) -> tuple[Fact, ...]:
    return (DELIVERY,) if scope.sold else FACTS


def nothing(scope: Scope) -> dict[str, int]:
    return {name: 0 for fact in facts_of(scope) for name in fact.names}


def plain(row: Mapping[str, Any]) -> dict[str, int]:
    return {name.removeprefix("sum_"): int(value) for name, value in row.items() if name.startswith("sum_")}


def between(scope: Scope, grain: str, since: datetime, until: datetime) -> dict[str, int]:
    """Sums of the buckets in [since, until). One query a family."""
    total: dict[str, int] = {}
    for fact in facts_of(scope):
        total |= plain(fact.rows(grain, scope, Q(bucket__gte=since, bucket__lt=until)).aggregate(**fact.sums()))
    return total


def added(*parts: Sums) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def today(scope: Scope, now: datetime) -> Sums:
    """Sums of the UTC day so far. One query a family of tables."""
    bucket = truncate(now, "day")
    return between(scope, "day", bucket, bucket + DAY)


def minute_buckets(now: datetime) -> list[datetime]:
    running = truncate(now, "minute")
    return [running - MINUTE * back for back in range(SERIES_MINUTES, -1, -1)]


@dataclass(frozen=True)
class Audience:
    """Sessions watching now, how many of them are synthetic, and how many watched in each minute of the series."""

    active: int
    synthetic: int
    by_minute: tuple[int, ...]


def audience(scope: Scope, now: datetime) -> Audience:
    """A session counts in a minute when it had begun by its end and was last heard from in it or later. One query."""
    buckets = minute_buckets(now)
    statement = """
        WITH heard AS MATERIALIZED (
          SELECT started_at, last_seen_at, ended_at, synthetic FROM engagement_playbacksession
          WHERE last_seen_at >= %(first)s AND (%(titles)s::bigint[] IS NULL OR title_id = ANY(%(titles)s))
            AND (%(device)s::text IS NULL OR device = %(device)s))
        SELECT m, count(s.started_at), count(*) FILTER (WHERE s.synthetic)
        FROM unnest(%(minutes)s::timestamptz[]) AS m LEFT JOIN heard s ON s.last_seen_at >= m AND s.started_at < m + interval '1 minute'
        GROUP BY m
        UNION ALL
        SELECT NULL, count(*), count(*) FILTER (WHERE synthetic)
        FROM heard WHERE last_seen_at >= %(heard)s AND started_at <= %(now)s AND ended_at IS NULL
    """
    with connection.cursor() as cursor:
        cursor.execute(
            statement, {"minutes": buckets, "first": buckets[0], "heard": now - timedelta(seconds=ACTIVE_SECONDS), "now": now, **scope.params}
        )
        counted = {moment: (everybody, synthetic) for moment, everybody, synthetic in cursor.fetchall()}
    active, synthetic = counted[None]
    return Audience(active, synthetic, tuple(counted[bucket][0] for bucket in buckets))


@dataclass(frozen=True)
class Engagement:
    """Mean predicted engagement over the last ENGAGEMENT_MINUTES with the count behind it, and each minute's mean."""

    mean: float | None
    count: int
    by_minute: tuple[float | None, ...] = ()


def engagement(scope: Scope, now: datetime) -> Engagement:
    """One query over the Director's decisions of the series' minutes."""
    buckets = minute_buckets(now)
    statement = """
        SELECT date_trunc('minute', d.decided_at, 'UTC'), avg(d.engagement), count(*)
        FROM engagement_directordecision d
        WHERE d.decided_at >= %(first)s AND d.decided_at <= %(now)s AND d.engagement IS NOT NULL
          AND (%(titles)s::bigint[] IS NULL OR d.title = ANY(%(titles)s))
          AND (%(device)s::text IS NULL
            OR EXISTS (SELECT 1 FROM engagement_playbacksession p WHERE p.id = d.session AND p.device = %(device)s))
        GROUP BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, {"first": buckets[0], "now": now, **scope.params})
        found = {minute: (mean, count) for minute, mean, count in cursor.fetchall()}
    recent = [found[bucket] for bucket in buckets[-ENGAGEMENT_MINUTES:] if bucket in found]
    count = sum(n for _, n in recent)
    mean = sum(value * n for value, n in recent) / count if count else None
    return Engagement(mean, count, tuple(found[bucket][0] if bucket in found else None for bucket in buckets))


def data_as_of() -> datetime | None:
    """The latest event minute folded into any rollup; None before the first event."""
    return RollupState.objects.order_by("-filled_to").filter(filled_to__isnull=False).values_list("filled_to", flat=True).first()
