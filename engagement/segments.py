"""The segments viewers are sorted into by what they do: one declaration, with the words staff and viewers read. Pure.

A segment is a rule over the habits of the last four weeks. Only viewers who let their profile be used for ads have any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

WINDOW_DAYS = 28
# With fewer playbacks a habit is chance.
FEWEST_SESSIONS = 4
FEWEST_OF_GENRE = 3


@dataclass(frozen=True, slots=True)
class Habits:
    """Of one viewer, over the window. ``most_on_a_day``: films opened on the busiest day, in the viewer's zone; ``evening`` and
    ``weekend`` count playbacks begun from 20:00 to 4:00, and on Saturday or Sunday. ``genres`` counts playbacks by genre."""

    days_known: float
    sessions: int = 0
    finished: int = 0
    most_on_a_day: int = 0
    evening: int = 0
    weekend: int = 0
    impressions: int = 0
    completes: int = 0
    clicks: int = 0
    genres: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Segment:
    slug: str
    words: str
    holds: Callable[[Habits], bool]


SEGMENTS: tuple[Segment, ...] = (
    Segment("new_viewers", "Began to watch within the last 14 days", lambda habits: habits.days_known <= 14),
    Segment("binge_watchers", "Opened three films or more on one day", lambda habits: habits.most_on_a_day >= 3),
    Segment("weekend_viewers", "Watch mostly on Saturday and Sunday", lambda habits: _mostly(habits.weekend, habits.sessions)),
    Segment("night_viewers", "Watch mostly after eight in the evening", lambda habits: _mostly(habits.evening, habits.sessions)),
    Segment("finishers", "Watch most films to their end", lambda habits: _mostly(habits.finished, habits.sessions)),
    Segment("ad_engaged", "Clicked on two ads or more", lambda habits: habits.clicks >= 2),
    Segment(
        "ad_patient",
        "Saw ten ads or more, nine in ten of them to the end",
        lambda habits: habits.impressions >= 10 and habits.completes >= 0.9 * habits.impressions,
    ),
)


def names(genres: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Slug -> words of every segment there is, fans of each genre included; ``genres`` are (slug, name)."""
    return {segment.slug: segment.words for segment in SEGMENTS} | {fans(slug): f"Fans of {name}" for slug, name in genres}


def fans(genre: str) -> str:
    return f"genre_{genre}_fans"


def segments_of(habits: Habits) -> list[str]:
    """Slugs of the segments these habits belong to, sorted."""
    found = [segment.slug for segment in SEGMENTS if segment.holds(habits)]
    of_genre = [fans(genre) for genre, count in habits.genres.items() if count >= FEWEST_OF_GENRE and 2 * count >= habits.sessions]
    return sorted(found + of_genre)


def _mostly(part: int, whole: int) -> bool:
    return whole >= FEWEST_SESSIONS and 3 * part >= 2 * whole
