"""The built-in analyst: no language model. Every word of a question must be accounted for, or it asks, or says what can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from insights.semantic.model import Cube
from insights.semantic.query import Filter, Intent, Order, Period, SemanticQuery

from .reading import Choice, Clarify, Reading, Refuse, Understood
from .tagging import Tag, Tagged, tag
from .text import MAX_QUESTION, clean
from .vocabulary import PROTECTED, Meaning, Vocabulary

BY = frozenset({"by", "per", "each", "every", "across", "which", "what"})
RANK_ROWS = 10
MOST_CHOICES = 3


class _Stop(Exception):
    """Ends the reading with an answer that is not a query."""

    def __init__(self, reading: Clarify | Refuse) -> None:
        super().__init__(reading.text)
        self.reading = reading


def read(question: str, vocabulary: Vocabulary, *, now: datetime) -> Reading:
    """Pure: what the question asks for, given what the caller may see and the time."""
    text = clean(question)
    if not text:
        return Refuse(f"Please ask something. {can_ask(vocabulary)}")
    if len(text) > MAX_QUESTION:
        return Refuse(f"That is too long for one question; please stay under {MAX_QUESTION} characters.")
    tagged = tag(text, vocabulary, now=now)
    try:
        return Understood(_query(tagged, vocabulary), tuple(tagged.repairs))
    except _Stop as stop:
        return stop.reading


def can_ask(vocabulary: Vocabulary) -> str:
    """What this caller can ask about, from the model itself."""
    labels = list(dict.fromkeys(measure.label for cube in vocabulary.cubes.values() for measure in cube.measures.values()))
    if not labels:
        return "There is nothing that you may ask about here."
    dimensions = [vocabulary.model.dimensions[name].label for name in vocabulary.dimensions()]
    return (
        f"I can answer about {_listed(labels[:12])}, by {_listed(dimensions)}, and over time, "
        "for periods such as yesterday, last week, since June or all time."
    )


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def _query(tagged: Tagged, vocabulary: Vocabulary) -> SemanticQuery:
    operators = [tag.meanings[0].name for tag in tagged.of("operator")]
    _check_covered(tagged, vocabulary)
    values = _values(tagged, vocabulary)
    if "help" in operators:
        raise _Stop(Clarify(can_ask(vocabulary), tuple(Choice(text, text) for text in vocabulary.model.examples[:MOST_CHOICES])))
    period = _period(tagged)
    measures = _measures(tagged, vocabulary)
    grain = next((tag.meanings[0].name for tag in tagged.of("grain")), "day" if "trend" in operators else None)
    groups = _groups(tagged, values)
    filters = tuple(
        Filter(dimension=name, values=tuple(part.key for part in parts if part.key is not None), labels=tuple(part.label for part in parts))
        for name, parts in values.items()
    )
    compared = [name for name, parts in values.items() if len(parts) > 1]
    groups += [name for name in compared if name not in groups]
    if "compare" in operators and not compared:
        raise _Stop(Clarify("What should I compare? Name two things of one kind, for example two campaigns or two devices."))
    ranked = next((name for name in operators if name in ("highest", "lowest", "best", "worst")), None)
    if not (measures or groups or filters or "overview" in operators):
        raise _Stop(Refuse(f"I can't answer that. {can_ask(vocabulary)}"))
    if not measures and (ranked or (groups and not compared and "overview" not in operators) or grain):
        raise _which_measure(tagged, vocabulary, [*groups, *values])
    cube_name, cube = _cube(vocabulary, measures, [*groups, *values])
    if ranked and not groups and not grain:
        raise _by_what(tagged, vocabulary, cube)
    shown = tuple(measures) or cube.overview
    return SemanticQuery(
        intent=_intent(measures, groups, grain=grain, ranked=ranked, compared=compared),
        cube=cube_name,
        measures=shown,
        dimensions=tuple(groups),
        filters=filters,
        period=period,
        grain=grain,  # type: ignore[arg-type]
        order=_order(ranked, shown[0], cube) if ranked else None,
        limit=next((tag.number for tag in tagged.of("number")), RANK_ROWS) if ranked else 1000 if grain else 200,
    )


def _intent(measures: Sequence[str], groups: Sequence[str], *, grain: str | None, ranked: str | None, compared: Sequence[str]) -> Intent:
    if ranked:
        return "rank"
    if grain:
        return "trend"
    if compared:
        return "compare"
    if groups:
        return "breakdown"
    return "value" if measures else "overview"


def _order(ranked: str, measure: str, cube: Cube) -> Order:
    falling = cube.measures[measure].better == "down"
    return Order(measure=measure, descending={"highest": True, "lowest": False, "best": not falling, "worst": falling}[ranked])


def _period(tagged: Tagged) -> Period:
    said = [tag for tag in tagged.of("period") if tag.period]
    dated = [tag for tag in said if tag.period and (tag.period.period.start or tag.period.period.end)]
    if any(tag.period and tag.period.future for tag in dated):
        raise _Stop(Refuse("That lies ahead. I report what was measured and make no forecasts; ask about a period that has begun."))
    if len(dated) > 1:
        choices = tuple(
            Choice(tag.period.period.label, _without(tagged, [other, *tagged.of("operator")]))
            for tag, other in ((dated[0], dated[1]), (dated[1], dated[0]))
            if tag.period
        )
        raise _Stop(Clarify("I can take one period at a time. Which one?", choices))
    chosen = (dated or said)[:1]
    return chosen[0].period.period if chosen and chosen[0].period else Period()


def _without(tagged: Tagged, tags: Sequence[Tag]) -> str:
    left_out = {index for tag in tags for index in range(tag.first, tag.last)}
    return " ".join(token.raw for index, token in enumerate(tagged.tokens) if index not in left_out)


def _values(tagged: Tagged, vocabulary: Vocabulary) -> dict[str, list[Meaning]]:
    """What to filter by, one meaning for each name; a name that could be several things is asked about."""
    if tagged.unknown_reference:
        raise _Stop(Refuse(f'There is nothing called "{tagged.unknown_reference}" among what you may see.'))
    chosen: dict[str, list[Meaning]] = {}
    for tag_ in tagged.of("value"):
        meanings = list(tag_.meanings)
        if len(meanings) > 1 and (kind := _kind_beside(tagged, tag_)):
            meanings = [meaning for meaning in meanings if meaning.name == kind] or meanings
        if len(meanings) > 1:
            raise _Stop(_ambiguous_name(tagged, vocabulary, tag_, meanings))
        into = chosen.setdefault(meanings[0].name, [])
        if meanings[0] not in into:
            into.append(meanings[0])
    return chosen


def _ambiguous_name(tagged: Tagged, vocabulary: Vocabulary, tag_: Tag, meanings: Sequence[Meaning]) -> Clarify:
    choices = tuple(
        Choice(
            f"{vocabulary.model.dimensions[meaning.name].label} {meaning.label}",
            tagged.instead(tag_.first, tag_.last, f"{meaning.name}#{meaning.key}"),
        )
        for meaning in meanings[:MOST_CHOICES]
    )
    more = f" There are {len(meanings)}; say more of the name if it is none of these." if len(meanings) > MOST_CHOICES else ""
    return Clarify(f'"{tagged.said(tag_.first, tag_.last)}" could be several things. Which one do you mean?{more}', choices)


def _beside(tagged: Tagged, one: Tag, other: Tag) -> bool:
    """Next to each other, but for ``called``, ``named`` and ``the``."""
    first, last = (one.last, other.first) if one.first < other.first else (other.last, one.first)
    return all(tagged.tokens[index].word in ("called", "named", "the") for index in range(first, last))


def _kind_beside(tagged: Tagged, value: Tag) -> str | None:
    return next((tag.meanings[0].name for tag in tagged.of("dimension") if _beside(tagged, tag, value)), None)


def _groups(tagged: Tagged, values: dict[str, list[Meaning]]) -> list[str]:
    """Dimensions to group by: those named, but for one that only says what kind of thing a name beside it is."""
    groups: list[str] = []
    for tag_ in tagged.of("dimension"):
        name = tag_.meanings[0].name
        asked = tag_.first > 0 and tagged.tokens[tag_.first - 1].word in BY
        kinds = [value for value in tagged.of("value") if name in values and any(meaning.name == name for meaning in value.meanings)]
        if not asked and any(_beside(tagged, tag_, value) for value in kinds):
            continue
        if name in values and not asked and len(values[name]) > 1:
            continue
        if name not in groups:
            groups.append(name)
    return groups


def _measures(tagged: Tagged, vocabulary: Vocabulary) -> list[str]:
    for tag_ in tagged.of("ambiguous"):
        word = tag_.meanings[0].name
        choices = [
            Choice(label, tagged.instead(tag_.first, tag_.last, label))
            for name in vocabulary.model.ambiguous[word]
            if (label := _measure_label(vocabulary, name))
        ]
        raise _Stop(Clarify(f'"{tagged.said(tag_.first, tag_.last)}" could mean several figures. Which one?', tuple(choices[:MOST_CHOICES])))
    return list(dict.fromkeys(tag_.meanings[0].name for tag_ in tagged.of("measure")))


def _measure_label(vocabulary: Vocabulary, name: str) -> str:
    return next((cube.measures[name].label for cube in vocabulary.cubes.values() if name in cube.measures), "")


def _check_covered(tagged: Tagged, vocabulary: Vocabulary) -> None:
    leftover = tagged.leftover()
    if not leftover:
        return
    said = [tagged.tokens[index].raw for index in leftover]
    plain = all(word.isalpha() for word in said) and any(tagged.tokens[index].word not in PROTECTED for index in leftover)
    together = leftover[-1] - leftover[0] + 1 == len(leftover)
    if plain and together:
        for tag_ in tagged.of("dimension"):
            if tag_.last == leftover[0] or tag_.first == leftover[-1] + 1 or tagged.said(tag_.last, leftover[0]) in ("called", "named"):
                raise _Stop(_no_such(tagged, vocabulary, tag_.meanings[0].name, leftover[0], leftover[-1] + 1))
        if near := vocabulary.nearest(" ".join(said), least=82):
            raise _Stop(_did_you_mean(tagged, vocabulary, near, leftover[0], leftover[-1] + 1, f'I don\'t know "{" ".join(said)}".'))
    quoted = ", ".join(f'"{word}"' for word in dict.fromkeys(said))
    hint = " Please write dates as 2026-11-03." if "/" in said else ""
    raise _Stop(Refuse(f"I can't answer that: I have no meaning for {quoted} here, and I don't guess.{hint} {can_ask(vocabulary)}"))


def _no_such(tagged: Tagged, vocabulary: Vocabulary, dimension: str, first: int, last: int) -> Clarify | Refuse:
    said, label = tagged.said(first, last), vocabulary.model.dimensions[dimension].label
    near = vocabulary.nearest(said, dimension)
    missing = f'There is no {label} called "{said}" among what you may see.'
    return _did_you_mean(tagged, vocabulary, near, first, last, missing) if near else Refuse(f"{missing} {can_ask(vocabulary)}")


def _did_you_mean(tagged: Tagged, vocabulary: Vocabulary, near: Sequence, first: int, last: int, lead: str) -> Clarify:  # type: ignore[type-arg]
    choices = tuple(
        Choice(f"{vocabulary.model.dimensions[thing.dimension].label} {thing.name}", tagged.instead(first, last, f"{thing.dimension}#{thing.key}"))
        for thing in near[:MOST_CHOICES]
    )
    return Clarify(f"{lead} Did you mean one of these?", choices)


def _which_measure(tagged: Tagged, vocabulary: Vocabulary, dimensions: Sequence[str]) -> _Stop:
    fitting = [cube for cube in vocabulary.cubes.values() if cube.overview and set(dimensions) <= set(cube.dimensions)]
    question = tagged.said(0, len(tagged.tokens))
    choices = [Choice(cube.measures[name].label, f"{question} by {cube.measures[name].label}") for cube in fitting[:1] for name in _mixed(cube)]
    return _Stop(Clarify("By which figure?", tuple(choices[:MOST_CHOICES])))


def _mixed(cube: Cube) -> list[str]:
    """The overview's measures, one of each unit first: a count, a share, money."""
    by_unit: dict[str, str] = {}
    for name in cube.overview:
        by_unit.setdefault(cube.measures[name].unit, name)
    return list(dict.fromkeys([*by_unit.values(), *cube.overview]))


def _by_what(tagged: Tagged, vocabulary: Vocabulary, cube: Cube) -> _Stop:
    question = tagged.said(0, len(tagged.tokens))
    names = list(cube.dimensions)[:MOST_CHOICES]
    labels = [vocabulary.model.dimensions[name].label for name in names]
    return _Stop(Clarify("Among what?", tuple(Choice(f"by {label}", f"{question} by {label}") for label in labels)))


def _cube(vocabulary: Vocabulary, measures: Sequence[str], dimensions: Sequence[str]) -> tuple[str, Cube]:
    """The first visible cube with everything that was asked; otherwise say what cannot be had together."""
    wanted = set(measures)
    fitting = [
        (name, cube)
        for name, cube in vocabulary.cubes.items()
        if wanted <= set(cube.measures) and set(dimensions) <= set(cube.dimensions) and (wanted or cube.overview)
    ]
    if fitting:
        return fitting[0]
    holding = [cube for cube in vocabulary.cubes.values() if wanted <= set(cube.measures)]
    if not holding:
        labels = [_measure_label(vocabulary, name) for name in measures]
        raise _Stop(Refuse(f"{_listed(labels)} are kept apart and can't be answered together; please ask for one at a time."))
    possible = list(dict.fromkeys(name for cube in holding if wanted for name in cube.dimensions)) or vocabulary.dimensions()
    called = {name: vocabulary.model.dimensions[name].label for name in vocabulary.dimensions()}
    what = _listed([_measure_label(vocabulary, name) for name in measures]) or "that"
    asked = _listed([called[name] for name in dict.fromkeys(dimensions)])
    raise _Stop(Refuse(f"I can't split {what} by {asked} together. It can be asked by {_listed([called[name] for name in possible])}."))
