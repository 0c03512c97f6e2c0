"""From words to marked stretches of the question: names, periods, thresholds, measures, dimensions, operators. Longest match first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from . import dates, thresholds
from .dates import Relative
from .grammar import GLUE, PROTECTED, RANKS, STOP
from .text import Token, stem, tokenize
from .thresholds import Threshold
from .vocabulary import Meaning, Vocabulary

_COMPARING = frozenset({"difference", "differ", "compare", "compared", "comparison", "change", "changed", "versus", "vs"})


@dataclass(frozen=True)
class Tag:
    """The words ``[first, last)`` mean ``meanings`` (several when a name is shared), or are a period, a threshold or a rank's number."""

    first: int
    last: int
    kind: str
    meanings: tuple[Meaning, ...] = ()
    period: dates.Found | None = None
    relative: Relative | None = None
    threshold: Threshold | None = None
    number: int = 0

    @property
    def name(self) -> str:
        return self.meanings[0].name if self.meanings else ""


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

    def operators(self) -> set[str]:
        return {tag.name for tag in self.of("operator")}

    def before(self, tag: Tag) -> str:
        """The word just before."""
        return self.tokens[tag.first - 1].word if tag.first else ""

    def word(self, index: int) -> str:
        return self.tokens[index].word if 0 <= index < len(self.tokens) else ""

    def said(self, first: int, last: int) -> str:
        return " ".join(token.raw for token in self.tokens[first:last])

    def instead(self, first: int, last: int, words: str) -> str:
        """The question again with the words ``[first, last)`` said differently: what a choice sends when it is picked."""
        return " ".join(part for part in (self.said(0, first), words, self.said(last, len(self.tokens))) if part)

    def without(self, tags: Sequence[Tag]) -> str:
        left_out = {index for tag in tags for index in range(tag.first, tag.last)}
        return " ".join(token.raw for index, token in enumerate(self.tokens) if index not in left_out)


def tag(question: str, vocabulary: Vocabulary, *, now: datetime) -> Tagged:
    typed = tokenize(question)
    tokens = [vocabulary.repaired(token) for token in typed]
    tagged = Tagged(tokens, repairs=[(before.raw, after.word) for before, after in zip(typed, tokens, strict=True) if before.word != after.word])
    _references(tagged, vocabulary)
    _full_names(tagged, vocabulary)
    _relatives(tagged)
    _periods(tagged, now)
    _thresholds(tagged)
    _phrases(tagged, vocabulary)
    _gapped_phrases(tagged, vocabulary)
    _coordinated(tagged, vocabulary)
    _rank_numbers(tagged)
    _parts_of_names(tagged, vocabulary)
    return tagged


def _free(tagged: Tagged, first: int, last: int) -> bool:
    return not any(tagged.covered(index) for index in range(first, last))


def _references(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """``campaign#12``: a thing by its key, as choices name it."""
    for index, token in enumerate(tagged.tokens):
        dimension, mark, key = token.word.partition("#")
        if mark and dimension in vocabulary.dimensions():
            found = [thing.meaning for thing in vocabulary.things if thing.dimension == dimension and str(thing.key) == key]
            synonyms = vocabulary.model.dimensions[dimension].values.get(key)
            if synonyms is not None:
                found.append(Meaning("value", dimension, key, synonyms[0] if synonyms else key))
            if found:
                tagged.tags.append(Tag(index, index + 1, "value", (found[0],)))
            else:
                tagged.unknown_reference = token.raw


def _windows(tagged: Tagged, longest: int) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    stemmed = [token.stem for token in tagged.tokens]
    for width in range(min(longest, len(stemmed)), 0, -1):
        for first in range(len(stemmed) - width + 1):
            if _free(tagged, first, first + width):
                yield first, first + width, tuple(stemmed[first : first + width])


def _full_names(tagged: Tagged, vocabulary: Vocabulary) -> None:
    longest = max(map(len, vocabulary.names), default=0)
    for first, last, key in _windows(tagged, longest):
        things = vocabulary.names.get(key, [])
        if not things or not _free(tagged, first, last):
            continue
        beside = {tagged.tokens[index].stem for index in (first - 1, last) if 0 <= index < len(tagged.tokens)}
        said = [thing for thing in things if beside & vocabulary.kind_stems(thing.dimension)]
        if not said and not vocabulary.everyday(key):
            said = [thing for thing in things if last - first > 1 or vocabulary.model.dimensions[thing.dimension].by_part]
        if said:
            tagged.tags.append(Tag(first, last, "value", tuple(thing.meaning for thing in said)))


def _words(tagged: Tagged) -> list[str]:
    return ["" if tagged.covered(index) else token.word for index, token in enumerate(tagged.tokens)]


def _relatives(tagged: Tagged) -> None:
    """What a period is compared with, before the periods: of ``the week before last`` and the like the periods keep."""
    words = _words(tagged)
    at = 0
    while at < len(words):
        found = dates.find_relative(words, at) if words[at] else None
        if found:
            tagged.tags.append(Tag(found.first, found.last, "relative", relative=found))
        at = found.last if found else at + 1


def _periods(tagged: Tagged, now: datetime) -> None:
    """Where two are held against each other, ``from A to B`` and ``between A and B`` are no range."""
    words = _words(tagged)
    if _COMPARING & {token.stem for token in tagged.tokens}:
        words = [
            "" if word in ("between", "from") or _since_unit(words, index) else "and" if word == "to" else word for index, word in enumerate(words)
        ]
    for found in dates.find_periods(words, now=now):
        lead = 1 if found.first and tagged.word(found.first - 1) in ("since", "from") and not words[found.first - 1] else 0
        tagged.tags.append(Tag(found.first - lead, found.last, "period", period=found))


def _since_unit(words: Sequence[str], index: int) -> bool:
    """``changed since last week`` holds this week against the last one; ``since June`` is a period."""
    after = words[index + 1] if index + 1 < len(words) else ""
    return words[index] == "since" and after in ("last", "yesterday", "previous")


def _thresholds(tagged: Tagged) -> None:
    for found in thresholds.find(_words(tagged)):
        tagged.tags.append(Tag(found.first, found.last, "threshold", threshold=found))


def _phrases(tagged: Tagged, vocabulary: Vocabulary) -> None:
    longest = max(map(len, vocabulary.phrases), default=0)
    for first, last, key in _windows(tagged, longest):
        meanings = vocabulary.phrases.get(key)
        if meanings and _free(tagged, first, last):
            tagged.tags.append(Tag(first, last, meanings[0].kind, tuple(meanings)))
    _longer_through_gaps(tagged, vocabulary)


def _longer_through_gaps(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """``revenue did we lose to unfilled breaks`` is one phrase, though ``revenue`` and ``unfilled breaks`` are phrases of their own."""
    for first, last, key in _loose_windows(tagged, vocabulary):
        meanings = vocabulary.gapped.get(key)
        if not meanings:
            continue
        inside = [one for one in tagged.tags if one.first >= first and one.last <= last]
        across = [one for one in tagged.tags if one not in inside and one.first < last and one.last > first]
        kinds = ("measure", "dimension", "operator", "ambiguous", "filler", "cube", "value")
        swallowed = all(one.kind in kinds and one.last - one.first < last - first for one in inside)
        longest = max((sum(stem(tagged.tokens[index].word) not in GLUE for index in range(one.first, one.last)) for one in inside), default=0)
        if len(key) == 2 and any(one.kind == "dimension" for one in inside):
            continue  # "the ad had clicks" is not "ad clicks"
        if not across and swallowed and len(key) > longest:
            tagged.tags = [one for one in tagged.tags if one not in inside]
            tagged.tags.append(Tag(first, last, meanings[0].kind, tuple(meanings)))


def _loose_windows(tagged: Tagged, vocabulary: Vocabulary) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    content = [index for index, token in enumerate(tagged.tokens) if token.stem not in GLUE]
    longest = max(map(len, vocabulary.gapped), default=0)
    for width in range(min(longest, len(content)), 1, -1):
        for start in range(len(content) - width + 1):
            run = content[start : start + width]
            if run[-1] - run[0] + 1 <= width + 4:
                yield run[0], run[-1] + 1, tuple(tagged.tokens[index].stem for index in run)


def _gapped_phrases(tagged: Tagged, vocabulary: Vocabulary) -> None:
    for first, last, key in _loose_windows(tagged, vocabulary):
        meanings = vocabulary.gapped.get(key)
        if meanings and _free(tagged, first, last):
            tagged.tags.append(Tag(first, last, meanings[0].kind, tuple(meanings)))


def _coordinated(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """``gross and net impressions``: the first shares the noun of the second."""
    for index in tagged.leftover():
        if tagged.word(index + 1) not in ("and", "or", "vs", "versus", "against", "to", "than"):
            continue
        after = next((one for one in tagged.tags if one.first == index + 2 and one.kind == "measure"), None)
        for tail in range(after.first, after.last) if after else ():
            key = (tagged.tokens[index].stem, *(token.stem for token in tagged.tokens[tail : after.last if after else tail]))
            meanings = [meaning for meaning in vocabulary.phrases.get(key, []) if meaning.kind == "measure"]
            if meanings:
                tagged.tags.append(Tag(index, index + 1, "measure", tuple(meanings)))
                break


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
        if operator.name not in RANKS:
            continue
        for index in (operator.last, operator.first - 1):
            if 0 <= index < len(tagged.tokens) and not tagged.covered(index):
                word = tagged.tokens[index].word
                number = int(word) if word.isdecimal() and len(word) < 6 else dates.NUMBERS.get(word, 0)
                if 1 <= number <= 100:
                    tagged.tags.append(Tag(index, index + 1, "number", number=number))
                    break
