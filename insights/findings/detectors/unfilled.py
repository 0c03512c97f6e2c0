"""A title whose breaks stay without any ad more often than breaks did in the week before, with the main reason. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scipy.special import bdtrc

from engagement.retention.intervals import Share
from insights.findings.finding import CRITICAL, WARNING, Finding, Money, between, percent
from insights.findings.statistics import discoveries

KIND = "unfilled"
LEAST_BREAKS, LEAST_EMPTY = 20, 5
FALSE_ALARMS = 0.01
# A share that everybody accepts, also where the week before had none at all.
ACCEPTED = 0.01
WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Breaks:
    """Of one title over the last 24 hours: ``empty`` of ``asked``. ``usual`` is the share of all breaks of the week before. ``reason`` is why
    most of the seconds stayed empty, in words; ``per_break`` micros a filled break brings."""

    title: int
    name: str
    slug: str
    empty: int
    asked: int
    usual: Share
    reason: str
    per_break: float
    until: datetime
    synthetic: float | None = None


def find(titles: Sequence[Breaks], currency: str) -> list[Finding]:
    """Each title by the exact binomial test against the share of the week before."""
    judged = [one for one in titles if enough(one)]
    told = discoveries([_chance(one) for one in judged], rate=FALSE_ALARMS)
    return [_finding(one, currency) for one, is_told in zip(judged, told, strict=True) if is_told]


def enough(one: Breaks) -> bool:
    return one.asked >= LEAST_BREAKS and one.empty >= LEAST_EMPTY and one.usual.of >= LEAST_BREAKS


def _chance(one: Breaks) -> float:
    return float(bdtrc(one.empty - 1, one.asked, max(ACCEPTED, one.usual.value or 0.0)))


def _finding(one: Breaks, currency: str) -> Finding:
    share = Share(one.empty, one.asked)
    usual = one.usual.value or 0.0
    lost = max(0.0, one.empty - one.asked * usual)
    return Finding(
        kind=KIND,
        key=f"{KIND}:title-{one.title}",
        subject=one.name,
        words=f"{one.name}: {one.empty:,} of {one.asked:,} breaks had no ad in 24 hours ({percent(share.value or 0)})",
        detail=f"{percent(share.value or 0)} {between(share.low, share.high)} stayed empty; of all breaks of the week before {percent(usual)} did. "
        + (f"Mainly: {one.reason[:1].lower()}{one.reason[1:]}." if one.reason else "No reason was told."),
        recommend="Widen or add a flight for this title; the reasons stand beside its decisions.",
        severity=CRITICAL if share.low >= 0.2 else WARNING,
        since=one.until - WINDOW,
        until=one.until,
        link=f"/live/?title={one.title}",
        rows=f"ads_decision?title={one.title}",
        money=Money(
            round(lost * one.per_break), f"{lost:,.1f} breaks more than usual without an ad, {one.per_break / 1e6:,.4f} {currency} a filled break."
        ),
        evidence={"empty": one.empty, "asked": one.asked, "low": share.low, "high": share.high, "usual": usual},
        synthetic=one.synthetic,
    )
