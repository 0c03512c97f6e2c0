"""The told sessions of one title: what each saw, where its breaks stood, and who watched as far as may be known.

A session is read as its trace tells it (`engagement.retention`), so figures here agree with the day tables of the same window.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

from engagement.retention.selectors import Window
from engagement.retention.trace import SCENE_MEASURES

# The newest of the window; more would say the same more slowly.
MOST_SESSIONS = 10_000
COMPLETED, LEFT, LEFT_AFTER, SEEN = (SCENE_MEASURES.index(name) for name in ("completed", "left", "left_after", "seen_milliseconds"))

# Whether a viewer came before, and to which segments they belong, is known with consent alone.
READ = """
SELECT t.figures->>'day', s.device, t.figures->'scenes', s.plan->'breaks',
  ARRAY(SELECT (x.item->>'scene')::bigint FROM jsonb_array_elements(s.plan->'published') WITH ORDINALITY x(item, place)
        WHERE (x.item->>'scene')::bigint <> 0 ORDER BY x.place) || ARRAY(SELECT jsonb_array_elements_text(s.plan->'remaining')::bigint),
  CASE WHEN s.consent AND s.viewer_id IS NOT NULL THEN EXISTS (
    SELECT 1 FROM engagement_playbacksession e WHERE e.viewer_id = s.viewer_id AND e.consent AND e.started_at < s.started_at) END,
  CASE WHEN s.consent AND v.ads_consent THEN v.segments END
FROM engagement_playbacksession s
JOIN engagement_sessiontrace t ON t.session = s.id
LEFT JOIN engagement_viewer v ON v.id = s.viewer_id
WHERE s.title_id = %(title)s AND s.started_at >= %(since)s AND s.started_at < %(until)s
ORDER BY s.started_at DESC, s.id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class PlannedBreak:
    """Behind so many scenes of the film as it was played; ``shown``: with ads."""

    after: int
    shown: bool
    state: str
    moved: int


@dataclass(frozen=True, slots=True)
class ToldSession:
    """``scenes`` by id in the order of `SCENE_MEASURES`, 0 the whole film; ``played`` the scenes in the order in which they were published
    or, behind those, planned: who leaves in a break leaves the next scene unpublished. ``returning`` and ``segments`` are None without
    consent."""

    device: str
    scenes: Mapping[int, list[int]]
    played: tuple[int, ...]
    breaks: tuple[PlannedBreak, ...]
    returning: bool | None = None
    segments: tuple[str, ...] | None = None

    def figure(self, scene: int, measure: int) -> int:
        found = self.scenes.get(scene)
        return found[measure] if found else 0


def told(title: int, window: Window, *, most: int = MOST_SESSIONS) -> list[ToldSession]:
    """The newest first. One query."""
    # The day of a trace is that of the session's id, which a clock may put beside the day it began on.
    asked: dict[str, Any] = {"title": title, "most": most, "since": window.first - timedelta(days=1), "until": window.last + timedelta(days=2)}
    with connection.cursor() as cursor:
        cursor.execute(READ, asked)
        rows = cursor.fetchall()
    return [_session(row) for row in rows if window.first.isoformat() <= row[0] <= window.last.isoformat()]


def _session(row: tuple[Any, ...]) -> ToldSession:
    _, device, scenes, breaks, played, returning, segments = row
    return ToldSession(
        device=device,
        scenes={int(scene): figures for scene, figures in (_json(scenes) or {}).items()},
        played=tuple(played),
        breaks=tuple(_break(one) for one in _json(breaks) or ()),
        returning=returning,
        segments=None if segments is None else tuple(_json(segments) or ()),
    )


def _break(told: Mapping[str, Any]) -> PlannedBreak:
    shown = told["state"] in ("filled", "seen") and told.get("seconds", 0.0) > 0
    return PlannedBreak(after=told["after"], shown=shown, state=told["state"], moved=told.get("moved", 0))


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
