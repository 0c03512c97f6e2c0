"""What a session's events say, folded one by one: the same for the live Director and for the rows that models learn from. Pure.

The fold does not depend on how events are batched, nor on whether some are sent again: each counts once, in the order of the player's
sequence numbers. Events of the same moment may change places where they come from two tables; the fold ends the same then, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

MINUTE = 60.0
FIVE_MINUTES = 300.0
# Longer ago than this makes no difference to what comes next.
LONGEST_SECONDS = 3600.0
# A scene of which so much was watched was watched to its end.
WHOLE = 0.95
# Of things done lately; who does more than one a second for minutes is no person.
MOST_RECENT = 300
# Whose buffer is lower may soon stall.
LOW_BUFFER_SECONDS = 2.0

ACTIONS = {
    "playback.pause": "pauses",
    "playback.seek": "seeks",
    "playback.rewind": "rewinds",
    "playback.skip_scene": "skips",
    "playback.rate": "rate_changes",
    "playback.volume": "volume_changes",
    "playback.fullscreen": "full_screen_changes",
}
HIDES = "hides"
COUNTED = (*ACTIONS.values(), HIDES)

HEARTBEAT = "playback.heartbeat"
# Sent by the server: nothing that a person did.
IGNORED = frozenset({"playback.session"})
# What counts as a signal, for a query of the table: `counts` in SQL.
COUNTS_SQL = f"""(type <> ALL(%(ignored)s) AND (type <> '{HEARTBEAT}'
  OR CASE WHEN jsonb_typeof(data->'buffer') = 'number' THEN (data->>'buffer')::float8 >= 0 AND (data->>'buffer')::float8 < {LOW_BUFFER_SECONDS} END
  OR CASE WHEN jsonb_typeof(data->'dropped') = 'number' THEN (data->>'dropped')::float8 > 0 AND (data->>'dropped')::float8 < 1e9 END))"""

AD_TYPES = ("ad.start", "ad.complete", "ad.skip")


@dataclass(frozen=True, slots=True)
class FilmScene:
    """``position`` in the author's order, from 1. Durations in seconds."""

    position: int
    mood: str
    intensity: float
    duration: float
    tight: float
    optional: bool = False

    def seconds(self, cut: str) -> float:
        return self.tight if cut == "tight" else self.duration


Film = Mapping[int, FilmScene]
NO_FILM: Film = {}


def counts(kind: str, data: Mapping[str, Any] | str) -> bool:
    """Whether an event is a signal. Heartbeats come every second: they count only where the connection or the decoder has trouble."""
    if kind != HEARTBEAT:
        return kind not in IGNORED
    told = json.loads(data) if isinstance(data, str) else data
    return _low_buffer(told) or number(told.get("dropped"), 0.0) > 0


def _low_buffer(data: Mapping[str, Any]) -> bool:
    return number(data.get("buffer"), LOW_BUFFER_SECONDS) < LOW_BUFFER_SECONDS


class SessionSignals(msgspec.Struct):
    """Times in Unix seconds by the client's corrected clock; they never run backwards. Shares 0-1.

    ``recent`` holds (time, what) of the last five minutes; ``hidden_spans``, ``stalls`` and ``trouble`` (time, low buffer, dropped
    frames) too. ``seen`` are the scenes begun, in order, ``shares`` those that ended and how much was watched of each. ``scene`` is on
    screen since ``offset`` seconds of it showed at ``offset_at``.
    """

    seq: int = 0
    started_at: float = 0.0
    last_at: float = 0.0
    action_at: float = 0.0
    recent: list[tuple[float, str]] = []
    totals: dict[str, int] = {}
    since: dict[str, float] = {}
    playing: bool = True
    rate: float = 1.0
    volume: float | None = None
    muted: bool | None = None
    full_screen: bool = False
    as_edited: bool = False
    complaints: int = 0
    hidden_since: float | None = None
    hidden_spans: list[tuple[float, float]] = []
    stalls: list[tuple[float, float]] = []
    stalled: float = 0.0
    trouble: list[tuple[float, bool, float]] = []
    scene: int | None = None
    scene_before: int | None = None
    seen: list[int] = []
    on_screen: bool = False
    offset: float = 0.0
    offset_at: float = 0.0
    cut: str = "full"
    change: str = ""
    changes: int = 0
    scenes: int = 0
    watched: float = 0.0
    shown: float = 0.0
    shares: list[tuple[int, float]] = []
    whole_streak: int = 0
    broken_streak: int = 0
    ad_since: float | None = None
    ads_here: bool = False
    ad_seconds_before: float = 0.0
    ads: int = 0
    ad_seconds: float = 0.0

    def update(
        self,
        kind: str,
        at: float,
        *,
        scene: int | None = None,
        offset: float | None = None,
        data: Mapping[str, Any] | None = None,
        film: Film = NO_FILM,
        seq: int = 0,
    ) -> None:
        """Fold one event: its type, when it happened, where in the film, and its data as the player sent it. One that is sent again
        (no number above the highest so far) changes nothing; without a number it is taken as it comes."""
        data = data or {}
        if seq:
            if seq <= self.seq:
                return
            self.seq = seq
        if not counts(kind, data):
            return
        at = max(at, self.last_at)
        self.started_at = self.started_at or at
        self.last_at = at
        if kind.startswith("ad."):
            self._ad(kind, at)
        else:
            self._watching(kind, at, scene, offset, data, film)
        self._forget(at - FIVE_MINUTES)

    def _watching(self, kind: str, at: float, scene: int | None, offset: float | None, data: Mapping[str, Any], film: Film) -> None:
        if kind == "playback.scene_start":
            self._scene_began(at, scene, offset or 0.0, data)
        elif kind == "playback.scene_end":
            self._move(at, scene, offset)
            self._scene_ended(scene, data, film)
        else:
            self._move(at, scene, offset)
            self._acted(kind, at, data)

    def _acted(self, kind: str, at: float, data: Mapping[str, Any]) -> None:
        if kind in ACTIONS:
            self._note(ACTIONS[kind], at)
        match kind:
            case "playback.pause":
                self.playing = False
            case "playback.play" | "playback.start":
                self.playing = True
            case "playback.rate":
                self.rate = number(data.get("rate"), self.rate)
            case "playback.volume":
                self.volume, self.muted = number(data.get("volume"), self.volume or 0.0), bool(data.get("muted"))
            case "playback.fullscreen":
                self.full_screen = bool(data.get("on"))
            case "playback.visibility":
                self._visibility(at, hidden=bool(data.get("hidden")))
            case "playback.stall":
                seconds = number(data.get("milliseconds"), 0.0) / 1000
                self.stalled += seconds
                self.stalls.append((at, seconds))
            case "playback.heartbeat":
                self.trouble.append((at, _low_buffer(data), number(data.get("dropped"), 0.0)))
            case "playback.as_edited":
                self.as_edited = bool(data.get("on"))
            case "playback.complaint":
                self.complaints += 1

    def _note(self, action: str, at: float) -> None:
        self.totals[action] = self.totals.get(action, 0) + 1
        self.since[action] = self.action_at = at
        self.recent.append((at, action))

    def _visibility(self, at: float, *, hidden: bool) -> None:
        if hidden and self.hidden_since is None:
            self.hidden_since = at
            self._note(HIDES, at)
        elif not hidden and self.hidden_since is not None:
            self.hidden_spans.append((self.hidden_since, at))
            self.hidden_since = None

    def _move(self, at: float, scene: int | None, offset: float | None) -> None:
        """The playhead where the event says it is, else where it must have come to on its course."""
        told = offset if offset is not None and scene == self.scene else None
        self.offset, self.offset_at = self.into(at) if told is None else told, at

    def into(self, now: float) -> float:
        """Seconds into the scene on screen, on the playhead's last known course."""
        return self.offset + (max(0.0, now - self.offset_at) * self.rate if self.playing and self.on_screen else 0.0)

    def _scene_began(self, at: float, scene: int | None, offset: float, data: Mapping[str, Any]) -> None:
        if not self.ads_here:
            self.ad_seconds_before = 0.0
        self.ads_here, self.ad_since = False, None
        self.playing, self.on_screen, self.offset, self.offset_at = True, True, offset, at
        self.cut = "tight" if data.get("cut") == "tight" else "full"
        self.change = str(data.get("change") or "")
        if scene is None or scene == self.scene:
            return
        self.scene_before, self.scene = self.scene, scene
        if scene not in self.seen:
            self.seen.append(scene)
            self.changes += self.change != ""

    def _scene_ended(self, scene: int | None, data: Mapping[str, Any], film: Film) -> None:
        self.on_screen = False
        duration = shown_seconds(data, film.get(scene) if scene is not None else None, self.cut)
        seconds = min(number(data.get("watched"), 0.0), duration)
        self.scenes += 1
        self.watched += seconds
        self.shown += duration
        if not duration:
            return
        share = seconds / duration
        self.shares = [*self.shares[1 - MOST_RECENT :], (scene or 0, round(share, 4))]
        whole = share >= WHOLE
        self.whole_streak = self.whole_streak + 1 if whole else 0
        self.broken_streak = 0 if whole else self.broken_streak + 1

    def _ad(self, kind: str, at: float) -> None:
        """Ads since a scene began. A scene's end does not start them anew: it comes in the same moment as the first of them."""
        if kind == "ad.start":
            if not self.ads_here:
                self.ads_here, self.ad_seconds_before = True, 0.0
            self.ads += 1
            self.ad_since = at
        elif kind in ("ad.complete", "ad.skip") and self.ad_since is not None:
            seconds = at - self.ad_since
            self.ad_seconds_before += seconds
            self.ad_seconds += seconds
            self.ad_since = None

    def _forget(self, since: float) -> None:
        if self.recent and (self.recent[0][0] <= since or len(self.recent) > MOST_RECENT):
            self.recent = [one for one in self.recent if one[0] > since][-MOST_RECENT:]
        if self.hidden_spans:
            self.hidden_spans = [one for one in self.hidden_spans if one[1] > since][-MOST_RECENT:]
        if self.stalls:
            self.stalls = [one for one in self.stalls if one[0] > since][-MOST_RECENT:]
        if self.trouble:
            self.trouble = [one for one in self.trouble if one[0] > since][-MOST_RECENT:]

    def hidden_seconds(self, since: float, now: float) -> float:
        """How long the tab was in the background between two moments."""
        total = 0.0 if self.hidden_since is None else max(0.0, now - max(self.hidden_since, since))
        for start, end in self.hidden_spans:
            total += max(0.0, min(end, now) - max(start, since))
        return total

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, kept: bytes) -> SessionSignals:
        """From `encode`; nothing kept gives signals of a session that has not begun. Raises msgspec.DecodeError."""
        return msgspec.msgpack.decode(kept, type=cls) if kept else cls()


def shown_seconds(data: Mapping[str, Any], scene: FilmScene | None, cut: str) -> float:
    """How long the scene is in the cut that was shown: as its end tells, else as the film has it."""
    told = number(data.get("duration"), 0.0)
    if told or scene is None:
        return told
    return scene.seconds(str(data.get("cut") or cut))


def number(value: Any, otherwise: float) -> float:
    """A finite, non-negative number as a client sent it, or ``otherwise``."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    return otherwise
