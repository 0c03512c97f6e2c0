"""Text as vectors of our own: hashed words and character n-grams. No model, no key, the same on every machine.

Words and their character n-grams (3 to 5, with marked ends) as in Bojanowski et al., "Enriching Word Vectors with Subword Information",
TACL 2017, section 3.2; each is hashed to one of 256 places with a sign, which keeps inner products unbiased: Weinberger et al., "Feature
Hashing for Large Scale Multitask Learning", ICML 2009, section 2. Weights are sublinear term frequency times inverse document frequency:
Manning, Raghavan, Schütze, "Introduction to Information Retrieval", 2008, section 6.4.1. They know how words are written and nothing of
what they mean: what means the same and is written otherwise has to stand among the synonyms, or in `words.ALIKE`.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from insights.models import CARD_DIMENSIONS

from .words import content_stems

SHORTEST, LONGEST = 3, 5
# A word's n-grams together weigh as much against the word itself.
GRAMS = 0.8
VERSION = "ngram-1"


@dataclass(frozen=True)
class Vectoriser:
    """``frequency``: in how many of ``documents`` texts each stem stands; a stem in none of them counts as if it stood in one."""

    documents: int
    frequency: dict[str, int]

    def vector(self, text: str) -> NDArray[np.float32]:
        """[256], of length 1, or all zero for a text without a word that carries meaning."""
        out = np.zeros(CARD_DIMENSIONS)
        for stem, times in Counter(content_stems(text)).items():
            weight = (1 + math.log(times)) * self.rarity(stem)
            for place, sign, part in _parts(stem):
                out[place] += weight * sign * part
        length = float(np.linalg.norm(out))
        return (out / length if length else out).astype(np.float32)

    def rarity(self, stem: str) -> float:
        """Inverse document frequency, smoothed: ln((1 + N) / (1 + df)) + 1, so that a stem in every text still counts."""
        return math.log((1 + self.documents) / (1 + self.frequency.get(stem, 1))) + 1


def fitted(texts: Iterable[str]) -> Vectoriser:
    told = [set(content_stems(text)) for text in texts]
    return Vectoriser(len(told), dict(Counter(stem for stems in told for stem in stems)))


@lru_cache(maxsize=50_000)
def _parts(stem: str) -> tuple[tuple[int, int, float], ...]:
    """``(place, sign, weight)`` of the word and of each of its n-grams."""
    marked = f"<{stem}>"
    grams = {marked[first : first + size] for size in range(SHORTEST, LONGEST + 1) for first in range(len(marked) - size + 1)} - {marked}
    part = GRAMS / math.sqrt(len(grams)) if grams else 0.0
    return ((*_hashed(f"word {stem}"), 1.0), *((*_hashed(f"gram {gram}"), part) for gram in sorted(grams)))


def _hashed(feature: str) -> tuple[int, int]:
    number = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")
    return number % CARD_DIMENSIONS, 1 if number >> 63 else -1
