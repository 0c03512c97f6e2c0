"""What can be asked about, as cards: one for each measure, dimension, listed value, verified question and name. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from insights.chat.text import clean
from insights.semantic.model import SemanticModel

from .vectors import VERSION, Vectoriser, fitted

LONGEST_LABEL = 300
BETWEEN = "; "


@dataclass(frozen=True)
class Card:
    """``text``: a line of ways to say it, then what it means, then where it belongs. ``advertiser`` is whose it is, None: nobody's in
    particular; ``unscoped``: only for those who see every advertiser. It is shown to those who see one of ``cubes``."""

    kind: str
    ref: str
    label: str
    text: str
    cubes: tuple[str, ...]
    advertiser: int | None = None
    unscoped: bool = False

    @property
    def phrases(self) -> tuple[str, ...]:
        return phrases_of(self.text)


def phrases_of(text: str) -> tuple[str, ...]:
    """The ways to say it that a card's text begins with."""
    return tuple(text.split("\n", 1)[0].split(BETWEEN))


def card(
    kind: str, ref: str, phrases: Sequence[str], about: Sequence[str], cubes: Sequence[str], *, advertiser: int | None = None, unscoped: bool = False
) -> Card:
    """The first phrase is the label. Names come from people: control and bidirectional characters go, and what would part the lines."""
    said = list(dict.fromkeys(told for phrase in phrases if (told := clean(phrase).replace(BETWEEN, ", ")[:LONGEST_LABEL])))
    text = "\n".join([BETWEEN.join(said), *(line for part in about if (line := clean(part)))])
    return Card(kind, ref, said[0] if said else ref, text, tuple(cubes), advertiser, unscoped)


def model_cards(model: SemanticModel) -> list[Card]:
    return [*_measures(model), *_dimensions(model)]


def _measures(model: SemanticModel) -> Iterator[Card]:
    for cube_name, cube in model.cubes.items():
        for name, measure in cube.measures.items():
            phrases = (measure.label, *measure.synonyms, name.replace("_", " "))
            yield card("measure", f"measure:{cube_name}.{name}", phrases, (measure.description, cube.label), (cube_name,))


def _dimensions(model: SemanticModel) -> Iterator[Card]:
    for name, dimension in model.dimensions.items():
        cubes = [cube_name for cube_name, cube in model.cubes.items() if name in cube.dimensions or name in cube.time_dimensions]
        if not cubes or dimension.hidden:
            continue
        phrases = (dimension.label, dimension.plural, *dimension.synonyms)
        yield card("dimension", f"dimension:{name}", phrases, (), cubes)
        for value, synonyms in dimension.values.items():
            yield card("value", f"value:{name}.{value}", (*synonyms[:1], value.replace("_", " "), *synonyms), (dimension.label,), cubes)


def vectoriser(model: SemanticModel) -> Vectoriser:
    """Weights of words by how common they are among the model's own cards: the same for whoever has the model, with no state to keep."""
    return fitted(card.text for card in model_cards(model))


def digest(one: Card, weights: str) -> str:
    """Changes whenever the card or its vector would."""
    return hashlib.sha256(json.dumps([VERSION, weights, asdict(one)], sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def weights_digest(weights: Vectoriser) -> str:
    return hashlib.sha256(json.dumps([weights.documents, sorted(weights.frequency.items())]).encode()).hexdigest()
