"""A kept query on a later day: "last week" is then another week. Pure."""

from __future__ import annotations

from datetime import datetime

from insights.chat import dates
from insights.chat.text import words
from insights.semantic.query import Period, SemanticQuery


def as_of(query: SemanticQuery, *, now: datetime) -> SemanticQuery:
    """The query with its periods read anew from the words they were said in; periods said by dates stay where they are."""
    period = _again(query.period, now)
    if query.baseline is None:
        return query.model_copy(update={"period": period})
    return query.model_copy(update={"period": period, "baseline": _baseline(query, query.baseline, period, now)})


def _again(period: Period, now: datetime) -> Period:
    said = words(_said(period))
    found = dates.find_periods(said, now=now)
    whole = len(found) == 1 and found[0].first == 0 and found[0].last == len(said) and not found[0].future
    return found[0].period if whole and found[0].kind != "hours" else period


def _said(period: Period) -> str:
    """A label less the dates that explain it."""
    return period.label.partition(" (")[0].removesuffix(" so far")


def _baseline(query: SemanticQuery, baseline: Period, period: Period, now: datetime) -> Period:
    if period == query.period:
        return baseline
    said = words(_said(baseline))
    relative = dates.find_relative(said, 0)
    compared = dates.compared_with(period, relative, now) if relative else None
    if compared is None and (again := _again(baseline, now)) != baseline:
        compared = again
    if compared is None and query.period.start and period.start and baseline.start and baseline.end:
        by = period.start - query.period.start
        start, end = baseline.start + by, baseline.end + by
        compared = Period(start=start, end=end, label=dates.label(_said(baseline), start, end, now))
    return compared or baseline
