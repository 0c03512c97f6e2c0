"""What is on offer and what is watched of it, title by title, as the day tables and the told sessions have it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Sum

from adplatform.eventlog.rollup import truncate
from catalog.models import Genre, Mood, Scene, Title
from engagement.models import DirectorAction, PlaybackDay, Viewer
from engagement.retention.intervals import Share
from engagement.retention.selectors import Window

from .shapes import SMALLEST_GROUP

# Seen milliseconds of a session stand tenth among the figures of the whole film in its trace; their squares say how sure a sum is.
NOISE = """
SELECT s.title_id, sum(((t.figures->'scenes'->'0'->>9)::float8 / 60000) ^ 2)
FROM engagement_sessiontrace t JOIN engagement_playbacksession s ON s.id = t.session
WHERE s.started_at >= %(since)s AND s.started_at < %(until)s AND t.figures->'scenes' ? '0'
GROUP BY s.title_id
"""
SUGGESTED = """
SELECT d.suggested, count(*), count(*) FILTER (WHERE o.taken)
FROM engagement_directordecision d LEFT JOIN engagement_directoroutcome o ON o.decision = d.id
WHERE d.decided_at >= %(since)s AND d.decided_at < %(until)s AND d.suggested IS NOT NULL AND d.applied AND d.action = %(action)s
GROUP BY d.suggested
"""


@dataclass(frozen=True, slots=True)
class Offered:
    """A title that can be watched, with the slugs of its genres."""

    id: int
    name: str
    slug: str
    genres: frozenset[str]


def offered() -> list[Offered]:
    """Published titles. Two queries."""
    titles = Title.objects.filter(published=True).prefetch_related("genres").order_by("pk")
    return [Offered(one.pk, one.name, one.slug, frozenset(genre.slug for genre in one.genres.all())) for one in titles]


def genre_names() -> dict[str, str]:
    return dict(Genre.objects.values_list("slug", "name"))


def moods() -> dict[int, str]:
    """By scene, as it is shown."""
    return {scene: Mood(mood).label for scene, mood in Scene.objects.values_list("pk", "mood")}


def noise(window: Window) -> dict[int, float]:
    """By title: the variance, in minutes squared, of the minutes seen that comes from who happened to watch: sessions come by chance and
    each brings its own minutes, so it is the sum of their squares (compound Poisson)."""
    with connection.cursor() as cursor:
        cursor.execute(NOISE, _bounds(window))
        return dict(cursor.fetchall())


def suggested(window: Window) -> dict[int, Share]:
    """By title: of how often it was suggested, how often it was taken."""
    with connection.cursor() as cursor:
        cursor.execute(SUGGESTED, {**_bounds(window), "action": DirectorAction.SUGGEST.value})
        return {title: Share(taken, count) for title, count, taken in cursor.fetchall()}


def favourites() -> tuple[dict[str, int], int]:
    """By genre how many viewers who gave consent call it a favourite, and how many of them named any; small groups are left out."""
    agreed = Viewer.objects.filter(ads_consent=True, favourite_genres__isnull=False)
    named = agreed.values("pk").distinct().count()
    counts = dict(agreed.values_list("favourite_genres__slug").annotate(n=Count("pk", distinct=True)).order_by())
    return {slug: count for slug, count in counts.items() if count >= SMALLEST_GROUP}, named


def sessions_by_day(window: Window) -> dict[int, dict[date, int]]:
    """Sessions begun, by title and UTC day, from the rollup."""
    rows = PlaybackDay.objects.filter(bucket__date__gte=window.first, bucket__date__lte=window.last, scene_id=0).values_list("title_id", "bucket")
    found: dict[int, dict[date, int]] = {}
    for title, bucket, count in rows.annotate(n=Sum("sessions")).order_by():
        day = truncate(bucket, "day").date()
        found.setdefault(title, {})[day] = found.get(title, {}).get(day, 0) + count
    return found


def _bounds(window: Window) -> dict[str, Any]:
    return {"since": window.first, "until": window.last + timedelta(days=1)}
