"""More viewers at risk of staying away than on the days before. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from engagement.retention.intervals import Share, difference
from insights.findings.finding import WARNING, Finding, Money, between, percent

KIND = "churn"
LEAST_VIEWERS, LEAST_DAYS = 50, 3
LEAST_RISE = 0.05


@dataclass(frozen=True, slots=True)
class RiskDay:
    """Viewers scored on a day and those ``at_risk``, by one version of the model."""

    day: date
    at_risk: Share
    model: int
    synthetic: float | None = None


def find(days: Sequence[RiskDay]) -> list[Finding]:
    """``days`` oldest first. Days of another model say nothing about this one. The same people are scored each day, so the interval,
    which takes them for different ones, is wider than it need be."""
    if not days or (found := _risen(days[-1], [one for one in days[:-1] if one.model == days[-1].model and one.at_risk.of >= LEAST_VIEWERS])) is None:
        return []
    return [found]


def _risen(last: RiskDay, before: list[RiskDay]) -> Finding | None:
    if last.at_risk.of < LEAST_VIEWERS or len(before) < LEAST_DAYS:
        return None
    # The mean share of the days before, with no more viewers behind it than one of them had.
    usual = Share(round(sum(one.at_risk.count for one in before) / len(before)), round(sum(one.at_risk.of for one in before) / len(before)))
    more = difference(last.at_risk, usual)
    if more is None or more.low <= 0 or more.value < LEAST_RISE:
        return None
    share, was = last.at_risk.value or 0.0, usual.value or 0.0
    return Finding(
        kind=KIND,
        key=KIND,
        subject="Viewers",
        words=f"{percent(share)} of the viewers may not come back, {percent(was)} on the days before",
        detail=f"{last.at_risk.count:,} of {last.at_risk.of:,} scored on {last.day:%d %b}; {percent(more.value)} more {between(more.low, more.high)} "
        f"than the mean of {len(before)} days by the same model (v{last.model}).",
        recommend="See the reasons beside their scores: ad load, stalls or films that did not hold them.",
        severity=WARNING,
        since=datetime.combine(before[0].day, time(), UTC),
        until=datetime.combine(last.day, time(23, 59), UTC),
        link="/live/content/",
        rows="engagement_churnscore",
        money=Money(None, "What their staying away costs is not known."),
        evidence={"at_risk": last.at_risk.count, "scored": last.at_risk.of, "more": more.value, "low": more.low, "high": more.high},
        synthetic=last.synthetic,
    )
