"""Sessions as the log tells them, and the rows that the models of engagement and of leaving learn from."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import groupby
from typing import Any

import numpy as np
from django.db import connection

from adplatform.learning.training import Dataset, NotEnoughData
from engagement.models import PlaybackSession

from . import history
from .features import SCHEMA, SceneContext
from .film import films
from .signals import AD_TYPES, COUNTS_SQL, IGNORED, Film, SessionSignals
from .story import IDLE_SECONDS, LEAVING_SECONDS, Happened, Moment, Story, told

IDLE = timedelta(seconds=IDLE_SECONDS)
HISTORY = timedelta(days=28)
# Of the time of one session.
LONGEST_SESSION = timedelta(days=1)
# Of the leave model: a label is told within so much of its row, and known once the session was silent.
LEAVE_LABEL_SECONDS = LEAVING_SECONDS + IDLE_SECONDS

EVENTS = f"""
SELECT session, occurred_at, type, scene, "offset", data, seq, id FROM engagement_playbackevent
WHERE day BETWEEN %(first_day)s AND %(last_day)s AND occurred_at >= %(since)s AND received_at <= %(as_of)s AND valid
  AND {COUNTS_SQL} AND day <> ALL(%(archived_playback)s)
UNION ALL
SELECT session, occurred_at, type, NULL, NULL, '{{}}'::jsonb, CASE type WHEN 'ad.start' THEN -1 ELSE -2 END, id FROM ads_adevent
WHERE day BETWEEN %(first_day)s AND %(last_day)s AND occurred_at >= %(since)s AND received_at <= %(as_of)s AND valid
  AND type = ANY(%(ads)s) AND day <> ALL(%(archived_ads)s)
ORDER BY 1, 2, 7, 8
"""  # noqa: S608 (a constant of ours)

LIVE_ALONE: dict[str, list[Any]] = {"archived_playback": [], "archived_ads": []}
EVENTS_OF = "SELECT * FROM ({events}) AS told WHERE session = ANY(%(sessions)s) ORDER BY 1, 2, 7, 8"
COLUMNS = ("id", "title_id", "viewer_id", "device", "hour", "consent", "synthetic", "started_at", "last_seen_at")


@dataclass(frozen=True, slots=True)
class Told:
    """One session's ``events`` in order, the ``film`` it showed, and what surrounds it. ``silent`` for a quarter of an hour?"""

    session: PlaybackSession
    film: Film
    around: SceneContext
    events: Sequence[Happened]
    silent: bool
    as_of: datetime

    def story(self, *, grid: bool = False) -> Story:
        return told(self.events, self.film, self.around, grid=grid)

    def heard_at(self) -> float | None:
        """When anything was heard last, heartbeats too; None where that is not known of ``as_of``."""
        return self.session.last_seen_at.timestamp() if self.session.last_seen_at <= self.as_of else None


def read(as_of: datetime) -> list[Told]:
    """The sessions of four weeks that had been silent for a quarter of an hour at ``as_of``. Days that left the database are read from
    their archive. Raises NotEnoughData when one of those cannot be read any more."""
    # Arrow costs every process that holds it tens of megabytes, and web processes read no rows.
    from adplatform.eventlog.days import MissingDay

    from . import archived

    since = as_of - HISTORY
    dropped = archived.archived_days(since, as_of)
    asked = _bounds(since, as_of) | {
        "archived_playback": archived.days_of(dropped, archived.PLAYBACK), "archived_ads": archived.days_of(dropped, archived.ADS),
    }  # fmt: skip
    try:
        old = archived.archived_rows(dropped, since, as_of)
    except MissingDay as error:
        raise NotEnoughData(f"a day to learn from is missing: {error}") from error
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, asked)
        found = _told(_sessions(merge(old, cursor, key=archived.order)), as_of)
    return [one for one in found if one.silent]


def read_of(sessions: Collection[uuid.UUID], *, since: datetime, as_of: datetime) -> list[Told]:
    """These sessions, of live days alone; those that go on as well."""
    with connection.cursor() as cursor:
        cursor.execute(EVENTS_OF.format(events=EVENTS), {**_bounds(since, as_of), **LIVE_ALONE, "sessions": list(sessions)})
        return _told(_sessions(cursor), as_of)


def signals_of(session: uuid.UUID, *, now: datetime) -> SessionSignals:
    """What the log says of a session whose live state was lost."""
    found = read_of([session], since=now - LONGEST_SESSION, as_of=now)
    return found[0].story().signals if found else SessionSignals()


def _bounds(since: datetime, as_of: datetime) -> dict[str, Any]:
    days = {"first_day": since.astimezone(UTC).date(), "last_day": as_of.astimezone(UTC).date()}
    return {**days, "since": since, "as_of": as_of, "ignored": list(IGNORED), "ads": list(AD_TYPES)}


def _told(by_session: Iterable[tuple[uuid.UUID, list[Happened]]], as_of: datetime) -> list[Told]:
    events, shown, silent = dict(by_session), films(), (as_of - IDLE).timestamp()
    sessions = list(PlaybackSession.objects.filter(id__in=events).only(*COLUMNS).order_by("id"))
    facts = history.facts_of(sessions)
    return [
        Told(one, shown.get(one.title_id, {}), surroundings(one, facts[one.id]), events[one.id], events[one.id][-1].at < silent, as_of)
        for one in sessions
    ]  # fmt: skip


def _sessions(rows_in_order: Iterable[Any]) -> Iterator[tuple[uuid.UUID, list[Happened]]]:
    for session, rows in groupby(rows_in_order, key=lambda row: row[0]):
        yield session, [Happened(at, kind, scene, offset or 0.0, json.loads(data)) for at, kind, scene, offset, data in _as_sent(list(rows))]


def _as_sent(rows: Sequence[Any]) -> Iterator[tuple[float, str, int | None, float | None, str]]:
    """In the order of the player's numbers where its clock was set back in between; then no time runs backwards."""
    numbered = sorted((row for row in rows if row[6] > 0), key=lambda row: row[6])
    latest, at = 0.0, {}
    for row in numbered:
        latest = at[row[7]] = max(latest, row[1].timestamp())
    for row in sorted(rows, key=lambda row: (at.get(row[7], row[1].timestamp()), row[6])):
        yield at.get(row[7], row[1].timestamp()), *row[2:6]


def surroundings(session: PlaybackSession, facts: history.ViewerFacts) -> SceneContext:
    """The context of a session before its scene is known; `features.in_scene` puts one in."""
    return SceneContext(
        scenes=1, position=1, mood="", intensity=0.5, device=session.device, hour=session.hour, consent=session.consent,
        earlier_sessions=facts.earlier_sessions, earlier_progress=facts.earlier_progress, days_since_last=facts.days_since_last,
        monthly_hours=facts.monthly_hours, genre_match=facts.genre_match,
    )  # fmt: skip


# Rows


def rows_of_session(events: Sequence[Happened], film: Film, around: SceneContext) -> list[tuple[Moment, float]]:
    """Each scene at its first start, with the share watched of it and the next one. Pure."""
    story = told(events, film, around)
    return [(moment, story.coming(moment.visit)) for moment in story.moments]


def leaving_rows(
    events: Sequence[Happened], film: Film, around: SceneContext, *, heard: float | None = None, grid: bool = True
) -> list[tuple[Moment, float]]:
    """Scene starts and, with the ``grid``, every five seconds of film, each with 1 where the viewer left within the next fifteen
    seconds, else 0. Pure."""
    story = told(events, film, around, grid=grid)
    left = story.left_at(heard=heard)
    return [(moment, float(_leaves(moment, left))) for moment in story.moments]


def _leaves(moment: Moment, left: dict[int, float]) -> bool:
    at = left.get(moment.stretch)
    return at is not None and 0 <= at - moment.at <= LEAVING_SECONDS


def load(as_of: datetime) -> Dataset:
    """One row for each scene begun in a session that had been silent for a quarter of an hour at ``as_of``. Raises NotEnoughData."""
    return _dataset([(one, row) for one in read(as_of) for row in rows_of_session(one.events, one.film, one.around)])


def load_leaving(as_of: datetime) -> Dataset:
    """One row for each scene begun and every five seconds of film of the same sessions. Raises NotEnoughData."""
    return _dataset([(one, row) for one in read(as_of) for row in leaving_rows(one.events, one.film, one.around, heard=one.heard_at())])


def _dataset(found: list[tuple[Told, tuple[Moment, float]]]) -> Dataset:
    found.sort(key=lambda pair: (pair[1][0].at, str(pair[0].session.id)))
    return Dataset(
        features=np.vstack([np.empty((0, len(SCHEMA.features)), dtype=np.float32), *(row[0].features for _, row in found)]),
        labels=np.array([row[1] for _, row in found], dtype=np.float64),
        at=np.array([row[0].at for _, row in found], dtype=np.float64),
        session=np.array([str(one.session.id) for one, _ in found], dtype=np.str_),
        synthetic=np.array([one.session.synthetic for one, _ in found], dtype=bool),
        keys=np.array([key_of(one.session.id, row[0]) for one, row in found], dtype=np.str_),
        groups={"device": np.array([one.session.device for one, _ in found], dtype=np.str_)},
    )


def key_of(session: uuid.UUID, moment: Moment) -> str:
    """By which who made an audience knows its true probabilities: the place among the scenes played, and the seconds into it."""
    return f"{session}/{moment.place}/{moment.into:g}"


Starts = dict[uuid.UUID, list[tuple[float, float]]]


def starts_of(sessions: Collection[uuid.UUID], *, since: datetime, as_of: datetime) -> Starts:
    """For each of these sessions, when its scenes began (Unix seconds) and how much was watched of what came, NaN while the session
    was not silent yet. Of live days alone."""
    found = read_of(sessions, since=since, as_of=as_of)
    return {one.session.id: _labelled(one, rows_of_session(one.events, one.film, one.around)) for one in found}


def leaving_starts_of(sessions: Collection[uuid.UUID], *, since: datetime, as_of: datetime) -> Starts:
    """The same with 1 where the viewer left within fifteen seconds, else 0."""
    found = read_of(sessions, since=since, as_of=as_of)
    return {one.session.id: _labelled(one, leaving_rows(one.events, one.film, one.around, heard=one.heard_at(), grid=False)) for one in found}


def _labelled(one: Told, rows: Sequence[tuple[Moment, float]]) -> list[tuple[float, float]]:
    return [(moment.at, label if one.silent else math.nan) for moment, label in rows]
