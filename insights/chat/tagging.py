"""From words to marked stretches of the question: names, periods, thresholds, measures, dimensions, operators. Longest match first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from . import dates, figures_said, thresholds
from .dates import Relative
from .grammar import BY, GLUE, OPERATORS, PROTECTED, RANKS, STOP
from .text import Token, stem, tokenize, words
from .thresholds import Threshold
from .vocabulary import Meaning, Vocabulary

_NOUN_LEADS = frozenset({"by", "per", "each", "every", "which", "what", "the", "this", "that", "a", "of", "our"})
_CHANGING = frozenset(phrase for phrase in OPERATORS["change"] if " " not in phrase)
_COMPARING = frozenset(
    {"difference", "differences", "differ", "differs", "changes", "compare", "compared", "comparison", "change", "changed", "versus", "vs"}
)


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

    def kind_words(self, vocabulary: Vocabulary, *, but: Tag | None = None) -> frozenset[str]:
        """What the kinds of the things named here are called: ``the Director`` beside one of the Director's actions says nothing more."""
        named = {meaning.name for one in self.of("value") if one is not but for meaning in one.meanings}
        labels = {word for name in named for word in words(vocabulary.model.dimensions[name].label)}
        return frozenset(word for word in labels if word not in PROTECTED)

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
    tokens = [vocabulary.repaired(token, typed[index - 1 : index], typed[index + 1 : index + 3]) for index, token in enumerate(typed)]
    tagged = Tagged(tokens, repairs=[(before.raw, after.word) for before, after in zip(typed, tokens, strict=True) if before.word != after.word])
    _references(tagged, vocabulary)
    _full_names(tagged, vocabulary)
    _relatives(tagged)
    _periods(tagged, now)
    _thresholds(tagged)
    _phrases(tagged, vocabulary)
    _gapped_phrases(tagged, vocabulary)
    _coordinated(tagged, vocabulary)
    _commands_to_show(tagged)
    _verbs(tagged, vocabulary)
    _rank_numbers(tagged)
    _reasons(tagged, vocabulary)
    _said_after(tagged, vocabulary)
    _kinds_again(tagged, vocabulary)
    _figures(tagged, vocabulary)
    _late_names(tagged, vocabulary)
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
    for first, last, key in _windows(tagged, vocabulary.longest[0]):
        things = vocabulary.names.get(key, [])
        if not things or not _free(tagged, first, last) or _in_a_phrase(tagged, vocabulary, first, last):
            continue
        beside = {tagged.tokens[index].stem for index in (first - 1, last) if 0 <= index < len(tagged.tokens)}
        said = [thing for thing in things if beside & vocabulary.kind_stems(thing.dimension)]
        if not said and not vocabulary.everyday(key):
            said = [thing for thing in things if last - first > 1 or vocabulary.model.dimensions[thing.dimension].by_part]
        if said:
            tagged.tags.append(Tag(first, last, "value", tuple(thing.meaning for thing in said)))


def _in_a_phrase(tagged: Tagged, vocabulary: Vocabulary, first: int, last: int) -> bool:
    """The ``director`` of ``director actions`` is no experiment of that name."""
    if last - first > 1:
        return False
    stemmed = [token.stem for token in tagged.tokens]
    for width in (2, 3):
        for start in range(max(0, first - width + 1), first + 1):
            meanings = vocabulary.phrases.get(tuple(stemmed[start : start + width]), [])
            if start + width <= len(stemmed) and any(meaning.kind in ("measure", "dimension", "cube") for meaning in meanings):
                return True
    return False


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
    words, said = _words(tagged), {token.word for token in tagged.tokens}
    if said & (_COMPARING | _CHANGING):
        words = ["" if _since_unit(words, index) else word for index, word in enumerate(words)]
    if said & _COMPARING:
        words = ["" if word in ("between", "from") else "and" if word == "to" else word for word in words]
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
    for first, last, key in _windows(tagged, vocabulary.longest[1]):
        meanings = vocabulary.phrases.get(key)
        if meanings and _free(tagged, first, last):
            tagged.tags.append(_tag_of(first, last, meanings))
    _longer_through_gaps(tagged, vocabulary)


def _tag_of(first: int, last: int, meanings: Sequence[Meaning]) -> Tag:
    kind = meanings[0].kind
    return Tag(first, last, kind, tuple(meaning for meaning in meanings if meaning.kind == kind))


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
        if any(one.kind == "dimension" and (len(key) == 2 or tagged.before(one) in BY) for one in inside) and not _counted(tagged, first):
            continue  # "the ad had clicks" is not "ad clicks", but "how many films were finished" is "films finished"
        if not across and swallowed and len(key) > longest:
            tagged.tags = [one for one in tagged.tags if one not in inside]
            tagged.tags.append(_tag_of(first, last, meanings))


def _counted(tagged: Tagged, first: int) -> bool:
    return tagged.word(first - 1) == "many"


def _loose_windows(tagged: Tagged, vocabulary: Vocabulary) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    content = [index for index, token in enumerate(tagged.tokens) if token.stem not in GLUE]
    for width in range(min(vocabulary.longest[2], len(content)), 1, -1):
        for start in range(len(content) - width + 1):
            run = content[start : start + width]
            if run[-1] - run[0] + 1 <= width + 4:
                yield run[0], run[-1] + 1, tuple(tagged.tokens[index].stem for index in run)


def _gapped_phrases(tagged: Tagged, vocabulary: Vocabulary) -> None:
    for first, last, key in _loose_windows(tagged, vocabulary):
        meanings = vocabulary.gapped.get(key)
        if meanings and _free(tagged, first, last):
            tagged.tags.append(_tag_of(first, last, meanings))


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
    kinds = tagged.kind_words(vocabulary)
    for run in _runs(tagged.leftover()):
        for width in range(len(run), 0, -1):
            for offset in range(len(run) - width + 1):
                first, last = run[offset], run[offset + width - 1] + 1
                said = tagged.tokens[first:last]
                if not _free(tagged, first, last) or not any(token.word.isalpha() and token.word not in PROTECTED | kinds for token in said):
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


def _verbs(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """``CTR dropped``: a word that may be a figure of its own only says what another figure did."""
    for one in tagged.of("measure"):
        key = tuple(token.stem for token in tagged.tokens[one.first : one.last])
        verbs = [meaning for meaning in vocabulary.phrases.get(key, []) if meaning.kind == "operator"]
        if verbs and any(other is not one for other in tagged.of("measure")):
            tagged.tags.remove(one)
            tagged.tags.append(Tag(one.first, one.last, "operator", tuple(verbs)))


def _commands_to_show(tagged: Tagged) -> None:
    """``show daily clicks``: the verb, though a film may be called a show."""
    for one in tagged.of("dimension"):
        if one.last - one.first == 1 and tagged.word(one.first) == "show" and tagged.before(one) not in _NOUN_LEADS:
            tagged.tags.remove(one)


def _reasons(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """``the reason for invalid events``: where reasons are kept they are asked for, unless something changed."""
    for one in tagged.of("operator"):
        word = tagged.tokens[one.first].stem
        kinds = [meaning for meaning in vocabulary.phrases.get((word,), []) if meaning.kind == "dimension"]
        if one.name == "why" and word == "reason" and kinds and "change" not in tagged.operators():
            tagged.tags.remove(one)
            tagged.tags.append(Tag(one.first, one.last, "dimension", tuple(kinds)))


def _said_after(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """``which experiments are running``: the running experiments."""
    for one in tagged.of("dimension"):
        at = one.last
        while tagged.word(at) in GLUE:
            at += 1
        if at < len(tagged.tokens) and not tagged.covered(at):
            key = (tagged.tokens[at].stem, *(token.stem for token in tagged.tokens[one.first : one.last]))
            values = [meaning for meaning in vocabulary.phrases.get(key, []) if meaning.kind == "value"]
            if values:
                tagged.tags.append(Tag(at, at + 1, "value", tuple(values)))


def _kinds_again(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """``did the Director tighten a scene``: the kind of action, though an experiment may be called so too."""
    for one in tagged.of("value"):
        beside = {tagged.tokens[index].stem for index in (one.first - 1, one.last) if 0 <= index < len(tagged.tokens)}
        said = any(beside & vocabulary.kind_stems(meaning.name) for meaning in one.meanings)
        if one.last - one.first == 1 and not said and tagged.word(one.first) in tagged.kind_words(vocabulary, but=one):
            tagged.tags.remove(one)


def _figures(tagged: Tagged, vocabulary: Vocabulary) -> None:
    settled = figures_said.settle(tagged, vocabulary)
    tagged.tags = [Tag(one.first, one.last, *settled[one]) if one in settled else one for one in tagged.tags]
    for index in tagged.leftover():
        if meaning := figures_said.head(tagged.tokens[index].stem, tagged, vocabulary):
            tagged.tags.append(Tag(index, index + 1, "measure", (meaning,)))


def _late_names(tagged: Tagged, vocabulary: Vocabulary) -> None:
    """A whole name of one word that means nothing else, of a kind that part of a name is not enough for."""
    kinds = tagged.kind_words(vocabulary)
    for index in tagged.leftover():
        token = tagged.tokens[index]
        if token.word.isalpha() and token.word not in PROTECTED | kinds and (things := vocabulary.names.get((token.stem,))):
            tagged.tags.append(Tag(index, index + 1, "value", tuple(thing.meaning for thing in things)))


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
        else:
            _number_of_kind(tagged)


def _number_of_kind(tagged: Tagged) -> None:
    """``the 5 ads with the fewest clicks``."""
    for one in tagged.of("dimension"):
        word = tagged.before(one)
        number = int(word) if word.isdecimal() and len(word) < 6 else dates.NUMBERS.get(word, 0)
        if 1 <= number <= 100 and not tagged.covered(one.first - 1) and not tagged.of("number"):
            tagged.tags.append(Tag(one.first - 1, one.first, "number", number=number))
