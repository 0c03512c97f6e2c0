"""How things stand: flights against their goals, and values that were measured with an interval."""

from __future__ import annotations

from insights.chat.facts import sentence

from .words import NAMED, Telling, at, call, label, many, opening, ref, row_name

VERDICTS = ("finding", "verdict")


def pacing(telling: Telling) -> str:
    """Who will miss, by how much, and what is expected; nobody, where nobody will."""
    share = str(telling.cube.pacing)
    rows = telling.rows(share)
    kind = telling.query.dimensions[0]
    if not rows:
        return f"{opening(telling)}, there is no forecast yet for {many(kind, len(telling.facts.rows))} that could miss a goal."
    behind = sorted((row for row in rows if telling.value(row, share) < telling.cube.pacing_least), key=lambda row: telling.value(row, share))
    if not behind:
        if len(rows) == 1:
            near = "is on track for" if telling.value(rows[0], share) < 1 else "is expected to reach"
            return f"{opening(telling)}, {row_name(telling, rows[0])} {near} its goal ({at(rows[0], share)})."
        ahead = [f"{row_name(telling, row)} ({at(row, share)})" for row in rows[:NAMED]]
        return f"{opening(telling)}, none of {{{{told.of}}}} {{{{plural.{kind}}}}} is expected to miss its goal: {', '.join(ahead)}{_more(rows)}."
    if len(telling.facts.rows) == 1 and len(rows) == 1:
        return f"{opening(telling)}, {_expected(telling, behind[0])}."
    told = [_expected(telling, row) for row in behind[:NAMED]]
    lead = f"{{{{told.behind}}}} of {{{{told.of}}}} {{{{plural.{kind}}}}} {'is' if len(behind) == 1 else 'are'} expected to miss the goal"
    return f"{opening(telling)}, {lead}. {'; '.join(told)}{_more(behind)}."


def _expected(telling: Telling, row: int) -> str:
    share = str(telling.cube.pacing)
    lead = f"{row_name(telling, row)} is expected to reach {at(row, share)} of its goal"
    if not (amounts := _amounts(telling, row)):
        return f"{lead}, {call('short', ref(row, share))} short"
    missing = "goal_missing"
    known = telling.facts.has(missing) and telling.value(row, missing) is not None
    return f"{lead}: {amounts}, {at(row, missing) if known else call('short', ref(row, share))} short"


def _more(rows: list[int]) -> str:
    return " and others" if len(rows) > NAMED else ""


def _amounts(telling: Telling, row: int) -> str:
    """What is expected of how much, where both were read."""
    names = [name for name in ("expected_delivery", "goal") if telling.facts.has(name) and telling.value(row, name) is not None]
    counts = f" {{{{told.counts_{row}}}}}" if f"counts_{row}" in telling.facts.told else ""
    return f"{at(row, names[0])} of {at(row, names[1])}{counts}" if len(names) == 2 else ""


def intervals(telling: Telling) -> list[tuple[str, str, str]]:
    """(value, low, high) for each measure that was read with both ends of its interval."""
    names = [name for name in telling.query.measures if telling.facts.has(f"{name}_low") and telling.facts.has(f"{name}_high")]
    return [(name, f"{name}_low", f"{name}_high") for name in names]


def measured(telling: Telling) -> str:
    """Each row with its value, its interval and the verdict that is on record for it, what weighs most first."""
    name, low, high = intervals(telling)[0]
    rows = sorted(telling.rows(name), key=lambda row: _weight(telling, row))
    if not rows:
        return _unproven(telling, name)
    told = [f"{_subject(telling, row)} {at(row, name)}, from {at(row, low)} to {at(row, high)}{_verdict(telling, row)}" for row in rows[:NAMED]]
    others = " and others" if len(rows) > NAMED else ""
    return f"{opening(telling)}, {label(name)} with its interval: {'; '.join(told)}{others}."


def _unproven(telling: Telling, name: str) -> str:
    """Nothing measured yet: what was counted so far, once where it is the same for all rows."""
    rows = sorted(range(1, len(telling.facts.rows) + 1), key=lambda row: _weight(telling, row))
    beside = [part for part in telling.measure(name).beside if telling.facts.has(part) and telling.measure(part).unit == "count"]
    lead = f"{opening(telling)}, {label(name)} cannot be told yet"
    told = [(_counted(telling, row, beside), _verdict(telling, row)) for row in rows]
    shown = {(*(telling.shown(row, part) for part in beside), _words(telling, row)) for row in rows}
    if len(shown) == 1:
        return f"{lead} for any of {{{{rows}}}} readings{told[0][0]}{told[0][1]}."
    named = [f"{_subject(telling, row)}{counted}{verdict}" for row, (counted, verdict) in list(zip(rows, told, strict=True))[:NAMED]]
    return f"{lead}: {'; '.join(named)}{' and others' if len(rows) > NAMED else ''}."


def _counted(telling: Telling, row: int, beside: list[str]) -> str:
    known = [part for part in beside if telling.value(row, part) is not None]
    return f" ({', '.join(f'{label(part)} {at(row, part)}' for part in known)})" if known else ""


def _on_record(telling: Telling) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*telling.cube.told_by, *VERDICTS]))


def _subject(telling: Telling, row: int) -> str:
    first, *others = [part for part in telling.query.dimensions if part not in _on_record(telling)] or [telling.query.dimensions[0]]
    return f"{at(row, first)} ({sentence([at(row, part) for part in others])})" if others else at(row, first)


def _words(telling: Telling, row: int) -> str:
    recorded = [*telling.cube.told_by[-1:], *VERDICTS]
    return next((telling.shown(row, part) for part in recorded if part in telling.query.dimensions), "")


def _verdict(telling: Telling, row: int) -> str:
    recorded = [*telling.cube.told_by[-1:], *VERDICTS]
    return next((f": {at(row, part)}" for part in recorded if part in telling.query.dimensions), "")


def _weight(telling: Telling, row: int) -> int:
    """Where the row stands by the first dimension that is on record, whose values are listed with what weighs most first."""
    if len(telling.cube.told_by) < 2 or telling.cube.told_by[0] not in telling.query.dimensions:
        return 0
    order = list(telling.model.dimensions[telling.cube.told_by[0]].values)
    value = str(telling.value(row, telling.cube.told_by[0]))
    return order.index(value) if value in order else len(order)
