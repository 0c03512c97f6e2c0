"""Which title to suggest to a viewer now: what they would watch the most of, and what viewers of this title went on to.

Taste is read from what a viewer watched, with their consent alone; else, and as long as it says little, what all viewers did counts.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from catalog.models import MediaAsset, Title
from engagement.models import PlaybackSession

HISTORY = timedelta(days=28)
# The newest sessions tell enough, however many there are.
MOST_SESSIONS = 50_000
KEPT_SECONDS = 300.0
# Seen so lately, or begun and left to go on with, a title is no suggestion.
JUST_SEEN = timedelta(days=14)
# As many sessions of the prior stand behind each figure, so that few sessions move it little.
PRIOR_SESSIONS, PRIOR_FOLLOWS, PRIOR_VISITS = 20.0, 20.0, 3.0

# One row a title: playbacks, and their progress summed.
FINISHED = """
SELECT title_id, count(*), sum(progress)::float8 FROM (
    SELECT title_id, progress FROM engagement_playbacksession WHERE last_seen_at >= %(since)s AND last_seen_at < %(now)s
    ORDER BY last_seen_at DESC LIMIT %(most)s
) s GROUP BY title_id
"""
# Which title a viewer with consent opened after which other.
FOLLOWED = """
SELECT title_id, following, count(*) FROM (
    SELECT title_id, lead(title_id) OVER (PARTITION BY viewer_id ORDER BY started_at, id) AS following FROM (
        SELECT id, viewer_id, title_id, started_at FROM engagement_playbacksession
        WHERE last_seen_at >= %(since)s AND last_seen_at < %(now)s AND consent AND viewer_id IS NOT NULL
        ORDER BY last_seen_at DESC LIMIT %(most)s
    ) s
) f WHERE following IS NOT NULL AND following <> title_id GROUP BY title_id, following
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One earlier playback of the viewer; ``progress`` is the share 0-1 of its film."""

    title: int
    progress: float


@dataclass(frozen=True, slots=True)
class Known:
    """What all viewers did. ``genres`` of every title that can be watched and its ``names`` (slug, name); ``finished`` by title
    (playbacks, their progress summed), ``followed`` by (title, title opened next) how often."""

    genres: Mapping[int, frozenset[int]]
    names: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    finished: Mapping[int, tuple[int, float]] = field(default_factory=dict)
    followed: Mapping[tuple[int, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``watched`` is the share 0-1 of ``title`` that this viewer is expected to watch; ``reason`` says in words why this one."""

    title: int
    slug: str
    name: str
    watched: float
    reason: str


def rank(known: Known, *, title: int, seen: Sequence[Seen], recent: Collection[int], surest: bool = False) -> list[Suggestion]:
    """Suggestions to a viewer of ``title``, best first. Pure.

    ``seen`` is what they watched, empty without consent; ``recent`` are titles that are no suggestion now. A title is worth the chance
    that it is opened next, times the share of it that is watched; ``surest`` looks at the share alone: for viewers who may be lost, the next
    film must hold them.
    """
    candidates = [one for one in known.genres if one != title and one not in recent]
    watched = {one: _watched(known, one, seen) for one in candidates}
    follows = _follows(known, title, candidates)
    worth = {one: watched[one] * (1.0 if surest else follows[one]) for one in candidates}
    return [
        Suggestion(one, *known.names[one], watched[one], _reason(known, title, one, seen, watched[one]))
        for one in sorted(candidates, key=lambda one: (-worth[one], one))
    ]


def _watched(known: Known, title: int, seen: Sequence[Seen]) -> float:
    """Expected share watched: the title's own, moved by how much more of films of its genres this viewer watches than others do."""
    alike = [one for one in seen if known.genres.get(one.title, frozenset()) & known.genres[title]]
    more = sum(one.progress - _usually(known, one.title) for one in alike) / (len(alike) + PRIOR_VISITS)
    return min(1.0, max(0.0, _usually(known, title) + more))


def _usually(known: Known, title: int) -> float:
    playbacks, progress = known.finished.get(title, (0, 0.0))
    return (progress + PRIOR_SESSIONS * _overall(known)) / (playbacks + PRIOR_SESSIONS)


def _overall(known: Known) -> float:
    playbacks = sum(count for count, _ in known.finished.values())
    return sum(progress for _, progress in known.finished.values()) / playbacks if playbacks else 0.5


def _follows(known: Known, title: int, candidates: Sequence[int]) -> dict[int, float]:
    """Chance that each candidate is the one opened after ``title``, shrunk towards how often it is opened at all."""
    opened = {one: known.finished.get(one, (0, 0.0))[0] + 1 for one in candidates}
    all_opened, after = sum(opened.values()), sum(known.followed.get((title, one), 0) for one in candidates)
    return {one: (known.followed.get((title, one), 0) + PRIOR_FOLLOWS * opened[one] / all_opened) / (after + PRIOR_FOLLOWS) for one in candidates}


def _reason(known: Known, title: int, suggested: int, seen: Sequence[Seen], watched: float) -> str:
    alike = sum(bool(known.genres.get(one.title, frozenset()) & known.genres[suggested]) for one in seen)
    if alike:
        return f"{watched:.0%} of it is expected to be watched, going by {alike} film{'s' if alike > 1 else ''} alike that this viewer watched."
    if after := known.followed.get((title, suggested), 0):
        return f"{watched:.0%} of it is usually watched, and viewers of this film went on to it {after} time{'s' if after > 1 else ''}."
    return f"{watched:.0%} of it is usually watched."


# What is known, from the tables

_kept: tuple[float, Known | None] = (float("-inf"), None)


def known_at(now: datetime) -> Known:
    """Read anew every few minutes by each process: three queries over the newest sessions of four weeks."""
    global _kept
    read_at, known = _kept
    if known is None or time.monotonic() - read_at > KEPT_SECONDS:
        known = read(now)
        _kept = (time.monotonic(), known)
    return known


def forget() -> None:
    """The next call reads anew; between tests."""
    global _kept
    _kept = (float("-inf"), None)


def read(now: datetime) -> Known:
    titles = Title.objects.filter(published=True).prefetch_related("genres", "scenes__asset")
    ready = [title for title in titles if _is_ready(title)]
    asked: dict[str, Any] = {"since": now - HISTORY, "now": now, "most": MOST_SESSIONS}
    with connection.cursor() as cursor:
        cursor.execute(FINISHED, asked)
        finished = {title: (count, progress) for title, count, progress in cursor}
        cursor.execute(FOLLOWED, asked)
        followed = {(title, following): count for title, following, count in cursor}
    return Known(
        genres={title.pk: frozenset(genre.pk for genre in title.genres.all()) for title in ready},
        names={title.pk: (title.slug, title.name) for title in ready},
        finished=finished,
        followed=followed,
    )


def _is_ready(title: Title) -> bool:
    scenes = list(title.scenes.all())
    return bool(scenes) and all(scene.asset is not None and scene.asset.state == MediaAsset.State.READY for scene in scenes)


def suggestion_for(session: PlaybackSession, *, now: datetime, surest: bool = False) -> Suggestion | None:
    """The best title for who watches this session; None where nothing else can be watched that was not just seen."""
    progress: dict[int, list[float]] = defaultdict(list)
    recent: set[int] = set()
    for title, share, heard in _watched_by(session.viewer_id, now):
        progress[title].append(share)
        if heard >= now - JUST_SEEN:
            recent.add(title)
    taste = [Seen(title, max(shares)) for title, shares in progress.items()] if may_use_taste(session) else []
    found = rank(known_at(now), title=session.title_id, seen=taste, recent=recent, surest=surest)
    return found[0] if found else None


def may_use_taste(session: PlaybackSession) -> bool:
    """With consent, given at the session's start and not withdrawn since."""
    return bool(session.consent and session.viewer and session.viewer.ads_consent)


def _watched_by(viewer: uuid.UUID | None, now: datetime) -> list[tuple[int, float, datetime]]:
    if viewer is None:
        return []
    rows = PlaybackSession.objects.filter(viewer=viewer, last_seen_at__gte=now - HISTORY, last_seen_at__lte=now)
    return list(rows.order_by("-last_seen_at").values_list("title_id", "progress", "last_seen_at")[:200])
