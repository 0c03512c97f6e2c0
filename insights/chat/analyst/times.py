"""The period, what it is compared with, and hours or weekdays of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from insights.chat import dates
from insights.chat.dates import Found, Relative
from insights.chat.reading import Choice
from insights.chat.tagging import Tag, Tagged
from insights.chat.vocabulary import Meaning, Vocabulary
from insights.semantic.query import Period

from .guard import ahead
from .says import ask


@dataclass(frozen=True)
class Times:
    """``period`` None: none was said. ``relative`` waits for a period to be relative to."""

    period: Period | None = None
    baseline: Period | None = None
    relative: Relative | None = None
    hours: tuple[int, int] | None = None


def read(tagged: Tagged, now: datetime, *, editing: bool = False) -> Times:
    """``editing``: a lone period to compare with is left without one to compare, which is then the previous question's. Raises Stop."""
    said = [tag for tag in tagged.of("period") if tag.period]
    hours = [tag.period.hours for tag in said if tag.period and tag.period.hours]
    found = [tag for tag in said if tag.period and not tag.period.hours]
    dated = [tag for tag in found if _found(tag).period.start or _found(tag).period.end]
    if any(_found(tag).future for tag in dated):
        raise ahead()
    if len(hours) > 1:
        raise ask("I can take one part of the day at a time. Which one?")
    relatives = [tag.relative for tag in tagged.of("relative") if tag.relative]
    period, baseline = _two(tagged, dated, now, editing=editing)
    if period is None and not dated and found:
        period = _found(found[0]).period
    if baseline is None and relatives and dated and period is None:
        period = _found(dated[0]).period
    relative = relatives[0] if relatives and baseline is None else None
    if period is None and baseline is None and dated:
        period = _found(dated[0]).period
    return Times(period, baseline, relative, hours[0] if hours else None)


def _found(tag: Tag) -> Found:
    assert tag.period is not None  # noqa: S101 - a tag of this kind has one
    return tag.period


def _two(tagged: Tagged, dated: list[Tag], now: datetime, *, editing: bool) -> tuple[Period | None, Period | None]:
    """(period, baseline) of the periods said; of two the later one is the period."""
    if len(dated) == 1:
        only = _found(dated[0])
        if _is_base(tagged, dated[0]):
            return (None if editing else running_unit(only.period, now)), only.period
        return only.period, None
    if len(dated) == 2:
        one, other = dated
        if _held_against(tagged, one, other):
            first, second = _found(one).period, _found(other).period
            later = max((first, second), key=lambda period: (period.start or datetime.min.replace(tzinfo=now.tzinfo), period.end or now))
            if tagged.word(other.first) in ("previous", "prior", "preceding") and (base := _relative_to(tagged, other, first, now)):
                return first, base
            return later, second if later is first else first
    if len(dated) > 1:
        choices = tuple(
            Choice(
                _found(tag).period.label,
                tagged.without(
                    [other for other in [*dated, *tagged.of("operator")] if other is not tag and (other in dated or other.name == "compare")]
                ),
            )
            for tag in dated
        )
        raise ask("I can take one period, or hold two against each other. Which one?", choices)
    return None, None


def _relative_to(tagged: Tagged, tag: Tag, period: Period, now: datetime) -> Period | None:
    """``the previous month`` beside another period is the one before that period, not before today."""
    unit = tagged.word(tag.last - 1)
    known = dates.unit_of(period)
    return dates.compared_with(period, Relative(known, tag.first, tag.last), now) if known and unit.startswith(known) else None


def _held_against(tagged: Tagged, one: Tag, other: Tag) -> bool:
    if tagged.operators() & {"compare", "change", "difference", "why"}:
        return True
    return all(tagged.word(index) in ("and", "or", "with", "to") for index in range(one.last, other.first)) and one.last < other.first


def _is_base(tagged: Tagged, tag: Tag) -> bool:
    """A lone period that something is compared with: ``higher than last week``, ``compared with June``, ``up on last week``."""
    operators = tagged.operators()
    if not operators & {"compare", "change", "why"}:
        return False
    first = tagged.word(tag.first)
    before = tagged.word(tag.first - 1)
    if before == "the":
        before = tagged.word(tag.first - 2)
    if before in ("than", "vs", "versus", "against") or (first == "since" and _found(tag).kind == "single"):
        return True
    compares = any(one.name == "compare" and one.last == tag.first for one in tagged.of("operator"))
    if compares or (before in ("with", "to") and "compare" in operators):
        return True
    whole_unit = dates.unit_of(_found(tag).period) in ("week", "month", "quarter", "year")
    if "change" in operators and first in ("on", "over", "from") and whole_unit and tagged.word(tag.first + 1) in ("last", "the", "previous"):
        return (
            tagged.word(tag.first + 2 if tagged.word(tag.first + 1) == "the" else tag.first + 1) in ("last", "previous", "prior", "week", "month")
            and first != "over"
        )
    return False


def running_unit(base: Period, now: datetime) -> Period:
    """What ``compared with last week`` is about: this week. Raises Stop where it could be anything."""
    unit = dates.unit_of(base)
    if unit is None or unit == "hour":
        raise ask("Which period should I compare with that one? Name both, for example: this week compared with last week.")
    words = ["today"] if unit == "day" else ["this", unit]
    [found] = dates.find_periods(words, now=now)
    if base.start and found.period.start and base.start >= found.period.start:
        raise ask("Which period should I compare with that one? Name both, for example: this week compared with last week.")
    return found.period


def usual(now: datetime) -> Period:
    """The period of a change when none was said: the last seven whole days."""
    [found] = dates.find_periods(["last", "7", "days"], now=now)
    return found.period.model_copy(update={"label": f"{found.period.label}, as no period was named"})


def with_relative(period: Period | None, relative: Relative, now: datetime) -> tuple[Period, Period]:
    """The period and what it is compared with. Without a period said: the last whole one of the unit that was named."""
    if period is None:
        unit = relative.how if relative.how in ("day", "week", "month", "quarter", "year") else "week"
        words = ["yesterday"] if unit == "day" else ["this", "year"] if unit == "year" else ["last", unit]
        period = dates.find_periods(words, now=now)[0].period
        period = dates.running_part(period, now, hours=False)
    base = dates.compared_with(period, relative, now)
    if base is None:
        raise ask("All time has no period before it. Which period should I compare?")
    return period, base


def that_time(relative: Relative, tagged: Tagged, now: datetime) -> Period | None:
    """``the same day last year`` said alone is that day; ``year over year`` still compares."""
    unit = next((tagged.word(index + 1) for index in range(relative.first, relative.last) if tagged.word(index) == "same"), "")
    words = ["today"] if unit == "day" else ["this", unit]
    found = dates.find_periods(words, now=now) if unit in ("day", "week", "month", "quarter") else []
    return dates.compared_with(found[0].period, relative, now) if found else None


def before(period: Period, now: datetime, *, hours: bool) -> tuple[Period, Period]:
    """What is over of the period, and the one of the same length before it. Raises Stop for an unbounded period."""
    over = dates.running_part(period, now, hours=hours)
    base = dates.before(over, now)
    if base is None:
        raise ask("A change needs a period with a start, such as yesterday, last week or since a date. Which one?")
    return over, base


def hours_filter(vocabulary: Vocabulary, hours: tuple[int, int]) -> list[Meaning]:
    known = vocabulary.model.dimensions["hour_of_day"].values
    return [Meaning("value", "hour_of_day", str(hour), known[str(hour)][0] if known.get(str(hour)) else f"{hour:02}:00") for hour in range(*hours)]
