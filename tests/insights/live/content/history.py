"""Viewings as they really come about: a published plan, events through the log and its consumer, traces taken of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from adplatform.eventlog import consumer, ids, stream
from adplatform.eventlog.envelope import Event, Position
from adplatform.eventlog.partitions import days_around, ensure_partitions
from catalog import selectors
from catalog.models import Scene, Title
from engagement.models import PlaybackSession, Viewer
from engagement.playback import plan as plans
from engagement.playback.clips import film_of
from engagement.playback.plan import DecideBreak, Plan, PlannedScene
from engagement.retention.rollup import take_traces
from tests.engagement.playback.films import ad_of

NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(hours=3)

Leaving = Literal["in the scene", "in the break", "at the end"]


@lru_cache(maxsize=64)
def _film(slug: str, scenes: tuple[int, ...]) -> tuple[PlannedScene, ...]:
    """Once for each installation of the films: their scenes have other ids in the next test."""
    return tuple(film_of(selectors.title_for_watching(slug)))


def planned(title: Title, *, scenes: tuple[int, ...], places: int, ads: bool) -> Plan:
    """The author's order, published up to so many places; each break met on the way is filled with one ad, or left out."""
    made = plans.first_plan(_film(title.slug, scenes), change_budget=title.change_budget)
    while (step := plans.next_step(made)) is not None and (len(made.played) < places or isinstance(step, DecideBreak)):
        if not isinstance(step, DecideBreak):
            made = plans.publish_scene(made)
        elif ads:
            made = plans.fill_break(made, step.due, [ad_of(1)], decision=uuid.UUID(int=1))
        else:
            made = plans.leave_out(made, step.due, code="policy_spacing", reason="Too little of the film has passed")
    return made


@dataclass
class Viewing:
    """``whole`` scenes seen to their end, and then where the viewer ``left``: two seconds into the next scene, in the break before it, or
    not before the film's end."""

    title: Title
    whole: int
    left: Leaving = "in the scene"
    ads: bool = True
    device: str = "tv"
    viewer: Viewer | None = None
    consent: bool = False
    began: datetime = BEGAN
    synthetic: bool = False
    events: list[Event] = field(default_factory=list)

    def told(self) -> list[Event]:
        ensure_partitions(days_around(self.began.date()))
        film = list(Scene.objects.filter(title=self.title).select_related("asset").order_by("position"))
        places = self.whole if self.left == "in the break" else self.whole + 1
        session = PlaybackSession.objects.create(
            id=ids.new_id(self.began), title=self.title, device=self.device, hour=20, started_at=self.began, last_seen_at=self.began,
            viewer=self.viewer, consent=self.consent, synthetic=self.synthetic,
            plan=planned(self.title, scenes=tuple(one.pk for one in film), places=min(len(film), places), ads=self.ads).as_json(),
        )  # fmt: skip
        self._add(session, "session", 0.0, data={"device": self.device, "genres": []})
        at = 1.0
        for scene in film[: self.whole]:
            duration = scene.asset.duration if scene.asset else 0.0
            self._add(session, "scene_start", at, scene.pk)
            at += duration
            self._add(session, "scene_end", at, scene.pk, duration, data={"watched": duration, "duration": duration, "completed": True})
        if self.left == "at the end":
            self._add(session, "end", at)
        elif self.left == "in the break":
            self._add(session, "leave", at + 3)
        else:
            self._add(session, "scene_start", at + 6, film[self.whole].pk)
            self._add(session, "leave", at + 8, film[self.whole].pk, 2.0, data={"watched": 2.0})
        return self.events

    def _add(self, session: PlaybackSession, kind: str, after: float, scene: int | None = None, offset: float = 0.0, **more: Any) -> None:
        at = self.began + timedelta(seconds=after)
        self.events.append(
            Event(
                id=ids.new_id(at),
                type=f"playback.{kind}",
                occurred_at=at,
                received_at=at,
                session=session.pk,
                seq=len(self.events) + 1,
                position=None if scene is None else Position(scene, offset),
                title=self.title.pk,
                synthetic=self.synthetic,
                viewer=None if self.viewer is None else self.viewer.pk,
                **more,
            )
        )


def watch(*viewings: Viewing) -> None:
    """Through the log into the tables, with the traces of sessions that are silent by now."""
    stream.append([event for one in viewings for event in one.told()])
    consumer.drain(now=NOW)
    take_traces(now=NOW)
