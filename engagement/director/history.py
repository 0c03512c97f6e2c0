"""What a viewer's earlier sessions say, for the live Director and for training alike. Used only with the viewer's consent."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.models import Title
from engagement.models import PlaybackSession, Viewer


@dataclass(frozen=True, slots=True)
class ViewerFacts:
    """``earlier_progress`` is the mean share of the film seen in sessions that began before this one."""

    earlier_sessions: int | None = None
    earlier_progress: float | None = None
    monthly_hours: float | None = None
    genre_match: float | None = None


NOTHING = ViewerFacts()


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
        session.id: _facts(session, viewers[session.viewer_id], genres.get(session.title_id, set()), earlier.get(session.id, (0, 0.0)))
        if session.consent and session.viewer_id in viewers
        else NOTHING
        for session in wanted
    }


def _facts(session: PlaybackSession, viewer: Viewer, genres: set[int], earlier: tuple[int, float]) -> ViewerFacts:
    count, progress = earlier
    favourites = {genre.id for genre in viewer.favourite_genres.all()}
    return ViewerFacts(count, progress / count if count else None, viewer.monthly_hours, len(genres & favourites) / len(genres) if genres else None)


def _earlier(viewers: set[uuid.UUID]) -> dict[uuid.UUID, tuple[int, float]]:
    """For each session (how many came before it, their progress summed)."""
    found: dict[uuid.UUID, tuple[int, float]] = {}
    so_far: dict[uuid.UUID, tuple[int, float]] = {}
    rows = PlaybackSession.objects.filter(viewer__in=viewers).order_by("started_at", "id").values_list("id", "viewer_id", "progress")
    for session, viewer, progress in rows:
        if viewer is None:
            continue
        count, total = found[session] = so_far.get(viewer, (0, 0.0))
        so_far[viewer] = (count + 1, total + progress)
    return found
