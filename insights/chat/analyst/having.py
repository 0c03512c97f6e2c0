"""Thresholds become conditions on measures: of the figure beside them, else of the one with the unit that was typed."""

from __future__ import annotations

from collections.abc import Sequence

from insights.chat.grammar import STOP
from insights.chat.reading import Choice
from insights.chat.tagging import Tag, Tagged
from insights.chat.thresholds import Threshold
from insights.chat.vocabulary import Vocabulary
from insights.semantic.model import Measure
from insights.semantic.query import Having

from .says import ask, measure_label, refuse

_HOURS_IN = {"hours": 1.0, "seconds": 3600.0, "milliseconds": 3_600_000.0}


def conditions(tagged: Tagged, vocabulary: Vocabulary, measures: list[str], *, before: Sequence[str] = ()) -> tuple[list[Having], list[str]]:
    """The conditions, and the measures that are still asked for: one that only sets a threshold is not, where there are others."""
    found: list[Having] = []
    only_bound: list[str] = []
    last: str | None = None
    for one in tagged.of("threshold"):
        assert one.threshold is not None  # noqa: S101 - a tag of this kind has one
        tag = _beside(tagged, one)
        name = tag.name if tag else (last if last and _continues(tagged, one) else _by_unit(tagged, vocabulary, one, measures or [*before]))
        if tag and tag.name not in only_bound:
            only_bound.append(tag.name)
        last = name
        found += _of(tagged, vocabulary, one, name)
    free = [name for name in measures if name not in only_bound or _times(tagged, name) > 1]
    return found, free or measures or ([] if before else list(dict.fromkeys(part.measure for part in found)))


def _times(tagged: Tagged, name: str) -> int:
    return sum(1 for tag in tagged.of("measure") if tag.name == name)


def _beside(tagged: Tagged, one: Tag) -> Tag | None:
    """The measure right after ("more than 1,000 impressions"), else right before ("CTR is under 1 %")."""
    measures = tagged.of("measure")
    after = next(
        (
            tag
            for tag in measures
            if tag.first >= one.last and all(tagged.word(index) in ("of", "ad", "in", "total") for index in range(one.last, tag.first))
        ),
        None,
    )
    if after:
        return after
    between = STOP - {"and", "or", "by", "for", "in"}
    return next(
        (tag for tag in reversed(measures) if tag.last <= one.first and all(tagged.word(index) in between for index in range(tag.last, one.first))),
        None,
    )


def _continues(tagged: Tagged, one: Tag) -> bool:
    """``above 1 % and below 2 %``: of the same figure."""
    return any(
        other.last <= one.first and all(tagged.word(index) in ("and", "but") for index in range(other.last, one.first))
        for other in tagged.of("threshold")
    )


def _by_unit(tagged: Tagged, vocabulary: Vocabulary, one: Tag, measures: list[str]) -> str:
    assert one.threshold is not None  # noqa: S101 - a tag of this kind has one
    unit = one.threshold.unit
    known = {name: cube.measures[name] for cube in vocabulary.cubes.values() for name in cube.measures}
    asked = [name for name in measures if not unit or _kind(known[name]) == unit]
    if len(asked) == 1:
        return asked[0]
    if not asked and unit == "money":
        overviews = [name for cube in vocabulary.cubes.values() for name in cube.overview if _kind(cube.measures[name]) == unit]
        if overviews:
            return overviews[0]
    fitting = asked or [name for cube in vocabulary.cubes.values() for name in cube.overview if not unit or _kind(cube.measures[name]) == unit]
    if not fitting:
        raise refuse(f'I don\'t know what "{tagged.said(one.first, one.last)}" is to be held against.')
    labels = [measure_label(vocabulary, name) for name in dict.fromkeys(fitting)]
    said = tagged.said(one.first, one.last)
    choices = [Choice(label, tagged.instead(one.first, one.last, f"{label} {said}")) for label in labels]
    raise ask(f'Of which figure is "{said}"?', choices)


def _kind(measure: Measure) -> str:
    return "hours" if measure.unit in _HOURS_IN else measure.unit


def _of(tagged: Tagged, vocabulary: Vocabulary, one: Tag, name: str) -> list[Having]:
    threshold = one.threshold
    assert threshold is not None  # noqa: S101 - a tag of this kind has one
    measure = next(cube.measures[name] for cube in vocabulary.cubes.values() if name in cube.measures)
    low = _in_unit(tagged, one, threshold, threshold.number, measure)
    found = [Having(measure=name, op=threshold.op, value=low)]
    if threshold.upper is not None:
        found.append(Having(measure=name, op="lte", value=_in_unit(tagged, one, threshold, threshold.upper, measure)))
    return found


def _in_unit(tagged: Tagged, one: Tag, threshold: Threshold, number: float, measure: Measure) -> float:
    """The number in the measure's own unit. A bare number beside a share is a percentage where it is over 1, else it is asked about."""
    said = tagged.said(one.first, one.last)
    kind = _kind(measure)
    if not threshold.unit:
        if kind != "share" or number == 0:
            return number
        if number > 1:
            return number / 100
        choices = [
            Choice(f"{number:g} %", f"{tagged.instead(one.first, one.last, said + ' %')}"),
            Choice(f"{number * 100:g} %", tagged.instead(one.first, one.last, said.replace(_typed(said), f"{number * 100:g} %"))),
        ]
        raise ask(f'{measure.label} is a share. Is "{said}" meant in percent?', choices)
    if threshold.unit != kind:
        raise refuse(f'{measure.label} is not measured in what "{said}" says.')
    return number * _HOURS_IN[measure.unit] if kind == "hours" else number


def _typed(said: str) -> str:
    return next((word for word in said.split() if word[0].isdigit()), said)
