"""What stands beside the figures: how far they reach, where they come from, what things are called."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from insights.semantic.model import Cube, Entity, Grain, SemanticModel
from insights.semantic.query import Filter, Period, SemanticQuery

from . import tree
from .checks import checked_cube, hourly
from .facts import FACTS, Build, from_facts, narrowed, within
from .result import Column, Compiled

EXTENT = (Column("first", "first", "time", "day"), Column("last", "last", "time", "day"))


def compile_extent(query: SemanticQuery, model: SemanticModel, *, advertiser: int | None = None) -> Compiled:
    """First and last time with data for the query's filters, whatever its period: what to say when a period is empty.

    Raises QueryError for a cube that tells how things stand now.
    """
    asked = query.model_copy(update={"period": Period(), "baseline": None, "grain": None, "intent": "value"})
    cube = checked_cube(asked, model, advertiser=advertiser)
    return _extent(Build(model, cube), cube.table_for(None, hourly=hourly(asked)), asked.filters, advertiser)


def compile_recorded(cube: Cube, model: SemanticModel, *, grain: Grain, advertiser: int | None = None) -> Compiled:
    """First and last time with any figure of the cube that the caller may see."""
    return _extent(Build(model, cube), cube.table_for(grain, hourly=False), (), advertiser)


def _extent(build: Build, table: str, filters: tuple[Filter, ...], advertiser: int | None) -> Compiled:
    moment = build.moment()
    select = exp.select(tree.named(exp.Min(this=moment), "first"), tree.named(exp.Max(this=moment.copy()), "last"))
    select = from_facts(select, build, table, narrowed(build, filters, advertiser))
    return Compiled(tree.text(select.limit(1)), build.params, EXTENT)


def compile_origin(query: SemanticQuery, model: SemanticModel, *, advertiser: int | None = None) -> Compiled | None:
    """One row when any of the query's figures come from the synthetic audience; None for a cube that does not mark them."""
    cube = checked_cube(query, model, advertiser=advertiser)
    if cube.synthetic is None:
        return None
    build = Build(model, cube)
    marked = tree.column(cube.synthetic, FACTS)
    conditions = [*narrowed(build, query.filters, advertiser), *within(build, query.period), marked.copy()]
    select = from_facts(exp.select(tree.named(marked, "synthetic")), build, cube.table_for(query.grain, hourly=hourly(query)), conditions)
    return Compiled(tree.text(select.limit(1)), build.params, (Column("synthetic", "synthetic", "dimension"),))


def compile_names(entity: Entity, *, advertiser: int | None = None, limit: int = 5000) -> Compiled:
    """Keys and names of an entity, for linking words to things."""
    params: dict[str, Any] = {}
    key, name = tree.column(entity.key, "e"), tree.column(entity.name, "e")
    select = exp.select(tree.named(key, "key"), tree.named(name, "name")).from_(tree.table(entity.table, "e"))
    if advertiser is not None and entity.scope:
        params["p1"] = advertiser
        select = select.where(tree.column(entity.scope, "e").eq(exp.Placeholder(this="p1")))
    select = select.order_by(name.copy(), key.copy()).limit(limit)
    return Compiled(tree.text(select), params, (Column("key", "key", "dimension"), Column("name", "name", "dimension")), light=True)


def compile_freshness(cube: Cube) -> Compiled | None:
    """How far the cube is filled, where the model says where that is written."""
    if cube.freshness is None:
        return None
    told = cube.freshness
    select = exp.select(tree.named(tree.column(told.column, "s"), "filled_to")).from_(tree.table(told.table, "s"))
    select = select.where(tree.column(told.key, "s").eq(exp.Placeholder(this="p1"))).limit(1)
    return Compiled(tree.text(select), {"p1": told.value}, (Column("filled_to", "filled to", "time"),), light=True)
