"""What a viewer's earlier sessions say, for the live Director and for training alike. Used only with the viewer's consent."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from catalog.models import Title
from engagement.models import PlaybackSession, Viewer


@dataclass(frozen=True, slots=True)
class ViewerFacts:
    """``earlier_progress`` is the mean share of the film seen in sessions that began before this one, ``days_since_last`` how long
    before this one the last of them began."""

    earlier_sessions: int | None = None
    earlier_progress: float | None = None
    days_since_last: float | None = None
    monthly_hours: float | None = None
    genre_match: float | None = None


@dataclass(frozen=True, slots=True)
class _Earlier:
    """``progress`` summed; ``last`` is when the latest began."""

    sessions: int = 0
    progress: float = 0.0
    last: datetime | None = None


NOTHING = ViewerFacts()
NEVER = _Earlier()


def facts_of(sessions: Iterable[PlaybackSession]) -> dict[uuid.UUID, ViewerFacts]:
    """By session id; `NOTHING` for sessions without a viewer or without consent. Three queries however many there are."""
    wanted = list(sessions)
    asked = {session.viewer_id for session in wanted if session.viewer_id and session.consent}
    viewers = {viewer.id: viewer for viewer in Viewer.objects.filter(id__in=asked).prefetch_related("favourite_genres")}
    genres: dict[int, set[int]] = {}
    for title, genre in Title.genres.through.objects.values_list("title_id", "genre_id"):
        genres.setdefault(title, set()).add(genre)
    earlier = _earlier(asked)
    return {
        session.id: _facts(session, viewers[session.viewer_id], genres.get(session.title_id, set()), earlier.get(session.id, NEVER))
        if session.consent and session.viewer_id in viewers
        else NOTHING
        for session in wanted
    }


def _facts(session: PlaybackSession, viewer: Viewer, genres: set[int], earlier: _Earlier) -> ViewerFacts:
    favourites = {genre.id for genre in viewer.favourite_genres.all()}
    return ViewerFacts(
        earlier_sessions=earlier.sessions,
        earlier_progress=earlier.progress / earlier.sessions if earlier.sessions else None,
        days_since_last=(session.started_at - earlier.last).total_seconds() / 86_400 if earlier.last else None,
        monthly_hours=viewer.monthly_hours,
        genre_match=len(genres & favourites) / len(genres) if genres else None,
    )


def _earlier(viewers: set[uuid.UUID]) -> dict[uuid.UUID, _Earlier]:
    """For each session of these viewers, those that began before it."""
    found: dict[uuid.UUID, _Earlier] = {}
    so_far: dict[uuid.UUID, _Earlier] = {}
    rows = PlaybackSession.objects.filter(viewer__in=viewers).order_by("started_at", "id").values_list("id", "viewer_id", "progress", "started_at")
    for session, viewer, progress, started_at in rows:
        if viewer is None:
            continue
        before = found[session] = so_far.get(viewer, NEVER)
        so_far[viewer] = _Earlier(before.sessions + 1, before.progress + progress, started_at)
    return found
