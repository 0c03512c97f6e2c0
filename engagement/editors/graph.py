"""The author's precedence graph as a drawing: scenes in layers from left to right, each behind everything it requires. Pure.

The opener stands alone on the left and the finale alone on the right. A scene that nothing in the middle requires leads to the finale,
and one that requires nothing follows the opener; both are drawn lightly, because the story implies them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.story import StoryScene, in_author_order

BOX_WIDTH, BOX_HEIGHT = 168.0, 74.0
GAP_ACROSS, GAP_DOWN = 56.0, 22.0
MARGIN = 10.0


@dataclass(frozen=True, slots=True)
class Box:
    """A scene at the top left corner (x, y)."""

    scene: StoryScene
    layer: int
    x: float
    y: float
    fixed: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """From the right side of one box to the left side of another, as an SVG path. ``implied`` is not of the author's making."""

    path: str
    words: str
    implied: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    words: str


def drawn(scenes: Sequence[StoryScene]) -> Drawing:
    """Also of a graph that cannot be told: requirements that run in a circle then point backwards."""
    ordered = in_author_order(scenes)
    layers = _layers(ordered)
    columns: dict[int, list[StoryScene]] = {}
    for scene in ordered:
        columns.setdefault(layers[scene.id], []).append(scene)
    most = max((len(column) for column in columns.values()), default=0)
    height = 2 * MARGIN + most * BOX_HEIGHT + max(0, most - 1) * GAP_DOWN
    boxes = {
        scene.id: Box(scene, layer, _across(layer), _down(place, len(columns[layer]), height), fixed=scene in (ordered[0], ordered[-1]))
        for layer, column in columns.items()
        for place, scene in enumerate(column)
    }
    width = 2 * MARGIN + len(columns) * BOX_WIDTH + max(0, len(columns) - 1) * GAP_ACROSS
    return Drawing(width, height, tuple(boxes[scene.id] for scene in ordered), tuple(_arrows(ordered, boxes)), _words(ordered))


def _layers(ordered: Sequence[StoryScene]) -> dict[int, int]:
    """One more than the furthest scene required; what runs in a circle is as far as it was found."""
    by_id = {scene.id: scene for scene in ordered}
    found: dict[int, int] = {}

    def depth(scene: StoryScene, asking: frozenset[int]) -> int:
        if scene.id not in found:
            needed = [by_id[one] for one in scene.requires if one in by_id and one not in asking]
            deepest = max((depth(one, asking | {scene.id}) for one in needed), default=0)
            found[scene.id] = max(1, deepest + 1)
        return found[scene.id]

    if not ordered:
        return {}
    found[ordered[0].id] = 0
    for scene in ordered[1:-1]:
        depth(scene, frozenset())
    if len(ordered) > 1:
        found[ordered[-1].id] = max(found.values()) + 1
    return found


def _across(layer: int) -> float:
    return MARGIN + layer * (BOX_WIDTH + GAP_ACROSS)


def _down(place: int, column: int, height: float) -> float:
    taken = column * BOX_HEIGHT + (column - 1) * GAP_DOWN
    return round((height - taken) / 2 + place * (BOX_HEIGHT + GAP_DOWN), 1)


def _arrows(ordered: Sequence[StoryScene], boxes: Mapping[int, Box]) -> list[Arrow]:
    if len(ordered) < 2:
        return []
    opener, finale, middle = ordered[0], ordered[-1], ordered[1:-1]
    required = {needed for scene in middle for needed in scene.requires}
    arrows = [
        Arrow(_path(boxes[needed], boxes[scene.id]), f"{scene.label} requires {boxes[needed].scene.label}", implied=False)
        for scene in ordered
        for needed in sorted(scene.requires)
        if needed in boxes
    ]
    free = [scene for scene in middle if not scene.requires & boxes.keys()]
    last = [scene for scene in middle if scene.id not in required and scene.id not in finale.requires]
    arrows += [Arrow(_path(boxes[opener.id], boxes[scene.id]), f"{scene.label} may follow {opener.label}", implied=True) for scene in free]
    return arrows + [Arrow(_path(boxes[scene.id], boxes[finale.id]), f"{finale.label} ends the film", implied=True) for scene in last]


def _path(start: Box, end: Box) -> str:
    x0, y0, x1, y1 = start.x + BOX_WIDTH, start.y + BOX_HEIGHT / 2, end.x - 5, end.y + BOX_HEIGHT / 2
    bend = max(24.0, (x1 - x0) / 2)
    return f"M{x0:g},{y0:g} C{x0 + bend:g},{y0:g} {x1 - bend:g},{y1:g} {x1:g},{y1:g}"


def _words(ordered: Sequence[StoryScene]) -> str:
    if not ordered:
        return "The film has no scenes yet."
    names = {scene.id: scene.label for scene in ordered}
    rules = [
        f"{scene.label} requires {' and '.join(names[needed] for needed in sorted(scene.requires) if needed in names)}"
        for scene in ordered
        if scene.requires & names.keys()
    ]
    optional = [scene.label for scene in ordered if scene.optional]
    told = [f"{ordered[0].label} opens, {ordered[-1].label} ends the film"]
    told += rules or ["no scene requires another"]
    told += [f"optional: {', '.join(optional)}"] if optional else []
    return "; ".join(told) + "."
