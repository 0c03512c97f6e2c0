"""The retention curve as geometry: two-second moments in the author's film time, scene bands, bumps and dips, leaving, intensity. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adplatform.learning.card.plots import Scale, Tick, path
from engagement.retention.peaks import Peak, peaks
from engagement.retention.selectors import NO_MOMENT, FilmScene, MomentFigures

WIDTH, HEIGHT = 1080.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 34.0, 50.0
PEAK_WORDS = {"bump": "watched again", "dip": "passed over", "drop": "left"}


@dataclass(frozen=True, slots=True)
class Moment:
    """``at`` seconds into the film as its author ordered it; ``retention`` is views of the moment over views of the title."""

    scene: FilmScene
    segment: int
    at: float
    seconds: float
    figures: MomentFigures
    retention: float | None

    @property
    def clock(self) -> str:
        return clock(self.at)

    @property
    def percent(self) -> str:
        return "-" if self.retention is None else f"{self.retention:.1%}"


@dataclass(frozen=True, slots=True)
class Band:
    """A scene under the curve. ``name`` is cut to what fits."""

    x: float
    width: float
    middle: float
    name: str
    scene: FilmScene
    odd: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A bump, dip or drop at (x, y) of the drawing; ``points`` of its triangle."""

    kind: str
    points: str
    words: str
    at: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Viewers leaving at a moment, as a bar up from the bottom."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Curve:
    words: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    line: str
    area: str
    intensity: str
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    leaving: tuple[Bar, ...]
    whole: float
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM
    label_y: float = HEIGHT - BOTTOM + 34
    band_height: float = HEIGHT - BOTTOM - TOP


def moments_of(
    scenes: Sequence[FilmScene], segments: Mapping[int, Sequence[float]], figures: Mapping[tuple[int, int], MomentFigures], views: int
) -> list[Moment]:
    """``segments`` are the seconds of each scene's packaged segments; ``views`` those of the title."""
    found = []
    for scene in scenes:
        at = scene.at
        for place, seconds in enumerate(segments.get(scene.id, ())):
            told = figures.get((scene.id, place), NO_MOMENT)
            found.append(Moment(scene, place, at, seconds, told, told.views / views if views else None))
            at += seconds
    return found


def curve(scenes: Sequence[FilmScene], intensity: Mapping[int, float], moments: Sequence[Moment], views: int) -> Curve | None:
    """None for a film without moments or without views."""
    if not moments or not views:
        return None
    end = moments[-1].at + moments[-1].seconds
    most = max(1.0, *(moment.retention or 0.0 for moment in moments)) * 1.02
    across, up = Scale(0.0, end, LEFT, WIDTH - RIGHT), Scale(0.0, most, HEIGHT - BOTTOM, TOP)
    steps = [
        point for one in moments for point in ((across(one.at), up(one.retention or 0.0)), (across(one.at + one.seconds), up(one.retention or 0.0)))
    ]
    arc = [(across(scene.at + scene.seconds / 2), up(intensity.get(scene.id, 0.0))) for scene in scenes]
    found = peaks([moment.figures for moment in moments], views)
    return Curve(
        words=_words(moments, found, views),
        x_ticks=across.ticks(),
        y_ticks=up.ticks(percent=True),
        line=path(steps),
        area=path([(across(0), up(0)), *steps, (across(end), up(0))]),
        intensity=path(arc),
        bands=tuple(_band(scene, across, odd=bool(place % 2)) for place, scene in enumerate(scenes)),
        marks=tuple(_mark(peak, moments, across, up) for peak in found),
        leaving=tuple(_leaving(moments, across, up, views)),
        whole=up(1.0),
    )


def _band(scene: FilmScene, across: Scale, *, odd: bool) -> Band:
    x, end = across(scene.at), across(scene.at + scene.seconds)
    fits = max(3, int((end - x) / 6.2))
    name = scene.name if len(scene.name) <= fits else f"{scene.name[: fits - 1].rstrip()}…"
    return Band(x, round(end - x, 2), round((x + end) / 2, 2), name, scene, odd)


def _mark(peak: Peak, moments: Sequence[Moment], across: Scale, up: Scale) -> Mark:
    first, last = moments[peak.first], moments[peak.last]
    x = round((across(first.at) + across(last.at + last.seconds)) / 2, 2)
    y = up(max(moment.retention or 0.0 for moment in moments[peak.first : peak.last + 1]))
    if peak.kind == "bump":
        points = path([(x - 7, y - 8), (x + 7, y - 8), (x, y - 20)])
    elif peak.kind == "dip":
        points = path([(x - 7, y + 8), (x + 7, y + 8), (x, y + 20)])
    else:
        points = path([(x - 6, y - 8), (x + 6, y - 8), (x + 6, y - 20), (x - 6, y - 20)])
    where = f"{clock(first.at)} to {clock(last.at + last.seconds)}"
    words = f"{where}, {first.scene.name}: {peak.share:.1%} {PEAK_WORDS[peak.kind]}, {peak.usual:.1%} is usual in this film ({peak.count} times)"
    return Mark(peak.kind, points, words, where)


def _leaving(moments: Sequence[Moment], across: Scale, up: Scale, views: int) -> list[Bar]:
    return [
        Bar(
            across(one.at), up(one.figures.left / views), max(1.0, round(across(one.at + one.seconds) - across(one.at) - 1, 2)),
            round(up(0) - up(one.figures.left / views), 2), f"{clock(one.at)}, {one.scene.name}: {one.figures.left} of {views} left here",
        )
        for one in moments
        if one.figures.left
    ]  # fmt: skip


def _words(moments: Sequence[Moment], found: Sequence[Peak], views: int) -> str:
    first, last = moments[0], moments[-1]
    told = [f"{views:,} views. {(first.retention or 0):.0%} saw the first moment and {(last.retention or 0):.0%} the last one"]
    for kind, name in (("bump", "Watched again"), ("dip", "Passed over"), ("drop", "Left")):
        places = [clock(moments[peak.first].at) for peak in found if peak.kind == kind]
        if places:
            told.append(f"{name} more than usual at {', '.join(places)}")
    return ". ".join(told) + "."


def clock(seconds: float) -> str:
    """1:05 for sixty-five seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
