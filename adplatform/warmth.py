"""What a process does before its first request, so that nobody waits for it: each room registers its own."""

from __future__ import annotations

from collections.abc import Callable

import redis
import structlog
from django.db import Error as DatabaseError
from django.db import connection

log = structlog.get_logger(__name__)

_hooks: dict[str, Callable[[], object]] = {}


def register(name: str, hook: Callable[[], object]) -> None:
    """``hook`` may read PostgreSQL and Redis. When one of them is away the process starts cold."""
    _hooks[name] = hook


def run() -> None:
    for name, hook in _hooks.items():
        try:
            hook()
        except (DatabaseError, redis.RedisError) as error:
            log.warning("starting cold", hook=name, error=str(error))
    connection.close()
