"""``why``: one measure, one period, one baseline. Is the change real, which parts is it made of, what was changed meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from insights.chat import absence, phrasing
from insights.chat.context import Context, Outcome, Statement
from insights.chat.figures import as_of, is_synthetic, statement
from insights.chat.grounding import Facts, cell
from insights.semantic import compiler, read
from insights.semantic.compiler import Compiled, QueryError
from insights.semantic.execute import Rows, run
from insights.semantic.model import Grain, Measure
from insights.semantic.query import BEFORE, Period, SemanticQuery

from . import events, wording
from .parts import Sides, Split, ranked, split
from .reality import Reality, judged

MOST_DIMENSIONS = 10
MOST_ELEMENTS = 1000
SHOWN_DIMENSIONS = 3
WEEKS = 8
HOURLY_WEEKS = 5


def explained(query: SemanticQuery, context: Context) -> Outcome:
    """Raises CannotRun, QueryError, Refused."""
    cube = compiler.checked_cube(query, context.model, advertiser=context.scope.advertiser)
    name = query.measures[0]
    measure = cube.measures[name]
    if measure.sum is None and measure.ratio is None:
        raise QueryError(f"{measure.label} is no sum and no rate of sums, so its change has no parts; ask for its trend instead")
    if query.period.start is None or query.period.end is None:
        raise QueryError("a change needs a period: ask why a figure moved yesterday, last week or since a date")
    query = query if query.baseline else query.model_copy(update={"baseline": _before(query.period)})
    asking = _Asking(query, context, measure)
    whole, statements = asking.compared(())
    if asking.missing == "before" and (nearer := _just_before(query)):
        # A young installation has no such weekday yet; the stretch just before is the next best, and the text names it.
        other = _Asking(nearer, context, measure)
        found, ran = other.compared(())
        statements += ran
        if not other.missing:
            query, asking, whole = nearer, other, found
    facts = Facts((), (), context.currency, query.period.label, phrasing.filter_words(query, context.model))
    if whole is None or asking.missing:
        return _nothing(asking, facts, statements)
    splits: list[Split] = []
    for dimension in asking.dimensions():
        sides, ran = asking.compared((dimension,))
        statements += ran
        if sides is not None and _there(sides) and (one := split(dimension, sides, factor=asking.factor)):
            splits.append(one)
    reality, ran = asking.reality(whole)
    statements += ran
    shown = tuple(ranked(splits)[:SHOWN_DIMENSIONS])
    told = wording.Told(query, context, measure, whole, asking.factor, reality, shown, _meanwhile(query, context))
    worded = wording.outcome(told, facts)
    known = read.recorded(query, read.filled(cube, model=context.model, scope=context.scope), model=context.model, scope=context.scope)
    note = absence.begins_late(query, known, context.now)
    filled, synthetic = as_of(query, context), is_synthetic(query, context)
    return replace(worded, statements=tuple(statements), note=note, as_of=filled, synthetic=synthetic, query=query)


def _before(period: Period) -> Period:
    """What a period is held against when nobody said: the same weekday of the week before for a day, whole weeks before for longer ones
    where that is less than twice as long ago, else the stretch of the same length just before."""
    assert period.start is not None  # noqa: S101 - checked by the caller
    assert period.end is not None  # noqa: S101
    length = period.end - period.start
    week = timedelta(days=7)
    shift = week * -(-length // week) if length <= week or length % week == timedelta(0) else length
    label = "the same day of the week before" if length == timedelta(days=1) else "the same time before" if shift == length else "the week before"
    return Period(start=period.start - shift, end=period.end - shift, label=f"{label} ({_range(period.start - shift, period.end - shift)})")


def _just_before(query: SemanticQuery) -> SemanticQuery | None:
    """The same question against the stretch of the same length just before; None where it is that already."""
    start, end, baseline = query.period.start, query.period.end, query.baseline
    if start is None or end is None or baseline is None or baseline.end == start:
        return None
    earlier = start - (end - start)
    said = "the day before" if end - start == timedelta(days=1) else "the time just before"
    label = f"{said} ({_range(earlier, start)}; nothing is recorded for {baseline.label.partition(' (')[0]})"
    return query.model_copy(update={"baseline": Period(start=earlier, end=start, label=label)})


def _range(start: Any, end: Any) -> str:
    last = end - timedelta(seconds=1)
    return f"{start:%Y-%m-%d}" if start.date() == last.date() else f"{start:%Y-%m-%d} to {last:%Y-%m-%d}"


def _there(sides: Sides) -> bool:
    if sides.base_before is None or sides.base_now is None:
        return bool(len(sides.before))
    return bool(sides.base_before.sum() > 0 and sides.base_now.sum() > 0)


class _Asking:
    """The query's figures as two sides, along any dimension."""

    def __init__(self, query: SemanticQuery, context: Context, measure: Measure) -> None:
        self.query, self.context, self.measure = query, context, measure
        self.cube = context.model.cubes[query.cube]
        ratio = measure.ratio
        self.parts = (ratio.numerator, ratio.denominator) if ratio else (query.measures[0],)
        self.factor = ratio.factor if ratio else 1.0
        self.missing = ""

    def dimensions(self) -> list[str]:
        """Those that are not already held to one value."""
        held = {part.dimension for part in self.query.filters if part.op == "in" and len(part.values) == 1}
        return [name for name in self.cube.dimensions if name not in held and not self.context.model.dimensions[name].hidden][:MOST_DIMENSIONS]

    def compared(self, dimensions: tuple[str, ...]) -> tuple[Sides | None, list[Statement]]:
        """Sides by these dimensions; None where neither period has anything."""
        compiled, rows = self._run(
            self.query.model_copy(
                update={"intent": "breakdown" if dimensions else "value", "measures": self.parts, "dimensions": dimensions, "limit": MOST_ELEMENTS}
            )
        )
        purpose = f"both periods by {dimensions[0]}" if dimensions else "both periods"
        place = {column.name: index for index, column in enumerate(compiled.columns)}

        def values(name: str) -> Any:
            return np.array([float(row[place[name]] or 0.0) for row in rows.values])

        if not dimensions:
            now, before = (rows.values[0][place[self.parts[-1] + side]] if rows.values else None for side in ("", BEFORE))
            self.missing = "now" if self._absent(now) else "before" if self._absent(before) else ""
        if not rows.values:
            return None, [statement(purpose, compiled)]
        at = place[dimensions[0]] if dimensions else 0
        names = tuple(cell(row[at], compiled.columns[at], self.context.currency) if dimensions else "" for row in rows.values)
        top = self.parts[0]
        base = self.parts[1] if len(self.parts) > 1 else None
        sides = Sides(names, values(top + BEFORE), values(top), values(base + BEFORE) if base else None, values(base) if base else None)
        return sides, [statement(purpose, compiled)]

    def _absent(self, below: float | None) -> bool:
        """Nothing recorded is not nothing delivered: a zero can be explained, a gap cannot; a rate needs something below its line."""
        return below is None or (len(self.parts) > 1 and not below)

    def _run(self, query: SemanticQuery) -> tuple[Compiled, Rows]:
        compiled = compiler.compile_query(query, self.context.model, advertiser=self.context.scope.advertiser)
        return compiled, run(compiled, model=self.context.model, scope=self.context.scope)

    def reality(self, whole: Sides) -> tuple[Reality, list[Statement]]:
        """The same stretch of the weeks before, by one query over all of them."""
        start, end = self.query.period.start, self.query.period.end
        assert start is not None  # noqa: S101 - checked before
        assert end is not None  # noqa: S101
        grain: Grain = "hour" if self.query.period.hourly else "day"
        weeks = HOURLY_WEEKS if grain == "hour" else WEEKS
        step = timedelta(days=7) * max(1, -(-(end - start) // timedelta(days=7)))
        trend = self.query.model_copy(
            update={
                "intent": "trend",
                "measures": self.parts,
                "dimensions": (),
                "grain": grain,
                "period": Period(start=start - weeks * step, end=start, label="the weeks before"),
                "baseline": None,
                "limit": MOST_ELEMENTS,
            }
        )
        compiled, rows = self._run(trend)
        place = {column.name: index for index, column in enumerate(compiled.columns)}
        past: dict[int, list[float]] = {}
        for row in rows.values:
            at = _moment(row[place["time"]], start)
            back = -(-(start - at) // step)
            if start - back * step <= at < end - back * step and row[place[self.parts[0]]] is not None:
                week = past.setdefault(back, [0.0, 0.0])
                week[0] += float(row[place[self.parts[0]]])
                week[1] += float(row[place[self.parts[1]]] or 0.0) if len(self.parts) > 1 else 0.0
        weeks_told = [(one[0], one[1] if len(self.parts) > 1 else 1.0) for one in past.values() if any(one)]
        found = judged(self._kind(), _pair(whole.now, whole.base_now), _pair(whole.before, whole.base_before), weeks_told)
        return found, [statement("the weeks before", compiled)]

    def _kind(self) -> Any:
        units = [self.cube.measures[name].unit for name in self.parts]
        if self.measure.unit == "share" and units == ["count", "count"]:
            return "share"
        return "count" if units == ["count"] else "other"


def _pair(part: Any, base: Any) -> tuple[float, float]:
    return float(part.sum()), 1.0 if base is None else float(base.sum())


def _moment(value: Any, like: datetime) -> datetime:
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=like.tzinfo)


def _nothing(asking: _Asking, facts: Facts, statements: list[Statement]) -> Outcome:
    query = asking.query
    told = {"baseline": query.baseline.label if query.baseline else ""}
    about = " {{filters}}" if query.filters else ""
    when = "{{told.baseline}}" if asking.missing == "before" else "{{period}}"
    draft = f"There is no data{about} in {when}, so there is no change to explain."
    return Outcome(replace(facts, told=told), draft, statements=tuple(statements), filled=False)


def _meanwhile(query: SemanticQuery, context: Context) -> tuple[events.Event, ...]:
    """From the start of the baseline to the end of the period."""
    assert query.baseline is not None  # noqa: S101 - given by the caller
    starts = [moment for moment in (query.baseline.start, query.period.start) if moment]
    until = min(query.period.end or context.now, context.now)
    return events.between(min(starts), until, query, context) if starts else ()
