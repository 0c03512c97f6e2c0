"""What the Director does at a boundary, of all that the story allows: what is worth most in money, and at a few boundaries what chance draws.

Pure. An option is chosen for its gain over keeping the plan, in micros, and only where the lower bound of that gain is positive: a quantile
over the bags of the model of attention, each of which learned from other sessions, of the difference between the two. What chance has
not tried often enough is only ever explored, since nothing randomised speaks for it yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from adplatform.learning.metrics import Floats
from engagement.playback.plan import Plan

from .exploration import Draw, drawn, propensities
from .guards import STALLED_SECONDS, losing, may_change
from .options import Option
from .words import reason_of
from .worth import Worth

Trigger = Literal["scene_start", "drop"]


class Valued(Protocol):
    """What a model expects of each option: attention as a share 0-1, ``mean`` [n options] and ``bags`` [n options, bags]; ``trials`` is how
    often chance tried each action in what it learned from."""

    @property
    def mean(self) -> Floats: ...
    @property
    def bags(self) -> Floats: ...
    @property
    def version(self) -> int: ...
    @property
    def trials(self) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """``exploration``: share of the boundaries where chance draws; ``quantile`` of the gain over the bags that must be positive;
    ``least_trials`` of an action before it is chosen; ``salt`` makes the draws unpredictable."""

    exploration: float
    quantile: float
    least_trials: int
    salt: str
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known at a boundary. ``options`` are those of the plan, keeping first, each with what it is worth; ``engagement`` is
    predicted for the scene on screen, ``usual`` for such moments: shares 0-1 of the coming scenes watched."""

    plan: Plan
    scene: int
    trigger: Trigger
    options: Sequence[Option]
    worths: Sequence[Worth]
    valued: Valued | None
    draw: Draw
    rules: Rules
    engagement: float | None = None
    usual: float | None = None
    stalled_seconds: float = 0.0
    control: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """Per option [n]: the gain over keeping the plan in micros, its lower bound, and whether chance has tried its kind often enough."""

    gain: Floats
    low: Floats
    proven: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """``index`` of the option that is taken, and of the one ``intended`` had nothing held it back. ``propensities`` are the chances that
    each had."""

    index: int
    intended: int
    explored: bool
    propensities: tuple[float, ...]
    judged: Judged | None
    reason: str
    alternatives: tuple[dict[str, Any], ...]

    @property
    def propensity(self) -> float:
        return self.propensities[self.index]


def choose(sight: Sight) -> Choice:
    """Raises ValueError when ``sight.options`` is empty: a film that is published to its end has no boundaries left."""
    if not sight.options:
        raise ValueError("nothing is open any more; there is nothing to decide")
    judged = judge(sight.worths, sight.options, sight.valued, sight.rules) if sight.valued is not None else None
    allowed = permitted(sight)
    held_back = sight.control or sight.plan.as_edited
    free = [0] if held_back else allowed
    index, intended, explored, chances = pick(judged, allowed, free, sight.draw, sight.rules.exploration)
    everyone = tuple(chances.get(place, 0.0) for place in range(len(sight.options)))
    return Choice(
        index, intended, explored, everyone, judged,
        reason_of(sight, judged, index=index, intended=intended, explored=explored, allowed=allowed, chances=everyone),
        tuple(_alternatives(sight, judged, allowed, everyone, index, intended)),
    )  # fmt: skip


def pick(judged: Judged | None, allowed: Sequence[int], free: Sequence[int], draw: Draw, share: float) -> tuple[int, int, bool, dict[int, float]]:
    """(taken, intended, explored, propensity by option): the intention is made among ``allowed``, what happens among ``free``."""
    intended = best(judged, allowed)
    greedy = free.index(intended) if intended in free else 0
    taken, explored = drawn(draw, len(free), greedy, share)
    return free[taken], intended, explored, dict(zip(free, propensities(len(free), greedy, share), strict=True))


def best(judged: Judged | None, allowed: Sequence[int]) -> int:
    """The option with the highest lower bound of its gain, of those that chance has tried often enough; 0, keeping, where none is positive."""
    if judged is None:
        return 0
    gainful = [index for index in allowed if judged.proven[index] and judged.low[index] > 0]
    return max(gainful, key=lambda index: float(judged.low[index]), default=0)


def judge(worths: Sequence[Worth], options: Sequence[Option], valued: Valued, rules: Rules) -> Judged:
    """The gain of each option over the first, bag by bag: what is uncertain in both alike is not uncertain in their difference."""
    now = np.array([one.now for one in worths])
    later = np.array([one.later for one in worths])
    means, bags = now + valued.mean * later, now[:, None] + valued.bags * later[:, None]
    low = quantile(bags - bags[0], rules.quantile)
    proven = tuple(index > 0 and valued.trials.get(one.action, 0) >= rules.least_trials for index, one in enumerate(options))
    return Judged(means - means[0], low, proven)


def quantile(values: Floats, share: float) -> Floats:
    """Of each row [n, bags], as numpy's default: between the two values next to it. numpy's own takes longer than all of the rest."""
    ordered = np.sort(values, axis=1)
    place = share * (values.shape[1] - 1)
    below = int(place)
    above = min(below + 1, values.shape[1] - 1)
    found: Floats = ordered[:, below] + (place - below) * (ordered[:, above] - ordered[:, below])
    return found


def permitted(sight: Sight) -> list[int]:
    """Indices of the options that may be taken here. A suggestion changes no plan, so no budget or cool-down holds it back,
    and is made to those alone whom this film is losing."""
    if sight.stalled_seconds > STALLED_SECONDS:
        return [0]
    changeable, offered = may_change(sight.plan), losing(sight.engagement, sight.usual, dropped=sight.trigger == "drop")
    return [index for index, one in enumerate(sight.options) if one.action == "keep" or (offered if one.action == "suggest" else changeable)]


def _alternatives(
    sight: Sight, judged: Judged | None, allowed: Sequence[int], chances: Sequence[float], taken: int, intended: int
) -> list[dict[str, Any]]:
    """Every option as the log keeps it, with all that the choice was made from."""
    told = []
    for index, (one, worth) in enumerate(zip(sight.options, sight.worths, strict=True)):
        scene = sight.plan.scene(one.scene)
        told.append(
            {
                "action": one.action, "scene": one.scene, "name": scene.name, "cut": one.cut, "moved": one.moved, "break_id": one.break_id,
                "break_seconds": round(one.break_seconds, 3), "title": one.title, "intensity": scene.intensity, "mood": scene.mood,
                "expected": None if sight.valued is None else float(sight.valued.mean[index]),
                "now": worth.now, "later": worth.later,
                "gain": None if judged is None else float(judged.gain[index]),
                "gain_low": None if judged is None else float(judged.low[index]),
                "proven": judged is not None and judged.proven[index],
                "allowed": index in allowed, "propensity": chances[index], "taken": index == taken, "intended": index == intended,
            }
        )  # fmt: skip
    return told


def replayed(alternatives: Sequence[Mapping[str, Any]], draw: Draw, *, share: float) -> tuple[int, int]:
    """(taken, intended) anew from a decision's stored alternatives, the draw of its boundary and the share explored then."""
    judged = None
    if alternatives[0]["gain_low"] is not None:
        judged = Judged(
            np.array([one["gain"] for one in alternatives]),
            np.array([one["gain_low"] for one in alternatives]),
            tuple(bool(one["proven"]) for one in alternatives),
        )
    allowed = [index for index, one in enumerate(alternatives) if one["allowed"]]
    free = [index for index, one in enumerate(alternatives) if one["propensity"] > 0]
    taken, intended, _, _ = pick(judged, allowed, free, draw, share)
    return taken, intended
