"""SQL from typed queries: its exact text, and that its figures add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from insights.semantic import guard
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.compiler import QueryError, compile_query, shown_measures
from insights.semantic.execute import run
from insights.semantic.loading import load
from insights.semantic.query import Filter, Order, Period, SemanticQuery
from tests.insights.business import NOW, TODAY, Business

MODEL = load()
WEEK = Period(start=datetime(2026, 11, 9, tzinfo=UTC), end=datetime(2026, 11, 16, tzinfo=UTC), label="last week")


def test_a_rank_of_a_rate_compiles_to_a_rate_of_totals_with_bound_values() -> None:
    query = SemanticQuery(
        intent="rank", cube="delivery", measures=("ctr",), dimensions=("campaign",), period=WEEK,
        filters=(Filter(dimension="device", values=("tv", "mobile")),), order=Order(measure="ctr"), limit=3,
    )  # fmt: skip
    compiled = compile_query(query, MODEL, advertiser=7)
    assert compiled.sql == (
        "SELECT\n  campaign.name AS campaign,\n  CAST(SUM(f.clicks) AS DOUBLE PRECISION) / NULLIF(SUM(f.impressions), 0) AS ctr,\n"
        "  SUM(f.clicks) AS clicks,\n  SUM(f.impressions) AS impressions\nFROM ads_deliveryday AS f\nLEFT JOIN ads_campaign AS campaign\n"
        "  ON campaign.id = f.campaign_id\nWHERE\n  f.advertiser_id = %(p1)s\n  AND f.bucket >= %(p2)s\n  AND f.bucket < %(p3)s\n"
        "  AND f.device IN (%(p4)s, %(p5)s)\nGROUP BY\n  f.campaign_id,\n  campaign.name\nORDER BY\n  ctr DESC NULLS LAST,\n  campaign ASC,\n  f.campaign_id ASC\nLIMIT 3"
    )
    assert compiled.params == {"p1": 7, "p2": WEEK.start, "p3": WEEK.end, "p4": "tv", "p5": "mobile"}


def test_a_trend_groups_by_utc_days_in_order() -> None:
    compiled = compile_query(SemanticQuery(intent="trend", cube="ledger", measures=("spend",), grain="day"), MODEL)
    assert compiled.sql == (
        "SELECT\n  DATE_TRUNC('DAY', f.booked_at, 'UTC') AS time,\n  CAST(SUM(f.amount_micros) AS DOUBLE PRECISION) / 1000000 AS spend\n"
        "FROM ads_ledgerentry AS f\nGROUP BY\n  DATE_TRUNC('DAY', f.booked_at, 'UTC')\nORDER BY\n  time ASC\nLIMIT 200"
    )


def test_a_dimension_of_another_table_is_reached_by_its_join_path() -> None:
    compiled = compile_query(SemanticQuery(intent="breakdown", cube="ledger", measures=("spend",), dimensions=("pricing",)), MODEL)
    assert "flight.pricing AS pricing" in compiled.sql
    assert "LEFT JOIN ads_flight AS flight\n  ON flight.id = f.flight_id" in compiled.sql


def test_hours_are_read_from_the_hourly_table_only_where_they_are_needed() -> None:
    part = Period(start=NOW - timedelta(hours=24), end=NOW, label="last 24 hours")
    assert "ads_deliveryhour" in compile_query(SemanticQuery(intent="value", cube="delivery", measures=("clicks",), period=part), MODEL).sql
    assert "ads_deliveryday" in compile_query(SemanticQuery(intent="value", cube="delivery", measures=("clicks",), period=WEEK), MODEL).sql


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"cube": "nothing"}, "no cube"),
        ({"measures": ("invented",)}, "no measure"),
        ({"dimensions": ("invented",)}, "no dimension"),
        ({"filters": (Filter(dimension="invented", values=(1,)),)}, "no dimension"),
        ({"order": Order(measure="invented")}, "no measure"),
    ],
)
def test_what_the_model_does_not_have_is_named_with_what_it_has(wrong: dict[str, Any], words: str) -> None:
    query = SemanticQuery(intent="value", cube="delivery", measures=("clicks",)).model_copy(update=wrong)
    with pytest.raises(QueryError, match=words):
        compile_query(query, MODEL)


def test_figures_that_belong_to_no_advertiser_are_not_compiled_for_one() -> None:
    with pytest.raises(QueryError, match="single advertiser"):
        compile_query(SemanticQuery(intent="value", cube="breaks", measures=("fill_rate",)), MODEL, advertiser=1)


@pytest.mark.parametrize(
    "raw",
    [
        {"intent": "value", "cube": "delivery", "measures": ["clicks"], "sql": "DROP TABLE x"},
        {"intent": "destroy", "cube": "delivery", "measures": ["clicks"]},
        {"intent": "value", "cube": "delivery; DROP TABLE x", "measures": ["clicks"]},
        {"intent": "value", "cube": "delivery", "measures": []},
        {"intent": "value", "cube": "delivery", "measures": ["clicks"], "limit": 10**9},
        {"intent": "value", "cube": "delivery", "measures": ["clicks"], "period": {"start": "2026-11-09T00:00:00", "end": None}},
        {"intent": "value", "cube": "delivery", "measures": ["clicks"], "period": {"start": "2026-11-09T00:00:00Z", "end": "2026-11-08T00:00:00Z"}},
    ],
)
def test_a_query_is_strict(raw: dict[str, Any]) -> None:
    import json

    with pytest.raises(ValidationError):
        SemanticQuery.model_validate_json(json.dumps(raw))


# The finest grain of each cube; None where it tells how things stand.
FINEST: dict[str, Any] = {name: None if cube.time is None else "hour" if "hour" in cube.tables else "day" for name, cube in MODEL.cubes.items()}
GRAINS = ("hour", "day", "week", "month")


@st.composite
def queries(draw: st.DrawFn) -> SemanticQuery:
    name = draw(st.sampled_from(sorted(MODEL.cubes)))
    cube = MODEL.cubes[name]
    measures = tuple(draw(st.lists(st.sampled_from(sorted(cube.measures)), min_size=1, max_size=3, unique=True)))
    dimensions = tuple(draw(st.lists(st.sampled_from(sorted(cube.dimensions)), max_size=2, unique=True)))
    if any(measure.kind == "value" for measure in cube.measures.values()):
        dimensions = tuple(dict.fromkeys((*cube.keys, *dimensions)))
    filters = tuple(
        Filter(dimension=dimension, values=("x'; DROP TABLE ads_campaign --",) if isinstance(cube.dimensions[dimension], str) else ("tv",))
        for dimension in draw(st.lists(st.sampled_from(sorted(cube.dimensions)), max_size=1))
    )
    return SemanticQuery(
        intent="breakdown", cube=name, measures=measures, dimensions=dimensions, filters=filters, limit=draw(st.integers(1, 1000)),
        grain=draw(st.sampled_from([None, *(GRAINS[GRAINS.index(FINEST[name]) :] if FINEST[name] else ())])),
        period=draw(st.sampled_from([Period(), WEEK] if cube.time else [Period()])),
        order=draw(st.sampled_from([None, Order(measure=measures[0]), Order(measure=measures[0], descending=False)])),
    )  # fmt: skip


@given(query=queries())
def test_everything_the_compiler_writes_passes_the_guard_and_holds_no_value(query: SemanticQuery) -> None:
    compiled = compile_query(query, MODEL)
    guard.check(compiled.sql, columns=MODEL.columns())
    assert "DROP" not in compiled.sql
    assert [column.name for column in compiled.columns if column.role == "measure"] == shown_measures(query, MODEL.cubes[query.cube])


def figures(query: SemanticQuery, scope: Scope = OPERATOR) -> list[dict[str, Any]]:
    compiled = compile_query(query, MODEL, advertiser=scope.advertiser)
    names = [column.name for column in compiled.columns]
    return [dict(zip(names, row, strict=True)) for row in run(compiled, model=MODEL, scope=scope).values]


@pytest.mark.django_db(databases=["default", "insights"])
@given(
    dimension=st.sampled_from(sorted(MODEL.cubes["delivery"].dimensions)), grain=st.sampled_from([None, "day", "week", "month"]),
    back=st.integers(1, 20), days=st.integers(1, 20),
)  # fmt: skip
def test_slices_of_an_additive_figure_sum_to_the_total_and_rates_are_rates_of_totals(
    business: Business, dimension: str, grain: Any, back: int, days: int
) -> None:
    start = TODAY - timedelta(days=back)
    period = Period(start=start, end=start + timedelta(days=days), label="some days")
    asked = SemanticQuery(intent="value", cube="delivery", measures=("impressions", "clicks", "spend", "ctr"), period=period)
    [total] = figures(asked)
    slices = figures(asked.model_copy(update={"dimensions": (dimension,), "grain": grain, "limit": 1000}))
    for measure in ("impressions", "clicks"):
        assert sum(row[measure] for row in slices) == total[measure]
    assert sum(row["spend"] for row in slices) == pytest.approx(total["spend"])
    assert total["ctr"] == pytest.approx(total["clicks"] / total["impressions"])
    for row in slices:
        assert row["ctr"] == pytest.approx(row["clicks"] / row["impressions"])


@pytest.mark.django_db(databases=["default", "insights"])
def test_ranges_are_half_open_so_that_two_halves_make_the_whole(business: Business) -> None:
    def spend(start: datetime, end: datetime) -> float:
        [row] = figures(SemanticQuery(intent="value", cube="ledger", measures=("spend",), period=Period(start=start, end=end, label="")))
        return float(row["spend"])

    start, middle, end = TODAY - timedelta(days=10), TODAY - timedelta(days=6), TODAY - timedelta(days=2)
    assert spend(start, middle) + spend(middle, end) == pytest.approx(spend(start, end))


@pytest.mark.django_db(databases=["default", "insights"])
@pytest.mark.parametrize("cube", sorted(MODEL.cubes))
def test_every_measure_and_dimension_of_the_shipped_model_runs_as_the_read_only_role(business: Business, cube: str) -> None:
    measures = tuple(MODEL.cubes[cube].measures)
    keys = MODEL.cubes[cube].keys
    assert figures(SemanticQuery(intent="value", cube=cube, measures=measures, dimensions=keys))
    for dimension in MODEL.cubes[cube].dimensions:
        by = tuple(dict.fromkeys((*keys, dimension)))
        rows = figures(SemanticQuery(intent="breakdown", cube=cube, measures=measures, dimensions=by, grain=FINEST[cube]))
        assert rows or FINEST[cube] != "day"
