"""The demo's viewer profiles: people of different ages, tastes and devices, some of whom let their profile choose their ads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from catalog.models import Genre
from engagement import services
from engagement.models import Viewer

ACCOUNT = "viewer"


@dataclass(frozen=True)
class Profile:
    name: str
    colour: str
    genres: tuple[str, ...]
    consent: bool
    attributes: dict[str, Any] = field(default_factory=dict)


PROFILES = (
    Profile(
        "Maya",
        "#E8B04B",
        ("thriller", "mystery"),
        True,
        {"age_band": "25-34", "gender": "female", "tier": "ads", "monthly_hours": 22, "country": "US", "timezone": "America/New_York"},
    ),
    Profile(
        "Jonas",
        "#3A86FF",
        ("sci-fi", "adventure"),
        True,
        {"age_band": "35-44", "gender": "male", "tier": "standard", "monthly_hours": 9, "country": "DE", "timezone": "Europe/Berlin"},
    ),
    Profile(
        "Aiko",
        "#2FBF8F",
        ("family", "comedy"),
        True,
        {"age_band": "45-54", "gender": "female", "tier": "ads", "monthly_hours": 41, "country": "JP", "timezone": "Asia/Tokyo"},
    ),
    Profile("Sam", "#B46CFF", ("drama", "romance"), False, {"age_band": "18-24", "gender": "other", "tier": "ads", "monthly_hours": 30}),
    Profile("Guest room", "#9AA3B2", (), False),
)


@transaction.atomic
def seed_viewers(account: User) -> int:
    """Make the demo profiles this account has not got; returns how many it owns then. What somebody changed stays changed."""
    present = set(Viewer.objects.filter(account=account).values_list("name", flat=True))
    for profile in PROFILES:
        if profile.name not in present:
            services.viewer_create(
                actor=account,
                browser=None,
                name=profile.name,
                colour=profile.colour,
                ads_consent=profile.consent,
                favourite_genres=Genre.objects.filter(slug__in=profile.genres),
                **profile.attributes,
            )
    return Viewer.objects.filter(account=account).count()
