"""The buckets of a trend: where one starts, which of them are recorded, and which of two periods lie over each other. Pure; all times UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .model import Grain
from .query import Period

WIDTH: dict[Grain, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Recorded:
    """From the first moment with figures to the last that is known to be complete or to hold one, both included."""

    first: datetime
    last: datetime


@dataclass(frozen=True)
class Axis:
    """``count`` buckets one after the other, the first starting at ``first``."""

    grain: Grain
    first: datetime
    count: int

    @property
    def last(self) -> datetime:
        return after(self.first, self.grain, self.count - 1)

    def buckets(self) -> list[datetime]:
        return [after(self.first, self.grain, number) for number in range(self.count)]


def floor(moment: datetime, grain: Grain) -> datetime:
    """The start of the UTC hour, day, ISO week or month of ``moment``, as PostgreSQL's date_trunc has it."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if grain == "hour":
        return hour
    day = hour.replace(hour=0)
    if grain == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if grain == "month" else day


def after(bucket: datetime, grain: Grain, number: int) -> datetime:
    """The start of the bucket ``number`` further on, or back."""
    if grain != "month":
        return bucket + number * WIDTH[grain]
    years, month = divmod(bucket.month - 1 + number, 12)
    return bucket.replace(year=bucket.year + years, month=month + 1)


def between(first: datetime, last: datetime, grain: Grain) -> int:
    """How many buckets ``last`` lies after ``first``; both are starts of buckets."""
    if grain == "month":
        return (last.year - first.year) * 12 + last.month - first.month
    return (last - first) // WIDTH[grain]


def whole(period: Period, grain: Grain) -> Axis | None:
    """Every bucket that a period with two ends touches."""
    if period.start is None or period.end is None:
        return None
    return _axis(period.start, period.end - TICK, grain)


def recorded_part(period: Period, grain: Grain, recorded: Recorded) -> Axis | None:
    """The buckets of the period in which something could have been recorded; None where there is none.

    Nothing before the first figure: that nothing was counted then is not known to be zero. Nothing after the last, for the same reason.
    """
    first = max(period.start, recorded.first) if period.start else recorded.first
    last = min(period.end - TICK, recorded.last) if period.end else recorded.last
    return _axis(first, last, grain) if first <= last or floor(first, grain) <= floor(last, grain) else None


def _axis(first: datetime, last: datetime, grain: Grain) -> Axis:
    start = floor(first, grain)
    return Axis(grain, start, between(start, floor(last, grain), grain) + 1)


def moved(axis: Axis, by: int) -> Axis:
    """The same buckets ``by`` further on."""
    return Axis(axis.grain, after(axis.first, axis.grain, by), axis.count)
