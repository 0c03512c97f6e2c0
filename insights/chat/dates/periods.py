"""Whole periods: single ones, ranges, open ends, and hours of a day that is named beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from insights.semantic.query import Period

from .single import single
from .words import DAY, DAYPARTS, HOUR, LAST, LEADS, MONTHS, THIS, WEEKDAYS, Span, day_number, day_of, hour_of, unit, word


@dataclass(frozen=True)
class Found:
    """A period said by the words ``[first, last)``. ``future``: it lies wholly ahead, where nothing is measured yet. ``kind`` is the rule that
    read it: single, range, since, until, everything, hours (of every day: then ``hours`` holds first and the one after the last)."""

    period: Period
    first: int
    last: int
    future: bool = False
    kind: str = "single"
    hours: tuple[int, int] | None = None


Rule = Callable[[Sequence[str], int, datetime], Span | None]


def find_periods(tokens: Sequence[str], *, now: datetime) -> list[Found]:
    """Every period said in ``tokens`` (lower-case words), left to right, not overlapping."""
    moment = now.astimezone(UTC)
    found: list[Found] = []
    index = 0
    while index < len(tokens):
        try:
            read = _read(tokens, index, moment)
        except (OverflowError, ValueError):
            read = None  # a year outside of any calendar: the words stay unread and are asked about
        if read is None:
            index += 1
            continue
        found.append(read)
        index = read.last
    return _joined(found, tokens, moment)


def _read(words: Sequence[str], at: int, now: datetime) -> Found | None:
    """A period that begins at ``at``, with or without a leading ``in``, ``during the`` and the like."""
    lead = 1 if words[at] in LEADS else 0
    lead += 1 if word(words, at + lead) == "the" else 0
    if hours := _hours(words, at):
        return Found(Period(label=_clock(*hours[0])), at, at + hours[1], kind="hours", hours=hours[0])
    for skip in dict.fromkeys((0, lead)):
        for name, rule in (("range", _range), ("since", _since), ("until", _until), ("everything", _everything)):
            if span := rule(words, at + skip, now):
                return _found(span, at, skip, now, name)
    if special := _part_of_day(words, at + lead, now):
        return _found(special, at, lead, now, "single")
    span = single(words, at + lead, now, led=bool(lead))
    return _found(span, at, lead, now, "single") if span else None


def _found(span: Span, at: int, lead: int, now: datetime, kind: str) -> Found:
    future = span.start is not None and span.start > now
    period = Period(start=span.start, end=span.end, label=label(span.said, span.start, span.end, now))
    return Found(period, at, at + lead + span.length, future, kind)


def label(said: str, start: datetime | None, end: datetime | None, now: datetime) -> str:
    """How the period was said with its dates, both days included; a period still running says so."""
    if start is None and end is None:
        return said
    if (start and _hourly(start)) or (end and _hourly(end)):
        first, last = (f"{moment:%Y-%m-%d %H:%M}" if moment else "" for moment in (start, end))
        return f"{said} ({first} to {last} UTC)" if first and last else f"{said} ({'from ' + first if first else 'to ' + last} UTC)"
    last_day = (end - DAY) if end else None
    running = " so far" if end and end > now and (start is None or start <= now) else ""
    if start is None:
        return f"{said} (to {last_day:%Y-%m-%d}, UTC)"
    if last_day is None:
        return f"{said} (from {start:%Y-%m-%d}, UTC)"
    dates = f"{start:%Y-%m-%d}" if start == last_day else f"{start:%Y-%m-%d} to {last_day:%Y-%m-%d}"
    return f"{said}{running} ({dates}, UTC)" if said != dates else f"{dates} (UTC)"


def _hourly(moment: datetime) -> bool:
    return (moment.hour, moment.minute) != (0, 0)


def _clock(first: int, last: int) -> str:
    return f"{first:02}:00 to {last:02}:00 UTC"


def _hour(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """``20:00``, ``8 pm``, ``noon``: the hour and the number of words."""
    said, after = word(words, at), word(words, at + 1)
    if match := re.fullmatch(r"(\d{1,2}):00", said):
        return (int(match.group(1)), 2 if after == "utc" else 1) if int(match.group(1)) <= 24 else None
    if said in ("noon", "midday"):
        return 12, 1
    if said == "midnight":
        return 0, 1
    if said.isdecimal() and 1 <= int(said) <= 12 and after in ("am", "pm"):
        return int(said) % 12 + (12 if after == "pm" else 0), 2
    return None


def _hours(words: Sequence[str], at: int) -> tuple[tuple[int, int], int] | None:
    """Hours of a day: ``at 20:00``, ``between 6 pm and 10 pm``, ``from 18:00 to 22:00``, ``in the evening``."""
    opener = word(words, at)
    skip = 1 if opener in ("at", "between", "from", "around") else 0
    first = _hour(words, at + skip)
    if first is None:
        parts = {part + ending: hours for part, hours in DAYPARTS.items() for ending in ("", "s")}
        lead = 2 if [*words[at : at + 2]] in (["in", "the"], ["during", "the"]) else 1 if opener == "at" else 0
        said = word(words, at + lead)
        return (parts[said], lead + 1) if said in parts and (lead or said.endswith("s")) else None
    middle = at + skip + first[1]
    if word(words, middle) in ("and", "to", "until", "till", "-") and (second := _hour(words, middle + 1)):
        end = second[0] or 24
        return ((first[0], end), skip + first[1] + 1 + second[1]) if end > first[0] else None
    return ((first[0], first[0] + 1), skip + first[1]) if first[0] < 24 else None


def _part_of_day(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """``this morning``, ``tonight``, ``last night`` (from 18:00 to 06:00)."""
    today, which, part = day_of(now), word(words, at), word(words, at + 1)
    if which == "tonight":
        return Span(today + 18 * HOUR, today + DAY, "tonight", 1)
    if which in LAST and part == "night":
        return Span(today - 6 * HOUR, today + 6 * HOUR, "last night", 2)
    if which in THIS and part in DAYPARTS:
        first, last = DAYPARTS[part]
        return Span(today + first * HOUR, today + last * HOUR, f"this {part}", 2)
    return None


def _joined(found: list[Found], words: Sequence[str], now: datetime) -> list[Found]:
    """A single day beside hours is those hours of that day: ``yesterday evening``, ``at 20:00 on Monday``."""
    parts: list[Found] = []
    for one in found:
        bare = one if one.hours else None
        before = parts[-1] if parts else None
        if bare and before and before.last == one.first and before.hours is None and _one_day(before):
            parts[-1] = _narrowed(before, bare, before.first, bare.last, now)
        elif before and before.hours and before.last == one.first and one.hours is None and _one_day(one):
            parts[-1] = _narrowed(one, before, before.first, one.last, now)
        else:
            parts.append(one)
            if (tail := _daypart_after(one, words)) and _one_day(one):
                parts[-1] = _narrowed(one, tail, one.first, tail.last, now)
    return parts


def _daypart_after(one: Found, words: Sequence[str]) -> Found | None:
    said = word(words, one.last)
    if said not in DAYPARTS:
        return None
    return Found(Period(label=said), one.last, one.last + 1, kind="hours", hours=DAYPARTS[said])


def _one_day(one: Found) -> bool:
    start, end = one.period.start, one.period.end
    return bool(start and end and end - start == DAY and one.kind == "single")


def _narrowed(day: Found, hours: Found, first: int, last: int, now: datetime) -> Found:
    assert day.period.start is not None  # noqa: S101 - it is a single day
    assert hours.hours is not None  # noqa: S101 - it is hours
    start, end = day.period.start + hours.hours[0] * HOUR, day.period.start + hours.hours[1] * HOUR
    said = day.period.label.partition(" (")[0].removesuffix(" so far")
    part = next((f" {name}" for name, bounds in DAYPARTS.items() if bounds == hours.hours and hours.period.label == name), "")
    return Found(Period(start=start, end=end, label=label(said + part, start, end, now)), first, last, start > now)


# Ranges and open ends.


def _since(words: Sequence[str], at: int, now: datetime) -> Span | None:
    if word(words, at) not in ("since", "from", "after"):
        return None
    skip = 2 if word(words, at + 1) == "the" else 1
    if word(words, at + skip) in ("start", "beginning") and word(words, at + skip + 1) == "of":
        return _since_start(words, at, skip + 2, now)
    span = single(words, at + skip, now, led=True)
    if span is None or span.start is None:
        return None
    if words[at] == "from" and word(words, at + skip + span.length) not in ("on", "onwards", "onward"):
        return None
    onwards = 1 if words[at] == "from" else 0
    start = span.end if words[at] == "after" else span.start
    tomorrow = day_of(now) + DAY
    if start is None or start >= tomorrow:
        return Span(now + DAY, now + 2 * DAY, "a time ahead", skip + span.length + onwards)
    return Span(start, tomorrow, f"since {span.said}" if words[at] != "after" else f"after {span.said}", skip + span.length + onwards)


def _since_start(words: Sequence[str], at: int, skip: int, now: datetime) -> Span | None:
    skip += 1 if word(words, at + skip) == "the" else 0
    of = unit(word(words, at + skip))
    named = single(["this", of], 0, now) if of else single(words, at + skip, now, led=True)
    if named is None or named.start is None or named.start > now:
        return None
    return Span(named.start, day_of(now) + DAY, f"since the start of {named.said}", skip + (1 if of else named.length))


def _until(words: Sequence[str], at: int, now: datetime) -> Span | None:
    two = [*words[at : at + 2]] == ["up", "to"]
    if not two and word(words, at) not in ("until", "till", "before", "through"):
        return None
    skip = 2 if two else 1
    skip += 1 if word(words, at + skip) == "the" else 0
    if word(words, at + skip) == "now":
        return Span(None, hour_of(now) + HOUR, "until now", skip + 1)
    span = single(words, at + skip, now, led=True)
    if span is None:
        return None
    return Span(None, span.start if words[at] == "before" else span.end, f"{'until' if two else words[at]} {span.said}", skip + span.length)


def _range(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """from A to B; between A and B; A to B; both days included. The first may leave its month to the second, or the second to the first."""
    opener = word(words, at)
    skip = 1 if opener in ("from", "between") else 0
    skip += 1 if word(words, at + skip) == "the" else 0
    middles = ("and",) if opener == "between" else ("to", "until", "till", "through", "-")
    if short := _short_range(words, at + skip, middles, now):
        return Span(short.start, short.end, short.said, skip + short.length)
    first = single(words, at + skip, now, led=bool(skip))
    if first is None or first.start is None:
        return None
    middle = at + skip + first.length
    if word(words, middle) not in middles:
        return None
    step = 2 if word(words, middle + 1) == "the" else 1
    if word(words, middle + 1) in ("now", "today"):
        tomorrow = day_of(now) + DAY
        return Span(first.start, tomorrow, f"{first.said} to today", skip + first.length + 2) if first.start < tomorrow else None
    second = single(words, middle + step, now, led=True) or _later_day(words, middle + step, first.start)
    if second is None or second.end is None or second.end <= first.start:
        return None
    return Span(first.start, second.end, f"{first.said} to {second.said}", skip + first.length + step + second.length)


def _later_day(words: Sequence[str], at: int, start: datetime) -> Span | None:
    """The ``9`` of ``November 3 to 9``: of the month the range began in."""
    number = day_number(word(words, at))
    if number is None or number <= start.day:
        return None
    try:
        day = start.replace(day=number)
    except ValueError:
        return None
    return Span(day, day + DAY, f"{day:%Y-%m-%d}", 1)


def _short_range(words: Sequence[str], at: int, middles: Sequence[str], now: datetime) -> Span | None:
    """``3rd and the 9th of November``, ``3 - 9 November``, ``3rd to the 9th``: the first day is of the second's month."""
    number = day_number(word(words, at))
    if number is None or word(words, at + 1) in MONTHS or word(words, at + 1) not in middles:
        return None
    step = 3 if word(words, at + 2) == "the" else 2
    second = single(words, at + step, now, led=step == 3 or not word(words, at + step).isdecimal())
    if second is None or second.start is None or second.end is None or second.end - second.start != DAY:
        return None
    if word(words, at + step) in WEEKDAYS or number > second.start.day:
        return None
    start = second.start.replace(day=number)
    return Span(start, second.end, f"{start:%Y-%m-%d} to {second.said}", step + second.length)


def _everything(words: Sequence[str], at: int, now: datetime) -> Span | None:
    del now
    for phrase in (
        ("all", "time"),
        ("of", "all", "time"),
        ("to", "date"),
        ("so", "far"),
        ("in", "total"),
        ("ever",),
        ("lifetime",),
        ("ever", "since"),
    ):
        if tuple(words[at : at + len(phrase)]) == phrase and not (phrase == ("so", "far") and word(words, at + 2) in THIS | {"today"}):
            return Span(None, None, "all time", len(phrase))
    return None
