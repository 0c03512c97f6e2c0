"""Figures that must add up, whatever is asked; and whatever can be asked runs, or is refused in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from insights.semantic import guard
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.compiler import QueryError, compile_query
from insights.semantic.execute import run
from insights.semantic.query import Filter, Having, Order, Period, SemanticQuery
from insights.semantic.read import figures as read_figures
from tests.insights.business import TODAY, Business

from .asking import HOSTILE, MODEL, figures, filters, queries, some_days, without_spine

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
DELIVERY = MODEL.cubes["delivery"]
BY = st.sampled_from(sorted(DELIVERY.dimensions))
ALL = ("impressions", "clicks", "spend", "ctr")
PERIODS = st.builds(some_days, st.integers(1, 20), st.integers(1, 20))
EARLIER = st.builds(some_days, st.integers(21, 30), st.integers(1, 9))
GRAINS = st.sampled_from(["day", "week", "month"])
# Each example asks the database several times over.
FEW = settings(max_examples=8)


def asked(measures: tuple[str, ...] = ALL, **rest: Any) -> SemanticQuery:
    return SemanticQuery(**{"intent": "breakdown", "cube": "delivery", "measures": measures, "limit": 1000, **rest})


def total(rows: list[dict[str, Any]], name: str) -> float | None:
    present = [row[name] for row in rows if row[name] is not None]
    return sum(present) if present else None


@settings(max_examples=25)
@given(query=queries())
def test_whatever_can_be_asked_passes_the_guard_and_runs_and_holds_no_text_of_the_question(business: Business, query: SemanticQuery) -> None:
    try:
        told = read_figures(query, model=MODEL, scope=OPERATOR)
    except QueryError as refusal:
        assert len(str(refusal).split()) > 4
        return
    guard.check(told.compiled.sql, columns=MODEL.columns())
    assert "DROP" not in told.compiled.sql
    assert told.rows == read_figures(query, model=MODEL, scope=OPERATOR).rows
    assert all(len(row) == len(told.compiled.columns) for row in told.rows.values)
    assert len({column.name for column in told.compiled.columns}) == len(told.compiled.columns)


@FEW
@given(query=queries())
def test_one_advertisers_answer_is_the_same_with_and_without_the_compilers_predicate(business: Business, query: SemanticQuery) -> None:
    scope = Scope(advertiser=business.advertisers["Silver Lantern Pictures"], groups=frozenset({"advertiser-member"}))
    try:
        walled = compile_query(query, MODEL, advertiser=scope.advertiser)
    except QueryError:
        return
    assert run(walled, model=MODEL, scope=scope) == run(compile_query(query, MODEL), model=MODEL, scope=scope)


@FEW
@given(by=BY, grain=st.none() | GRAINS, period=PERIODS)
def test_slices_of_an_additive_figure_sum_to_the_total_and_rates_are_rates_of_totals(business: Business, by: str, grain: Any, period: Period) -> None:
    [whole] = figures(asked(period=period))
    slices = figures(asked(dimensions=(by,), grain=grain, period=period))
    for measure in ("impressions", "clicks", "spend"):
        assert total(slices, measure) == pytest.approx(whole[measure])
    if whole["impressions"]:
        assert whole["ctr"] == pytest.approx(whole["clicks"] / whole["impressions"])
    assert all(row["ctr"] is None if not row["impressions"] else row["ctr"] == pytest.approx(row["clicks"] / row["impressions"]) for row in slices)


@FEW
@given(by=st.none() | BY, period=PERIODS, baseline=PERIODS | EARLIER)
def test_before_and_change_give_now_and_growth_is_of_before(business: Business, by: str | None, period: Period, baseline: Period) -> None:
    query = asked(dimensions=(by,) if by else (), period=period, baseline=baseline)
    rows = figures(query)
    for measure in ALL:
        for row in rows:
            now, before, change, growth = (row[measure + suffix] for suffix in ("", "_before", "_change", "_growth"))
            if now is None or before is None:
                assert change is None and growth is None
                continue
            assert before + change == pytest.approx(now)
            assert growth == (pytest.approx(change / before) if before else None)
    for measure in ("impressions", "clicks", "spend"):
        [now], [before] = figures(asked(period=period)), figures(asked(period=baseline))
        assert total(rows, measure) == pytest.approx(now[measure]) and total(rows, measure + "_before") == pytest.approx(before[measure])


def test_a_group_that_is_new_grew_from_nothing_and_a_period_before_the_first_figure_is_unknown(business: Business) -> None:
    one_day = Filter(dimension="weekday", values=(5,))
    friday, saturday = some_days(1, 1), some_days(7, 1)
    rows = figures(asked(("impressions",), dimensions=("weekday",), period=friday, baseline=saturday))
    assert {row["weekday"]: (row["impressions"], row["impressions_before"], row["impressions_growth"]) for row in rows} == {
        5: (3125, 0, None),
        6: (0, 3725, -1),
    }
    [row] = figures(asked(("impressions",), dimensions=("weekday",), filters=(one_day,), period=friday, baseline=some_days(60, 7)))
    assert row == {"weekday": 5, "impressions": 3125, "impressions_before": None, "impressions_change": None, "impressions_growth": None}


@FEW
@given(
    by=st.lists(BY, min_size=1, max_size=2, unique=True),
    grain=st.none() | GRAINS,
    period=PERIODS,
    measure=st.sampled_from(["impressions", "spend", "invalid_impressions"]),
)
def test_shares_are_of_the_whole_and_sum_to_one_whatever_is_shown_of_them(
    business: Business, by: list[str], grain: Any, period: Period, measure: str
) -> None:
    query = asked((measure,), intent="share", dimensions=tuple(by), grain=grain, period=period)
    rows = figures(query)
    for bucket in {row.get("time") for row in rows if row[f"{measure}_share"] is not None}:
        assert sum(row[f"{measure}_share"] for row in rows if row.get("time") == bucket) == pytest.approx(1)
    assert all(row[measure] == 0 for row in rows if row[f"{measure}_share"] is None)
    few = figures(query.model_copy(update={"limit": 2, "having": (Having(measure=measure, op="gt", value=200),)}))
    assert few == [row for row in rows if row[measure] > 200][:2]


def test_a_focus_is_on_a_part_of_the_whole(business: Business) -> None:
    focus = (Filter(dimension="device", values=("mobile",)),)
    [row] = figures(asked(("impressions",), intent="share", dimensions=("device",), period=some_days(1, 1), focus=focus))
    assert row == {"device": "mobile", "impressions": 1575, "impressions_share": pytest.approx(1575 / 3125)}
    [other] = figures(asked(("impressions",), dimensions=("device",), period=some_days(1, 1), focus=focus))
    assert other == {"device": "mobile", "impressions": 1575}


@pytest.mark.parametrize("measure", ["ctr", "completion_rate", "ecpm"])
def test_a_rate_has_no_shares_and_that_is_said(measure: str) -> None:
    with pytest.raises(QueryError, match="do not add up"):
        compile_query(asked((measure,), intent="share", dimensions=("device",)), MODEL)


@FEW
@given(by=BY, grain=st.none() | GRAINS, measure=st.sampled_from(ALL), op=st.sampled_from(["gt", "gte", "lt", "lte", "ne"]), value=st.floats(0, 800))
def test_a_threshold_is_a_filter_of_the_unlimited_result(business: Business, by: str, grain: Any, measure: str, op: Any, value: float) -> None:
    query = asked(dimensions=(by,), grain=grain, period=some_days(9, 7))
    compare = {"gt": float.__gt__, "gte": float.__ge__, "lt": float.__lt__, "lte": float.__le__, "ne": float.__ne__}[op]
    kept = [row for row in figures(query) if row[measure] is not None and compare(float(row[measure]), value)]
    assert figures(query.model_copy(update={"having": (Having(measure=measure, op=op, value=value),)})) == kept


@FEW
@given(data=st.data(), period=PERIODS)
def test_excluding_is_the_complement_of_including(business: Business, data: st.DataObject, period: Period) -> None:
    [chosen] = data.draw(filters(DELIVERY, (*sorted(DELIVERY.dimensions), "weekday"), 1).filter(bool))
    [whole] = figures(asked(period=period))
    [inside] = figures(asked(period=period, filters=(chosen.model_copy(update={"op": "in"}),)))
    [outside] = figures(asked(period=period, filters=(chosen.model_copy(update={"op": "not_in"}),)))
    for measure in ("impressions", "clicks", "spend"):
        assert (inside[measure] or 0) + (outside[measure] or 0) == pytest.approx(whole[measure] or 0)


@FEW
@given(by=st.none() | BY, grain=st.sampled_from(["hour", "day", "week", "month"]), period=PERIODS)
def test_a_trend_has_each_bucket_once_within_what_is_recorded(business: Business, by: str | None, grain: Any, period: Period) -> None:
    assume(period.start is not None and period.end is not None)
    rows = figures(asked(intent="trend", dimensions=(by,) if by else (), grain=grain, period=period))
    for group in {row[by] for row in rows} if by else {None}:
        times = [row["time"] for row in rows if not by or row[by] == group]
        assert times == sorted(set(times))
    if grain == "day" and rows and not by:
        assert period.start is not None and period.end is not None
        last = min(period.end - timedelta(days=1), TODAY)
        assert len(rows) == (last - max(period.start, TODAY - timedelta(days=20))).days + 1
    if grain in ("day", "hour"):
        # The hour table holds what the day table holds: whatever is filled in is nothing.
        [whole] = figures(asked(period=period))
        assert total(rows, "impressions") == whole["impressions"]
    filled = [row for row in rows if row not in without_spine(asked(intent="trend", dimensions=(by,) if by else (), grain=grain, period=period))]
    assert all(row["impressions"] == row["clicks"] == row["spend"] == 0 and row["ctr"] is None for row in filled)


def test_today_is_filled_to_now_and_tomorrow_is_not(business: Business) -> None:
    period = Period(start=TODAY - timedelta(days=1), end=TODAY + timedelta(days=5), label="")
    assert [(row["time"], row["impressions"]) for row in figures(asked(("impressions",), grain="day", period=period))] == [
        ("2026-11-20", 3125),
        ("2026-11-21", 0),
    ]
    hours = figures(asked(("impressions",), grain="hour", period=period))
    assert [row["time"] for row in hours][-1] == "2026-11-21T18:00:00+00:00" and len(hours) == 24 + 19


def test_a_bucket_of_one_period_stands_beside_the_same_bucket_of_the_other(business: Business) -> None:
    rows = figures(asked(("impressions",), intent="trend", grain="day", period=some_days(9, 3), baseline=some_days(17, 8)))
    now, before = (figures(asked(("impressions",), grain="day", period=some_days(start, 3))) for start in (9, 17))
    assert [(row["time"], row["impressions"], row["impressions_before"]) for row in rows] == [
        (one["time"], one["impressions"], other["impressions"]) for one, other in zip(now, before, strict=True)
    ]


def test_months_are_laid_over_each_other_day_by_day_where_both_are_recorded(business: Business) -> None:
    november = Period(start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))
    october = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
    rows = figures(asked(("impressions",), intent="trend", grain="day", period=november, baseline=october))
    assert [row["time"] for row in rows] == [(TODAY - timedelta(days=back)).date().isoformat() for back in range(20, -1, -1)]
    assert all(row["impressions_before"] is None and row["impressions_change"] is None for row in rows)


def test_periods_that_overlap_or_are_open_are_not_laid_over_each_other(business: Business) -> None:
    with pytest.raises(QueryError, match="overlap"):
        compile_query(asked(grain="day", period=some_days(9, 7), baseline=some_days(12, 7)), MODEL)
    with pytest.raises(QueryError, match="start and an end"):
        compile_query(asked(grain="day", baseline=some_days(12, 7)), MODEL)


def test_the_order_may_be_by_what_was_derived(business: Business) -> None:
    by_change = asked(
        ("clicks",), dimensions=("advertiser",), period=some_days(3, 2), baseline=some_days(5, 2), order=Order(measure="clicks", by="change")
    )
    changes = [row["clicks_change"] for row in figures(by_change)]
    assert changes == sorted(changes, reverse=True) and len(set(changes)) > 1
    by_share = asked(("clicks",), intent="share", dimensions=("campaign",), order=Order(measure="clicks", by="share", descending=False))
    shares = [row["clicks_share"] for row in figures(by_share)]
    assert shares == sorted(shares)


def test_weekdays_and_hours_are_those_of_utc(business: Business) -> None:
    rows = figures(asked(("impressions",), dimensions=("weekday",)))
    assert {row["weekday"] for row in rows} == set(range(1, 8))
    assert figures(asked(("clicks",), dimensions=("hour_of_day",))) == [{"hour_of_day": 20, "clicks": figures(asked(("clicks",)))[0]["clicks"]}]
    friday = some_days(1, 1)
    assert figures(asked(("clicks",), filters=(Filter(dimension="weekday", values=("5",)),), period=friday)) == figures(
        asked(("clicks",), period=friday)
    )
    with pytest.raises(QueryError, match="give its number"):
        figures(asked(("clicks",), filters=(Filter(dimension="weekday", values=(HOSTILE,)),)))


def test_what_is_filtered_to_nothing_is_nothing_and_not_zero(business: Business) -> None:
    nobody = (Filter(dimension="device", values=("toaster",)),)
    assert figures(asked(("impressions",), filters=nobody, grain="day", period=some_days(9, 7))) == []
    assert figures(asked(("impressions",), filters=nobody)) == [{"impressions": None}]
