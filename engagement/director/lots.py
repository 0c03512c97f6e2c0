"""What the policy model sees of a boundary: one row for each option, the session's features and the option's own. Pure.

Rows are made of what is logged, rounded as it is logged: a row read back from the log is the row that was served, bit for bit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np

from adplatform.learning.schema import UNKNOWN_CATEGORY, Feature, FeatureSchema, Matrix
from catalog.models import Mood
from engagement.models import DirectorAction
from engagement.playback.plan import Plan, PlannedScene

from . import features
from .features import SceneContext, SessionSignals
from .film import film_of
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
    own = [dict(zip(_OWN.names, map(_as_logged, row), strict=True)) for row in _own(signals, context, plan, options).tolist()]
    return Lot(session, tuple(own), rows_of(session, own))


def logged(row: Matrix, schema: FeatureSchema) -> Logged:
    """As the log holds a row: by name, rounded, missing values as null."""
    return dict(zip(schema.names, map(_as_logged, row.tolist()), strict=True))


def _as_logged(value: float) -> float | None:
    if value.is_integer():
        # Most are, and rounding takes ten times as long as asking.
        return value
    return None if value != value else round(value, DIGITS)


def rows_of(session: Mapping[str, Any], options: Sequence[Mapping[str, Any]]) -> Matrix:
    """float32 [n options, features of `SCHEMA`] from what was logged; what a log of earlier days does not hold is missing."""
    rows: Matrix = np.empty((len(options), len(SCHEMA.features)), dtype=np.float32)
    # None becomes NaN.
    rows[:, : len(SESSION)] = np.array([session.get(one.name) for one in SESSION], dtype=np.float64)
    own = [[option.get(name) for name in _OWN.names] for option in options]
    rows[:, len(SESSION) :] = np.array(own, dtype=np.float64).reshape(len(options), len(OWN))
    return rows


def _own(signals: SessionSignals, context: SceneContext, plan: Plan, options: Sequence[Option]) -> Matrix:
    scenes, after = [plan.scene(one.scene) for one in options], [_after(plan, one) for one in options]
    waiting = sorted(plan.scene(scene).position for scene in plan.remaining)
    ads = sum(item.t1 - item.t0 for item in plan.published if item.ad)
    columns: dict[str, Any] = {
        "action": [_ACTIONS[one.action] for one in options],
        "next_mood": [_MOODS.get(scene.mood, UNKNOWN_CATEGORY) for scene in scenes],
        "next_intensity": [scene.intensity for scene in scenes],
        "next_seconds": [film_of(plan)[one.scene].seconds(one.cut) for one in options],
        "next_tight": [one.cut == "tight" for one in options],
        "next_optional": [scene.optional for scene in scenes],
        "after_intensity": [None if scene is None else scene.intensity for scene in after],
        "step": [scene.intensity - context.intensity for scene in scenes],
        "moved": [one.moved for one in options],
        "ahead_of_author": [bisect_left(waiting, scene.position) for scene in scenes],
        "changes": plan.changes,
        "since_change": None if plan.changed_after is None else len(plan.played) - plan.changed_after,
        "break_seconds": [one.break_seconds for one in options],
        "ad_share": ads / plan.published_until if plan.published_until else 0.0,
        "film_since_ads": _film_since_ads(plan),
        "likes_intensity": _likes_intensity(signals, plan),
        **_shares_of_alike(signals, plan, scenes),
    }
    table = np.empty((len(options), len(OWN)))
    for place, name in enumerate(_OWN.names):
        # None becomes NaN, and stays it.
        table[:, place] = columns[name]
    clipped: Matrix = np.minimum(np.maximum(table, _LOW), _HIGH).astype(np.float32)
    return clipped


def _shares_of_alike(signals: SessionSignals, plan: Plan, scenes: Sequence[PlannedScene]) -> dict[str, list[float | None]]:
    """How much was watched of what is like each of these scenes; the same for all of one mood, and of the same tags."""
    film = film_of(plan)
    watched = [(plan.scene(one), share) for one, share in signals.shares if one in film]
    moods = {mood: _mean_share([(float(one.mood == mood), share) for one, share in watched]) for mood in {scene.mood for scene in scenes}}
    tags = {tags: _mean_share([(_alike(one.tags, tags), share) for one, share in watched]) for tags in {scene.tags for scene in scenes}}
    return {"same_mood_share": [moods[scene.mood] for scene in scenes], "same_tags_share": [tags[scene.tags] for scene in scenes]}


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


@lru_cache(maxsize=10_000)
def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """The share of the tags of two scenes that both have."""
    every = {*one, *other}
    return len({*one} & {*other}) / len(every) if every else 0.0


def _likes_intensity(signals: SessionSignals, plan: Plan) -> float | None:
    film = film_of(plan)
    known = [(film[scene].intensity, share) for scene, share in signals.shares if scene in film]
    total = sum(share for _, share in known)
    return sum(value * share for value, share in known) / total - sum(value for value, _ in known) / len(known) if total > 0 else None
