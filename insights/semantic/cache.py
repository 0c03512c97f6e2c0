"""Figures that were just read, kept for a moment in Redis: the same statement, values, scope and state of the data give the same rows.

Without Redis nothing is kept, and every statement runs.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from .access import Scope
from .compiler import Compiled

log = structlog.get_logger(__name__)
# Facts that come late change figures without moving the freshness: they are told this much later.
SECONDS = 15
PREFIX = "insights:rows:"


def key_of(compiled: Compiled, scope: Scope, version: str) -> str:
    """``version`` is the state of the data; another advertiser, or other groups, never share a key."""
    groups = None if scope.groups is None else sorted(scope.groups)
    told = [compiled.sql, compiled.params, repr(compiled.finish), scope.advertiser, groups, version]
    return PREFIX + hashlib.sha256(json.dumps(told, default=repr, sort_keys=True).encode()).hexdigest()


def remembered(key: str) -> dict[str, Any] | None:
    try:
        kept = cache.get(key)
    except RedisError as problem:
        log.info("rows_not_remembered", problem=str(problem))
        return None
    return None if kept is None else dict(json.loads(kept))


def remember(key: str, rows: dict[str, Any]) -> None:
    try:
        cache.set(key, json.dumps(rows), timeout=SECONDS)
    except RedisError as problem:
        log.info("rows_not_kept", problem=str(problem))
