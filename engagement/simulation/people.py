"""Draws people from an audience. Their tastes stay in here: no table and no feature ever holds them."""

from __future__ import annotations

import hashlib
import uuid
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.random import Generator

from .audience import Audience, Segment

PLATFORMS = {"tv": "SMART-TV; Linux", "desktop": "X11; Linux x86_64", "mobile": "Linux; Android 16; Mobile", "tablet": "Linux; Android 16"}
MOODS = ("dawn", "day", "storm", "dusk", "night", "chase", "calm", "finale")


@dataclass(frozen=True)
class Person:
    """One synthetic viewer. ``moods``, ``genres`` and ``interests`` are log-odds of liking; ``patience`` likewise, ``reorder`` for each
    place that a scene plays away from the author's, and ``lingering`` for an optional scene."""

    id: uuid.UUID
    segment: str
    device: str
    age_band: str
    gender: str
    tier: str
    consent: bool
    monthly_hours: float
    country: str
    zone: str
    moods: dict[str, float]
    genres: dict[str, float]
    interests: dict[str, float]
    ideal_intensity: float
    intensity_width: float
    patience: float
    reorder: float = 0.0
    lingering: float = 0.0

    @property
    def browser(self) -> str:
        """The user agent of this person's browser, which says that nobody real is behind it."""
        return f"Mozilla/5.0 ({PLATFORMS[self.device]}) IntermissionAudience/1.0 (synthetic {self.id.hex[:8]})"

    def local(self, now: datetime) -> datetime:
        """What the clock shows where this person lives."""
        return now.astimezone(zoneinfo.ZoneInfo(self.zone))

    def favourite_genres(self, count: int = 2) -> tuple[str, ...]:
        """What the person would tick in a profile: the genres liked most."""
        return tuple(sorted(self.genres, key=self.genres.__getitem__, reverse=True)[:count])


def draw(audience: Audience, *, genres: Sequence[str], categories: Sequence[str], rng: Generator, count: int | None = None) -> list[Person]:
    return [_person(audience, genres, categories, rng) for _ in range(count or audience.people)]


def creative_appeal(audience: Audience, key: str) -> float:
    """How good a creative is, in log-odds of a click: fixed by its key, whoever watches."""
    seed = int.from_bytes(hashlib.sha256(f"{audience.name}:{key}".encode()).digest()[:8], "big")
    return float(np.random.default_rng(seed).normal(0, audience.clicking.creative))


def genre_fit(audience: Audience, genre: str, category: str) -> float:
    """How well ads of a category sit in films of a genre, in log-odds of a click: fixed, whoever watches."""
    seed = int.from_bytes(hashlib.sha256(f"{audience.name}:{genre}:{category}".encode()).digest()[:8], "big")
    return float(np.random.default_rng(seed).normal(0, audience.clicking.genre_fit))


def _person(audience: Audience, genres: Sequence[str], categories: Sequence[str], rng: Generator) -> Person:
    profile, own = audience.profile, audience.own_taste
    segment = audience.segments[_choose_index([s.share for s in audience.segments], rng)]
    place = profile.places[_choose_index([place.share for place in profile.places], rng)]
    identity = uuid.UUID(bytes=rng.bytes(16), version=4)
    # Of their own source: who people are otherwise does not hang on what the story rules say.
    of_story, story = np.random.default_rng(identity.int), audience.story
    return Person(
        id=identity,
        segment=segment.name,
        device=_choose(profile.devices, rng),
        age_band=_choose(profile.age_bands, rng),
        gender=_choose(profile.genders, rng),
        tier=_choose(profile.tiers, rng),
        consent=bool(rng.random() < profile.consent),
        monthly_hours=float(min(300.0, profile.monthly_hours.median * np.exp(rng.normal(0, profile.monthly_hours.spread)))),
        country=place.country,
        zone=place.zones[int(rng.integers(len(place.zones)))],
        moods={mood: segment.moods.get(mood, 0.0) + float(rng.normal(0, own.mood)) for mood in MOODS},
        genres={genre: segment.genres.get(genre, _segment_taste(segment, genre)) + float(rng.normal(0, own.genre)) for genre in genres},
        interests={category: segment.interests.get(category, 0.0) + float(rng.normal(0, own.interest)) for category in categories},
        ideal_intensity=float(np.clip(rng.normal(segment.intensity.ideal, 0.1), 0, 1)),
        intensity_width=segment.intensity.width,
        patience=float(rng.normal(segment.patience.mean, segment.patience.spread)),
        reorder=float(of_story.normal(story.reorder.mean, story.reorder.spread)),
        lingering=float(of_story.normal(story.lingering.mean, story.lingering.spread)),
    )


def _segment_taste(segment: Segment, genre: str) -> float:
    seed = int.from_bytes(hashlib.sha256(f"{segment.name}:{genre}".encode()).digest()[:8], "big")
    return float(np.random.default_rng(seed).normal(0, 0.5))


def _choose(weights: dict[str, float], rng: Generator) -> str:
    return list(weights)[_choose_index(list(weights.values()), rng)]


def _choose_index(weights: Sequence[float], rng: Generator) -> int:
    edges = np.cumsum(weights)
    return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
