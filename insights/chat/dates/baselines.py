"""What a period is compared with: the one before it, or the same one a week, month or year earlier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from insights.semantic.query import Period

from .periods import label
from .words import DAY, HOUR, MONTHS_IN, add_units, day_of, hour_of, same_day, unit, unit_start, word

_SHORT = {"dod": "day", "wow": "week", "mom": "month", "qoq": "quarter", "yoy": "year"}
PREVIOUS = "previous"


@dataclass(frozen=True)
class Relative:
    """A comparison said by the words ``[first, last)`` without naming a period: ``how`` is the unit to go back by, or ``previous``.
    ``same``: the same day or part of that earlier unit was asked for, not the whole of it."""

    how: str
    first: int
    last: int
    same: bool = False


def find_relative(words: Sequence[str], at: int) -> Relative | None:
    """``the month before``, ``the same day last year``, ``a year ago``, ``week over week``, ``the previous period``."""
    start = at
    if word(words, at) in ("than", "with", "to", "against", "vs", "versus", "on", "from"):
        at += 1
    at += 1 if word(words, at) == "the" else 0
    for rule in (_same_period, _unit_before, _over_unit, _earlier):
        if found := rule(words, at):
            how, length, same = found
            return Relative(how, start, at + length, same)
    return None


def _same_period(words: Sequence[str], at: int) -> tuple[str, int, bool] | None:
    """``same day last year``, ``same period of the previous month``, ``same time a year ago``."""
    if word(words, at) != "same" or not (unit(word(words, at + 1)) or word(words, at + 1) in ("period", "time", "weekday")):
        return None
    step = at + 2
    while word(words, step) in ("of", "in", "the", "a", "an"):
        step += 1
    if word(words, step) in ("last", "previous", "prior", "preceding") and (of := unit(word(words, step + 1))):
        return of, step + 2 - at, True
    if (of := unit(word(words, step))) and word(words, step + 1) in ("before", "ago", "earlier"):
        return of, step + 2 - at, True
    return None


def _unit_before(words: Sequence[str], at: int) -> tuple[str, int, bool] | None:
    """``month before``, ``previous period``, ``period before``, ``one before that``."""
    first, second = word(words, at), word(words, at + 1)
    after = word(words, at + 2)
    if second == "before" and (of := unit(first)) and after not in ("last", "yesterday", "previous"):
        return of, 3 if after == "that" else 2, False
    if (first, second) in (("period", "before"), ("one", "before"), ("time", "before")):
        return PREVIOUS, 3 if after == "that" else 2, False
    if first in ("previous", "prior", "preceding", "earlier", "last") and second == "period":
        return PREVIOUS, 2, False
    return None


def _over_unit(words: Sequence[str], at: int) -> tuple[str, int, bool] | None:
    """``week over week``, ``yoy``."""
    if of := _SHORT.get(word(words, at)):
        return of, 1, True
    of = unit(word(words, at))
    if of and word(words, at + 1) in ("over", "on") and unit(word(words, at + 2)) == of:
        return of, 3, True
    if word(words, at) == "period" and word(words, at + 1) in ("over", "on") and word(words, at + 2) == "period":
        return PREVIOUS, 3, False
    return None


def _earlier(words: Sequence[str], at: int) -> tuple[str, int, bool] | None:
    """``a year earlier``, ``a week before``."""
    of = unit(word(words, at + 1))
    if word(words, at) in ("a", "an", "one") and of and word(words, at + 2) in ("earlier", "before", "prior", "previously"):
        return of, 3, True
    return None


def unit_of(period: Period) -> str | None:
    """The calendar unit that a period is exactly one of."""
    start, end = period.start, period.end
    if start is None or end is None:
        return None
    for of in ("day", "week", "month", "quarter", "year"):
        if unit_start(day_of(start), of) == start and add_units(start, of, 1) == end:
            return of
    return "hour" if end - start == HOUR else None


def running_part(period: Period, now: datetime, *, hours: bool) -> Period:
    """What is over of a period that still runs: whole days, or, of a single day, whole hours where ``hours`` are kept."""
    moment = now.astimezone(UTC)
    if period.start is None or period.end is None or period.end <= moment:
        return period
    end = day_of(moment)
    if end <= period.start and hours:
        end = hour_of(moment)
    if end <= period.start:
        return period
    said = period.label.partition(" (")[0].removesuffix(" so far")
    return Period(start=period.start, end=end, label=label(f"{said} up to {'now' if end.hour else 'yesterday'}", period.start, end, moment))


Rule = TypeVar("Rule", bound=Callable[..., Period | None])


def _within_the_calendar(rule: Rule) -> Rule:
    """Nothing to compare with where it would lie outside of any calendar."""

    @wraps(rule)
    def found(*given: Any) -> Period | None:
        try:
            return rule(*given)
        except (OverflowError, ValueError):
            return None

    return cast("Rule", found)


@_within_the_calendar
def before(period: Period, now: datetime) -> Period | None:
    """The period of the same length just before: the same weekday of the week before for a single day, the unit before for a whole unit, and
    for the running part of a month, quarter or year the same days of the one before. None where there is no bounded period."""
    start, end = period.start, period.end
    if start is None or end is None:
        return None
    if end - start <= DAY:
        return _shifted(period, "week", now, f"the {start:%A} before" if end - start == DAY else "the same hours a week before")
    of = unit_of(period)
    if of:
        return _made(add_units(start, of, -1), start, f"the {of} before", now)
    running = next(
        (of for of in ("week", "month", "quarter", "year") if unit_start(day_of(start), of) == start and end - start < _length(of, start)), None
    )
    if running and " up to " in period.label:
        return _shifted(period, running, now, f"the same days of the {running} before")
    return _made(start - (end - start), start, _length_before(start, end), now)


def _length_before(start: datetime, end: datetime) -> str:
    days = (end - start).days
    return f"the {days} days before" if (end - start) == days * DAY else "the same time before"


@_within_the_calendar
def compared_with(period: Period, relative: Relative, now: datetime) -> Period | None:
    """The period that ``relative`` means beside ``period``. None where the period is unbounded."""
    start, end = period.start, period.end
    if start is None or end is None:
        return None
    of = unit_of(period)
    if relative.how == PREVIOUS:
        return _made(add_units(start, of, -1), start, f"the {of} before", now) if of else before(period, now)
    if relative.how == of:
        return _made(add_units(start, of, -1), start, f"the {of} before", now)
    if relative.same or relative.how == "hour":
        what = "day" if of == "day" else of or "period"
        return _shifted(period, relative.how, now, f"the same {what} a {relative.how} earlier")
    if relative.how in ("day", "week", "month", "quarter", "year") and end - start < _length(relative.how, start):
        whole = unit_start(day_of(start), relative.how)
        return _made(add_units(whole, relative.how, -1), whole, f"the {relative.how} before", now)
    return _made(add_units(start, relative.how, -1) if relative.how not in MONTHS_IN else same_day(start, -MONTHS_IN[relative.how]), start,
                 f"the {relative.how} before", now)  # fmt: skip


def _length(of: str, start: datetime) -> timedelta:
    whole = unit_start(day_of(start), of)
    return add_units(whole, of, 1) - whole


def _shifted(period: Period, by: str, now: datetime, said: str) -> Period:
    assert period.start is not None  # noqa: S101 - callers hand in bounded periods
    assert period.end is not None  # noqa: S101
    if by in MONTHS_IN and not (by == "year" and unit_of(period) == "week"):
        months = -MONTHS_IN[by]
        midnight = day_of(period.start)
        start = same_day(midnight, months) + (period.start - midnight)
        of = unit_of(period)
        if of in MONTHS_IN:
            return _made(start, add_units(start, str(of), 1), said, now)
        last = period.end - HOUR
        end = same_day(day_of(last), months) + (last - day_of(last)) + HOUR
        return _made(start, max(end, start + HOUR), said, now)
    if by == "year":
        return _made(period.start - 52 * 7 * DAY, period.end - 52 * 7 * DAY, said, now)  # the same weekdays
    step = {"hour": HOUR, "day": DAY, "week": 7 * DAY}[by]
    return _made(period.start - step, period.end - step, said, now)


def _made(start: datetime, end: datetime, said: str, now: datetime) -> Period:
    return Period(start=start, end=end, label=label(said, start, end, now.astimezone(UTC)))
