"""The exact SQL of a question of each kind. A change shows here first, and is looked at before it is kept:

``python -m tests.insights.semantic.test_golden`` writes the files anew; ``git diff`` shows what became of them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from insights.semantic import guard
from insights.semantic.compiler import Compiled, compile_extent, compile_freshness, compile_names, compile_origin, compile_query
from insights.semantic.loading import load
from insights.semantic.query import Filter, Having, Order, Period, SemanticQuery
from insights.semantic.spine import Recorded

FOLDER = Path(__file__).parent / "golden"
SHIPPED, ORCHARD = load(), load(Path(__file__).parent / "orchard.yaml")


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


LAST_WEEK, WEEK_BEFORE = Period(start=at(11, 9), end=at(11, 16), label="last week"), Period(start=at(11, 2), end=at(11, 9), label="the week before")
NOVEMBER, OCTOBER = Period(start=at(11, 1), end=at(12, 1), label="November"), Period(start=at(10, 1), end=at(11, 1), label="October")
EVENING = Period(start=at(11, 20, 18), end=at(11, 21), label="yesterday evening")
RECORDED = Recorded(at(10, 5), at(11, 21, 18))
TV, NOT_TV = Filter(dimension="device", values=("tv",)), Filter(dimension="device", values=("tv",), op="not_in")
BY_CTR = Order(measure="ctr")


def asked(intent: str, cube: str, *measures: str, **rest: Any) -> SemanticQuery:
    return SemanticQuery(**{"intent": intent, "cube": cube, "measures": measures, **rest})


QUERIES: dict[str, SemanticQuery] = {
    "value": asked("value", "ledger", "spend", period=LAST_WEEK),
    "value_of_an_evening": asked("value", "delivery", "impressions", period=EVENING),
    "overview": asked("overview", "delivery", "impressions", "ctr", "ecpm", filters=(Filter(dimension="campaign", values=(3,)),)),
    "rank_excluding": asked("rank", "delivery", "ctr", dimensions=("campaign",), filters=(NOT_TV,), order=BY_CTR, limit=3, period=LAST_WEEK),
    "rank_with_threshold": asked(
        "rank", "delivery", "ctr", dimensions=("genre",), having=(Having(measure="impressions", op="gte", value=1000),), order=BY_CTR
    ),
    "through_a_join": asked("breakdown", "ledger", "spend", dimensions=("industry", "pricing")),
    "difference_of_sums": asked("breakdown", "delivery", "invalid_share", dimensions=("device",)),
    "weekdays_and_hours": asked(
        "breakdown", "delivery", "clicks", dimensions=("weekday", "hour_of_day"), filters=(Filter(dimension="weekday", values=(6, 7)),)
    ),
    "trend": asked("trend", "delivery", "ctr", grain="day", period=LAST_WEEK),
    "trend_by_device": asked("trend", "delivery", "impressions", grain="week", dimensions=("device",), period=NOVEMBER),
    "trend_by_campaign_with_threshold": asked(
        "trend",
        "delivery",
        "impressions",
        grain="day",
        dimensions=("campaign",),
        period=LAST_WEEK,
        having=(Having(measure="impressions", op="lt", value=5),),
    ),
    "compare": asked("compare", "delivery", "ctr", period=LAST_WEEK, baseline=WEEK_BEFORE),
    "compare_by_campaign": asked(
        "compare", "delivery", "spend", dimensions=("campaign",), period=LAST_WEEK, baseline=WEEK_BEFORE, order=Order(measure="spend", by="growth")
    ),
    "compare_month_by_day": asked("trend", "delivery", "impressions", grain="day", period=NOVEMBER, baseline=OCTOBER),
    "share": asked("share", "delivery", "spend", dimensions=("advertiser",), period=LAST_WEEK, limit=5),
    "share_of_a_part": asked("share", "playback", "watch_time", dimensions=("device",), focus=(TV,)),
    "share_by_month": asked("share", "delivery", "impressions", dimensions=("device",), grain="month", period=NOVEMBER),
    "share_before_and_now": asked("share", "delivery", "impressions", dimensions=("campaign",), period=LAST_WEEK, baseline=WEEK_BEFORE),
    "date_column": asked("trend", "visits", "each", grain="week", dimensions=("colour",), period=LAST_WEEK),
    "values_as_they_stand": asked("list", "stock", "kilos", "price", dimensions=("crate", "site")),
    "people": asked("rank", "visits", "people", dimensions=("kind",), order=Order(measure="people"), limit=3, period=LAST_WEEK, baseline=WEEK_BEFORE),
    "small_cells": asked("breakdown", "guests", "visits", dimensions=("site",), period=LAST_WEEK),
}


@cache
def compiled() -> dict[str, Compiled]:
    made = {}
    for name, query in QUERIES.items():
        model = SHIPPED if query.cube in SHIPPED.cubes else ORCHARD
        made[name] = compile_query(query, model, advertiser=7 if query.cube == "ledger" else None, recorded=RECORDED)
    delivery = SHIPPED.cubes["delivery"]
    for name, beside in (
        ("extent", compile_extent(QUERIES["rank_excluding"], SHIPPED)),
        ("origin", compile_origin(QUERIES["rank_excluding"], SHIPPED)),
        ("freshness", compile_freshness(delivery)),
        ("names", compile_names(SHIPPED.entities()["campaign"], advertiser=7)),
    ):
        assert beside is not None
        made[name] = beside
    return made


def written(made: Compiled) -> str:
    params = json.dumps(made.params, default=str, sort_keys=True, indent=1)
    columns = ", ".join(f"{column.name} ({column.unit or column.role})" for column in made.columns)
    return f"{made.sql}\n\n-- {params.replace(chr(10), chr(10) + '-- ')}\n-- {columns}\n" + (f"-- {made.finish}\n" if made.finish else "")


@pytest.mark.parametrize("name", sorted([*QUERIES, "extent", "origin", "freshness", "names"]))
def test_a_question_compiles_to_the_sql_that_was_looked_at(name: str) -> None:
    made = compiled()[name]
    assert written(made) == (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    model = SHIPPED if name not in QUERIES or QUERIES[name].cube in SHIPPED.cubes else ORCHARD
    guard.check(made.sql, columns=model.columns())


def test_no_file_is_left_of_a_question_that_is_no_longer_asked() -> None:
    assert {path.stem for path in FOLDER.glob("*.sql")} == set(compiled())


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.sql"):
        path.unlink()
    for name, made in compiled().items():
        (FOLDER / f"{name}.sql").write_text(written(made), encoding="utf-8")
