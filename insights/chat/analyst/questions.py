"""A question complete in itself: which kind it is, and its frame."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from insights.chat.grammar import BY, RANKS
from insights.chat.reading import Choice
from insights.chat.tagging import Tagged
from insights.chat.vocabulary import Vocabulary
from insights.semantic.query import Order, SemanticQuery

from . import build, coverage, guard, having, names, times
from .changes import changed, is_change, why
from .frame import Frame
from .others import catalogue, paced
from .says import ask, can_ask, measure_label, refuse, which_measure
from .shares import shared


def query(tagged: Tagged, vocabulary: Vocabulary, now: datetime) -> SemanticQuery:
    """Raises Stop."""
    guard.check_ahead(tagged)
    _check_second(tagged)
    coverage.check(tagged, vocabulary)
    if found := catalogue(tagged, vocabulary):
        return found
    frame = framed(tagged, vocabulary, now)
    operators = frame.operators
    if operators & {"pacing", "behind", "ahead"}:
        return paced(frame, tagged)
    if "why" in operators:
        return why(frame, tagged)
    if "share" in operators:
        return shared(frame, tagged)
    return plain(frame, tagged)


def framed(tagged: Tagged, vocabulary: Vocabulary, now: datetime, *, before: Sequence[str] | None = None) -> Frame:
    """Every part of the question, whatever its kind. ``before``: the figures of the question that this one edits. Raises Stop."""
    editing = before is not None
    frame = Frame(vocabulary, now, question=tagged.said(0, len(tagged.tokens)), operators=tagged.operators())
    frame.include, frame.exclude = names.values(tagged, vocabulary)
    if not editing and (unused := names.not_used(tagged)):
        raise refuse(f'I don\'t know what "{tagged.said(unused[0].first, len(tagged.tokens))}" should leave out. {can_ask(vocabulary)}')
    frame.measures = measures(tagged, vocabulary)
    frame.having, frame.measures = having.conditions(tagged, vocabulary, frame.measures, before=before or ())
    frame.groups = names.groups(tagged, vocabulary, frame.include)
    read = times.read(tagged, now, editing=editing)
    frame.period, frame.baseline, frame.relative = read.period, read.baseline, read.relative
    if read.hours:
        frame.include.setdefault("hour_of_day", []).extend(times.hours_filter(vocabulary, read.hours))
    frame.grain = next((tag.name for tag in tagged.of("grain")), None)
    frame.rank = next((tag.name for tag in tagged.of("operator") if tag.name in RANKS), None)
    _check_below_one(tagged)
    frame.limit = next((tag.number for tag in tagged.of("number")), None)
    frame.cube = next((tag.name for tag in tagged.of("cube")), None)
    frame.order = _sorted(frame, tagged)
    return frame


def measures(tagged: Tagged, vocabulary: Vocabulary) -> list[str]:
    for one in tagged.of("ambiguous"):
        choices = [
            Choice(label, tagged.instead(one.first, one.last, label))
            for name in vocabulary.model.ambiguous[one.name]
            if (label := measure_label(vocabulary, name))
        ]
        raise ask(f'"{tagged.said(one.first, one.last)}" could mean several figures. Which one?', choices)
    return list(dict.fromkeys(one.name for one in tagged.of("measure")))


def _sorted(frame: Frame, tagged: Tagged) -> Order | None:
    """``sorted by clicks``, ``rank campaigns by CTR``, ``top 3 campaigns by clicks``: the figure after the word leads."""
    operator = next((tag for tag in tagged.of("operator") if tag.name == "sort"), None)
    ranked = next((tag for tag in tagged.of("operator") if tag.name in RANKS), None)
    leading = operator or ranked
    if leading is None or not frame.measures:
        return None
    after = next((tag.name for tag in tagged.of("measure") if tag.first >= leading.last and tag.name in frame.measures), frame.measures[0])
    if operator is None or ranked is not None:
        frame.measures = [after, *(name for name in frame.measures if name != after)]
        return None
    return Order(measure=after, descending="ascending" not in frame.operators)


def plain(frame: Frame, tagged: Tagged) -> SemanticQuery:
    """Values, breakdowns, ranks, trends and comparisons."""
    vocabulary, operators = frame.vocabulary, frame.operators
    _compared(frame, tagged)
    if frame.relative and frame.relative.same and frame.period is None and not operators & {"compare", "change", "why"}:
        alone = times.that_time(frame.relative, tagged, frame.now)
        frame.period, frame.relative = alone, None if alone else frame.relative
    if "trend" in operators and frame.grain is None:
        frame.grain = trend_grain(frame)
    if is_change(frame) or frame.relative or frame.baseline:
        changed(frame, tagged)
    elif "compare" in operators and frame.groups and not frame.compared and not frame.measures and not frame.include and "better" in frame.question:
        raise which_measure(vocabulary, frame.dimensions(), frame.question)
    elif "compare" in operators and not frame.compared and not (frame.rank and frame.groups):
        raise ask("What should I compare? Name two things of one kind, for example two campaigns or two devices, or two periods.")
    if "often" in operators and not frame.measures:
        frame.measures = _counted(frame)
    if not (frame.measures or frame.groups or frame.include or frame.exclude or frame.cube or "overview" in operators):
        if frame.period or frame.grain:
            raise which_measure(vocabulary, frame.dimensions(), frame.question, text="Which figure?")
        raise refuse(f"I can't answer that. {can_ask(vocabulary)}")
    if "breakdown" in operators and not (frame.groups or frame.grain):
        if not frame.measures:
            raise which_measure(vocabulary, frame.dimensions(), frame.question)
        raise build.by_what(frame, "By what?")
    if _of_a_kind(frame, tagged):
        return build.query(frame)
    need = frame.rank or frame.having or (frame.groups and not frame.compared and "overview" not in operators and not frame.cube) or frame.grain
    if not frame.measures and not frame.cube and need:
        raise which_measure(vocabulary, frame.dimensions(), frame.question)
    if (frame.rank or frame.having) and not (frame.groups or frame.grain):
        raise build.by_what(frame)
    return build.query(frame)


def _of_a_kind(frame: Frame, tagged: Tagged) -> bool:
    """``campaigns of Volt Motors``: a list of them, with the figures that they are usually shown by."""
    plain_list = not (frame.measures or frame.rank or frame.having or frame.grain or frame.baseline or frame.order or frame.cube)
    asked = [one for one in tagged.of("dimension") if one.name in frame.groups and tagged.before(one) in BY - {"which", "what"}]
    limited = bool(frame.include or frame.exclude) and not set(frame.include) & set(frame.groups)
    return plain_list and len(frame.groups) == 1 and limited and frame.period is None and not asked


def _counted(frame: Frame) -> list[str]:
    """``how often``: what the one cube counts that has all that was named."""
    named = set(frame.dimensions())
    cubes = [cube for cube in frame.vocabulary.cubes.values() if named and named <= build.places(cube) and cube.overview]
    counts = list(dict.fromkeys(cube.overview[0] for cube in cubes if cube.measures[cube.overview[0]].unit == "count"))
    if len(counts) != 1:
        raise which_measure(frame.vocabulary, frame.dimensions(), frame.question, text="How often what?")
    return counts


def _compared(frame: Frame, tagged: Tagged) -> None:
    """Several things of one kind are shown beside each other, unless a rank among something else was asked."""
    several = [name for name, parts in frame.include.items() if len(parts) > 1 and name not in ("hour_of_day", "weekday")]
    several = [name for name in several if len([one for one in tagged.of("value") if name in {meaning.name for meaning in one.meanings}]) != 1]
    if {"compare"} & frame.operators:
        several += [name for name in ("weekday",) if len(frame.include.get(name, ())) > 1]
    if (frame.rank and frame.groups) or "together" in frame.operators:
        return
    frame.compared = several
    frame.groups += [name for name in several if name not in frame.groups]


def trend_grain(frame: Frame) -> str:
    """Buckets that can be told apart: hours within a day, days within a quarter, weeks beyond."""
    period = frame.period
    if period is None or period.start is None:
        return "day"
    days = ((period.end or frame.now) - period.start).days
    return "hour" if days <= 1 else "day" if days <= 100 else "week"


def _check_second(tagged: Tagged) -> None:
    """``second best``: a rank is shown from its first place."""
    for one in tagged.of("operator"):
        if one.name in RANKS and (place := _PLACES.get(tagged.before(one))):
            end = "top" if one.name in ("highest", "best") else "bottom"
            words = f"{tagged.said(0, one.first - 1)} {end} {place} {tagged.said(one.last, len(tagged.tokens))}"
            raise ask("I show a ranking from its first place.", [Choice(f"the first {place}", words.strip())])


def _check_below_one(tagged: Tagged) -> None:
    """``top -3``: nobody can say whether the sign is a slip."""
    for one in tagged.of("number"):
        if tagged.before(one) == "-":
            plain = tagged.said(one.first, one.last)
            choice = Choice(plain, tagged.instead(one.first - 1, one.last, plain))
            raise ask(f'I can\'t rank "-{plain}" of them: a ranking shows 1 to 100, from its first place. Did you mean {plain}?', [choice])


_PLACES = {"second": 2, "third": 3, "fourth": 4, "fifth": 5, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5}
