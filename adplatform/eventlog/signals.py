"""What each playback signal may say: a wrong type, a negative or a huge number is no signal of any player. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

BAD_SIGNAL = "bad_signal"

DAY_SECONDS = 86_400.0
LONGEST_TEXT = 2_000
# Finite numbers within these bounds, wherever the name stands.
NUMBERS = {
    "t": (0, 1e6), "from": (0, 1e6), "to": (0, 1e6), "rate": (0, 16), "volume": (0, 1), "buffer": (0, DAY_SECONDS), "dropped": (0, 1e6),
    "milliseconds": (0, DAY_SECONDS * 1000), "seconds": (0, DAY_SECONDS), "watched": (0, 1e6), "duration": (0, 1e6),
}  # fmt: skip
FLAGS = frozenset({"playing", "hidden", "on", "muted", "taken"})
COUNTS = {"scene": 2**63, "title": 2**63}
COMPLAINTS = frozenset({"ads", "order", "picture", "other"})
# What a signal is nothing without.
NEEDED = {
    "playback.rating": ("stars",),
    "playback.complaint": ("about",),
    "playback.suggestion": ("decision", "title", "taken"),
}


def fault(kind: str, data: Mapping[str, Any]) -> str:
    """Why ``data`` (decoded JSON) cannot be that of a signal of this type; empty when it can. What is not known may say anything."""
    if any(name not in data for name in NEEDED.get(kind, ())):
        return BAD_SIGNAL
    return "" if all(_fits(kind, name, value) for name, value in data.items()) else BAD_SIGNAL


def _fits(kind: str, name: str, value: Any) -> bool:
    if name in NUMBERS:
        low, high = NUMBERS[name]
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if name in FLAGS:
        return isinstance(value, bool)
    if name in COUNTS:
        return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < COUNTS[name])
    if kind == "playback.rating" and name == "stars":
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5
    if kind == "playback.complaint" and name == "about":
        return isinstance(value, str) and value in COMPLAINTS
    if kind == "playback.suggestion" and name == "decision":
        return _is_id(value)
    return not isinstance(value, str) or len(value) <= LONGEST_TEXT


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value))
    except ValueError:
        return False
