"""From stored events to `SceneDay` and `MomentDay`: the trace of each session, taken when it has been silent for a quarter of an hour.

The consumer marks the sessions of the rows it has really inserted as due, in the same transaction, so nothing is missed and what the
log delivers twice marks nothing. A due session is told anew from all of its stored events, and the figures get the difference to what
it had added before: events that come late, in another order or after the viewer came back correct the figures instead of adding to
them, and taking a trace twice adds nothing. A running total of single events could not: what a seek passes over, or whether a silence
was a leaving, is known only from the session as a whole.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from adplatform.eventlog import ids, tables
from adplatform.eventlog.envelope import Event
from catalog.models import Scene
from engagement.models import PlaybackSession, SessionTrace

from .trace import IDLE_SECONDS, MOMENT_MEASURES, SCENE_MEASURES, Film, Moments, Told, Trace, trace

SESSIONS_AT_ONCE = 200
SCENE_KEYS = ("title_id", "day", "scene_id", "device", "synthetic")
MOMENT_KEYS = ("title_id", "day", "scene_id", "segment", "device", "synthetic")
KINDS = (
    "playback.scene_start", "playback.scene_end", "playback.rewind", "playback.seek", "playback.skip_scene", "playback.leave", "playback.end",
    "playback.complaint", "playback.as_edited", "playback.heartbeat", "playback.pause", "playback.play", "playback.start",
)  # fmt: skip
# The day of an event is that of its own id, which a client's clock may put a day before its session.
SKEW = timedelta(days=1)

Key = tuple[Any, ...]
Totals = dict[Key, list[int]]


def mark_due(cursor: Any, events: Iterable[Event]) -> None:
    """Remember the sessions of these newly stored events, inside the consumer's transaction."""
    touched: dict[uuid.UUID, datetime] = {}
    for event in events:
        if event.session is not None and event.type in KINDS:
            touched[event.session] = max(event.received_at, touched.get(event.session, event.received_at))
    if touched:
        # Sorted, so that two consumers lock the rows in the same order.
        ordered = sorted(touched.items())
        cursor.execute(
            "INSERT INTO engagement_tracedue AS due (session, touched_at) SELECT * FROM unnest(%s::uuid[], %s::timestamptz[])"
            " ON CONFLICT (session) DO UPDATE SET touched_at = EXCLUDED.touched_at WHERE due.touched_at < EXCLUDED.touched_at",
            [[session for session, _ in ordered], [at for _, at in ordered]],
        )


def take_traces(*, now: datetime, most: int = 10_000) -> int:
    """Bring the figures up to date with every session silent since a quarter of an hour; returns how many were told.

    Safe to stop, to run twice and to run at the same time as another: a session is claimed, told and its figures moved in one
    transaction of at most `SESSIONS_AT_ONCE` sessions.
    """
    told = 0
    while told < most:
        claimed = _take_some(now, min(SESSIONS_AT_ONCE, most - told))
        told += claimed
        if not claimed:
            break
    return told


def forget_old_traces(*, now: datetime) -> int:
    """Traces older than the raw events: their sessions cannot be told anew any more. The day figures stay."""
    return SessionTrace.objects.filter(taken_at__lt=now - timedelta(days=settings.PARTITION_KEEP_DAYS)).delete()[0]


def _take_some(now: datetime, count: int) -> int:
    with transaction.atomic(), connection.cursor() as wrapper:
        cursor = wrapper.cursor
        cursor.execute(
            "DELETE FROM engagement_tracedue WHERE session IN (SELECT session FROM engagement_tracedue WHERE touched_at <= %s"
            " ORDER BY touched_at LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING session",
            [now - timedelta(seconds=IDLE_SECONDS), count],
        )
        claimed = sorted(session for (session,) in cursor.fetchall())
        if claimed:
            _retell(cursor, claimed, now)
    return len(claimed)


def _retell(cursor: Any, claimed: Sequence[uuid.UUID], now: datetime) -> None:
    oldest = (now - timedelta(days=settings.PARTITION_KEEP_DAYS)).date()
    # A session whose first events were dropped would be told too short: what it has added stays as it is.
    known = PlaybackSession.objects.filter(pk__in=claimed).defer("plan").order_by("pk")
    sessions = [one for one in known if ids.day_of(one.pk) >= oldest]
    if not sessions:
        return
    before = dict(SessionTrace.objects.filter(pk__in=[one.pk for one in sessions]).values_list("session", "figures"))
    films, events = _films({one.title_id for one in sessions}), _events(cursor, [one.pk for one in sessions])
    scenes: Totals = defaultdict(lambda: [0] * len(SCENE_MEASURES))
    moments: Totals = defaultdict(lambda: [0] * len(MOMENT_MEASURES))
    after = []
    for session in sessions:
        figures = _figures(session, trace(events.get(session.pk, ()), films.get(session.title_id, {})))
        for sign, told in ((-1, before.get(session.pk)), (1, figures)):
            if told:
                _add(scenes, moments, told, sign)
        after.append(SessionTrace(session=session.pk, taken_at=now, figures=figures))
    tables.fold(cursor, "engagement_sceneday", SCENE_KEYS, SCENE_MEASURES, _changed(scenes))
    tables.fold(cursor, "engagement_momentday", MOMENT_KEYS, MOMENT_MEASURES, _changed(moments))
    SessionTrace.objects.bulk_create(after, update_conflicts=True, unique_fields=["session"], update_fields=["taken_at", "figures"])


def _figures(session: PlaybackSession, told: Trace) -> dict[str, Any]:
    return {
        "day": ids.day_of(session.pk).isoformat(),
        "title": session.title_id,
        "device": session.device,
        "synthetic": session.synthetic,
        "scenes": {str(scene): figures for scene, figures in told.scenes.items()},
        "moments": {f"{scene}:{segment}": figures for (scene, segment), figures in told.moments.items()},
    }


def _add(scenes: Totals, moments: Totals, told: Mapping[str, Any], sign: int) -> None:
    for scene, figures in told["scenes"].items():
        into = scenes[told["title"], told["day"], int(scene), told["device"], told["synthetic"]]
        into[:] = [total + sign * value for total, value in zip(into, figures, strict=True)]
    for place, figures in told["moments"].items():
        scene, segment = map(int, place.split(":"))
        into = moments[told["title"], told["day"], scene, segment, told["device"], told["synthetic"]]
        into[:] = [total + sign * value for total, value in zip(into, figures, strict=True)]


def _changed(totals: Totals) -> Totals:
    return {key: values for key, values in totals.items() if any(values)}


def _films(titles: set[int]) -> dict[int, Film]:
    found: dict[int, dict[int, Moments]] = {}
    for scene in Scene.objects.filter(title__in=titles).select_related("asset").only("title_id", "asset__segments"):
        segments = scene.asset.segments if scene.asset else []
        found.setdefault(scene.title_id, {})[scene.pk] = Moments(tuple((float(one["duration"]), bool(one["tight"])) for one in segments))
    return dict(found)


def _events(cursor: Any, sessions: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Told]]:
    first = min(ids.day_of(session) for session in sessions) - SKEW
    cursor.execute(
        'SELECT session, occurred_at, type, scene, "offset", data FROM engagement_playbackevent'
        " WHERE session = ANY(%s) AND day >= %s AND valid AND type = ANY(%s) ORDER BY session, occurred_at, seq, id",
        [list(sessions), first, list(KINDS)],
    )
    rows = cursor.fetchall()
    return {
        session: [
            Told(at.astimezone(UTC).timestamp(), kind, scene, offset or 0.0, data if isinstance(data, dict) else json.loads(data))
            for _, at, kind, scene, offset, data in told
        ]
        for session, told in groupby(rows, key=lambda row: row[0])
    }
