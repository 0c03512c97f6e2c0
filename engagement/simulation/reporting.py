"""Turns what a synthetic person did into the events a player would have sent. Pure: times and ids come in as arguments."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from adplatform.eventlog import ids, tokens
from adplatform.eventlog.envelope import REPEATABLE_AD_TYPES, Event, Position

from .behaviour import Action, Watched

HEARTBEAT_SECONDS = 10.0


@dataclass
class Reporter:
    """Counts one session's events and gives each its id, time and sequence number; a heartbeat every ``beat`` seconds."""

    session: uuid.UUID
    viewer: uuid.UUID | None
    title: int
    synthetic: bool = True
    seq: int = 0
    ip_hash: str = ""
    ua_hash: str = ""
    beat: float = HEARTBEAT_SECONDS

    def event(self, type_: str, at: datetime, *, scene: int | None = None, offset: float = 0.0, **data: object) -> Event:
        self.seq += 1
        return Event(
            id=ids.new_id(at),
            type=type_,
            occurred_at=at,
            received_at=at,
            session=self.session,
            seq=self.seq,
            position=Position(scene, round(offset, 3)) if scene is not None else None,
            viewer=self.viewer,
            title=self.title,
            synthetic=self.synthetic,
            ip_hash=self.ip_hash,
            ua_hash=self.ua_hash,
            data=dict(data),
        )

    def ad_event(self, type_: str, at: datetime, token: tokens.TrackingToken) -> Event:
        """As the edge would make it: the id follows from the token, whatever the client says."""
        self.seq += 1
        parts = (token.slot, type_, self.seq) if type_ in REPEATABLE_AD_TYPES else (token.slot, type_)
        return Event(
            id=ids.derived_id(token.decision, *parts),
            type=type_,
            occurred_at=at,
            received_at=at,
            session=self.session,
            seq=self.seq,
            viewer=token.viewer,
            title=token.title,
            decision=token.decision,
            slot=token.slot,
            ad=token.ad,
            flight=token.flight,
            price_micros=token.price_micros,
            synthetic=self.synthetic,
            ip_hash=self.ip_hash,
            ua_hash=self.ua_hash,
        )


def timed(watched: Watched, began: datetime) -> Iterator[tuple[Action, datetime]]:
    """Each action with its time on the wall: what was paused for is added to all that follows."""
    paused = 0.0
    for action in watched.actions:
        yield action, began + timedelta(seconds=action.at + paused)
        paused += action.pause


def wall_seconds(watched: Watched) -> float:
    return watched.seconds + sum(action.pause for action in watched.actions)


def scene_started(reporter: Reporter, scene: int, *, at: datetime, t0: float, cut: str, change: str) -> Event:
    """``t0`` in playlist seconds."""
    return reporter.event("playback.scene_start", at, scene=scene, t=round(t0, 3), cut=cut, change=change)


def scene_events(reporter: Reporter, scene: int, watched: Watched, *, began: datetime, t0: float, cut: str, duration: float) -> Iterator[Event]:
    """What happened once it had started, with a heartbeat now and then, and its end or the leaving. ``t0`` in playlist seconds."""
    next_beat = reporter.beat / 2
    for action, at in timed(watched, began):
        while next_beat < action.at:
            yield _heartbeat(reporter, scene, next_beat, began, t0, watched)
            next_beat += reporter.beat
        yield reporter.event(action.type, at, scene=scene, offset=action.at, t=round(t0 + action.at, 3), **action.data)
    while next_beat < watched.seconds:
        yield _heartbeat(reporter, scene, next_beat, began, t0, watched)
        next_beat += reporter.beat
    ended = began + timedelta(seconds=wall_seconds(watched))
    kind = "playback.leave" if watched.left else "playback.scene_end"
    data = {"cut": cut, "watched": round(watched.seconds, 3), "duration": round(duration, 3)}
    yield reporter.event(kind, ended, scene=scene, offset=watched.seconds, t=round(t0 + watched.seconds, 3), **data)


def ad_events(reporter: Reporter, token: tokens.TrackingToken, watched: Watched, *, began: datetime) -> Iterator[Event]:
    for action, at in timed(watched, began):
        yield reporter.ad_event(action.type, at, token)


def _heartbeat(reporter: Reporter, scene: int, offset: float, began: datetime, t0: float, watched: Watched) -> Event:
    at, arrives = began + timedelta(seconds=offset), {"buffer": watched.buffer, "dropped": watched.dropped}
    return reporter.event("playback.heartbeat", at, scene=scene, offset=offset, t=round(t0 + offset, 3), playing=True, rate=1.0, **arrives)
