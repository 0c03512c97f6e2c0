"""Figures over time: where they began and ended, which way they went, their peak and their low."""

from __future__ import annotations

from datetime import UTC, datetime

from insights.chat.facts import sentence
from insights.semantic.query import BEFORE
from insights.semantic.spine import after

from .words import Telling, at, call, label, opening, ref, row_name

MOST_SERIES = 4


def trend(telling: Telling) -> str:
    measure = next((name for name in telling.query.measures if telling.rows(name)), telling.query.measures[0])
    rows = telling.rows(measure)
    if not rows:
        return f"{opening(telling)}, there is no {label(measure)} by {telling.query.grain}: nothing was recorded to take it of."
    lead = f"{opening(telling)}, {label(measure)} by {telling.query.grain}"
    if telling.query.dimensions:
        return _several(telling, measure, rows, lead)
    if len(rows) == 1:
        return f"{lead}: {at(rows[0], measure)} on {at(rows[0], 'time')}{_running(telling, rows)}."
    finished = [row for row in rows if not unfinished(telling, row)]
    moves = _moves(telling, measure, finished) if len(finished) > 1 else ""
    return f"{lead}{moves}{_ends(telling, measure, rows)}{_sum(telling, measure)}{_last(telling, rows)}{_gaps(telling, measure)}"


def unfinished(telling: Telling, row: int) -> bool:
    """A bucket that still runs, or that the figures do not yet reach the end of."""
    start = datetime.fromisoformat(str(telling.value(row, "time")))
    start = start.astimezone(UTC) if start.tzinfo else start.replace(tzinfo=UTC)
    assert telling.query.grain is not None  # noqa: S101 - it is told by time
    reach = min(telling.now, telling.filled) if telling.filled else telling.now
    return after(start, telling.query.grain, 1) > reach


def _moves(telling: Telling, measure: str, rows: list[int]) -> str:
    first, last = rows[0], rows[-1]
    ends = f"{at(first, measure)} on {at(first, 'time')} to {at(last, measure)} on {at(last, 'time')}"
    if telling.shown(first, measure) == telling.shown(last, measure):
        return f": from {ends}, as good as the same"
    return f": from {ends}, {_way(telling, measure, first, last)}"


def _way(telling: Telling, measure: str, first: int, last: int) -> str:
    pair = (ref(first, measure), ref(last, measure))
    before, now = telling.value(first, measure), telling.value(last, measure)
    word = call("up" if now > before else "down", *pair)
    change = call("change", *pair)
    if before <= 0:
        return f"{word} {change}"
    growth = call("growth", *pair)
    return f"{word} {change} ({growth})" if telling.measure(measure).unit == "share" else f"{word} {growth}"


def _ends(telling: Telling, measure: str, rows: list[int]) -> str:
    top = max(rows, key=lambda row: (telling.value(row, measure), -row))
    low = min(rows, key=lambda row: (telling.value(row, measure), row))
    if telling.value(top, measure) == telling.value(low, measure):
        return f": {at(top, measure)} throughout ({{{{rows}}}} shown)." if len(rows) == len(telling.facts.rows) else "."
    if not telling.facts.whole:
        return "; {{rows}} are shown and there are others."
    highest = f"{call('highest', ref(top, measure))} {row_name(telling, top)} with {at(top, measure)}"
    lowest = f"{call('lowest', ref(low, measure))} {row_name(telling, low)} with {at(low, measure)}"
    return f"; {highest}, {lowest}."


def _sum(telling: Telling, measure: str) -> str:
    if measure not in telling.facts.adds_up or not telling.facts.whole:
        return ""
    total = f" In all: {call('sum', measure)}"
    if not telling.facts.has(measure + BEFORE) or measure + BEFORE not in telling.facts.adds_up:
        return f"{total}."
    return f"{total}, against {call('sum', measure + BEFORE)} in {{{{baseline}}}}."


def _running(telling: Telling, rows: list[int]) -> str:
    return ", which is not complete yet" if unfinished(telling, rows[-1]) else ""


def _last(telling: Telling, rows: list[int]) -> str:
    return f" {at(rows[-1], 'time')} is not complete yet." if unfinished(telling, rows[-1]) else ""


def _gaps(telling: Telling, measure: str) -> str:
    """Buckets without a figure: nothing to divide by there."""
    missing = [row for row in range(1, len(telling.facts.rows) + 1) if telling.value(row, measure) is None]
    if not missing:
        return ""
    where = at(missing[0], "time") if len(missing) == 1 else f"{at(missing[0], 'time')} and others"
    return f" There is no {label(measure)} for {where}, as nothing was recorded to take it of."


def _several(telling: Telling, measure: str, rows: list[int], lead: str) -> str:
    series: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        if not unfinished(telling, row):
            series.setdefault(tuple(str(telling.value(row, name)) for name in telling.query.dimensions), []).append(row)
    long = [found for found in series.values() if len(found) > 1]
    if not long or len(series) > MOST_SERIES:
        return f"{lead}{_ends(telling, measure, rows)}{_last(telling, rows)}"
    told = []
    for found in long:
        first, last = found[0], found[-1]
        name = sentence([at(first, dimension) for dimension in telling.query.dimensions])
        ends = f"from {at(first, measure)} on {at(first, 'time')} to {at(last, measure)} on {at(last, 'time')}"
        told.append(f"{name} {ends}{_turned(telling, measure, first, last)}")
    return f"{lead}: {'; '.join(told)}.{_last(telling, rows)}"


def _turned(telling: Telling, measure: str, first: int, last: int) -> str:
    same = telling.shown(first, measure) == telling.shown(last, measure)
    return ", as good as the same" if same else f", {_way(telling, measure, first, last)}"
