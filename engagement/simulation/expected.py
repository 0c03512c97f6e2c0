"""What is to be expected of the coming scenes, for who knows the hidden state: the ceiling of any model of engagement or leaving. Pure.

Closed forms, of the plan as it stands when the scene has begun and the Director has decided: a scene's survival is exponential, so the
mean share of it that is seen is (1 - p) / -ln p of its stay probability p. How a person's speed of playback and a stall yet to come
move the second scene is left to its mean; ads are taken to be left as `behaviour.leave_probability` says, one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engagement.director.story import GRID_SECONDS, LEAVING_SECONDS

from .audience import Audience
from .behaviour import Watched, leave_probability
from .people import Person
from .scenes import MEAN_STALL_SECONDS, Picture, SceneView, Sitting, after_scene, boredom, skip_probability, stay_probability

SKIPPED_SHARE = 0.5
MOST_MOMENTS = 60
# A change of speed falls somewhere in the scene; back to normal comes early in it.
OFF_SPEED_SHARE = 0.5
BACK_AT_SPEED_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Coming:
    """The scene that has begun, the seconds of each ad before the next one, and that one where the film has more."""

    scene: SceneView
    ads_before: float
    ads: Sequence[float] = ()
    following: SceneView | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """``engagement`` is the share, at normal speed, of the scene and the next one; ``leave`` the chance of leaving within 15 seconds of
    its start, and of each five seconds of it."""

    stay: float
    engagement: float
    leave: tuple[float, ...]


def expectation(audience: Audience, person: Person, sitting: Sitting, coming: Coming, arrives: Picture) -> Expectation:
    stay = stay_probability(audience, person, coming.scene, ad_seconds=coming.ads_before, stalled=arrives.stalled, sitting=sitting, poor=arrives.poor)
    bored = boredom(audience, person, coming.scene, sitting)
    off = min(1.0, audience.watching.rate * 2 * bored)
    hurried = bored if sitting.hurried else off
    speed = BACK_AT_SPEED_SHARE * (1 - bored) if sitting.hurried else 1 - off * OFF_SPEED_SHARE
    first = _seen(audience, stay, bored) * speed
    if coming.following is None:
        return Expectation(stay, first, _leaving([(coming.scene.duration, stay)]))
    through_ads = 1 - leave_probability(audience, person)
    later = after_scene(audience, person, coming.scene, sitting, Watched((), coming.scene.duration, left=False, truth=stay), poor=arrives.poor)
    stall = audience.watching.stall * MEAN_STALL_SECONDS
    stay_next = stay_probability(audience, person, coming.following, ad_seconds=sum(coming.ads), stalled=stall, sitting=later)
    bored_next = boredom(audience, person, coming.following, later)
    reached = stay * through_ads ** len(coming.ads)
    second = reached * _seen(audience, stay_next, bored_next) * (1 - hurried * (1 - BACK_AT_SPEED_SHARE * (1 - bored_next)))
    stretches = [(coming.scene.duration, stay), *((seconds, through_ads) for seconds in coming.ads), (coming.following.duration, stay_next)]
    return Expectation(stay, (first + second) / 2, _leaving(stretches))


def _seen(audience: Audience, stay: float, bored: float) -> float:
    """Mean share of a scene that is watched: until it is left, or skipped by who stays."""
    survived = (1 - stay) / -math.log(stay) if 0 < stay < 1 else stay
    return survived - stay * skip_probability(audience, bored) * SKIPPED_SHARE


def _leaving(stretches: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """The chance of leaving within `LEAVING_SECONDS` of each `GRID_SECONDS` of the first of these stretches of (seconds, chance of
    staying through)."""
    (seconds, _), *_rest = stretches
    starts = [step * GRID_SECONDS for step in range(min(MOST_MOMENTS, max(1, math.ceil(seconds / GRID_SECONDS))))]
    return tuple(1 - _survival(stretches, start, LEAVING_SECONDS) for start in starts)


def _survival(stretches: Sequence[tuple[float, float]], start: float, wanted: float) -> float:
    """Chance of still being there ``wanted`` seconds after ``start``, for who is there then."""
    alive = 1.0
    for seconds, stay in stretches:
        inside = min(wanted, max(0.0, seconds - start))
        alive *= stay ** (inside / seconds) if seconds > 0 else 1.0
        wanted, start = wanted - inside, max(0.0, start - seconds)
    return alive
