"""One playback of one person, from the first clip to the end or the leaving: the same for written history and for benchmarks. Pure but
for the stage it plays on.

It plays a plan as a player does: what comes next is published a whole clip ahead, the Director is asked when a scene begins, before
anything behind it is published. All times come from the walk's own clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from numpy.random import Generator

from adplatform.eventlog.envelope import Event
from engagement.director.film import film_of
from engagement.director.signals import SessionSignals
from engagement.playback import edits
from engagement.playback.plan import Break, DecideBreak, Item, Plan, needs_more, next_step, publish_scene

from . import reporting, scenes
from .audience import Audience
from .behaviour import Watched, logistic, stars
from .expected import Coming
from .people import Person
from .reporting import Reporter
from .scenes import Picture, SceneView, Sitting

SUGGESTION_ANSWERED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Suggested:
    """A title that the Director suggests, and the decision that did."""

    title: int
    genres: tuple[str, ...]
    decision: str


class Stage(Protocol):
    """What a playback meets."""

    def fill(self, walk: Walk, due: Break) -> Plan:
        """The walk's plan with this break decided."""

    def direct(self, walk: Walk, scene: int) -> tuple[Plan, Suggested | None]:
        """The plan once the Director has decided at the start of this scene."""

    def watch_ad(self, walk: Walk, item: Item, place: int) -> Watched:
        """What the person does with an ad, reported and counted."""

    def about_to_watch(self, walk: Walk, coming: Coming, arrives: Picture) -> None:
        """A scene has begun and is about to be watched: the moment whose truth can be told."""

    def log(self, events: Sequence[Event]) -> None:
        """Take what the player reports."""


@dataclass
class Walk:
    """``genres`` are those of the film; ``poor`` tells a bad connection. ``honest`` viewers watch; others only run to the first ads."""

    stage: Stage
    audience: Audience
    person: Person
    genres: tuple[str, ...]
    reporter: Reporter
    plan: Plan
    clock: datetime
    rng: Generator
    poor: bool = False
    honest: bool = True
    signals: SessionSignals = field(default_factory=SessionSignals)
    sitting: Sitting = scenes.FRESH
    ads_before: float = 0.0
    finished: bool = False
    switched: Suggested | None = None
    index: int = -1

    def __post_init__(self) -> None:
        film = [scene.clip.duration() for scene in self.plan.film]
        self.usual = sum(film) / len(film)
        self.film = film_of(self.plan)

    def run(self) -> None:
        self.log([self.reporter.event("playback.start", self.clock)])
        while True:
            self.index += 1
            self._lead()
            if self.index >= len(self.plan.published):
                self._end()
                return
            item = self.plan.published[self.index]
            if not (self._scene(item) if item.scene else self._ad(item)):
                self._left()
                return

    def log(self, events: Sequence[Event]) -> None:
        """Report, and fold what was reported as the server does."""
        for event in events:
            scene, offset = (event.position.scene, event.position.offset) if event.position else (None, None)
            at = event.occurred_at.timestamp()
            self.signals.update(event.type, at, scene=scene, offset=offset, data=event.data, film=self.film, seq=event.seq)
        self.stage.log(events)

    def shown(self) -> tuple[int, ...]:
        """Ids of the scenes that were on screen, the one on screen last."""
        return tuple(item.scene for item in self.plan.published[: self.index + 1] if item.scene)

    def playhead(self) -> float:
        """Playlist seconds at which the clip on screen begins; those published so far when nothing is."""
        published = self.plan.published
        return published[self.index].t0 if self.index < len(published) else self.plan.published_until

    def _lead(self) -> None:
        """Publish until a whole clip lies ahead."""
        while not self.plan.ended and (self.index >= len(self.plan.published) or needs_more(self.plan, self.playhead())):
            step = next_step(self.plan)
            self.plan = self.stage.fill(self, step.due) if isinstance(step, DecideBreak) else publish_scene(self.plan)

    def _scene(self, item: Item) -> bool:
        if not self.honest:
            return True
        view = self.view(self.plan, item.scene, item.t1 - item.t0, index=self.sitting.scenes)
        self.log([reporting.scene_started(self.reporter, item.scene, at=self.clock, t0=item.t0, cut=item.cut, change=item.change)])
        if not self.plan.as_edited and scenes.asks_for_the_edit(self.audience, self.person, view, self.rng):
            self.log([self.reporter.event("playback.as_edited", self.clock, scene=item.scene, on=True)])
            self.plan = edits.as_edited(self.plan, wanted=True)
        self.plan, suggested = self.stage.direct(self, item.scene) if self.plan.remaining else (self.plan, None)
        self._lead()
        if suggested is not None and self._answers(suggested, item):
            return False
        arrives = scenes.picture(self.audience, poor=self.poor, rng=self.rng)
        self.stage.about_to_watch(self, self._coming(view), arrives)
        watched = scenes.watch_scene(
            self.audience, self.person, view, ad_seconds=self.ads_before, rng=self.rng, sitting=self.sitting, arrives=arrives
        )
        events = reporting.scene_events(self.reporter, item.scene, watched, began=self.clock, t0=item.t0, cut=item.cut, duration=item.t1 - item.t0)
        self.log(list(events))
        self.clock += timedelta(seconds=reporting.wall_seconds(watched))
        self.sitting = scenes.after_scene(self.audience, self.person, view, self.sitting, watched, poor=arrives.poor)
        self.ads_before = 0.0
        return not watched.left

    def _answers(self, suggested: Suggested, item: Item) -> bool:
        """Whether the person goes over to the suggested title; the answer is reported either way."""
        taken = self.rng.random() < scenes.follows_suggestion(self.audience, self.person, self.sitting, suggested.genres)
        self.clock += timedelta(seconds=SUGGESTION_ANSWERED_SECONDS) if taken else timedelta()
        offset = SUGGESTION_ANSWERED_SECONDS if taken else 0.0
        told = {"decision": suggested.decision, "title": suggested.title, "taken": taken}
        self.log([self.reporter.event("playback.suggestion", self.clock, scene=item.scene, offset=offset, **told)])
        if not taken:
            self.sitting = replace(self.sitting, annoyed=self.sitting.annoyed + self.audience.suggesting.annoyance)
            return False
        self.switched = suggested
        self.log([self.reporter.event("playback.leave", self.clock, scene=item.scene, offset=offset, t=round(item.t0 + offset, 3), watched=offset)])
        return True

    def _ad(self, item: Item) -> bool:
        before = self.plan.published[: self.index]
        watched = self.stage.watch_ad(self, item, sum(other.break_id == item.break_id for other in before))
        self.clock += timedelta(seconds=reporting.wall_seconds(watched))
        self.ads_before += watched.seconds
        self.sitting = replace(self.sitting, ad_seconds=self.sitting.ad_seconds + watched.seconds)
        if watched.left:
            self.log([self.reporter.event("playback.leave", self.clock)])
        after = self.plan.published[self.index + 1 : self.index + 2]
        return not watched.left and (self.honest or any(one.break_id == item.break_id for one in after))

    def view(self, plan: Plan, scene_id: int, duration: float, *, index: int) -> SceneView:
        """A scene of a plan as the person meets it after ``index`` others."""
        scene, order = plan.scene(scene_id), (*plan.played, *plan.remaining)
        as_written = sorted(order, key=lambda one: plan.scene(one).position)
        return SceneView(
            id=scene.id, mood=scene.mood, intensity=scene.intensity, genres=self.genres, duration=duration, index=index, usual=self.usual,
            whole=scene.clip.duration(), moved=order.index(scene_id) - as_written.index(scene_id), optional=scene.optional,
        )  # fmt: skip

    def _coming(self, view: SceneView) -> Coming:
        ahead = self.plan.published[self.index + 1 :]
        place = next((place for place, item in enumerate(ahead) if item.scene), None)
        ads = [item.t1 - item.t0 for item in ahead[:place]]
        if place is not None:
            following = self.view(self.plan, ahead[place].scene, ahead[place].t1 - ahead[place].t0, index=view.index + 1)
        elif self.plan.remaining:
            scene = self.plan.remaining[0]
            duration = self.plan.scene(scene).clip.duration(self.plan.cut_of(scene))
            following = self.view(self.plan, scene, duration, index=view.index + 1)
        else:
            return Coming(view, self.ads_before, ads)
        return Coming(view, self.ads_before, ads, following)

    def _end(self) -> None:
        self.finished = True
        self._complain()
        self.log([self.reporter.event("playback.end", self.clock, t=round(self.plan.published_until, 3))])
        if self.rng.random() < self.audience.rating.share:
            mean = self.sitting.fits / max(1, self.sitting.scenes)
            self.log([self.reporter.event("playback.rating", self.clock, stars=stars(mean, rng=self.rng))])

    def _left(self) -> None:
        if self.honest and self.switched is None:
            self._complain()

    def _complain(self) -> None:
        for about in scenes.complaints(self.audience, self.person, self.sitting, rng=self.rng):
            self.log([self.reporter.event("playback.complaint", self.clock, about=about)])


def satisfaction(audience: Audience, sitting: Sitting, *, finished: bool) -> float:
    """What a playback was worth to the person: hidden, and what moves whether they come again."""
    rule, scenes_met = audience.returning, max(1, sitting.scenes)
    seconds = sitting.ad_seconds + sitting.film_seconds
    worth = sitting.fits / scenes_met + (rule.finished if finished else 0.0) + rule.per_poor_share * sitting.poor / scenes_met
    return worth + (rule.per_ad_share * sitting.ad_seconds / seconds if seconds else 0.0)


def stays_away(audience: Audience, pleasure: float) -> float:
    """True probability of staying away after a playback that leaves this ``pleasure``."""
    return logistic(audience.returning.lost + audience.returning.per_pleasure * pleasure)
