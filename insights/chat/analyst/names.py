"""Which things are meant: one meaning for each name, those to leave out apart, and the dimensions to group by."""

from __future__ import annotations

from collections.abc import Sequence

from insights.chat.grammar import BY, RANKS, STOP
from insights.chat.reading import Choice, Clarify
from insights.chat.tagging import Tag, Tagged
from insights.chat.text import stem, stems
from insights.chat.vocabulary import Meaning, Vocabulary
from insights.semantic.model import Cube

from .says import MOST_CHOICES, Stop

Values = dict[str, list[Meaning]]
WEEKEND, WORKDAYS = ("6", "7"), ("1", "2", "3", "4", "5")


def values(tagged: Tagged, vocabulary: Vocabulary) -> tuple[Values, Values]:
    """What to filter by and what to leave out. Raises Stop for a name that could be several things, or is none."""
    include: Values = {}
    exclude: Values = {}
    left_out = negated(tagged)
    for one in tagged.of("value"):
        for meaning in _chosen(tagged, vocabulary, one):
            into = (exclude if one in left_out else include).setdefault(meaning.name, [])
            if meaning not in into:
                into.append(meaning)
    for operator, days in (("weekends", WEEKEND), ("workdays", WORKDAYS)):
        for one in tagged.of("operator"):
            if one.name == operator:
                known = vocabulary.model.dimensions["weekday"].values
                picked = [Meaning("value", "weekday", day, known[day][0] if known.get(day) else day) for day in days]
                (exclude if _follows_not(tagged, one) else include).setdefault("weekday", []).extend(picked)
    return include, exclude


def _chosen(tagged: Tagged, vocabulary: Vocabulary, one: Tag) -> list[Meaning]:
    """One, or all the values of one dimension that a word stands for: ``frequency caps`` are whatever a cube calls them."""
    found = list(one.meanings)
    if len(found) > 1 and (kind := _kind_beside(tagged, one)):
        found = [meaning for meaning in found if meaning.name == kind] or found
    if len(found) > 1 and not _alike(vocabulary, found):
        raise Stop(_ambiguous(tagged, vocabulary, one, found))
    return found


def _alike(vocabulary: Vocabulary, found: Sequence[Meaning]) -> bool:
    return len({meaning.name for meaning in found}) == 1 and all(
        str(meaning.key) in vocabulary.model.dimensions[meaning.name].values for meaning in found
    )


def _ambiguous(tagged: Tagged, vocabulary: Vocabulary, one: Tag, found: Sequence[Meaning]) -> Clarify:
    labels = [f"{vocabulary.model.dimensions[meaning.name].label} {meaning.label}" for meaning in found[:MOST_CHOICES]]
    choices = tuple(
        Choice(
            label if labels.count(label) == 1 else f"{label} (#{meaning.key})", tagged.instead(one.first, one.last, f"{meaning.name}#{meaning.key}")
        )
        for label, meaning in zip(labels, found, strict=False)
    )
    more = f" There are {len(found)}; say more of the name if it is none of these." if len(found) > MOST_CHOICES else ""
    return Clarify(f'"{tagged.said(one.first, one.last)}" could be several things. Which one do you mean?{more}', choices)


def negated(tagged: Tagged) -> list[Tag]:
    """Names after ``without``, ``except`` and the like, for as long as only names, their kinds and small words follow."""
    return [one for operator in tagged.of("operator") if operator.name == "not" for one in _after_not(tagged, operator)]


def _after_not(tagged: Tagged, operator: Tag) -> list[Tag]:
    found: list[Tag] = []
    at = operator.last
    while at < len(tagged.tokens):
        one = next((tag for tag in tagged.tags if tag.first == at and tag.kind in ("value", "dimension")), None)
        if one is not None:
            found += [one] if one.kind == "value" else []
            at = one.last
        elif not tagged.covered(at) and tagged.word(at) in (
            "and",
            "or",
            "nor",
            "the",
            "any",
            "all",
            "on",
            "from",
            "our",
            "of",
            "ones",
            "named",
            "called",
            "for",
            "in",
            "by",
        ):
            if tagged.word(at) in ("by", "for", "in", "on", "from") and found:
                break
            at += 1
        else:
            break
    return found


def not_used(tagged: Tagged) -> list[Tag]:
    """A ``without`` that nothing follows which could be left out."""
    return [one for one in tagged.of("operator") if one.name == "not" and not _after_not(tagged, one) and not _before_weekends(tagged, one)]


def _follows_not(tagged: Tagged, one: Tag) -> bool:
    return any(other.name == "not" and _between(tagged, other.last, one.first) for other in tagged.of("operator"))


def _before_weekends(tagged: Tagged, one: Tag) -> bool:
    return any(other.name in ("weekends", "workdays") and _between(tagged, one.last, other.first) for other in tagged.of("operator"))


def _between(tagged: Tagged, first: int, last: int) -> bool:
    return first <= last and all(tagged.word(index) in STOP for index in range(first, last))


def beside(tagged: Tagged, one: Tag, other: Tag) -> bool:
    """Next to each other, but for ``called``, ``named`` and ``the``."""
    first, last = (one.last, other.first) if one.first < other.first else (other.last, one.first)
    return all(tagged.tokens[index].word in ("called", "named", "the") for index in range(first, last))


def _kind_beside(tagged: Tagged, value: Tag) -> str | None:
    return next((tag.name for tag in tagged.of("dimension") if beside(tagged, tag, value)), None)


def groups(tagged: Tagged, vocabulary: Vocabulary, include: Values) -> list[str]:
    """Dimensions to group by: those named, but for one that only says what kind of thing a name beside it is."""
    found: list[str] = []
    listing = bool(tagged.operators() & {*RANKS, "compare", "breakdown"} or tagged.of("threshold") or not tagged.of("measure"))
    for one in tagged.of("dimension"):
        asked = tagged.before(one) in BY
        of_kind = [value for value in tagged.of("value") if any(meaning.name == one.name for meaning in value.meanings)]
        if not asked and any(beside(tagged, one, value) for value in of_kind):
            continue
        if one.name in include and not asked and len(include[one.name]) > 1:
            continue
        if not asked and not listing and (_described(tagged, one) or _counted(tagged, vocabulary, one)):
            continue
        if one.name not in found:
            found.append(one.name)
    return found


def _described(tagged: Tagged, one: Tag) -> bool:
    """``automotive advertisers``, ``mobile campaigns``: which of them are meant, not a split by them."""
    return any(tag.kind == "value" and tag.last == one.first for tag in tagged.tags)


def _counted(tagged: Tagged, vocabulary: Vocabulary, one: Tag) -> bool:
    """``skip rate of ads``: what the figure counts, said again; ``impressions of campaigns`` is a split."""
    word, at = tagged.word(one.last - 1), one.first - 1
    while tagged.word(at) in _SMALL:
        at -= 1
    measure = next((tag for tag in tagged.of("measure") if tag.last == at), None)
    if measure is None or tagged.word(at) != "of" or not word.endswith("s"):
        return False
    kinds = vocabulary.kind_stems(one.name) & {stem(word), stem(vocabulary.model.dimensions[one.name].label)}
    cubes = [cube for cube in vocabulary.cubes.values() if measure.name in cube.measures and one.name in cube.dimensions]
    return any(kinds & _said_of(cube, measure.name) for cube in cubes)


def _said_of(cube: Cube, name: str) -> set[str]:
    """Words of what a count is, or a rate and the counts that it is made of."""
    measure = cube.measures[name]
    if not measure.ratio and (measure.unit != "count" or measure.kind == "value"):
        return set()
    parts = [measure, *([cube.measures[part] for part in (measure.ratio.numerator, measure.ratio.denominator)] if measure.ratio else [])]
    return {word for part in parts for said in (part.label, part.description, *part.synonyms) for word in stems(said)}


_SMALL = frozenset({"the", "our", "my", "all"})
