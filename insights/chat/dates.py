"""Periods in words. A fixed grammar over UTC days; the clock is an argument; anything else stays unread and is asked about."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta

from insights.semantic.query import Period

DAY = timedelta(days=1)
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"), ("may",), ("june", "jun"), ("july", "jul"),
            ("august", "aug"), ("september", "sep", "sept"), ("october", "oct"), ("november", "nov"), ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            ("monday", "mon"), ("tuesday", "tue", "tues"), ("wednesday", "wed"), ("thursday", "thu", "thurs"), ("friday", "fri"),
            ("saturday", "sat"), ("sunday",),
        )
    )
    for name in names
}  # fmt: skip
_NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
NUMBERS = {name: number for number, name in enumerate(_NUMBER_WORDS.split(), start=1)}
LEADS = frozenset({"in", "on", "during", "for", "over", "within", "at", "from"})
UNITS = frozenset({"hour", "day", "week", "month", "quarter", "year"})
LAST, THIS = frozenset({"last", "past", "previous", "prior"}), frozenset({"this", "current"})
_OTHER_WORDS = "today yesterday tomorrow since between until before after ever date hours days weeks months years"
# Every word the grammar knows, for typo repair.
VOCABULARY = frozenset(_OTHER_WORDS.split()) | frozenset(MONTHS) | frozenset(WEEKDAYS) | frozenset(NUMBERS) | LEADS | UNITS | LAST | THIS


@dataclass(frozen=True)
class Found:
    """A period said by the words ``[first, last)``. ``future``: it lies wholly ahead, where nothing is measured yet."""

    period: Period
    first: int
    last: int
    future: bool = False


@dataclass(frozen=True)
class _Span:
    """A stretch of whole days, before it has its label."""

    start: datetime | None
    end: datetime | None
    said: str
    length: int


Rule = Callable[[Sequence[str], int, datetime], _Span | None]


def find_periods(tokens: Sequence[str], *, now: datetime) -> list[Found]:
    """Every period said in ``tokens`` (lower-case words), left to right, not overlapping."""
    moment = now.astimezone(UTC)
    found: list[Found] = []
    index = 0
    while index < len(tokens):
        read = _read(tokens, index, moment)
        if read is None:
            index += 1
            continue
        found.append(read)
        index = read.last
    return found


def _read(words: Sequence[str], at: int, now: datetime) -> Found | None:
    """A period that begins at ``at``, with or without a leading ``in``, ``during the`` and the like."""
    lead = 1 if words[at] in LEADS else 0
    lead += 1 if _word(words, at + lead) == "the" else 0
    for skip in dict.fromkeys((0, lead)):
        for rule in (_range, _since, _until, _everything):
            if span := rule(words, at + skip, now):
                return _found(span, at, skip, now)
    span = _single(words, at + lead, now, led=bool(lead))
    return _found(span, at, lead, now) if span else None


def _found(span: _Span, at: int, lead: int, now: datetime) -> Found:
    future = span.start is not None and span.start > now
    return Found(Period(start=span.start, end=span.end, label=label(span.said, span.start, span.end, now)), at, at + lead + span.length, future)


def label(said: str, start: datetime | None, end: datetime | None, now: datetime) -> str:
    """How the period was said with its dates, both days included; a period still running says so."""
    if start is None and end is None:
        return said
    if (start and _hourly(start)) or (end and _hourly(end)):
        return f"{said} ({start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC)"
    last = (end - DAY) if end else None
    running = " so far" if end and end > now and (start is None or start <= now) else ""
    if start is None:
        return f"{said} (to {last:%Y-%m-%d}, UTC)"
    if last is None:
        return f"{said} (from {start:%Y-%m-%d}, UTC)"
    dates = f"{start:%Y-%m-%d}" if start == last else f"{start:%Y-%m-%d} to {last:%Y-%m-%d}"
    return f"{said}{running} ({dates}, UTC)" if said != dates else f"{dates} (UTC)"


def _hourly(moment: datetime) -> bool:
    return (moment.hour, moment.minute) != (0, 0)


# Rules: each reads words from ``at`` and gives a span, or None.


def _single(words: Sequence[str], at: int, now: datetime, *, led: bool = False) -> _Span | None:
    return _named_day(words, at, now) or _last_n(words, at, now) or _last_or_this(words, at, now) or _date(words, at, now) or _month(
        words, at, now, led=led
    ) or _quarter(words, at, now) or _weekday(words, at, now) or _year(words, at, now)  # fmt: skip


def _day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""


def _named_day(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    today = _day(now)
    if [*words[at : at + 4]] == ["day", "before", "yesterday"] or [*words[at : at + 3]] == ["day", "before", "yesterday"]:
        return _Span(today - 2 * DAY, today - DAY, "the day before yesterday", 3)
    match _word(words, at):
        case "today":
            return _Span(today, today + DAY, "today", 1)
        case "yesterday":
            return _Span(today - DAY, today, "yesterday", 1)
        case "tomorrow":
            return _Span(today + DAY, today + 2 * DAY, "tomorrow", 1)
    if _word(words, at) == "next" and _word(words, at + 1) in UNITS:
        return _Span(now + timedelta(hours=1), now + 366 * DAY, f"next {words[at + 1]}", 2)
    return None


def _number(word: str) -> int | None:
    if word.isdecimal() and 0 < int(word) <= 3660:
        return int(word)
    return NUMBERS.get(word)


def _last_n(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    """``last 7 days``: seven complete days, so without today; ``last 24 hours``: up to the last full hour."""
    if _word(words, at) not in LAST:
        return None
    count, unit = _number(_word(words, at + 1)), _word(words, at + 2).removesuffix("s")
    if count is None or unit not in UNITS:
        return None
    today = _day(now)
    said = f"last {count} {unit}{'' if count == 1 else 's'}"
    match unit:
        case "hour":
            end = now.replace(minute=0, second=0, microsecond=0)
            return _Span(end - timedelta(hours=count), end, said, 3)
        case "day":
            return _Span(today - count * DAY, today, said, 3)
        case "week":
            monday = today - today.weekday() * DAY
            return _Span(monday - 7 * count * DAY, monday, said, 3)
        case "month" | "quarter" | "year":
            months = {"month": 1, "quarter": 3, "year": 12}[unit]
            end = _unit_start(today, unit)
            return _Span(_add_months(end, -months * count), end, said, 3)
    return None


def _unit_start(today: datetime, unit: str) -> datetime:
    match unit:
        case "week":
            return today - today.weekday() * DAY
        case "quarter":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return today.replace(month=1, day=1)
    return today.replace(day=1)


def _add_months(day: datetime, months: int) -> datetime:
    index = max(12, day.year * 12 + day.month - 1 + months)  # no calendar goes back beyond the year 1
    return day.replace(year=index // 12, month=index % 12 + 1, day=1)


def _next_unit(start: datetime, unit: str) -> datetime:
    if unit == "week":
        return start + 7 * DAY
    return _add_months(start, {"month": 1, "quarter": 3, "year": 12}[unit])


def _last_or_this(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    which, unit = _word(words, at), _word(words, at + 1)
    if unit not in UNITS - {"hour", "day"}:
        return None
    start = _unit_start(_day(now), unit)
    if which in THIS:
        return _Span(start, _next_unit(start, unit), f"this {unit}", 2)
    if which in LAST:
        before = start - 7 * DAY if unit == "week" else _add_months(start, -{"month": 1, "quarter": 3, "year": 12}[unit])
        return _Span(before, start, f"last {unit}", 2)
    return None


def _make(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None


def _day_number(word: str) -> int | None:
    match = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", word)
    return int(match.group(1)) if match else None


def _year_number(word: str) -> int | None:
    return int(word) if re.fullmatch(r"20\d{2}", word) else None


def _date(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    """2026-11-03; 3 November [2026]; November 3rd [2026]; without a year the latest one that is not ahead."""
    first, second, third = (_word(words, at + offset) for offset in range(3))
    if match := re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", first):
        return _one_day(_make(*(int(part) for part in match.groups())), 1)
    for day_word, month_word in ((first, second), (second, first)):
        number, month = _day_number(day_word), MONTHS.get(month_word)
        if number is None or month is None:
            continue
        if year := _year_number(third):
            return _one_day(_make(year, month, number), 3)
        this_year = _make(now.year, month, number)
        return _one_day(this_year if this_year and this_year <= now else _make(now.year - 1, month, number), 2)
    return None


def _one_day(day: datetime | None, length: int) -> _Span | None:
    return _Span(day, day + DAY, f"{day:%Y-%m-%d}", length) if day and day.year < MAXYEAR else None


def _month(words: Sequence[str], at: int, now: datetime, *, led: bool) -> _Span | None:
    """March; March 2026. ``may`` and ``mar`` alone are no month unless something before says so."""
    word = _word(words, at)
    month, year = MONTHS.get(word), _year_number(_word(words, at + 1))
    if month is None or (word in ("may", "mar") and not (led or year)):
        return None
    start = datetime(year or (now.year if month <= now.month else now.year - 1), month, 1, tzinfo=UTC)
    return _Span(start, _add_months(start, 1), f"{start:%B %Y}", 2 if year else 1)


def _quarter(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    """q3; q3 2026. The tokeniser splits letters from digits, so ``q`` and ``3`` come as two words."""
    if _word(words, at) != "q" or _word(words, at + 1) not in ("1", "2", "3", "4"):
        return None
    quarter, year = int(words[at + 1]), _year_number(_word(words, at + 2))
    this_year = datetime(now.year, 3 * quarter - 2, 1, tzinfo=UTC)
    start = this_year.replace(year=year) if year else (this_year if this_year <= now else this_year.replace(year=now.year - 1))
    return _Span(start, _add_months(start, 3), f"Q{quarter} {start.year}", 3 if year else 2)


def _weekday(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    skip = 1 if _word(words, at) in LAST else 0
    word = _word(words, at + skip)
    if word not in WEEKDAYS or (word in ("mon", "sat", "wed", "fri", "tue", "thu") and not skip):
        return None
    today = _day(now)
    back = (today.weekday() - WEEKDAYS[word]) % 7 or 7
    day = today - back * DAY
    return _Span(day, day + DAY, f"{day:%A}", 1 + skip)


def _year(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    year = _year_number(_word(words, at))
    if year is None:
        return None
    start = datetime(year, 1, 1, tzinfo=UTC)
    return _Span(start, _add_months(start, 12), str(year), 1)


def _since(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    if _word(words, at) not in ("since", "from", "after"):
        return None
    skip = 2 if _word(words, at + 1) == "the" else 1
    span = _single(words, at + skip, now, led=True)
    if span is None or span.start is None:
        return None
    if words[at] == "from" and _word(words, at + skip + span.length) not in ("on", "onwards", "onward"):
        return None
    onwards = 1 if words[at] == "from" else 0
    start = span.end if words[at] == "after" else span.start
    tomorrow = _day(now) + DAY
    if start is None or start >= tomorrow:
        return _Span(now + DAY, now + 2 * DAY, "a time ahead", skip + span.length + onwards)
    return _Span(start, tomorrow, f"since {span.said}" if words[at] != "after" else f"after {span.said}", skip + span.length + onwards)


def _until(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    if _word(words, at) not in ("until", "till", "before"):
        return None
    span = _single(words, at + 1, now, led=True)
    if span is None:
        return None
    return _Span(None, span.start if words[at] == "before" else span.end, f"{words[at]} {span.said}", 1 + span.length)


def _range(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    """from A to B; between A and B; A to B. Both days included."""
    opener = _word(words, at)
    skip = 1 if opener in ("from", "between") else 0
    first = _single(words, at + skip, now, led=bool(skip))
    if first is None or first.start is None:
        return None
    middle = at + skip + first.length
    if _word(words, middle) not in (("and",) if opener == "between" else ("to", "until", "till", "through", "-")):
        return None
    second = _single(words, middle + 1, now, led=True)
    if second is None or second.end is None or second.end <= first.start:
        return None
    said = f"{first.said} to {second.said}"
    return _Span(first.start, second.end, said, skip + first.length + 1 + second.length)


def _everything(words: Sequence[str], at: int, now: datetime) -> _Span | None:
    del now
    for phrase in (("all", "time"), ("of", "all", "time"), ("to", "date"), ("so", "far"), ("in", "total"), ("ever",), ("lifetime",)):
        if tuple(words[at : at + len(phrase)]) == phrase:
            return _Span(None, None, "all time", len(phrase))
    return None
