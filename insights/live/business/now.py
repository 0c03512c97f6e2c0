"""The stream behind the tiles, the last minutes and the feed of the executive page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adplatform.eventlog.rollup import truncate
from insights.live.streams import Kind, Stream

from . import director, snapshot
from .scope import TAKES, scope_of

# What is compared with changes only with the minute, so it is read once a minute for each stream.
_compared: dict[str, snapshot.Yesterday] = {}


def forget() -> None:
    _compared.clear()


def build(stream: Stream, now: datetime) -> Mapping[str, Any]:
    scope = scope_of(stream)
    minute = truncate(now, "minute")
    # Several threads build several streams; another may forget what this one still needs.
    for key in [key for key, one in list(_compared.items()) if one.minute != minute]:
        _compared.pop(key, None)
    compared = _compared.get(stream.key) or snapshot.yesterday(now, scope)
    _compared[stream.key] = compared
    success = None if snapshot.success_unsaid(scope) else director.last(scope.title)
    return snapshot.build(now, compared=compared, success=success, scope=scope)


NOW = Kind("now", build, takes=TAKES, audience="own")
