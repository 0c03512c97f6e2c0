"""The three places that know what a flight has delivered, held against each other: the ledger is the truth, FlightBalance adds it
up, the counters in Redis follow.

Nothing is read and then written on the strength of it. The ledger and the balances are compared in one statement, which sees
one moment; a difference is computed again under the balance's row lock, which every booking takes first, before it is repaired.
A counter behind its balance may have its settlement under way, so it counts as a difference only when it is still behind a
moment later. A repair that runs twice changes nothing the second time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from django.db import connection, transaction

from . import live_inventory, recovery, reservation
from .balances import Balance, day_number
from .reservation import Counters
from .reservation.upkeep import Miscounted, compact, recount

LEDGER, REDIS, HOLDS = "ledger", "redis", "holds"
# Longer than a settlement takes to follow its commit.
GRACE_SECONDS = 2.0
_FIGURES = ("booked_micros", "impressions", "completed_views", "clicks", "day_booked_micros", "day_delivered")
_WORDS = {
    "booked_micros": "micros booked", "impressions": "impressions", "completed_views": "completed views", "clicks": "clicks",
    "day_booked_micros": "micros booked on its day", "day_delivered": "goal events on its day", "delivered": "goal events",
    "held_micros": "micros held", "held_count": "unconfirmed holds", "unconfirmed_micros": "micros held unconfirmed", "version": "its version",
    "day": "its day, counted from 1970",
}  # fmt: skip
_SAYS = {LEDGER: ("the balance", "the ledger"), REDIS: ("Redis", "the balance"), HOLDS: ("the table in Redis", "its holds")}

# A count that is charged for is told by the ledger, reversals taken off; the others by the rollups of what was valid. What a day
# delivered of a goal that nobody is charged for is told by neither and left as it is.
_SUMS = """
    WITH entries AS (
        SELECT e.flight_id, e.kind, (e.booked_at AT TIME ZONE 'UTC')::date AS day, e.amount_micros + coalesce(r.amount_micros, 0) AS net,
               r.id IS NULL AS counts
        FROM ads_ledgerentry e
        LEFT JOIN ads_ledgerentry r ON r.decision = e.decision AND r.slot = e.slot AND r.kind = 'reversal' AND r.event = e.event
        WHERE e.kind <> 'reversal' AND (%(all)s OR e.flight_id = ANY(%(flights)s))
    ), booked AS (
        SELECT flight_id, sum(amount_micros)::bigint AS micros FROM ads_ledgerentry
        WHERE %(all)s OR flight_id = ANY(%(flights)s) GROUP BY flight_id
    ), counted AS (
        SELECT n.flight_id, count(*) FILTER (WHERE n.counts) AS events, coalesce(sum(n.net) FILTER (WHERE n.day = b.day), 0)::bigint AS day_micros,
               count(*) FILTER (WHERE n.counts AND n.day = b.day) AS day_events
        FROM entries n JOIN ads_flight f ON f.id = n.flight_id LEFT JOIN ads_flightbalance b ON b.flight_id = n.flight_id
        WHERE n.kind = CASE f.pricing WHEN 'cpm' THEN 'impression' WHEN 'cpc' THEN 'click' ELSE 'completed_view' END GROUP BY n.flight_id
    ), shown AS (
        SELECT flight_id, sum(impressions)::bigint AS impressions, sum(completed_views)::bigint AS completed_views, sum(clicks)::bigint AS clicks
        FROM ads_deliveryday WHERE %(all)s OR flight_id = ANY(%(flights)s) GROUP BY flight_id
    )
    SELECT f.id, c.name || ' / ' || f.name,
           coalesce(b.booked_micros, 0), coalesce(b.impressions, 0), coalesce(b.completed_views, 0), coalesce(b.clicks, 0),
           coalesce(b.day_booked_micros, 0), coalesce(b.day_delivered, 0),
           coalesce(booked.micros, 0),
           CASE WHEN f.pricing = 'cpm' THEN coalesce(counted.events, 0) ELSE coalesce(shown.impressions, 0) END,
           CASE WHEN f.pricing = 'cpcv' THEN coalesce(counted.events, 0) ELSE coalesce(shown.completed_views, 0) END,
           CASE WHEN f.pricing = 'cpc' THEN coalesce(counted.events, 0) ELSE coalesce(shown.clicks, 0) END,
           coalesce(counted.day_micros, 0),
           CASE WHEN (f.pricing = 'cpc' AND f.goal_type = 'clicks') OR (f.pricing = 'cpcv' AND f.goal_type = 'completed_views')
                  OR (f.pricing = 'cpm' AND f.goal_type IN ('impressions', 'spend'))
                THEN coalesce(counted.day_events, 0) ELSE coalesce(b.day_delivered, 0) END
    FROM ads_flight f JOIN ads_campaign c ON c.id = f.campaign_id LEFT JOIN ads_flightbalance b ON b.flight_id = f.id
    LEFT JOIN booked ON booked.flight_id = f.id LEFT JOIN counted ON counted.flight_id = f.id LEFT JOIN shown ON shown.flight_id = f.id
    WHERE %(all)s OR f.id = ANY(%(flights)s) ORDER BY f.id"""
_SINCE = "SELECT DISTINCT flight_id FROM ads_ledgerentry WHERE booked_at >= %s"
_LOCK = "SELECT 1 FROM ads_flightbalance WHERE flight_id = %s FOR UPDATE"
_CREATE = (
    "INSERT INTO ads_flightbalance (flight_id, booked_micros, impressions, completed_views, clicks, day_booked_micros)"
    " VALUES (%s, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING"
)
_REPAIR = (
    "UPDATE ads_flightbalance SET booked_micros = %s, impressions = %s, completed_views = %s, clicks = %s, day_booked_micros = %s,"
    " day_delivered = %s, version = version + 1 WHERE flight_id = %s"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of a flight that two places tell differently: ``found`` beside what it should be."""

    flight: int
    name: str
    where: str
    figure: str
    found: int
    expected: int

    @property
    def words(self) -> str:
        wrong, right = _SAYS[self.where]
        more = "too many" if self.found > self.expected else "too few"
        return (
            f"{self.name}: {wrong} says {self.found:,} {_WORDS[self.figure]}, {right} {self.expected:,} ({abs(self.found - self.expected):,} {more})."
        )


@dataclass(frozen=True, slots=True)
class Report:
    """``counters``: whole, lost (Redis holds none), or rebuilt. ``dropped``: rows that the table no longer needs."""

    flights: int
    differences: tuple[Difference, ...]
    repaired: bool
    counters: str
    dropped: int = 0


def reconcile(client: redis.Redis, *, now: datetime, repair: bool, since: datetime | None = None, grace: float = GRACE_SECONDS) -> Report:
    """Compare ledger, balances and counters, and with ``repair`` set right what differs. ``since`` looks at the ledger of flights alone
    that were charged for from then on. Raises redis.exceptions.RedisError when Redis cannot be reached."""
    flights, differences = _against_ledger(since, repair=repair)
    if not client.exists(reservation.READY):
        if repair:
            recovery.rebuild(client, now=now)
        return Report(flights, tuple(differences), repair, "rebuilt" if repair else "lost")
    differences += _against_balances(client, now=now, repair=repair, grace=grace)
    differences += _holds(recount(client, now=now, repair=repair))
    return Report(flights, tuple(differences), repair, "whole", _drop_rows(client) if repair else 0)


# The ledger beside the balances


def _against_ledger(since: datetime | None, *, repair: bool) -> tuple[int, list[Difference]]:
    flights: list[int] | None = None
    if since is not None:
        with connection.cursor() as cursor:
            cursor.execute(_SINCE, [since])
            flights = [flight for (flight,) in cursor.fetchall()]
    rows = _sums(flights)
    found = [difference for row in rows for difference in _differing(row)]
    if repair:
        for flight in sorted({difference.flight for difference in found}):
            _repair_balance(flight)
    return len(rows), found


def _sums(flights: Sequence[int] | None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, {"all": flights is None, "flights": list(flights or ())})
        return list(cursor.fetchall())


def _differing(row: Sequence[Any]) -> Iterator[Difference]:
    flight, name, *figures = row
    for figure, found, expected in zip(_FIGURES, figures[:6], figures[6:], strict=True):
        if found != expected:
            yield Difference(flight, name, LEDGER, figure, found, expected)


def _repair_balance(flight: int) -> None:
    """Under the lock that every booking of the flight takes first, what the ledger says now is all there is."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CREATE, [flight])
        cursor.execute(_LOCK, [flight])
        (row,) = _sums([flight])
        if any(_differing(row)):
            cursor.execute(_REPAIR, [*row[8:], flight])


# The balances beside the counters


def _against_balances(client: redis.Redis, *, now: datetime, repair: bool, grace: float) -> list[Difference]:
    first = {balance.flight: balance for balance, counters in _pairs(client) if any(_unlike(balance, counters))}
    if not first:
        return []
    time.sleep(grace)
    found: list[Difference] = []
    names = _names(list(first))
    for balance, counters in _pairs(client, list(first)):
        moving = counters.version < balance.version and balance.version != first[balance.flight].version
        if not moving:
            found += [Difference(balance.flight, names[balance.flight], REDIS, *unlike) for unlike in _unlike(balance, counters)]
    if repair:
        for flight in sorted({difference.flight for difference in found}):
            _repair_counters(client, flight, now=now)
    return found


def _pairs(client: redis.Redis, flights: Sequence[int] | None = None) -> list[tuple[Balance, Counters]]:
    """The counters first: a balance read after them is as new as they are or newer."""
    counters = reservation.counters(client)
    wanted = [flight for flight in counters if flights is None or flight in flights]
    return [(balance, counters[balance.flight]) for balance in recovery.balances(wanted)]


def _unlike(balance: Balance, counters: Counters) -> Iterator[tuple[str, int, int]]:
    told = (balance.booked_micros, day_number(balance.day), balance.day_booked_micros, balance.delivered, balance.day_delivered)
    kept = (counters.booked_micros, counters.day, counters.day_booked_micros, counters.delivered, counters.day_delivered)
    for figure, found, expected in zip(("booked_micros", "day", "day_booked_micros", "delivered", "day_delivered"), kept, told, strict=True):
        if found != expected:
            yield figure, found, expected
    if kept == told and counters.version > balance.version:
        yield "version", counters.version, balance.version


def _repair_counters(client: redis.Redis, flight: int, *, now: datetime) -> None:
    """While the row is locked nobody can bring a later balance, and an earlier one under way is refused by its version."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [flight])
        reservation.settle(client, [], recovery.balances([flight]), now=now, anyway=True)


def _names(flights: Sequence[int]) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.id, c.name || ' / ' || f.name FROM ads_flight f JOIN ads_campaign c ON c.id = f.campaign_id WHERE f.id = ANY(%s)",
            [list(flights)],
        )
        return dict(cursor.fetchall())


# Holds and rows


def _holds(miscounted: Sequence[Miscounted]) -> Iterator[Difference]:
    names = _names([row.flight for row in miscounted])
    for row in miscounted:
        pairs = (
            ("held_micros", row.held_micros, row.counted_micros),
            ("held_count", row.held_count, row.counted),
            ("unconfirmed_micros", row.unconfirmed_micros, row.counted_unconfirmed),
        )
        for figure, found, expected in pairs:
            if found != expected:
                yield Difference(row.flight, names.get(row.flight, f"Flight {row.flight}"), HOLDS, figure, found, expected)


def _drop_rows(client: redis.Redis) -> int:
    served = set(live_inventory.current(client).flight_id.tolist())
    return compact(client, [flight for flight in reservation.counters(client) if flight not in served])
