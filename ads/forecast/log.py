"""The logged requests that forecasts rest on: a bounded, even sample of the last weeks, and every hour's count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from django.db import connection

from ads.decision.inventory import Rows
from ads.decision.packing import unpacked, unpacked_rows
from ads.decision.plan import HOUR, HOURS
from ads.decision.request import AdRequest
from ads.decision.state import Floats, Ints
from ads.models import InventorySnapshot
from ads.replay import request_of

from . import supply
from .capping import People
from .responses import Scored

LOOK_BACK = timedelta(weeks=4)
# Enough for an hour of the week to have dozens; more of them cost more than they tell.
MOST_REQUESTS, MOST_SCORED = 8_000, 800
# The last 24 bits of a UUIDv7 are random: an even sample, and the same one on every run.
DRAWS = 1 << 24
# An ad of this many seconds is what a slot of a break is taken to hold.
TYPICAL_AD_SECONDS = 15.0

_COUNTS = """
    SELECT floor(extract(epoch FROM decided_at) / 3600)::bigint, count(*), min(decided_at)
    FROM ads_decision WHERE day >= %s AND decided_at >= %s AND decided_at < %s GROUP BY 1 ORDER BY 1
"""
_SAMPLE = """
    SELECT decided_at, request::text FROM ads_decision
    WHERE day >= %s AND decided_at >= %s AND decided_at < %s AND ('x' || right(id::text, 6))::bit(24)::int < %s ORDER BY id
"""
# Everything of a share of the viewers, who are named with consent alone, and of the other sessions: their ids end at random too.
_PEOPLE = """
    SELECT decided_at, request::text FROM ads_decision
    WHERE day >= %s AND decided_at >= %s AND decided_at < %s AND ('x' || right(coalesce(viewer, session)::text, 6))::bit(24)::int < %s
    ORDER BY right(coalesce(viewer, session)::text, 6), id LIMIT %s
"""
# Decisions of an earlier release told their scores otherwise; they are left out.
_SCORED = """
    SELECT inventory_version, coalesce(request->>'device', ''), state->>'scored', state->>'pctr', state->>'pvcr', state->>'quality' FROM ads_decision
    WHERE day >= %s AND decided_at >= %s AND decided_at < %s AND ('x' || right(id::text, 6))::bit(24)::int < %s
        AND jsonb_typeof(state->'scored') = 'string' ORDER BY id
"""


@dataclass(frozen=True)
class Log:
    """What was logged until ``now``: ``logged`` requests in all, of which ``requests`` are an even sample, made at ``at`` [m].

    ``hours`` [h] are the starts of the hours looked at (Unix seconds), with their requests ``counts`` [h] and observed ``seconds`` [h].
    """

    now: float
    logged: int
    requests: tuple[AdRequest, ...]
    at: Floats
    hours: Floats
    counts: Floats
    seconds: Floats

    @cached_property
    def weight(self) -> Floats:
        """How many logged requests each sampled one stands for; recent weeks count more, as they do in the traffic."""
        stands_for = self.logged / max(len(self.requests), 1)
        weights: Floats = stands_for * np.exp2(-(self.now - self.at) / supply.HALF_LIFE)
        return weights

    @cached_property
    def hour(self) -> Ints:
        return supply.hour_of_week(self.at)

    @cached_property
    def traffic(self) -> Floats:
        """Expected requests of the installation in each hour of the week, 168; nothing where nothing was logged."""
        if not self.logged:
            return np.zeros(HOURS)
        return supply.traffic(self.hours, self.counts, self.seconds, self.now)

    @cached_property
    def rate(self) -> Floats:
        """How many requests a week each sampled one stands for in the weeks to come [m]; those of its hour share the hour's traffic."""
        of_hour = np.bincount(self.hour, weights=self.weight, minlength=HOURS)
        rates: Floats = self.traffic[self.hour] * self.weight / np.maximum(of_hour[self.hour], 1e-12)
        return rates

    @cached_property
    def slots(self) -> Floats:
        """How many ads each sampled request has room for [m]."""
        return np.array([max(1.0, min(request.max_ads, request.duration // TYPICAL_AD_SECONDS)) for request in self.requests], dtype=np.float64)


def read(now: datetime, *, most: int = MOST_REQUESTS) -> Log:
    """The log of the last four weeks, with about ``most`` sampled requests."""
    window = _window(now)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, window)
        rows = cursor.fetchall()
        logged = sum(count for _, count, _ in rows)
        cursor.execute(_SAMPLE, [*window, _threshold(most, logged)])
        sampled = cursor.fetchall()
    requests, at = _requests(sampled)
    return Log(now.timestamp(), logged, requests, at, *_hours(rows, now.timestamp()))


def people(now: datetime, read: Log, *, most: int = MOST_REQUESTS) -> People:
    """The whole log of some people: of all of them where ``read`` has every request, else of so many as have about ``most``, at most twice that."""
    if len(read.requests) == read.logged:
        return People(read.now, read.requests, read.at)
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [*_window(now), _threshold(most, read.logged), 2 * most])
        rows = cursor.fetchall()
    requests, at = _requests(rows)
    return People(read.now, requests, at, max(len(rows), 1) / read.logged)


def _requests(rows: list[tuple[datetime, str]]) -> tuple[tuple[AdRequest, ...], Floats]:
    at = np.array([decided.timestamp() for decided, _ in rows], dtype=np.float64)
    return tuple(request_of(msgspec.json.decode(request)) for _, request in rows), at


def _window(now: datetime) -> list[Any]:
    since = now - LOOK_BACK
    return [since.date(), since, now]


def _threshold(most: int, of: int) -> int:
    return min(DRAWS, DRAWS * most // max(of, 1))


def _hours(rows: list[tuple[int, int, datetime]], now: float) -> tuple[Floats, Floats, Floats]:
    """Every hour from the first logged request on, those without any request too: silence is evidence."""
    if not rows:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    first, last = rows[0][0], max(rows[-1][0], int(now // HOUR))
    starts: Floats = np.arange(first, last + 1, dtype=np.float64) * HOUR
    counts = np.zeros(len(starts))
    for hour, count, _ in rows:
        counts[hour - first] = count
    begins = np.maximum(starts, rows[0][2].timestamp())
    return starts, counts, np.clip(np.minimum(starts + HOUR, now) - begins, 1.0, HOUR)


def scored(now: datetime, logged: int) -> tuple[Scored, ...]:
    """What a sample of decisions predicted for the ads that they scored."""
    with connection.cursor() as cursor:
        cursor.execute(_SCORED, [*_window(now), _threshold(MOST_SCORED, logged)])
        decisions = cursor.fetchall()
    ads_of = {version: _ads(version) for version in {version for version, *_ in decisions}}
    found = []
    for version, device, rows, *scores in decisions:
        ads = ads_of[version]
        if ads is not None:
            ids = ads[unpacked_rows(rows, len(ads))]
            found.append(Scored(device, ids, *(np.ones(len(ids)) if told is None else unpacked(told, len(ids)) for told in scores)))
    return tuple(found)


def _ads(version: int) -> Ints | None:
    """The ids of the ads of a kept inventory, in its order; None when it is not kept, or cannot be read any more."""
    kept = InventorySnapshot.objects.filter(pk=version).values_list("rows", flat=True).first()
    try:
        rows = Rows.unpacked(bytes(kept)) if kept is not None else None
    except msgspec.ValidationError:
        return None
    if rows is None:
        return None
    flights = {flight.id for flight in rows.flights}
    return np.array(sorted(ad.id for ad in rows.ads if ad.flight in flights), dtype=np.int64)
