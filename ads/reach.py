"""How many different people ads reached, and how often: estimates that add up over any days, flights, campaigns and titles.

People cannot be summed: who saw two flights is one. HyperLogLog sketches (Flajolet and others 2007; Apache DataSketches) can be united,
and adding somebody twice changes nothing, so everything here is safe to run twice. A sketch cannot forget anybody: an impression found
invalid later is taken out when its day is counted anew, the night after.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any

from datasketches import hll_sketch, hll_union, tgt_hll_type
from django.db import connection, transaction
from django.db.models import Q, Sum

from adplatform.eventlog.envelope import Event
from adplatform.eventlog.rollup import floor

from .models import DeliveryDay, ReachDay

# 2^12 registers: a standard error of 1.04 / sqrt(4096), 1.6 %, in two kilobytes.
LG_REGISTERS = 12
STANDARD_ERROR: float = 1.04 / 2 ** (LG_REGISTERS / 2)
# Standard deviations of `Reach.low` and `Reach.high`: about 95 %.
DEVIATIONS = 2
MINUTES_AT_ONCE = 2_000
# A partition is at most two days from the day on which its events happened.
SKEW = timedelta(days=2)

Key = tuple[date, str, int, bool]
_SEEN = (
    "SELECT DISTINCT (e.occurred_at AT TIME ZONE 'UTC')::date, e.campaign, e.flight, coalesce(e.title, 0), e.synthetic,"
    " coalesce(e.viewer, e.session) FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS wanted(since, until)"
    " JOIN ads_adevent e ON e.occurred_at >= wanted.since AND e.occurred_at < wanted.until"
    " WHERE e.day BETWEEN %s AND %s AND e.type = 'ad.impression' AND e.valid"
)


@dataclass(frozen=True, slots=True)
class Reach:
    """``people`` with its 95 % interval. ``impressions`` are counted, not estimated; ``frequency`` is impressions a person, None for nobody."""

    people: float
    low: float
    high: float
    impressions: int

    @property
    def frequency(self) -> float | None:
        return self.impressions / self.people if self.people else None


def reach(
    first: date,
    last: date,
    *,
    campaigns: Sequence[int] | None = None,
    flights: Sequence[int] | None = None,
    titles: Sequence[int] | None = None,
    synthetic: bool | None = None,
) -> Reach:
    """Different people reached from ``first`` to ``last``, both included, by any of these campaigns, flights or titles (one of the three; by
    all ads without). ``synthetic`` picks the synthetic audience or leaves it out; None takes both. Two queries. Raises ValueError for two of them."""
    given = {
        dimension: list(subjects)
        for dimension, subjects in ((ReachDay.Of.CAMPAIGN, campaigns), (ReachDay.Of.FLIGHT, flights), (ReachDay.Of.TITLE, titles))
        if subjects is not None
    }
    if len(given) > 1:
        raise ValueError("Ask for the reach of campaigns, of flights or of titles: how they overlap is not kept")
    dimension, subjects = next(iter(given.items()), (ReachDay.Of.ALL, [0]))
    who = Q() if synthetic is None else Q(synthetic=synthetic)
    union = hll_union(LG_REGISTERS)
    for sketch in ReachDay.objects.filter(who, dimension=dimension, subject__in=subjects, day__range=(first, last)).values_list("sketch", flat=True):
        union.update(hll_sketch.deserialize(bytes(sketch)))
    found = union.get_result(tgt_hll_type.HLL_4)
    start, end = datetime.combine(first, clock(), UTC), datetime.combine(last, clock(), UTC)
    delivered = DeliveryDay.objects.filter(who, bucket__range=(start, end))
    if dimension != ReachDay.Of.ALL:
        delivered = delivered.filter(**{f"{dimension}_id__in": subjects})
    shown = delivered.aggregate(total=Sum("impressions", default=0))["total"]
    return Reach(found.get_estimate(), found.get_lower_bound(DEVIATIONS), found.get_upper_bound(DEVIATIONS), shown)


def mark_due(cursor: Any, impressions: Iterable[Event]) -> None:
    """Remember the minutes of these newly stored impressions that count, in the transaction that stores them.

    Rows are only ever added: two consumers do not wait for each other here, nor for whoever takes the rows.
    """
    if minutes := sorted({floor(event.occurred_at) for event in impressions}):
        cursor.execute("INSERT INTO ads_reachdue (minute) SELECT unnest(%s::timestamptz[])", [minutes])


def take_due() -> int:
    """Add what is due to the sketches; returns how many minutes that were. A mark goes in the transaction that adds its impressions."""
    taken = 0
    while minutes := _take_some():
        taken += minutes
    return taken


def recount(day: date) -> int:
    """Build the sketches of ``day`` anew, from its impressions as they are judged now; returns how many. Only for days not archived yet."""
    start = datetime.combine(day, clock(), UTC)
    with transaction.atomic(), connection.cursor() as wrapper:
        _one_at_a_time(wrapper.cursor)
        sketches = _sketches(wrapper.cursor, [(start, start + timedelta(days=1))])
        ReachDay.objects.filter(day=day).delete()
        _store(sketches)
    return len(sketches)


def _take_some() -> int:
    with transaction.atomic(), connection.cursor() as wrapper:
        cursor = wrapper.cursor
        _one_at_a_time(cursor)
        cursor.execute(
            "DELETE FROM ads_reachdue WHERE id IN (SELECT id FROM ads_reachdue ORDER BY id LIMIT %s) RETURNING minute",
            [MINUTES_AT_ONCE],
        )
        rows = cursor.fetchall()
        by_day: defaultdict[date, list[tuple[datetime, datetime]]] = defaultdict(list)
        for minute in sorted({minute.astimezone(UTC) for (minute,) in rows}):
            by_day[minute.date()].append((minute, minute + timedelta(minutes=1)))
        # A statement of its own after the deletion: it sees every impression whose mark was there to be deleted.
        for spans in by_day.values():
            _store(_sketches(cursor, spans))
    return len(rows)


def _one_at_a_time(cursor: Any) -> None:
    """Two that unite a sketch with their own would each lose the other's."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ads.reach'))")


def _sketches(cursor: Any, spans: Sequence[tuple[datetime, datetime]]) -> dict[Key, Any]:
    """A sketch for each (day, dimension, subject, origin) of these spans, which lie on one day."""
    since, until = [list(side) for side in zip(*spans, strict=True)]
    cursor.execute(_SEEN, [since, until, since[0].date() - SKEW, since[0].date() + SKEW])
    found: defaultdict[Key, Any] = defaultdict(lambda: hll_sketch(LG_REGISTERS, tgt_hll_type.HLL_4))
    for day, campaign, flight, title, synthetic, person in cursor.fetchall():
        who = _name(person)
        for dimension, subject in (("all", 0), ("campaign", campaign), ("flight", flight), ("title", title)):
            found[day, dimension, subject, synthetic].update(who)
    return dict(found)


def _name(person: uuid.UUID) -> str:
    return person.hex


def _store(sketches: dict[Key, Any]) -> None:
    """Unite these with what is stored."""
    if not sketches:
        return
    days = {day for day, *_ in sketches}
    stored = {
        (row.day, row.dimension, row.subject, row.synthetic): bytes(row.sketch)
        for row in ReachDay.objects.filter(day__in=days, subject__in={subject for _, _, subject, _ in sketches})
    }
    rows = []
    for (day, dimension, subject, synthetic), sketch in sketches.items():
        if before := stored.get((day, dimension, subject, synthetic)):
            union = hll_union(LG_REGISTERS)
            union.update(hll_sketch.deserialize(before))
            union.update(sketch)
            sketch = union.get_result(tgt_hll_type.HLL_4)
        rows.append(
            ReachDay(
                day=day, dimension=dimension, subject=subject, synthetic=synthetic, sketch=sketch.serialize_compact(), people=sketch.get_estimate()
            )
        )
    ReachDay.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["dimension", "subject", "day", "synthetic"],
        update_fields=["sketch", "people"],
    )
