"""What one person does with one ad, and which title they open: true probabilities, and actions drawn from them. Pure.

The probabilities never leave the simulation except into its truth files; a model has to find them in what people did.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from numpy.random import Generator

from .audience import Audience
from .people import Person, creative_appeal, genre_fit

LONGEST_PAUSE_MINUTES = 10.0
# What a player needs to call an ad viewable.
VIEWABLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class AdView:
    """What a person meets as an ad. ``place`` counts from 0 in its pod; ``seen_before`` counts recent views of its campaign."""

    key: str
    category: str
    duration: float
    skip_after: float | None
    place: int
    seen_before: int
    genres: tuple[str, ...]
    hour: int
    device: str


@dataclass(frozen=True, slots=True)
class Action:
    """One event the player would send, ``at`` seconds into the clip. Seconds spent beyond playing (a pause) are in ``pauses``."""

    at: float
    type: str
    data: dict[str, Any] = field(default_factory=dict)
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Watched:
    """``actions`` in order, seconds of the clip seen, whether the person left, and the true probability that is a label's ceiling:
    for an ad, that of a click where it is seen at all. Heartbeats tell ``buffer`` seconds and ``dropped`` frames since the last one."""

    actions: tuple[Action, ...]
    seconds: float
    left: bool
    truth: float
    buffer: float = 8.0
    dropped: int = 0


class Views:
    """Who saw which campaign when. Weariness wears off: a view counts for ``hours``, else a week of history would end in an
    audience that clicks on nothing any more."""

    def __init__(self, hours: float) -> None:
        self._kept = timedelta(hours=hours)
        self._seen: dict[tuple[uuid.UUID, int], list[datetime]] = {}

    def recent(self, person: uuid.UUID, campaign: int, *, now: datetime) -> int:
        return sum(now - seen < self._kept for seen in self._seen.get((person, campaign), ()))

    def add(self, person: uuid.UUID, campaign: int, *, now: datetime) -> None:
        self._seen.setdefault((person, campaign), []).append(now)


def click_probability(audience: Audience, person: Person, ad: AdView) -> float:
    """True probability of a click on an ad that is watched past its first quarter."""
    rule = audience.clicking
    odds = rule.base + rule.interest * person.interests.get(ad.category, 0.0) + rule.device.get(ad.device, 0.0)
    odds += rule.per_view_of_same_campaign * ad.seen_before + rule.per_place_in_pod * ad.place
    odds += creative_appeal(audience, ad.key) + sum(genre_fit(audience, genre, ad.category) for genre in ad.genres[:1])
    if 18 <= ad.hour <= 23:
        odds += rule.evening
    return logistic(odds)


def completion_probability(audience: Audience, person: Person, ad: AdView) -> float:
    """True probability of seeing the ad to its end: who clicks stays, others may skip it where they can, or leave."""
    clicks = click_probability(audience, person, ad)
    skips = 0.0 if _skip_offered(ad) is None else skip_probability(audience, person, ad)
    return clicks + (1 - clicks) * (1 - skips) * (1 - leave_probability(audience, person))


def skip_probability(audience: Audience, person: Person, ad: AdView) -> float:
    """True probability of pressing Skip once it is offered, for who does not click."""
    rule = audience.skipping
    return logistic(rule.base + rule.interest * person.interests.get(ad.category, 0.0))


def leave_probability(audience: Audience, person: Person) -> float:
    """True probability of leaving during one ad, for who neither clicks nor skips it."""
    return logistic(audience.skipping.leave - 0.5 * person.patience)


def _skip_offered(ad: AdView) -> float | None:
    """Seconds into the ad, None when it ends before."""
    return ad.skip_after if ad.skip_after is not None and ad.skip_after < ad.duration else None


def watch_ad(audience: Audience, person: Person, ad: AdView, *, rng: Generator) -> Watched:
    """Draw what the person does with one ad; tracking events as in VAST 4.2, quartiles only of what was played."""
    truth = click_probability(audience, person, ad)
    hidden_share = audience.watching.hidden_in_ad.get(ad.device, 0.0)
    if hidden_share and rng.random() < hidden_share:
        return Watched(in_order(_played(ad, ad.duration, complete=True)), ad.duration, left=False, truth=truth)
    clicks = rng.random() < truth
    end = ad.duration
    skipped = left = False
    offered = _skip_offered(ad)
    if offered is not None and not clicks and rng.random() < skip_probability(audience, person, ad):
        end, skipped = min(ad.duration - 0.1, offered + float(rng.exponential(1.0)) + 0.2), True
    elif not clicks and rng.random() < leave_probability(audience, person):
        end, left = ad.duration * float(rng.uniform(0.1, 0.95)), True
    actions = _played(ad, end, complete=not left and not skipped)
    if end >= VIEWABLE_SECONDS:
        actions.append(Action(VIEWABLE_SECONDS, "ad.viewable"))
    watching = audience.watching
    if not left and watching.pause_in_ad and rng.random() < watching.pause_in_ad:
        at = end * float(rng.uniform(0.1, 0.9))
        actions += [
            Action(at, "ad.pause", pause=60 * min(LONGEST_PAUSE_MINUTES, 1 + float(rng.exponential(watching.minutes_paused)))),
            Action(at, "ad.resume"),
        ]
    if clicks:
        actions.append(Action(ad.duration * float(rng.uniform(0.3, 0.95)), "ad.click"))
    if skipped:
        actions.append(Action(end, "ad.skip"))
    return Watched(in_order(actions), end, left=left, truth=truth)


def _played(ad: AdView, end: float, *, complete: bool) -> list[Action]:
    """What the player reports of the playing itself."""
    actions = [Action(0.0, "ad.impression"), Action(0.0, "ad.start")]
    for share, event in ((0.25, "ad.first_quartile"), (0.5, "ad.midpoint"), (0.75, "ad.third_quartile")):
        if ad.duration * share <= end:
            actions.append(Action(ad.duration * share, event))
    return [*actions, Action(ad.duration, "ad.complete")] if complete else actions


def choose_title(person: Person, titles: Sequence[tuple[int, tuple[str, ...]]], *, rng: Generator) -> int:
    """The id of the title a person opens: taste for its genres, with plenty of chance. ``titles`` are (id, genres)."""
    weights = [math.exp(sum(person.genres.get(genre, 0.0) for genre in genres) / max(1, len(genres))) for _, genres in titles]
    pick = float(rng.random()) * sum(weights)
    for (title, _), weight in zip(titles, weights, strict=True):
        pick -= weight
        if pick <= 0:
            return title
    return titles[-1][0]


def stars(mean_fit: float, *, rng: Generator) -> int:
    """A rating from how well the scenes suited, 1 to 5."""
    return int(min(5, max(1, round(3.4 + 0.9 * mean_fit + float(rng.normal(0, 0.7))))))


def logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))


def in_order(actions: Sequence[Action]) -> tuple[Action, ...]:
    return tuple(sorted(actions, key=lambda action: action.at))
