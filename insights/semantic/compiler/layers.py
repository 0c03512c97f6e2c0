"""What the figures of a statement are taken of: the cube's rows in groups, or totals prepared in steps before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from insights.semantic.model import TIME_DIMENSIONS
from insights.semantic.query import BEFORE, CHANGE, GROWTH, SHARE, Period, SemanticQuery
from insights.semantic.spine import Axis, Recorded, after, between, floor, moved, recorded_part, whole

from . import tree
from .checks import compared_measures, hourly, shown_measures
from .facts import TIME, Build, bucket, figure, from_facts, label, matches, narrowed, place, total, within
from .result import Column, QueryError

# A year of hours: whoever wants more buckets wants wider ones.
MOST_BUCKETS = 9_000
KEY, WHOLE, ROWS, GROUP = "__key", "__whole", "rows_found", "group_number"


@dataclass(frozen=True)
class Layer:
    """``base`` selects time and dimensions; ``figure`` gives a measure, or what stands beside it (a suffix of the result's columns).
    ``keys`` tell apart what is called the same."""

    columns: tuple[Column, ...]
    base: exp.Select
    figure: Callable[[str, str], exp.Expr]
    keys: tuple[exp.Expr, ...] = ()
    focus: tuple[exp.Expr, ...] = ()
    aggregated: bool = False
    spined: bool = False

    def select(self, figures: Sequence[exp.Expr], thresholds: Sequence[exp.Expr]) -> exp.Select:
        conditions = [*thresholds, *self.focus]
        select = self.base.select(*figures)
        if not conditions:
            return select
        return select.having(*thresholds) if self.aggregated else select.where(exp.and_(*conditions, wrap=False))

    def last_terms(self) -> list[exp.Ordered]:
        return [tree.by(key.copy(), descending=False) for key in self.keys]


def axis_of(query: SemanticQuery, recorded: Recorded | None) -> Axis | None:
    """The buckets that must have their rows. Raises QueryError for more than anybody reads."""
    if query.grain is None or recorded is None:
        return None
    axis = recorded_part(query.period, query.grain, recorded)
    if axis and axis.count > MOST_BUCKETS:
        raise QueryError(f"that is {axis.count:,} rows of one {query.grain} each; ask for a shorter period, or by something longer")
    return axis


def plain(build: Build, query: SemanticQuery, advertiser: int | None) -> Layer:
    """One SELECT over the cube's table. Without a whole to take shares of, a focus is a filter like any other."""
    select, groups, columns, keys = _dimensions(build, query, bucket(build, query.grain) if query.grain else None)
    conditions = [*narrowed(build, (), advertiser), *within(build, query.period), *_filters(build, query)]
    select = from_facts(select, build, build.cube.table_for(query.grain, hourly=hourly(query)), conditions)
    select = select.group_by(*groups) if groups else select
    measures = build.cube.measures
    return Layer(columns, select, lambda name, _: figure(build.cube, name, lambda part: total(measures[part])), keys=keys, aggregated=True)


def grouped(build: Build, query: SemanticQuery, advertiser: int | None, axis: Axis | None, recorded: Recorded | None) -> Layer:
    """Totals first, buckets without rows filled in where there is an axis, then the figures."""
    return _Steps(build, query, axis, recorded).layer(advertiser)


def _filters(build: Build, query: SemanticQuery) -> list[exp.Expr]:
    return [matches(build, place(build, part.dimension), part) for part in (*query.filters, *query.focus)]


Grouping = tuple[exp.Select, list[exp.Expr], tuple[Column, ...], tuple[exp.Expr, ...]]


def _dimensions(build: Build, query: SemanticQuery, when: exp.Expr | None) -> Grouping:
    """The select of time and dimensions with what it groups by, its columns, and the keys behind names."""
    select, groups, columns, keys = exp.Select(), [], [], []
    if when is not None and query.grain:
        select = select.select(tree.named(when, TIME))
        groups.append(when.copy())
        columns.append(Column(TIME, query.grain, "time", query.grain))
    for name in query.dimensions:
        key, called = place(build, name), label(build, name)
        select = select.select(tree.named(key if called is None else called, name))
        groups += [key.copy()] if called is None else [key.copy(), called.copy()]
        keys += [] if called is None else [key.copy()]
        dimension = build.model.dimensions[name]
        columns.append(Column(name, dimension.label, "dimension", words=dimension.words()))
    return select, groups, tuple(columns), tuple(keys)


@dataclass
class _Steps:
    build: Build
    query: SemanticQuery
    axis: Axis | None
    recorded: Recorded | None

    def layer(self, advertiser: int | None) -> Layer:
        totals = last = self._named("totals")
        select, columns = self._totals(advertiser)
        steps = [(totals, select)]
        if self.axis:
            groups, last = self._named("groups"), self._named("filled")
            steps += [(groups, self._groups(totals)), (last, self._filled(totals, groups))]
        if self.query.baseline:
            before, last = last, self._named("figures")
            steps.append((last, self._figures(before)))
        base = exp.select(*[tree.named(tree.column(column.name, last), column.name) for column in columns]).from_(tree.table(last))
        for name, step in steps:
            base = base.with_(tree.identifier(name), as_=step)
        keys = {name: tree.column(self._key(name), last) for name in self.query.dimensions}
        return Layer(
            columns,
            base,
            lambda name, suffix: self._figure(name, suffix, last),
            keys=tuple(key for name, key in keys.items() if self._entity(name)),
            focus=tuple(matches(self.build, keys[part.dimension].copy(), part) for part in self.query.focus),
            spined=self.axis is not None,
        )

    def _figure(self, name: str, suffix: str, last: str) -> exp.Expr:
        now, before = tree.column(name, last), tree.column(name + BEFORE, last)
        if suffix == SHARE:
            return tree.over(now, tree.column(name + WHOLE, last))
        if suffix == CHANGE:
            return exp.Sub(this=now, expression=before)
        if suffix == GROWTH:
            return tree.over(exp.Sub(this=now, expression=before), exp.Abs(this=before.copy()))
        if self.query.baseline:
            return tree.column(name + suffix, last)
        return figure(self.build.cube, name, lambda part: tree.column(part, last))

    def _figures(self, last: str) -> exp.Select:
        """Each measure now and before, so that what lies between them is said of these two."""
        names = [*([TIME] if self.query.grain else []), *self._labels()]
        select = exp.select(*[tree.named(tree.column(name, last), name) for name in names]).from_(tree.table(last))
        for name in shown_measures(self.query, self.build.cube):
            for suffix in self._suffixes():
                found = figure(self.build.cube, name, lambda part, suffix=suffix: self._part(part, suffix, last))  # type: ignore[misc]
                select = select.select(tree.named(found, name + suffix))
        return select.select(*[tree.named(tree.column(name + WHOLE, last), name + WHOLE) for name in self._shared()])

    def _labels(self) -> list[str]:
        """The columns of the dimensions: what they are called, and the keys behind it."""
        return [name for dimension in self.query.dimensions for name in dict.fromkeys((dimension, self._key(dimension)))]

    def _named(self, name: str) -> str:
        """A name for a step that no table of the model has."""
        return name if name not in self.build.model.columns() else self._named(name + "_")

    def _entity(self, name: str) -> bool:
        return name not in TIME_DIMENSIONS and self.build.model.dimensions[name].entity is not None

    def _key(self, name: str) -> str:
        return name + KEY if self._entity(name) else name

    def _parts(self) -> list[str]:
        """The measures that totals are taken of: those shown, ratios by their parts."""
        cube = self.build.cube
        names: list[str] = []
        for name in shown_measures(self.query, cube):
            ratio = cube.measures[name].ratio
            names += [ratio.numerator, ratio.denominator] if ratio else [name]
        return list(dict.fromkeys(names))

    def _shared(self) -> list[str]:
        return compared_measures(self.query) if self.query.intent == "share" else []

    def _suffixes(self) -> tuple[str, ...]:
        return ("", BEFORE) if self.query.baseline else ("",)

    def _totals(self, advertiser: int | None) -> tuple[exp.Select, tuple[Column, ...]]:
        """One row for each group that has rows in either period."""
        build, query = self.build, self.query
        fixed = narrowed(build, query.filters, advertiser)
        conditions = self._conditions()
        when = self._when(conditions)
        select, groups, columns, _ = _dimensions(build, query, when)
        select = select.select(*[tree.named(place(build, name), self._key(name)) for name in query.dimensions if self._entity(name)])
        limits = conditions if query.baseline else {"": None}
        for name in self._parts():
            for suffix, limit in limits.items():
                select = select.select(tree.named(total(build.cube.measures[name], limit), name + suffix))
        if not self.axis:
            select = select.select(*self._counted(conditions, groups), *self._wholes(conditions, when))
        elif query.dimensions:
            ranked = exp.Window(this=exp.DenseRank(), order=exp.Order(expressions=[key.copy() for key in groups[1:]]), over="OVER")
            select = select.select(tree.named(ranked, GROUP))
        asked = [condition for condition in conditions.values() if condition is not None]
        if len(asked) == len(conditions):
            fixed.append(asked[0] if len(asked) == 1 else tree.either([exp.Paren(this=condition) for condition in asked]))
        select = from_facts(select, build, build.cube.table_for(query.grain, hourly=hourly(query)), fixed)
        return (select.group_by(*groups) if groups else select), columns

    def _conditions(self) -> dict[str, exp.Expr | None]:
        """For each period what its rows must fulfil; None for a period without ends."""
        found = {"": self.query.period} | ({BEFORE: self._counterpart()} if self.query.baseline else {})
        parts = {suffix: within(self.build, period) for suffix, period in found.items()}
        return {suffix: exp.and_(*terms, wrap=False) if terms else None for suffix, terms in parts.items()}

    def _counterpart(self) -> Period:
        """The baseline, without what has no bucket of the period beside it."""
        query = self.query
        assert query.baseline is not None  # noqa: S101 - asked only where there is one
        if query.grain is None or query.baseline.start is None:
            return query.baseline
        axis = whole(query.period, query.grain)
        if axis is None or query.baseline.end is None:
            return query.baseline
        end = after(floor(query.baseline.start, query.grain), query.grain, axis.count)
        return query.baseline if query.baseline.end <= end else query.baseline.model_copy(update={"end": end})

    def _shift(self) -> int:
        """How many buckets the baseline lies before the period."""
        query = self.query
        if query.grain is None or query.baseline is None or query.baseline.start is None or query.period.start is None:
            return 0
        return between(floor(query.baseline.start, query.grain), floor(query.period.start, query.grain), query.grain)

    def _when(self, conditions: dict[str, exp.Expr | None]) -> exp.Expr | None:
        """The bucket of a row; of a row of the baseline, the bucket of the period that it stands beside."""
        query = self.query
        if query.grain is None:
            return None
        at = bucket(self.build, query.grain)
        now = conditions[""]
        if query.baseline is None or now is None:
            return at
        by = exp.cast(self.build.bind(f"{self._shift()} {query.grain}"), "interval")
        return exp.Case(ifs=[exp.If(this=now.copy(), true=at)], default=exp.Add(this=at.copy(), expression=by))

    def _counted(self, conditions: dict[str, exp.Expr | None], groups: list[exp.Expr]) -> list[exp.Expr]:
        """How many rows each period has over all groups: without any, nothing was found, and a group's figure is unknown instead of 0."""
        if not self.query.baseline or not groups:
            return []
        found: list[exp.Expr] = []
        for suffix, condition in conditions.items():
            rows: exp.Expr = exp.Count(this=exp.Star())
            rows = exp.Filter(this=rows, expression=exp.Where(this=condition.copy())) if condition is not None else rows
            found.append(tree.named(exp.Window(this=exp.Sum(this=rows), over="OVER"), ROWS + suffix))
        return found

    def _wholes(self, conditions: dict[str, exp.Expr | None], when: exp.Expr | None) -> list[exp.Expr]:
        """Shares are taken of the whole of their bucket, or of everything."""
        limit = conditions[""] if self.query.baseline else None
        found: list[exp.Expr] = []
        for name in self._shared():
            summed = exp.Sum(this=total(self.build.cube.measures[name], limit))
            found.append(tree.named(exp.Window(this=summed, partition_by=[when.copy()] if when is not None else [], over="OVER"), name + WHOLE))
        return found

    def _groups(self, totals: str) -> exp.Select:
        """Each combination of the dimensions once; without dimensions one row where there is anything at all."""
        names = self._labels()
        if not names:
            return exp.select(tree.named(tree.number(1), GROUP)).from_(tree.table(totals)).distinct()
        return exp.select(*[tree.named(tree.column(name, totals), name) for name in [GROUP, *names]]).from_(tree.table(totals)).distinct()

    def _filled(self, totals: str, groups: str) -> exp.Select:
        """Every bucket of the axis for each group: a count without rows is 0, where something could have been counted."""
        assert self.axis is not None  # noqa: S101 - asked only where there is one
        build, axis, buckets = self.build, self.axis, "buckets"
        names = self._labels()
        time = tree.column(TIME, buckets)
        select = exp.select(tree.named(time, TIME), *[tree.named(tree.column(name, groups), name) for name in names])
        known = self._known()
        parts: dict[str, exp.Expr] = {}
        for name in self._parts():
            for suffix in self._suffixes():
                found: exp.Expr = tree.column(name + suffix, totals)
                if build.cube.measures[name].kind == "sum":
                    found = known(tree.zero_if_null(found)) if suffix else tree.zero_if_null(found)
                parts[name + suffix] = found
                select = select.select(tree.named(found, name + suffix))
        for name in self._shared():
            summed = exp.Window(this=exp.Sum(this=parts[name].copy()), partition_by=[time.copy()], over="OVER")
            select = select.select(tree.named(summed, name + WHOLE))
        step = exp.Interval(this=exp.Literal.string("1"), unit=exp.Var(this=axis.grain.upper()))
        series = exp.ExplodingGenerateSeries(start=build.bind(axis.first), end=build.bind(axis.last), step=step)
        alias = exp.TableAlias(this=tree.identifier(buckets), columns=[tree.identifier(TIME)])
        on: exp.Expr = tree.column(TIME, totals).eq(time.copy())
        on = exp.and_(on, tree.column(GROUP, totals).eq(tree.column(GROUP, groups))) if names else on
        select = select.from_(exp.Table(this=series, alias=alias)).join(tree.table(groups), join_type="cross")
        return select.join(tree.table(totals), on=on, join_type="left")

    def _known(self) -> Callable[[exp.Expr], exp.Expr]:
        """Limits a figure of the baseline to the buckets in which the baseline could have recorded something."""
        query = self.query
        if query.baseline is None or query.grain is None or self.recorded is None or self.axis is None:
            return lambda found: found
        beside = recorded_part(self._counterpart(), query.grain, self.recorded)
        if beside is None:
            # Typed, so that it can be reckoned with.
            return lambda found: exp.cast(exp.Null(), "double")
        beside = moved(beside, self._shift())
        if beside.first <= self.axis.first and beside.last >= self.axis.last:
            return lambda found: found
        inside = exp.Between(this=tree.column(TIME, "buckets"), low=self.build.bind(beside.first), high=self.build.bind(beside.last))
        return lambda found: exp.Case(ifs=[exp.If(this=inside.copy(), true=found)])

    def _part(self, name: str, suffix: str, last: str) -> exp.Expr:
        found = tree.column(name + suffix, last)
        in_groups = bool(self.query.dimensions or self.query.grain)
        if self.axis or not self.query.baseline or not in_groups or self.build.cube.measures[name].kind != "sum":
            return found
        anything = exp.GT(this=tree.column(ROWS + suffix, last), expression=tree.number(0))
        return exp.Case(ifs=[exp.If(this=anything, true=tree.zero_if_null(found))])
