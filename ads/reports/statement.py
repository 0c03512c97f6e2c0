"""The statement of an advertiser and a month: what was charged and given back, line by line, to the micro what the ledger holds.

The ledger is the only source: entries belong to the month in which they were booked (when the event was received), reversals to the month
in which they were written, so a statement that is closed does not change. Its sum is `SUM(amount_micros)` of the month's entries, and
opening and closing totals run through all months. The rollups' figure stands beside it, by the time of delivery, as a cross-check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from ads.models import Advertiser, LedgerEntry
from ads.validity.reasons import REASONS

# What players sent in the last hours of a month may be booked a little after it: the log is read in order of arrival.
SETTLES_WITHIN = timedelta(hours=24)
FIRST_YEAR = 2000
KINDS = {"impression": "Impressions", "completed_view": "Completed views", "click": "Clicks"}
UNCHARGED = {
    "over_budget": "beyond the budget", "over_goal": "beyond the goal", "over_daily_goal": "beyond the day's goal",
    "over_daily_budget": "beyond the day's budget",
}  # fmt: skip
OPEN, SETTLING, CLOSED = "open", "settling", "closed"


class NoMonth(ValueError):
    """The text is no month that a statement is made of; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """``quantity`` charges of one kind on one flight, from ``lowest`` to ``highest`` micros each; ``micros`` is their sum."""

    campaign: int
    campaign_name: str
    flight: int
    flight_name: str
    pricing: str
    kind: str
    quantity: int
    micros: int
    lowest: int
    highest: int

    @property
    def price(self) -> float:
        """The mean, which is the price where all were charged the same."""
        return self.micros / self.quantity


@dataclass(frozen=True, slots=True)
class Uncharged:
    """``quantity`` events that count and were booked at 0 for a ``reason``, in words."""

    campaign_name: str
    flight_name: str
    kind: str
    reason: str
    quantity: int


@dataclass(frozen=True, slots=True)
class GivenBack:
    """``quantity`` charges of ``charged_in`` (the first day of that month) that were given back on ``day``; ``micros`` is negative."""

    campaign_name: str
    flight_name: str
    kind: str
    day: date
    charged_in: date
    reason: str
    note: str
    quantity: int
    micros: int


@dataclass(frozen=True, slots=True)
class Statement:
    """``opening`` is the sum of all entries before the month, in micros. ``delivered`` are the charges of what was delivered in the month, less what
    was given back of them at any time, by the ledger; ``rollup`` is the same by the rollups that reports read."""

    advertiser: int
    advertiser_name: str
    month: date
    state: str
    as_of: datetime
    opening: int
    lines: tuple[Line, ...]
    uncharged: tuple[Uncharged, ...]
    given_back: tuple[GivenBack, ...]
    delivered: int
    rollup: int
    synthetic: str

    @property
    def number(self) -> str:
        return f"ADV-{self.advertiser}-{self.month:%Y-%m}"

    @property
    def until(self) -> datetime:
        return _next(self.month)

    @property
    def charged(self) -> int:
        return sum(line.micros for line in self.lines)

    @property
    def reversed(self) -> int:
        """Micros given back, 0 or less."""
        return sum(line.micros for line in self.given_back)

    @property
    def total(self) -> int:
        return self.charged + self.reversed

    @property
    def closing(self) -> int:
        return self.opening + self.total


def read_month(text: str, *, now: datetime) -> date:
    """``2026-11`` as its first day. Raises NoMonth."""
    if not re.fullmatch(r"\d{4}-\d{2}", text, re.ASCII) or not 1 <= int(text[5:]) <= 12 or int(text[:4]) < FIRST_YEAR:
        raise NoMonth(f"“{text[:20]}” is no month; write it as 2026-11.")
    month = date(int(text[:4]), int(text[5:]), 1)
    if month > now.astimezone(UTC).date():
        raise NoMonth(f"{month:%B %Y} has not begun; there is no statement of it yet.")
    return month


def statement(advertiser: Advertiser, month: date, *, now: datetime) -> Statement:
    """The statement of ``month`` (its first day) as the ledger is now. Four queries."""
    since, until = _start(month), _next(month)
    with connection.cursor() as cursor:
        cursor.execute(_CHARGES, [advertiser.pk, since, until])
        charges = cursor.fetchall()
        cursor.execute(_REVERSALS, [advertiser.pk, since, until])
        back = tuple(_given_back(row) for row in cursor.fetchall())
        cursor.execute(_OPENING, [advertiser.pk, since])
        (opening,) = cursor.fetchone()
        cursor.execute(_DELIVERED, {"advertiser": advertiser.pk, "since": since, "until": until})
        delivered, rollup, some, every = cursor.fetchone()
    return Statement(
        advertiser=advertiser.pk,
        advertiser_name=advertiser.name,
        month=month,
        state=state_of(month, now),
        as_of=now,
        opening=int(opening),
        lines=_lines(charges),
        uncharged=tuple(_uncharged(row) for row in charges if not row[7]),
        given_back=back,
        delivered=int(delivered),
        rollup=int(rollup),
        synthetic="all" if every else "some" if some else "none",
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a list of statements; money in micros."""

    advertiser: int
    advertiser_name: str
    month: date
    charged: int
    reversed: int
    state: str

    @property
    def total(self) -> int:
        return self.charged + self.reversed

    @property
    def number(self) -> str:
        return f"ADV-{self.advertiser}-{self.month:%Y-%m}"


def summaries(first: date, last: date, *, now: datetime, advertiser: int | None = None) -> list[Summary]:
    """The statements that have entries, from the month ``first`` to ``last``, the latest first; of one advertiser, or of all. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMMARIES, {"since": _start(first), "until": _next(last), "all": advertiser is None, "advertiser": advertiser or 0})
        return [Summary(pk, name, month, int(charged), int(back), state_of(month, now)) for month, pk, name, charged, back in cursor.fetchall()]


def state_of(month: date, now: datetime) -> str:
    until = _next(month)
    return OPEN if now < until else SETTLING if now < until + SETTLES_WITHIN else CLOSED


def issuer() -> dict[str, str]:
    """Who sends it, from the settings."""
    return {"name": settings.ADS_SELLER_NAME, "domain": settings.ADS_DOMAIN, "email": settings.ADS_CONTACT_EMAIL}


def _lines(rows: Sequence[Sequence[Any]]) -> tuple[Line, ...]:
    return tuple(Line(*(*row[:6], row[8], int(row[9]), row[10], row[11])) for row in rows if row[7])


def _uncharged(row: Sequence[Any]) -> Uncharged:
    return Uncharged(row[1], row[3], row[5], UNCHARGED.get(row[6], row[6] or "free of charge"), row[8])


def _given_back(row: Sequence[Any]) -> GivenBack:
    campaign, flight, kind, day, charged_in, reason, note, quantity, micros = row
    words = "refund" if reason == "refund" else REASONS.get(reason, reason)
    return GivenBack(campaign, flight, kind, day, charged_in, words, note, quantity, int(micros))


def _start(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def _next(month: date) -> datetime:
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


_NAMED = "JOIN ads_campaign c ON c.id = e.campaign_id JOIN ads_flight f ON f.id = e.flight_id"
_CHARGES = f"""
    SELECT e.campaign_id, c.name, e.flight_id, f.name, f.pricing, e.kind, e.reason, e.amount_micros <> 0 AS charged, count(*),
           sum(e.amount_micros), min(e.amount_micros), max(e.amount_micros)
    FROM ads_ledgerentry e {_NAMED}
    WHERE e.advertiser_id = %s AND e.booked_at >= %s AND e.booked_at < %s AND e.kind <> '{LedgerEntry.Kind.REVERSAL}'
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 2, 4, 6, 8 DESC, 7"""  # noqa: S608
# What was given back is told by what had been charged, and when.
_REVERSALS = f"""
    SELECT c.name, f.name, coalesce(o.kind, ''), (e.booked_at AT TIME ZONE 'UTC')::date,
           (date_trunc('month', coalesce(o.booked_at, e.booked_at) AT TIME ZONE 'UTC'))::date, e.reason, e.note, count(*), sum(e.amount_micros)
    FROM ads_ledgerentry e {_NAMED}
    LEFT JOIN ads_ledgerentry o ON o.decision = e.decision AND o.slot = e.slot AND o.event = e.event AND o.kind <> '{LedgerEntry.Kind.REVERSAL}'
    WHERE e.advertiser_id = %s AND e.booked_at >= %s AND e.booked_at < %s AND e.kind = '{LedgerEntry.Kind.REVERSAL}'
    GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 4, 1, 2, 3, 5, 6, 7"""  # noqa: S608
_OPENING = "SELECT coalesce(sum(amount_micros), 0) FROM ads_ledgerentry WHERE advertiser_id = %s AND booked_at < %s"
# A reversal carries the time at which the event it gives back happened.
_DELIVERED = """
    SELECT (SELECT coalesce(sum(amount_micros), 0) FROM ads_ledgerentry
            WHERE advertiser_id = %(advertiser)s AND occurred_at >= %(since)s AND occurred_at < %(until)s),
           coalesce(sum(revenue_micros), 0), bool_or(synthetic), bool_and(synthetic)
    FROM ads_deliveryday WHERE advertiser_id = %(advertiser)s AND bucket >= %(since)s AND bucket < %(until)s"""
_SUMMARIES = f"""
    SELECT e.month::date, a.id, a.name, e.charged, e.back FROM (
        SELECT date_trunc('month', booked_at AT TIME ZONE 'UTC') AS month, advertiser_id,
               coalesce(sum(amount_micros) FILTER (WHERE kind <> '{LedgerEntry.Kind.REVERSAL}'), 0) AS charged,
               coalesce(sum(amount_micros) FILTER (WHERE kind = '{LedgerEntry.Kind.REVERSAL}'), 0) AS back
        FROM ads_ledgerentry WHERE booked_at >= %(since)s AND booked_at < %(until)s AND (%(all)s OR advertiser_id = %(advertiser)s) GROUP BY 1, 2
    ) e JOIN ads_advertiser a ON a.id = e.advertiser_id ORDER BY 1 DESC, 3"""  # noqa: S608
