"""Additive figures of watching, and what one event adds to them."""

from __future__ import annotations

from typing import Any

from adplatform.eventlog.envelope import Event
from adplatform.eventlog.rollup import Rollup

from .models import CHANGES_THE_PLAN

MEASURES = (
    "sessions", "finished", "scene_starts", "scene_ends", "exits", "rewinds", "skips", "pauses", "watch_milliseconds", "stall_milliseconds",
    "director_decisions", "director_changes", "rating_stars", "ratings",
)  # fmt: skip
PLAYBACK = Rollup(
    name="engagement.playback",
    prefix="engagement_playback",
    keys=("title_id", "scene_id", "genre", "device", "synthetic"),
    measures=MEASURES,
)
LONGEST_STALL_MILLISECONDS = 600_000
COUNTED = {
    "playback.scene_start": "scene_starts",
    "playback.rewind": "rewinds",
    "playback.skip_scene": "skips",
    "playback.pause": "pauses",
}
# Facts of the whole session, kept under scene 0.
WHOLE_SESSION = {"playback.session": "sessions", "playback.end": "finished"}


def measures_of(event: Event, *, shown: float) -> dict[str, int]:
    """What a valid event adds; empty for one that no figure counts. ``shown``: seconds its scene lasts."""
    if event.type in COUNTED:
        return {COUNTED[event.type]: 1}
    if event.type in WHOLE_SESSION:
        return {WHOLE_SESSION[event.type]: 1}
    if event.type == "playback.scene_end":
        return {"scene_ends": int(completed(event, shown=shown)), "watch_milliseconds": round(number(event.data.get("watched")) * 1000)}
    if event.type == "playback.leave":
        return {"exits": 1, "watch_milliseconds": round(number(event.data.get("watched")) * 1000)}
    if event.type == "playback.stall":
        return {"stall_milliseconds": round(min(number(event.data.get("milliseconds")), LONGEST_STALL_MILLISECONDS))}
    if event.type == "playback.rating":
        return {"rating_stars": stars(event) or 0, "ratings": 1}
    if event.type == "director.decision":
        changed = bool(event.data.get("applied")) and event.data.get("action") in CHANGES_THE_PLAN
        return {"director_decisions": 1, "director_changes": int(changed)}
    return {}


def completed(event: Event, *, shown: float) -> bool:
    """Whether a scene ended because it was over, not because the viewer left it; players say so, or how much was watched."""
    told = event.data.get("completed")
    return told if isinstance(told, bool) else number(event.data.get("watched")) >= 0.95 * (number(event.data.get("duration")) or shown) > 0


def stars(event: Event) -> int | None:
    given = event.data.get("stars")
    return given if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= 5 else None


def number(value: Any) -> float:
    return max(0.0, float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
