"""How often the right card is among the first few, for each way of searching: what `manage.py index_catalogue --recall FILE` prints. Pure.

Over the shipped model's 364 cards and tests/insights/semantic/retrieval/paraphrases.yaml (32 questions it was tuned on, 32 it was not), at five,
2026-11-22: shared words .78 and .84, fuzzy words .66 and .75, vectors .75 and .69, all together .88 and .84. Without an endpoint's embeddings
nothing here knows what a word means: what is missed is said in words that stand nowhere in the model ("going back in the film").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from insights.semantic.model import SemanticModel

from .cards import model_cards, vectoriser
from .fusion import reciprocal_rank
from .lexicon import Entry, Lexicon
from .words import content_stems, widened

FIRST = 5
DEPTH = 40
Case = Mapping[str, str]


@dataclass(frozen=True)
class Recall:
    """``found`` of ``asked`` questions have their card among the first ``FIRST``; ``missed`` are the others."""

    part: str
    way: str
    found: int
    asked: int
    missed: tuple[str, ...]

    @property
    def words(self) -> str:
        return f"{self.part:<8}{self.way:<10}{self.found}/{self.asked} = {self.found / self.asked:.2f}"


def measured(model: SemanticModel, parts: Mapping[str, Sequence[Case]]) -> list[Recall]:
    """Over the model's own cards, without names. A measure is right in whichever cube it is found."""
    ways = _ways(model)
    return [_recall(part, way, search, cases) for part, cases in parts.items() for way, search in ways.items()]


def _recall(part: str, way: str, search: Callable[[str], list[str]], cases: Sequence[Case]) -> Recall:
    missed = tuple(case["ask"] for case in cases if case["want"] not in list(dict.fromkeys(map(_anywhere, search(case["ask"]))))[:FIRST])
    return Recall(part, way, len(cases) - len(missed), len(cases), missed)


def _anywhere(ref: str) -> str:
    kind, _, name = ref.partition(":")
    return f"measure:{name.partition('.')[2]}" if kind == "measure" else ref


def _ways(model: SemanticModel) -> dict[str, Callable[[str], list[str]]]:
    cards, weights = model_cards(model), vectoriser(model)
    lexicon = Lexicon((Entry(one.ref, one.kind, one.label, one.text) for one in cards), weights)
    vectors = np.array([weights.vector(one.text) for one in cards])

    def refs(ranked: Callable[..., list[object]]) -> Callable[[str], list[str]]:
        return lambda text: [cards[found.entry].ref for found in ranked(text, DEPTH)]  # type: ignore[attr-defined]

    def vector(text: str) -> list[str]:
        spoken = content_stems(text)
        likeness = vectors @ weights.vector(" ".join([text, *widened(spoken)[len(set(spoken)) :]]))
        return [cards[index].ref for index in np.argsort(-likeness, kind="stable")[:DEPTH]]

    single = {"words": refs(lexicon.shared), "fuzzy": refs(lexicon.fuzzy), "vector": vector}  # type: ignore[arg-type]
    phrases = refs(lexicon.phrases)  # type: ignore[arg-type]
    parts = {"phrase": phrases, **single}
    return single | {"hybrid": lambda text: [ref for ref, _, _ in reciprocal_rank({name: way(text) for name, way in parts.items()})]}
