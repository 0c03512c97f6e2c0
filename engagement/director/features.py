"""What the engagement model sees: signals folded from a session's events, and one row built from them, live and for training alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from adplatform.learning.schema import Feature, FeatureSchema, Matrix
from catalog.models import Mood
from engagement.models import Device

WINDOW_SECONDS = 60.0
# Longer ago than this makes no difference to what comes next.
LONGEST_SECONDS = 3600.0

ACTIONS = {
    "playback.pause": "pauses",
    "playback.seek": "seeks",
    "playback.rewind": "rewinds",
    "playback.skip_scene": "skips",
    "playback.rate": "rate_changes",
}

# Sent every second, or by the server: neither is anything a person did.
IGNORED = frozenset({"playback.heartbeat", "playback.session"})

SCHEMA = FeatureSchema(
    name="engagement",
    version=1,
    features=(
        *(Feature(f"{action}_last_minute", "engagement", high=30) for action in ACTIONS.values()),
        *(Feature(action, "engagement", high=200, description="Since the session began") for action in ACTIONS.values()),
        Feature("hidden", "engagement", description="1 while the tab is in the background"),
        Feature("hidden_seconds_last_minute", "engagement", high=WINDOW_SECONDS),
        Feature("stall_seconds_last_minute", "engagement", high=WINDOW_SECONDS, description="Buffering, so that it is not taken for boredom"),
        Feature("stall_seconds", "engagement", high=LONGEST_SECONDS),
        Feature("rate", "engagement", low=0.1, high=8, description="Speed of playback"),
        Feature("seconds_since_action", "engagement", high=LONGEST_SECONDS),
        Feature("minutes", "engagement", high=1440, description="Since the session began"),
        Feature("watched_share", "engagement", description="Seconds watched over seconds shown, of the scenes so far"),
        Feature("last_scene_share", "engagement", description="Share of the last scene that was watched"),
        Feature("scenes_seen", "engagement", high=200),
        Feature("ads_before", "engagement", high=20, description="Ads since the last scene"),
        Feature("ad_seconds_before", "engagement", high=600),
        Feature("position", "catalog", description="Place of the scene in the author's order, as a share of the film"),
        Feature("scenes_left", "catalog", high=200),
        Feature("mood", "catalog", categories=tuple(Mood.values)),
        Feature("intensity", "catalog"),
        Feature("device", "engagement", categories=tuple(Device.values)),
        Feature("hour", "engagement", high=23, description="Of the viewer's zone"),
        Feature("earlier_sessions", "engagement", privacy="consent", high=1000),
        Feature("earlier_progress", "engagement", privacy="consent", description="Mean share of the film seen in earlier sessions"),
        Feature("monthly_hours", "engagement", privacy="consent", high=744),
        Feature("genre_match", "engagement", privacy="consent", description="Share of the title's genres among the viewer's favourites"),
    ),
)


class SessionSignals(msgspec.Struct):
    """What a session's events say so far. Times in Unix seconds by the client's corrected clock.

    Events come in the order of their sequence numbers, each once. Heartbeats change nothing: what counts are the things
    people do, so that signals folded live and folded again from the table are the same. ``shares`` are the scenes that ended, in
    their order, and how much was watched of each.
    """

    started_at: float = 0.0
    last_at: float = 0.0
    action_at: float = 0.0
    recent: list[tuple[float, str]] = []
    totals: dict[str, int] = {}
    rate: float = 1.0
    hidden_since: float | None = None
    hidden_spans: list[tuple[float, float]] = []
    stalls: list[tuple[float, float]] = []
    stalled: float = 0.0
    scene: int | None = None
    scenes: int = 0
    watched: float = 0.0
    shown: float = 0.0
    last_share: float | None = None
    shares: list[tuple[int, float]] = []
    ad_since: float | None = None
    ads_before: int = 0
    ad_seconds_before: float = 0.0

    def update(self, kind: str, at: float, *, scene: int | None = None, data: Mapping[str, Any] | None = None) -> None:
        """Fold one event: its type, when it happened, the scene on screen, and its data as the player sent it."""
        if kind in IGNORED:
            return
        data = data or {}
        self.started_at = self.started_at or at
        self.last_at = max(self.last_at, at)
        if action := ACTIONS.get(kind):
            self.totals[action] = self.totals.get(action, 0) + 1
            self.recent.append((at, action))
            self.action_at = at
            if kind == "playback.rate":
                self.rate = number(data.get("rate"), self.rate)
        elif kind == "playback.visibility":
            self._visibility(at, hidden=bool(data.get("hidden")))
        elif kind == "playback.stall":
            seconds = number(data.get("milliseconds"), 0.0) / 1000
            self.stalled += seconds
            self.stalls.append((at, seconds))
        elif kind.startswith("ad."):
            self._ad(kind, at)
        elif kind == "playback.scene_start":
            self.scene = scene
        elif kind == "playback.scene_end":
            self._scene_ended(scene, data)
        self._forget(at - WINDOW_SECONDS)

    def _visibility(self, at: float, *, hidden: bool) -> None:
        if hidden and self.hidden_since is None:
            self.hidden_since = at
        elif not hidden and self.hidden_since is not None:
            self.hidden_spans.append((self.hidden_since, at))
            self.hidden_since = None

    def _ad(self, kind: str, at: float) -> None:
        if kind == "ad.start":
            self.ads_before += 1
            self.ad_since = at
        elif kind in ("ad.complete", "ad.skip") and self.ad_since is not None:
            self.ad_seconds_before += max(0.0, at - self.ad_since)
            self.ad_since = None

    def _scene_ended(self, scene: int | None, data: Mapping[str, Any]) -> None:
        duration = number(data.get("duration"), 0.0)
        seconds = min(number(data.get("watched"), 0.0), duration)
        self.scenes += 1
        self.watched += seconds
        self.shown += duration
        self.last_share = seconds / duration if duration else None
        if scene is not None and self.last_share is not None:
            self.shares.append((scene, round(self.last_share, 4)))
        self.ads_before, self.ad_seconds_before, self.ad_since = 0, 0.0, None

    def _forget(self, since: float) -> None:
        self.recent = [(at, action) for at, action in self.recent if at > since]
        self.hidden_spans = [(start, end) for start, end in self.hidden_spans if end > since]
        self.stalls = [(at, seconds) for at, seconds in self.stalls if at > since]

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, kept: bytes) -> SessionSignals:
        """From `encode`; nothing kept gives signals of a session that has not begun. Raises msgspec.DecodeError."""
        return msgspec.msgpack.decode(kept, type=cls) if kept else cls()


@dataclass(frozen=True, slots=True)
class SceneContext:
    """What surrounds the signals: ``position`` is the scene's place in the author's order, from 1, of ``scenes`` in the film.

    The viewer's own attributes are used only with ``consent``; None is not known.
    """

    scenes: int
    position: int
    mood: str
    intensity: float
    device: str
    hour: int
    consent: bool = False
    earlier_sessions: int | None = None
    earlier_progress: float | None = None
    monthly_hours: float | None = None
    genre_match: float | None = None


def build(signals: SessionSignals, context: SceneContext, now: float) -> Matrix:
    """float32 [1, n features]: the session as it stands at ``now`` (Unix seconds), about to watch the scene of ``context``."""
    since = now - WINDOW_SECONDS
    lately = [action for at, action in signals.recent if at > since]
    values: dict[str, Any] = {
        **{f"{action}_last_minute": lately.count(action) for action in ACTIONS.values()},
        **{action: signals.totals.get(action, 0) for action in ACTIONS.values()},
        "hidden": int(signals.hidden_since is not None),
        "hidden_seconds_last_minute": _hidden_seconds(signals, since, now),
        "stall_seconds_last_minute": sum(seconds for at, seconds in signals.stalls if at > since),
        "stall_seconds": signals.stalled,
        "rate": signals.rate,
        "seconds_since_action": now - (signals.action_at or signals.started_at or now),
        "minutes": (now - (signals.started_at or now)) / 60,
        "watched_share": signals.watched / signals.shown if signals.shown else None,
        "last_scene_share": signals.last_share,
        "scenes_seen": signals.scenes,
        "ads_before": signals.ads_before,
        "ad_seconds_before": signals.ad_seconds_before,
        "position": (context.position - 1) / max(1, context.scenes - 1),
        "scenes_left": context.scenes - context.position,
        "mood": context.mood,
        "intensity": context.intensity,
        "device": context.device,
        "hour": context.hour,
        "earlier_sessions": context.earlier_sessions,
        "earlier_progress": context.earlier_progress,
        "monthly_hours": context.monthly_hours,
        "genre_match": context.genre_match,
    }
    return SCHEMA.matrix(values, 1, consent=context.consent)


def _hidden_seconds(signals: SessionSignals, since: float, now: float) -> float:
    spans = [*signals.hidden_spans, (signals.hidden_since, now)] if signals.hidden_since is not None else signals.hidden_spans
    return sum(max(0.0, min(end, now) - max(start, since)) for start, end in spans)


def number(value: Any, otherwise: float) -> float:
    """A finite, non-negative number as a client sent it, or ``otherwise``."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    return otherwise
