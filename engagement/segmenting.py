"""Sorts viewers into their segments, from their sessions and their ads of the last four weeks."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from django.db.models import Count, Q

from ads.models import AdEvent
from catalog.models import Genre, Title
from engagement.models import PlaybackSession, Viewer
from engagement.playback.asking import zone_of
from engagement.segments import WINDOW_DAYS, Habits, names, segments_of

CHUNK = 2_000
EVENING_FROM, EVENING_UNTIL = 20, 4
SATURDAY = 5


@dataclass
class _Watched:
    """One viewer's playbacks, as they are read."""

    first: datetime | None = None
    finished: int = 0
    evening: int = 0
    weekend: int = 0
    days: Counter[date] = field(default_factory=Counter)
    genres: Counter[str] = field(default_factory=Counter)

    def add(self, started: datetime, *, finished: bool, genres: Iterable[str]) -> None:
        """``started`` in the viewer's zone."""
        self.first = min(started, self.first) if self.first else started
        self.finished += finished
        self.evening += started.hour >= EVENING_FROM or started.hour < EVENING_UNTIL
        self.weekend += started.weekday() >= SATURDAY
        self.days[started.date()] += 1
        self.genres.update(genres)

    def habits(self, known_since: datetime, now: datetime) -> Habits:
        since = min(known_since, self.first) if self.first else known_since
        return Habits(
            days_known=(now - since) / timedelta(days=1),
            sessions=sum(self.days.values()),
            finished=self.finished,
            most_on_a_day=max(self.days.values(), default=0),
            evening=self.evening,
            weekend=self.weekend,
            genres=dict(self.genres),
        )


def vocabulary() -> dict[str, str]:
    """Slug -> words of the segments of this installation."""
    return names(Genre.objects.values_list("slug", "name"))


def sort_viewers(*, now: datetime) -> int:
    """Store every consenting viewer's segments, and forget those of viewers who gave no consent; returns how many changed.

    Safe to run twice, and beside itself: a second run finds nothing to change.
    """
    changed = Viewer.objects.filter(ads_consent=False).exclude(segments__isnull=True).update(segments=None)
    ads = _ads(now)
    consenting = Viewer.objects.filter(ads_consent=True).order_by("pk").values_list("pk", "created_at", "timezone", "segments")
    sessions = _by_viewer(now)
    viewer, watched = next(sessions, (None, []))
    moved: list[Viewer] = []
    for pk, created, zone, before in consenting.iterator(chunk_size=CHUNK):
        while viewer is not None and viewer < pk:
            viewer, watched = next(sessions, (None, []))
        habits = _habits(watched if viewer == pk else [], created, zone, now)
        impressions, completes, clicks = ads.get(pk, (0, 0, 0))
        after = segments_of(replace(habits, impressions=impressions, completes=completes, clicks=clicks))
        if after != before:
            moved.append(Viewer(pk=pk, segments=after))
        if len(moved) >= CHUNK:
            changed += _store(moved)
            moved = []
    return changed + _store(moved)


def _store(moved: list[Viewer]) -> int:
    return Viewer.objects.bulk_update(moved, ["segments"]) if moved else 0


Playback = tuple[datetime, bool, tuple[str, ...]]


def _by_viewer(now: datetime) -> Iterator[tuple[uuid.UUID, list[Playback]]]:
    """(viewer, playbacks of the window) in the order of the viewers' ids."""
    genres = {title.pk: tuple(genre.slug for genre in title.genres.all()) for title in Title.objects.prefetch_related("genres")}
    rows = PlaybackSession.objects.filter(viewer__ads_consent=True, started_at__gte=now - timedelta(days=WINDOW_DAYS), started_at__lte=now)
    read = rows.order_by("viewer_id").values_list("viewer_id", "started_at", "ended_at", "title_id").iterator(chunk_size=CHUNK)
    for viewer, found in groupby(read, key=lambda row: row[0]):
        if viewer is not None:
            yield viewer, [(started, ended is not None, genres.get(title, ())) for _, started, ended, title in found]


def _habits(watched: Iterable[Playback], known_since: datetime, zone: str, now: datetime) -> Habits:
    kept, place = _Watched(), zone_of(zone) or UTC
    for started, finished, genres in watched:
        kept.add(started.astimezone(place), finished=finished, genres=genres)
    return kept.habits(known_since, now)


def _ads(now: datetime) -> dict[uuid.UUID, tuple[int, int, int]]:
    """(impressions, completed views, clicks) that count, by viewer."""
    kinds = ("ad.impression", "ad.complete", "ad.click")
    counts = {kind.removeprefix("ad."): Count("id", filter=Q(type=kind)) for kind in kinds}
    since = (now - timedelta(days=WINDOW_DAYS)).date()
    rows = AdEvent.objects.filter(day__gte=since, type__in=kinds, valid=True, occurred_at__lte=now).exclude(viewer=None)
    return {
        viewer: (shown, ended, clicked) for viewer, shown, ended, clicked in rows.values("viewer").annotate(**counts).values_list("viewer", *counts)
    }
