"""A figure of the last full hours beside the same hours of past weeks: is it beyond what these hours differ by anyway? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from insights.findings.finding import CRITICAL, NOTE, WARNING, Finding, Money, percent
from insights.findings.statistics import Beside, Expected, count_beside, discoveries, expected, share_beside

KIND = "anomaly"
# Hours of the same weekday are the like of an hour. Where there are not enough of them yet, the same hour of the last days stands in.
LEAST_WEEKS, LEAST_DAYS = 4, 5
# Of what is counted at least so many were expected; of a share, so many on its rarer side. Less is left to chance.
LEAST_EXPECTED = 10.0
# Chance that a look at which nothing is going on says anything at all, over every figure, campaign and window together; a look holds for
# an hour, so that is one false alarm in about four days.
FALSE_ALARMS = 0.01
# A difference nobody would act on is none, however sure it is.
LEAST_CHANGE = 0.2

Format = Literal["count", "money", "share"]


@dataclass(frozen=True, slots=True)
class Measure:
    """``worse`` says which way costs something; ``worth`` what one of the missing things brings, in micros, by ``how``."""

    name: str
    title: str
    format: Format
    worse: Literal["down", "up"] = "down"


@dataclass(frozen=True, slots=True)
class Series:
    """One figure of one subject. ``seen`` and each of ``past`` is (part, whole): of a count the whole is 1. ``unit`` micros weighs one
    counted thing where the figure is money. ``worth`` micros are lost with each missing thing. ``like`` names the past hours."""

    measure: Measure
    subject: str
    key: str
    seen: tuple[float, float]
    past: Sequence[tuple[float, float]]
    like: Literal["weeks", "days"]
    hours: int
    until: datetime
    link: str
    rows: str = ""
    unit: float = 1.0
    worth: float = 0.0
    how: str = ""
    synthetic: float | None = None


@dataclass(frozen=True, slots=True)
class _Judged:
    series: Series
    expected: Expected
    value: float

    @property
    def change(self) -> float:
        return self.value / self.expected.value - 1 if self.expected.value else 0.0

    @property
    def is_worse(self) -> bool:
        return (self.change < 0) == (self.series.measure.worse == "down")


def find(series: Sequence[Series], currency: str) -> list[Finding]:
    """One finding at most of each figure of each subject: of its windows the one that is least likely chance."""
    enough_of = [one for one in series if enough(one)]
    judged = [*_judged(enough_of, share=False), *_judged(enough_of, share=True)]
    told = discoveries([one.expected.p for one in judged], rate=FALSE_ALARMS)
    best: dict[str, _Judged] = {}
    for one in (one for one, is_told in zip(judged, told, strict=True) if is_told and abs(one.change) >= LEAST_CHANGE):
        if one.series.key not in best or one.expected.p < best[one.series.key].expected.p:
            best[one.series.key] = one
    return [_finding(one, currency) for one in best.values()]


def enough(series: Series) -> bool:
    """Whether there is evidence enough to judge at all."""
    there = [(k, n) for k, n in series.past if n > 0]
    if len(there) < (LEAST_WEEKS if series.like == "weeks" else LEAST_DAYS):
        return False
    part, whole = series.seen
    if series.measure.format != "share":
        return sum(k for k, _ in there) / len(there) / series.unit >= LEAST_EXPECTED
    share = sum(k for k, _ in there) / sum(n for _, n in there)
    return whole * min(share, 1 - share) >= LEAST_EXPECTED and part <= whole


def _judged(series: Sequence[Series], *, share: bool) -> list[_Judged]:
    """Counts lend strength to counts and shares to shares."""
    alike = [one for one in series if (one.measure.format == "share") == share]
    found = expected([_beside(one) for one in alike])
    return [_Judged(one, usual, one.seen[0] / one.seen[1] if share else one.seen[0]) for one, usual in zip(alike, found, strict=True)]


def _beside(series: Series) -> Beside:
    if series.measure.format == "share":
        return share_beside(*series.seen, series.past)
    return count_beside(series.seen[0], [k for k, _ in series.past], unit=series.unit)


def _finding(one: _Judged, currency: str) -> Finding:
    series, usually = one.series, one.expected
    way = "up" if one.change > 0 else "down"
    window = "the hour" if series.hours == 1 else f"the {series.hours} hours"
    seen, usual, low, high = (_told(value, series.measure.format, currency) for value in (one.value, usually.value, usually.low, usually.high))
    like = f"the same {'hour' if series.hours == 1 else 'hours'} of {len(series.past)} past {series.like}"
    money = _money(one)
    return Finding(
        kind=KIND,
        key=f"{KIND}:{series.key}",
        subject=series.subject,
        words=f"{series.subject}: {series.measure.title} {seen} where {usual} is usual at this hour ({abs(one.change) * 100:.0f} % {way})",
        detail=f"In {window} to {series.until:%a %d %b %H:%M} UTC it was {seen}; {like} make {usual} the expectation, and 95 of 100 such hours "
        f"lie within {low} and {high}. By chance as far off: p = {usually.p:.2g}.",
        recommend=_recommend(one),
        severity=(CRITICAL if abs(one.change) >= 0.5 else WARNING) if one.is_worse else NOTE,
        since=series.until - timedelta(hours=series.hours),
        until=series.until,
        link=series.link,
        rows=series.rows,
        money=money,
        evidence={
            "seen": one.value, "expected": usually.value, "low": usually.low, "high": usually.high, "p": usually.p, "hours": series.hours,
            "past": [list(pair) for pair in series.past], "like": series.like, "measure": series.measure.name,
        },
        synthetic=series.synthetic,
    )  # fmt: skip


def _money(one: _Judged) -> Money:
    series = one.series
    if not one.is_worse or not series.worth:
        return Money(None, "Nothing is lost by it." if not one.is_worse else "No sum of money can be put to it.")
    missing = abs(one.value - one.expected.value) * (series.seen[1] if series.measure.format == "share" else 1)
    return Money(round(missing * series.worth), series.how)


def _recommend(one: _Judged) -> str:
    if not one.is_worse:
        return "Nothing to repair; see whether it comes from one campaign, title or device before counting on it."
    return {
        "impressions": "See which flights ended, ran out or were paused in these hours, and whether breaks stayed empty.",
        "revenue": "See which flights stopped delivering in these hours, and whether the prices they won at fell.",
        "sessions": "See whether the site answers and whether one title or device is missing.",
        "fill_rate": "See why slots stayed empty: the reasons stand beside the breaks of these hours.",
        "ctr": "See whether one ad, title or device makes the difference, and whether clicks arrive at all.",
        "completion": "See whether one ad, title or device makes the difference, and whether players report errors.",
        "invalid": "See the reasons of the invalid events; block the source where it is a single one.",
    }.get(one.series.measure.name, "See what else changed in these hours.")


def _told(value: float, format: Format, currency: str) -> str:
    if format == "share":
        return percent(value)
    return f"{value / 1e6:,.2f} {currency}" if format == "money" else f"{value:,.0f}"
