"""The statement behind an answer's figures.

Where rows of totals are the answer it is one plain SELECT. Where figures stand beside others (a baseline, the whole of a share, buckets
without rows) the totals come first, as ``g``, and the figures are taken of them.
"""

from __future__ import annotations

from sqlglot import exp

from insights.semantic.guard import MAX_LIMIT
from insights.semantic.model import SemanticModel
from insights.semantic.query import BEFORE, CHANGE, GROWTH, SHARE, SemanticQuery
from insights.semantic.spine import Recorded

from . import tree
from .checks import checked_cube, compared_measures, shown_measures
from .facts import TIME, Build
from .finishing import Finish, Made
from .layers import Layer, axis_of, grouped, plain
from .result import Column, Compiled

OPERATORS: dict[str, type[exp.Binary]] = {"gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE, "eq": exp.EQ, "ne": exp.NEQ}


def compile_query(query: SemanticQuery, model: SemanticModel, *, advertiser: int | None = None, recorded: Recorded | None = None) -> Compiled:
    """``advertiser`` limits the rows to one advertiser by a predicate of its own, beside row-level security.

    With ``recorded`` a grain comes with its spine: every bucket of the period that lies within what is recorded has its row, for each
    combination of the dimensions that has any; a count without rows is 0 there and a ratio NULL.

    A baseline with a grain: bucket n of the baseline stands beside bucket n of the period, counted from the bucket in which each begins,
    under the period's time. What the longer one has over has no counterpart and is left out of the baseline, and NULL beside the period.
    Without a grain: a group that has rows in one period only counts 0 in the other, unless nothing at all was found there, which is NULL.

    Raises QueryError.
    """
    cube = checked_cube(query, model, advertiser=advertiser)
    build = Build(model, cube)
    axis = axis_of(query, recorded)
    layered = query.baseline is not None or query.intent == "share" or axis is not None
    layer = grouped(build, query, advertiser, axis, recorded) if layered else plain(build, query, advertiser)
    return _by_hand(query, build, layer) if _needs_hands(query, build) else _by_sql(query, build, layer)


def _needs_hands(query: SemanticQuery, build: Build) -> bool:
    """Whether a sketch is to be united, or small cells are to be left out and counted, before anything can be put in order or cut off."""
    return build.cube.least is not None or any(build.cube.measures[name].kind == "sketch" for name in shown_measures(query, build.cube))


def _by_sql(query: SemanticQuery, build: Build, layer: Layer) -> Compiled:
    columns = list(layer.columns)
    figures: list[exp.Expr] = []
    for name in shown_measures(query, build.cube):
        for suffix, column in _columns(query, build, name):
            columns.append(column)
            figures.append(tree.named(layer.figure(name, suffix), column.name))
    thresholds = [OPERATORS[part.op](this=tree.bracketed(layer.figure(part.measure, "")), expression=build.bind(part.value)) for part in query.having]
    terms = [tree.by(tree.column(name), descending=descending) for name, descending in _order(query)] + layer.last_terms()
    select = layer.select(figures, thresholds)
    return Compiled(tree.text((select.order_by(*terms) if terms else select).limit(query.limit)), build.params, tuple(columns))


def _by_hand(query: SemanticQuery, build: Build, layer: Layer) -> Compiled:
    """Everything that SQL can give in an order that is always the same; the rest is told in ``finish``."""
    columns, made = list(layer.columns), [Made("as_read", place) for place in range(len(layer.columns))]
    figures: list[exp.Expr] = []
    places = {column.name: place for place, column in enumerate(columns)}
    for name in shown_measures(query, build.cube):
        sketch = build.cube.measures[name].kind == "sketch"
        for suffix, column in _columns(query, build, name):
            places[column.name] = len(columns)
            columns.append(column)
            if sketch and suffix in (CHANGE, GROWTH):
                made.append(Made("change" if suffix == CHANGE else "growth", places[name], places[name + BEFORE]))
                continue
            made.append(Made("sketch" if sketch else "as_read", len(layer.columns) + len(figures)))
            figures.append(tree.named(layer.figure(name, suffix), column.name))
    terms = [tree.by(tree.column(column.name), descending=False) for column in layer.columns] + layer.last_terms()
    select = layer.select(figures, [])
    least = build.cube.least
    finish = Finish(
        tuple(made),
        least=tuple(places[name] for name in (least.measure, least.measure + BEFORE) if name in places) if least else (),
        count=least.count if least else 0,
        having=tuple((places[part.measure], part.op, part.value) for part in query.having),
        order=tuple((places[name], descending) for name, descending in _order(query)),
        limit=query.limit,
        nobody_is_zero=layer.spined,
    )
    return Compiled(tree.text((select.order_by(*terms) if terms else select).limit(MAX_LIMIT)), build.params, tuple(columns), finish)


def _columns(query: SemanticQuery, build: Build, name: str) -> list[tuple[str, Column]]:
    """A measure's own column and those that stand beside it, each with its suffix."""
    measure = build.cube.measures[name]
    own = Column(name, measure.label, "measure", measure.unit)
    suffixes = {"": measure.unit}
    compared = name in compared_measures(query)
    if query.baseline is not None:
        suffixes |= {BEFORE: measure.unit} | ({CHANGE: measure.unit, GROWTH: "share"} if compared else {})
    if query.intent == "share" and compared:
        suffixes |= {SHARE: "share"}
    return [(suffix, _derived(own, suffix, unit)) for suffix, unit in suffixes.items()]


def _derived(own: Column, suffix: str, unit: str) -> Column:
    said = {"": "{}", BEFORE: "{} before", CHANGE: "change in {}", GROWTH: "growth of {}", SHARE: "share of {}"}
    return Column(own.name + suffix, said[suffix].format(own.label), own.role, unit)


def _order(query: SemanticQuery) -> list[tuple[str, bool]]:
    """By what was asked, else by time, else by the first measure; ties fall by name so that an answer never changes by itself."""
    terms: list[tuple[str, bool]] = []
    if query.order:
        suffix = {"value": "", "change": CHANGE, "growth": GROWTH, "share": SHARE}[query.order.by]
        terms.append((query.order.measure + suffix, query.order.descending))
    if query.grain:
        terms.append((TIME, False))
    elif not query.order and query.dimensions:
        terms.append((query.measures[0], True))
    return terms + [(name, False) for name in query.dimensions]
