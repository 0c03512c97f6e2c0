"""Events to send, and the tests' own handler in place of the rooms'."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adplatform.eventlog import handlers, ids, stream
from adplatform.eventlog.envelope import Event
from tests.adplatform.eventlog.handler import PlaybackHandler

MakeEvent = Callable[..., Event]


@pytest.fixture
def own_handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlaybackHandler]:
    handler = PlaybackHandler()
    monkeypatch.setattr(handlers, "_handlers", {handler.name: handler})
    yield handler


def make_event(number: int = 0, *, now: datetime | None = None, **changes: Any) -> Event:
    moment = now or datetime.now(UTC)
    values: dict[str, Any] = {
        "id": ids.new_id(moment), "type": "playback.pause", "occurred_at": moment, "received_at": moment,
        "session": uuid.UUID(int=7), "seq": number, "title": 3, "data": {"n": number},
    }  # fmt: skip
    return Event(**(values | changes))


def append_many(count: int, **changes: Any) -> list[Event]:
    events = [make_event(number, **changes) for number in range(count)]
    stream.append(events)
    return events
