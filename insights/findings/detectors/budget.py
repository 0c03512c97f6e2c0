"""A budget that will be spent before the flight's last day, at the pace of the last two days. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from insights.findings.finding import CRITICAL, NOTE, WARNING, Finding, Money
from insights.findings.statistics import Z

KIND = "budget"
PACE = timedelta(hours=48)
LEAST_CHARGES = 30
LEAST_HOURS = 24.0
# Within its last twentieth a budget may well run out.
LATE = 0.95


@dataclass(frozen=True, slots=True)
class Spending:
    """A live flight: ``spent`` micros by ``charges`` in the last ``hours``; ``left`` of its budget. ``goal_left`` micros would pay for what
    is left of its goal, None where it has none."""

    flight: int
    name: str
    campaign: int
    spent: int
    charges: int
    hours: float
    left: int
    budget: int
    goal_left: float | None
    ends: datetime
    synthetic: float | None = None


def find(spendings: Sequence[Spending], *, now: datetime, currency: str) -> list[Finding]:
    return [found for one in spendings if enough(one) and (found := _judge(one, now, currency)) is not None]


def enough(one: Spending) -> bool:
    return one.charges >= LEAST_CHARGES and one.hours >= LEAST_HOURS and one.spent > 0 and one.left >= 0


def _judge(one: Spending, now: datetime, currency: str) -> Finding | None:
    """Even at the slow end of the interval of its pace (Poisson) it must run out early; a goal that is reached first ends it first."""
    ahead = (one.ends - now).total_seconds() / 3600
    if ahead <= 0 or (one.goal_left is not None and one.goal_left <= one.left):
        return None
    pace = one.spent / one.hours
    half = Z / math.sqrt(one.charges)
    soonest, expected, latest = (one.left / (pace * factor) if factor > 0 else math.inf for factor in (1 + half, 1.0, 1 - half))
    if latest >= ahead * LATE:
        return None
    missed = round(pace * ahead - one.left)
    at = now + timedelta(hours=expected)
    span = f"{now + timedelta(hours=soonest):%d %b %H:%M} to {now + timedelta(hours=latest):%d %b %H:%M}"
    return Finding(
        kind=KIND,
        key=f"{KIND}:flight-{one.flight}",
        subject=one.name,
        words=f"{one.name}: its budget runs out about {at:%d %b %H:%M} UTC, {(ahead - expected) / 24:,.1f} days before its end",
        detail=f"{one.left / 1e6:,.2f} of {one.budget / 1e6:,.2f} {currency} are left and {pace * 24 / 1e6:,.2f} {currency} a day are spent "
        f"({one.charges:,} charges in {one.hours:,.0f} hours), so it ends between {span} UTC; it was sold until {one.ends:%d %b %Y}.",
        recommend="Ask the advertiser for more budget, or pace it evenly to its last day.",
        severity=CRITICAL if expected < 24 else WARNING if expected < 72 else NOTE,
        since=now - timedelta(hours=one.hours),
        until=at,
        link=f"/live/?campaign={one.campaign}",
        rows=f"ads_flight/{one.flight}",
        money=Money(missed, f"What it would still spend at this pace until its end, beyond its budget: {pace * 24 / 1e6:,.2f} {currency} a day."),
        evidence={"spent": one.spent, "charges": one.charges, "hours": one.hours, "left": one.left, "soonest_hours": soonest, "latest_hours": latest},
        synthetic=one.synthetic,
    )
