"""Training rows of the engagement model: a session as it stood when a scene began, and how much was watched of what came next."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import groupby
from typing import Any

import numpy as np
from django.db import connection

from adplatform.learning.schema import Matrix
from adplatform.learning.training import Dataset, NotEnoughData
from catalog.models import Scene
from engagement.models import PlaybackSession

from . import history
from .features import IGNORED, SCHEMA, SceneContext, SessionSignals, build, number

COMING_SCENES = 2
# A viewer silent for this long has left, also when they come back later.
IDLE = timedelta(minutes=15)
HISTORY = timedelta(days=28)

EVENTS = """
SELECT session, occurred_at, type, scene, "offset", data, seq, id FROM engagement_playbackevent
WHERE day BETWEEN %(first_day)s AND %(last_day)s AND occurred_at >= %(since)s AND received_at <= %(as_of)s AND valid
  AND type <> ALL(%(ignored)s) AND day <> ALL(%(archived_playback)s)
UNION ALL
SELECT session, occurred_at, type, NULL, NULL, '{}'::jsonb, 0, id FROM ads_adevent
WHERE day BETWEEN %(first_day)s AND %(last_day)s AND occurred_at >= %(since)s AND received_at <= %(as_of)s AND valid
  AND type IN ('ad.start', 'ad.complete', 'ad.skip') AND day <> ALL(%(archived_ads)s)
ORDER BY 1, 2, 7, 8
"""

LIVE_ALONE: dict[str, list[Any]] = {"archived_playback": [], "archived_ads": []}
EVENTS_OF = "SELECT * FROM ({events}) AS told WHERE session = ANY(%(sessions)s) ORDER BY 1, 2, 7, 8"


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of one session, as stored. ``at`` in Unix seconds."""

    at: float
    kind: str
    scene: int | None = None
    offset: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FilmScene:
    """Durations in seconds."""

    position: int
    mood: str
    intensity: float
    duration: float
    tight: float


Film = Mapping[int, FilmScene]


@dataclass(slots=True)
class _Visit:
    """A scene on screen, from its start until another one starts."""

    scene: int
    stretch: int
    first_offset: float
    duration: float
    watched: float = 0.0
    furthest: float = 0.0
    ended: bool = False
    on_screen: bool = True
    playing: float = 0.0
    off_speed: float = 0.0

    def share(self) -> float:
        """Share of the scene that was watched at normal speed, 0-1."""
        watched = self.watched if self.ended else max(0.0, self.furthest - self.first_offset)
        at_speed = 1 - self.off_speed / self.playing if self.playing > 0 else 1.0
        return min(1.0, watched * at_speed / self.duration) if self.duration > 0 else 0.0


def rows_of_session(events: Sequence[Happened], film: Film, surroundings: SceneContext) -> list[tuple[float, Matrix, float]]:
    """(Unix seconds, features [1, f], label) for each scene at its first start, from one session's events in order. Pure.

    The label is the share watched, at normal speed, of this scene and the next one that came: 0 for what the viewer left
    before, and one scene alone where the film has no more.
    """
    story = _Story(film, surroundings)
    for event in events:
        story.take(event)
    return [(at, row, story.label(place)) for place, at, row in story.starts]


class _Story:
    """One session, told event by event. A ``stretch`` is what lies between two silences long enough to count as leaving."""

    def __init__(self, film: Film, surroundings: SceneContext) -> None:
        self.film, self.surroundings = film, surroundings
        self.signals = SessionSignals()
        self.visits: list[_Visit] = []
        self.starts: list[tuple[int, float, Matrix]] = []
        self.finished: set[int] = set()
        self.playing, self.stretch = True, 0
        self.before: float | None = None

    def take(self, event: Happened) -> None:
        self._pass_time(event.at)
        self.playing = {"playback.pause": False, "playback.play": True, "playback.start": True}.get(event.kind, self.playing)
        data = _completed(event, self.film)
        self.signals.update(event.kind, event.at, scene=event.scene, data=data)
        if event.kind == "playback.end":
            self.finished.add(self.stretch)
        scene = self.film.get(event.scene) if event.scene is not None else None
        if scene is None or event.scene is None:
            return
        if event.kind == "playback.scene_start":
            self._start(event, event.scene, scene)
        elif self.visits and self.visits[-1].scene == event.scene:
            self._continue(self.visits[-1], event, scene, data)

    def label(self, place: int) -> float:
        """For the visit at ``place``, once the whole session was told."""
        stretch = self.visits[place].stretch
        coming = [visit for visit in self.visits[place : place + COMING_SCENES] if visit.stretch == stretch]
        seen = len({visit.scene for visit in self.visits[:place]})
        expected = len(coming) if stretch in self.finished else min(COMING_SCENES, len(self.film) - seen)
        return sum(visit.share() for visit in coming) / max(1, expected)

    def _pass_time(self, at: float) -> None:
        elapsed = 0.0 if self.before is None else at - self.before
        self.before = at
        if elapsed > IDLE.total_seconds():
            self.stretch += 1
        elif self.visits and self.playing and self.visits[-1].on_screen:
            self.visits[-1].playing += elapsed
            self.visits[-1].off_speed += elapsed if self.signals.rate != 1 else 0.0

    def _start(self, event: Happened, scene_id: int, scene: FilmScene) -> None:
        if all(visit.scene != scene_id for visit in self.visits):
            context = replace(self.surroundings, scenes=len(self.film), position=scene.position, mood=scene.mood, intensity=scene.intensity)
            self.starts.append((len(self.visits), event.at, build(self.signals, context, event.at)))
        if self.visits and (self.visits[-1].scene, self.visits[-1].stretch) == (scene_id, self.stretch):
            self.visits[-1].on_screen = True
        else:
            self.visits.append(_Visit(scene_id, self.stretch, event.offset, scene.duration, furthest=event.offset))

    def _continue(self, visit: _Visit, event: Happened, scene: FilmScene, data: Mapping[str, Any]) -> None:
        visit.furthest = max(visit.furthest, event.offset)
        if event.kind == "playback.scene_end":
            visit.watched += number(data.get("watched"), 0.0)
            visit.duration = number(data.get("duration"), scene.duration)
            visit.ended, visit.on_screen = True, False


def _completed(event: Happened, film: Film) -> Mapping[str, Any]:
    """A scene's end with the duration of the cut that was shown, where the sender left it out."""
    scene = film.get(event.scene) if event.scene is not None else None
    if event.kind != "playback.scene_end" or "duration" in event.data or scene is None:
        return event.data
    return {**event.data, "duration": scene.tight if event.data.get("cut") == "tight" else scene.duration}


def load(as_of: datetime) -> Dataset:
    """One row for each scene begun in a session that had been silent for a quarter of an hour at ``as_of``. Days that left the
    database are read from their archive.

    Raises NotEnoughData when one of those cannot be read any more.
    """
    # Arrow costs every process that holds it tens of megabytes, and web processes read no rows.
    from adplatform.eventlog.days import MissingDay

    from . import archived

    since = as_of - HISTORY
    dropped = archived.archived_days(since, as_of)
    asked: dict[str, Any] = {
        "first_day": since.astimezone(UTC).date(), "last_day": as_of.astimezone(UTC).date(), "since": since, "as_of": as_of, "ignored": list(IGNORED),
        "archived_playback": archived.days_of(dropped, archived.PLAYBACK), "archived_ads": archived.days_of(dropped, archived.ADS),
    }  # fmt: skip
    try:
        old = archived.archived_rows(dropped, since, as_of, IGNORED)
    except MissingDay as error:
        raise NotEnoughData(f"a day to learn from is missing: {error}") from error
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, asked)
        rows = merge(old, cursor, key=archived.order)
        by_session = {session: events for session, events in _sessions(rows) if events[-1].at < (as_of - IDLE).timestamp()}
    return _dataset(by_session)


def starts_of(sessions: Collection[uuid.UUID], *, since: datetime, as_of: datetime) -> dict[uuid.UUID, list[tuple[float, float]]]:
    """For each of these sessions, when its scenes began (Unix seconds) and their labels, NaN while the session was not silent yet.
    Of live days alone."""
    bounds = {"first_day": since.astimezone(UTC).date(), "last_day": as_of.astimezone(UTC).date(), "since": since, "as_of": as_of}
    with connection.cursor() as cursor:
        cursor.execute(EVENTS_OF.format(events=EVENTS), {**bounds, **LIVE_ALONE, "ignored": list(IGNORED), "sessions": list(sessions)})
        by_session = dict(_sessions(cursor))
    silent, films, found = (as_of - IDLE).timestamp(), _films(), {}
    for session in PlaybackSession.objects.filter(id__in=by_session).only("id", "title_id", "viewer_id", "device", "hour", "consent"):
        events = by_session[session.id]
        rows = rows_of_session(events, films.get(session.title_id, {}), surroundings(session, history.NOTHING))
        found[session.id] = [(at, label if events[-1].at < silent else math.nan) for at, _, label in rows]
    return found


def _sessions(rows_in_order: Iterable[Any]) -> Iterator[tuple[uuid.UUID, list[Happened]]]:
    for session, rows in groupby(rows_in_order, key=lambda row: row[0]):
        yield session, [Happened(at.timestamp(), kind, scene, offset or 0.0, json.loads(data)) for _, at, kind, scene, offset, data, _, _ in rows]


def _dataset(by_session: Mapping[uuid.UUID, list[Happened]]) -> Dataset:
    films = _films()
    sessions = list(PlaybackSession.objects.filter(id__in=by_session).only("id", "title_id", "viewer_id", "device", "hour", "consent", "synthetic"))
    facts = history.facts_of(sessions)
    rows = [
        (at, str(session.id), session.synthetic, features, label)
        for session in sessions
        for at, features, label in rows_of_session(by_session[session.id], films.get(session.title_id, {}), surroundings(session, facts[session.id]))
    ]
    rows.sort(key=lambda row: (row[0], row[1]))
    return Dataset(
        features=np.vstack([np.empty((0, len(SCHEMA.features)), dtype=np.float32), *(row[3] for row in rows)]),
        labels=np.array([row[4] for row in rows], dtype=np.float64),
        at=np.array([row[0] for row in rows], dtype=np.float64),
        session=np.array([row[1] for row in rows], dtype=np.str_),
        synthetic=np.array([row[2] for row in rows], dtype=bool),
    )


def surroundings(session: PlaybackSession, facts: history.ViewerFacts) -> SceneContext:
    """The context of a session before its scene is known; the live Director puts the scene in with ``dataclasses.replace``."""
    return SceneContext(
        scenes=1, position=1, mood="", intensity=0.5, device=session.device, hour=session.hour, consent=session.consent,
        earlier_sessions=facts.earlier_sessions, earlier_progress=facts.earlier_progress, monthly_hours=facts.monthly_hours,
        genre_match=facts.genre_match,
    )  # fmt: skip


def _films() -> dict[int, dict[int, FilmScene]]:
    films: dict[int, dict[int, FilmScene]] = {}
    for scene in Scene.objects.select_related("asset").order_by("title", "position"):
        segments = scene.asset.segments if scene.asset else []
        full = sum(segment["duration"] for segment in segments)
        tight = sum(segment["duration"] for segment in segments if segment["tight"])
        films.setdefault(scene.title_id, {})[scene.pk] = FilmScene(scene.position, scene.mood, scene.intensity, full, tight)
    return films
