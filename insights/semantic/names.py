"""What things are called, for whoever may see them: read once for many questions, and anew when any of them changes."""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import structlog
from django.apps import apps
from django.core.cache import cache
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from redis.exceptions import RedisError

from . import compiler
from .access import Scope
from .execute import run, session
from .model import SemanticModel

log = structlog.get_logger(__name__)
VERSION = "insights:names:version"
# Changes that pass Django by (a restore, SQL by hand) are seen after this.
SECONDS = 10.0
KEPT = 64


@dataclass(frozen=True, eq=False)
class Names:
    """Keys and names by dimension, under one scope. The same object as long as nothing changed, so that what is made of it can be kept too."""

    by_dimension: dict[str, tuple[tuple[int | str, str], ...]]


_kept: OrderedDict[tuple[int, int | None, str], tuple[float, SemanticModel, Names]] = OrderedDict()
_lock = threading.Lock()


def names_for(model: SemanticModel, scope: Scope) -> Names:
    """Of every entity that a cube visible to the scope points to. Raises CannotRun."""
    version = _version()
    # Groups decide which cubes are seen, and cubes which dimensions; rows depend on the advertiser alone.
    wanted = {name for cube in model.cubes.values() if scope.sees(cube) for name in cube.dimensions}
    key = (id(model), scope.advertiser, f"{version}:{','.join(sorted(wanted))}")
    with _lock:
        found = _kept.get(key)
    if version and found and found[0] > time.monotonic():
        return found[2]
    names = _read(model, scope, wanted)
    with _lock:
        _kept[key] = (time.monotonic() + SECONDS, model, names)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return names


def _read(model: SemanticModel, scope: Scope, wanted: set[str]) -> Names:
    found: dict[str, tuple[tuple[int | str, str], ...]] = {}
    with session(scope):
        for name, entity in model.entities().items():
            if name in wanted:
                rows = run(compiler.compile_names(entity, advertiser=scope.advertiser), model=model, scope=scope).values
                found[name] = tuple((key, str(label)) for key, label in rows)
    return Names(found)


def _version() -> str:
    """Changes with every name; empty without Redis, and then nothing is kept."""
    try:
        return str(cache.get_or_set(VERSION, lambda: uuid.uuid4().hex, timeout=None))
    except RedisError as problem:
        log.info("names_not_kept", problem=str(problem))
        return ""


def forget(**_: Any) -> None:
    """Everybody reads the names anew, once what changed them is committed."""
    transaction.on_commit(_forget_now)


def _forget_now() -> None:
    try:
        cache.set(VERSION, uuid.uuid4().hex, timeout=None)
    except RedisError as problem:
        log.info("names_not_forgotten", problem=str(problem))


def watch(model: SemanticModel) -> None:
    """Names are forgotten when a row of any of the model's entity tables is saved or deleted through Django."""
    tables = {entity.table for entity in model.entities().values()}
    for kind in apps.get_models():
        if kind._meta.db_table in tables:
            post_save.connect(forget, sender=kind, dispatch_uid=f"insights-names-save-{kind._meta.label}")
            post_delete.connect(forget, sender=kind, dispatch_uid=f"insights-names-delete-{kind._meta.label}")
