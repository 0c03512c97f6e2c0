"""What one session leaves behind in its film: which moments were seen, seen again, passed over, and where the viewer went away. Pure.

Moments are the packaged segments of a scene, about two seconds each, whatever order and cut played. A moment counts as seen when its
middle was played. Positions are seconds into the full scene.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A viewer silent for this long has gone away, also one who comes back later.
IDLE_SECONDS = 900.0

SCENE_MEASURES = (
    "starts", "completed", "skipped", "rewound", "left", "left_after", "tightened", "complaints", "as_edited", "seen_milliseconds",
    "offered_milliseconds",
)  # fmt: skip
MOMENT_MEASURES = ("views", "again", "rewound_to", "skipped", "left", "left_out")
# Figures of the whole film stand under this scene.
WHOLE_FILM = 0


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a session. ``at`` in Unix seconds, ``offset`` in seconds of the full scene."""

    at: float
    kind: str
    scene: int | None = None
    offset: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moments:
    """The packaged segments of a scene: (seconds, whether the tight cut plays it)."""

    segments: tuple[tuple[float, bool], ...]

    @property
    def full(self) -> float:
        return sum(seconds for seconds, _ in self.segments)

    @property
    def tight(self) -> float:
        return sum(seconds for seconds, kept in self.segments if kept)

    def within(self, a: float, b: float) -> Iterable[int]:
        """Indices of the segments whose middle lies on [a, b]."""
        start = 0.0
        for index, (seconds, _) in enumerate(self.segments):
            if a <= start + seconds / 2 <= b:
                yield index
            start += seconds

    def at(self, offset: float) -> int:
        """The segment at an offset, the last one beyond the end."""
        start = 0.0
        for index, (seconds, _) in enumerate(self.segments):
            start += seconds
            if offset < start:
                return index
        return max(0, len(self.segments) - 1)


Film = Mapping[int, Moments]


@dataclass(slots=True)
class Trace:
    """Additive whole numbers: ``scenes`` by scene id, ``moments`` by (scene id, segment), in the order of the measures above."""

    scenes: dict[int, list[int]] = field(default_factory=dict)
    moments: dict[tuple[int, int], list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Visit:
    """A scene on screen. What is played now began at ``low`` and has come to ``head``."""

    scene: int
    low: float
    head: float
    tight: bool = False
    open: bool = True
    completed: bool = False


@dataclass(slots=True)
class _Scene:
    """What a session did with one scene, each thing once however often it happened."""

    seen: dict[int, int] = field(default_factory=dict)
    passed: set[int] = field(default_factory=set)
    rewound_to: dict[int, int] = field(default_factory=dict)
    left_at: dict[int, int] = field(default_factory=dict)
    completed: bool = False
    skipped: bool = False
    left_after: bool = False
    complaints: int = 0
    as_edited: int = 0
    tight: bool = False


def trace(events: Sequence[Told], film: Film) -> Trace:
    """Of one session's events in order. Scenes unknown to ``film`` are passed over."""
    watching = _Watching(film)
    for event in events:
        watching.take(event)
    watching.went_away()
    return watching.told()


class _Watching:
    def __init__(self, film: Film) -> None:
        self.film = film
        self.scenes: dict[int, _Scene] = {}
        self.visit: _Visit | None = None
        self.before: float | None = None
        self.finished = self.over = False
        self.complaints = self.as_edited = 0

    def take(self, event: Told) -> None:
        if self.before is not None and event.at - self.before > IDLE_SECONDS:
            self.went_away()
        self.before = event.at
        if event.kind == "playback.end":
            self.finished = self.over = True
        elif event.kind == "playback.complaint":
            self.complaints += 1
            self._here(event, "complaints")
        elif event.kind == "playback.as_edited" and event.data.get("on"):
            self.as_edited += 1
            self._here(event, "as_edited")
        if event.scene is not None and event.scene in self.film:
            self._in_scene(event, event.scene)

    def _here(self, event: Told, what: str) -> None:
        scene = event.scene if event.scene is not None else self.visit.scene if self.visit else None
        if scene in self.scenes:
            setattr(self.scenes[scene], what, getattr(self.scenes[scene], what) + 1)

    def _in_scene(self, event: Told, scene: int) -> None:
        if event.kind == "playback.scene_start":
            self._start(event, scene)
        elif event.kind in ("playback.rewind", "playback.seek"):
            self._jump(event, scene)
        elif self.visit is not None and self.visit.scene == scene and self.visit.open:
            self.visit.head = max(self.visit.head, event.offset)
            if event.kind == "playback.scene_end":
                self._end(event)
            elif event.kind == "playback.skip_scene":
                self.scenes[scene].skipped = True

    def _start(self, event: Told, scene: int) -> None:
        if self.visit is not None:
            self._close()
            if not self.visit.completed and self.visit.scene != scene:
                self._pass_over(self.visit.scene, self.visit.head, self.film[self.visit.scene].full)
        self.over = False
        known = self.scenes.setdefault(scene, _Scene())
        known.tight = known.tight or event.data.get("cut") == "tight"
        self.visit = _Visit(scene, event.offset, event.offset, tight=event.data.get("cut") == "tight")

    def _jump(self, event: Told, scene: int) -> None:
        """A player names both ends on its playlist, ``from`` and ``to``, at the position where it went; else the position is where
        it came from, and ``seconds`` how far back it went."""
        rewound, distance, came_from = event.kind == "playback.rewind", event.data.get("seconds"), event.offset
        target = event.offset
        if isinstance(distance, int | float):
            target = max(0.0, event.offset - distance)
        elif isinstance(event.data.get("from"), int | float) and isinstance(event.data.get("to"), int | float):
            came_from = event.offset + event.data["from"] - event.data["to"]
        if rewound:
            into = self.scenes.setdefault(scene, _Scene())
            moment = self.film[scene].at(target)
            into.rewound_to[moment] = into.rewound_to.get(moment, 0) + 1
        visit = self.visit
        if visit is None or visit.scene != scene or not visit.open:
            return
        visit.head = max(visit.head, min(came_from, self.film[scene].full)) if rewound else max(visit.low, min(came_from, target))
        self._close()
        if not rewound:
            self._pass_over(scene, visit.head, target)
        self.visit = _Visit(scene, target, target, tight=visit.tight)

    def _end(self, event: Told) -> None:
        visit = self.visit
        assert visit is not None  # noqa: S101
        visit.tight = visit.tight or self._is_tight(visit.scene, event.data)
        self.scenes[visit.scene].tight = self.scenes[visit.scene].tight or visit.tight
        visit.completed = bool(event.data.get("completed"))
        if visit.completed:
            # Players measure a playhead, which stands some hundredths before the end.
            visit.head = max(visit.head, self.film[visit.scene].full)
            self.scenes[visit.scene].completed = True
        self._close()

    def _is_tight(self, scene: int, data: Mapping[str, Any]) -> bool:
        """By its name, or by how long it was."""
        if "cut" in data:
            return bool(data["cut"] == "tight")
        duration, moments = data.get("duration"), self.film[scene]
        return isinstance(duration, int | float) and moments.tight < moments.full and abs(duration - moments.tight) < abs(duration - moments.full)

    def _close(self) -> None:
        """Everything between ``low`` and ``head`` was seen."""
        visit = self.visit
        if visit is None or not visit.open:
            return
        visit.open = False
        moments, seen = self.film[visit.scene], self.scenes[visit.scene].seen
        for index in moments.within(visit.low, visit.head):
            if moments.segments[index][1] or not visit.tight:
                seen[index] = seen.get(index, 0) + 1

    def _pass_over(self, scene: int, a: float, b: float) -> None:
        known = self.scenes[scene]
        passed = set(self.film[scene].within(a, b))
        known.passed |= passed
        known.skipped = known.skipped or bool(passed)

    def went_away(self) -> None:
        """A stretch is over: unless the film was at its end, the viewer left at the last known place."""
        self._close()
        if self.visit is not None and not self.over and not self.finished:
            known = self.scenes[self.visit.scene]
            if self.visit.completed:
                known.left_after = True
            else:
                moment = self.film[self.visit.scene].at(self.visit.head)
                known.left_at[moment] = known.left_at.get(moment, 0) + 1
            self.over = True

    def told(self) -> Trace:
        found = Trace()
        for scene, known in self.scenes.items():
            found.scenes[scene] = self._scene_figures(scene, known)
            for moment, figures in enumerate(self._moment_figures(scene, known)):
                if any(figures):
                    found.moments[scene, moment] = figures
        if found.scenes or self.complaints or self.as_edited:
            found.scenes[WHOLE_FILM] = self._whole_film(list(found.scenes.values()))
        return found

    def _whole_film(self, scenes: Sequence[Sequence[int]]) -> list[int]:
        total = [sum(figures) for figures in zip([0] * len(SCENE_MEASURES), *scenes, strict=True)]
        began = int(bool(scenes))
        skipped, rewound, tightened = (int(total[place] > 0) for place in (2, 3, 6))
        left = int(began and not self.finished)
        return [began, int(self.finished), skipped, rewound, left, 0, tightened, self.complaints, self.as_edited, *total[9:]]

    def _scene_figures(self, scene: int, known: _Scene) -> list[int]:
        moments = self.film[scene]
        seen = sum(seconds for index, (seconds, _) in enumerate(moments.segments) if index in known.seen)
        offered = moments.tight if known.tight else moments.full
        return [
            1, int(known.completed), int(known.skipped), int(bool(known.rewound_to)), int(bool(known.left_at)), int(known.left_after),
            int(known.tight), known.complaints, known.as_edited, round(1000 * min(seen, offered)), round(1000 * offered),
        ]  # fmt: skip

    def _moment_figures(self, scene: int, known: _Scene) -> Iterable[list[int]]:
        for index, (_, kept) in enumerate(self.film[scene].segments):
            views = known.seen.get(index, 0)
            yield [
                views, max(0, views - 1), known.rewound_to.get(index, 0), int(index in known.passed and not views),
                known.left_at.get(index, 0), int(known.tight and not kept and not views),
            ]  # fmt: skip
