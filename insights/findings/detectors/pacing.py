"""A flight that will not reach its goal, as the last forecast sees it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ads.forecast.words import GOALS, RAISE_PRIORITY, THIN, TOLERANCE
from insights.findings.finding import CRITICAL, NOTE, WARNING, Action, Finding, Money

KIND = "pacing"
# Forecasts are made each hour; one that is older tells of another market.
FRESH = timedelta(hours=6)
# Of the goal; beyond this the shortfall is no longer a matter of a better week.
GRAVE, SLIGHT = 0.25, 0.05


@dataclass(frozen=True, slots=True)
class Outlook:
    """A live flight with its forecast. ``goal``, ``delivered`` and ``expected`` in goal events, micros where the goal is spend.
    ``price`` micros are charged for one of them; ``logged`` requests were the forecast made from."""

    flight: int
    name: str
    campaign: int
    goal_type: str
    goal: int
    delivered: int
    expected: float
    price: float
    ends: datetime
    priority: int
    logged: int
    eligible: float
    win_share: float
    warning: str
    computed_at: datetime


def find(outlooks: Sequence[Outlook], *, now: datetime, currency: str) -> list[Finding]:
    return [_finding(one, currency) for one in outlooks if enough(one, now) and _short(one)]


def enough(one: Outlook, now: datetime) -> bool:
    return one.logged >= THIN and now - one.computed_at <= FRESH and one.ends > now


def _short(one: Outlook) -> bool:
    return one.expected < min(one.goal * (1 - TOLERANCE), one.goal - 1)


def _finding(one: Outlook, currency: str) -> Finding:
    missing = one.goal - one.expected
    share = missing / one.goal
    in_money = one.goal_type == "spend"
    goal, expected, delivered = (_told(value, currency, in_money=in_money) for value in (one.goal, one.expected, one.delivered))
    what = "" if in_money else f" {GOALS.get(one.goal_type, '')}"
    how = (
        "What the goal asks for beyond what is expected."
        if in_money
        else f"{missing:,.0f}{what} short, at {one.price / 1e6:,.4f} {currency} each."
        if one.price
        else ""
    )
    return Finding(
        kind=KIND,
        key=f"{KIND}:flight-{one.flight}",
        subject=one.name,
        words=f"{one.name} will deliver {expected} of {goal}{what}: {share * 100:.0f} % short",
        detail=f"{delivered} delivered so far, it ends {one.ends:%d %b %Y}. Forecast of {one.computed_at:%d %b %H:%M} UTC from {one.logged:,} logged "
        f"requests: {one.eligible:,.0f} breaks match until its end, of which it can win {one.win_share * 100:.0f} %. {one.warning}".strip(),
        recommend=_advice(one.warning),
        severity=CRITICAL if share >= GRAVE else WARNING if share >= SLIGHT else NOTE,
        since=one.computed_at,
        until=one.ends,
        link=f"/live/?campaign={one.campaign}",
        rows=f"ads_flight/{one.flight}",
        money=Money(round(missing * one.price), how) if one.price else Money(None, "Nothing of it was charged yet, so its price is not known."),
        action=_action(one),
        evidence={
            "goal": one.goal, "delivered": one.delivered, "expected": round(one.expected, 1), "price_micros": one.price, "logged": one.logged,
            "eligible": round(one.eligible, 1), "win_share": round(one.win_share, 4),
        },
    )  # fmt: skip


def _action(one: Outlook) -> Action | None:
    """Only where the forecast says that flights before it take its breaks; nothing else can be mended without asking the advertiser."""
    if RAISE_PRIORITY not in one.warning or one.priority <= 1:
        return None
    return Action("flight_priority", {"flight": one.flight, "from": one.priority, "to": max(1, one.priority // 2)})


def _advice(warning: str) -> str:
    """What the forecast's own sentence ends with."""
    advice = warning.rpartition("; ")[2]
    return f"{advice[:1].upper()}{advice[1:]}" if advice and advice != warning else "Widen what it reaches or lower the goal."


def _told(value: float, currency: str, *, in_money: bool) -> str:
    return f"{value / 1e6:,.2f} {currency}" if in_money else f"{value:,.0f}"
