"""When answers by mail are due, and what "last week" is on a later day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.chat.dates import before, find_periods
from insights.desk.calendar import EVERY, next_time
from insights.desk.moved import as_of
from insights.semantic.query import Period, SemanticQuery

SATURDAY = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
LATER = SATURDAY + timedelta(days=14)


@pytest.mark.parametrize(
    ("every", "hour", "due"),
    [
        ("day", 7, datetime(2026, 11, 22, 7, tzinfo=UTC)),
        ("day", 20, datetime(2026, 11, 21, 20, tzinfo=UTC)),
        ("week", 7, datetime(2026, 11, 23, 7, tzinfo=UTC)),
        ("month", 0, datetime(2026, 12, 1, tzinfo=UTC)),
    ],
)
def test_the_next_time_is_the_first_one_ahead(every: str, hour: int, due: datetime) -> None:
    assert next_time(every, hour, after=SATURDAY) == due


@given(
    st.integers(0, 50_000).map(lambda hours: datetime(2024, 1, 1, 0, 17, tzinfo=UTC) + timedelta(hours=hours)),
    st.sampled_from(EVERY),
    st.integers(0, 23),
)
def test_the_next_time_is_always_ahead_and_never_further_than_its_step(after: datetime, every: str, hour: int) -> None:
    due = next_time(every, hour, after=after)
    assert after < due <= after + timedelta(days={"day": 1, "week": 7, "month": 31}[every])
    assert (due.hour, due.minute, due.second) == (hour, 0, 0)


def asked(words: str, **more: object) -> SemanticQuery:
    period = find_periods(words.split(), now=SATURDAY)[0].period
    return SemanticQuery.model_validate({"intent": "value", "cube": "delivery", "measures": ("impressions",), "period": period, **more})


@pytest.mark.parametrize("words", ["last week", "yesterday", "this month", "last 7 days", "since june", "last 24 hours"])
def test_what_was_said_of_today_moves_with_the_day(words: str) -> None:
    assert as_of(asked(words), now=LATER).period == find_periods(words.split(), now=LATER)[0].period


@pytest.mark.parametrize("words", ["2026-11-03", "from 2026-11-03 to 2026-11-05"])
def test_what_was_said_by_date_stays(words: str) -> None:
    query = asked(words)
    moved = as_of(query, now=LATER).period
    assert (moved.start, moved.end) == (query.period.start, query.period.end)


def test_what_a_week_is_compared_with_moves_with_it() -> None:
    query = asked("last week")
    moved = as_of(query.model_copy(update={"baseline": before(query.period, SATURDAY)}), now=LATER)
    assert moved.baseline is not None
    assert moved.baseline.end == moved.period.start
    assert moved.baseline.start == datetime(2026, 11, 16, tzinfo=UTC)


def test_a_baseline_in_words_that_are_not_known_any_more_keeps_its_distance() -> None:
    query = asked("yesterday")
    baseline = Period(start=datetime(2026, 11, 13, tzinfo=UTC), end=datetime(2026, 11, 14, tzinfo=UTC), label="the Friday of the fair (2026-11-13)")
    moved = as_of(query.model_copy(update={"baseline": baseline}), now=LATER)
    assert moved.baseline is not None
    assert moved.baseline.start == datetime(2026, 11, 27, tzinfo=UTC)


def test_all_time_stays_all_time() -> None:
    query = SemanticQuery(intent="value", cube="delivery", measures=("impressions",))
    assert as_of(query, now=LATER) == query
