"""Periods in words, on Saturday 2026-11-21 18:30 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.chat.dates import before, compared_with, find_periods, find_relative, running_part
from insights.chat.text import tokenize

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)


def periods(said: str, now: datetime = NOW) -> list[tuple[str | None, str | None]]:
    found = find_periods([token.word for token in tokenize(said)], now=now)
    return [tuple(moment and moment.isoformat()[:16].removesuffix("T00:00") for moment in (part.period.start, part.period.end)) for part in found]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("today", "2026-11-21", "2026-11-22"),
        ("yesterday's", "2026-11-20", "2026-11-21"),
        ("the day before yesterday", "2026-11-19", "2026-11-20"),
        ("last week", "2026-11-09", "2026-11-16"),
        ("this week", "2026-11-16", "2026-11-23"),
        ("previous month", "2026-10-01", "2026-11-01"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("last quarter", "2026-07-01", "2026-10-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("the last 7 days", "2026-11-14", "2026-11-21"),
        ("in the past three weeks", "2026-10-26", "2026-11-16"),
        ("last 2 months", "2026-09-01", "2026-11-01"),
        ("last 24 hours", "2026-11-20T18:00", "2026-11-21T18:00"),
        ("on 2026-11-03", "2026-11-03", "2026-11-04"),
        ("on November 3rd", "2026-11-03", "2026-11-04"),
        ("3 november 2025", "2025-11-03", "2025-11-04"),
        ("on december 24", "2025-12-24", "2025-12-25"),
        ("in March", "2026-03-01", "2026-04-01"),
        ("in december", "2025-12-01", "2026-01-01"),
        ("in may", "2026-05-01", "2026-06-01"),
        ("march 2025", "2025-03-01", "2025-04-01"),
        ("since June", "2026-06-01", "2026-11-22"),
        ("since last monday", "2026-11-16", "2026-11-22"),
        ("after 2026-11-03", "2026-11-04", "2026-11-22"),
        ("until 2026-11-03", None, "2026-11-04"),
        ("before november", None, "2026-11-01"),
        ("from 2026-11-01 to 2026-11-05", "2026-11-01", "2026-11-06"),
        ("between nov 3 and nov 9", "2026-11-03", "2026-11-10"),
        ("2026-11-01 - 2026-11-05", "2026-11-01", "2026-11-06"),
        ("on friday", "2026-11-20", "2026-11-21"),
        ("on saturday", "2026-11-14", "2026-11-15"),
        ("Q3", "2026-07-01", "2026-10-01"),
        ("q4 2025", "2025-10-01", "2026-01-01"),
        ("in 2025", "2025-01-01", "2026-01-01"),
        ("all time", None, None),
        ("yesterday evening", "2026-11-20T18:00", "2026-11-21"),
        ("this morning", "2026-11-21T06:00", "2026-11-21T12:00"),
        ("last night", "2026-11-20T18:00", "2026-11-21T06:00"),
        ("yesterday at 20:00", "2026-11-20T20:00", "2026-11-20T21:00"),
        ("at 8 pm on Monday", "2026-11-16T20:00", "2026-11-16T21:00"),
        ("yesterday between 6 pm and 10 pm", "2026-11-20T18:00", "2026-11-20T22:00"),
        ("the week before last", "2026-11-02", "2026-11-09"),
        ("month to date", "2026-11-01", "2026-11-22"),
        ("ytd", "2026-01-01", "2026-11-22"),
        ("last weekend", "2026-11-14", "2026-11-16"),
        ("between the 3rd and the 9th of November", "2026-11-03", "2026-11-10"),
        ("nov 3-9", "2026-11-03", "2026-11-10"),
        ("from the 3rd to the 9th", "2026-11-03", "2026-11-10"),
        ("on the 25th", "2026-10-25", "2026-10-26"),
        ("3 days ago", "2026-11-18", "2026-11-19"),
        ("two weeks ago", "2026-11-02", "2026-11-09"),
        ("last 2 wks", "2026-11-02", "2026-11-16"),
        ("past couple of weeks", "2026-11-02", "2026-11-16"),
        ("so far this month", "2026-11-01", "2026-12-01"),
        ("since the start of the year", "2026-01-01", "2026-11-22"),
        ("H1 2026", "2026-01-01", "2026-07-01"),
        ("second half of October", "2026-10-16", "2026-11-01"),
        ("third quarter", "2026-07-01", "2026-10-01"),
        ("2026-10", "2026-10-01", "2026-11-01"),
        ("up to yesterday", None, "2026-11-21"),
    ],
)
def test_a_period_in_words_is_a_half_open_range_of_utc_days(said: str, start: str | None, end: str | None) -> None:
    assert periods(said) == [(start, end)]


@pytest.mark.parametrize("said", ["last 3660 years", "9999-12-31", "since 9999-12-31", "last ⓵ days", "0000-01-01"])
def test_no_period_leaves_the_calendar(said: str) -> None:
    find_periods(said.split(), now=NOW)


@pytest.mark.parametrize("said", ["may", "clicks", "2026-02-30", "second", "the sun", "top 5", "week", "q5", "30"])
def test_what_is_no_period_stays_unread(said: str) -> None:
    assert periods(said) == []


@pytest.mark.parametrize(
    ("period", "with_what", "start", "end"),
    [
        ("last month", "the month before", "2026-09-01", "2026-10-01"),
        ("this month", "the month before", "2026-10-01", "2026-11-01"),
        ("yesterday", "the day before", "2026-11-19", "2026-11-20"),
        ("yesterday", "the same day last year", "2025-11-20", "2025-11-21"),
        ("last week", "the same week last year", "2025-11-10", "2025-11-17"),
        ("last 7 days", "the previous period", "2026-11-07", "2026-11-14"),
        ("Q3", "a year earlier", "2025-07-01", "2025-10-01"),
        ("last week", "week over week", "2026-11-02", "2026-11-09"),
        ("yesterday", "yoy", "2025-11-20", "2025-11-21"),
    ],
)
def test_what_a_period_is_compared_with(period: str, with_what: str, start: str, end: str) -> None:
    [found] = find_periods([token.word for token in tokenize(period)], now=NOW)
    relative = find_relative([token.word for token in tokenize(with_what)], 0)
    assert relative is not None
    base = compared_with(found.period, relative, NOW)
    assert base is not None
    assert base.start is not None
    assert base.end is not None
    assert (base.start.date().isoformat(), base.end.date().isoformat()) == (start, end)


@pytest.mark.parametrize(
    ("period", "over", "start"),
    [
        ("today", "2026-11-21T18:00", "2026-11-14"),
        ("yesterday", "2026-11-21", "2026-11-13"),
        ("this week", "2026-11-21", "2026-11-09"),
        ("this month", "2026-11-21", "2026-10-01"),
        ("last week", "2026-11-16", "2026-11-02"),
        ("last 7 days", "2026-11-21", "2026-11-07"),
    ],
)
def test_a_change_takes_what_is_over_and_the_same_before_it(period: str, over: str, start: str) -> None:
    [found] = find_periods([token.word for token in tokenize(period)], now=NOW)
    part = running_part(found.period, NOW, hours=True)
    base = before(part, NOW)
    assert part.end is not None
    assert part.end.isoformat()[:16].removesuffix("T00:00") == over
    assert base is not None
    assert base.start is not None
    assert base.start.date().isoformat() == start


@pytest.mark.parametrize("said", ["tomorrow", "next week", "next year", "in 2027", "on 2026-12-01", "since december 2026"])
def test_what_lies_ahead_is_marked_so(said: str) -> None:
    [found] = find_periods([token.word for token in tokenize(said)], now=NOW)
    assert found.future


def test_the_clock_is_read_in_utc_whatever_zone_it_comes_in() -> None:
    late = datetime(2026, 11, 21, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert periods("today", late) == [("2026-11-22", "2026-11-23")]


def test_two_periods_are_both_found() -> None:
    assert periods("yesterday against last week") == [("2026-11-20", "2026-11-21"), ("2026-11-09", "2026-11-16")]


@given(now=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_on_every_day_of_the_calendar_periods_are_forward_and_meet(now: datetime) -> None:
    for unit in ("week", "month", "quarter", "year"):
        [last], [this] = (find_periods([which, unit], now=now) for which in ("last", "this"))
        assert last.period.end == this.period.start
        assert this.period.start and this.period.end
        assert this.period.start <= now < this.period.end
    for words in (["last", "24", "hours"], ["last", "7", "days"], ["yesterday"], ["since", "june"], ["on", "monday"], ["in", "march"]):
        [found] = find_periods(words, now=now)
        assert found.period.start and found.period.end
        assert found.period.start < found.period.end
        assert not found.future
