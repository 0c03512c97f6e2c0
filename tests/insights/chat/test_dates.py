"""Periods in words, on Saturday 2026-11-21 18:30 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.chat.dates import find_periods
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
