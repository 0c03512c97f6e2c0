"""How a day of the figures of watching is counted anew, from the stored events and the Director's decisions.

A session's facts stand under its title, its device and the title's first genre as it was when the session began.
"""
# ruff: noqa: S608 (composed of names of ours alone)

from __future__ import annotations

from typing import LiteralString

from adplatform.eventlog.rebuild import Facts, Recount

from .models import CHANGES_THE_PLAN
from .rollups import LONGEST_STALL_MILLISECONDS, PLAYBACK

_EVENTS_TABLE = "engagement_playbackevent"
_CHANGES = ", ".join(f"'{action}'" for action in sorted(CHANGES_THE_PLAN))

# The event that began a session tells the genre of that day; of one that is not stored the title tells it.
_SESSIONS: LiteralString = (
    "SELECT s.id, s.title_id, s.device, coalesce(began.genre, (SELECT g.slug FROM catalog_title_genres tg JOIN catalog_genre g ON g.id = tg.genre_id"
    " WHERE tg.title_id = s.title_id ORDER BY g.name LIMIT 1), '') AS genre FROM engagement_playbacksession s"
    " LEFT JOIN (SELECT DISTINCT ON (session) session, data->'genres'->>0 AS genre FROM {engagement_playbackevent}"
    " WHERE day BETWEEN %(first)s AND %(last)s AND type = 'playback.session' AND valid ORDER BY session, id) began ON began.session = s.id"
    " WHERE s.last_seen_at >= %(since)s - interval '2 days' AND s.started_at < %(until)s + interval '2 days'"
)


def _number(name: LiteralString) -> LiteralString:
    return f"CASE WHEN jsonb_typeof(e.data->'{name}') = 'number' THEN greatest(0, (e.data->>'{name}')::float8) ELSE 0 END"


_EVENTS = Facts(
    "SELECT e.occurred_at AS moment, coalesce(s.title_id, e.title, 0) AS title_id,"
    " CASE WHEN e.type IN ('playback.session', 'playback.end') THEN 0 ELSE coalesce(e.scene, 0) END AS scene_id,"
    " coalesce(s.genre, e.data->'genres'->>0, '') AS genre, coalesce(s.device, e.data->>'device', '') AS device, e.synthetic,"
    " (e.type = 'playback.session')::int AS sessions, (e.type = 'playback.end')::int AS finished,"
    " (e.type = 'playback.scene_start')::int AS scene_starts,"
    " (e.type = 'playback.scene_end' AND e.data->'completed' = 'true')::int AS scene_ends, (e.type = 'playback.leave')::int AS exits,"
    " (e.type = 'playback.rewind')::int AS rewinds, (e.type = 'playback.skip_scene')::int AS skips, (e.type = 'playback.pause')::int AS pauses,"
    f" CASE WHEN e.type IN ('playback.scene_end', 'playback.leave') THEN round({_number('watched')} * 1000)::bigint ELSE 0 END"
    " AS watch_milliseconds,"
    f" CASE WHEN e.type = 'playback.stall' THEN round(least({_number('milliseconds')}, {LONGEST_STALL_MILLISECONDS}))::bigint ELSE 0 END"
    " AS stall_milliseconds,"
    " CASE WHEN e.type = 'playback.rating' THEN (e.data->>'stars')::int ELSE 0 END AS rating_stars, (e.type = 'playback.rating')::int AS ratings"
    f" FROM {{engagement_playbackevent}} e LEFT JOIN ({_SESSIONS}) s ON s.id = e.session"
    " WHERE e.day BETWEEN %(first)s AND %(last)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s AND e.valid"
    " AND e.type IN ('playback.session', 'playback.end', 'playback.scene_start', 'playback.scene_end', 'playback.leave', 'playback.rewind',"
    " 'playback.skip_scene', 'playback.pause', 'playback.stall', 'playback.rating')",
    (
        "sessions", "finished", "scene_starts", "scene_ends", "exits", "rewinds", "skips", "pauses", "watch_milliseconds", "stall_milliseconds",
        "rating_stars", "ratings",
    ),
)  # fmt: skip
# A decision is stored with no verdict of its own; it counts when its session is known and its scene is none of another title.
_DIRECTED = Facts(
    "SELECT d.decided_at AS moment, s.title_id, coalesce(d.scene, 0) AS scene_id, s.genre, s.device, d.synthetic, 1 AS director_decisions,"
    f" (d.applied AND d.action IN ({_CHANGES}))::int AS director_changes"
    f" FROM engagement_directordecision d JOIN ({_SESSIONS}) s ON s.id = d.session LEFT JOIN catalog_scene c ON c.id = d.scene"
    " WHERE d.decided_at >= %(since)s AND d.decided_at < %(until)s AND (c.id IS NULL OR c.title_id = s.title_id)",
    ("director_decisions", "director_changes"),
)

RECOUNTS = (Recount(PLAYBACK, (_EVENTS_TABLE,), (_EVENTS, _DIRECTED)),)
