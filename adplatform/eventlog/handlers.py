"""What the rooms above do with events. A room registers its handler in ``AppConfig.ready``; the consumer calls it inside the batch's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from .envelope import Event


class Handler(Protocol):
    """Stores a batch of events of its own types. Must be safe to run twice: insert each event once, and derive every
    balance, ledger row, rollup and online feature only from the rows the insert returned."""

    name: str
    types: frozenset[str]

    def __call__(self, cursor: Any, events: Sequence[Event], *, now: datetime) -> None:
        """``cursor`` is the raw psycopg cursor (``connection.cursor().cursor``) of the open transaction."""


_handlers: dict[str, Handler] = {}


def register(handler: Handler) -> None:
    _handlers[handler.name] = handler


def registered() -> tuple[Handler, ...]:
    return tuple(_handlers.values())
