"""Which of a plan's open breaks will take place under the title's ad policy, and how long they will be, if the viewer plays on. Pure.

The rules are those a break meets when it is due, in `ads.decision.load`. Beforehand less is known: the film counts as watched as far as it is
published, and ads that the viewer met in other playbacks are left aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from operator import attrgetter

from ads.decision.load import History, Policy, allowance
from ads.placement import position
from engagement.playback.plan import TOOK_PLACE, Break, BreakPosition, Plan

from .film import film_of

EVERY_BREAK = Policy(pre_roll=True, post_roll=True, break_seconds=inf, seconds_per_hour=inf)
BY_PLACE = attrgetter("after")

Expected = Callable[[Break, BreakPosition], float]


@dataclass(frozen=True, slots=True)
class Met:
    """What is published: ``film`` seconds, ``since_break`` of them behind the last break that took place (None before any), so many
    ``breaks``, and the ads as (Unix time, seconds)."""

    film: float
    since_break: float | None
    breaks: int
    ads: tuple[tuple[float, float], ...]


def met(plan: Plan) -> Met:
    took_place = [one for one in plan.breaks if one.state in TOOK_PLACE]
    last = max((one.after for one in took_place), default=None)
    shown = [item.t1 - item.t0 for item in plan.published if item.scene]
    return Met(sum(shown), None if last is None else sum(shown[last:]), len(took_place), tuple((one.at, one.seconds) for one in took_place))


def taking_place(plan: Plan, policy: Policy, before: Met, expected: Expected, *, now: float) -> Iterator[tuple[Break, BreakPosition, float]]:
    """Each open break that takes place, in playing order, with its position and its seconds: as many as are ``expected`` of it, or what
    the policy leaves of them. ``before`` is `met` of the plan; it plays on from ``now`` (Unix seconds)."""
    film, place = film_of(plan), len(plan.played)
    places, passed = place + len(plan.remaining), place
    watched, since, breaks, ads, at = before.film, before.since_break, before.breaks, before.ads, now
    for one in sorted([one for one in plan.breaks if one.state == "open"], key=BY_PLACE):
        for scene in plan.remaining[passed - place : max(passed, one.after) - place]:
            seconds = film[scene].seconds("tight" if scene in plan.tight else "full")
            watched, at = watched + seconds, at + seconds
            since = None if since is None else since + seconds
        passed = max(passed, one.after)
        where = position(one.after, places)
        allowed = allowance(policy, History(watched, since, breaks, ads), where, now=at)
        if allowed.seconds:
            shown = min(expected(one, where), allowed.seconds)
            since, breaks, ads, at = 0.0, breaks + 1, (*ads, (at, shown)), at + shown
            yield one, where, shown
