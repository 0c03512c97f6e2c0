from __future__ import annotations

import json
import math
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.eventlog.signals import BAD_SIGNAL, FLAGS, NUMBERS, fault

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("playback.heartbeat", {"t": 12.5, "playing": True, "rate": 1, "buffer": 7.25, "dropped": 0}),
        ("playback.volume", {"volume": 0.4, "muted": False}),
        ("playback.visibility", {"hidden": True}),
        ("playback.fullscreen", {"on": True}),
        ("playback.seek", {"from": 3.0, "to": 9.5, "t": 9.5}),
        ("playback.skip_scene", {"scene": None}),
        ("playback.rating", {"stars": 5}),
        ("playback.complaint", {"about": "picture"}),
        ("playback.suggestion", {"decision": str(uuid.uuid4()), "title": 7, "taken": True}),
        ("playback.error", {"details": "bufferStalledError", "more": [1, 2]}),
        ("playback.leave", {}),
    ],
)
def test_what_players_send_is_taken(kind: str, data: dict[str, Any]) -> None:
    assert fault(kind, data) == ""


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("playback.heartbeat", {"t": -0.1}),
        ("playback.heartbeat", {"t": "12"}),
        ("playback.heartbeat", {"buffer": 1e300}),
        ("playback.heartbeat", {"dropped": True}),
        ("playback.heartbeat", {"playing": 1}),
        ("playback.rate", {"rate": 400}),
        ("playback.volume", {"volume": 1.5}),
        ("playback.stall", {"milliseconds": -5}),
        ("playback.skip_scene", {"scene": 2**63}),
        ("playback.rating", {"stars": 6}),
        ("playback.rating", {"stars": 4.5}),
        ("playback.rating", {}),
        ("playback.complaint", {"about": "the weather"}),
        ("playback.suggestion", {"decision": "not an id", "title": 7, "taken": True}),
        ("playback.suggestion", {"decision": str(uuid.UUID(int=7)), "title": "7", "taken": True}),
        ("playback.error", {"details": "x" * 3000}),
    ],
)
def test_what_no_player_can_mean_is_refused(kind: str, data: dict[str, Any]) -> None:
    assert fault(kind, data) == BAD_SIGNAL


@given(st.sampled_from(sorted(NUMBERS)), anything)
def test_a_number_that_is_taken_lies_within_its_bounds(name: str, value: Any) -> None:
    if not fault("playback.heartbeat", {name: value}):
        assert isinstance(value, int | float)
        assert not isinstance(value, bool)
        assert math.isfinite(value)
        assert NUMBERS[name][0] <= value <= NUMBERS[name][1]


@given(
    st.sampled_from(["playback.heartbeat", "playback.rating", "playback.suggestion"]),
    st.dictionaries(st.sampled_from([*NUMBERS, *FLAGS, "scene"]), anything),
)
def test_whatever_is_sent_is_answered(kind: str, data: dict[str, Any]) -> None:
    assert fault(kind, data) in ("", BAD_SIGNAL)
    assert json.dumps(data) is not None
