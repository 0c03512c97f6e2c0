"""Questions as the tests put them: a query in, rows by column name out; and any query that the model allows, made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from insights.semantic.access import OPERATOR, Scope
from insights.semantic.compiler import compile_query
from insights.semantic.execute import run
from insights.semantic.loading import load
from insights.semantic.model import TIME_DIMENSIONS, Cube, SemanticModel, Through
from insights.semantic.query import Filter, Having, Order, Period, SemanticQuery
from insights.semantic.read import figures as read_figures
from tests.insights.business import TODAY

MODEL = load()
OPS = ("gt", "gte", "lt", "lte", "eq", "ne")
HOSTILE = "x'; DROP TABLE ads_campaign --"


def figures(query: SemanticQuery, *, model: SemanticModel = MODEL, scope: Scope = OPERATOR) -> list[dict[str, Any]]:
    """As an answer reads them: a grain with its spine."""
    told = read_figures(query, model=model, scope=scope)
    return [dict(zip([column.name for column in told.compiled.columns], row, strict=True)) for row in told.rows.values]


def without_spine(query: SemanticQuery, *, model: SemanticModel = MODEL, scope: Scope = OPERATOR) -> list[dict[str, Any]]:
    compiled = compile_query(query, model, advertiser=scope.advertiser)
    rows = run(compiled, model=model, scope=scope)
    return [dict(zip([column.name for column in compiled.columns], row, strict=True)) for row in rows.values]


def some_days(back: int, length: int) -> Period:
    start = TODAY - timedelta(days=back)
    return Period(start=start, end=start + timedelta(days=length), label="some days")


def value_of(name: str, cube: Cube, model: SemanticModel) -> st.SearchStrategy[int | str]:
    if name in TIME_DIMENSIONS and name not in cube.dimensions:
        return st.integers(1, 7)
    entity = None if isinstance(cube.dimensions[name], Through) else model.dimensions[name].entity
    if entity and entity.key == "id":
        return st.integers(1, 50)
    return st.sampled_from([HOSTILE, "tv", "mobile", "drama", "sci-fi", "crawler", ""])


@st.composite
def filters(draw: st.DrawFn, cube: Cube, among: tuple[str, ...], most: int, model: SemanticModel = MODEL) -> tuple[Filter, ...]:
    chosen = draw(st.lists(st.sampled_from(among), max_size=most, unique=True)) if among else []
    return tuple(
        Filter(
            dimension=name,
            values=tuple(draw(st.lists(value_of(name, cube, model), min_size=1, max_size=3))),
            op=draw(st.sampled_from(["in", "not_in"])),
        )
        for name in chosen
    )


@st.composite
def queries(draw: st.DrawFn, model: SemanticModel = MODEL) -> SemanticQuery:
    """Anything that can be asked; some of it must be refused in words."""
    name = draw(st.sampled_from(sorted(model.cubes)))
    cube = model.cubes[name]
    known = (*sorted(cube.dimensions), *cube.time_dimensions)
    measures = tuple(draw(st.lists(st.sampled_from(sorted(cube.measures)), min_size=1, max_size=3, unique=True)))
    dimensions = tuple(draw(st.lists(st.sampled_from(known), max_size=2, unique=True))) if known else ()
    period = draw(st.builds(some_days, st.integers(1, 21), st.integers(1, 14)) | st.just(Period()))
    baseline = draw(st.none() | st.builds(some_days, st.integers(22, 40), st.integers(1, 14)))
    share = bool(dimensions) and draw(st.booleans())
    by = draw(st.sampled_from(["value", *(["change", "growth"] if baseline else []), *(["share"] if share else [])]))
    return SemanticQuery(
        intent="share" if share else "breakdown",
        cube=name,
        measures=measures,
        dimensions=dimensions,
        filters=draw(filters(cube, known, 2, model)),
        having=tuple(
            Having(measure=measure, op=draw(st.sampled_from(OPS)), value=draw(st.floats(0, 500)))
            for measure in draw(st.lists(st.sampled_from(sorted(cube.measures)), max_size=1))
        ),
        focus=draw(filters(cube, dimensions, 1, model)),
        period=period if cube.time else Period(),
        baseline=baseline if cube.time else None,
        grain=draw(st.sampled_from([None, None, "hour", "day", "week", "month"])) if cube.time else None,
        order=draw(st.none() | st.builds(Order, measure=st.sampled_from(measures), descending=st.booleans(), by=st.just(by)))
        if cube.time or by in ("value", "share")
        else None,
        limit=draw(st.integers(1, 1000)),
    )
