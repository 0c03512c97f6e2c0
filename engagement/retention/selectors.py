"""The figures of scenes and moments over a window of days, read from their day tables alone; the cost grows with the days and devices
of the window, not with how much was watched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from django.db.models import F, QuerySet, Sum

from catalog.models import Scene
from engagement.models import MomentDay, SceneDay

from .intervals import Share
from .trace import MOMENT_MEASURES, SCENE_MEASURES, WHOLE_FILM

Day = TypeVar("Day", SceneDay, MomentDay)


@dataclass(frozen=True, slots=True)
class Window:
    """Both days belong to it; days are those on which sessions began. ``device`` empty: every device. ``synthetic`` None: whoever."""

    first: date
    last: date
    device: str = ""
    synthetic: bool | None = None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class SceneFigures:
    """Sessions, each once; see `SceneDay`."""

    starts: int = 0
    completed: int = 0
    skipped: int = 0
    rewound: int = 0
    left: int = 0
    left_after: int = 0
    tightened: int = 0
    complaints: int = 0
    as_edited: int = 0
    seen_milliseconds: int = 0
    offered_milliseconds: int = 0

    def share(self, measure: str) -> Share:
        return Share(getattr(self, measure), self.starts)

    @property
    def watched(self) -> float | None:
        """Mean share of the scene that was seen by who began it, 0-1."""
        return self.seen_milliseconds / self.offered_milliseconds if self.offered_milliseconds else None


@dataclass(frozen=True, slots=True)
class MomentFigures:
    """See `MomentDay`."""

    views: int = 0
    again: int = 0
    rewound_to: int = 0
    skipped: int = 0
    left: int = 0
    left_out: int = 0


NOTHING, NO_MOMENT = SceneFigures(), MomentFigures()


@dataclass(frozen=True, slots=True)
class FilmScene:
    """A scene as it stands in the catalogue: ``at`` seconds into the film in the author's order, ``place`` as a share of it."""

    id: int
    title: int
    position: int
    name: str
    optional: bool
    seconds: float
    at: float
    place: float


def scenes_of(titles: Collection[int] | None = None) -> dict[int, list[FilmScene]]:
    """Scenes in the author's order by title, of these titles or of all that are published. One query."""
    rows = Scene.objects.filter(title__in=titles) if titles is not None else Scene.objects.filter(title__published=True)
    found: dict[int, list[tuple[int, int, str, bool, float]]] = {}
    for key, title, position, name, optional, seconds in rows.order_by("title_id", "position").values_list(
        "id", "title_id", "position", "name", "optional", F("asset__duration")
    ):
        found.setdefault(title, []).append((key, position, name, optional, seconds or 0.0))
    return {title: list(_placed(title, scenes)) for title, scenes in found.items()}


def _placed(title: int, scenes: list[tuple[int, int, str, bool, float]]) -> Iterable[FilmScene]:
    length, at = sum(scene[-1] for scene in scenes), 0.0
    for key, position, name, optional, seconds in scenes:
        yield FilmScene(key, title, position, name, optional, seconds, at, (at + seconds / 2) / length if length else 0.0)
        at += seconds


def film_seconds(scenes: Iterable[FilmScene]) -> float:
    """The film as edited: without its optional scenes."""
    return sum(scene.seconds for scene in scenes if not scene.optional)


def scene_figures(window: Window, titles: Collection[int] | None = None) -> dict[tuple[int, int], SceneFigures]:
    """By (title, scene), the whole film under scene 0. One query."""
    rows = _within(SceneDay.objects.all(), window)
    rows = rows if titles is None else rows.filter(title_id__in=titles)
    sums = rows.values_list("title_id", "scene_id").annotate(*(Sum(name) for name in SCENE_MEASURES)).order_by()
    return {(title, scene): SceneFigures(*figures) for title, scene, *figures in sums}


def moment_figures(window: Window, title: int) -> dict[tuple[int, int], MomentFigures]:
    """By (scene, segment). One query."""
    sums = _within(MomentDay.objects.filter(title_id=title), window).values_list("scene_id", "segment")
    return {
        (scene, segment): MomentFigures(*figures) for scene, segment, *figures in sums.annotate(*(Sum(name) for name in MOMENT_MEASURES)).order_by()
    }


def of_film(figures: Mapping[tuple[int, int], SceneFigures], title: int) -> SceneFigures:
    return figures.get((title, WHOLE_FILM), NOTHING)


def _within(rows: QuerySet[Day], window: Window) -> QuerySet[Day]:
    rows = rows.filter(day__range=(window.first, window.last))
    rows = rows.filter(device=window.device) if window.device else rows
    return rows if window.synthetic is None else rows.filter(synthetic=window.synthetic)
