"""What the policy model sees of a boundary: one row for each option, the session's features and the option's own. Pure.

Rows are made of what is logged, rounded as it is logged: a row read back from the log is the row that was served, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from adplatform.learning.schema import UNKNOWN_CATEGORY, Feature, FeatureSchema, Matrix
from catalog.models import Mood
from engagement.models import DirectorAction
from engagement.playback.plan import Plan, PlannedScene

from . import features
from .features import SceneContext, SessionSignals
from .options import Option

DIGITS = 4

OWN = (
    Feature("action", "engagement", categories=tuple(DirectorAction.values)),
    Feature("next_mood", "catalog", categories=tuple(Mood.values), description="Of the scene that would fill the next open place"),
    Feature("next_intensity", "catalog"),
    Feature("next_seconds", "catalog", high=3600, description="As cut"),
    Feature("next_tight", "catalog", description="1 for the tight cut"),
    Feature("next_optional", "catalog"),
    Feature("after_intensity", "catalog", optional=True, description="Of the scene that would come after that one"),
    Feature("step", "catalog", low=-1, description="Intensity of the next scene over that of the one on screen"),
    Feature("moved", "engagement", low=-50, high=50, description="Places earlier (later, where negative) than planned"),
    Feature("ahead_of_author", "engagement", high=50, description="Scenes of the author's order that would be passed over"),
    Feature("changes", "engagement", high=50, description="Changes made in this film so far"),
    Feature("since_change", "engagement", high=200, optional=True, description="Scenes published since the last change"),
    Feature("break_seconds", "ads", high=600, description="Of ads expected before the next scene"),
    Feature("ad_share", "ads", description="Share of the playlist so far that was ads"),
    Feature("film_since_ads", "ads", high=7200, description="Seconds of film since the last ads"),
    Feature("same_mood_share", "engagement", optional=True, description="How much this viewer watched of scenes of that mood in this session"),
    Feature("same_tags_share", "engagement", optional=True, description="The same of scenes that share tags with it, by how many they share"),
    Feature("likes_intensity", "engagement", low=-1, optional=True, description="Mean intensity of what was watched over that of what was shown"),
)  # fmt: skip
# Of one thing done, the last minute and all of it are kept: a boundary is one row, and chance tries each action at few of them.
SESSION = tuple(
    one
    for one in features.SCHEMA.features
    if not one.name.endswith("_last_5_minutes") and (one.name == "seconds_since_action" or not one.name.startswith("seconds_since_"))
)
SCHEMA = FeatureSchema(name="director", version=1, features=(*SESSION, *OWN))
_OWN = FeatureSchema(name="director options", version=1, features=OWN)
_LOW = np.array([UNKNOWN_CATEGORY if one.categories is not None else one.low for one in OWN])
_HIGH = np.array([len(one.categories) - 1 if one.categories is not None else one.high for one in OWN])
_ACTIONS = {action: code for code, action in enumerate(DirectorAction.values)}
_MOODS = {mood: code for code, mood in enumerate(Mood.values)}

Logged = dict[str, float | None]


@dataclass(frozen=True)
class Lot:
    """``session`` is what a decision logs as its features, ``options`` what it logs as those of each alternative, ``rows`` float32
    [n options, features of `SCHEMA`] what a model is asked."""

    session: Logged
    options: tuple[Logged, ...]
    rows: Matrix


def lot(signals: SessionSignals, context: SceneContext, plan: Plan, options: Sequence[Option], *, now: datetime) -> Lot:
    """``context`` is that of the scene on screen; the options are those of `options.options`, keeping first."""
    session = logged(features.build(signals, context, now.timestamp())[0], features.SCHEMA)
    own = [logged(row, _OWN) for row in _own(signals, context, plan, options)]
    return Lot(session, tuple(own), rows_of(session, own))


def logged(row: Matrix, schema: FeatureSchema) -> Logged:
    """As the log holds a row: by name, rounded, missing values as null."""
    return {name: None if math.isnan(value) else round(value, DIGITS) for name, value in zip(schema.names, row.tolist(), strict=True)}


def rows_of(session: Mapping[str, Any], options: Sequence[Mapping[str, Any]]) -> Matrix:
    """float32 [n options, features of `SCHEMA`] from what was logged; what a log of earlier days does not hold is missing."""
    shared = [session.get(one.name) for one in SESSION]
    table = [[*shared, *(option.get(name) for name in _OWN.names)] for option in options]
    # None becomes NaN.
    rows: Matrix = np.array(table, dtype=np.float64).reshape(len(options), len(SCHEMA.features)).astype(np.float32)
    return rows


def _own(signals: SessionSignals, context: SceneContext, plan: Plan, options: Sequence[Option]) -> Matrix:
    film = {scene.id: scene for scene in plan.film}
    ads = sum(item.t1 - item.t0 for item in plan.published if item.ad)
    shared = {
        "changes": plan.changes,
        "since_change": None if plan.changed_after is None else len(plan.played) - plan.changed_after,
        "ad_share": ads / plan.published_until if plan.published_until else 0.0,
        "film_since_ads": _film_since_ads(plan),
        "likes_intensity": _likes_intensity(signals, plan),
    }
    told = [shared | _of_option(signals, context, plan, film, one) for one in options]
    # None becomes NaN, and stays it.
    table = np.array([[row[name] for name in _OWN.names] for row in told], dtype=np.float64).reshape(len(options), len(OWN))
    clipped: Matrix = np.minimum(np.maximum(table, _LOW), _HIGH).astype(np.float32)
    return clipped


def _of_option(
    signals: SessionSignals, context: SceneContext, plan: Plan, film: Mapping[int, PlannedScene], option: Option
) -> dict[str, float | None]:
    scene, after = film[option.scene], _after(plan, option)
    waiting = sum(one != option.scene and film[one].position < scene.position for one in plan.remaining)
    watched = [(film[one], share) for one, share in signals.shares if one in film]
    return {
        "action": _ACTIONS[option.action],
        "next_mood": _MOODS.get(scene.mood, UNKNOWN_CATEGORY),
        "next_intensity": scene.intensity,
        "next_seconds": scene.clip.duration(option.cut),
        "next_tight": option.cut == "tight",
        "next_optional": scene.optional,
        "after_intensity": None if after is None else after.intensity,
        "step": scene.intensity - context.intensity,
        "moved": option.moved,
        "ahead_of_author": waiting,
        "break_seconds": option.break_seconds,
        "same_mood_share": _mean_share([(float(one.mood == scene.mood), share) for one, share in watched]),
        "same_tags_share": _mean_share([(_alike(one, scene), share) for one, share in watched]),
    }


def _after(plan: Plan, option: Option) -> PlannedScene | None:
    """What would play after the option's scene."""
    rest = plan.remaining
    place = {"bring_forward": 0, "linger": 0, "move_back": 2}.get(option.action, 1)
    return plan.scene(rest[place]) if place < len(rest) else None


def _film_since_ads(plan: Plan) -> float:
    seconds = 0.0
    for item in reversed(plan.published):
        if item.ad:
            break
        seconds += item.t1 - item.t0
    return seconds


def _mean_share(weighed: Sequence[tuple[float, float]]) -> float | None:
    """Of (weight, share watched)."""
    total = sum(weight for weight, _ in weighed)
    return sum(weight * share for weight, share in weighed) / total if total > 0 else None


def _alike(one: PlannedScene, other: PlannedScene) -> float:
    every = {*one.tags, *other.tags}
    return len({*one.tags} & {*other.tags}) / len(every) if every else 0.0


def _likes_intensity(signals: SessionSignals, plan: Plan) -> float | None:
    intensity = {scene.id: scene.intensity for scene in plan.film}
    known = [(intensity[scene], share) for scene, share in signals.shares if scene in intensity]
    total = sum(share for _, share in known)
    return sum(value * share for value, share in known) / total - sum(value for value, _ in known) / len(known) if total > 0 else None
