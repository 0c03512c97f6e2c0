"""A scene that loses more viewers than scenes at a like place of films of like length. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engagement.retention.intervals import Share, difference
from insights.findings.finding import CRITICAL, WARNING, Finding, Money, percent
from insights.findings.statistics import discoveries, higher_than

KIND = "retention"
DAYS = 14
LEAST_STARTS, LEAST_LEFT = 100, 10
LEAST_LIKE, LEAST_TITLES = 200, 2
FALSE_ALARMS = 0.05
# Of those who began it, at least this share more must leave than elsewhere.
LEAST_EXCESS = 0.03


@dataclass(frozen=True, slots=True)
class SceneLosses:
    """``left`` of those who began the scene, beside ``usual`` of ``titles`` others. ``place`` is how far into the film it stands, 0-1;
    ``per_session`` micros a viewing of the title brings in ads."""

    scene: int
    name: str
    title: int
    slug: str
    title_name: str
    place: float
    left: Share
    usual: Share
    titles: int
    per_session: float
    until: datetime
    synthetic: float | None = None


def find(scenes: Sequence[SceneLosses], currency: str) -> list[Finding]:
    judged = [one for one in scenes if enough(one)]
    chance = [higher_than(one.left.count, one.left.of, one.usual.count, one.usual.of) for one in judged]
    told = discoveries(chance, rate=FALSE_ALARMS)
    return [found for one, is_told in zip(judged, told, strict=True) if is_told and (found := _finding(one, currency)) is not None]


def enough(one: SceneLosses) -> bool:
    return one.left.of >= LEAST_STARTS and one.left.count >= LEAST_LEFT and one.usual.of >= LEAST_LIKE and one.titles >= LEAST_TITLES


def _finding(one: SceneLosses, currency: str) -> Finding | None:
    more = difference(one.left, one.usual)
    if more is None or more.low <= 0 or more.value < LEAST_EXCESS:
        return None
    lost = more.value * one.left.of
    ahead = 1 - one.place
    return Finding(
        kind=KIND,
        key=f"{KIND}:scene-{one.scene}",
        subject=f"{one.title_name} / {one.name}",
        words=f"{one.title_name}: {percent(one.left.value or 0)} leave in {one.name}, {percent(one.usual.value or 0)} at a like place of other films",
        detail=f"{one.left.count:,} of {one.left.of:,} viewings ended in it in {DAYS} days, {percent(more.value)} more [{more.low * 100:.1f}, "
        f"{more.high * 100:.1f}] than of {one.usual.of:,} viewings of like scenes in {one.titles} films of like length: {lost:,.0f} viewers.",
        recommend="Look at its retention curve; a tighter cut of it, or a break that stands elsewhere, may hold them.",
        severity=CRITICAL if more.low >= 0.1 else WARNING,
        since=one.until - timedelta(days=DAYS),
        until=one.until,
        link=f"/live/titles/{one.slug}/",
        rows=f"catalog_scene/{one.scene}",
        money=Money(
            round(lost * one.per_session * ahead),
            f"{lost:,.0f} viewings lost, {one.per_session / 1e6:,.4f} {currency} of ads a viewing, {ahead * 100:.0f} % of the film still to come.",
        ),
        evidence={
            "left": one.left.count, "starts": one.left.of, "usual_left": one.usual.count, "usual_starts": one.usual.of, "more": more.value,
            "low": more.low, "high": more.high,
        },
        synthetic=one.synthetic,
    )  # fmt: skip
