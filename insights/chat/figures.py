"""Answers that are rows: one query compiled, guarded, run and worded, with what stands beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from insights.semantic import compiler, read
from insights.semantic.compiler import Compiled, QueryError
from insights.semantic.execute import Rows, plain, run
from insights.semantic.model import Counts, Cube, SemanticModel
from insights.semantic.query import CHANGE, GROWTH, SHARE, SemanticQuery

from . import absence, charts, phrasing
from .context import Context, Outcome, Statement
from .grounding import Facts, moment
from .phrasing.interpretation import having_words

# Figures that are this far behind are as good as live.
LATE = timedelta(minutes=5)
ORDER_COLUMNS = {"value": "", "change": CHANGE, "growth": GROWTH, "share": SHARE}


def found(query: SemanticQuery, context: Context) -> Outcome:
    """Raises CannotRun, QueryError, Refused."""
    cube = context.model.cubes.get(query.cube)
    if cube is not None and not context.scope.sees(cube):
        raise QueryError(f"{cube.label} is not among what you may ask about")
    if cube is not None:
        query = _with_verdicts(query, cube)
    told = read.figures(query, model=context.model, scope=context.scope)
    compiled, rows = told.compiled, told.rows
    cube = context.model.cubes[query.cube]
    facts = facts_of(query, compiled, rows, context, told.filled_to)
    ran = [("the figures", compiled)]
    nothing = empty(compiled, rows) and not (rows.values and _judged(query, cube))
    if query.having or (cube.pacing and facts.has(cube.pacing)):
        facts, more = _of_how_many(query, facts, context)
        ran += more
    if nothing and query.having and facts.told.get("of", "0") != "0":
        draft = absence.none_pass(query, facts)
    elif nothing:
        draft, facts, more = absence.nothing(query, facts, context, told.filled_to)
        ran += more
    else:
        draft = phrasing.template(phrasing.Telling(query, context.model, facts, context.now, told.filled_to))
    return Outcome(
        facts,
        draft,
        statements=tuple(statement(purpose, one) for purpose, one in ran),
        chart=None if nothing else charts.chart(query, facts, cube),
        note=" ".join(part for part in (_notes(query, cube, rows, told.filled_to, context.now), _lacking(query, facts, told, context)) if part),
        filled=not nothing,
        as_of=_clock(told.filled_to) if told.filled_to else None,
        synthetic=told.synthetic,
    )


def _judged(query: SemanticQuery, cube: Cube) -> bool:
    """Whether rows that were measured are asked for, of which a verdict is on record."""
    return bool(cube.told_by and query.dimensions) and any(cube.measures[name].beside for name in query.measures if name in cube.measures)


def _with_verdicts(query: SemanticQuery, cube: Cube) -> SemanticQuery:
    """What is on record about measured rows stands beside them, also where too little was counted for a figure."""
    if not _judged(query, cube):
        return query
    return query.model_copy(update={"dimensions": tuple(dict.fromkeys([*query.dimensions, *cube.told_by]))})


def facts_of(query: SemanticQuery, compiled: Compiled, rows: Rows, context: Context, filled: datetime | None) -> Facts:
    """The result with all that a text about it may name."""
    model, cube = context.model, context.model.cubes[query.cube]
    adding = ("all",) if query.grain else ("all", "not_over_time")
    return Facts(
        compiled.columns,
        rows.values,
        context.currency,
        period=query.period.label,
        filters=phrasing.filter_words(query, model),
        told=_told(query, cube, filled, context.currency),
        baseline=query.baseline.label if query.baseline else "",
        better={name: measure.better for name, measure in cube.measures.items()},
        adds_up=frozenset(name for name, measure in cube.measures.items() if measure.adds in adding),
        plurals=_plurals(query, model),
        whole=not (rows.capped or rows.suppressed or query.focus) and len(rows.values) < query.limit,
        order=_ordered_by(query),
    )


def _told(query: SemanticQuery, cube: Cube, filled: datetime | None, currency: str) -> dict[str, str]:
    told = {"as_of": _clock(filled)} if filled else {}
    if query.having:
        told["condition"] = " and ".join(having_words(part, cube.measures[part.measure], currency) for part in query.having)
    estimates = {name: cube.measures[name].estimate for name in query.measures}
    return told | {f"estimate_{name}": how for name, how in estimates.items() if how and not how.startswith("see ")}


def _plurals(query: SemanticQuery, model: SemanticModel) -> dict[str, str]:
    return {name: model.dimensions[name].plural for name in query.dimensions if name in model.dimensions}


def _ordered_by(query: SemanticQuery) -> tuple[str, bool] | None:
    """Column and direction that the rows were sorted by before any were cut off."""
    if query.order:
        return query.order.measure + ORDER_COLUMNS[query.order.by], query.order.descending
    return (query.measures[0], True) if query.dimensions and not query.grain else None


def _of_how_many(query: SemanticQuery, facts: Facts, context: Context) -> tuple[Facts, list[tuple[str, Compiled]]]:
    """How many rows there are before the threshold, and how many of them are expected to miss their goal."""
    cube = context.model.cubes[query.cube]
    told = dict(facts.told)
    if cube.pacing and facts.has(cube.pacing):
        told["behind"] = f"{sum(1 for value in facts.known(cube.pacing) if value < cube.pacing_least):,}"
        told["of"] = f"{len(facts.known(cube.pacing)):,}"
    ran: list[tuple[str, Compiled]] = []
    if cube.pacing and cube.counts and facts.has(cube.pacing) and query.dimensions and cube.counts.dimension not in query.dimensions:
        counted, ran = _counted(query, facts, cube.counts, context)
        told |= counted
    if not query.having:
        return replace(facts, told=told), ran
    whole = query.model_copy(update={"having": (), "order": None, "limit": 1000})
    compiled = compiler.compile_query(whole, context.model, advertiser=context.scope.advertiser)
    rows = run(compiled, model=context.model, scope=context.scope)
    at = next(index for index, column in enumerate(compiled.columns) if column.name == query.having[0].measure)
    told["of"] = f"{sum(1 for row in rows.values if row[at] is not None):,}"
    return replace(facts, told=told), [*ran, ("how many there are in all", compiled)]


def _counted(query: SemanticQuery, facts: Facts, counts: Counts, context: Context) -> tuple[dict[str, str], list[tuple[str, Compiled]]]:
    """``told.counts_1``: in what the goal of the first row counts, by name."""
    wider = query.model_copy(update={"dimensions": (*query.dimensions, counts.dimension), "limit": 1000, "order": None})
    compiled = compiler.compile_query(wider, context.model, advertiser=context.scope.advertiser)
    rows = run(compiled, model=context.model, scope=context.scope).values
    names = len(query.dimensions)
    by_name = {tuple(row[:names]): counts.called.get(str(row[names]), "") for row in rows}
    told = {f"counts_{number}": by_name.get(tuple(row[:names]), "") for number, row in enumerate(facts.rows, start=1)}
    return {name: words for name, words in told.items() if words}, [("in what the goals count", compiled)]


def _notes(query: SemanticQuery, cube: Cube, rows: Rows, filled: datetime | None, now: datetime) -> str:
    """What the figures leave out, in plain sentences."""
    notes = [_late(query, cube, filled, now)]
    if rows.capped or (rows.values and len(rows.values) == query.limit and query.dimensions and query.intent != "rank"):
        notes.append(f"There are more than {len(rows.values):,} rows; the first are shown.")
    if rows.suppressed and cube.least:
        what = cube.measures[cube.least.measure].label
        left_out = "1 row is" if rows.suppressed == 1 else f"{rows.suppressed:,} rows are"
        notes.append(f"{left_out} left out: fewer than {cube.least.count} {what} stand behind it, which could point to somebody.")
    return " ".join(note for note in notes if note)


def _lacking(query: SemanticQuery, facts: Facts, told: read.Figures, context: Context) -> str:
    """What was asked for and is not recorded; where nothing is there at all, the text itself says so."""
    if empty(told.compiled, told.rows):
        return ""
    parts = (absence.begins_late(query, told.recorded, context.now), absence.without_rows(query, facts))
    return " ".join(part for part in parts if part)


def _late(query: SemanticQuery, cube: Cube, filled: datetime | None, now: datetime) -> str:
    """Where what was asked for reaches past what is filled."""
    if filled is None or cube.time is None:
        return ""
    asked = min(query.period.end or now, now)
    if asked - filled <= LATE:
        return ""
    return f"Figures are filled to {_clock(filled)}; the last {_long(asked - filled)} are not in yet."


def _long(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _clock(filled: datetime) -> str:
    return f"{filled.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def statement(purpose: str, compiled: Compiled) -> Statement:
    return Statement(purpose, compiled.sql, {name: plain(value) for name, value in compiled.params.items()})


def empty(compiled: Compiled, rows: Rows) -> bool:
    """No row, or no figure in any: nothing was recorded. A zero is a figure."""
    measures = [index for index, column in enumerate(compiled.columns) if column.role == "measure"]
    return all(row[index] is None for row in rows.values for index in measures)


def is_synthetic(query: SemanticQuery, context: Context) -> bool:
    compiled = compiler.compile_origin(query, context.model, advertiser=context.scope.advertiser)
    return bool(compiled and run(compiled, model=context.model, scope=context.scope).values)


def as_of(query: SemanticQuery, context: Context) -> str | None:
    compiled = compiler.compile_freshness(context.model.cubes[query.cube])
    if compiled is None:
        return None
    rows = run(compiled, model=context.model, scope=context.scope).values
    return moment(rows[0][0], "hour") + " UTC" if rows and rows[0][0] else None
