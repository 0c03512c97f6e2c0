"""Every content word must be accounted for. What is left over is looked for among the names, asked about, or refused by name."""

from __future__ import annotations

from insights.chat.grammar import PROTECTED, STOP
from insights.chat.tagging import Tagged
from insights.chat.text import words
from insights.chat.vocabulary import Vocabulary

from .guard import listed_quoted, not_recorded
from .says import MOST_CHOICES, ask, can_ask, named_choices, refuse

_TIME_WORDS = frozenset({"hour", "hours", "minutes", "seconds", "time", "long"})
_UNIT_WORDS = {
    "hours": _TIME_WORDS,
    "seconds": _TIME_WORDS,
    "milliseconds": _TIME_WORDS,
    "money": frozenset({"money", "dollars", "euros", "usd", "eur", "$"}),
}


def check(tagged: Tagged, vocabulary: Vocabulary, *, allowed: frozenset[str] = frozenset()) -> None:
    """Raises Stop when a word has no meaning here. ``allowed`` are words that the reader of this kind of question accounts for itself."""
    if tagged.unknown_reference:
        raise refuse(f'There is nothing called "{tagged.unknown_reference}" among what you may see.')
    leftover = [index for index in tagged.leftover() if tagged.tokens[index].word not in allowed | _said_so(tagged, vocabulary)]
    if not leftover:
        return
    not_recorded(tagged, vocabulary)
    said = [tagged.tokens[index].raw for index in leftover]
    plain = all(word.isalpha() for word in said) and any(tagged.tokens[index].word not in PROTECTED for index in leftover)
    if plain and leftover[-1] - leftover[0] + 1 == len(leftover):
        _check_names(tagged, vocabulary, leftover[0], leftover[-1] + 1)
    hint = " Please write dates as 2026-11-03." if "/" in said or any(word.count(".") == 2 for word in said) else ""
    raise refuse(f"I can't answer that: I have no meaning for {listed_quoted(said)} here, and I don't guess.{hint} {can_ask(vocabulary)}")


def _said_so(tagged: Tagged, vocabulary: Vocabulary) -> frozenset[str]:
    """Words that add nothing beside others: the small ones of a comparison, of a goal ahead, and ``average`` of a rate, which it is already."""
    operators = tagged.operators()
    comparing = frozenset({"between"}) if operators & {"difference", "compare", "change", "why"} else frozenset()
    goals = (
        frozenset({"will", "going", "likely", "expected", "still", "yet", "forecast", "projected"})
        if operators & {"pacing", "behind", "ahead"}
        else comparing
    )
    because = _BECAUSE if _gives_a_reason(tagged) else frozenset()
    return comparing | goals | because | tagged.kind_words(vocabulary) | _averages(tagged, vocabulary) | _of_measures(tagged, vocabulary)


def _of_measures(tagged: Tagged, vocabulary: Vocabulary) -> frozenset[str]:
    """Words that only say again what an asked figure is: those of its unit and of its own description."""
    found: set[str] = set()
    for name in {tag.name for tag in tagged.of("measure")}:
        for cube in vocabulary.cubes.values():
            if measure := cube.measures.get(name):
                described = {word for word in words(measure.description) if word.isalpha()}
                found |= {word for word in described if word not in PROTECTED or _counted(tagged, word)}
                found |= _UNIT_WORDS.get(measure.unit, frozenset())
    return frozenset(found)


def _counted(tagged: Tagged, word: str) -> bool:
    """``how many people``: said of what the figure counts."""
    return any(token.word == word and tagged.word(index - 1) == "many" for index, token in enumerate(tagged.tokens))


def _gives_a_reason(tagged: Tagged) -> bool:
    """``because everything was sold out``: only small words stand between, so the value after it says it all."""
    for index, token in enumerate(tagged.tokens):
        if token.word == "because":
            after = next((at for at in range(index, len(tagged.tokens)) if tagged.covered(at)), None)
            return any(one.first == after for one in tagged.of("value")) and all(
                tagged.word(at) in _BECAUSE | STOP for at in range(index, after or index)
            )
    return False


_BECAUSE = frozenset({"because", "everything"})


def _averages(tagged: Tagged, vocabulary: Vocabulary) -> frozenset[str]:
    asked = {tag.name for tag in tagged.of("measure")}
    kinds = {cube.measures[name].kind for cube in vocabulary.cubes.values() for name in asked & set(cube.measures)}
    return frozenset({"average", "avg"}) if asked and kinds <= {"ratio", "value"} else frozenset()


def _check_names(tagged: Tagged, vocabulary: Vocabulary, first: int, last: int) -> None:
    for one in tagged.of("dimension"):
        if one.last == first or one.first == last or tagged.said(one.last, first) in ("called", "named"):
            raise _no_such(tagged, vocabulary, one.name, first, last)
    said = tagged.said(first, last)
    near = vocabulary.holding([token.stem for token in tagged.tokens[first:last]]) or vocabulary.nearest(said, least=82)
    if near:
        raise ask(f'I don\'t know "{said}". Did you mean one of these?', named_choices(tagged, vocabulary, near, first, last), "unknown")


def _no_such(tagged: Tagged, vocabulary: Vocabulary, dimension: str, first: int, last: int) -> Exception:
    said, label = tagged.said(first, last), vocabulary.model.dimensions[dimension].label
    near = vocabulary.nearest(said, dimension, limit=MOST_CHOICES)
    missing = f'There is no {label} called "{said}" among what you may see.'
    if near:
        return ask(f"{missing} Did you mean one of these?", named_choices(tagged, vocabulary, near, first, last))
    return refuse(f"{missing} {can_ask(vocabulary)}")
