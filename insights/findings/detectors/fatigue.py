"""An ad that is clicked less and less: its own early click rate beside its late one, like with like, and beside what all other ads did
meanwhile. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from adplatform.learning.metrics import Floats
from insights.findings.finding import WARNING, Action, Finding, Money, percent
from insights.findings.statistics import Ratio, discoveries, log_ratio, stratified_ratio, trend

KIND = "fatigue"
LEAST_DAYS = 6
LEAST_IMPRESSIONS, LEAST_CLICKS = 1_000, 40
# In either third of its days that are compared.
LEAST_OF_THIRD = 200
# Of all that it says, the share that is chance.
FALSE_ALARMS = 0.05
# The late rate is at most this share of the early one.
LEAST_FALL = 0.8


@dataclass(frozen=True, slots=True)
class Showings:
    """One ad: ``shown`` and ``clicked`` [s, d] over strata (device and title) and days, oldest first, all days of it without gaps; ``others_*``
    alike [s, d] of every other ad. ``per_click`` micros were charged for a click, 0 where clicks are not what is paid for. ``others_left``
    are approved ads of its flight beside it. How often a viewer had met it is not in the rollups; the days stand in for it."""

    ad: int
    name: str
    flight: int
    campaign: int
    shown: Floats
    clicked: Floats
    others_shown: Floats
    others_clicked: Floats
    per_click: float
    others_left: int
    until: datetime
    synthetic: float | None = None


@dataclass(frozen=True, slots=True)
class _Fall:
    showings: Showings
    p: float
    own: Ratio
    beside: Ratio


def find(ads: Sequence[Showings], currency: str) -> list[Finding]:
    """Beyond chance by a test of trend over the days, and by the interval of late over early beside that of the other ads."""
    judged = [found for one in ads if enough(one) and (found := _judge(one)) is not None]
    told = discoveries([one.p for one in judged], rate=FALSE_ALARMS)
    return [
        _finding(one, currency)
        for one, is_told in zip(judged, told, strict=True)
        if is_told and one.beside.value <= LEAST_FALL and one.beside.high < 1
    ]


def enough(one: Showings) -> bool:
    by_day = one.shown.sum(axis=0)
    third = len(by_day) // 3
    return (
        int((by_day > 0).sum()) >= LEAST_DAYS
        and by_day.sum() >= LEAST_IMPRESSIONS
        and one.clicked.sum() >= LEAST_CLICKS
        and min(by_day[:third].sum(), by_day[-third:].sum()) >= LEAST_OF_THIRD
    )


def _judge(one: Showings) -> _Fall | None:
    own, others = _late_over_early(one.clicked, one.shown), _late_over_early(one.others_clicked, one.others_shown)
    if own is None:
        return None
    beside = own if others is None else log_ratio(math.log(own.value / others.value), math.hypot(own.error, others.error))
    return _Fall(one, trend(one.clicked, one.shown), own, beside)


def _late_over_early(clicked: Floats, shown: Floats) -> Ratio | None:
    third = shown.shape[1] // 3
    early, late = slice(0, third), slice(shown.shape[1] - third, None)
    return stratified_ratio(clicked[:, late].sum(axis=1), shown[:, late].sum(axis=1), clicked[:, early].sum(axis=1), shown[:, early].sum(axis=1))


def _finding(fall: _Fall, currency: str) -> Finding:
    one, days = fall.showings, fall.showings.shown.shape[1]
    third = days // 3
    early, late = _rate(one, slice(0, third)), _rate(one, slice(days - third, None))
    lost = max(0.0, float(one.shown[:, -third:].sum()) * late * (1 / fall.beside.value - 1))
    return Finding(
        kind=KIND,
        key=f"{KIND}:ad-{one.ad}",
        subject=one.name,
        words=f"{one.name} wears out: {percent(late)} of its impressions are clicked, {percent(early)} were in its first {third} days",
        detail=f"On like devices and titles its click rate is {fall.own.value:.2f} times what it was [{fall.own.low:.2f}, {fall.own.high:.2f}]; "
        f"beside what all other ads did meanwhile {fall.beside.value:.2f} times [{fall.beside.low:.2f}, {fall.beside.high:.2f}]. It falls over "
        f"{days} days, p = {fall.p:.2g}; {one.shown.sum():,.0f} impressions, {one.clicked.sum():,.0f} clicks. How often each viewer had met it is "
        "not counted here.",
        recommend="Replace it with a new creative"
        + (f"; the {one.others_left} other approved of its flight can go on alone." if one.others_left else "; its flight has no other."),
        severity=WARNING,
        since=one.until - timedelta(days=days),
        until=one.until,
        link=f"/live/?campaign={one.campaign}",
        rows=f"ads_ad/{one.ad}",
        money=Money(
            round(lost * one.per_click),
            f"{lost:,.0f} clicks fewer than at its early rate in the last {third} days, at {one.per_click / 1e6:,.4f} {currency} each.",
        )
        if one.per_click
        else Money(None, "It is not paid by the click; a worn-out ad costs the advertiser, not this house."),
        action=Action("ad_reject", {"ad": one.ad}) if one.others_left else None,
        evidence={
            "early": early, "late": late, "ratio": fall.beside.value, "low": fall.beside.low, "high": fall.beside.high, "p": fall.p, "days": days,
            "shown": np.asarray(one.shown).sum(axis=0).tolist(), "clicked": np.asarray(one.clicked).sum(axis=0).tolist(),
        },
        synthetic=one.synthetic,
    )  # fmt: skip


def _rate(one: Showings, days: slice) -> float:
    return float(one.clicked[:, days].sum() / max(1.0, one.shown[:, days].sum()))
