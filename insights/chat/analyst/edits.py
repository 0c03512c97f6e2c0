"""The edits that a follow-up makes to the query before it, each of one part."""

from __future__ import annotations

from insights.chat import dates
from insights.chat.dates import Relative
from insights.chat.grammar import BY
from insights.chat.tagging import Tagged
from insights.chat.vocabulary import Meaning
from insights.semantic.model import TIME_DIMENSIONS
from insights.semantic.query import Order, SemanticQuery

from . import build, changes, times
from .frame import Frame
from .others import paced
from .questions import trend_grain
from .says import ask
from .shares import shared

_REMOVING = frozenset({"remove", "drop", "clear", "reset", "without", "no"})
_ADDING = frozenset({"also", "too", "add", "plus", "include", "including", "further"})
_BACK = frozenset({"that", "this", "those", "these", "same"})


def apply(frame: Frame, said: Frame, tagged: Tagged, previous: SemanticQuery) -> SemanticQuery:
    """``frame`` is the query before, ``said`` what the follow-up says. Raises Stop."""
    words = {token.word for token in tagged.tokens}
    plain = not (said.measures or said.groups or said.rank or said.order or said.grain or said.operators - {"not", "overview"})
    kept = previous.intent if previous.intent in ("share", "why", "pacing") or (previous.intent == "overview" and plain) else None
    frame.intent = kept
    frame.cube = frame.cube if kept in ("pacing", "overview") else None
    adding = bool(words & _ADDING) or "as well" in tagged.said(0, len(tagged.tokens)).lower()
    removed = _removals(frame, said, tagged, words)
    _values(frame, said, tagged, adding=adding, previous=previous)
    _measures(frame, said, adding=adding or tagged.word(0) == "and", removed=removed)
    _groups(frame, said, tagged, adding=adding, removed=removed)
    _times(frame, said)
    _having(frame, said)
    _rank(frame, said, words)
    return _finished(frame, said, tagged)


def _removals(frame: Frame, said: Frame, tagged: Tagged, words: set[str]) -> bool:
    """``remove the filter``, ``all devices``, ``everything``: what no longer limits the figures."""
    removing = bool(words & _REMOVING) or tagged.word(0) in _REMOVING
    if words & {"filter", "filters"} or "everything" in words or ("reset" in words and not said.dimensions()):
        only = set(said.groups)
        for parts in (frame.include, frame.exclude, frame.focus):
            for name in [name for name in parts if not only or name in only]:
                del parts[name]
        said.groups = []
        frame.having = [] if not only else frame.having
        return True
    for one in tagged.of("dimension"):
        limited = one.name in frame.include or one.name in frame.exclude or one.name in frame.focus
        if tagged.before(one) in ("all", "any", "every") and limited and one.name in said.groups:
            for parts in (frame.include, frame.exclude, frame.focus):
                parts.pop(one.name, None)
            said.groups.remove(one.name)
    if removing:
        frame.groups = [name for name in frame.groups if name not in said.groups]
        left = [name for name in frame.measures if name not in said.measures]
        frame.measures = left or frame.measures
        said.groups, said.measures = [], []
        if words & {"remove", "drop"}:
            for name, named in said.include.items():
                said.exclude.setdefault(name, []).extend(named)
            said.include = {}
    return removing


def _values(frame: Frame, said: Frame, tagged: Tagged, *, adding: bool, previous: SemanticQuery) -> None:
    compares = "compare" in said.operators and not said.period and not said.baseline and not said.relative
    for name, parts in said.exclude.items():
        here = frame.include.get(name, [])
        left = [part for part in here if part.key not in [other.key for other in parts]]
        if len(left) < len(here) and left:
            frame.include[name] = left
            continue
        if here and not left:
            del frame.include[name]
        known = frame.exclude.setdefault(name, [])
        known += [part for part in parts if part not in known]
    for name, parts in said.include.items():
        _include(frame, name, parts, add=adding or compares, previous=previous)
        if compares and len(frame.include.get(name, ())) < 2 and name not in frame.groups:
            label = frame.vocabulary.model.dimensions[name].label
            raise ask(f"Compared with which other {label}? Name both, for example: {parts[0].label} against another {label}.")
    del tagged


def _include(frame: Frame, name: str, parts: list[Meaning], *, add: bool, previous: SemanticQuery) -> None:
    if frame.intent == "share" and name in frame.focus:
        frame.focus[name] = parts
        return
    before = frame.include.get(name, [])
    was_compared = len(before) > 1 and name in frame.groups
    frame.exclude.pop(name, None)
    frame.include[name] = [*before, *(part for part in parts if part not in before)] if add else parts
    if len(frame.include[name]) > 1 and (add or name not in TIME_DIMENSIONS):
        if name not in frame.groups:
            frame.groups.append(name)
        frame.compared = [name]
    elif was_compared and previous.intent == "compare":
        frame.groups.remove(name)
    if name in frame.groups and len(frame.include[name]) == 1 and len(frame.groups) == 1:
        frame.order, frame.limit = None, None


def _measures(frame: Frame, said: Frame, *, adding: bool, removed: bool) -> None:
    if not said.measures or removed:
        return
    bound = {part.measure for part in said.having}
    new = [name for name in said.measures if name not in bound]
    if not new or (said.order and set(new) == {said.order.measure}):
        return
    together = list(dict.fromkeys([*frame.measures, *new]))
    fits = any(set(together) <= set(cube.measures) for cube in frame.vocabulary.cubes.values())
    if adding and fits and frame.intent not in ("why", "share") and not said.operators & {"why", "share"}:
        frame.measures = together
        return
    frame.measures = new
    frame.having = [part for part in frame.having if any({part.measure, *new} <= set(cube.measures) for cube in frame.vocabulary.cubes.values())]
    if frame.order:
        frame.order = frame.order.model_copy(update={"measure": new[0]})
    if frame.intent == "pacing":
        frame.intent, frame.cube = None, None


def _groups(frame: Frame, said: Frame, tagged: Tagged, *, adding: bool, removed: bool) -> None:
    if removed:
        return
    new = []
    for name in said.groups:
        tags = [one for one in tagged.of("dimension") if one.name == name]
        if any(tagged.before(one) in _BACK for one in tags) and not any(tagged.before(one) in BY for one in tags):
            if name not in frame.include:
                label = frame.vocabulary.model.dimensions[name].label
                raise ask(f"Which {label} do you mean? I remember what was asked, not the rows of its answer; please name it.")
            continue
        new.append(name)
    if not new:
        return
    for name in new:
        _widened(frame, said, name)
    further = adding or "breakdown" in said.operators or bool(frame.grain)
    frame.groups = list(dict.fromkeys([*frame.groups, *new])) if further else new
    frame.focus = {name: parts for name, parts in frame.focus.items() if name in frame.groups}
    if frame.intent == "why":
        frame.intent = None


def _widened(frame: Frame, said: Frame, name: str) -> None:
    """``and by device?`` after ``on TV``: a split shows all of them, as one filtered to a single value has nothing to split."""
    if name not in said.include and len(frame.include.get(name, ())) == 1:
        del frame.include[name]


def _times(frame: Frame, said: Frame) -> None:
    if said.period and said.baseline:
        frame.period, frame.baseline = said.period, said.baseline
    elif said.period:
        had = frame.baseline is not None
        frame.period, frame.baseline = said.period, None
        if had and frame.intent == "why":
            frame.period, frame.baseline = times.before(said.period, frame.now, hours=False)
        elif had:
            frame.baseline = dates.compared_with(said.period, Relative("previous", 0, 0), frame.now)
    elif said.baseline:
        if frame.period is None or frame.period.start is None:
            frame.period = times.running_unit(said.baseline, frame.now)
        frame.baseline = said.baseline
    if said.relative:
        frame.period, frame.baseline = times.with_relative(frame.period if frame.period and frame.period.start else None, said.relative, frame.now)
    if hours := said.include.get("hour_of_day"):
        frame.include["hour_of_day"] = hours
    if said.grain or "trend" in said.operators:
        frame.grain = said.grain or trend_grain(frame)
        frame.order, frame.limit, frame.baseline = None, None, None
        frame.intent = None if frame.intent in ("why", "pacing") else frame.intent


def _having(frame: Frame, said: Frame) -> None:
    new = {part.measure for part in said.having}
    frame.having = [part for part in frame.having if part.measure not in new] + said.having


def _rank(frame: Frame, said: Frame, words: set[str]) -> None:
    if said.rank:
        frame.rank, frame.order, frame.limit = said.rank, None, said.limit
        frame.intent = None if frame.intent in ("pacing", "why") else frame.intent
        if said.measures:
            frame.measures = [*said.measures, *(name for name in frame.measures if name not in said.measures)]
    if said.order:
        frame.order = said.order
        if frame.intent in ("why", "pacing"):
            frame.intent = None
    elif said.operators & {"ascending", "descending"} and not said.rank:
        measure = frame.order.measure if frame.order else frame.measures[0]
        frame.order = Order(measure=measure, descending="descending" in said.operators)
    if "more" in words and not said.dimensions() and not said.measures and not said.having:
        frame.limit = min(1000, 2 * (frame.limit or build.ROWS))


def _finished(frame: Frame, said: Frame, tagged: Tagged) -> SemanticQuery:
    operators = said.operators
    if operators & {"pacing", "behind", "ahead"}:
        frame.measures, frame.groups, frame.having, frame.order, frame.limit, frame.grain = [], said.groups, [], None, None, None
        frame.period = frame.baseline = None
        return paced(frame, tagged)
    if "why" in operators:
        frame.groups, frame.having, frame.order, frame.rank, frame.limit = [], [], None, None, None
        frame.compared = []
        return changes.why(frame, tagged)
    if "overview" in operators and not said.measures:
        frame.measures, frame.groups, frame.order, frame.limit, frame.having = [], list(said.groups), None, None, []
        frame.intent = None
        return build.query(frame)
    if "share" in operators:
        frame.limit = None
        return shared(frame, tagged)
    if "change" in operators and not frame.baseline and not frame.grain:
        changes.changed(frame, tagged)
    if (frame.rank or frame.having or frame.order) and not (frame.groups or frame.grain):
        if frame.rank or frame.having:
            raise build.by_what(frame)
        frame.order = None
    return build.query(frame)
