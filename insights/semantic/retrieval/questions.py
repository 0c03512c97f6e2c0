"""Verified questions as cards, each with whose it is: a question that names somebody's campaign is theirs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from insights.chat.text import stems
from insights.models import VerifiedQuery
from insights.semantic.compiler import QueryError, compile_query
from insights.semantic.model import SemanticModel
from insights.semantic.query import WITHOUT_FIGURES, SemanticQuery

from .cards import Card, card
from .names import Thing


class NoLongerFits(ValueError):
    """The stored query cannot be asked of this model; the message says why."""


def stored(query: Any, model: SemanticModel) -> SemanticQuery:
    """The query as it was stored, held against the model. Raises NoLongerFits."""
    try:
        read = SemanticQuery.model_validate_json(json.dumps(query))
    except (ValidationError, TypeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        place = ".".join(str(part) for part in first["loc"])
        raise NoLongerFits(f"it is no semantic query: {f'{place}: ' if place else ''}{first['msg']}") from error
    try:
        if read.intent in WITHOUT_FIGURES:
            _check_subject(read, model)
        else:
            compile_query(read, model)
    except QueryError as error:
        raise NoLongerFits(str(error)) from error
    return read


def _check_subject(query: SemanticQuery, model: SemanticModel) -> None:
    if unknown := [name for name in query.dimensions if name not in model.dimensions]:
        raise QueryError(f"there is no dimension {', '.join(unknown)}")
    if query.intent != "help" and not cubes_of(query, model):
        raise QueryError(f"nothing in the model has {query.subject or 'what it is about'}")


def cubes_of(query: SemanticQuery, model: SemanticModel) -> list[str]:
    """The cubes whose readers may be shown the question."""
    if query.cube:
        return [query.cube]
    kind, _, name = query.subject.partition(":")
    wanted = set(query.dimensions) | ({name} if kind == "dimension" else set())
    return [
        cube_name
        for cube_name, cube in model.cubes.items()
        if (not wanted or wanted & set(cube.dimensions)) and (kind != "measure" or name in cube.measures) and (kind != "cube" or name == cube_name)
    ]


class Owners:
    """Whose the names are that a question speaks of."""

    def __init__(self, model: SemanticModel, named: Iterable[Thing]) -> None:
        self._of_key: dict[tuple[str, str], Thing] = {}
        self._of_name: dict[tuple[str, ...], list[Thing]] = defaultdict(list)
        for thing in named:
            self._of_key[thing.dimension, str(thing.key)] = thing
            key = stems(thing.name)
            # "Autumn" as a flight's name is everybody's word; a name of several words, or one that stands for itself, is its owner's.
            if key and (thing.owner is not None or thing.unscoped) and (len(key) > 1 or model.dimensions[thing.dimension].by_part):
                self._of_name[key].append(thing)
        self._longest = max(map(len, self._of_name), default=0)

    def of(self, query: SemanticQuery, texts: Sequence[str]) -> tuple[int | None, bool]:
        """``(advertiser, unscoped)``. Names of several owners make it nobody's but theirs who see them all."""
        spoken = [
            thing for part in (*query.filters, *query.focus) for value in part.values if (thing := self._of_key.get((part.dimension, str(value))))
        ]
        spoken += [thing for text in texts for thing in self._in(stems(text))]
        owners = {thing.owner for thing in spoken if thing.owner is not None}
        unscoped = len(owners) > 1 or any(thing.unscoped for thing in spoken)
        return (None, True) if unscoped else (next(iter(owners), None), False)

    def _in(self, said: tuple[str, ...]) -> Iterator[Thing]:
        for width in range(1, min(self._longest, len(said)) + 1):
            for first in range(len(said) - width + 1):
                yield from self._of_name.get(said[first : first + width], ())


def question_cards(model: SemanticModel, named: Iterable[Thing]) -> Iterator[Card]:
    """Verified ones that still fit the model; the others are named in the admin and answer nobody."""
    owners = Owners(model, named)
    for row in VerifiedQuery.objects.filter(state=VerifiedQuery.State.VERIFIED):
        try:
            query = stored(row.query, model)
        except NoLongerFits:
            continue
        phrasings = [text for text in row.phrasings if isinstance(text, str)]
        advertiser, unscoped = owners.of(query, (row.question, *phrasings))
        cubes = cubes_of(query, model)
        yield card("question", f"question:{row.pk}", (row.question, *phrasings), (), cubes, advertiser=advertiser, unscoped=unscoped)
