"""What holds every change back, whatever a model says. Pure."""

from __future__ import annotations

from engagement.playback.plan import Plan

# Scenes that are published between two changes.
COOL_DOWN_SCENES = 2
# More buffering than this in the last minute explains low attention better than the scenes do.
STALLED_SECONDS = 2.0
# Attention below this share of what is usual at such moments.
LOSING = 0.8


def may_change(plan: Plan) -> bool:
    """Whether the budget of changes and the cool-down allow another change."""
    return plan.changes < plan.change_budget and not cooling(plan)


def losing(engagement: float | None, usual: float | None, *, dropped: bool) -> bool:
    """Whether this viewer is about to be lost to the film: another title is only offered to who is not well served by this one."""
    return dropped or (engagement is not None and usual is not None and engagement < LOSING * usual)


def cooling(plan: Plan) -> bool:
    return plan.changed_after is not None and len(plan.played) - plan.changed_after < COOL_DOWN_SCENES
