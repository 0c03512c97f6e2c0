"""Time ranges of the executive page in buckets, and the earlier stretch that each is compared with. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adplatform.eventlog.rollup import truncate

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEEK = timedelta(days=7)
STEPS = {"minute": MINUTE, "hour": HOUR, "day": DAY}
# How long minutes are kept; older ones are gone or on their way out.
MINUTES_KEPT = timedelta(hours=48)
COMPARE = ("previous", "week", "none")


@dataclass(frozen=True)
class Range:
    """``count`` buckets of ``grain``, the running one among them; built anew each ``every`` seconds."""

    name: str
    grain: str
    count: int
    every: float
    words: str

    @property
    def step(self) -> timedelta:
        return STEPS[self.grain]


RANGES = {
    one.name: one
    for one in (
        Range("15m", "minute", 15, 2.0, "last 15 minutes"),
        Range("24h", "hour", 24, 15.0, "last 24 hours"),
        Range("7d", "day", 7, 60.0, "last 7 days"),
        Range("30d", "day", 30, 60.0, "last 30 days"),
    )
}
DEFAULT = "24h"


@dataclass(frozen=True)
class Period:
    """``buckets`` in ascending order, the last one running at ``now``."""

    range: Range
    now: datetime
    buckets: tuple[datetime, ...]

    @property
    def since(self) -> datetime:
        return self.buckets[0]

    @property
    def until(self) -> datetime:
        return self.buckets[-1] + self.range.step


@dataclass(frozen=True)
class Earlier:
    """The stretch [since, until) that a period is compared with, ``behind`` it: whole buckets up to ``running``, and from there as much of one
    more as has passed of the period's running one, as finely as rollups are still kept: to the minute where ``exact``, else to the hour,
    and for minutes not at all. ``kept`` is false where nothing of it is left.
    """

    since: datetime
    running: datetime
    until: datetime
    behind: timedelta
    exact: bool
    kept: bool = True

    @property
    def same(self) -> datetime:
        """Up to where the period itself is compared."""
        return self.until + self.behind


def steps(since: datetime, until: datetime, step: timedelta) -> list[datetime]:
    """The beginnings of the buckets in [since, until)."""
    return [since + step * number for number in range(max(0, (until - since) // step))]


def period(name: str, now: datetime) -> Period:
    chosen = RANGES[name]
    running = truncate(now, chosen.grain)
    return Period(chosen, now, tuple(running - chosen.step * back for back in range(chosen.count - 1, -1, -1)))


def earlier(of: Period, compare: str) -> Earlier | None:
    """None where nothing is compared. Previous is as many buckets as the range has before it, week the same clock seven days before."""
    if compare == "none":
        return None
    chosen = of.range
    behind = WEEK if compare == "week" else chosen.step * chosen.count
    running, then, kept = of.buckets[-1] - behind, of.now - behind, behind < MINUTES_KEPT - HOUR
    exact = chosen.grain == "hour" and kept
    until = truncate(then, "minute") if exact else truncate(then, "hour") if chosen.grain == "day" else running
    return Earlier(of.since - behind, running, until, behind, exact, kept or chosen.grain != "minute")
