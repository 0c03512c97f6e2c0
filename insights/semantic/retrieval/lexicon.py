"""Exact and fuzzy matching over the cards that one caller may see. Pure: it is built from rows that were chosen elsewhere."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from .cards import phrases_of
from .vectors import Vectoriser
from .words import EMPTY, content_stems, roots, widened

# A word as far off as one slip in five letters still counts; nearer together, "cost" would be "most".
LEAST_ALIKE = 80.0
SHORTEST_FUZZY = 4
# What a word of the description counts against one of the names, and what a word put otherwise (`words.ALIKE`) counts.
DESCRIBED, PUT_OTHERWISE = 0.5, 0.7
CALLED = 1.1


@dataclass(frozen=True)
class Entry:
    ref: str
    kind: str
    label: str
    text: str


@dataclass(frozen=True)
class Found:
    """``entry`` is its place in the lexicon; ``why`` says which words led there."""

    entry: int
    score: float
    why: str


Scores = NDArray[np.float64]


class Lexicon:
    """Words and phrases of the entries, with where they stand."""

    def __init__(self, entries: Iterable[Entry], weights: Vectoriser) -> None:
        self.entries = tuple(entries)
        self.weights = weights
        self._phrases: dict[tuple[str, ...], list[int]] = defaultdict(list)
        placed: dict[str, dict[int, float]] = defaultdict(dict)
        for index, entry in enumerate(self.entries):
            for phrase in phrases_of(entry.text):
                self._phrases[roots(phrase)].append(index)
                for word in content_stems(phrase):
                    placed[word][index] = 1.0
            for word in content_stems(entry.text.partition("\n")[2]):
                placed[word].setdefault(index, DESCRIBED)
        self._postings = {word: (np.array(list(where)), np.array(list(where.values()))) for word, where in placed.items()}
        self._words = [word for word in self._postings if len(word) >= SHORTEST_FUZZY]
        self._longest = max(map(len, self._phrases), default=0)

    def phrases(self, text: str, limit: int) -> list[Found]:
        """Entries that the text names by a whole phrase, longest first."""
        scores, why = self._nothing()
        for said, where in self._said(roots(text)):
            for index in where:
                scores[index] += len(said)
                why[index].append(f'"{" ".join(said)}"')
        return self._best(scores, why, limit)

    def shared(self, text: str, limit: int) -> list[Found]:
        """Entries that share words with the text, or what is said instead of them; rare words before common ones."""
        scores, why = self._nothing()
        spoken = content_stems(text)
        for word in widened(spoken):
            self._count(scores, why, word, 1.0 if word in spoken else PUT_OTHERWISE, word)
        return self._best(scores, why, limit)

    def beginning(self, start: str, limit: int) -> list[Entry]:
        """Entries, but for questions, with a phrase that begins so, or one of whose words does: those that are called so themselves first."""
        wanted = start.lower()
        found: dict[int, None] = {}
        for phrases in (self._begin, self._begin_within):
            first = bisect_left(phrases, (wanted, -1))
            while first < len(phrases) and phrases[first][0].startswith(wanted) and len(found) < 4 * limit:
                found.setdefault(phrases[first][1])
                first += 1
        return list({self.entries[index].label: self.entries[index] for index in found}.values())[:limit]

    @cached_property
    def _begin(self) -> list[tuple[str, int]]:
        """Sorted, each with its entry; made when first somebody types."""
        return sorted((entry.label.lower(), index) for index, entry in enumerate(self.entries) if entry.kind != "question")

    @cached_property
    def _begin_within(self) -> list[tuple[str, int]]:
        return sorted(
            (" ".join(parts[at:]), index)
            for index, entry in enumerate(self.entries)
            if entry.kind != "question"
            for phrase in phrases_of(entry.text)
            for parts in (phrase.lower().split(),)
            for at in range(len(parts))
            if parts[at] not in EMPTY
        )

    def _said(self, said: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], set[int]]]:
        """Phrases in the text with the entries they name, longest first; none within a longer one: "click" is not said by "cost per click"."""
        taken: set[int] = set()
        for width in range(min(self._longest, len(said)), 0, -1):
            for first in range(len(said) - width + 1):
                window, places = said[first : first + width], set(range(first, first + width))
                if window in self._phrases and not places & taken and not EMPTY.issuperset(window):
                    taken |= places
                    yield window, set(self._phrases[window])

    def fuzzy(self, text: str, limit: int) -> list[Found]:
        """Entries by words that are written almost alike: slips of the keyboard, other endings."""
        scores, why = self._nothing()
        spoken = list(dict.fromkeys(content_stems(text)))
        for word in spoken:
            self._count(scores, why, word, 1.0, word)
        meant = self._meant([word for word in spoken if word not in self._postings and len(word) >= SHORTEST_FUZZY])
        for word, near in meant.items():
            for other, likeness in near:
                self._count(scores, why, other, likeness, f"{word} ~ {other}")
        # Of those that share the word, the ones that are called by it and nothing else come first.
        for _, where in self._said(tuple(meant[word][0][0] if word in meant else word for word in roots(text))):
            scores[list(where)] *= CALLED
        return self._best(scores, why, limit)

    def _meant(self, unknown: list[str]) -> dict[str, list[tuple[str, float]]]:
        """The known words that each of these is written almost like, with how much, nearest first."""
        if not unknown or not self._words:
            return {}
        alike = process.cdist(unknown, self._words, scorer=fuzz.ratio, score_cutoff=LEAST_ALIKE, dtype=np.float32)
        return {
            word: [(self._words[column], float(alike[row, column]) / 100) for column in np.argsort(-alike[row], kind="stable")[: int(near)]]
            for row, word in enumerate(unknown)
            if (near := np.count_nonzero(alike[row]))
        }

    def _nothing(self) -> tuple[Scores, defaultdict[int, list[str]]]:
        return np.zeros(len(self.entries)), defaultdict(list)

    def _count(self, scores: Scores, why: dict[int, list[str]], word: str, weight: float, told: str) -> None:
        if word in self._postings:
            where, weights = self._postings[word]
            scores[where] += weight * self.weights.rarity(word) * weights
            for index in where[:200]:
                why[int(index)].append(told)

    def _best(self, scores: Scores, why: dict[int, Sequence[str]] | dict[int, list[str]], limit: int) -> list[Found]:
        order = np.argsort(-scores, kind="stable")[:limit]
        return [Found(int(index), round(float(scores[index]), 3), ", ".join(dict.fromkeys(why[int(index)]))) for index in order if scores[index] > 0]
