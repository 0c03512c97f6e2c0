"""What was counted and turns out not to count: entries are never edited, a reversal row gives the money and the count back."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ads.balances import Balance

from .accounts import balance_of, lock, utc_day
from .booking import KIND


@dataclass(frozen=True, slots=True)
class Reversal:
    """An event that `book` counted and that is taken back ``at`` now, with the code of the reason.

    An event that was not charged (an impression of a flight sold by the click) leaves no trace in the ledger that would
    show a second reversal, so each event may be handed in once: with the update that makes its row invalid. For a charged
    one the ledger sees to that itself. ``note`` and ``by`` (a user's id) are there when staff refund it.
    """

    event: uuid.UUID
    type: str
    decision: uuid.UUID
    slot: int
    flight: int
    reason: str
    at: datetime
    received_at: datetime
    note: str = ""
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Reversed:
    """``amounts`` are the micros given back, by event, for those that were charged (0 when charged at 0); ``events`` all
    that no longer count; ``balances`` what the flights have now, for `ads.reservation.settle` after the commit."""

    amounts: Mapping[uuid.UUID, int]
    events: frozenset[uuid.UUID]
    balances: tuple[Balance, ...]


def reverse(cursor: Any, reversals: Sequence[Reversal]) -> Reversed:
    """Write one reversal row for each charged event, in the open month, and lower the balances; handing in the same twice changes nothing.

    A day's figures are lowered when the charge was booked on the day that the balance holds: what is refunded later does
    not reopen another day's budget.
    """
    unique = {(item.decision, item.slot, item.type): item for item in reversals}
    if not unique:
        return Reversed({}, frozenset(), ())
    lock(cursor, ((item.flight, utc_day(item.at)) for item in unique.values()))
    items = list(unique.values())
    charged = _charged(cursor, items)
    written = _insert(cursor, [item for item in items if item.event in charged])
    taken = [item for item in items if item.event in written or item.event not in charged]
    balances = _lower(cursor, taken, {event: charged[event] for event in written})
    amounts = {event: charged[event][0] for event in written}
    return Reversed(amounts, frozenset(item.event for item in taken), balances)


def _charged(cursor: Any, items: Sequence[Reversal]) -> dict[uuid.UUID, tuple[int, datetime]]:
    """Amount and time of the entry of each event that has one."""
    by_key = {(item.decision, item.slot, KIND[item.type]): item.event for item in items}
    cursor.execute(
        "SELECT e.decision, e.slot, e.kind, e.amount_micros, e.booked_at FROM ads_ledgerentry e"
        " JOIN unnest(%s::uuid[], %s::smallint[], %s::text[]) AS wanted(decision, slot, kind)"
        " ON e.decision = wanted.decision AND e.slot = wanted.slot AND e.kind = wanted.kind",
        [list(column) for column in zip(*by_key, strict=True)],
    )
    return {by_key[decision, slot, kind]: (amount, booked_at) for decision, slot, kind, amount, booked_at in cursor.fetchall()}


def _insert(cursor: Any, items: Sequence[Reversal]) -> set[uuid.UUID]:
    """The entries' opposites, charged back to whom they were charged; returns the events whose reversal is new."""
    if not items:
        return set()
    columns = zip(*((i.decision, i.slot, KIND[i.type], i.reason, i.note, i.by, i.at, i.event) for i in items), strict=True)
    cursor.execute(
        "INSERT INTO ads_ledgerentry (decision, slot, kind, flight_id, campaign_id, advertiser_id, ad_id, amount_micros, reason, note, by_id,"
        " event, occurred_at, booked_at, synthetic)"
        " SELECT e.decision, e.slot, 'reversal', e.flight_id, e.campaign_id, e.advertiser_id, e.ad_id, -e.amount_micros, w.reason, w.note, w.by_id,"
        " w.event, e.occurred_at, w.at, e.synthetic"
        " FROM unnest(%s::uuid[], %s::smallint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::uuid[])"
        " AS w(decision, slot, kind, reason, note, by_id, at, event)"
        " JOIN ads_ledgerentry e ON e.decision = w.decision AND e.slot = w.slot AND e.kind = w.kind"
        " ON CONFLICT DO NOTHING RETURNING event",
        [list(column) for column in columns],
    )
    return {event for (event,) in cursor.fetchall()}


def _lower(cursor: Any, items: Sequence[Reversal], charged: Mapping[uuid.UUID, tuple[int, datetime]]) -> tuple[Balance, ...]:
    """Take micros and counts off the balances, never below zero."""
    rows: defaultdict[tuple[int, object], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for item in items:
        amount, booked_at = charged.get(item.event, (0, item.received_at))
        row = rows[item.flight, utc_day(booked_at)]
        row[0] += amount
        row[1 + tuple(KIND.values()).index(KIND[item.type])] += 1
    if not rows:
        return ()
    cursor.execute(_LOWER, [list(column) for column in zip(*((flight, day, *figures) for (flight, day), figures in rows.items()), strict=True)])
    return tuple(balance_of(row) for row in cursor.fetchall())


_LOWER = """
    WITH d AS (
        SELECT * FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS d(flight, day, micros, impressions, views, clicks)
    ), back AS (
        SELECT d.flight, sum(d.micros)::bigint AS micros, sum(d.impressions)::bigint AS impressions, sum(d.views)::bigint AS views,
               sum(d.clicks)::bigint AS clicks, coalesce(sum(d.micros) FILTER (WHERE d.day = b.day), 0)::bigint AS day_micros,
               coalesce(sum(CASE f.goal_type WHEN 'completed_views' THEN d.views WHEN 'clicks' THEN d.clicks ELSE d.impressions END)
                        FILTER (WHERE d.day = b.day), 0)::bigint AS day_delivered
        FROM d JOIN ads_flightbalance b ON b.flight_id = d.flight JOIN ads_flight f ON f.id = d.flight GROUP BY d.flight
    )
    UPDATE ads_flightbalance b SET booked_micros = b.booked_micros - back.micros, version = b.version + 1,
        impressions = greatest(0, b.impressions - back.impressions), completed_views = greatest(0, b.completed_views - back.views),
        clicks = greatest(0, b.clicks - back.clicks), day_booked_micros = greatest(0, b.day_booked_micros - back.day_micros),
        day_delivered = greatest(0, b.day_delivered - back.day_delivered)
    FROM back, ads_flight f WHERE b.flight_id = back.flight AND f.id = back.flight
    RETURNING b.flight_id, f.pricing, f.goal_type, f.goal_amount, f.daily_goal_amount, f.budget_micros, f.daily_budget_micros, b.booked_micros,
        b.day, b.day_booked_micros, b.day_delivered, b.impressions, b.completed_views, b.clicks, b.version"""
