"""The ledger: what is charged, once, and never beyond what was sold. The hard stop lives here and nowhere else.

Runs inside the consumer's transaction on the raw psycopg cursor, a handful of statements a batch.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from .balances import Balance

CHARGED_ON = {"ad.impression": "cpm", "ad.complete": "cpcv", "ad.click": "cpc"}
KIND = {"ad.impression": "impression", "ad.complete": "completed_view", "ad.click": "click"}
COUNT_OF = {"impression": "impressions", "completed_view": "completed_views", "click": "clicks"}
COUNTS = ("impressions", "completed_views", "clicks")


class OverBudget(RuntimeError):
    """The conditional update refused what was computed under its own lock: the batch must not be stored."""


@dataclass(frozen=True, slots=True)
class Billable:
    """One valid, newly stored event that counts towards a goal; charged when it is of the kind the flight sells."""

    event: uuid.UUID
    type: str
    decision: uuid.UUID
    slot: int
    flight: int
    campaign: int
    advertiser: int
    ad: int
    price_micros: int
    occurred_at: datetime
    received_at: datetime
    synthetic: bool


@dataclass(slots=True)
class Account:
    """A flight's balance while a batch is booked. ``limit_micros`` is the least of budget and spend goal."""

    flight: int
    pricing: str
    goal_type: str
    goal_amount: int
    limit_micros: int
    daily_micros: int | None
    booked_micros: int
    day: date | None
    day_booked_micros: int
    counts: dict[str, int]
    added_micros: int = 0
    added: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    def charge(self, kind: str, price_micros: int, day: date) -> tuple[int, str]:
        """Book one event and return (amount, reason); the amount is 0 with the reason when the flight has nothing left."""
        before = self.counts[COUNT_OF[kind]]
        if self.day is None or day > self.day:
            self.day, self.day_booked_micros = day, 0
        if self.goal_type == COUNT_OF[kind] and before >= self.goal_amount:
            return 0, "over_goal"
        if self.booked_micros + price_micros > self.limit_micros:
            return 0, "over_budget"
        today = day == self.day
        if today and self.daily_micros is not None and self.day_booked_micros + price_micros > self.daily_micros:
            return 0, "over_daily_budget"
        self.booked_micros += price_micros
        self.added_micros += price_micros
        self.day_booked_micros += price_micros if today else 0
        return price_micros, ""

    def count(self, kind: str) -> None:
        self.counts[COUNT_OF[kind]] += 1
        self.added[COUNT_OF[kind]] += 1

    def balance(self) -> Balance:
        goal = self.goal_type if self.goal_type in COUNTS else "impressions"
        return Balance(self.flight, self.booked_micros, self.day, self.day_booked_micros, self.counts[goal])


@dataclass(frozen=True, slots=True)
class Booked:
    """``amounts`` by event id, for charged events alone; ``accounts`` by flight."""

    amounts: Mapping[uuid.UUID, int]
    accounts: Mapping[int, Account]


def book(cursor: Any, billables: Sequence[Billable]) -> Booked:
    """Charge and count in the order given. One entry for each (decision, slot, kind), whatever is sent.

    Raises OverBudget.
    """
    if not billables:
        return Booked({}, {})
    accounts = _lock(cursor, sorted({item.flight for item in billables}))
    rows = []
    for item in billables:
        account, kind = accounts[item.flight], KIND[item.type]
        if account.pricing == CHARGED_ON[item.type]:
            amount, reason = account.charge(kind, item.price_micros, item.received_at.astimezone(UTC).date())
            rows.append((item, kind, amount, reason))
        account.count(kind)
    amounts = _insert(cursor, rows)
    for item, _, amount, _ in rows:
        if item.event not in amounts:
            # Charged before under another event: take back what this batch added for it.
            accounts[item.flight].added_micros -= amount
            accounts[item.flight].booked_micros -= amount
            accounts[item.flight].day_booked_micros -= min(amount, accounts[item.flight].day_booked_micros)
    _update(cursor, list(accounts.values()))
    return Booked(amounts, accounts)


def _lock(cursor: Any, flights: Sequence[int]) -> dict[int, Account]:
    """The balances, locked in ascending order so that two consumers cannot wait for each other."""
    cursor.execute(
        "INSERT INTO ads_flightbalance (flight_id, booked_micros, impressions, completed_views, clicks, day_booked_micros)"
        " SELECT f.id, 0, 0, 0, 0, 0 FROM ads_flight f LEFT JOIN ads_flightbalance b ON b.flight_id = f.id"
        " WHERE f.id = ANY(%s) AND b.flight_id IS NULL ON CONFLICT DO NOTHING",
        [list(flights)],
    )
    cursor.execute(
        "SELECT b.flight_id, f.pricing, f.goal_type, f.goal_amount, f.budget_micros, f.daily_budget_micros, b.booked_micros, b.day,"
        " b.day_booked_micros, b.impressions, b.completed_views, b.clicks"
        " FROM ads_flightbalance b JOIN ads_flight f ON f.id = b.flight_id WHERE b.flight_id = ANY(%s) ORDER BY b.flight_id FOR UPDATE OF b",
        [list(flights)],
    )
    return {row[0]: _account(row) for row in cursor.fetchall()}


def _account(row: Sequence[Any]) -> Account:
    flight, pricing, goal_type, goal_amount, budget, daily, booked, day, day_booked, *counts = row
    limit = min(budget, goal_amount) if goal_type == "spend" else budget
    return Account(flight, pricing, goal_type, goal_amount, limit, daily, booked, day, day_booked, dict(zip(COUNTS, counts, strict=True)))


def _insert(cursor: Any, rows: Sequence[tuple[Billable, str, int, str]]) -> dict[uuid.UUID, int]:
    """Insert the entries; returns the amount of each that is new."""
    if not rows:
        return {}
    columns = zip(
        *(
            (i.decision, i.slot, kind, i.flight, i.campaign, i.advertiser, i.ad, amount, reason, i.event, i.occurred_at, i.received_at, i.synthetic)
            for i, kind, amount, reason in rows
        ),
        strict=True,
    )
    cursor.execute(
        "INSERT INTO ads_ledgerentry (decision, slot, kind, flight_id, campaign_id, advertiser_id, ad_id, amount_micros, reason, event,"
        " occurred_at, booked_at, synthetic)"
        " SELECT * FROM unnest(%s::uuid[], %s::smallint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],"
        " %s::text[], %s::uuid[], %s::timestamptz[], %s::timestamptz[], %s::boolean[])"
        " ON CONFLICT DO NOTHING RETURNING event, amount_micros",
        [list(column) for column in columns],
    )
    return dict(cursor.fetchall())


def _update(cursor: Any, accounts: Sequence[Account]) -> None:
    """The hard stop: no row changes whose new booking would pass its limit."""
    columns = zip(
        *((a.flight, a.added_micros, a.day, a.day_booked_micros, *(a.added[name] for name in COUNTS)) for a in accounts),
        strict=True,
    )
    cursor.execute(
        "UPDATE ads_flightbalance b SET booked_micros = b.booked_micros + d.amount, day = d.day, day_booked_micros = d.day_booked,"
        " impressions = b.impressions + d.impressions, completed_views = b.completed_views + d.views, clicks = b.clicks + d.clicks"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])"
        " AS d(flight, amount, day, day_booked, impressions, views, clicks), ads_flight f"
        " WHERE b.flight_id = d.flight AND f.id = d.flight AND (d.amount = 0 OR b.booked_micros + d.amount <="
        " CASE WHEN f.goal_type = 'spend' THEN least(f.budget_micros, f.goal_amount) ELSE f.budget_micros END)",
        [list(column) for column in columns],
    )
    if cursor.rowcount != len(accounts):
        raise OverBudget(f"{len(accounts) - cursor.rowcount} of {len(accounts)} flights would have been booked beyond their budget")
