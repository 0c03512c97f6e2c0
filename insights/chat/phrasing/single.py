"""One row: a figure or an overview, by itself or beside an earlier period."""

from __future__ import annotations

from insights.chat.facts import sentence
from insights.semantic.query import BEFORE

from .words import Telling, at, figure, label, moved, opening, verb, volume, within

BASELINE = "{{baseline}}"


def single(telling: Telling) -> str:
    query = telling.query
    compared = telling.facts.has(query.measures[0] + BEFORE)
    if query.intent == "overview" and not compared:
        return f"{opening(telling)}: {sentence([figure(telling, name, 1) for name in query.measures])}."
    if query.intent == "overview" or (compared and len(query.measures) > 2):
        return _against(telling)
    stated = [_stated(telling, name) for name in query.measures]
    return f"{opening(telling)}, {sentence(stated)}.{_zeros(telling)}"


def _stated(telling: Telling, name: str) -> str:
    measure = telling.measure(name)
    if telling.value(1, name) is None and telling.facts.has(name + BEFORE) and telling.value(1, name + BEFORE) is not None:
        return f"{label(name)} {verb(measure, now=True)} unknown, against {at(1, name + BEFORE)}{within(telling)} {BASELINE}"
    if telling.value(1, name) is None:
        return f"{label(name)} {verb(measure, now=True)} unknown{_why(telling, name)}"
    said = f"{label(name)} {verb(measure, now=telling.cube.time is None)} {at(1, name)}"
    return f"{said}{volume(telling, name, 1)}{moved(telling, name, 1, since=BASELINE)}"


def _why(telling: Telling, name: str) -> str:
    ratio = telling.measure(name).ratio
    if ratio is None or not telling.facts.has(ratio.denominator):
        return ""
    below = ratio.denominator
    return f", as {label(below)} {verb(telling.measure(below))} {at(1, below)}"


def _against(telling: Telling) -> str:
    """Many measures beside the same earlier period: the period is named once."""
    known = [name for name in telling.query.measures if telling.value(1, name) is not None]
    parts = [f"{figure(telling, name, 1)}{_briefly(telling, name)}" for name in known]
    return f"{opening(telling)}, compared with {BASELINE}: {'; '.join(parts)}."


def _briefly(telling: Telling, name: str) -> str:
    if telling.value(1, name + BEFORE) is None:
        return ""
    return moved(telling, name, 1, since=BASELINE).replace(f"{within(telling)} {BASELINE}", "", 1)


def _zeros(telling: Telling) -> str:
    """A zero that was counted is told apart from nothing recorded."""
    zero = [name for name in telling.query.measures if telling.value(1, name) == 0 and telling.measure(name).ratio is None]
    if not zero or telling.cube.time is None:
        return ""
    return " That was counted; it is not missing."
