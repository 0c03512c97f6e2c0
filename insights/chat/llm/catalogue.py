"""The part of the catalogue that one question needs, within what the caller may see: cubes, figures, dimensions, and names by reference.

Names of campaigns and the like are written by customers. They leave only as JSON values beside their reference, never as instructions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from insights.chat.grammar import STOP
from insights.chat.text import stems
from insights.chat.vocabulary import Named, Vocabulary
from insights.semantic.model import Cube

from .redact import MOST_NAME, redacted

MOST_CUBES = 6
MOST_NAMES = 20
MOST_VALUES = 40
# Names this like the question are worth telling the model of, where nothing was retrieved.
NEAR = 60


class Hit(Protocol):
    """What was retrieved: ``measure:delivery.ctr``, ``dimension:genre``, ``value:device.tv``, ``name:campaign.12``."""

    @property
    def ref(self) -> str: ...
    @property
    def label(self) -> str: ...


@dataclass(frozen=True)
class Part:
    """``names`` are (dimension, key, name)."""

    vocabulary: Vocabulary
    cubes: tuple[str, ...]
    names: tuple[tuple[str, int | str, str], ...]

    def measures(self) -> list[str]:
        return list(dict.fromkeys(name for cube in self._cubes() for name in cube.measures))

    def dimensions(self) -> list[str]:
        return list(dict.fromkeys(name for cube in self._cubes() for name in asked_by(cube)))

    def _cubes(self) -> list[Cube]:
        return [self.vocabulary.cubes[name] for name in self.cubes]

    def told(self) -> dict[str, Any]:
        """As JSON data."""
        model = self.vocabulary.model
        return {
            "cubes": {
                name: {
                    "about": cube.description or cube.label,
                    **({} if cube.time else {"period": "none: it tells how things stand now"}),
                    "measures": {key: _described(cube, key) for key in cube.measures},
                    "dimensions": asked_by(cube),
                }
                for name, cube in zip(self.cubes, self._cubes(), strict=True)
            },
            "dimensions": {
                name: {"label": model.dimensions[name].label}
                | ({"values": list(model.dimensions[name].values)[:MOST_VALUES]} if model.dimensions[name].values else {"values": "by reference"})
                for name in self.dimensions()
            },
            "names": [{"ref": f"{dimension}#{key}", "name": redacted(name, most=MOST_NAME)} for dimension, key, name in self.names],
        }


def asked_by(cube: Cube) -> list[str]:
    """Everything the cube can be split or limited by, the built-in dimensions of time included."""
    return [*cube.dimensions, *cube.time_dimensions]


def part(question: str, vocabulary: Vocabulary, hits: Sequence[Hit]) -> Part:
    """What was retrieved with the cubes it lies in; the whole of a small catalogue where nothing was."""
    wanted: dict[str, int] = {}
    names: list[tuple[str, int | str, str]] = []
    known = {(thing.dimension, str(thing.key)): thing for thing in vocabulary.things}
    for place, hit in enumerate(hits):
        kind, _, rest = hit.ref.partition(":")
        owner, _, key = rest.partition(".")
        if kind == "measure":
            wanted.setdefault(owner, place)
        elif kind == "name" and (thing := known.get((owner, key))):
            names.append((thing.dimension, thing.key, thing.name))
    # A name that is typed as it stands is told of whatever else was found.
    names += [(thing.dimension, thing.key, thing.name) for thing in _like(question, vocabulary)]
    found = sorted((name for name in wanted if name in vocabulary.cubes), key=lambda name: wanted[name])
    cubes = found[:MOST_CUBES] if found else list(vocabulary.cubes)
    return Part(vocabulary, tuple(cubes), tuple(dict.fromkeys(names))[:MOST_NAMES])


def looked_up(search: str, vocabulary: Vocabulary) -> dict[str, Any]:
    """``list_catalog``: figures, dimensions and names with the words in them, at most so many of each."""
    wanted = [word for word in re.findall(r"\w+", search.lower()) if len(word) > 2]

    def fits(*texts: str) -> bool:
        return any(word in text.lower() for word in wanted for text in texts)

    measures = {
        f"{cube_name}.{name}": _described(cube, name)
        for cube_name, cube in vocabulary.cubes.items()
        for name, measure in cube.measures.items()
        if fits(name, measure.label, measure.description, *measure.synonyms)
    }
    return {
        "measures": dict(list(measures.items())[:MOST_VALUES]),
        "names": [{"ref": f"{thing.dimension}#{thing.key}", "name": redacted(thing.name, most=MOST_NAME)} for thing in _like(search, vocabulary)],
    }


def _like(text: str, vocabulary: Vocabulary) -> list[Named]:
    """Things whose name shares a word with the text, most words first, then those that are written much like it."""
    said = {stem for stem in stems(text) if len(stem) > 2 and stem not in STOP}
    shared = {thing: len(said & set(stems(thing.name))) for thing in vocabulary.things}
    named = sorted((thing for thing, words in shared.items() if words), key=lambda thing: -shared[thing])
    return list(dict.fromkeys([*named, *vocabulary.nearest(text.lower(), least=NEAR, limit=MOST_NAMES)]))[:MOST_NAMES]


def _described(cube: Cube, name: str) -> str:
    measure = cube.measures[name]
    return f"{measure.label} ({measure.unit}): {measure.description}"
