"""Single periods: each rule reads words from ``at`` and gives a span, or None."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import MAXYEAR, UTC, datetime

from .words import (
    DAY,
    HOUR,
    LAST,
    MONTHS,
    THIS,
    UNITS,
    WEEKDAYS,
    Span,
    add_months,
    add_units,
    day_number,
    day_of,
    hour_of,
    make,
    number,
    unit,
    unit_start,
    word,
    year_number,
)

ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}


_TWO: int | None = 2


def single(words: Sequence[str], at: int, now: datetime, *, led: bool = False) -> Span | None:
    for rule in (_named_day, _ahead, _to_date, _before_last, _ago, _last_n, _last_or_this, _weekend, _date, _part_of, _quarter, _weekday, _year):
        if span := rule(words, at, now):
            return span
    return _month(words, at, now, led=led) or (_day_of_month(words, at, now) if led else None)


def _named_day(words: Sequence[str], at: int, now: datetime) -> Span | None:
    today = day_of(now)
    if [*words[at : at + 3]] == ["day", "before", "yesterday"]:
        return Span(today - 2 * DAY, today - DAY, "the day before yesterday", 3)
    match word(words, at):
        case "today":
            return Span(today, today + DAY, "today", 1)
        case "yesterday" | "yday":
            return Span(today - DAY, today, "yesterday", 1)
        case "tomorrow":
            return Span(today + DAY, today + 2 * DAY, "tomorrow", 1)
    return None


def _ahead(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """``next week``, ``the coming 3 months``: ahead, whatever its dates."""
    first, second, third = (word(words, at + offset) for offset in range(3))
    if first not in ("next", "coming", "upcoming", "following"):
        return None
    ahead = (now + HOUR, now + 366 * DAY)
    if (unit(second) or second in WEEKDAYS or second in MONTHS or second == "weekend") and (first != "following" or second == "year"):
        return Span(*ahead, f"next {second}", 2)
    return Span(*ahead, f"next {second} {third}", 3) if number(second) and unit(third) else None


def _to_date(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """``month to date``, ``ytd``, ``this week so far``: from the start of the unit up to and with today."""
    today = day_of(now)
    short = {"wtd": "week", "mtd": "month", "qtd": "quarter", "ytd": "year"}
    of, length = short.get(word(words, at)), 1
    if of is None and [*words[at + 1 : at + 3]] == ["to", "date"]:
        of, length = unit(word(words, at)), 3
    if of and of not in ("hour", "day"):
        return Span(unit_start(today, of), today + DAY, f"{of} to date", length)
    if [*words[at : at + 2]] == ["so", "far"]:
        inner = _last_or_this(words, at + 2, now) or _named_day(words, at + 2, now)
        if inner and inner.end and inner.end > now:
            return Span(inner.start, inner.end, inner.said, inner.length + 2)
    return None


def _before_last(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """``week before last``."""
    of = unit(word(words, at))
    if of in (None, "hour", "day") or word(words, at + 1) != "before" or word(words, at + 2) not in LAST:
        return None
    length = 4 if unit(word(words, at + 3)) == of else 3
    start = unit_start(day_of(now), str(of))
    return Span(add_units(start, str(of), -2), add_units(start, str(of), -1), f"the {of} before last", length)


def _ago(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """``3 days ago``, ``two weeks ago``: that day, that calendar week."""
    first = word(words, at)
    count = 1 if first in ("a", "an") else number(first)
    of = unit(word(words, at + 1))
    if count is None or of is None or word(words, at + 2) != "ago":
        return None
    start = hour_of(now) if of == "hour" else unit_start(day_of(now), of)
    begin = add_units(start, of, -count)
    return Span(begin, add_units(begin, of, 1), f"{count} {of}{'' if count == 1 else 's'} ago", 3)


def _last_n(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """``last 7 days``: seven complete days, so without today; ``last 24 hours``: up to the last full hour."""
    if word(words, at) not in LAST:
        return None
    if [*words[at + 1 : at + 3]] == ["couple", "of"]:
        count, of, length = _TWO, unit(word(words, at + 3)), 4
    else:
        count, of, length = number(word(words, at + 1)), unit(word(words, at + 2)), 3
    short = {"fortnight": (2, "week"), "hour": (1, "hour"), "day": (1, "day")}.get(word(words, at + 1))
    if short:
        (count, of), length = short, 2
    if count is None or of is None:
        return None
    end = hour_of(now) if of == "hour" else unit_start(day_of(now), of)
    return Span(add_units(end, of, -count), end, f"last {count} {of}{'' if count == 1 else 's'}", length)


def _last_or_this(words: Sequence[str], at: int, now: datetime) -> Span | None:
    which, of = word(words, at), unit(word(words, at + 1))
    if of not in UNITS - {"hour", "day"}:
        return None
    start = unit_start(day_of(now), str(of))
    if which in THIS:
        so_far = [*words[at + 2 : at + 4]] in (["so", "far"], ["to", "date"])
        return Span(start, add_units(start, str(of), 1), f"this {of}", 4 if so_far else 2)
    if which in LAST:
        return Span(add_units(start, str(of), -1), start, f"last {of}", 2)
    return None


def _weekend(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """The latest Saturday and Sunday that have begun; ``last weekend`` is over, or, on a weekend, the one before."""
    which = word(words, at)
    skip = 1 if which in LAST | THIS else 0
    if word(words, at + skip) != "weekend" or (not skip and word(words, at - 1) in ("every", "each", "per", "by")):
        return None
    today = day_of(now)
    saturday = today - (today.weekday() - 5) % 7 * DAY
    if which in LAST and today < saturday + 2 * DAY:
        saturday -= 7 * DAY
    return Span(saturday, saturday + 2 * DAY, f"{'last' if which in LAST else 'this' if which in THIS else 'the'} weekend", 1 + skip)


def _date(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """2026-11-03; 2026-11; 3 November [2026]; the 3rd of November; November 3rd [2026]; without a year the latest one that is not ahead."""
    skip = 1 if word(words, at) == "the" else 0
    first, second, third, fourth = (word(words, at + skip + offset) for offset in range(4))
    if match := re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", first):
        return _one_day(make(*(int(part) for part in match.groups())), 1 + skip)
    if (match := re.fullmatch(r"(\d{4})-(\d{2})", first)) and (start := make(int(match.group(1)), int(match.group(2)), 1)):
        return Span(start, add_months(start, 1), f"{start:%B %Y}", 1 + skip) if start.year < MAXYEAR else None
    if second == "of" and day_number(first) and third in MONTHS:
        return _of_month(day_number(first), MONTHS[third], fourth, now, 3 + skip)
    for day_word, month_word in ((first, second), (second, first)):
        if day_number(day_word) is not None and month_word in MONTHS:
            return _of_month(day_number(day_word), MONTHS[month_word], third, now, 2 + skip)
    return None


def _of_month(day: int | None, month: int, year_word: str, now: datetime, length: int) -> Span | None:
    if day is None:
        return None
    if year := year_number(year_word):
        return _one_day(make(year, month, day), length + 1)
    this_year = make(now.year, month, day)
    return _one_day(this_year if this_year and this_year <= now else make(now.year - 1, month, day), length)


def _one_day(day: datetime | None, length: int) -> Span | None:
    return Span(day, day + DAY, f"{day:%Y-%m-%d}", length) if day and day.year < MAXYEAR else None


def _day_of_month(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """``on the 3rd``: of this month, or of the last one where this month's is still ahead."""
    said = word(words, at)
    if not re.fullmatch(r"\d{1,2}(?:st|nd|rd|th)", said):
        return None
    for start in (day_of(now).replace(day=1), add_months(day_of(now), -1)):
        day = make(start.year, start.month, int(said[:-2]))
        if day and day <= now:
            return _one_day(day, 1)
    return None


def _month(words: Sequence[str], at: int, now: datetime, *, led: bool) -> Span | None:
    """March; March 2026; last March. ``may`` and ``mar`` alone are no month unless something before says so."""
    skip = 1 if word(words, at) in LAST | THIS else 0
    said = word(words, at + skip)
    month, year = MONTHS.get(said), year_number(word(words, at + skip + 1))
    if month is None or (said in ("may", "mar") and not (led or year or skip)):
        return None
    running = month <= now.month and not (skip and words[at] in LAST and month == now.month)
    start = datetime(year or (now.year if running else now.year - 1), month, 1, tzinfo=UTC)
    return Span(start, add_months(start, 1), f"{start:%B %Y}", (2 if year else 1) + skip)


def _part_of(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """``first half of November``, ``H1 2026``, ``start of the month`` (as in ``since the start of the month``)."""
    first, second = word(words, at), word(words, at + 1)
    if first == "h" and second in ("1", "2"):
        year = year_number(word(words, at + 2))
        start = datetime(year or now.year, 6 * int(second) - 5, 1, tzinfo=UTC)
        start = start if year or start <= now else start.replace(year=now.year - 1)
        return Span(start, add_months(start, 6), f"H{second} {start.year}", 3 if year else 2)
    if first in ("first", "second") and second == "half" and word(words, at + 2) == "of":
        skip = 4 if word(words, at + 3) == "the" else 3
        whole = _month(words, at + skip, now, led=True) or _last_or_this(words, at + skip, now) or _year(words, at + skip, now)
        if whole and whole.start and whole.end:
            days = (whole.end - whole.start).days
            half = add_months(whole.start, 6) if days > 360 else whole.start + 15 * DAY
            said = f"{first} half of {whole.said}"
            bounds = (whole.start, half) if first == "first" else (half, whole.end)
            return Span(*bounds, said, skip + whole.length)
    return None


def _quarter(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """q3; q3 2026; third quarter. The tokeniser splits letters from digits, so ``q`` and ``3`` come as two words."""
    if word(words, at) == "q" and word(words, at + 1) in ("1", "2", "3", "4"):
        quarter = int(words[at + 1])
    elif word(words, at) in ORDINALS and unit(word(words, at + 1)) == "quarter":
        quarter = ORDINALS[words[at]]
    else:
        return None
    skip = 3 if word(words, at + 2) == "of" and year_number(word(words, at + 3)) else 2
    year = year_number(word(words, at + skip))
    this_year = datetime(now.year, 3 * quarter - 2, 1, tzinfo=UTC)
    start = this_year.replace(year=year) if year else (this_year if this_year <= now else this_year.replace(year=now.year - 1))
    return Span(start, add_months(start, 3), f"Q{quarter} {start.year}", skip + 1 if year else 2)


def _weekday(words: Sequence[str], at: int, now: datetime) -> Span | None:
    """The latest one that is over. ``every Monday`` is no period."""
    skip = 1 if word(words, at) in LAST | THIS else 0
    said = word(words, at + skip)
    if said not in WEEKDAYS or (said in ("mon", "sat", "wed", "fri", "tue", "thu") and not skip) or word(words, at - 1) in ("every", "each"):
        return None
    today = day_of(now)
    back = (today.weekday() - WEEKDAYS[said]) % 7
    of_this_week = today - today.weekday() * DAY + WEEKDAYS[said] * DAY
    day = of_this_week if skip and words[at] in THIS else today - (back or 7) * DAY
    return Span(day, day + DAY, f"{day:%A}", 1 + skip)


def _year(words: Sequence[str], at: int, now: datetime) -> Span | None:
    del now
    year = year_number(word(words, at))
    if year is None:
        return None
    start = datetime(year, 1, 1, tzinfo=UTC)
    return Span(start, add_months(start, 12), str(year), 1)
