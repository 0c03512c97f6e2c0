"""Writes about viewers and their opinions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db import transaction

from catalog.models import Genre, Title
from engagement.models import Rating, Viewer

MOST_PROFILES = 12
FIELDS = frozenset({"name", "age_band", "gender", "tier", "monthly_hours", "ads_consent", "country", "timezone", "colour"})


class TooManyProfiles(ValueError):
    """The owner already has as many profiles as one may have; delete one first."""


@transaction.atomic
def viewer_create(
    *, actor: AbstractBaseUser | None, browser: uuid.UUID | None, name: str, favourite_genres: Iterable[Genre] = (), **attributes: Any
) -> Viewer:
    """A profile owned by the account, or by the browser's cookie where nobody is signed in.

    Raises TooManyProfiles, and ValidationError for values outside the model's choices.
    """
    if actor is None and browser is None:
        raise PermissionDenied("a profile needs an owner: an account or a browser cookie")
    owned = Viewer.objects.filter(account_id=actor.pk) if actor else Viewer.objects.filter(account=None, browser=browser)
    if owned.count() >= MOST_PROFILES:
        raise TooManyProfiles(f"{MOST_PROFILES} profiles is the most; delete one first")
    viewer = Viewer(account_id=actor.pk if actor else None, browser=None if actor else browser, name=name, **_known(attributes))
    viewer.full_clean()
    viewer.save()
    viewer.favourite_genres.set(favourite_genres)
    return viewer


@transaction.atomic
def viewer_update(*, viewer: Viewer, favourite_genres: Iterable[Genre] | None = None, **attributes: Any) -> Viewer:
    """Raises ValidationError for values outside the model's choices. The caller has checked who owns the profile.

    Consent taken back takes the segments and the churn scores with it: they were drawn from what the viewer did.
    """
    for field, value in _known(attributes).items():
        setattr(viewer, field, value)
    if not viewer.ads_consent:
        viewer.segments = None
    viewer.full_clean()
    viewer.save(update_fields=[*sorted(attributes), "segments"])
    if not viewer.ads_consent:
        viewer.churn_scores.all().delete()
    if favourite_genres is not None:
        viewer.favourite_genres.set(favourite_genres)
    return viewer


def viewer_delete(*, viewer: Viewer) -> None:
    """Ratings go with the profile; playback sessions stay, without a viewer."""
    viewer.delete()


def title_rate(*, viewer: Viewer, title: Title, stars: int, now: datetime) -> Rating:
    """Set or change this viewer's stars (1-5)."""
    rating, _ = Rating.objects.update_or_create(viewer=viewer, title=title, defaults={"stars": stars, "rated_at": now})
    return rating


def _known(attributes: dict[str, Any]) -> dict[str, Any]:
    unknown = set(attributes) - FIELDS
    if unknown:
        raise TypeError(f"a viewer has no {', '.join(sorted(unknown))}")
    return attributes
