"""What is read about viewers and what they watch, by more than one caller."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Avg, Count, QuerySet

from engagement.models import PlaybackSession, Rating, Viewer


def viewers_owned_by(*, account: AbstractBaseUser | None, browser: uuid.UUID | None) -> QuerySet[Viewer]:
    """Profiles of the account where one is given, else of the browser's cookie; nobody owns the profiles of nobody."""
    if account is not None:
        return Viewer.objects.filter(account_id=account.pk)
    if browser is not None:
        return Viewer.objects.filter(account=None, browser=browser)
    return Viewer.objects.none()


def unfinished_sessions(viewer: Viewer) -> list[PlaybackSession]:
    """The newest unfinished session of each title that this viewer has begun, newest first."""
    newest = PlaybackSession.objects.filter(viewer=viewer).defer("plan").order_by("title_id", "-last_seen_at").distinct("title_id")
    begun = [session for session in newest.select_related("title") if session.ended_at is None and (session.resume_scene or session.progress)]
    return sorted(begun, key=lambda session: session.last_seen_at, reverse=True)


def rating_summary(title_id: int) -> tuple[float | None, int]:
    """Mean stars (None where nobody rated) and the number of ratings."""
    figures = Rating.objects.filter(title_id=title_id).aggregate(mean=Avg("stars"), n=Count("id"))
    return figures["mean"], figures["n"]


def stars_given(viewer: Viewer | None, title_id: int) -> int | None:
    if viewer is None:
        return None
    return Rating.objects.filter(viewer=viewer, title_id=title_id).values_list("stars", flat=True).first()
