"""Where a player is and what its viewer does, followed from the events it sends."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from datetime import datetime

from adplatform.eventlog.envelope import Event
from engagement.director.features import SessionSignals
from engagement.director.film import film_of

from . import live as live_state
from .live import Live
from .plan import Plan, film_between, index_at, time_of_position
from .publishing import UnknownSession, load

# A step of the playhead this much longer than the time that passed is still play: events are told in batches.
SLACK_SECONDS = 2.5
STOPPING = frozenset({"playback.pause", "playback.leave", "playback.end"})
GOING = frozenset({"playback.start", "playback.play"})


def take(live: Live, signals: SessionSignals, plan: Plan, events: Sequence[Event], *, now: datetime) -> list[Event]:
    """Fold what happened into ``live`` and ``signals``; returns the events that were not counted before."""
    fresh = [event for event in events if live.takes(event)]
    follow(live, plan, fresh, now=now)
    film = film_of(plan)
    for event in fresh:
        place = event.position
        scene, offset = (place.scene, place.offset) if place else (None, None)
        signals.update(event.type, event.occurred_at.timestamp(), scene=scene, offset=offset, data=event.data, film=film, seq=event.seq)
    live.signals = signals.encode()
    return fresh


def overhear(session: uuid.UUID, events: Sequence[Event], now: datetime) -> None:
    """What a player tells over HTTP, its last words too, moves the same state that its socket keeps. Raises LogUnavailable."""
    known = live_state.known(session)
    if known is None:
        return
    with contextlib.suppress(UnknownSession):
        plan = load(session).plan
        if plan.epoch == known.epoch and take(known, SessionSignals.decode(known.signals), plan, events, now=now):
            live_state.keep(session, known)


def follow(live: Live, plan: Plan, events: Sequence[Event], *, now: datetime) -> None:
    """Move ``live`` along: its playhead, whether it plays, and when it was last heard."""
    live.heard_at = now.timestamp()
    for event in events:
        moved = _playhead(event, plan)
        if moved is not None:
            _move(live, plan, min(moved, plan.published_until), now)
        _note_pace(live, event, now)


def _move(live: Live, plan: Plan, t: float, now: datetime) -> None:
    """A step as long as the time it took was watched; a longer one was a jump."""
    moment = now.timestamp()
    if 0 < t - live.t <= max(0.0, moment - live.at) * live.rate + SLACK_SECONDS:
        live.film += film_between(plan, live.t, t)
    live.t, live.at = t, moment
    live.furthest = max(live.furthest, t)
    item = plan.published[index_at(plan, t)] if plan.published else None
    if item is not None and item.ad is not None:
        live.shown = {**live.shown, item.break_id: moment}


def _playhead(event: Event, plan: Plan) -> float | None:
    said = event.data.get("t")
    if isinstance(said, int | float) and not isinstance(said, bool):
        return max(0.0, float(said))
    if event.position is not None and event.position.scene is not None:
        return time_of_position(plan, event.position.scene, event.position.offset)
    return None


def _note_pace(live: Live, event: Event, now: datetime) -> None:
    if event.type == "playback.heartbeat":
        live.playing = event.data.get("playing") is not False
    elif event.type in STOPPING | GOING:
        if live.playing and event.type in STOPPING:
            live.at = now.timestamp()
        live.playing = event.type in GOING
    rate = event.data.get("rate")
    if isinstance(rate, int | float) and 0.1 <= rate <= 4:
        live.rate = float(rate)
