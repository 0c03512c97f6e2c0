"""What one person does with one scene, and what a playback leaves in them: hidden state, true probabilities, actions. Pure.

Staying is a hazard per second: a scene that is cut short is a smaller risk, and costs a little of what made it good.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from numpy.random import Generator

from .audience import Audience
from .behaviour import Action, Watched, in_order, logistic
from .people import Person

SHORTEST_REWIND = 3.0
MEAN_STALL_SECONDS = 1.5
FASTER = 1.5
USUAL_BUFFER_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class SceneView:
    """What a person meets as a scene: ``duration`` seconds as published, the scene after ``index`` others.

    ``usual`` is how long a scene of this film usually is, and ``whole`` how long this one is uncut; 0 where that is what it has.
    ``moved`` is how many places it plays away from the author's.
    """

    id: int
    mood: str
    intensity: float
    genres: tuple[str, ...]
    duration: float
    index: int
    usual: float = 0.0
    whole: float = 0.0
    moved: int = 0
    optional: bool = False

    @property
    def exposure(self) -> float:
        """How many usual scenes long it is."""
        return self.duration / self.usual if self.usual else 1.0

    @property
    def cut_away(self) -> float:
        return max(0.0, 1 - self.duration / self.whole) if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class Sitting:
    """What a person brings to the next scene of a playback. ``momentum`` is the running mean of how well the scenes suited, ``annoyed``
    in log-odds; the rest adds up what was met: ``whole`` are the scenes that were watched to their end."""

    momentum: float = 0.0
    annoyed: float = 0.0
    hurried: bool = False
    scenes: int = 0
    whole: int = 0
    fits: float = 0.0
    poor: int = 0
    moved: int = 0
    ad_seconds: float = 0.0
    film_seconds: float = 0.0


FRESH = Sitting()


@dataclass(frozen=True, slots=True)
class Picture:
    """How a scene arrives: seconds of ``stalled`` playback, and whether it falls into a bad spell of the connection."""

    stalled: float = 0.0
    poor: bool = False
    buffer: float = USUAL_BUFFER_SECONDS
    dropped: int = 0


GOOD = Picture()


def scene_fit(person: Person, scene: SceneView) -> float:
    """How well a scene suits a person, in log-odds: mood, genre and pace together."""
    pace = (scene.intensity - person.ideal_intensity) / person.intensity_width
    genre = sum(person.genres.get(genre, 0.0) for genre in scene.genres) / max(1, len(scene.genres))
    return person.moods.get(scene.mood, 0.0) + 0.6 * genre + 0.4 - 0.5 * pace * pace + (person.lingering if scene.optional else 0.0)


def fit_as_shown(audience: Audience, person: Person, scene: SceneView) -> float:
    return scene_fit(person, scene) - audience.story.cut * scene.cut_away


def stay_probability(
    audience: Audience, person: Person, scene: SceneView, *, ad_seconds: float, stalled: float, sitting: Sitting = FRESH, poor: bool = False
) -> float:
    """True probability of watching the scene to its end; ``ad_seconds`` were shown directly before it."""
    rule, story = audience.watching, audience.story
    odds = rule.base + rule.taste * fit_as_shown(audience, person, scene) + person.patience - rule.fatigue_per_scene * scene.index
    odds += story.momentum * sitting.momentum + person.reorder * abs(scene.moved) + sitting.annoyed
    if ad_seconds > 0:
        odds += rule.after_ads + rule.per_ad_second * ad_seconds + story.after_ads_per_momentum * sitting.momentum
    if poor:
        odds += audience.network.leave
    return float(logistic(odds + rule.stall_per_second * stalled) ** scene.exposure)


def picture(audience: Audience, *, poor: bool, rng: Generator) -> Picture:
    """How the next scene arrives, in a playback on a ``poor`` connection or a good one."""
    network = audience.network
    spell = poor and rng.random() < network.spell
    stalls = rng.random() < (network.stall if spell else audience.watching.stall)
    stalled = float(rng.exponential(MEAN_STALL_SECONDS)) if stalls else 0.0
    if not spell:
        return Picture(stalled)
    return Picture(stalled, True, round(min(USUAL_BUFFER_SECONDS, float(rng.exponential(network.buffer))), 2), int(rng.poisson(network.dropped)))


def boredom(audience: Audience, person: Person, scene: SceneView, sitting: Sitting) -> float:
    return logistic(-fit_as_shown(audience, person, scene) - audience.story.momentum * sitting.momentum)


def skip_probability(audience: Audience, bored: float) -> float:
    return min(1.0, audience.watching.skip * 2 * bored)


def watch_scene(
    audience: Audience, person: Person, scene: SceneView, *, ad_seconds: float, rng: Generator, sitting: Sitting = FRESH, arrives: Picture = GOOD
) -> Watched:
    """Draw what the person does in one scene: small signs first, then whether the scene is watched to its end."""
    bored = boredom(audience, person, scene, sitting)
    stays = stay_probability(audience, person, scene, ad_seconds=ad_seconds, stalled=arrives.stalled, sitting=sitting, poor=arrives.poor)
    lasted = math.log(max(1e-12, 1 - float(rng.random()))) / math.log(min(stays, 1 - 1e-12))
    left = lasted < 1
    end = scene.duration * min(1.0, lasted)
    actions = _signs(audience, scene, sitting, arrives, bored=bored, end=end, rng=rng)
    if not left and rng.random() < skip_probability(audience, bored):
        end = scene.duration * float(rng.uniform(0.2, 0.8))
        actions = [*(action for action in actions if action.at <= end), Action(end, "playback.skip_scene")]
    return Watched(in_order(actions), end, left=left, truth=stays, buffer=arrives.buffer, dropped=arrives.dropped)


def _signs(audience: Audience, scene: SceneView, sitting: Sitting, arrives: Picture, *, bored: float, end: float, rng: Generator) -> list[Action]:
    """Small signs of boredom and interest, and the stall that comes first."""
    rule = audience.watching
    actions: list[Action] = []
    if arrives.stalled:
        actions.append(Action(min(0.2, end), "playback.stall", {"milliseconds": round(arrives.stalled * 1000)}, pause=arrives.stalled))
    if rng.random() < rule.pause * (0.5 + bored):
        at = end * float(rng.random())
        actions += [Action(at, "playback.pause", pause=float(rng.exponential(12.0)) + 1), Action(at, "playback.play")]
    if rng.random() < rule.hide * 2 * bored:
        at, back = sorted(end * rng.random(2))
        actions += [Action(float(at), "playback.visibility", {"hidden": True}), Action(float(back), "playback.visibility", {"hidden": False})]
    if rng.random() < rule.rewind * 2 * (1 - bored) and end > SHORTEST_REWIND:
        actions.append(Action(end * float(rng.uniform(0.5, 1.0)), "playback.rewind", {"seconds": round(float(rng.uniform(2, 6)), 1)}))
    if sitting.hurried:
        if rng.random() < 1 - bored:
            actions.append(Action(0.1 * end, "playback.rate", {"rate": 1.0}))
    elif rng.random() < rule.rate * 2 * bored:
        actions.append(Action(end * float(rng.random()), "playback.rate", {"rate": FASTER}))
    return actions


def after_scene(audience: Audience, person: Person, scene: SceneView, sitting: Sitting, watched: Watched, *, poor: bool) -> Sitting:
    """What is left in the person once the scene is over."""
    fit, memory = fit_as_shown(audience, person, scene), audience.story.memory
    rates = [action.data["rate"] for action in watched.actions if action.type == "playback.rate"]
    return replace(
        sitting,
        momentum=memory * sitting.momentum + (1 - memory) * fit,
        hurried=rates[-1] != 1.0 if rates else sitting.hurried,
        scenes=sitting.scenes + 1,
        whole=sitting.whole + (not watched.left and watched.seconds >= scene.duration),
        fits=sitting.fits + fit,
        poor=sitting.poor + poor,
        moved=sitting.moved + abs(scene.moved),
        film_seconds=sitting.film_seconds + watched.seconds,
    )


def follows_suggestion(audience: Audience, person: Person, sitting: Sitting, genres: Sequence[str]) -> float:
    """True probability of following a suggestion of a title of these genres."""
    rule = audience.suggesting
    return logistic(rule.base - rule.bored * sitting.momentum + rule.taste * title_fit(person, genres))


def title_fit(person: Person, genres: Sequence[str]) -> float:
    return sum(person.genres.get(genre, 0.0) for genre in genres) / max(1, len(genres))


def asks_for_the_edit(audience: Audience, person: Person, scene: SceneView, rng: Generator) -> bool:
    """Whether somebody who minds a scene out of place asks for the film as its author edited it."""
    return bool(scene.moved and person.reorder < 0 and rng.random() < audience.story.as_edited)


def complaints(audience: Audience, person: Person, sitting: Sitting, *, rng: Generator) -> list[str]:
    """What the person complains about after a playback."""
    rule = audience.complaining
    causes = {
        "ads": rule.per_ad_second * sitting.ad_seconds,
        "order": rule.order * max(0.0, -person.reorder) * sitting.moved,
        "picture": rule.picture * sitting.poor,
    }
    return [about for about, weight in causes.items() if weight > 0 and rng.random() < logistic(rule.base + weight)]
