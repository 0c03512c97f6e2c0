from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from catalog.selectors import title_for_watching
from engagement.playback.sessions import Opened, session_open
from tests.media import Films

Open = Callable[..., Opened]


@pytest.fixture
def opened(films: Films) -> Open:
    """Opens a session of Test Pattern as the HTTP view would."""

    def open_session(**changes: Any) -> Opened:
        given: dict[str, Any] = {"title": title_for_watching("test-pattern"), "viewer": None, "tab": "one", "device": "tv", "hour": 20}
        return session_open(**(given | {"now": datetime.now(UTC)} | changes))

    return open_session


@pytest.fixture
def session(opened: Open) -> Opened:
    return opened()


@pytest.fixture
def other(opened: Open) -> Opened:
    return opened(tab="two")
