"""From words to marked stretches of the question: names, periods, measures, dimensions, operators. Longest match first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from . import dates
from .text import Token, tokenize
from .vocabulary import PROTECTED, STOP, Meaning, Vocabulary


@dataclass(frozen=True)
class Tag:
    """The words ``[first, last)`` mean ``meanings`` (several when a name is shared), or are a period or a rank's number."""

    first: int
    last: int
    kind: str
    meanings: tuple[Meaning, ...] = ()
    period: dates.Found | None = None
    number: int = 0


@dataclass
class Tagged:
    tokens: list[Token]
    tags: list[Tag] = field(default_factory=list)
    repairs: list[tuple[str, str]] = field(default_factory=list)
    unknown_reference: str = ""

    def covered(self, index: int) -> bool:
        return any(tag.first <= index < tag.last for tag in self.tags)

    def leftover(self) -> list[int]:
        return [index for index, token in enumerate(self.tokens) if not self.covered(index) and token.word not in STOP]

    def of(self, kind: str) -> list[Tag]:
        return sorted((tag for tag in self.tags if tag.kind == kind), key=lambda tag: tag.first)

    def said(self, first: int, last: int) -> str:
        return " ".join(token.raw for token in self.tokens[first:last])

    def instead(self, first: int, last: int, words: str) -> str:
        """The question again with the words ``[first, last)`` said differently: what a choice sends when it is picked."""
        return " ".join(part for part in (self.said(0, first), words, self.said(last, len(self.tokens))) if part)


def tag(question: str, vocabulary: Vocabulary, *, now: datetime) -> Tagged:
    typed = tokenize(question)
    tokens = [vocabulary.repaired(token) for token in typed]
    tagged = Tagged(tokens, repairs=[(before.raw, after.word) for before, after in zip(typed, tokens, strict=True) if before.word != after.word])
    _references(tagged, vocabulary)
    _full_names(tagged, vocabulary, at_least=1)
    _periods(tagged, now)
    _phrases(tagged, vocabulary)
    _rank_numbers(tagged)
    _parts_of_names(tagged, vocabulary)
    return tagged


def _free(tagged: Tagged, first: int, last: int) -> bool:
    return not any(tagged.covered(index) for index in range(first, last))


def _references(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """``campaign#12``: a thing by its key, as choices name it."""
    for index, token in enumerate(tagged.tokens):
        dimension, mark, key = token.word.partition("#")
        if mark and dimension in vocabulary.model.dimensions:
            found = [thing.meaning for thing in vocabulary.things if thing.dimension == dimension and str(thing.key) == key]
            if key in vocabulary.model.dimensions[dimension].values:
                found.append(Meaning("value", dimension, key, key))
            if found:
                tagged.tags.append(Tag(index, index + 1, "value", (found[0],)))
            else:
                tagged.unknown_reference = token.raw


def _windows(tagged: Tagged, longest: int, shortest: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    stemmed = [token.stem for token in tagged.tokens]
    for width in range(min(longest, len(stemmed)), shortest - 1, -1):
        for first in range(len(stemmed) - width + 1):
            if _free(tagged, first, first + width):
                yield first, first + width, tuple(stemmed[first : first + width])


def _full_names(tagged: Tagged, vocabulary: Vocabulary, *, at_least: int) -> None:
    longest = max(map(len, vocabulary.names), default=0)
    for first, last, key in _windows(tagged, longest, at_least):
        if not _free(tagged, first, last):
            continue
        beside = {tagged.tokens[index].stem for index in (first - 1, last) if 0 <= index < len(tagged.tokens)}
        things = vocabulary.names.get(key, [])
        said = [thing for thing in things if beside & vocabulary.kind_stems(thing.dimension)]
        if not said and not vocabulary.everyday(key):
            said = [thing for thing in things if last - first > 1 or vocabulary.model.dimensions[thing.dimension].by_part]
        if said:
            tagged.tags.append(Tag(first, last, "value", tuple(thing.meaning for thing in said)))


def _periods(tagged: Tagged, now: datetime) -> None:
    words = ["" if tagged.covered(index) else token.word for index, token in enumerate(tagged.tokens)]
    for found in dates.find_periods(words, now=now):
        tagged.tags.append(Tag(found.first, found.last, "period", period=found))


def _phrases(tagged: Tagged, vocabulary: Vocabulary) -> None:
    longest = max(map(len, vocabulary.phrases), default=0)
    for first, last, key in _windows(tagged, longest, 1):
        meanings = vocabulary.phrases.get(key)
        if meanings and _free(tagged, first, last):
            tagged.tags.append(Tag(first, last, meanings[0].kind, tuple(meanings)))


def _parts_of_names(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """Part of a name is enough when it is part of exactly one; of several, the caller is asked."""
    for run in _runs(tagged.leftover()):
        for width in range(len(run), 0, -1):
            for offset in range(len(run) - width + 1):
                first, last = run[offset], run[offset + width - 1] + 1
                said = tagged.tokens[first:last]
                if not _free(tagged, first, last) or not any(token.word.isalpha() and token.word not in PROTECTED for token in said):
                    continue
                if things := vocabulary.containing([token.stem for token in said]):
                    tagged.tags.append(Tag(first, last, "value", tuple(thing.meaning for thing in things)))


def _runs(indexes: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for index in indexes:
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _rank_numbers(tagged: Tagged) -> None:
    """``top 5``, ``5 best``: a number counts only beside the operator it belongs to."""
    for operator in tagged.of("operator"):
        if operator.meanings[0].name not in ("highest", "lowest", "best", "worst"):
            continue
        for index in (operator.last, operator.first - 1):
            if 0 <= index < len(tagged.tokens) and not tagged.covered(index):
                word = tagged.tokens[index].word
                number = int(word) if word.isdecimal() else dates.NUMBERS.get(word, 0)
                if 1 <= number <= 100:
                    tagged.tags.append(Tag(index, index + 1, "number", number=number))
                    break
