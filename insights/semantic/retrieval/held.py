"""The words of the cards that one kind of caller may see, kept between questions for as long as the table stays as it is."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from insights.semantic.access import Scope
from insights.semantic.model import SemanticModel

from .cards import model_cards, vectoriser
from .lexicon import Entry, Lexicon
from .store import visible
from .vectors import Vectoriser

# Callers of one process: the groups' and as many advertisers'.
MOST_HELD = 32
MOST_MODELS = 8
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Held:
    """``vectors`` [n, 256] only for a model that is not in the table (`ask --semantic FILE`): then its own cards are looked through here,
    without any names."""

    stamp: Stamp
    lexicon: Lexicon
    vectors: NDArray[np.float32] | None = None

    @cached_property
    def by_ref(self) -> dict[str, Entry]:
        return {entry.ref: entry for entry in self.lexicon.entries}


_held: OrderedDict[str, Held] = OrderedDict()
_lock = Lock()


def held(model: SemanticModel, scope: Scope) -> Held:
    cubes = [name for name, cube in model.cubes.items() if scope.sees(cube)]
    key = json.dumps([_of(model).fingerprint, cubes, scope.advertiser])
    stamp = _stamp()
    with _lock:
        found = _held.get(key)
        if found and found.stamp == stamp:
            _held.move_to_end(key)
            return found
    read = _read(model, scope, cubes, stamp)
    with _lock:
        _held[key] = read
        while len(_held) > MOST_HELD:
            _held.popitem(last=False)
    return read


def _stamp() -> Stamp:
    """Changes with every change of the table: a refresh only adds rows and takes rows away, one refresh at a time (`store`)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(max(id), 0) FROM insights_cataloguecard")
        count, latest = cursor.fetchone()
    return int(count), int(latest)


def _read(model: SemanticModel, scope: Scope, cubes: list[str], stamp: Stamp) -> Held:
    weights = _of(model).weights
    rows = visible(model, scope).order_by("ref").values_list("ref", "kind", "label", "text")
    entries = [Entry(*row) for row in rows if row[1] != "measure" or _has(model, row[0])]
    if entries:
        return Held(stamp, Lexicon(entries, weights))
    own = [one for one in model_cards(model) if set(one.cubes) & set(cubes)]
    vectors = np.array([weights.vector(one.text) for one in own], dtype=np.float32).reshape(len(own), -1)
    return Held(stamp, Lexicon((Entry(one.ref, one.kind, one.label, one.text) for one in own), weights), vectors)


def _has(model: SemanticModel, ref: str) -> bool:
    """Whether the model still has the measure: its file may have changed since the last refresh."""
    cube, _, name = ref.removeprefix("measure:").partition(".")
    return cube in model.cubes and name in model.cubes[cube].measures


@dataclass(frozen=True)
class _Known:
    """``model`` is held on to, so that its ``id`` is nobody else's as long as this is remembered."""

    model: SemanticModel
    fingerprint: str
    weights: Vectoriser


_known: OrderedDict[int, _Known] = OrderedDict()


def _of(model: SemanticModel) -> _Known:
    with _lock:
        if found := _known.get(id(model)):
            return found
    weights = vectoriser(model)
    made = _Known(model, hashlib.sha256(model.model_dump_json().encode()).hexdigest(), weights)
    with _lock:
        _known[id(model)] = made
        while len(_known) > MOST_MODELS:
            _known.popitem(last=False)
    return made
