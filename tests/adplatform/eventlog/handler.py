"""A handler of the tests' own over a real table and a real rollup, loaded by consumer processes through ``tests.adplatform.eventlog.app``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adplatform.eventlog import ids
from adplatform.eventlog.envelope import PLAYBACK_TYPES, Event
from adplatform.eventlog.rollup import Rollup
from adplatform.eventlog.tables import insert_once

COLUMNS = (
    "id",
    "day",
    "type",
    "occurred_at",
    "received_at",
    "session",
    "seq",
    "viewer",
    "title",
    "plan_version",
    "valid",
    "reason",
    "data",
    "synthetic",
)
MEASURES = (
    "sessions", "finished", "scene_starts", "scene_ends", "exits", "rewinds", "skips", "pauses", "watch_milliseconds", "stall_milliseconds",
    "director_decisions", "director_changes", "rating_stars", "ratings",
)  # fmt: skip
PLAYBACK = Rollup("playback", "engagement_playback", ("title_id", "scene_id", "genre", "device", "synthetic"), MEASURES)


class PlaybackHandler:
    """Stores playback events and counts pauses. ``data.explode`` makes it fail; ``data.slow`` is seconds it sleeps."""

    name = "test.playback"
    types = PLAYBACK_TYPES

    def __call__(self, cursor: Any, events: Sequence[Event], *, now: datetime) -> None:
        for event in events:
            if "explode" in event.data:
                raise ValueError(event.data["explode"])
            if "slow" in event.data:
                time.sleep(event.data["slow"])
        new = insert_once(cursor, "engagement_playbackevent", COLUMNS, map(self._row, events))
        seen: set[Any] = set()
        facts = []
        for event in events:
            if event.id in new and event.id not in seen:
                seen.add(event.id)
                facts.append(
                    (
                        event.occurred_at,
                        (event.title or 0, 0, "", "", event.synthetic),
                        [int(event.type == f"playback.{measure[:-1]}") for measure in MEASURES],
                    )
                )
        PLAYBACK.add(cursor, facts)

    @staticmethod
    def _row(event: Event) -> tuple[Any, ...]:
        return (
            event.id, ids.day_of(event.id), event.type, event.occurred_at, event.received_at, event.session, event.seq, event.viewer, event.title,
            event.plan_version, not event.invalid, event.invalid, event.data, event.synthetic,
        )  # fmt: skip
