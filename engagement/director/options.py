"""What can be done at a boundary: every change that the story, the budget of changes and what is published allow. Pure.

A decision is about the next place of the film that is not published yet: which scene plays there, in which cut, and the ad break
before it, where one is due.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from catalog.hls import Cut
from engagement.playback import edits
from engagement.playback.edits import EditRefused
from engagement.playback.plan import Break, Note, Plan

Action = Literal["keep", "tighten", "bring_forward", "move_back", "linger", "move_break", "shorten_break", "suggest"]
# What is left of a break that is made shorter.
SHORTER = 0.5


@dataclass(frozen=True, slots=True)
class Option:
    """``scene`` plays at the next open place, in this ``cut``, after ``break_seconds`` of ads that are expected of ``break_id``.

    ``moved`` is how many places the scene plays before (after, where negative) its place in the plan as it stands: of the scene
    that is brought forward, or of the one that is moved back. ``title`` is the one suggested.
    """

    action: Action
    scene: int
    cut: Cut = "full"
    moved: int = 0
    break_id: str = ""
    break_seconds: float = 0.0
    title: int = 0


def due_break(plan: Plan) -> Break | None:
    """The break that will be decided before the next scene is published."""
    return next((one for one in plan.breaks if one.state == "open" and one.after <= len(plan.played)), None)


@dataclass(frozen=True, slots=True)
class Way:
    """An option, and the plan with it in."""

    option: Option
    plan: Plan


def options(plan: Plan, *, break_seconds: float, suggestion: int = 0) -> list[Option]:
    """Keeping the plan first; nothing else once it is published to its end. ``break_seconds`` are expected of a break here."""
    return [way.option for way in ways(plan, break_seconds=break_seconds, suggestion=suggestion)]


def ways(plan: Plan, *, break_seconds: float, suggestion: int = 0) -> list[Way]:
    """The `options`, each with the plan that it leads to, without the words for it."""
    if not plan.remaining:
        return []
    due = due_break(plan)
    seconds = min(break_seconds, due.most_seconds or break_seconds) if due else 0.0
    keep = Option("keep", plan.remaining[0], plan.cut_of(plan.remaining[0]), break_id=due.id if due else "", break_seconds=seconds)
    changed = (_way(plan, one) for one in _changes(plan, keep)) if plan.changes < plan.change_budget else ()
    suggested = [Way(replace(keep, action="suggest", title=suggestion), plan)] if suggestion else []
    return [Way(keep, plan), *(way for way in changed if way is not None), *suggested]


def applied(plan: Plan, option: Option, *, reason: str) -> Plan:
    """The plan with this option in it. Raises EditRefused where it is not allowed any more."""
    match option.action:
        case "tighten":
            return edits.tightened(plan, option.scene, note=Note(option.scene, reason, "tighten"))
        case "bring_forward":
            order = (option.scene, *(one for one in plan.remaining if one != option.scene))
            return edits.reordered(plan, order, note=Note(option.scene, reason, "bring_forward"))
        case "move_back":
            back = plan.remaining[0]
            return edits.reordered(plan, _moved_back(plan, -option.moved), note=Note(back, reason, "move_back"))
        case "linger":
            return edits.lingered(plan, option.scene, note=Note(option.scene, reason, "linger"))
        case "move_break":
            return edits.break_moved(plan, option.break_id, reason=reason)
        case "shorten_break":
            return edits.break_shortened(plan, option.break_id, most_seconds=option.break_seconds, reason=reason)
        case _:
            return plan


def _changes(plan: Plan, keep: Option) -> Iterator[Option]:
    """What might be done here, legal or not."""
    following, finale = plan.remaining[0], plan.film[-1].id
    break_id, seconds = keep.break_id, keep.break_seconds
    yield Option("tighten", following, "tight", 0, break_id, seconds)
    for place, scene in enumerate(plan.remaining):
        if place and scene != finale:
            yield Option("bring_forward", scene, plan.cut_of(scene), place, break_id, seconds)
    # As far back as the story allows; one place back is the next scene brought forward.
    for places in range(len(plan.remaining) - 2, 1, -1):
        if plan.may_play(_moved_back(plan, places)):
            after = plan.remaining[1]
            yield Option("move_back", after, plan.cut_of(after), -places, break_id, seconds)
            break
    for scene in plan.optional:
        yield Option("linger", scene, "full", 0, break_id, seconds)
    if break_id:
        yield Option("move_break", following, keep.cut, 0, break_id, 0.0)
        yield Option("shorten_break", following, keep.cut, 0, break_id, seconds * SHORTER)


def _moved_back(plan: Plan, places: int) -> tuple[int, ...]:
    first, *rest = plan.remaining
    return (*rest[:places], first, *rest[places:])


def _way(plan: Plan, option: Option) -> Way | None:
    try:
        return Way(option, applied(plan, option, reason=""))
    except EditRefused:
        return None
