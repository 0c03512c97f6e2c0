"""What the models of watching see: one row from a session's signals and the scene in question, live and for training alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from adplatform.learning.schema import UNKNOWN_CATEGORY, Feature, FeatureSchema, Matrix
from catalog.models import Mood
from engagement.models import Device

from .signals import COUNTED, FIVE_MINUTES, LONGEST_SECONDS, MINUTE, NO_FILM, Film, FilmScene, SessionSignals

__all__ = ["CHANGES", "LEAVE_SCHEMA", "NO_FILM", "SCHEMA", "Film", "FilmScene", "SceneContext", "SessionSignals", "build", "build_many"]
__all__ += ["in_scene", "on_screen"]

LAST_SCENES = 3
# What the Director may have done with a scene.
CHANGES = ("", "tighten", "bring_forward", "move_back", "linger")

SESSION = (
    *(Feature(f"{action}_last_minute", "engagement", high=60) for action in COUNTED),
    *(Feature(f"{action}_last_5_minutes", "engagement", high=300) for action in COUNTED),
    *(Feature(action, "engagement", high=500, description="Since the session began") for action in COUNTED),
    *(Feature(f"seconds_since_{action}", "engagement", high=LONGEST_SECONDS, description="An hour where there were none") for action in COUNTED),
    Feature("seconds_since_action", "engagement", high=LONGEST_SECONDS, description="Since anything of these, else since the session began"),
    Feature("paused", "engagement"),
    Feature("rate", "engagement", low=0.1, high=8, description="Speed of playback"),
    Feature("volume", "engagement", optional=True, description="0-1, missing until it is changed"),
    Feature("muted", "engagement", optional=True, description="Missing until the volume is changed"),
    Feature("full_screen", "engagement"),
    Feature("as_edited", "engagement", description="1 where the viewer asked for the film as edited"),
    Feature("complaints", "engagement", high=20),
    Feature("hidden", "engagement", description="1 while the tab is in the background"),
    Feature("hidden_seconds_last_minute", "engagement", high=MINUTE),
    Feature("hidden_seconds_last_5_minutes", "engagement", high=FIVE_MINUTES),
    Feature("stall_seconds_last_minute", "engagement", high=MINUTE, description="Buffering, so that it is not taken for boredom"),
    Feature("stall_seconds_last_5_minutes", "engagement", high=FIVE_MINUTES),
    Feature("stall_seconds", "engagement", high=LONGEST_SECONDS),
    Feature("low_buffer_last_minute", "engagement", high=60, description="Heartbeats with less than two seconds of film ahead"),
    Feature("low_buffer_last_5_minutes", "engagement", high=300),
    Feature("dropped_frames_last_minute", "engagement", high=10_000),
    Feature("dropped_frames_last_5_minutes", "engagement", high=10_000),
    Feature("minutes", "engagement", high=1440, description="Since the session began"),
    Feature("watched_share", "engagement", description="Seconds watched over seconds shown, of the scenes so far"),
    Feature("last_scene_share", "engagement", description="Share of the last scene that was watched"),
    Feature("last_scenes_share", "engagement", description="Mean share of the last three scenes that was watched"),
    Feature("whole_streak", "engagement", high=200, description="Scenes in a row watched to their end"),
    Feature("broken_streak", "engagement", high=200, description="Scenes in a row skipped or left before their end"),
    Feature("scenes_seen", "engagement", high=200),
    Feature("changes_seen", "engagement", high=200, description="Scenes so far that the Director had changed"),
    Feature("ads_seen", "engagement", high=500),
    Feature("ad_seconds", "engagement", high=36_000, description="Of ads since the session began"),
)  # fmt: skip

SCENE = (
    Feature("ad_seconds_before", "engagement", high=600, description="Of ads since the scene before"),
    Feature("position", "catalog", description="Place of the scene in the author's order, as a share of the film"),
    Feature("place", "engagement", low=1, high=200, description="Which scene of the playback it is"),
    Feature("scenes_left", "catalog", high=200, description="That play after it without the Director's doing"),
    Feature("mood", "catalog", categories=tuple(Mood.values)),
    Feature("intensity", "catalog"),
    Feature("intensity_step", "catalog", low=-1, description="Intensity over that of the scene before"),
    Feature("scene_seconds", "catalog", high=LONGEST_SECONDS, description="Of the cut that is shown"),
    Feature("seconds_into_scene", "engagement", high=LONGEST_SECONDS),
    Feature("share_into_scene", "engagement"),
    Feature("tight_cut", "engagement"),
    Feature("optional_scene", "catalog"),
    Feature("change", "engagement", categories=CHANGES, description="What the Director did with the scene"),
    Feature("device", "engagement", categories=tuple(Device.values)),
    Feature("hour", "engagement", high=23, description="Of the viewer's zone"),
)

VIEWER = (
    Feature("earlier_sessions", "engagement", privacy="consent", high=1000),
    Feature("earlier_progress", "engagement", privacy="consent", description="Mean share of the film seen in earlier sessions"),
    Feature("days_since_last", "engagement", privacy="consent", high=365, description="Since the session before"),
    Feature("monthly_hours", "engagement", privacy="consent", high=744),
    Feature("genre_match", "engagement", privacy="consent", description="Share of the title's genres among the viewer's favourites"),
)

SCHEMA = FeatureSchema(name="engagement", version=2, features=(*SESSION, *SCENE, *VIEWER))
# Another outcome of the same rows: one row is built and two models are asked.
LEAVE_SCHEMA = FeatureSchema(name="leave", version=2, features=SCHEMA.features, logged_as=SCHEMA)

_LOW = np.array([UNKNOWN_CATEGORY if one.categories is not None else one.low for one in SCHEMA.features], dtype=np.float32)
_HIGH = np.array([len(one.categories) - 1 if one.categories is not None else one.high for one in SCHEMA.features], dtype=np.float32)
_WIDTH, _SESSION_WIDTH = len(SCHEMA.features), len(SESSION)
_COUNTED = {action: place for place, action in enumerate(COUNTED)}
_MOODS = {mood: float(code) for code, mood in enumerate(Mood.values)}
_CHANGES = {change: float(code) for code, change in enumerate(CHANGES)}
_DEVICES = {device: float(code) for code, device in enumerate(Device.values)}
_WITHHELD = [math.nan] * len(VIEWER)


@dataclass(frozen=True, slots=True)
class SceneContext:
    """The scene in question and what surrounds it.

    ``position`` is its place in the author's order, from 1, of the ``scenes`` that play by themselves; ``place`` which scene of the
    playback it is, None for its position. ``seconds`` is how long its cut is and ``into`` how much of it has played,
    ``intensity_before`` that of the scene before. ``ad_seconds`` are expected directly before it; None: those that were shown.
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
    days_since_last: float | None = None
    monthly_hours: float | None = None
    genre_match: float | None = None
    place: int | None = None
    seconds: float | None = None
    into: float = 0.0
    tight: bool = False
    optional: bool = False
    change: str = ""
    intensity_before: float | None = None
    ad_seconds: float | None = None


def in_scene(around: SceneContext, film: Film, scene_id: int, *, cut: str = "full", change: str = "", place: int | None = None) -> SceneContext:
    """The surroundings with a scene of the film in them. Raises KeyError for one that is not of the film."""
    scene = film[scene_id]
    return replace(
        around, scenes=sum(not one.optional for one in film.values()), position=scene.position, mood=scene.mood, intensity=scene.intensity,
        place=place, seconds=scene.seconds(cut), tight=cut == "tight", optional=scene.optional, change=change,
    )  # fmt: skip


def on_screen(signals: SessionSignals, around: SceneContext, film: Film, now: float) -> SceneContext | None:
    """The surroundings with the scene that plays; None before the first one, and for a scene that is not of the film."""
    scene = film.get(signals.scene) if signals.scene is not None else None
    if scene is None or signals.scene is None:
        return None
    before = film.get(signals.scene_before) if signals.scene_before is not None else None
    place = signals.seen.index(signals.scene) + 1 if signals.scene in signals.seen else None
    found = in_scene(around, film, signals.scene, cut=signals.cut, change=signals.change, place=place)
    return replace(found, into=min(signals.into(now), found.seconds or 0.0), intensity_before=before.intensity if before else None)


def build(signals: SessionSignals, context: SceneContext, now: float) -> Matrix:
    """float32 [1, n features]: the session as it stands at ``now`` (Unix seconds), in or before the scene of ``context``."""
    return build_many(signals, (context,), now)


def build_many(signals: SessionSignals, contexts: Sequence[SceneContext], now: float) -> Matrix:
    """float32 [n contexts, n features]: the same session at the same moment, before each of these scenes."""
    table = np.empty((len(contexts), _WIDTH), dtype=np.float32)
    table[:, :_SESSION_WIDTH] = _session_values(signals, now)
    for row, context in enumerate(contexts):
        table[row, _SESSION_WIDTH:] = _scene_values(signals, context)
    clipped: Matrix = np.minimum(np.maximum(table, _LOW), _HIGH)
    return clipped


def _session_values(signals: SessionSignals, now: float) -> list[float]:
    """In the order of SESSION."""
    minute, five = now - MINUTE, now - FIVE_MINUTES
    began = signals.started_at or now
    shares = [share for _, share in signals.shares[-LAST_SCENES:]]
    return [
        *_counts(signals, minute, five),
        *(signals.totals.get(action, 0) for action in COUNTED),
        *(now - signals.since.get(action, -math.inf) for action in COUNTED),
        now - (signals.action_at or began),
        not signals.playing,
        signals.rate,
        _known(signals.volume),
        _known(signals.muted),
        signals.full_screen,
        signals.as_edited,
        signals.complaints,
        signals.hidden_since is not None,
        signals.hidden_seconds(minute, now),
        signals.hidden_seconds(five, now),
        *_trouble(signals, minute, five),
        (now - began) / 60,
        signals.watched / signals.shown if signals.shown else math.nan,
        shares[-1] if shares else math.nan,
        sum(shares) / len(shares) if shares else math.nan,
        signals.whole_streak,
        signals.broken_streak,
        signals.scenes,
        signals.changes,
        signals.ads,
        signals.ad_seconds,
    ]


def _counts(signals: SessionSignals, minute: float, five: float) -> list[int]:
    """What was done in the last minute, then in the last five, in the order of COUNTED."""
    found = [0] * (2 * len(_COUNTED))
    for at, action in signals.recent:
        if at > five:
            found[len(_COUNTED) + _COUNTED[action]] += 1
            found[_COUNTED[action]] += at > minute
    return found


def _trouble(signals: SessionSignals, minute: float, five: float) -> list[float]:
    stalled, low, dropped = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
    for at, seconds in signals.stalls:
        stalled[0] += seconds if at > minute else 0.0
        stalled[1] += seconds if at > five else 0.0
    for at, is_low, frames in signals.trouble:
        for window, since in enumerate((minute, five)):
            low[window] += is_low and at > since
            dropped[window] += frames if at > since else 0.0
    return [*stalled, signals.stalled, *low, *dropped]


def _scene_values(signals: SessionSignals, context: SceneContext) -> list[float]:
    """In the order of SCENE and VIEWER."""
    place = context.place or context.position
    before, seconds = context.intensity_before, context.seconds
    viewer = (context.earlier_sessions, context.earlier_progress, context.days_since_last, context.monthly_hours, context.genre_match)
    return [
        signals.ad_seconds_before if context.ad_seconds is None else context.ad_seconds,
        (context.position - 1) / max(1, context.scenes - 1),
        place,
        context.scenes - place,
        _MOODS.get(context.mood, UNKNOWN_CATEGORY),
        context.intensity,
        math.nan if before is None else context.intensity - before,
        _known(seconds),
        context.into,
        context.into / seconds if seconds else 0.0,
        context.tight,
        context.optional,
        _CHANGES.get(context.change, UNKNOWN_CATEGORY),
        _DEVICES.get(context.device, UNKNOWN_CATEGORY),
        context.hour,
        *(map(_known, viewer) if context.consent else _WITHHELD),
    ]


def _known(value: float | None) -> float:
    return math.nan if value is None else value
