"""When a scheduled answer is due. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

Every = Literal["day", "week", "month"]
EVERY: tuple[str, ...] = get_args(Every)


def next_time(every: str, hour: int, *, after: datetime) -> datetime:
    """The first full ``hour`` (UTC) later than ``after``: of a day, of a Monday, of the first of a month."""
    moment = after.astimezone(UTC)
    found = moment.replace(hour=hour, minute=0, second=0, microsecond=0)
    if every == "week":
        found -= timedelta(days=found.weekday())
    elif every == "month":
        found = found.replace(day=1)
    while found <= moment:
        found = _later(found, every)
    return found


def _later(moment: datetime, every: str) -> datetime:
    if every == "month":
        return moment.replace(year=moment.year + moment.month // 12, month=moment.month % 12 + 1)
    return moment + timedelta(days=7 if every == "week" else 1)
