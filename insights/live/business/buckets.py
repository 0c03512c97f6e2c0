"""Sums by minute, hour or day, read anew as far as they may have changed.

Events come late, but seldom: the running bucket and the one before it are read each time, older ones in turn, so that none is shown as it
was more than STALEST ago. A range of a month so costs hardly more than its last day.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Min, Q

from ads.models import DeliveryDay
from engagement.models import PlaybackDay

from . import figures
from .periods import STEPS
from .scope import Scope

STALEST = {"minute": timedelta(minutes=5), "hour": timedelta(minutes=5), "day": timedelta(minutes=15)}
FORGOTTEN = timedelta(minutes=10)
# What the parts of the revenue are told by, and what is told of each.
PARTS = ("campaign_id", "title_id", "genre")
TOLD = ("revenue_micros", "impressions", "clicks")

Parts = Mapping[str, Mapping[Any, Sequence[int]]]


@dataclass(frozen=True)
class Bucket:
    """``parts`` by the names of PARTS, each value's TOLD; None where they were not asked for."""

    sums: figures.Sums
    parts: Parts | None = None


@dataclass(slots=True)
class _Kept:
    bucket: Bucket
    read_at: datetime
    used_at: datetime


@dataclass(slots=True)
class _Shelf:
    kept: dict[datetime, _Kept] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_shelves: dict[tuple[Scope, str], _Shelf] = {}


# Figures are counted since this day; it is asked for anew after a while, since history may be written behind it.
_first: tuple[datetime, datetime | None] | None = None


def forget() -> None:
    global _first
    _first = None
    _shelves.clear()


def counted_since(now: datetime) -> datetime | None:
    """The first day that anything was counted of; None before anything was. Two queries at most each STALEST."""
    global _first
    if _first is None or not timedelta() <= now - _first[0] <= STALEST["day"]:
        days = [model.objects.aggregate(first=Min("bucket"))["first"] for model in (DeliveryDay, PlaybackDay)]
        _first = now, min((day for day in days if day is not None), default=None)
    return _first[1]


def read(scope: Scope, grain: str, wanted: Sequence[datetime], now: datetime, *, every: float, parts: bool = False) -> list[Bucket]:
    """The buckets ``wanted``, in their order, for somebody who asks each ``every`` seconds. One query a family, or none."""
    shelf = _shelves.setdefault((scope, grain), _Shelf())
    with shelf.lock:
        if due := _due(shelf.kept, grain, wanted, now, every=every, parts=parts):
            for at, bucket in _fresh(scope, grain, due, parts=parts).items():
                shelf.kept[at] = _Kept(bucket, now, now)
        for at in wanted:
            shelf.kept[at].used_at = now
        found = [shelf.kept[at].bucket for at in wanted]
        for at in [at for at, one in shelf.kept.items() if one.used_at < now - FORGOTTEN]:
            del shelf.kept[at]
    for key, one in list(_shelves.items()):
        if one is not shelf and all(kept.used_at < now - FORGOTTEN for kept in list(one.kept.values())):
            _shelves.pop(key, None)
    return found


def _due(kept: Mapping[datetime, _Kept], grain: str, wanted: Sequence[datetime], now: datetime, *, every: float, parts: bool) -> list[datetime]:
    newest = now - 2 * STEPS[grain]
    due = [at for at in wanted if at > newest or at not in kept or (parts and kept[at].bucket.parts is None)]
    known = sorted(set(wanted).difference(due), key=lambda at: kept[at].read_at)
    return due + known[: math.ceil(len(known) * every / STALEST[grain].total_seconds())]


def _fresh(scope: Scope, grain: str, due: Sequence[datetime], *, parts: bool) -> dict[datetime, Bucket]:
    sums = {at: figures.nothing(scope) for at in due}
    told: dict[datetime, dict[str, dict[Any, list[int]]]] = {at: {name: {} for name in PARTS} for at in due}
    for fact in figures.facts_of(scope):
        by = ("bucket", *PARTS) if parts and fact is figures.DELIVERY else ("bucket",)
        for row in fact.rows(grain, scope, Q(bucket__in=list(due))).values(*by).annotate(**fact.sums()):
            at = row["bucket"].astimezone(UTC)
            found = figures.plain(row)
            for name, value in found.items():
                sums[at][name] += value
            for name in by[1:]:
                line = told[at][name].setdefault(row[name], [0] * len(TOLD))
                for place, measure in enumerate(TOLD):
                    line[place] += found[measure]
    return {at: Bucket(sums[at], told[at] if parts else None) for at in due}
