"""What the Director did at each scene of a title, and the newest decisions there, for who looks closer. No money and no viewer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from django.db import connection

from engagement.editors.directed import Directed, Done, bounds, directed
from engagement.models import DirectorAction
from engagement.retention.selectors import Window
from insights.live.business.evidence import evidence

from .shapes import rounded, success

EACH_SCENE = 6
NEWEST = """
SELECT * FROM (
  SELECT d.id, d.scene, d.decided_at, d.action, d.intended, d.explored, d.applied, d.engagement, d.leave_risk, o.watched, d.synthetic,
    row_number() OVER (PARTITION BY d.scene ORDER BY (d.action = 'keep' AND d.intended IN ('', 'keep')), d.decided_at DESC, d.id) AS place
  FROM engagement_directordecision d LEFT JOIN engagement_directoroutcome o ON o.decision = d.id AND o.reached
  WHERE d.title = %(title)s AND d.scene IS NOT NULL AND d.decided_at >= %(since)s AND d.decided_at < %(until)s
) newest WHERE place <= %(each)s ORDER BY scene, place
"""


def of_title(title: int, window: Window) -> dict[str, Any]:
    """By scene: each action with how often it was intended and done and what came of it, and the newest decisions, changes first. Four
    queries."""
    found = directed(title, window)
    return {
        "overall": success(found.overall),
        "decisions": found.decisions,
        "complete": found.complete,
        "actions": [_action(one, found) for one in sorted(found.done, key=_order)],
        "newest": _newest(title, window),
    }


def _order(one: Done) -> tuple[int, bool, int, str]:
    return one.scene or 0, one.action == DirectorAction.KEEP, -one.applied - one.intended, one.action


def _action(one: Done, found: Directed) -> dict[str, Any]:
    came = found.effects.get((one.scene or 0, one.action))
    return {
        "scene": one.scene, "action": one.action, "name": one.name, "intended": one.intended, "applied": one.applied, "explored": one.explored,
        "effect": None if came is None else success(came),
    }  # fmt: skip


def _newest(title: int, window: Window) -> list[dict[str, Any]]:
    since, until = bounds(window)
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, {"title": title, "since": since, "until": until, "each": EACH_SCENE})
        columns = [column.name for column in cursor.description]
        return [_told(dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    action, intended = row["action"], row["intended"]
    return {
        "id": str(row["id"]), "scene": row["scene"], "at": row["decided_at"].astimezone(UTC).isoformat(), "action": DirectorAction(action).label,
        "intended": DirectorAction(intended).label if intended and intended != action else None, "explored": row["explored"],
        "applied": row["applied"], "engagement": rounded(row["engagement"]), "leave_risk": rounded(row["leave_risk"]),
        "watched": rounded(row["watched"]), "synthetic": row["synthetic"], "link": evidence("engagement_directordecision", row["id"]),
    }  # fmt: skip
