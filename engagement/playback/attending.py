"""A session as the process knows it that holds its socket: its plan as last seen, where its viewer is, and what the Director has to do.

What is in here can be read anew at any time, from PostgreSQL and Redis; whoever loses it goes on where the last commit stood.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from adplatform.eventlog.commits import Kept
from adplatform.eventlog.envelope import ClientEvent, Event
from engagement.director import market
from engagement.director.act import Watching, predict, relog, watching
from engagement.director.features import SessionSignals
from engagement.director.film import film_of
from engagement.director.policy import Trigger
from engagement.director.prediction import Engagement
from engagement.director.relative import Standing, progress_of, standing
from engagement.models import PlaybackSession

from . import adload, live
from .following import take
from .plan import Break, Plan, from_json, needs_more
from .publishing import State, UnknownSession

PREDICTION_SECONDS = 1.0
# So far below the session's mean that a decision cannot wait for the next scene.
SHARP_DROP = 0.2
# From so little on a change of attention is told as one.
TREND = 0.05
# How late, at most, the ad load of a viewer's other playbacks learns that a break was on screen.
BREAK_NOTED_SECONDS = 5.0
# Packaged clips are some hundredths longer than they are told to be, and a playhead is told a moment late.
OFFSET_SLACK_SECONDS = 2.0
RELOAD_SECONDS = 1.0
# Reasons for refusing, beside those of `adplatform.eventlog.ingest`.
UNKNOWN_SCENE = "unknown_scene"
OUTSIDE_SCENE = "offset_outside_scene"


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where something is to be decided, with what was known then."""

    scene: int
    trigger: Trigger
    engagement: Engagement | None
    signals: SessionSignals
    usual: float | None
    at: datetime

    def name(self, epoch: int) -> str:
        return self.name_of(epoch, self.scene, self.trigger)

    @staticmethod
    def name_of(epoch: int, scene: int, trigger: Trigger) -> str:
        return f"{epoch}.{scene}.{trigger}"


class Attended:
    """Use `attend` to get one."""

    def __init__(self, state: State, known: live.Live, who: Watching, load_of: uuid.UUID | None) -> None:
        self.state, self.live, self.who, self.load_of = state, known, who, load_of
        self.signals = SessionSignals.decode(known.signals)
        self.standing: Standing | None = None
        self.boundaries: list[Boundary] = []
        self.noted = dict(known.shown)
        self.predicted_at = self.loaded_at = time.monotonic() - PREDICTION_SECONDS

    @property
    def plan(self) -> Plan:
        return self.state.plan

    def kept(self) -> Kept:
        return live.kept(self.state.session, self.live)

    def misplaced(self, event: ClientEvent) -> str:
        """Why an event cannot have happened where it says it did; empty when it can."""
        if event.position is None or event.position.scene is None:
            return ""
        scene = film_of(self.plan).get(event.position.scene)
        if scene is None:
            return UNKNOWN_SCENE
        return OUTSIDE_SCENE if event.position.offset > scene.duration + OFFSET_SLACK_SECONDS else ""

    def behind(self, events: Sequence[Event]) -> bool:
        """Whether the player is in a scene that somebody else published; asked at most once a second."""
        played = self.plan.played
        if all(one.position is None or not one.position.scene or one.position.scene in played for one in events):
            return False
        due, self.loaded_at = time.monotonic() - self.loaded_at >= RELOAD_SECONDS, time.monotonic()
        return due

    def take(self, events: Sequence[Event], *, now: datetime) -> list[Event]:
        """Fold what happened into the live state; returns the events that were not counted before."""
        return take(self.live, self.signals, self.plan, events, now=now)

    def look(self, fresh: Sequence[Event], *, now: datetime) -> dict[str, Any] | None:
        """Predict at most once a second and at every boundary; what the player is told of it. What is to be decided, where a scene
        begins or attention drops sharply, is then among the ``boundaries``."""
        begun = self._begun(fresh)
        scene = begun if begun is not None else self.signals.scene
        due = time.monotonic() - self.predicted_at >= PREDICTION_SECONDS
        if not fresh or scene is None or scene not in self.plan.played or not (due or begun):
            return None
        found, usual = predict(self.who, self.plan, self.signals, scene, now=now), self.live.usual()
        if begun == scene:
            # After an outage several scenes begin in one batch: each is a boundary, and the log has no gap.
            for one in fresh:
                if one.type == "playback.scene_start" and one.position is not None and one.position.scene in self.plan.played:
                    self._decide_at(one.position.scene, "scene_start", found, now)
            self._decide_at(scene, "scene_start", found, now)
        elif found is not None and usual is not None and found.value < usual - SHARP_DROP:
            self._decide_at(scene, "drop", found, now)
        if found is None or not due:
            return None
        before = self.live.mean_prediction if self.live.predictions else found.value
        self.predicted_at = time.monotonic()
        self.live.note_prediction(found.value)
        return _told(found, before, self._percentile())

    def _begun(self, fresh: Sequence[Event]) -> int | None:
        """The scene that these events tell has begun. While the socket was away its start may have come another way, or have been met with
        an older plan: then whatever happens in it tells."""
        played = self.plan.played
        places = [one.position.scene for one in reversed(fresh) if one.position is not None and one.position.scene in played]
        if self.plan.remaining and places and places[0] is not None and not self._decided(places[0], "scene_start"):
            return places[0]
        starts = (one.position.scene for one in reversed(fresh) if one.type == "playback.scene_start" and one.position)
        begun = next(starts, None)
        return begun if begun in played else None

    def _decided(self, scene: int, trigger: Trigger) -> bool:
        name = Boundary.name_of(self.live.epoch, scene, trigger)
        return name in self.live.boundaries or any(one.name(self.live.epoch) == name for one in self.boundaries)

    def _percentile(self) -> float | None:
        """How far this playback has come among those of films of like length."""
        return self.standing.of_playback(progress_of(self.signals, film_of(self.plan))) if self.standing is not None else None

    def _decide_at(self, scene: int, trigger: Trigger, found: Engagement | None, now: datetime) -> None:
        if self.plan.remaining and not self._decided(scene, trigger):
            snapshot = SessionSignals.decode(self.signals.encode())
            self.boundaries.append(Boundary(scene, trigger, found, snapshot, self.live.usual(), now))

    def resume(self, *, now: datetime) -> None:
        """A process may have died between the acknowledgement of a scene's start and its decision, which is then made now; where it was
        made after all, the decision is the same one."""
        scene = self.signals.scene
        if scene is not None and scene in self.plan.played:
            self._decide_at(scene, "scene_start", predict(self.who, self.plan, self.signals, scene, now=now), now)

    @property
    def wants_more(self) -> bool:
        return needs_more(self.plan, self.live.t)

    def breaks_met(self) -> list[tuple[Break, float]]:
        """Breaks that were on screen since they were last noted, and when (Unix seconds): that may be long after they were decided."""
        met = []
        for one in self.plan.breaks:
            at = self.live.shown.get(one.id, 0.0)
            if self.load_of is not None and at > self.noted.get(one.id, 0.0) + BREAK_NOTED_SECONDS:
                self.noted[one.id] = at
                met.append((one, at))
        return met


def attend(session_id: uuid.UUID, *, hashes: dict[str, str], now: datetime) -> Attended:
    """Read what is known of a session. ``hashes`` are those of the address and the browser at the other end, valid today.

    Raises UnknownSession, LogUnavailable.
    """
    session = PlaybackSession.objects.select_related("viewer").filter(pk=session_id).first()
    if session is None:
        raise UnknownSession(str(session_id))
    state = State(session_id, session.plan_version, from_json(session.plan))
    relog(state)
    market.keep_fresh(now=now)
    before = live.known(session_id)
    same = before is not None and before.epoch == state.plan.epoch
    known = before if before is not None and same else live.carried(before, epoch=state.plan.epoch, t=0.0, now=now)
    known.around = msgspec.structs.replace(known.around, **hashes, day=now.date().isoformat())
    found = Attended(state, known, watching(session, now=now), adload.shared(session))
    found.standing = standing(found.who.title, now=now)
    found.resume(now=now)
    return found


def _told(found: Engagement, before: float, percentile: float | None) -> dict[str, Any]:
    """An ``engagement`` message. ``trend`` compares with the session's mean so far."""
    change = found.value - before
    return {
        "type": "engagement", "value": found.value, "low": found.low, "high": found.high, "leave": found.leave,
        "leave_low": found.leave_low, "leave_high": found.leave_high, "leave_version": found.leave_version,
        "trend": "rising" if change > TREND else "falling" if change < -TREND else "steady", "percentile": percentile,
        "model_version": found.model_version, "ms": round(found.milliseconds, 2),
    }  # fmt: skip
