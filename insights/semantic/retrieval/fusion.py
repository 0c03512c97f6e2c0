"""Several rankings made one, by rank alone: their scores are on different scales."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

# The constant of the paper; it keeps one list's first place from outweighing agreement between lists.
K = 60
# Listed values and names are many and each is asked for by its own words; where a text only resembles one, a figure that it resembles as much
# is likelier meant. Judged on the tuned half of the paraphrases.
RESEMBLING = {"value": 0.8, "name": 0.8}


def kind_of(ref: str) -> str:
    return ref.partition(":")[0]


def reciprocal_rank(rankings: Mapping[str, Sequence[str]]) -> list[tuple[str, float, str]]:
    """``(ref, score, the ranking it stood highest in)``, best first: score = sum over rankings of 1 / (K + rank), ranks from 1.

    Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual rank learning methods", SIGIR 2009. Of equal
    ranks the ranking named first counts as the highest; equal scores fall by ref, so that an order never changes by itself. What the ranking
    ``phrase`` holds is named outright; of the rest, RESEMBLING holds some kinds back.
    """
    scores: dict[str, float] = defaultdict(float)
    best: dict[str, tuple[int, str]] = {}
    for name, refs in rankings.items():
        for rank, ref in enumerate(refs, start=1):
            scores[ref] += 1 / (K + rank)
            if ref not in best or rank < best[ref][0]:
                best[ref] = (rank, name)
    named = set(rankings.get("phrase", ()))
    for ref in scores.keys() - named:
        scores[ref] *= RESEMBLING.get(kind_of(ref), 1.0)
    return [(ref, score, best[ref][1]) for ref, score in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))]
