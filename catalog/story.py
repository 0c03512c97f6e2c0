"""Which orders of its scenes a film's author allows: a precedence graph with a fixed opener, a fixed finale and a movable middle.

Pure. The scene with the lowest position opens, the one with the highest ends the film; between them a scene may play as
soon as everything it requires was played. Optional scenes may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter


class StoryProblem(ValueError):
    """The author's graph can't be told; the message names the scenes and says what to change."""


@dataclass(frozen=True)
class StoryScene:
    id: int
    position: int
    name: str = ""
    requires: frozenset[int] = field(default_factory=frozenset)
    optional: bool = False

    @property
    def label(self) -> str:
        return self.name or f"scene {self.position}"


def in_author_order(scenes: Sequence[StoryScene]) -> list[StoryScene]:
    return sorted(scenes, key=lambda scene: scene.position)


def check(scenes: Sequence[StoryScene]) -> None:
    """Raises StoryProblem unless the author's own order is legal and every required scene is sure to play."""
    if not scenes:
        raise StoryProblem("the film has no scenes; add an opener and a finale")
    ordered = in_author_order(scenes)
    by_id = {scene.id: scene for scene in ordered}
    opener, finale = ordered[0], ordered[-1]
    for scene in ordered:
        unknown = scene.requires - by_id.keys()
        if unknown:
            raise StoryProblem(f"{scene.label} requires scenes that are not in this film: {sorted(unknown)}")
    _refuse_cycles(by_id)
    if opener.requires:
        raise StoryProblem(f"{opener.label} opens the film and cannot require other scenes")
    for scene in (opener, finale):
        if scene.optional:
            raise StoryProblem(f"{scene.label} opens or ends the film and cannot be optional")
    for scene in ordered:
        for needed in (by_id[i] for i in scene.requires):
            if needed.id == finale.id:
                raise StoryProblem(f"{scene.label} cannot require {finale.label}, which ends the film")
            if needed.position > scene.position:
                raise StoryProblem(f"{scene.label} requires {needed.label}, which comes later; swap their positions")
            if needed.optional and not scene.optional:
                raise StoryProblem(f"{scene.label} always plays and cannot require the optional {needed.label}")


def _refuse_cycles(by_id: dict[int, StoryScene]) -> None:
    try:
        TopologicalSorter({scene.id: scene.requires for scene in by_id.values()}).prepare()
    except CycleError as error:
        names = " > ".join(by_id[i].label for i in error.args[1])
        raise StoryProblem(f"scenes require each other in a circle: {names}; remove one of these requirements") from error


def legal_next(scenes: Sequence[StoryScene], played: Sequence[int]) -> list[int]:
    """Ids of the scenes that may come next after ``played`` (ids in order), in the author's order; empty at the end.

    The finale is legal as soon as every scene that isn't optional was played.
    """
    ordered = in_author_order(scenes)
    seen = set(played)
    opener, finale = ordered[0], ordered[-1]
    if finale.id in seen:
        return []
    if opener.id not in seen:
        return [opener.id]
    ready = [s.id for s in ordered[1:-1] if s.id not in seen and s.requires <= seen]
    must_play = {s.id for s in ordered[:-1] if not s.optional}
    if must_play <= seen:
        ready.append(finale.id)
    return ready


def is_legal_order(scenes: Sequence[StoryScene], order: Sequence[int]) -> bool:
    """As `Orders.allow`, for a single order."""
    return orders_of(scenes).allow(order)


@dataclass(frozen=True, slots=True)
class Orders:
    """What is asked of every order of a film, worked out once: the Director tries dozens at each boundary.

    ``requires`` is of the scenes between opener and finale; ``must_play`` are those that are not optional.
    """

    opener: int
    finale: int
    requires: Mapping[int, frozenset[int]]
    must_play: frozenset[int]

    def allow(self, order: Sequence[int]) -> bool:
        """Whether ``order`` is a whole telling of the film, from the opener to the finale: one that `legal_next` allows step by step."""
        if not order or order[0] != self.opener or order[-1] != self.finale:
            return False
        seen = {self.opener}
        for scene in order[1:-1]:
            requires = self.requires.get(scene)
            if requires is None or scene in seen or not requires <= seen:
                return False
            seen.add(scene)
        seen.add(self.finale)
        # Told twice, or with something left out that must play, it is another film.
        return len(seen) == len(order) and self.must_play <= seen


def orders_of(scenes: Sequence[StoryScene]) -> Orders:
    ordered = in_author_order(scenes)
    return Orders(
        ordered[0].id,
        ordered[-1].id,
        {scene.id: scene.requires for scene in ordered[1:-1]},
        frozenset(scene.id for scene in ordered if not scene.optional),
    )


def legal_orders(scenes: Sequence[StoryScene], played: Sequence[int] = ()) -> Iterator[list[int]]:
    """Every legal telling that begins with ``played``, lazily: their number grows fast, so take what you need."""
    following = legal_next(scenes, played)
    if not following:
        yield list(played)
    for scene_id in following:
        yield from legal_orders(scenes, [*played, scene_id])


def author_order(scenes: Sequence[StoryScene], played: Sequence[int] = (), *, with_optional: bool = True) -> list[int]:
    """``played`` completed in the author's order, with or without the optional scenes that are still open."""
    seen = set(played)
    rest = [s.id for s in in_author_order(scenes) if s.id not in seen and (with_optional or not s.optional)]
    return [*played, *rest]
