"""The parts of a statement that read a cube's table: places, joins, conditions, buckets and totals, with every value bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlglot
from sqlglot import exp

from insights.semantic.model import TIME_DIMENSIONS, Cube, Entity, Grain, Measure, SemanticModel, Through, TimeColumn
from insights.semantic.query import Filter, Period

from . import tree
from .result import QueryError

FACTS = "f"
TIME = "time"


@dataclass
class Build:
    """One statement as it comes together: what it binds and which tables it joins."""

    model: SemanticModel
    cube: Cube
    params: dict[str, Any] = field(default_factory=dict)
    joins: dict[str, Entity] = field(default_factory=dict)

    def bind(self, value: Any) -> exp.Placeholder:
        name = f"p{len(self.params) + 1}"
        self.params[name] = value
        return exp.Placeholder(this=name)

    @property
    def time(self) -> TimeColumn:
        if self.cube.time is None:
            raise QueryError(f"{self.cube.label} tells how things stand now; ask without a period")
        return self.cube.time

    def moment(self) -> exp.Column:
        return tree.column(self.time.column, FACTS)

    def bound(self, moment: datetime) -> exp.Placeholder:
        utc = moment.astimezone(UTC)
        return self.bind(utc.date() if self.time.type == "date" else utc)


def place(build: Build, name: str) -> exp.Expr:
    """What a dimension is grouped and filtered by; of an entity, its key."""
    if name in TIME_DIMENSIONS and name not in build.cube.dimensions:
        return _time_of(build, name)
    where = build.cube.dimensions[name]
    if isinstance(where, Through):
        entity = build.model.dimensions[where.through].entity
        if entity is None:
            raise QueryError(f"{where.through} has no table of its own")
        build.joins[where.through] = entity
        return tree.column(where.column, where.through)
    return tree.column(where, FACTS)


def label(build: Build, name: str) -> exp.Expr | None:
    """The name of an entity's row, where the dimension is one."""
    entity = None if name in TIME_DIMENSIONS else build.model.dimensions[name].entity
    if entity is None:
        return None
    build.joins[name] = entity
    return tree.column(entity.name, name)


def _time_of(build: Build, name: str) -> exp.Expr:
    part = {"weekday": "ISODOW", "hour_of_day": "HOUR"}[name]
    moment: exp.Expr = build.moment()
    if build.time.type == "timestamp":
        moment = exp.AtTimeZone(this=moment, zone=exp.Literal.string("UTC"))
    return exp.cast(exp.Extract(this=exp.Var(this=part), expression=moment), "int")


def bucket(build: Build, grain: Grain) -> exp.Expr:
    zone = "" if build.time.type == "date" else ", 'UTC'"
    truncated = sqlglot.parse_one(f"date_trunc('{grain}', t{zone})", dialect="postgres")
    truncated.find(exp.Column).replace(build.moment())  # type: ignore[union-attr]
    return truncated


def within(build: Build, period: Period) -> list[exp.Expr]:
    conditions: list[exp.Expr] = []
    if period.start:
        conditions.append(exp.GTE(this=build.moment(), expression=build.bound(period.start)))
    if period.end:
        conditions.append(exp.LT(this=build.moment(), expression=build.bound(period.end)))
    return conditions


def matches(build: Build, where: exp.Expr, part: Filter) -> exp.Expr:
    """``IN``, or not in: what has no value at all is not one of the values, and stays."""
    values = [_value(part, value) for value in part.values]
    inside = exp.In(this=where, expressions=[build.bind(value) for value in values])
    if part.op == "in":
        return inside
    return tree.either([exp.Not(this=inside), exp.Is(this=where.copy(), expression=exp.Null())])


def _value(part: Filter, value: int | str) -> int | str:
    if part.dimension not in TIME_DIMENSIONS:
        return value
    try:
        return int(value)
    except ValueError as error:
        raise QueryError(f"{value!r} is no {TIME_DIMENSIONS[part.dimension].label}; give its number") from error


def narrowed(build: Build, filters: tuple[Filter, ...], advertiser: int | None) -> list[exp.Expr]:
    """What limits the rows whatever the period: the caller's advertiser first, then the filters asked for."""
    conditions: list[exp.Expr] = []
    if advertiser is not None:
        conditions.append(tree.column(str(build.cube.scope), FACTS).eq(build.bind(advertiser)))
    return conditions + [matches(build, place(build, part.dimension), part) for part in filters]


def from_facts(select: exp.Select, build: Build, table: str, conditions: list[exp.Expr]) -> exp.Select:
    """Joins come last: only then is it known which are needed."""
    select = select.from_(tree.table(table, FACTS))
    for name, entity in build.joins.items():
        key = build.cube.dimensions[name]
        if isinstance(key, Through):
            raise QueryError("a join path can only end at a column of the cube")
        select = select.join(tree.table(entity.table, name), on=tree.column(entity.key, name).eq(tree.column(key, FACTS)), join_type="left")
    return select.where(exp.and_(*conditions, wrap=False)) if conditions else select


def total(measure: Measure, condition: exp.Expr | None = None) -> exp.Expr:
    """What SQL can take of a measure that is no ratio: its sum, its one value, or its sketches to be united later. ``condition`` limits the
    rows that count."""
    column = tree.column(str(measure.sum or measure.value or measure.sketch), FACTS)
    if measure.kind == "sketch":
        return _filtered(exp.ArrayAgg(this=column), condition)
    found = _filtered(exp.Min(this=column) if measure.kind == "value" else exp.Sum(this=column), condition)
    if measure.less is not None:
        found = exp.Paren(this=exp.Sub(this=found, expression=_filtered(exp.Sum(this=tree.column(measure.less, FACTS)), condition)))
    return found if measure.divide == 1 else exp.Div(this=found, expression=tree.number(measure.divide))


def _filtered(aggregate: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
    return exp.Filter(this=aggregate, expression=exp.Where(this=condition.copy())) if condition is not None else aggregate


def figure(cube: Cube, name: str, part: Callable[[str], exp.Expr]) -> exp.Expr:
    """A measure from its parts: a rate is a rate of totals, never a mean of rates; nothing to divide by gives NULL, not 0."""
    ratio = cube.measures[name].ratio
    if ratio is None:
        return part(name)
    numerator = part(ratio.numerator)
    if ratio.factor != 1.0:
        numerator = exp.Mul(this=tree.bracketed(numerator), expression=tree.number(ratio.factor))
    return tree.over(numerator, part(ratio.denominator))
