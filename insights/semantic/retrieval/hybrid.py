"""What of the catalogue a text speaks of: exact words, words alike, and vectors, made one ranking by reciprocal rank.

Everything that is looked through was chosen for the caller in SQL (`store.visible`). Vectors are compared with every visible card, which
misses nothing. It costs more than an index would (tried over 5,000 cards: 26 ms beside 1 ms), but pgvector's hnsw filters after it has found
its nearest, and somebody of one advertiser in fifty got none of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pgvector.django import CosineDistance

from insights.chat.context import Context
from insights.chat.llm import embed
from insights.chat.text import clean

from .fusion import reciprocal_rank
from .held import Held, held
from .store import endpoint_engine, visible
from .vectors import VERSION
from .words import content_stems, widened

LONGEST_TEXT = 500
DEPTH = 40
# Below, a vector's nearness is what any two texts share by chance.
LEAST_NEAR = 0.12
SECONDS_A_QUESTION = 1.5
HOW = {"phrase": "exact", "words": "exact", "fuzzy": "fuzzy", "vector": "vector"}


@dataclass(frozen=True)
class Hit:
    """``how``: exact, fuzzy, vector, or verified for a verified question. ``score`` is of the merged ranking, comparable within one search.
    ``why`` says what led there, for people."""

    ref: str
    kind: str
    label: str
    score: float
    how: str
    text: str
    why: str


def search(text: str, context: Context, *, limit: int = 12, kinds: Sequence[str] = (), endpoint: bool = False) -> list[Hit]:
    """The cards that the text speaks of, best first, among those the caller may see; ``kinds`` limits them further.

    ``endpoint``: ask the configured endpoint, if there is one, for the text's vector, which costs a call to it and is worth it where a
    language model is asked anyway. Without one, or when it fails, vectors are of our own making.
    """
    asked = clean(text)[:LONGEST_TEXT]
    known = held(context.model, context.scope)
    lexicon = known.lexicon
    why = {
        name: {lexicon.entries[one.entry].ref: one.why for one in ranked(asked, DEPTH)}
        for name, ranked in (("phrase", lexicon.phrases), ("words", lexicon.shared), ("fuzzy", lexicon.fuzzy))
    } | {
        "vector": {ref: f"{likeness:.2f} alike" for ref, likeness in _nearest(asked, context, known, endpoint=endpoint)},
    }
    return [
        Hit(ref, entry.kind, entry.label, round(score, 5), "verified" if entry.kind == "question" else HOW[how], entry.text, why[how][ref])
        for ref, score, how in reciprocal_rank({name: list(refs) for name, refs in why.items()})
        if (entry := known.by_ref.get(ref)) and (not kinds or entry.kind in kinds)
    ][:limit]


def _nearest(text: str, context: Context, known: Held, *, endpoint: bool) -> list[tuple[str, float]]:
    spoken = content_stems(text)
    vector = known.lexicon.weights.vector(" ".join([text, *widened(spoken)[len(set(spoken)) :]]))
    if not vector.any():
        return []
    if known.vectors is not None:
        likeness = known.vectors @ vector
        order = np.argsort(-likeness, kind="stable")[:DEPTH]
        near = [(known.lexicon.entries[index].ref, float(likeness[index])) for index in order]
    elif endpoint and (told := embed.embed([text], timeout=SECONDS_A_QUESTION)) is not None:
        near = _near_in_table(told[0], context, endpoint_engine()) or _near_in_table(vector, context, VERSION)
    else:
        near = _near_in_table(vector, context, VERSION)
    return [(ref, likeness) for ref, likeness in near if likeness >= LEAST_NEAR]


def _near_in_table(vector: NDArray[np.float32], context: Context, engine: str) -> list[tuple[str, float]]:
    cards = visible(context.model, context.scope, engine=engine)
    found = cards.annotate(distance=CosineDistance("vector", vector.tolist())).order_by("distance", "ref")
    return [(ref, 1 - distance) for ref, distance in found.values_list("ref", "distance")[:DEPTH]]
