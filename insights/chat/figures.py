"""Answers that are rows: one query compiled, guarded, run and worded. And what to say where there is nothing."""

from __future__ import annotations

from dataclasses import replace

from insights.semantic import compiler, read
from insights.semantic.compiler import Compiled
from insights.semantic.execute import Rows, plain, run
from insights.semantic.query import SemanticQuery

from . import charts, phrasing
from .context import Context, Outcome, Statement
from .grounding import Facts, moment


def found(query: SemanticQuery, context: Context) -> Outcome:
    """Raises CannotRun, QueryError, Refused."""
    cube = context.model.cubes[query.cube]
    told = read.figures(query, model=context.model, scope=context.scope)
    compiled, rows = told.compiled, told.rows
    facts = Facts(
        compiled.columns,
        rows.values,
        context.currency,
        period=query.period.label,
        filters=phrasing.filter_words(query, context.model),
        baseline=query.baseline.label if query.baseline else "",
        better={name: measure.better for name, measure in cube.measures.items()},
        adds_up=frozenset(name for name, measure in cube.measures.items() if measure.sum is not None),
        whole=not rows.capped and len(rows.values) < query.limit,
        order=(query.order.measure, query.order.descending) if query.order and query.order.by == "value" else None,
    )
    nothing = empty(compiled, rows)
    if nothing:
        draft, facts = _nothing_there(query, facts, context)
    else:
        draft = phrasing.template(query, cube, facts)
    return Outcome(
        facts,
        draft,
        statements=(statement("the figures", compiled),),
        chart=None if nothing else charts.chart(query, compiled.columns, rows.values),
        note=f"More than {len(rows.values)} rows; the first are shown." if rows.capped else "",
        filled=not nothing,
        as_of=moment(told.filled_to.isoformat(), "hour") + " UTC" if told.filled_to else None,
        synthetic=told.synthetic,
    )


def statement(purpose: str, compiled: Compiled) -> Statement:
    return Statement(purpose, compiled.sql, {name: plain(value) for name, value in compiled.params.items()})


def empty(compiled: Compiled, rows: Rows) -> bool:
    """No row, or no figure in any: nothing was recorded. A zero is a figure."""
    measures = [index for index, column in enumerate(compiled.columns) if column.role == "measure"]
    return all(row[index] is None for row in rows.values for index in measures)


def _nothing_there(query: SemanticQuery, facts: Facts, context: Context) -> tuple[str, Facts]:
    if context.model.cubes[query.cube].time is None:
        return f"There is nothing{' for {{filters}}' if query.filters else ''} that you may see.", facts
    extent = run(compiler.compile_extent(query, context.model, advertiser=context.scope.advertiser), model=context.model, scope=context.scope)
    first, last = extent.values[0] if extent.values else (None, None)
    about = " for {{filters}}" if query.filters else ""
    if first is None:
        return f"Nothing has been recorded{about} yet, in any period that you may see.", facts
    told = {"first": moment(first, "day"), "last": moment(last, "day")}
    return f"There is no data{about} in {{{{period}}}}. What is recorded runs from {{{{told.first}}}} to {{{{told.last}}}}.", replace(
        facts, told=told
    )


def is_synthetic(query: SemanticQuery, context: Context) -> bool:
    compiled = compiler.compile_origin(query, context.model, advertiser=context.scope.advertiser)
    return bool(compiled and run(compiled, model=context.model, scope=context.scope).values)


def as_of(query: SemanticQuery, context: Context) -> str | None:
    compiled = compiler.compile_freshness(context.model.cubes[query.cube])
    if compiled is None:
        return None
    rows = run(compiled, model=context.model, scope=context.scope).values
    return moment(rows[0][0], "hour") + " UTC" if rows and rows[0][0] else None
