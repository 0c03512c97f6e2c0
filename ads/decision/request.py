"""What an ad break is asked for with. Plain values: a request can be stored as JSON and decided again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

# Attributes of the viewer that may be used for ads only with consent; without it they are None and count as withheld.
CONSENT_ATTRIBUTES = ("tier", "age_band", "gender", "monthly_hours", "favourite_genres", "segments")


@dataclass(frozen=True, slots=True)
class Limits:
    """What whoever sells a break asks of each ad in it, beside the ad policy (OpenRTB 2.6, sections 3.2.1 and 3.2.7).

    ``beside`` are ids of ads that were chosen for other slots of the same pod. ``exact`` are the only lengths (seconds) that are taken, empty:
    any from ``shortest`` to ``longest``. ``floors`` are (from seconds, to seconds, micros of one impression); ``floor_per_second`` is micros of one
    impression for each second of the ad. ``advertisers_allowed`` None: all of them; ``categories_allowed`` likewise."""

    categories_blocked: tuple[str, ...] = ()
    categories_allowed: tuple[str, ...] | None = None
    domains_blocked: tuple[str, ...] = ()
    advertisers_blocked: tuple[int, ...] = ()
    advertisers_allowed: tuple[int, ...] | None = None
    beside: tuple[int, ...] = ()
    shortest: float = 0.0
    longest: float | None = None
    exact: tuple[float, ...] = ()
    floors: tuple[tuple[float, float, int], ...] = ()
    floor_per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class AdRequest:
    """One break of one playback session.

    Durations in seconds. ``hour`` and ``weekday`` (Monday 0) are of the viewer's zone. ``ads_seen`` lists (ad, flight,
    campaign) ids already served in this session, oldest first. ``break_index`` counts from 0. ``country`` is an ISO 3166-1
    code, None when unknown. ``creative_gap``, ``reserve_micros`` (of one impression) and ``house_ads`` are the title's ad
    policy. ``limits`` are what an exchange asks of each ad. ``ip_hash`` and ``ua_hash`` are
    `adplatform.eventlog.hashing.daily_hash` of who asked, empty when unknown.
    """

    session: uuid.UUID
    break_id: str
    break_position: str  # pre, mid, post
    break_index: int
    duration: float
    max_ads: int
    device: str
    hour: int
    weekday: int
    title: int | None = None
    genres: tuple[str, ...] = ()
    mood: str = ""
    intensity: float = 0.5
    viewer: uuid.UUID | None = None
    consent: bool = False
    tier: str | None = None
    age_band: str | None = None
    gender: str | None = None
    monthly_hours: float | None = None
    favourite_genres: tuple[str, ...] | None = None
    progress: float = 0.0
    ads_seen: tuple[tuple[int, int, int], ...] = ()
    maturity: str = ""
    tags: tuple[str, ...] = ()
    country: str | None = None
    segments: tuple[str, ...] | None = None
    creative_gap: float = 120.0
    reserve_micros: int = 1_000
    house_ads: bool = True
    ip_hash: str = ""
    ua_hash: str = ""
    arms: dict[str, str] = field(default_factory=dict)
    synthetic: bool = False
    limits: Limits | None = None
