"""The Director at work: decides a boundary once, changes the open part of the plan, and logs the decision.

Three steps, each safe to repeat after a crash. The decision is claimed in Redis under its boundary; a change is written into the plan
together with the decision, by one compare-and-set; the log gets it last. Whoever comes to a boundary that is claimed goes on with that
decision, and whoever loads a plan logs the decision in it again: it has one id, so the tables keep it once.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import redis
from django.conf import settings
from django.utils import timezone

from adplatform.eventlog import stream
from adplatform.eventlog.envelope import Event, decode, encode
from catalog.models import Title
from catalog.selectors import card_url
from engagement.churn.care import care_of
from engagement.models import CHANGES_THE_PLAN, DirectorDecision, PlaybackSession
from engagement.playback.plan import Plan
from engagement.playback.publishing import State, UnknownSession, change_plan

from . import history, market, usual
from .dataset import surroundings
from .deciding import CONTROL, Moment, Suggested, Watching, context_of, decide, edited, event_of, unpacked
from .features import SessionSignals
from .policy import Rules, Trigger
from .prediction import Engagement, predict_engagement

__all__ = ["CONTROL", "Acted", "Watching", "act", "load_watching", "predict", "relog", "rules", "watching"]

CLAIM_SECONDS = 24 * 3600
MOST_LOGGED = 10_000
TOO_LATE = " The film went on before it could be done."
_logged: OrderedDict[uuid.UUID, None] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Acted:
    """``state`` is the plan after the decision; ``event`` is what was logged; ``who`` forgets a suggestion that was made."""

    state: State
    event: Event
    who: Watching

    @property
    def applied(self) -> bool:
        return bool(self.event.data["applied"])

    def message(self) -> dict[str, Any]:
        """The decision as the player is told; a suggestion names its title, and the decision that made it."""
        data = self.event.data
        action = data["action"] if self.applied else "keep"
        told = {
            "type": "decision", "id": str(self.event.id), "at": self.event.occurred_at.isoformat(), "action": action,
            "reason": data["reason"], "scene": data["following"], "explored": data["explored"],
            "ms": round(data["milliseconds"], 2), "policy_version": data["policy_version"],
        }  # fmt: skip
        return told | ({"title": data["suggestion"]} if action == "suggest" else {})


def rules() -> Rules:
    """As this installation is set up."""
    return Rules(
        exploration=settings.DIRECTOR_EXPLORATION,
        quantile=settings.DIRECTOR_GAIN_QUANTILE,
        least_trials=settings.DIRECTOR_LEAST_TRIALS,
        salt=settings.SECRET_KEY,
        currency=f" {settings.CURRENCY}",
    )


def watching(session: PlaybackSession, *, now: datetime) -> Watching:
    """Reads the viewer's history and risk, which are used only with consent. A session is suggested one title."""
    care = care_of(session, now=now)
    told = DirectorDecision.objects.filter(session=session.pk, applied=True).exclude(suggested=None).exists()
    offer = None if told else care.suggestion
    return Watching(
        session=session.pk,
        viewer=session.viewer_id,
        title=session.title_id,
        arms=session.arms,
        around=surroundings(session, history.facts_of([session])[session.pk]),
        synthetic=session.synthetic,
        break_share=care.break_share,
        suggestion=_suggested(offer.title) if offer else None,
    )


def _suggested(title_id: int) -> Suggested | None:
    """What is kept in memory of what to suggest may be older than a title's being there."""
    title = Title.objects.filter(pk=title_id, published=True).first()
    return Suggested(title.pk, title.slug, title.name, card_url(title)) if title is not None else None


def load_watching(session_id: uuid.UUID) -> Watching:
    """Raises UnknownSession."""
    session = PlaybackSession.objects.filter(pk=session_id).select_related("viewer").defer("plan").first()
    if session is None:
        raise UnknownSession(str(session_id))
    now = timezone.now()
    keep_fresh(session.title_id, now=now)
    return watching(session, now=now)


def keep_fresh(title: int, *, now: datetime) -> None:
    """Read what decisions in a title are made at, where what this process knows is too old; called where nobody waits for one."""
    market.keep_fresh(now=now)
    usual.keep_fresh(title, now=now)


def predict(who: Watching, plan: Plan, signals: SessionSignals, scene_id: int, *, now: datetime) -> Engagement | None:
    """For the scene on screen; None while no model serves."""
    return predict_engagement(signals, context_of(who, plan, signals, scene_id, now=now), now=now.timestamp())


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
    """Decide at this boundary and play the decision; one that was decided already is gone on with.

    ``scene`` is on screen; ``session_usual`` the mean prediction so far. Raises LogUnavailable, UnknownSession when the session was
    deleted, and ValueError for a plan that is published to its end.
    """
    relog(state)
    known = [share for share in (usual.of_title(who.title), session_usual) if share is not None]
    usually = sum(known) / len(known) if known else None
    moment = Moment(who, state.plan, signals, scene, trigger, now, engagement, usually)
    made = unpacked(state.plan.decision)
    if made is not None and made.id == moment.boundary:
        return Acted(state, made, who)
    prices = market.prices(who.title, who.around.device, now=now, break_share=who.break_share)
    decided = decide(moment, prices=prices, rules=rules())
    event = _claimed(moment, event_of(decided, applied=decided.takes_effect and who.directed))
    if event.data["action"] in CHANGES_THE_PLAN:
        state, event = _changed(state, event)
    _log(event)
    keep_fresh(who.title, now=now)
    return Acted(state, event, replace(who, suggestion=None) if event.data["suggestion"] else who)


def relog(state: State) -> None:
    """Log the decision in a plan again, unless this process is sure that it is logged: whoever wrote it may have died before it could.
    Raises LogUnavailable."""
    made = unpacked(state.plan.decision)
    if made is not None and made.id not in _logged:
        _log(made)


def _claimed(moment: Moment, event: Event) -> Event:
    """The decision of this boundary that came first: ours, or that of a process which decided it before. Raises LogUnavailable."""
    key, name = f"director:{moment.who.session}", f"{moment.plan.epoch}.{moment.scene}.{moment.trigger}"
    try:
        with stream.client().pipeline(transaction=True) as pipeline:
            pipeline.hsetnx(key, name, encode(event))
            pipeline.hget(key, name)
            pipeline.expire(key, CLAIM_SECONDS)
            first, kept, _ = pipeline.execute()
    except redis.exceptions.RedisError as error:
        raise stream.LogUnavailable(str(error)) from error
    return event if first else decode(kept)


def _changed(state: State, event: Event) -> tuple[State, Event]:
    """The plan with this change, if it came in time, and the event as it then is."""

    def edit(latest: Plan) -> Plan:
        before = unpacked(latest.decision)
        if before is not None and before.id == event.id:
            return latest
        changed = edited(latest, event)
        if changed != latest and before is not None and before.id not in _logged:
            # It is about to be overwritten, and nobody else might know it.
            _log(before)
        return changed

    state = change_plan(state.session, edit)
    made = unpacked(state.plan.decision)
    if made is not None and made.id == event.id:
        return state, made
    order = (*state.plan.played, *state.plan.remaining)
    following = order[event.data["place"] - 1] if event.data["place"] <= len(order) else None
    data = event.data | {"applied": False, "reason": event.data["reason"] + TOO_LATE, "following": following}
    return state, msgspec.structs.replace(event, data=data)


def _log(event: Event) -> None:
    stream.append([event])
    _logged[event.id] = None
    while len(_logged) > MOST_LOGGED:
        _logged.popitem(last=False)
