"""What the consumer does with `playback.*` and `director.decision`: store each once, judge it, and move what follows from it."""

from __future__ import annotations

import contextlib
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adplatform.eventlog import ids, tables
from adplatform.eventlog.envelope import PLAYBACK_TYPES, Event

from .retention.rollup import mark_due
from .rollups import MEASURES, PLAYBACK, WHOLE_SESSION, completed, measures_of, number, stars

EVENT_COLUMNS = (
    "id", "day", "type", "occurred_at", "received_at", "session", "seq", "viewer", "title", "scene", "offset", "plan_version", "valid", "reason",
    "data", "synthetic",
)  # fmt: skip
DECISION_COLUMNS = (
    "id", "session", "viewer", "title", "scene", "decided_at", "trigger", "epoch", "place", "following", "action", "intended", "arm", "explored",
    "suggested", "applied", "reason", "engagement", "leave_risk", "gain", "gain_low", "alternatives", "features", "propensity", "model_version",
    "policy_version", "leave_version", "milliseconds", "synthetic",
)  # fmt: skip
MOST_CONTEXTS = 50_000
# Packaged clips are some hundredths longer than they are told to be.
WATCH_SLACK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Context:
    """What a session's figures are kept by: its title, the title's first genre, and the device."""

    title: int
    genre: str
    device: str


class PlaybackEvents:
    """Handler of everything a viewer does and the Director decides. No query is made for a single event."""

    name = "engagement"
    types = PLAYBACK_TYPES | {"playback.session", "director.decision"}

    def __init__(self) -> None:
        self._contexts: OrderedDict[uuid.UUID, Context] = OrderedDict()
        self._scenes: dict[int, tuple[int, float]] = {}

    def __call__(self, cursor: Any, events: Sequence[Event], *, now: datetime) -> None:
        self._learn(cursor, events)
        happened = [event for event in events if event.type != "director.decision"]
        decided = [event for event in events if event.type == "director.decision"]
        unmade = _unmade(cursor, events)
        reasons = {event.id: self._invalid(event) or ("unknown_decision" if event.id in unmade else "") for event in events}
        new = tables.insert_once(cursor, "engagement_playbackevent", EVENT_COLUMNS, (self._row(one, reasons[one.id]) for one in happened))
        if decided:
            new |= tables.insert_once(cursor, "engagement_directordecision", DECISION_COLUMNS, map(_decision_row, decided))
        fresh = [event for event in _once(events) if event.id in new and not reasons[event.id]]
        PLAYBACK.add(cursor, (fact for event in fresh if (fact := self._fact(event))))
        watched = [event for event in fresh if event.type in PLAYBACK_TYPES]
        _follow_sessions(cursor, watched)
        mark_due(cursor, watched)
        _move_progress(cursor, sorted({event.session for event in watched if event.session and self._completed(event)}))
        _rate(cursor, [event for event in fresh if event.type == "playback.rating"])

    def _learn(self, cursor: Any, events: Sequence[Event]) -> None:
        """Read what is not known yet of the batch's sessions and scenes, two queries at most."""
        sessions = {event.session for event in events if event.session and event.session not in self._contexts}
        if sessions:
            cursor.execute(
                "SELECT s.id, s.title_id, s.device, coalesce((SELECT g.slug FROM catalog_title_genres tg JOIN catalog_genre g ON g.id = tg.genre_id"
                " WHERE tg.title_id = s.title_id ORDER BY g.name LIMIT 1), '') FROM engagement_playbacksession s WHERE s.id = ANY(%s)",
                [list(sessions)],
            )
            for session, title, device, genre in cursor.fetchall():
                self._contexts[session] = Context(title, genre, device)
        while len(self._contexts) > MOST_CONTEXTS:
            self._contexts.popitem(last=False)
        scenes = {scene for event in events if (scene := _scene(event)) and scene not in self._scenes}
        if scenes:
            cursor.execute(
                "SELECT c.id, c.title_id, coalesce(a.duration, 0) FROM catalog_scene c LEFT JOIN catalog_mediaasset a ON a.id = c.asset_id"
                " WHERE c.id = ANY(%s)",
                [list(scenes)],
            )
            self._scenes.update({scene: (title, duration) for scene, title, duration in cursor.fetchall()})

    def _invalid(self, event: Event) -> str:
        """The reason why an event does not count, empty when it does."""
        if event.invalid:
            return event.invalid
        if event.type == "playback.session":
            return ""
        context = self._contexts.get(event.session) if event.session else None
        if context is None:
            return "unknown_session"
        scene = _scene(event)
        title, duration = self._scenes.get(scene or 0, (0, 0.0))
        if scene and title != context.title:
            return "scene_of_another_title"
        if event.type in ("playback.scene_end", "playback.leave") and number(event.data.get("watched")) > duration + WATCH_SLACK_SECONDS:
            return "more_watched_than_shown"
        if event.type == "playback.rating" and stars(event) is None:
            return "no_stars"
        return ""

    def _shown(self, event: Event) -> float:
        return self._scenes.get(_scene(event) or 0, (0, 0.0))[1]

    def _completed(self, event: Event) -> bool:
        return event.type == "playback.scene_end" and completed(event, shown=self._shown(event))

    def _row(self, event: Event, reason: str) -> tuple[Any, ...]:
        offset = event.position.offset if event.position is not None else None
        data = {**event.data, "completed": self._completed(event)} if event.type == "playback.scene_end" else event.data
        return (
            event.id, ids.day_of(event.id), event.type, event.occurred_at, event.received_at, event.session or uuid.UUID(int=0), event.seq,
            event.viewer, event.title, _scene(event), offset, event.plan_version, not reason, reason, data, event.synthetic,
        )  # fmt: skip

    def _fact(self, event: Event) -> tuple[datetime, Sequence[Any], Sequence[int]] | None:
        added = measures_of(event, shown=self._shown(event))
        if not added:
            return None
        context = self._contexts.get(event.session) if event.session else None
        if context is None:  # playback.session may be read before its row is committed
            genres = event.data.get("genres") or [""]
            context = Context(event.title or 0, str(genres[0]), str(event.data.get("device", "")))
        scene = 0 if event.type in WHOLE_SESSION else _scene(event) or 0
        keys = (context.title, scene, context.genre, context.device, event.synthetic)
        return event.occurred_at, keys, [added.get(measure, 0) for measure in MEASURES]


def _once(events: Iterable[Event]) -> Iterable[Event]:
    return {event.id: event for event in reversed(list(events))}.values()


def _unmade(cursor: Any, events: Sequence[Event]) -> set[uuid.UUID]:
    """Answers to suggestions that no decision of their session made, one query at most. A decision is logged before its viewer hears
    of it, so it is stored already or in the same batch."""
    answers = {event.id: (decision, event.session) for event in events if event.type == "playback.suggestion" and (decision := _decision(event))}
    if not answers:
        return set()
    made = {(event.id, event.session) for event in events if event.type == "director.decision" and event.data.get("suggested") is not None}
    cursor.execute(
        "SELECT id, session FROM engagement_directordecision WHERE suggested IS NOT NULL AND id = ANY(%s)",
        [[decision for decision, _ in answers.values()]],
    )
    made.update(cursor.fetchall())
    return {answer for answer, asked in answers.items() if asked not in made}


def _decision(event: Event) -> uuid.UUID | None:
    with contextlib.suppress(ValueError):
        return uuid.UUID(str(event.data.get("decision")))
    return None


def _scene(event: Event) -> int | None:
    if event.position is not None and event.position.scene is not None:
        return event.position.scene
    told = event.data.get("scene")
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 < told < 2**63 else None


def _decision_row(event: Event) -> tuple[Any, ...]:
    told = event.data
    return (
        event.id, event.session or uuid.UUID(int=0), event.viewer, event.title or 0, _scene(event), event.occurred_at,
        told.get("trigger", "scene_start"), told.get("epoch", 0), told.get("place", 0), told.get("following"), told["action"],
        told.get("intended", told["action"]), told.get("arm", ""), told.get("explored", False), told.get("suggested"), told["applied"],
        told["reason"], told.get("engagement"), told.get("leave_risk"), told.get("gain"), told.get("gain_low"), told["alternatives"],
        told["features"], told.get("propensity", 1.0), told.get("model_version"), told.get("policy_version"), told.get("leave_version"),
        told["milliseconds"], event.synthetic,
    )  # fmt: skip


def _follow_sessions(cursor: Any, events: Sequence[Event]) -> None:
    """Move last seen, resume point and end of the sessions of these new events, two statements at most."""
    latest: dict[uuid.UUID, datetime] = {}
    resume: dict[uuid.UUID, tuple[datetime, int, int, float]] = {}
    ended: dict[uuid.UUID, datetime] = {}
    for event in events:
        if event.session is None:
            continue
        seen = min(event.occurred_at, event.received_at)
        latest[event.session] = max(seen, latest.get(event.session, seen))
        if event.position is not None and event.position.scene is not None:
            here = (seen, event.seq, event.position.scene, event.position.offset)
            resume[event.session] = max(here, resume.get(event.session, here))
        if event.type == "playback.end":
            ended[event.session] = max(seen, ended.get(event.session, seen))
    # Sorted, so that two consumers lock the rows in the same order.
    _move_resume_points(cursor, sorted(resume.items()))
    _move_last_seen(cursor, sorted(latest.items()), ended)


def _move_resume_points(cursor: Any, resume: Sequence[tuple[uuid.UUID, tuple[datetime, int, int, float]]]) -> None:
    if resume:
        cursor.execute(
            "UPDATE engagement_playbacksession s SET resume_scene = x.scene, resume_offset = x.place"
            " FROM unnest(%s::uuid[], %s::timestamptz[], %s::bigint[], %s::float8[]) x(id, at, scene, place)"
            " WHERE s.id = x.id AND x.at >= s.last_seen_at",
            [[one for one, _ in resume], *[[found[index] for _, found in resume] for index in (0, 2, 3)]],
        )


def _move_last_seen(cursor: Any, latest: Sequence[tuple[uuid.UUID, datetime]], ended: dict[uuid.UUID, datetime]) -> None:
    if latest:
        cursor.execute(
            "UPDATE engagement_playbacksession s SET last_seen_at = greatest(s.last_seen_at, x.at), ended_at = coalesce(s.ended_at, x.ended)"
            " FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) x(id, at, ended) WHERE s.id = x.id",
            [[one for one, _ in latest], [at for _, at in latest], [ended.get(one) for one, _ in latest]],
        )


def _move_progress(cursor: Any, sessions: Sequence[uuid.UUID]) -> None:
    """Share of the film's scenes that were seen to their end, counted anew: a scene seen twice counts once."""
    if sessions:
        cursor.execute(
            "UPDATE engagement_playbacksession s SET progress = least(1.0, x.seen / greatest(1.0, x.scenes)) FROM ("
            " SELECT e.session, count(DISTINCT e.scene)::float8 AS seen,"
            " (SELECT count(*) FROM catalog_scene c WHERE c.title_id = min(p.title_id) AND NOT c.optional)::float8 AS scenes"
            " FROM engagement_playbackevent e JOIN engagement_playbacksession p ON p.id = e.session"
            " WHERE e.session = ANY(%s) AND e.day >= %s AND e.type = 'playback.scene_end' AND e.valid AND e.data->'completed' = 'true'"
            " GROUP BY e.session) x WHERE s.id = x.session",
            [list(sessions), min(ids.day_of(session) for session in sessions)],
        )


def _rate(cursor: Any, events: Sequence[Event]) -> None:
    """The newest stars of each viewer for each title; a rating without a viewer only counts in the figures."""
    given: dict[tuple[uuid.UUID, int], tuple[datetime, int]] = {}
    for event in events:
        value = stars(event)
        if event.viewer is not None and event.title is not None and value is not None:
            key = (event.viewer, event.title)
            given[key] = max((event.occurred_at, value), given.get(key, (event.occurred_at, value)))
    if given:
        ordered = sorted(given.items())
        cursor.execute(
            "INSERT INTO engagement_rating (viewer_id, title_id, stars, rated_at)"
            " SELECT x.viewer, x.title, x.stars, x.at FROM unnest(%s::uuid[], %s::bigint[], %s::int[], %s::timestamptz[]) x(viewer, title, stars, at)"
            " WHERE EXISTS (SELECT 1 FROM engagement_viewer v WHERE v.id = x.viewer)"
            " ON CONFLICT (viewer_id, title_id) DO UPDATE SET stars = EXCLUDED.stars, rated_at = EXCLUDED.rated_at"
            " WHERE engagement_rating.rated_at <= EXCLUDED.rated_at",
            [
                [viewer for (viewer, _), _ in ordered],
                [title for (_, title), _ in ordered],
                [value for _, (_, value) in ordered],
                [at for _, (at, _) in ordered],
            ],
        )
