"""The true attention of each option of a boundary, for who sees the hidden state of the person: what any model is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from adplatform.learning.metrics import Floats
from engagement.director.deciding import Moment
from engagement.director.options import Option, applied
from engagement.playback.plan import Plan
from engagement.simulation import behaviour, expected, scenes
from engagement.simulation.behaviour import Watched
from engagement.simulation.expected import Coming
from engagement.simulation.people import Person
from engagement.simulation.scenes import GOOD, SceneView, Sitting

from .director_world import AD_SECONDS, Screen


class Always(dict[str, int]):
    def get(self, key: str, default: int | None = None) -> int:  # type: ignore[override]
        return 1


@dataclass(frozen=True)
class Known:
    mean: Floats
    bags: Floats
    version: int = 0
    trials: Always = field(default_factory=Always)


def attention(moment: Moment, screen: Screen, options: Sequence[Option]) -> Known:
    """Of who watches what is published to its end."""
    mean = np.array([_of(moment.plan, one, screen) for one in options])
    return Known(mean, mean[:, None])


def _of(plan: Plan, option: Option, screen: Screen) -> float:
    playing, audience, person = screen.walk, screen.arm.world.audience, screen.person
    if option.title:
        return _of_suggestion(plan, option, screen)
    changed = applied(replace(plan, as_edited=False), option, reason="")
    sitting = playing.sitting
    for place, item in enumerate(one for one in plan.published[playing.index :] if one.scene):
        view = playing.view(changed, item.scene, item.t1 - item.t0, index=playing.sitting.scenes + place)
        sitting = scenes.after_scene(audience, person, view, sitting, Watched((), view.duration, left=False, truth=1.0), poor=False)
    coming = [
        playing.view(changed, scene, changed.scene(scene).clip.duration(changed.cut_of(scene)), index=sitting.scenes + step)
        for step, scene in enumerate(changed.remaining[:2])
    ]
    return _through(screen, person, sitting, coming, option.break_seconds)


def _through(screen: Screen, person: Person, sitting: Sitting, coming: Sequence[SceneView], ad_seconds: float) -> float:
    audience = screen.arm.world.audience
    there = (1 - behaviour.leave_probability(audience, person)) ** round(ad_seconds / AD_SECONDS)
    told = expected.expectation(audience, person, sitting, Coming(coming[0], ad_seconds, (), coming[1] if len(coming) > 1 else None), GOOD)
    return there * told.engagement


def _of_suggestion(plan: Plan, option: Option, screen: Screen) -> float:
    """Who follows it goes over to the first scenes of another film; everybody else is a little disturbed."""
    audience, person, film = screen.arm.world.audience, screen.person, screen.arm.world.films[option.title]
    follows = scenes.follows_suggestion(audience, person, screen.walk.sitting, film.genres)
    opening = [
        SceneView(one.id, one.mood, one.intensity, film.genres, one.clip.duration(), step, usual=one.clip.duration())
        for step, one in enumerate(film.scenes[:2])
    ]
    there = _through(screen, person, scenes.FRESH, opening, 0.0)
    stays = _of(plan, replace(option, action="keep", title=0), screen)
    return follows * there + (1 - follows) * stays
