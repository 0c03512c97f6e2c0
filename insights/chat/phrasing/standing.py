"""How things stand: flights against their goals, and values that were measured with an interval."""

from __future__ import annotations

from insights.chat.facts import sentence

from .words import NAMED, Telling, at, call, figure, label, many, opening, ref, row_name

VERDICTS = ("finding", "verdict")


def pacing(telling: Telling) -> str:
    """Who will miss, by how much, and what is expected; nobody, where nobody will."""
    share = str(telling.cube.pacing)
    rows = telling.rows(share)
    kind = telling.query.dimensions[0]
    if not rows:
        return f"{opening(telling)}, there is no forecast yet for {many(kind, len(telling.facts.rows))} that could miss a goal."
    behind = sorted((row for row in rows if telling.value(row, share) < 1), key=lambda row: telling.value(row, share))
    if not behind:
        ahead = [f"{row_name(telling, row)} ({at(row, share)})" for row in rows[:NAMED]]
        return f"{opening(telling)}, none of {{{{told.of}}}} {{{{plural.{kind}}}}} is expected to miss its goal: {', '.join(ahead)}{_more(rows)}."
    told = [
        f"{row_name(telling, row)} is expected to reach {at(row, share)} of its goal{_amounts(telling, row)}, {call('short', ref(row, share))} short"
        for row in behind[:NAMED]
    ]
    lead = f"{{{{told.behind}}}} of {{{{told.of}}}} {{{{plural.{kind}}}}} {'is' if len(behind) == 1 else 'are'} expected to miss the goal"
    return f"{opening(telling)}, {lead}. {'; '.join(told)}{_more(behind)}."


def _more(rows: list[int]) -> str:
    return " and others" if len(rows) > NAMED else ""


def _amounts(telling: Telling, row: int) -> str:
    """What is expected of how much, where both were read."""
    names = [name for name in ("expected_delivery", "goal") if telling.facts.has(name) and telling.value(row, name) is not None]
    return f" ({at(row, names[0])} of {at(row, names[1])})" if len(names) == 2 else ""


def intervals(telling: Telling) -> list[tuple[str, str, str]]:
    """(value, low, high) for each measure that was read with both ends of its interval."""
    names = [name for name in telling.query.measures if telling.facts.has(f"{name}_low") and telling.facts.has(f"{name}_high")]
    return [(name, f"{name}_low", f"{name}_high") for name in names]


def measured(telling: Telling) -> str:
    """Each row with its value, its interval and the verdict that is on record for it."""
    name, low, high = intervals(telling)[0]
    rows = telling.rows(name)
    named = [part for part in telling.query.dimensions if part not in VERDICTS]
    told = []
    for row in rows[:NAMED]:
        words = next((f": {at(row, part)}" for part in VERDICTS if telling.facts.has(part)), "")
        told.append(f"{sentence([at(row, part) for part in named])} {at(row, name)} ({at(row, low)} to {at(row, high)}){words}")
    if not told:
        return f"{opening(telling)}, nothing has been measured yet: {sentence([figure(telling, name, 1)])}."
    others = " and others" if len(rows) > NAMED else ""
    return f"{opening(telling)}, {label(name)} with its interval: {'; '.join(told)}{others}."
