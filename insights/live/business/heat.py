"""The map of the day: what an hour of the week brings, drawn by a worker from four weeks of hours, kept in Redis, where the page finds it."""

from __future__ import annotations

import calendar
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db.models import Min, Q, Sum
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay

from adplatform.eventlog.rollup import truncate
from insights.live.store import client
from insights.live.streams import Stream

from . import figures
from .scope import TAKES, Scope, scope_of

HISTORY = timedelta(days=28)
DAYS, HOURS = 7, 24
MILLISECONDS = 3_600_000
# Drawn again when an hour has ended; an old map says up to when it counts.
KEPT = timedelta(hours=6)
WANTED_KEY = "live:heat:wanted"
WANTED_SECONDS = 120


def narrowed(stream: Stream) -> Stream:
    """What of a stream's parameters a map depends on."""
    return Stream("heat", tuple((name, value) for name, value in stream.params if name in TAKES))


def _key(stream: Stream) -> str:
    return f"live:heat:map:{urlencode(stream.params)}"


def last(stream: Stream, *, now: datetime) -> dict[str, Any] | None:
    """As it was drawn last, None before that; a worker is told to draw what is not there or has an hour more to show. Raises redis.RedisError."""
    of = narrowed(stream)
    body: Any = client().get(_key(of))
    found: dict[str, Any] | None = None if body is None else json.loads(body)
    if found is None or found["until"] != truncate(now, "hour").isoformat():
        client().zadd(WANTED_KEY, {urlencode(of.params): now.timestamp()})
    return found


def draw_wanted(*, now: datetime) -> int:
    """Draw what was asked for of late and is not up to date; how many. Raises redis.RedisError."""
    client().zremrangebyscore(WANTED_KEY, "-inf", now.timestamp() - WANTED_SECONDS)
    wanted: Any = client().zrange(WANTED_KEY, 0, -1)
    for params in wanted:
        of = Stream("heat", tuple(parse_qsl(params.decode())))
        client().set(_key(of), json.dumps(drawn(scope_of(of), now=now)), ex=KEPT)
        client().zrem(WANTED_KEY, params)
    return len(wanted)


def drawn(scope: Scope, *, now: datetime) -> dict[str, Any]:
    """``cells`` as [weekday][UTC hour]: ``value`` is the mean revenue of such an hour in micros, None where none has passed, ``n`` how many
    have; ``watching`` the same of hours watched, None where that cannot be narrowed so. Hours before anything was counted are no hours of
    nothing. At most four queries.
    """
    until = truncate(now, "hour")
    since = _begun(until)
    n = _hours(since, until)
    facts = figures.facts_of(scope)
    earned = _sums(figures.DELIVERY, scope, "revenue_micros", since, until)
    watched = _sums(figures.PLAYBACK, scope, "watch_milliseconds", since, until) if figures.PLAYBACK in facts else None
    of = f"in such an hour (UTC), {since:%d %b} to {until:%d %b %H:%M}"
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "rows": list(calendar.day_abbr),
        "columns": [f"{hour:02}" for hour in range(HOURS)],
        **_map(earned, n, round, "money", f"Mean revenue {of}"),
        "watching": None if watched is None else _map(watched, n, lambda value: round(value / MILLISECONDS, 4), "hours", f"Mean hours watched {of}"),
    }


def _begun(until: datetime) -> datetime:
    """The first hour of the four weeks, or of anything counted, if that is later."""
    facts = (figures.DELIVERY, figures.PLAYBACK)
    firsts = [fact.hour._default_manager.filter(bucket__gte=until - HISTORY).aggregate(first=Min("bucket"))["first"] for fact in facts]
    return min((first.astimezone(UTC) for first in firsts if first), default=until)


def _hours(since: datetime, until: datetime) -> list[list[int]]:
    counts = [[0] * HOURS for _ in range(DAYS)]
    at = since
    while at < until:
        counts[at.weekday()][at.hour] += 1
        at += figures.HOUR
    return counts


def _sums(fact: figures.Fact, scope: Scope, measure: str, since: datetime, until: datetime) -> dict[tuple[int, int], int]:
    rows = (
        fact.rows("hour", scope, Q(bucket__gte=since, bucket__lt=until))
        .annotate(weekday=ExtractIsoWeekDay("bucket", tzinfo=UTC), hour=ExtractHour("bucket", tzinfo=UTC))
        .values("weekday", "hour")
        .annotate(total=Sum(measure))
    )
    return {(row["weekday"] - 1, row["hour"]): int(row["total"]) for row in rows}


def _map(sums: dict[tuple[int, int], int], n: list[list[int]], told: Callable[[float], float], unit: str, words: str) -> dict[str, Any]:
    def cell(day: int, hour: int) -> dict[str, Any]:
        times = n[day][hour]
        return {"value": told(sums.get((day, hour), 0) / times) if times else None, "n": times}

    return {"unit": unit, "words": words, "cells": [[cell(day, hour) for hour in range(HOURS)] for day in range(DAYS)]}
