"""What is charged, once, and never beyond what was sold. The hard stop lives in the ledger and nowhere else.

Runs inside the consumer's transaction on the raw psycopg cursor, a handful of statements a batch.

Whoever is late is judged like everybody else: a viewer who paused past the hold of an ad, or past the end of its flight,
was promised that ad, so its valid impression takes its money from what the flight still has, and is booked at 0 with the
reason when nothing is left. The end of a flight stops decisions, not the charges of ads that it has published.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .accounts import Account, lock, utc_day, write

CHARGED_ON = {"ad.impression": "cpm", "ad.complete": "cpcv", "ad.click": "cpc"}
KIND = {"ad.impression": "impression", "ad.complete": "completed_view", "ad.click": "click"}


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
    accounts = lock(cursor, ((item.flight, utc_day(item.received_at)) for item in billables))
    rows = []
    for item in billables:
        account, kind, day = accounts[item.flight], KIND[item.type], utc_day(item.received_at)
        if account.terms.pricing == CHARGED_ON[item.type]:
            rows.append((item, kind, *account.charge(kind, item.price_micros, day)))
        account.count(kind, day)
    amounts = _insert(cursor, rows)
    for item, kind, amount, _ in rows:
        if item.event not in amounts:
            accounts[item.flight].take_back(kind, amount, utc_day(item.received_at))
    write(cursor, list(accounts.values()))
    return Booked(amounts, accounts)


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
