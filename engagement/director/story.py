"""One session told event by event: what its signals are at any moment, and what the viewer then did. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adplatform.learning.schema import Matrix

from .features import SceneContext, build, on_screen
from .signals import Film, SessionSignals, number, shown_seconds

COMING_SCENES = 2
# A viewer silent for this long has left, also when they come back later.
IDLE_SECONDS = 900.0
# What models of leaving are asked about.
LEAVING_SECONDS = 15.0
# A page that is loaded again says that it is left: who is back so soon never went.
BACK_SECONDS = 60.0
# Between two rows of one scene, in seconds of film.
GRID_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of one session, as stored. ``at`` in Unix seconds."""

    at: float
    kind: str
    scene: int | None = None
    offset: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """The session as it stood ``into`` seconds (0 at its start) of the scene that was the ``place``-th of the playback.

    ``visit`` counts the visits of scenes before this one, ``stretch`` the long silences before.
    """

    at: float
    place: int
    into: float
    visit: int
    stretch: int
    features: Matrix


@dataclass(slots=True)
class Visit:
    """A scene on screen, from its start until another one starts. ``place`` among the scenes of the playback, from 1."""

    scene: int
    place: int
    stretch: int
    at: float
    first_offset: float
    duration: float
    cut: str = "full"
    change: str = ""
    watched: float = 0.0
    furthest: float = 0.0
    ended: bool = False
    playing: float = 0.0
    off_speed: float = 0.0

    def seconds(self) -> float:
        """Of the scene that were watched."""
        return self.watched if self.ended else max(0.0, self.furthest - self.first_offset)

    def share(self) -> float:
        """Share of the scene, in the cut that was shown, that was watched at normal speed, 0-1."""
        at_speed = 1 - self.off_speed / self.playing if self.playing > 0 else 1.0
        return min(1.0, self.seconds() * at_speed / self.duration) if self.duration > 0 else 0.0


class Story:
    """A ``stretch`` is what lies between two silences long enough to count as leaving. ``signals`` are as of the last event taken."""

    def __init__(self, film: Film, around: SceneContext, *, grid: bool = False) -> None:
        """With a ``grid``, moments are kept every five seconds of film as well, not only where scenes begin."""
        self.film, self.around, self.grid = film, around, grid
        self.signals = SessionSignals()
        self.visits: list[Visit] = []
        self.moments: list[Moment] = []
        self.finished: set[int] = set()
        self.last: dict[int, float] = {}
        self.goodbyes: list[tuple[float, int]] = []
        self.stretch = 0
        self.before: float | None = None

    def take(self, event: Happened) -> None:
        self._pass_time(event.at)
        self.signals.update(event.kind, event.at, scene=event.scene, offset=event.offset, data=event.data, film=self.film)
        if event.kind == "playback.end":
            self.finished.add(self.stretch)
        elif event.kind == "playback.leave":
            self.goodbyes.append((event.at, self.stretch))
        if event.scene is None or event.scene not in self.film:
            return
        if event.kind == "playback.scene_start":
            self._begin(event, event.scene)
        elif self.visits and self.visits[-1].scene == event.scene:
            self._go_on(self.visits[-1], event)

    def _pass_time(self, at: float) -> None:
        before, self.before = self.before, at
        if before is not None and at - self._quiet_from(before) > IDLE_SECONDS:
            self.stretch += 1
        elif before is not None:
            if self.grid:
                self._keep_grid(before, at)
            if self.visits and self.signals.playing and self.signals.on_screen:
                self.visits[-1].playing += at - before
                self.visits[-1].off_speed += at - before if self.signals.rate != 1 else 0.0
        self.last[self.stretch] = at

    def _quiet_from(self, before: float) -> float:
        """Since when a silence says anything: a scene that plays has nothing to say until its end."""
        if not (self.visits and self.signals.playing and self.signals.on_screen):
            return before
        return before + max(0.0, self.visits[-1].duration - self.signals.into(before)) / self.signals.rate if self.signals.rate else before

    def _keep_grid(self, before: float, at: float) -> None:
        """What the signals said each time the playhead passed five more seconds of the scene."""
        signals = self.signals
        if not (self.visits and signals.playing and signals.on_screen and signals.rate > 0):
            return
        end = min(signals.into(at), self.visits[-1].duration)
        step = int(signals.into(before) // GRID_SECONDS) + 1
        while step * GRID_SECONDS < end:
            into = step * GRID_SECONDS
            self._keep(signals.offset_at + (into - signals.offset) / signals.rate, into)
            step += 1

    def _keep(self, at: float, into: float) -> None:
        context = on_screen(self.signals, self.around, self.film, at)
        if context is not None and self.visits:
            place = self.visits[-1].place
            self.moments.append(Moment(at, place, into, len(self.visits) - 1, self.stretch, build(self.signals, context, at)))

    def _begin(self, event: Happened, scene_id: int) -> None:
        first = all(visit.scene != scene_id for visit in self.visits)
        last = self.visits[-1] if self.visits else None
        if last is None or (last.scene, last.stretch) != (scene_id, self.stretch):
            cut, place = self.signals.cut, self.signals.seen.index(scene_id) + 1
            seconds, change = self.film[scene_id].seconds(cut), self.signals.change
            self.visits.append(Visit(scene_id, place, self.stretch, event.at, event.offset, seconds, cut, change, furthest=event.offset))
        if first:
            self._keep(event.at, 0.0)

    def _go_on(self, visit: Visit, event: Happened) -> None:
        visit.furthest = max(visit.furthest, event.offset)
        if event.kind == "playback.scene_end":
            visit.watched += number(event.data.get("watched"), 0.0)
            visit.duration = shown_seconds(event.data, self.film[visit.scene], visit.cut)
            visit.ended = True

    # What came of it, once the whole session was told

    def coming(self, visit: int) -> float:
        """Share of the scene of a visit and of the next one that was watched at normal speed: 0 for what the viewer left before, and
        one scene alone where no more were to come. Optional scenes do not play by themselves, so nobody misses them."""
        stretch = self.visits[visit].stretch
        coming = [one for one in self.visits[visit : visit + COMING_SCENES] if one.stretch == stretch]
        seen = {one.scene for one in self.visits[: visit + 1]}
        left = sum(not scene.optional and number not in seen for number, scene in self.film.items())
        expected = len(coming) if stretch in self.finished else max(len(coming), min(COMING_SCENES, 1 + left))
        return sum(one.share() for one in coming) / max(1, expected)

    def left_at(self, *, heard: float | None = None) -> dict[int, float]:
        """When the viewer left, by stretch: they said so and did not come back at once, or were not heard of for a quarter of an hour.
        No entry for a stretch that came to the end of the film. ``heard`` is when a heartbeat was heard last, where that is known."""
        found = {}
        for stretch, last in self.last.items():
            if stretch in self.finished:
                continue
            said = [at for at, of in self.goodbyes if of == stretch and last - at <= BACK_SECONDS]
            silent = max(last, heard) if heard is not None and stretch == self.stretch else last
            found[stretch] = said[-1] if said else silent
        return found


def told(events: Sequence[Happened], film: Film, around: SceneContext, *, grid: bool = False) -> Story:
    """The whole session."""
    story = Story(film, around, grid=grid)
    for event in events:
        story.take(event)
    return story
