"""Rows that stand side by side: ranks, breakdowns, comparisons, shares, thresholds, and what moved most."""

from __future__ import annotations

from insights.chat.facts import HOUR_OF_DAY, WEEKDAY, sentence
from insights.semantic.query import BEFORE, CHANGE, GROWTH, SHARE

from .words import NAMED, Telling, at, by, call, counted, direction, extreme, figure, label, many, moved, opening, ref, row_name, volume

BASELINE = "{{baseline}}"


def rank(telling: Telling) -> str:
    measure, query = telling.lead, telling.query
    high = query.order is None or query.order.descending
    if telling.value(1, measure) is None:
        return f"{opening(telling)}, {label(measure)} cannot be ranked: there is nothing to divide by."
    if len(telling.facts.rows) == 1 and telling.facts.whole:
        return _each(telling)
    tied = [row for row in telling.rows(measure) if telling.value(row, measure) == telling.value(1, measure)]
    if len(tied) > 1:
        names = sentence([row_name(telling, row) for row in tied[:NAMED]]) + (" and others" if len(tied) > NAMED else "")
        return f"{opening(telling)}, {names} share the {extreme(telling, measure, 1, highest=high)} {label(measure)}: {at(1, measure)}."
    lead = f"{opening(telling)}, {row_name(telling, 1)} had the {extreme(telling, measure, 1, highest=high)} {label(measure)}: {at(1, measure)}"
    lead += f"{volume(telling, measure, 1)}{moved(telling, measure, 1, since=BASELINE)}."
    rest = [f"{row_name(telling, row)} ({at(row, measure)})" for row in telling.rows(measure)[1:NAMED]]
    return f"{lead} Next: {', '.join(rest)}." if rest else lead


def breakdown(telling: Telling) -> str:
    measure, rows = telling.lead, telling.rows(telling.lead)
    if len(telling.facts.rows) == 1 or not rows:
        return _each(telling)
    if telling.query.intent == "compare" and len(telling.facts.rows) == 2 and len(telling.query.measures) == 1 and len(rows) == 2:
        return _two(telling)
    if telling.query.intent == "compare" and len(telling.facts.rows) <= 4:
        return _each(telling)
    top, low = _ends(telling, measure, rows)
    if telling.value(top, measure) == telling.value(low, measure):
        alike = f"{opening(telling)}, {label(measure)} is {at(top, measure)} for all {{{{rows}}}}"
        return (
            f"{alike}." if len(rows) == len(telling.facts.rows) else f"{opening(telling)}, {label(measure)} is {at(top, measure)} where it is known."
        )
    highest = f"{row_name(telling, top)} has the {extreme(telling, measure, top, highest=True)} {label(measure)} ({at(top, measure)})"
    if not telling.facts.whole and telling.ends(measure, highest=True):
        return f"{opening(telling)}, {highest}; {{{{rows}}}} are shown and there are others."
    if not telling.facts.whole:
        return (
            f"{opening(telling)}, {{{{rows}}}} are shown and there are others, beginning with {row_name(telling, 1)}: {figure(telling, measure, 1)}."
        )
    lowest = f"{row_name(telling, low)} the {extreme(telling, measure, low, highest=False)} ({at(low, measure)})"
    return f"{opening(telling)}, {highest} and {lowest}, among {{{{rows}}}}{_kinds(telling)}.{_totals(telling)}{_moves(telling)}"


def _ends(telling: Telling, measure: str, rows: list[int]) -> tuple[int, int]:
    """The first of the highest rows and the last of the lowest."""
    return max(rows, key=lambda row: (telling.value(row, measure), -row)), min(rows, key=lambda row: (telling.value(row, measure), -row))


def _kinds(telling: Telling) -> str:
    """What the rows are, where they are of one kind."""
    return f" {{{{plural.{telling.query.dimensions[0]}}}}}" if len(telling.query.dimensions) == 1 else ""


def _totals(telling: Telling) -> str:
    """Weekdays and hours hold totals over the whole period, however often each came."""
    cyclic = {WEEKDAY, HOUR_OF_DAY} & set(telling.query.dimensions)
    return " These are totals over the whole period, not averages." if cyclic and telling.lead in telling.facts.adds_up else ""


def _moves(telling: Telling) -> str:
    """Beside a baseline: what rose and what fell the most."""
    measure = telling.lead
    change = measure + CHANGE
    if not (telling.facts.has(change) and telling.facts.whole):
        return ""
    rows = [row for row in telling.rows(change) if telling.value(row, measure + BEFORE) is not None]
    if len(rows) < 2:
        return ""
    most, least = max(rows, key=lambda row: telling.value(row, change)), min(rows, key=lambda row: telling.value(row, change))
    parts = []
    if telling.value(most, change) > 0:
        parts.append(f"{row_name(telling, most)} {call('rose_most', ref(most, change))}, by {by(telling, measure, most)}")
    if telling.value(least, change) < 0:
        parts.append(f"{row_name(telling, least)} {call('fell_most', ref(least, change))}, by {by(telling, measure, least)}")
    return f" Compared with {BASELINE}, {' and '.join(parts)}." if parts else ""


def _each(telling: Telling) -> str:
    rows = range(1, len(telling.facts.rows) + 1)
    told = [sentence([f"{figure(telling, name, row)}{moved(telling, name, row, since=BASELINE)}" for name in telling.query.measures]) for row in rows]
    return f"{opening(telling)}: {'; '.join(f'{row_name(telling, row)}: {text}' for row, text in zip(rows, told, strict=True))}."


def _two(telling: Telling) -> str:
    """Two things by one measure: which has more, and by how much."""
    measure = telling.query.measures[0]
    first, second = telling.value(1, measure), telling.value(2, measure)
    if telling.shown(1, measure) == telling.shown(2, measure):
        both, figures = f"{row_name(telling, 1)} and {row_name(telling, 2)}", f"{at(1, measure)} and {at(2, measure)}"
        return f"{opening(telling)}, {both} have as good as the same {label(measure)}: {figures}."
    much, little = (1, 2) if first > second else (2, 1)
    pair = (ref(little, measure), ref(much, measure))
    in_points = telling.measure(measure).unit == "share" or telling.value(little, measure) <= 0
    size = call("change" if in_points else "growth", *pair)
    more = call("more", *reversed(pair)) if counted(telling, measure) else f"the {call('higher', *reversed(pair))}"
    lead = f"{opening(telling)}, {row_name(telling, much)} had {more} {label(measure)}, {at(much, measure)}"
    lead += volume(telling, measure, much)
    return f"{lead}, against {row_name(telling, little)} with {at(little, measure)}{volume(telling, measure, little)}: {size} apart."


def having(telling: Telling) -> str:
    """How many pass a threshold, of how many, and which lead."""
    dimension, measure, count = telling.query.dimensions[0], telling.query.having[0].measure, len(telling.facts.rows)
    of = (
        f" of {{{{told.of}}}} {{{{plural.{dimension}}}}}"
        if "of" in telling.facts.told and len(telling.query.dimensions) == 1
        else f" {many(dimension, count)}"
    )
    named = [f"{row_name(telling, row)} ({at(row, measure)})" for row in range(1, min(count, NAMED) + 1)]
    others = " and others" if count > NAMED else ""
    return f"{opening(telling)}, {{{{rows}}}}{of} had {{{{told.condition}}}}: {', '.join(named)}{others}."


def share(telling: Telling) -> str:
    measure = telling.lead
    part = measure + SHARE
    rows = telling.rows(part) if telling.facts.has(part) else []
    if not rows:
        return f"{opening(telling)}, there is no {label(measure)} to take a share of."
    told = [f"{row_name(telling, row)} {at(row, part)} ({at(row, measure)})" for row in rows[:NAMED]]
    if telling.query.focus:
        made = [f"{row_name(telling, row)} accounts for {at(row, part)} of {label(measure)} ({at(row, measure)})" for row in rows[:NAMED]]
        return f"{opening(telling)}, {sentence(made)}."
    top = max(rows, key=lambda row: (telling.value(row, part), -row))
    if len(rows) == 1 or top != rows[0] or not telling.ends(part, highest=True) or telling.value(top, part) == telling.value(rows[1], part):
        return f"{opening(telling)}, of {label(measure)}: {', '.join(told)}{' and others' if len(rows) > NAMED else ''}."
    lead = f"{opening(telling)}, {row_name(telling, top)} had the {call('largest', ref(top, part))} share of {label(measure)}"
    return f"{lead}, {at(top, part)} ({at(top, measure)}). Next: {', '.join(told[1:])}{' and others' if len(rows) > NAMED else ''}."


def movers(telling: Telling) -> str:
    """Ordered by what changed: who rose or fell most."""
    order, measure = telling.query.order, telling.lead
    assert order is not None  # noqa: S101 - that is why it is told this way
    column = measure + (CHANGE if order.by == "change" else GROWTH)
    rows = [row for row in telling.rows(column) if telling.value(row, measure + BEFORE) is not None]
    if not rows or rows[0] != 1:
        return f"{opening(telling)}, there is no change in {label(measure)} to rank: nothing stands on both sides."
    change = telling.value(1, column)
    if change == 0:
        return f"{opening(telling)}, compared with {BASELINE}, {label(measure)} of {row_name(telling, 1)} stayed at {at(1, measure)}."
    way = ("rose" if change > 0 else "fell") + ("_most" if (change > 0) == order.descending else "_least")
    tied = [row for row in rows if telling.value(row, column) == change]
    said = call(way, ref(1, column)) + (" with others" if len(tied) > 1 else "")
    lead = f"{opening(telling)}, {row_name(telling, 1)} {said} in {label(measure)} compared with {BASELINE}: by {by(telling, measure, 1)}"
    rest = [
        f"{row_name(telling, row)} ({direction(telling, measure, row)} {by(telling, measure, row)})"
        for row in rows[1:NAMED]
        if telling.value(row, column)
    ]
    text = f"{lead}, from {at(1, measure + BEFORE)} to {at(1, measure)}."
    return f"{text} Next: {', '.join(rest)}." if rest else text
