"""What the Director does at a boundary: keep the order, or bring a scene forward that this viewer will rather watch.

Pure. It sees the plan, what the engagement model says of the scenes that may come next, and what is usual; it answers with
an action, its reason in plain words, and what else it could have done. It never touches what is published, the opener or
the finale, never breaks a requirement of the author's, and never spends more than the title's budget of changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from catalog import story
from engagement.playback.edits import reordered
from engagement.playback.plan import Note, Plan

Action = Literal["keep", "bring_forward"]
Trigger = Literal["scene_start", "drop"]

# Attention counts as low below this share of what is usual.
LOW = 0.97
# A change must promise at least this much more of the coming scenes watched.
LEAST_GAIN = 0.02
# Scenes that play between two changes.
COOL_DOWN_SCENES = 2
# More buffering than this in the last minute explains low attention better than the scenes do.
STALLED_SECONDS = 2.0
USUAL_WITHOUT_HISTORY = 0.75


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known at a boundary. ``engagement`` is predicted for the scene on screen, ``usual`` for such moments, and
    ``expected`` for each scene that may come next in the place to be filled; shares 0-1 of the coming scenes watched."""

    plan: Plan
    scene: int
    trigger: Trigger
    engagement: float | None
    usual: float
    expected: Mapping[int, float]
    stalled_seconds: float = 0.0
    directed: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """``order`` is that of all open scenes when something changes; ``moved`` is the scene brought forward."""

    action: Action
    reason: str
    moved: int | None = None
    order: tuple[int, ...] = ()
    alternatives: tuple[dict[str, Any], ...] = ()


def candidates(plan: Plan) -> list[int]:
    """Scenes that may come next, the one that is next first; no finale before everything else has played."""
    if not plan.remaining:
        return []
    following = plan.remaining[0]
    finale = plan.film[-1].id
    legal = [scene for scene in story.legal_next(plan.story_scenes(), plan.played) if scene in plan.remaining and scene not in (finale, following)]
    return [following, *legal]


def brought_forward(plan: Plan, scene_id: int) -> tuple[int, ...]:
    """The open scenes with ``scene_id`` first and the rest as they were: legal whenever ``scene_id`` may come next."""
    return (scene_id, *(one for one in plan.remaining if one != scene_id))


def choose(sight: Sight) -> Choice:
    """The action for this boundary, with what else was possible."""
    options = candidates(sight.plan)
    alternatives = tuple(_alternatives(sight, options))
    obstacle = _obstacle(sight, options)
    if obstacle:
        return Choice("keep", obstacle, alternatives=alternatives)
    following = options[0]
    best = max(options, key=lambda scene: (sight.expected.get(scene, 0.0), scene == following))
    gain = sight.expected.get(best, 0.0) - sight.expected.get(following, 0.0)
    attention = f"{_percent(sight.engagement)} of what comes is expected to be watched, {_percent(sight.usual)} is usual"
    if best == following or gain < LEAST_GAIN:
        return Choice("keep", f"{attention}; no other scene promises more than “{sight.plan.scene(following).name}”.", alternatives=alternatives)
    stronger = sight.plan.scene(best)
    reason = (
        f"{attention}. “{stronger.name}” ({stronger.mood}, intensity {stronger.intensity:.0%}) comes next instead of"
        f" “{sight.plan.scene(following).name}”: {_percent(sight.expected[best])} against {_percent(sight.expected[following])} expected with it."
    )
    return Choice("bring_forward", reason, moved=best, order=brought_forward(sight.plan, best), alternatives=alternatives)


def applied(plan: Plan, choice: Choice, *, decided_on: Plan) -> Plan:
    """The plan with the choice in it; unchanged when something was published or moved since the choice was made."""
    if choice.moved is None or (plan.played, plan.remaining, plan.epoch) != (decided_on.played, decided_on.remaining, decided_on.epoch):
        return plan
    return reordered(plan, choice.order, note=Note(choice.moved, choice.reason))


def _obstacle(sight: Sight, options: Sequence[int]) -> str:
    """Why nothing may change whatever the model says, in words; empty when something may."""
    plan = sight.plan
    if not sight.directed:
        return "This playback is in the control group: the author's order plays."
    if len(options) < 2:
        return "The story leaves no choice of what comes next."
    if sight.engagement is None:
        return "No engagement model serves yet, so the author's order plays."
    if plan.changes >= plan.change_budget:
        return f"The editors allow {plan.change_budget} changes in this film, and they are made."
    if plan.changed_after is not None and len(plan.played) - plan.changed_after < COOL_DOWN_SCENES:
        return "A scene was brought forward just now; the next scenes play as planned."
    if sight.stalled_seconds > STALLED_SECONDS:
        return "Playback was buffering: low attention is put down to the connection, not to the film."
    if sight.engagement >= LOW * sight.usual:
        return f"Attention is as usual: {_percent(sight.engagement)} of what comes is expected to be watched, {_percent(sight.usual)} is usual."
    return ""


def _alternatives(sight: Sight, options: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "action": "bring_forward" if index else "keep",
            "scene": scene,
            "name": sight.plan.scene(scene).name,
            "intensity": sight.plan.scene(scene).intensity,
            "expected": sight.expected.get(scene),
        }
        for index, scene in enumerate(options)
    ]


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"
