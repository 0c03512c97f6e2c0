"""Everything the page of a title's story shows, read in a fixed number of queries and told in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from catalog import story
from catalog.models import Scene, Title
from catalog.story import StoryScene
from engagement.models import SessionTrace
from engagement.retention import likeness, selectors
from engagement.retention.intervals import Share
from engagement.retention.selectors import NOTHING, FilmScene, SceneFigures, Window

from . import curve as curves
from . import directed, graph


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the author says of a scene, in the words of the page."""

    scene: FilmScene
    mood: str
    intensity: float
    tags: str
    full: float
    tight: float
    break_after: bool
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """``usual`` is that of scenes at a like place of titles of like length; ``apart`` says on which side of it the interval lies."""

    value: str
    usual: str = ""
    apart: str = ""


@dataclass(frozen=True, slots=True)
class SceneRow:
    about: Attributes
    figures: SceneFigures
    cells: tuple[Cell, ...]
    done: tuple[tuple[directed.Done, directed.Effect | None], ...]

    @property
    def labelled(self) -> list[tuple[str, Cell]]:
        return list(zip(COLUMNS, self.cells, strict=True))


@dataclass(frozen=True, slots=True)
class Node:
    """A box of the graph with what stands in it; ``pulse`` is how wide the line of its intensity is."""

    box: graph.Box
    name: str
    line: str
    second: str
    words: str
    break_after: bool
    pulse: float
    width: float = graph.BOX_WIDTH
    height: float = graph.BOX_HEIGHT

    @property
    def right(self) -> float:
        return self.box.x + self.width + 4

    @property
    def bottom(self) -> float:
        return self.box.y + self.height

    @property
    def pulse_y(self) -> float:
        return self.bottom - 7


@dataclass(frozen=True, slots=True)
class StoryPage:
    title: Title
    window: Window
    drawing: graph.Drawing
    nodes: tuple[Node, ...]
    problem: str
    whole: SceneFigures
    curve: curves.Curve | None
    moments: tuple[curves.Moment, ...]
    rows: tuple[SceneRow, ...]
    director: directed.Directed
    relative: str
    like_titles: int
    told_until: datetime | None
    missing_media: tuple[str, ...]


MEASURES = ("completed", "skipped", "rewound", "left")
COLUMNS = ("Saw its end", "Passed over some", "Went back to it", "Left in it", "Mean share seen")
LONGEST_NAME = 23


def story_of_title(title: Title, window: Window) -> StoryPage:
    scenes = list(title.scenes.select_related("asset").prefetch_related("requires").order_by("position"))
    films = selectors.scenes_of()
    films[title.pk] = selectors.scenes_of([title.pk]).get(title.pk, []) if title.pk not in films else films[title.pk]
    film, others = films[title.pk], likeness.like_titles(films, title.pk)
    figures = selectors.scene_figures(window, [title.pk, *others])
    whole = selectors.of_film(figures, title.pk)
    segments = {scene.pk: [float(one["duration"]) for one in scene.asset.segments] if scene.asset else [] for scene in scenes}
    moments = curves.moments_of(film, segments, selectors.moment_figures(window, title.pk), whole.starts)
    done = directed.directed(title.pk, window)
    about = {one.scene.id: one for one in _attributes(scenes, film)}
    told = [_story_scene(scene) for scene in scenes]
    drawing = graph.drawn(told)
    return StoryPage(
        title=title,
        window=window,
        drawing=drawing,
        nodes=tuple(_node(box, about[box.scene.id]) for box in drawing.boxes),
        problem=_problem(told),
        whole=whole,
        curve=curves.curve(film, {scene.pk: scene.intensity for scene in scenes}, moments, whole.starts),
        moments=tuple(moments),
        rows=tuple(
            SceneRow(
                about[scene.id], figures.get((title.pk, scene.id), NOTHING), tuple(_cells(scene, others, films, figures)),
                tuple(directed.by_scene(done, scene.id)),
            )
            for scene in film
        ),
        director=done,
        relative=_relative(films, figures, title.pk, others),
        like_titles=len(others),
        told_until=SessionTrace.objects.aggregate(latest=Max("taken_at"))["latest"],
        missing_media=tuple(scene.name for scene in scenes if not segments[scene.pk]),
    )  # fmt: skip


def _story_scene(scene: Scene) -> StoryScene:
    needed = frozenset(one.pk for one in scene.requires.all())
    return StoryScene(id=scene.pk, position=scene.position, name=scene.name, requires=needed, optional=scene.optional)


def _problem(scenes: Sequence[StoryScene]) -> str:
    try:
        story.check(scenes)
    except story.StoryProblem as problem:
        return str(problem)
    return ""


def _attributes(scenes: Sequence[Scene], film: Sequence[FilmScene]) -> list[Attributes]:
    placed = {scene.id: scene for scene in film}
    return [
        Attributes(
            scene=placed[scene.pk],
            mood=scene.get_mood_display(),
            intensity=scene.intensity,
            tags=", ".join(map(str, scene.tags)),
            full=sum(one["duration"] for one in scene.asset.segments) if scene.asset else 0.0,
            tight=sum(one["duration"] for one in scene.asset.segments if one["tight"]) if scene.asset else 0.0,
            break_after=scene.break_after,
            requires=tuple(one.name for one in scene.requires.all()),
        )
        for scene in scenes
    ]


def _node(box: graph.Box, about: Attributes) -> Node:
    name = f"{box.scene.position}. {box.scene.name}"
    cuts = f"{about.full:.1f} s, tight {about.tight:.1f} s" if about.tight < about.full else f"{about.full:.1f} s"
    return Node(
        box=box,
        name=name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…",
        line=f"{about.mood}, {cuts}",
        second=about.tags if len(about.tags) <= LONGEST_NAME + 3 else f"{about.tags[: LONGEST_NAME + 2]}…",
        words=f"{name}: {about.mood}, intensity {about.intensity:.2f}, {cuts}, {about.tags}"
        f"{', optional' if box.scene.optional else ''}{', an ad break may follow' if about.break_after else ''}",
        break_after=about.break_after,
        pulse=round(about.intensity * graph.BOX_WIDTH, 1),
    )


def _cells(
    scene: FilmScene, others: Sequence[int], films: Mapping[int, Sequence[FilmScene]], figures: Mapping[tuple[int, int], SceneFigures]
) -> list[Cell]:
    own, usual = figures.get((scene.title, scene.id), NOTHING), likeness.usual_at(scene, others, films, figures)
    cells = [_cell(own.share(name), usual.share(name)) for name in MEASURES]
    watched = Cell(percent(own.watched), percent(usual.watched) if usual.starts >= likeness.FEWEST_VIEWS else "")
    return [*cells, watched]


def _cell(own: Share, usual: Share) -> Cell:
    if usual.of < likeness.FEWEST_VIEWS or usual.value is None:
        return Cell(percent(own.value))
    apart = "" if own.value is None else "more" if own.low > usual.value else "less" if own.high < usual.value else ""
    return Cell(percent(own.value), percent(usual.value), apart)


def _relative(films: Mapping[int, Sequence[FilmScene]], figures: Mapping[tuple[int, int], SceneFigures], title: int, others: Sequence[int]) -> str:
    own = likeness.share_of_film(films, figures, title)
    if own is None:
        return f"How it stands among titles of like length is told from {likeness.FEWEST_VIEWS} views on."
    known = [share for other in others if (share := likeness.share_of_film(films, figures, other)) is not None]
    if not known:
        return f"A view sees {own:.0%} of the film as edited. No other title of like length has {likeness.FEWEST_VIEWS} views yet."
    below = sum(share < own for share in known)
    return (
        f"A view sees {own:.0%} of the film as edited, more than in {below} of {len(known)} other {'title' if len(known) == 1 else 'titles'} of like"
        f" length ({percent(min(known))} at least, {percent(max(known))} at most)."
    )


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}" if share < 0.1 else f"{share:.0%}"
