"""Real decisions in which a flight's ads ended for one reason, spread over the time looked at and found without reading all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from ads.models import FunnelHour

from .why_not import Funnel

# So many decisions are shown of one reason; of each hour in which it occurred no more than so many are looked through.
SHOWN, LOOKED_AT = 4, 300

_FIND = """
    SELECT id, decided_at, viewer, title, request::text, slots::text, candidates::text FROM (
        SELECT id, decided_at, viewer, title, request, slots, explanation->'candidates' AS candidates, explanation->'others'->%s AS others
        FROM ads_decision WHERE day = %s AND decided_at >= %s AND decided_at < %s ORDER BY decided_at LIMIT %s
    ) AS looked
    WHERE others @> ANY(%s::jsonb[]) OR candidates @> ANY(%s::jsonb[]) ORDER BY decided_at LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One decision: who asked where, who won, and of the flight's ads those that were told in full."""

    id: UUID
    at: datetime
    viewer: UUID | None
    title: int | None
    request: dict[str, Any]
    slots: list[dict[str, Any]]
    told: list[dict[str, Any]]


def samples(funnel: Funnel, reason: str, ads: Sequence[int], *, most: int = SHOWN) -> list[Sample]:
    """Up to ``most`` decisions of the time of ``funnel`` in which one of ``ads`` ended by ``reason``; the latest last."""
    rows = FunnelHour.objects.filter(flight_id=funnel.flight, reason=reason, bucket__gte=funnel.since, bucket__lt=funnel.until, decisions__gt=0)
    hours = list(rows.order_by("bucket").values_list("bucket", flat=True).distinct())
    if not hours or not ads:
        return []
    chosen = sorted({hours[round(place * (len(hours) - 1) / max(most - 1, 1))] for place in range(most)})
    found: list[Sample] = []
    for left, hour in enumerate(reversed(chosen)):
        share = -(-(most - len(found)) // (len(chosen) - left))
        found += _in_hour(hour, reason, ads, share)
    return sorted(found[:most], key=lambda one: one.at)


def _in_hour(hour: datetime, reason: str, ads: Sequence[int], most: int) -> list[Sample]:
    ids = [msgspec.json.encode([ad]).decode() for ad in ads]
    told = [msgspec.json.encode([{"ad": ad, "reason": reason}]).decode() for ad in ads]
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [reason, hour.date(), hour, hour + timedelta(hours=1), LOOKED_AT, ids, told, most])
        rows = cursor.fetchall()
    return [_sample(row, ads) for row in rows]


def _sample(row: tuple[Any, ...], ads: Sequence[int]) -> Sample:
    pk, at, viewer, title, request, slots, candidates = row
    told = [one for one in msgspec.json.decode(candidates) if one["ad"] in ads]
    return Sample(pk, at, viewer, title, msgspec.json.decode(request), msgspec.json.decode(slots), told)
