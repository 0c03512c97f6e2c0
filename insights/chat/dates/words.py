"""The words of the calendar, and the arithmetic of its units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
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
_NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
NUMBERS = {name: number for number, name in enumerate(_NUMBER_WORDS.split(), start=1)} | {"thirty": 30, "sixty": 60, "ninety": 90}
LEADS = frozenset({"in", "on", "during", "for", "over", "within", "at", "from", "throughout"})
SHORT_UNITS = {"hr": "hour", "wk": "week", "mth": "month", "mo": "month", "qtr": "quarter", "yr": "year", "d": "day", "h": "hour", "w": "week"}
UNITS = frozenset({"hour", "day", "week", "month", "quarter", "year"})
MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}
LAST, THIS = frozenset({"last", "past", "previous", "prior", "preceding"}), frozenset({"this", "current"})
# Hours of the day that a word stands for: first, and the one after the last.
DAYPARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 24)}
_OTHER_WORDS = """
today yesterday tomorrow since between until before after ever date hours days weeks months years quarters weekend weekends morning
afternoon evening tonight fortnight earlier
"""
# Every word the grammar knows, for typo repair.
VOCABULARY = frozenset(_OTHER_WORDS.split()) | frozenset(MONTHS) | frozenset(WEEKDAYS) | frozenset(NUMBERS) | LEADS | UNITS | LAST | THIS


@dataclass(frozen=True)
class Span:
    """A stretch of time, before it has its label. ``length`` is the number of words it was said in."""

    start: datetime | None
    end: datetime | None
    said: str
    length: int


def word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""


def unit(said: str) -> str | None:
    """``weeks``, ``wk`` and ``wks`` are a week."""
    single = said.removesuffix("s") if said not in ("s",) else said
    single = SHORT_UNITS.get(single, SHORT_UNITS.get(said, single))
    return single if single in UNITS else None


def number(said: str) -> int | None:
    if said.isdecimal() and 0 < int(said) <= 3660:
        return int(said)
    return NUMBERS.get(said)


def day_of(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def hour_of(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def unit_start(day: datetime, of: str) -> datetime:
    match of:
        case "day":
            return day
        case "week":
            return day - day.weekday() * DAY
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
    return day.replace(day=1)


def add_months(day: datetime, months: int) -> datetime:
    """The first of the month so many months on. No calendar goes back beyond the year 1."""
    index = max(12, day.year * 12 + day.month - 1 + months)
    return day.replace(year=index // 12, month=index % 12 + 1, day=1)


def same_day(day: datetime, months: int) -> datetime:
    """The same day of another month, or its last one where it is shorter."""
    first = add_months(day, months)
    return min(first + (day.day - 1) * DAY, add_months(first, 1) - DAY)


def add_units(start: datetime, of: str, count: int) -> datetime:
    """``start`` is the first moment of its unit."""
    if of in MONTHS_IN:
        return add_months(start, MONTHS_IN[of] * count)
    return start + count * {"hour": HOUR, "day": DAY, "week": 7 * DAY}[of]


def make(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None


def day_number(said: str) -> int | None:
    match = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", said)
    return int(match.group(1)) if match else None


def year_number(said: str) -> int | None:
    return int(said) if re.fullmatch(r"20\d{2}", said) else None
