"""SemanticQuery to PostgreSQL, built as a syntax tree with bound parameters: no text of a question ever becomes SQL text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlglot
from sqlglot import exp

from .model import Cube, Dimension, Entity, Measure, SemanticModel, Through, TimeColumn
from .query import SemanticQuery

FACTS = "f"
TIME = "time"
# Words PostgreSQL keeps for itself; a column or dimension of that name is quoted.
_RESERVED_WORDS = """
all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate collation column concurrently
constraint create cross current_date current_role current_time current_timestamp current_user default deferrable desc distinct do else end
except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading
left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
returning right select session_user similar some symmetric table tablesample then to trailing true union unique user using variadic verbose
when where window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())


class QueryError(ValueError):
    """The query names something the model does not have, or that this caller may not see; the message says what there is."""


@dataclass(frozen=True)
class Column:
    """One column of the result. ``role`` is time, dimension or measure; ``unit`` as in the model."""

    name: str
    label: str
    role: str
    unit: str = ""


@dataclass(frozen=True)
class Compiled:
    sql: str
    params: dict[str, Any]
    columns: tuple[Column, ...]


@dataclass
class _Build:
    model: SemanticModel
    cube: Cube
    params: dict[str, Any] = field(default_factory=dict)
    joins: dict[str, Entity] = field(default_factory=dict)

    def bind(self, value: Any) -> exp.Placeholder:
        name = f"p{len(self.params) + 1}"
        self.params[name] = value
        return exp.Placeholder(this=name)

    def join(self, dimension: str) -> Entity:
        entity = self.model.dimensions[dimension].entity
        if entity is None:
            raise QueryError(f"{dimension} has no table of its own")
        self.joins[dimension] = entity
        return entity


def compile_query(query: SemanticQuery, model: SemanticModel, *, advertiser: int | None = None) -> Compiled:
    """``advertiser`` limits the rows to one advertiser by a predicate of its own, beside row-level security.

    Raises QueryError.
    """
    cube = checked_cube(query, model, advertiser=advertiser)
    build = _Build(model, cube)
    columns: list[Column] = []
    select = exp.Select()
    groups: list[exp.Expr] = []
    if query.grain:
        bucket = _bucket(build, query.grain)
        select = select.select(_named(bucket, TIME))
        groups.append(bucket.copy())
        columns.append(Column(TIME, query.grain, "time", query.grain))
    for name in query.dimensions:
        select, keys = _select_dimension(build, select, name)
        groups += keys
        columns.append(Column(name, model.dimensions[name].label, "dimension"))
    for name in shown_measures(query, cube):
        select = select.select(_named(_measure(cube, cube.measures[name]), name))
        columns.append(Column(name, cube.measures[name].label, "measure", cube.measures[name].unit))
    conditions = _conditions(build, query, advertiser)
    select = _from_facts(select, build, cube.table_for(query.grain, hourly=query.period.hourly), conditions)
    if groups:
        select = select.group_by(*groups)
    select = _ordered(select, query).limit(query.limit)
    return Compiled(select.sql("postgres", pretty=True), build.params, tuple(columns))


def compile_extent(query: SemanticQuery, model: SemanticModel, *, advertiser: int | None = None) -> Compiled:
    """First and last time with data for the query's filters, whatever its period: what to say when a period is empty."""
    cube = checked_cube(query, model, advertiser=advertiser)
    build = _Build(model, cube)
    moment = _column(_time(cube).column, FACTS)
    select = exp.select(_named(exp.Min(this=moment), "first"), _named(exp.Max(this=moment.copy()), "last"))
    conditions = _conditions(build, query.model_copy(update={"period": type(query.period)()}), advertiser)
    select = _from_facts(select, build, cube.table_for(None, hourly=False), conditions)
    return Compiled(
        select.limit(1).sql("postgres", pretty=True), build.params, (Column("first", "first", "time", "day"), Column("last", "last", "time", "day"))
    )


def compile_origin(query: SemanticQuery, model: SemanticModel, *, advertiser: int | None = None) -> Compiled | None:
    """One row when any of the query's figures come from the synthetic audience; None for a cube that does not mark them."""
    cube = checked_cube(query, model, advertiser=advertiser)
    if cube.synthetic is None:
        return None
    build = _Build(model, cube)
    marked = _column(cube.synthetic, FACTS)
    conditions = [*_conditions(build, query, advertiser), marked.copy()]
    select = _from_facts(exp.select(_named(marked, "synthetic")), build, cube.table_for(query.grain, hourly=query.period.hourly), conditions)
    return Compiled(select.limit(1).sql("postgres", pretty=True), build.params, (Column("synthetic", "synthetic", "dimension"),))


def _from_facts(select: exp.Select, build: _Build, table: str, conditions: list[exp.Expr]) -> exp.Select:
    select = select.from_(_table(table, FACTS))
    for name, entity in build.joins.items():
        on = _column(entity.key, name).eq(_column(_plain(build.cube.dimensions[name]), FACTS))
        select = select.join(_table(entity.table, name), on=on, join_type="left")
    return select.where(exp.and_(*conditions)) if conditions else select


def compile_names(entity: Entity, *, advertiser: int | None = None, limit: int = 5000) -> Compiled:
    """Keys and names of an entity, for linking words to things."""
    build_params: dict[str, Any] = {}
    select = exp.select(_named(_column(entity.key, "e"), "key"), _named(_column(entity.name, "e"), "name")).from_(_table(entity.table, "e"))
    if advertiser is not None and entity.scope:
        build_params["p1"] = advertiser
        select = select.where(_column(entity.scope, "e").eq(exp.Placeholder(this="p1")))
    select = select.order_by(_column(entity.name, "e")).limit(limit)
    return Compiled(select.sql("postgres", pretty=True), build_params, (Column("key", "key", "dimension"), Column("name", "name", "dimension")))


def compile_freshness(cube: Cube) -> Compiled | None:
    """How far the cube is filled, where the model says where that is written."""
    if cube.freshness is None:
        return None
    told = cube.freshness
    select = exp.select(_named(_column(told.column, "s"), "filled_to")).from_(_table(told.table, "s"))
    select = select.where(_column(told.key, "s").eq(exp.Placeholder(this="p1"))).limit(1)
    return Compiled(select.sql("postgres", pretty=True), {"p1": told.value}, (Column("filled_to", "filled to", "time"),))


def checked_cube(query: SemanticQuery, model: SemanticModel, *, advertiser: int | None) -> Cube:
    cube = model.cubes.get(query.cube)
    if cube is None:
        raise QueryError(f"there is no cube '{query.cube}'; there are {', '.join(model.cubes)}")
    wanted = {*query.measures, *([query.order.measure] if query.order else [])}
    if unknown := wanted - set(cube.measures):
        raise QueryError(f"{query.cube} has no measure {', '.join(sorted(unknown))}; it has {', '.join(cube.measures)}")
    if unknown := {*query.dimensions, *(part.dimension for part in query.filters)} - set(cube.dimensions):
        raise QueryError(f"{query.cube} has no dimension {', '.join(sorted(unknown))}; it has {', '.join(cube.dimensions)}")
    if cube.time is None and (query.grain or query.period.start or query.period.end or query.baseline):
        raise QueryError(f"{cube.label} tells how things stand now; ask without a period")
    if (query.grain == "hour" or query.period.hourly) and "hour" not in cube.tables:
        raise QueryError(f"{cube.label} is kept by day; ask for whole days")
    if advertiser is not None and cube.scope is None:
        raise QueryError(f"{cube.label} cannot be shown to a single advertiser")
    return cube


def shown_measures(query: SemanticQuery, cube: Cube) -> list[str]:
    """The measures asked for, then the parts of each ratio, so that every rate stands beside its volume."""
    names = list(dict.fromkeys(query.measures))
    for name in query.measures:
        if ratio := cube.measures[name].ratio:
            names += [part for part in (ratio.numerator, ratio.denominator) if part not in names]
    if query.order and query.order.measure not in names:
        names.append(query.order.measure)
    return names


def _identifier(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=name in RESERVED)


def _column(name: str, table: str | None = None) -> exp.Column:
    return exp.Column(this=_identifier(name), table=_identifier(table) if table else None)


def _named(expression: exp.Expr, name: str) -> exp.Alias:
    return exp.Alias(this=expression, alias=_identifier(name))


def _table(name: str, alias: str) -> exp.Table:
    return exp.Table(this=_identifier(name), alias=exp.TableAlias(this=_identifier(alias)))


def _plain(place: str | Through) -> str:
    if isinstance(place, Through):
        raise QueryError("a join path can only end at a column of the cube")
    return place


def _sum(measure: Measure) -> exp.Expr:
    if measure.sketch is not None:
        raise QueryError(f"{measure.label} is read from its sketches")
    total: exp.Expr = exp.Min(this=_column(measure.value, FACTS)) if measure.value else exp.Sum(this=_column(str(measure.sum), FACTS))
    if measure.less is not None:
        total = exp.Paren(this=exp.Sub(this=total, expression=exp.Sum(this=_column(measure.less, FACTS))))
    return total if measure.divide == 1 else exp.Div(this=total, expression=exp.Literal.number(measure.divide))


def _measure(cube: Cube, measure: Measure) -> exp.Expr:
    """A sum, or SUM / NULLIF(SUM, 0): a rate of totals, never a mean of rates; nothing to divide by gives NULL, not 0."""
    if measure.ratio is None:
        return _sum(measure)
    numerator = _sum(cube.measures[measure.ratio.numerator])
    if measure.ratio.factor != 1.0:
        factor = exp.Literal.number(int(measure.ratio.factor) if measure.ratio.factor.is_integer() else measure.ratio.factor)
        numerator = exp.Mul(this=numerator, expression=factor)
    denominator = exp.Nullif(this=_sum(cube.measures[measure.ratio.denominator]), expression=exp.Literal.number(0))
    return exp.Div(this=exp.Paren(this=numerator) if isinstance(numerator, exp.Div | exp.Mul) else numerator, expression=denominator)


def _time(cube: Cube) -> TimeColumn:
    if cube.time is None:
        raise QueryError(f"{cube.label} tells how things stand now; ask without a period")
    return cube.time


def _bucket(build: _Build, grain: str) -> exp.Expr:
    column = _column(_time(build.cube).column, FACTS)
    zone = "" if _time(build.cube).type == "date" else ", 'UTC'"
    truncated = sqlglot.parse_one(f"date_trunc('{grain}', t{zone})", dialect="postgres")
    truncated.find(exp.Column).replace(column)  # type: ignore[union-attr]
    return truncated


def _place(build: _Build, name: str) -> exp.Column:
    place = build.cube.dimensions[name]
    if isinstance(place, Through):
        build.join(place.through)
        return _column(place.column, place.through)
    return _column(place, FACTS)


def _select_dimension(build: _Build, select: exp.Select, name: str) -> tuple[exp.Select, list[exp.Expr]]:
    dimension: Dimension = build.model.dimensions[name]
    key = _place(build, name)
    if dimension.entity is None:
        return select.select(_named(key, name)), [key.copy()]
    entity = build.join(name)
    label = _column(entity.name, name)
    return select.select(_named(label, name)), [key.copy(), label.copy()]


def _conditions(build: _Build, query: SemanticQuery, advertiser: int | None) -> list[exp.Expr]:
    conditions: list[exp.Expr] = []
    if advertiser is not None:
        conditions.append(_column(str(build.cube.scope), FACTS).eq(build.bind(advertiser)))
    if query.period.start:
        conditions.append(exp.GTE(this=_moment(build.cube), expression=build.bind(_bound(build.cube)(query.period.start))))
    if query.period.end:
        conditions.append(exp.LT(this=_moment(build.cube), expression=build.bind(_bound(build.cube)(query.period.end))))
    for part in query.filters:
        conditions.append(exp.In(this=_place(build, part.dimension), expressions=[build.bind(value) for value in part.values]))
    return conditions


def _moment(cube: Cube) -> exp.Column:
    return _column(_time(cube).column, FACTS)


def _bound(cube: Cube) -> Callable[[datetime], Any]:
    return (lambda moment: moment.astimezone(UTC).date()) if _time(cube).type == "date" else (lambda moment: moment.astimezone(UTC))


def _ordered(select: exp.Select, query: SemanticQuery) -> exp.Select:
    """By what was asked, else by time, else by the first measure; ties fall by name so that an answer never changes by itself."""
    terms: list[exp.Expr] = []
    if query.order:
        terms.append(_by(query.order.measure, descending=query.order.descending))
    if query.grain:
        terms.append(_by(TIME, descending=False))
    elif not query.order and query.dimensions:
        terms.append(_by(query.measures[0], descending=True))
    terms += [_by(name, descending=False) for name in query.dimensions]
    return select.order_by(*terms) if terms else select


def _by(name: str, *, descending: bool) -> exp.Ordered:
    return exp.Ordered(this=_column(name), desc=descending, nulls_first=False)
