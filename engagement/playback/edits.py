"""What may be changed in the part of a plan that is still open: order, cuts, optional scenes and breaks. Pure.

Nothing here touches what is published. Every edit checks what the story allows: the opener and the finale stay where they are and
whole, a scene plays after everything it requires, and the title's budget of changes is never exceeded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from catalog import story

from .plan import Break, Note, Plan


class EditRefused(ValueError):
    """The story, the budget of changes or what is published already forbids this edit; the message says which."""


def reordered(plan: Plan, order: Sequence[int], *, note: Note) -> Plan:
    """Another order of the open scenes. Raises EditRefused unless ``order`` is a legal permutation of them."""
    if sorted(order) != sorted(plan.remaining):
        raise EditRefused("only the scenes that are not published yet can be reordered")
    if not plan.may_play(order):
        raise EditRefused("this order shows a scene before one that it requires")
    return _changed(plan, note, remaining=tuple(order))


def tightened(plan: Plan, scene_id: int, *, note: Note) -> Plan:
    """An open scene in its tight cut. Raises EditRefused for the opener, the finale, and a scene that has no tighter cut."""
    if scene_id not in plan.remaining or scene_id in plan.tight:
        raise EditRefused("only a scene that is still open and whole can be tightened")
    if not can_tighten(plan, scene_id):
        raise EditRefused("the opener and the finale stay whole, and so does a scene without a tighter cut")
    return _changed(plan, note, tight=(*plan.tight, scene_id))


def can_tighten(plan: Plan, scene_id: int) -> bool:
    clip = plan.scene(scene_id).clip
    return scene_id not in (plan.film[0].id, plan.film[-1].id) and 0 < clip.duration("tight") < clip.duration()


def lingered(plan: Plan, scene_id: int, *, note: Note) -> Plan:
    """An optional scene next. Breaks behind it come one place later. Raises EditRefused where the story does not allow it there."""
    if scene_id not in plan.optional:
        raise EditRefused("only an optional scene that has not played can be lingered on")
    order = (scene_id, *plan.remaining)
    if not plan.may_play(order):
        raise EditRefused("the story does not allow this scene here")
    place = len(plan.played)
    optional = tuple(one for one in plan.optional if one != scene_id)
    return _changed(plan, note, remaining=order, optional=optional, breaks=_shifted(plan.breaks, behind=place, by=1))


def break_moved(plan: Plan, break_id: str, *, reason: str, by: int = 1) -> Plan:
    """An open mid-roll so many places later. Raises EditRefused where it would meet another break or the end of the film."""
    one = _open_break(plan, break_id)
    place = one.after + by
    if by < 1 or place >= plan.places or any(other.after == place for other in plan.breaks):
        raise EditRefused("a break can only move to a later place between two scenes that has no break yet")
    moved = replace(one, after=place, moved=one.moved + by, reason=reason)
    return _counted(plan, breaks=tuple(sorted(_with(plan.breaks, moved), key=lambda other: other.after)))


def break_shortened(plan: Plan, break_id: str, *, most_seconds: float, reason: str) -> Plan:
    """An open mid-roll with at most so many seconds of ads. Raises EditRefused where it is no shorter than it was."""
    one = _open_break(plan, break_id)
    if most_seconds <= 0 or (one.most_seconds is not None and most_seconds >= one.most_seconds):
        raise EditRefused("a break can only be made shorter, and not be left out")
    return _counted(plan, breaks=_with(plan.breaks, replace(one, most_seconds=most_seconds, reason=reason)))


def in_author_order(plan: Plan) -> Plan:
    """Everything still open as the author had it; always legal, since requirements point backwards in that order."""
    completed = story.author_order(plan.story_scenes(), plan.played, with_optional=False)
    played, breaks = set(plan.played), plan.breaks
    # From behind, so that a place still means what it meant when the scene was put there.
    for place in range(len(plan.remaining) - 1, -1, -1):
        if plan.scene(plan.remaining[place]).optional:
            breaks = _shifted(breaks, behind=len(plan.played) + place, by=-1)
    return replace(
        plan,
        remaining=tuple(completed[len(plan.played) :]),
        optional=tuple(scene.id for scene in plan.film if scene.optional and scene.id not in played),
        tight=tuple(scene for scene in plan.tight if scene in played),
        notes=tuple(note for note in plan.notes if note.scene in played),
        breaks=_as_planned(breaks, played=len(plan.played)),
    )


def as_edited(plan: Plan, *, wanted: bool) -> Plan:
    """The viewer asks for the film as its author edited it, or lets the Director work again."""
    return replace(in_author_order(plan) if wanted else plan, as_edited=wanted)


def _changed(plan: Plan, note: Note, **edited: Any) -> Plan:
    return _counted(plan, notes=(*plan.notes, note), **edited)


def _counted(plan: Plan, **edited: Any) -> Plan:
    if plan.changes >= plan.change_budget:
        raise EditRefused("the title's budget of changes is spent")
    if plan.as_edited:
        raise EditRefused("the viewer asked for the film as edited")
    return replace(plan, changes=plan.changes + 1, changed_after=len(plan.played), **edited)


def _open_break(plan: Plan, break_id: str) -> Break:
    one = next((one for one in plan.breaks if one.id == break_id and one.state == "open"), None)
    if one is None or plan.position_of(one) != "mid":
        raise EditRefused("only a break between two scenes that is not decided yet can be changed")
    return one


def _as_planned(breaks: Sequence[Break], *, played: int) -> tuple[Break, ...]:
    """Open breaks where the policy put them and as long as it allows; one whose place has passed or is taken stays where it is."""
    restored = list(breaks)
    for index, one in enumerate(breaks):
        if one.state != "open" or (not one.moved and one.most_seconds is None):
            continue
        place = one.after - one.moved
        back = place >= played and all(other.after != place or other.id == one.id for other in restored)
        restored[index] = replace(one, after=place, moved=0, most_seconds=None, reason="") if back else replace(one, most_seconds=None)
    return tuple(sorted(restored, key=lambda one: one.after))


def _shifted(breaks: Sequence[Break], *, behind: int, by: int) -> tuple[Break, ...]:
    return tuple(replace(one, after=one.after + by) if one.state == "open" and one.after > behind else one for one in breaks)


def _with(breaks: Sequence[Break], changed: Break) -> tuple[Break, ...]:
    return tuple(changed if one.id == changed.id else one for one in breaks)
