"""The words one caller can be understood in: the semantic model's own, the names the caller may see, and the analyst's grammar."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from insights.semantic.access import Scope
from insights.semantic.model import Cube, SemanticModel

from . import dates
from .grammar import COMMON, FILLER, GLUE, GRAINS, OPERATORS, PROTECTED, QUESTION_WORDS, STOP
from .text import Token, root, stem, stems, words


@dataclass(frozen=True)
class Meaning:
    """What a phrase stands for. ``kind``: measure, ambiguous, dimension, value, cube, operator, grain, filler. A value has a key and a name."""

    kind: str
    name: str
    key: int | str | None = None
    label: str = ""


@dataclass(frozen=True)
class Named:
    """A thing with a name: ``dimension`` and its key."""

    dimension: str
    key: int | str
    name: str

    @property
    def meaning(self) -> Meaning:
        return Meaning("value", self.dimension, self.key, self.name)


@dataclass
class Vocabulary:
    """Phrases by their stems. Built for one caller: only visible cubes and names within the caller's scope are in it."""

    model: SemanticModel
    cubes: dict[str, Cube]
    phrases: dict[tuple[str, ...], list[Meaning]] = field(default_factory=dict)
    # The same without the small words that may stand between: "revenue did we lose" for "revenue lost".
    gapped: dict[tuple[str, ...], list[Meaning]] = field(default_factory=dict)
    names: dict[tuple[str, ...], list[Named]] = field(default_factory=dict)
    things: list[Named] = field(default_factory=list)
    parts: dict[str, set[int]] = field(default_factory=dict)
    model_words: set[str] = field(default_factory=set)
    name_words: set[str] = field(default_factory=set)

    def add(self, phrase: str, meaning: Meaning) -> None:
        key = stems(phrase)
        if not key:
            return
        found = self.phrases.setdefault(key, [])
        if meaning not in found:
            found.append(meaning)
        content = tuple(word for word in key if word not in GLUE)
        if len(content) > 1 and (meaning.kind in ("measure", "cube") or meaning.name in ("behind", "ahead", "pacing")):
            turned = [content[::-1]] if len(content) == 2 and meaning.kind == "measure" and any(word.endswith("ed") for word in content) else []
            for one in (content, *turned):  # "ads were skipped" are "skipped ads"
                loose = self.gapped.setdefault(one, [])
                if meaning not in loose:
                    loose.append(meaning)
        self.model_words.update(word for word in words(phrase) if word not in STOP)

    def add_name(self, thing: Named) -> None:
        key = stems(thing.name)
        if key:
            self.names.setdefault(key, []).append(thing)
            self.things.append(thing)
            if self.model.dimensions[thing.dimension].by_part:
                self.name_words.update(word for word in words(thing.name) if word.isalpha())
                for part in key:
                    self.parts.setdefault(part, set()).add(len(self.things) - 1)

    def dimensions(self) -> list[str]:
        """What this caller can group and filter by, those of time last."""
        own = [name for cube in self.cubes.values() for name in cube.dimensions]
        times = [name for cube in self.cubes.values() for name in cube.time_dimensions]
        return [name for name in dict.fromkeys([*own, *times]) if not self.model.dimensions[name].hidden]

    def containing(self, wanted: Sequence[str]) -> list[Named]:
        """Things whose name holds all of the stems, among those that part of a name is enough for."""
        found = [self.parts.get(part, set()) for part in wanted]
        return [self.things[index] for index in sorted(set.intersection(*found))] if found else []

    def holding(self, wanted: Sequence[str]) -> list[Named]:
        """Things whose name holds all of the stems, among those that part of a name is not enough for: worth asking about."""
        return [thing for key, things in self.names.items() if set(wanted) <= set(key) for thing in things]

    def everyday(self, key: tuple[str, ...]) -> bool:
        """Whether these stems also say something without being a name."""
        return key in self.phrases or all(word in COMMON for word in key)

    def kind_stems(self, dimension: str) -> set[str]:
        known = self.model.dimensions[dimension]
        return {stem(phrase.lower()) for phrase in (known.label, known.plural, *known.synonyms)}

    @cached_property
    def _known(self) -> frozenset[str]:
        said = self.model_words | self.name_words
        return STOP | PROTECTED | dates.VOCABULARY | said | {stem(word) for word in said}

    @cached_property
    def _targets(self) -> tuple[list[str], list[str]]:
        """What a slip may have been meant for, in words of four letters, and in longer ones."""
        calendar = (set(dates.VOCABULARY) - set(dates.NUMBERS)) | QUESTION_WORDS
        short = {word for word in calendar | self.model_words if len(word) > 3}
        return sorted(short), sorted(short | {name for name in self.name_words if len(name) > 4})

    @cached_property
    def longest(self) -> tuple[int, int, int]:
        """Words of the longest name, phrase and phrase with gaps."""
        return max(map(len, self.names), default=0), max(map(len, self.phrases), default=0), max(map(len, self.gapped), default=0)

    @cached_property
    def _nameables(self) -> dict[str, tuple[list[Named], list[str]]]:
        """The things of each dimension with their names in lower case."""
        found: dict[str, tuple[list[Named], list[str]]] = {}
        for thing in self.things:
            things, names = found.setdefault(thing.dimension, ([], []))
            things.append(thing)
            names.append(thing.name.lower())
        return found

    def knows(self, word: str) -> bool:
        return word in self._known or stem(word) in self._known

    def repaired(self, token: Token, before: Sequence[Token] = (), after: Sequence[Token] = ()) -> Token:
        """The token, or what it is a misspelling of, when exactly one known word is near enough; with the words beside it, when it makes a
        phrase with one of them."""
        word = token.word
        if len(word) < 3 or not word.isalpha() or self.knows(word):
            return token
        if phrased := self._phrased(word, [other.stem for other in before], [other.stem for other in after]):
            return Token(token.raw, phrased)
        if form := self._forms.get(root(word)):
            return Token(token.raw, form)
        limit = 1 if len(word) < 9 else 2
        # The shorter the word, the more it could be: names need five letters, measures four. Few slips hit the first letter: in a word of
        # four, another first letter makes another word ("mars" is not "cars").
        short, every = self._targets
        candidates = every if len(word) > 4 else [other for other in short if other[:1] == word[:1] and (len(word) > 3 or other in dates.VOCABULARY)]
        near = process.extract(word, candidates, scorer=OSA.distance, score_cutoff=limit, limit=None)
        if not near:
            return token
        nearest = min(distance for _, distance, _ in near)
        best = sorted(other for other, distance, _ in near if distance == nearest)
        if len({stem(other) for other in best}) > 1:
            best = [other for other in best if (stem(other),) in self.phrases] or best  # a word that means something by itself
        if len({stem(other) for other in best}) != 1:
            return token
        return Token(token.raw, best[0])

    @cached_property
    def _forms(self) -> dict[str, str]:
        """A word of the model for each verb, what was done before what is being done: ``tightened`` for ``tighten``."""
        found: dict[str, str] = {}
        for word in sorted(self.model_words, key=lambda word: (not word.endswith("ed"), word)):
            if len(root(word)) > 4:
                found.setdefault(root(word), word)
        return found

    @cached_property
    def _pairs(self) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        """What follows, and what comes before, each stem in phrases of two."""
        follows: dict[str, set[str]] = {}
        leads: dict[str, set[str]] = {}
        for key in (*self.phrases, *self.gapped):
            if len(key) == 2:
                follows.setdefault(key[0], set()).add(key[1])
                leads.setdefault(key[1], set()).add(key[0])
        return follows, leads

    def _phrased(self, word: str, before: Sequence[str], after: Sequence[str]) -> str | None:
        """``fil rate``: of the words that make a phrase with a neighbour, the one that is a slip away."""
        follows, leads = self._pairs
        beside = {other for one in before for other in follows.get(one, ())} | {other for one in after for other in leads.get(one, ())}
        slips = {other for other in beside if len(other) > 3 and other[:1] == word[:1] and OSA.distance(stem(word), other, score_cutoff=1) <= 1}
        return slips.pop() if len(slips) == 1 else None

    def nearest(self, text: str, dimension: str | None = None, *, least: float = 72, limit: int = 3) -> list[Named]:
        """Things whose name the words may have been meant for; part of it only where part of a name is enough."""
        if len(text) < 4:
            return []
        found: list[tuple[float, Named]] = []
        for name, (things, names) in self._nameables.items():
            if dimension in (None, name):
                scorer = fuzz.WRatio if dimension or self.model.dimensions[name].by_part else fuzz.ratio
                near = process.extract(text, names, scorer=scorer, score_cutoff=least, limit=limit)
                found += [(score, things[index]) for _, score, index in near]
        return [thing for _, thing in sorted(found, key=lambda pair: -pair[0])[:limit]]


_KEPT: OrderedDict[tuple[Any, ...], Vocabulary] = OrderedDict()
_MOST_KEPT = 8


def build(model: SemanticModel, names: Mapping[str, Iterable[tuple[int | str, str]]], *, scope: Scope) -> Vocabulary:
    """``names`` gives the keys and names of each entity dimension as the caller may see them.

    The same model and names give the same vocabulary, so the latest are kept: thousands of names are not taken apart for every question. What
    is kept is found by the very names that the caller was shown, so nobody is handed another's.
    """
    seen = {name: tuple(pairs) for name, pairs in names.items()}
    key = (id(model), scope, tuple(sorted(seen.items())))
    kept = _KEPT.get(key)
    if kept is None or kept.model is not model:
        kept = _KEPT[key] = _built(model, seen, scope=scope)
        while len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    return kept


def _built(model: SemanticModel, names: Mapping[str, Iterable[tuple[int | str, str]]], *, scope: Scope) -> Vocabulary:
    vocabulary = Vocabulary(model, {name: cube for name, cube in model.cubes.items() if scope.sees(cube)})
    for cube_name, cube in vocabulary.cubes.items():
        for phrase in cube.synonyms:
            vocabulary.add(phrase, Meaning("cube", cube_name))
        for name, measure in cube.measures.items():
            for phrase in (measure.label, *measure.synonyms, name.replace("_", " ")):
                vocabulary.add(phrase, Meaning("measure", name))
    for word, choices in model.ambiguous.items():
        visible = [name for name in choices if any(name in cube.measures for cube in vocabulary.cubes.values())]
        if len(visible) > 1:
            vocabulary.add(word, Meaning("ambiguous", word))
    for name in vocabulary.dimensions():
        _add_dimension(vocabulary, name)
        for key, label in names.get(name, ()):
            vocabulary.add_name(Named(name, key, label))
    for kind, table in (("operator", OPERATORS), ("grain", GRAINS), ("filler", {"filler": FILLER})):
        for name, phrases in table.items():
            for phrase in phrases:
                vocabulary.add(phrase, Meaning(kind, name))
    return vocabulary


def _add_dimension(vocabulary: Vocabulary, name: str) -> None:
    dimension = vocabulary.model.dimensions[name]
    for phrase in (dimension.label, dimension.plural, *dimension.synonyms):
        vocabulary.add(phrase, Meaning("dimension", name))
    for value, synonyms in dimension.values.items():
        for phrase in (value.replace("_", " "), *synonyms):
            if not phrase.isdecimal():
                vocabulary.add(phrase, Meaning("value", name, value, synonyms[0] if synonyms else value))
