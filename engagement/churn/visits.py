"""Reads what viewers with consent did, one `Visit` a playback, as far as it had arrived at a moment."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from catalog.models import Title
from engagement.models import Viewer
from engagement.rollups import LONGEST_STALL_MILLISECONDS

from .features import Visit

# In the order in which playbacks began, so a viewer's visits stand as they came.
SESSIONS = """
SELECT id, viewer_id, extract(epoch FROM started_at)::float8, device, hour, title_id, as_edited, came_from IS NOT NULL
FROM engagement_playbacksession WHERE viewer_id = ANY(%(viewers)s) AND consent AND started_at >= %(since)s AND started_at <= %(as_of)s
ORDER BY started_at, id
"""
# Players send numbers; what is none counts as nothing.
EVENTS = """
SELECT session, extract(epoch FROM max(received_at))::float8,
       count(DISTINCT scene) FILTER (WHERE type = 'playback.scene_end' AND data->'completed' = 'true'),
       coalesce(sum(CASE WHEN type IN ('playback.scene_end', 'playback.leave') AND jsonb_typeof(data->'watched') = 'number'
                         THEN greatest((data->>'watched')::float8, 0) ELSE 0 END), 0),
       bool_or(type = 'playback.end'),
       count(*) FILTER (WHERE type = 'playback.skip_scene'), count(*) FILTER (WHERE type = 'playback.rewind'),
       count(*) FILTER (WHERE type = 'playback.complaint'),
       avg(CASE WHEN type = 'playback.rating' AND jsonb_typeof(data->'stars') = 'number' AND (data->>'stars')::float8 BETWEEN 1 AND 5
                THEN (data->>'stars')::float8 END),
       coalesce(sum(CASE WHEN type = 'playback.stall' AND jsonb_typeof(data->'milliseconds') = 'number'
                         THEN least(greatest((data->>'milliseconds')::float8, 0), %(longest_stall)s) ELSE 0 END), 0) / 1000
FROM engagement_playbackevent
WHERE day BETWEEN %(first_day)s AND %(last_day)s AND received_at <= %(as_of)s AND valid AND session = ANY(%(sessions)s)
  AND type <> 'playback.heartbeat' AND type <> 'playback.session'
GROUP BY session
"""
ADS = """
SELECT session, count(*) FILTER (WHERE type = 'ad.start'), count(*) FILTER (WHERE type = 'ad.skip') FROM ads_adevent
WHERE day BETWEEN %(first_day)s AND %(last_day)s AND received_at <= %(as_of)s AND valid AND session = ANY(%(sessions)s)
  AND type IN ('ad.start', 'ad.skip')
GROUP BY session
"""
LENGTHS = """
SELECT s.title_id, count(*), coalesce(sum(a.duration), 0)::float8 FROM catalog_scene s LEFT JOIN catalog_mediaasset a ON a.id = s.asset_id
WHERE NOT s.optional GROUP BY s.title_id
"""
NOTHING_TOLD = (0.0, 0, 0.0, False, 0, 0, 0, None, 0.0)


@dataclass(frozen=True, slots=True)
class _Films:
    """By title: genres, number of scenes, and seconds."""

    genres: dict[int, set[int]]
    lengths: dict[int, tuple[int, float]]


def visits_of(viewers: Collection[uuid.UUID], *, since: datetime, as_of: datetime) -> dict[uuid.UUID, list[Visit]]:
    """By viewer, the playbacks with consent that began from ``since`` on, oldest first, with what of them had arrived at ``as_of``.

    Of days whose partition was dropped only the playback itself is known. Five queries, however many viewers.
    """
    asked: dict[str, Any] = {
        "viewers": list(viewers), "since": since, "as_of": as_of, "first_day": since.astimezone(UTC).date(), "last_day": as_of.astimezone(UTC).date(),
        "longest_stall": LONGEST_STALL_MILLISECONDS,
    }  # fmt: skip
    films, favourites = _films(), _favourites(viewers)
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS, asked)
        sessions = cursor.fetchall()
        asked["sessions"] = [row[0] for row in sessions]
        cursor.execute(EVENTS, asked)
        told = {row[0]: row[1:] for row in cursor}
        cursor.execute(ADS, asked)
        ads = {row[0]: row[1:] for row in cursor}
    found: dict[uuid.UUID, list[Visit]] = defaultdict(list)
    for row in sessions:
        found[row[1]].append(_visit(row, told.get(row[0], NOTHING_TOLD), ads.get(row[0], (0, 0)), films, favourites.get(row[1], set())))
    return dict(found)


def _visit(row: tuple[Any, ...], told: tuple[Any, ...], ads: tuple[int, int], films: _Films, favourites: set[int]) -> Visit:
    session, _, started, device, hour, title, as_edited, suggested = row
    heard, scenes_seen, watched, finished, skips, rewinds, complaints, stars, stalled = told
    genres, (scenes, seconds) = films.genres.get(title, set()), films.lengths.get(title, (0, 0.0))
    return Visit(
        session=session,
        started=started,
        heard=max(heard, started),
        device=device,
        hour=hour,
        progress=min(1.0, scenes_seen / scenes) if scenes else 0.0,
        watched_seconds=watched,
        watched_share=min(1.0, watched / seconds) if seconds else 0.0,
        finished=finished,
        skips=skips,
        rewinds=rewinds,
        complaints=complaints,
        stars=float(stars) if stars is not None else None,
        stall_seconds=stalled,
        ads=ads[0],
        ads_skipped=ads[1],
        genre_match=len(genres & favourites) / len(genres) if genres and favourites else None,
        suggested=suggested,
        as_edited=as_edited,
    )


def _films() -> _Films:
    genres: dict[int, set[int]] = defaultdict(set)
    for title, genre in Title.genres.through.objects.values_list("title_id", "genre_id"):
        genres[title].add(genre)
    with connection.cursor() as cursor:
        cursor.execute(LENGTHS)
        return _Films(dict(genres), {title: (scenes, seconds) for title, scenes, seconds in cursor})


def _favourites(viewers: Collection[uuid.UUID]) -> dict[uuid.UUID, set[int]]:
    found: dict[uuid.UUID, set[int]] = defaultdict(set)
    for viewer, genre in Viewer.favourite_genres.through.objects.filter(viewer_id__in=viewers).values_list("viewer_id", "genre_id"):
        found[viewer].add(genre)
    return found
