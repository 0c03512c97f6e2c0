"""Which figure a word stands for where it could be several: settled by the other words of the question, or left for the caller to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import stems
from .vocabulary import Meaning, Vocabulary

if TYPE_CHECKING:
    from .tagging import Tag, Tagged

_AMOUNTS = frozenset({"highest", "lowest", "often"})


def settle(tagged: Tagged, vocabulary: Vocabulary) -> dict[Tag, tuple[str, tuple[Meaning, ...]]]:
    """What tags mean instead, as (kind, meanings)."""
    found: dict[Tag, tuple[str, tuple[Meaning, ...]]] = {}
    named = {meaning.name for one in tagged.tags if one.kind in ("value", "dimension") for meaning in one.meanings[:1]}
    for one in tagged.of("measure"):
        if len(one.meanings) > 1 and (fitting := [meaning for meaning in one.meanings if _holds(vocabulary, meaning.name, named)]):
            found[one] = ("measure", tuple(fitting))
    amount = tagged.operators() & _AMOUNTS or any(token.word == "many" for token in tagged.tokens)
    for one in tagged.of("ambiguous"):
        counts = _counts(vocabulary, vocabulary.model.ambiguous[one.name])
        if amount and len(counts) == 1:
            found[one] = ("measure", (Meaning("measure", counts[0]),))
    return found


def head(word: str, tagged: Tagged, vocabulary: Vocabulary) -> Meaning | None:
    """``events that came from crawlers``: the figure of that noun, where only one can be split by what was named, and that in a cube of its own
    detail. Beside names that every figure has the noun alone could mean more than is counted."""
    named = {meaning.name for one in tagged.tags if one.kind in ("value", "dimension") for meaning in one.meanings[:1]}
    if tagged.of("measure") or tagged.of("ambiguous") or not named:
        return None
    holding = [cube for cube in vocabulary.cubes.values() if named <= {*cube.dimensions, *cube.time_dimensions}]
    found = {name for cube in holding for name, measure in cube.measures.items() if stems(measure.label)[-1:] == (word,)}
    if len(found) != 1:
        return None
    [name] = found
    cubes = [cube for cube in vocabulary.cubes.values() if name in cube.measures]
    own = any(all(not cube.overview for cube in cubes if dimension in cube.dimensions) for dimension in named)
    return Meaning("measure", name) if own else None


def _holds(vocabulary: Vocabulary, measure: str, named: set[str]) -> bool:
    return any(measure in cube.measures and named <= {*cube.dimensions, *cube.time_dimensions} for cube in vocabulary.cubes.values())


def _counts(vocabulary: Vocabulary, names: list[str] | tuple[str, ...]) -> list[str]:
    return [name for name in names if any(name in cube.measures and cube.measures[name].unit == "count" for cube in vocabulary.cubes.values())]
