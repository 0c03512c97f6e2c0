"""The Director at work: sees, decides, changes the open part of the plan, and logs the decision."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adplatform.eventlog import ids, stream
from adplatform.eventlog.envelope import Event, Position
from engagement.models import PlaybackSession
from engagement.playback.plan import Plan
from engagement.playback.publishing import State, UnknownSession, change_plan

from . import history, usual
from .dataset import surroundings
from .features import SCHEMA, Film, SceneContext, SessionSignals, build, in_scene, on_screen
from .film import film_of
from .policy import USUAL_WITHOUT_HISTORY, Choice, Sight, Trigger, applied, candidates, choose
from .prediction import Engagement, predict_engagement

EXPERIMENT = "director"
CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Watching:
    """What does not change while a session lasts. ``around`` still wants its scene."""

    session: uuid.UUID
    viewer: uuid.UUID | None
    title: int
    arms: Mapping[str, str]
    around: SceneContext
    synthetic: bool = False

    @property
    def directed(self) -> bool:
        return self.arms.get(EXPERIMENT) != CONTROL


@dataclass(frozen=True, slots=True)
class Acted:
    """``state`` is the plan after the decision; ``event`` is what was logged."""

    state: State
    choice: Choice
    applied: bool
    milliseconds: float
    event: Event

    def message(self) -> dict[str, Any]:
        """The decision as the player is told."""
        scene = self.choice.moved if self.choice.moved is not None else self.event.data["scene"]
        action = self.choice.action if self.applied or self.choice.moved is None else "keep"
        return {"type": "decision", "action": action, "reason": self.choice.reason, "scene": scene, "ms": round(self.milliseconds, 2)}


def watching(session: PlaybackSession) -> Watching:
    """Reads the viewer's history, which is used only with consent."""
    return Watching(
        session=session.pk,
        viewer=session.viewer_id,
        title=session.title_id,
        arms=session.arms,
        around=surroundings(session, history.facts_of([session])[session.pk]),
        synthetic=session.synthetic,
    )


def load_watching(session_id: uuid.UUID) -> Watching:
    """Raises UnknownSession."""
    session = PlaybackSession.objects.filter(pk=session_id).defer("plan").first()
    if session is None:
        raise UnknownSession(str(session_id))
    return watching(session)


def context_of(who: Watching, film: Film, signals: SessionSignals, scene_id: int, *, now: datetime) -> SceneContext:
    """The surroundings with a scene in them: the one on screen as it stands, another one as if it began now."""
    here = on_screen(signals, who.around, film, now.timestamp()) if signals.scene == scene_id else None
    return here or in_scene(who.around, film, scene_id)


def predict(who: Watching, plan: Plan, signals: SessionSignals, scene_id: int, *, now: datetime) -> Engagement | None:
    """For the scene on screen; None while no model serves."""
    return predict_engagement(signals, context_of(who, film_of(plan), signals, scene_id, now=now), now=now.timestamp())


def act(
    who: Watching,
    state: State,
    signals: SessionSignals,
    *,
    scene: int,
    trigger: Trigger,
    engagement: Engagement | None,
    session_usual: float | None,
    now: datetime,
) -> Acted:
    """Decide at this boundary and play the decision. ``scene`` is on screen; ``session_usual`` the mean prediction so far.

    Raises LogUnavailable, and UnknownSession when the session was deleted.
    """
    started = time.perf_counter()
    sight = _sight(who, state.plan, signals, scene=scene, trigger=trigger, engagement=engagement, session_usual=session_usual, now=now)
    choice = choose(sight)
    milliseconds = (time.perf_counter() - started) * 1000
    decided_on, played = state.plan, False
    if choice.moved is not None:
        state = change_plan(who.session, lambda latest: applied(latest, choice, decided_on=decided_on))
        played = state.won
    event = _event(who, state.plan, sight, choice, signals, engagement, played=played, milliseconds=milliseconds, now=now)
    stream.append([event])
    return Acted(state, choice, played, milliseconds, event)


def _sight(
    who: Watching,
    plan: Plan,
    signals: SessionSignals,
    *,
    scene: int,
    trigger: Trigger,
    engagement: Engagement | None,
    session_usual: float | None,
    now: datetime,
) -> Sight:
    film, expected = film_of(plan), {}
    for candidate in candidates(plan):
        following = replace(in_scene(who.around, film, candidate, place=len(plan.played) + 1), intensity_before=film[scene].intensity)
        found = predict_engagement(signals, following, now=now.timestamp())
        if found is not None:
            expected[candidate] = found.value
    known = [share for share in (usual.of_title(who.title, now=now), session_usual) if share is not None]
    since = now.timestamp() - 60
    return Sight(
        plan=plan,
        scene=scene,
        trigger=trigger,
        engagement=engagement.value if engagement else None,
        usual=sum(known) / len(known) if known else USUAL_WITHOUT_HISTORY,
        expected=expected,
        stalled_seconds=sum(seconds for at, seconds in signals.stalls if at > since),
        directed=who.directed,
    )


def _event(
    who: Watching,
    plan: Plan,
    sight: Sight,
    choice: Choice,
    signals: SessionSignals,
    engagement: Engagement | None,
    *,
    played: bool,
    milliseconds: float,
    now: datetime,
) -> Event:
    """One id for one boundary of one epoch: whoever decides it again, the log keeps one."""
    row = build(signals, context_of(who, film_of(plan), signals, sight.scene, now=now), now.timestamp())[0]
    data = {
        "action": choice.action,
        "applied": played,
        "reason": choice.reason,
        "trigger": sight.trigger,
        "scene": sight.scene,
        "moved": choice.moved,
        "engagement": sight.engagement,
        "usual": sight.usual,
        "alternatives": list(choice.alternatives),
        "features": {name: None if math.isnan(value) else round(float(value), 4) for name, value in zip(SCHEMA.names, row, strict=True)},
        "propensity": 1.0,
        "model_version": engagement.model_version if engagement else None,
        "milliseconds": round(milliseconds, 3),
    }
    return Event(
        id=ids.derived_id(who.session, "director.decision", plan.epoch, sight.scene, sight.trigger), type="director.decision", occurred_at=now,
        received_at=now, session=who.session, viewer=who.viewer, title=who.title, position=Position(sight.scene), synthetic=who.synthetic, data=data,
    )  # fmt: skip
