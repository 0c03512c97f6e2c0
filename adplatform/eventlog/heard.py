"""Who wants to know at once what a session's player sent over HTTP, where its socket tells nobody: rooms register, the edge tells."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

import redis
import structlog
from django.db import Error as DatabaseError

from .envelope import Event
from .stream import LogUnavailable

log = structlog.get_logger(__name__)

# The session that the batch's token proves, its events as they were logged, and when they were received.
Hear = Callable[[uuid.UUID, Sequence[Event], datetime], None]
_listeners: dict[str, Hear] = {}


def register(name: str, hear: Hear) -> None:
    _listeners[name] = hear


def tell(session: uuid.UUID, events: Sequence[Event], now: datetime) -> None:
    """The events are in the log: a server that is away now changes nothing about their answer."""
    for name, hear in _listeners.items():
        try:
            hear(session, events, now)
        except (DatabaseError, redis.exceptions.RedisError, LogUnavailable) as problem:
            log.warning("not_heard", listener=name, session=str(session), problem=str(problem))
