"""What a session was told of the Director's decisions, for a player that begins anew: a page loaded again has forgotten them."""

from __future__ import annotations

import uuid
from typing import Any

from catalog.models import Title
from engagement.models import DirectorAction, DirectorDecision

MOST = 12


def recalled(session: uuid.UUID) -> list[dict[str, Any]]:
    """The last decisions as they came to be, newest first, in the shape of the socket's ``decision`` messages. What the consumer has not
    stored yet is not among them."""
    rows = list(DirectorDecision.objects.filter(session=session).defer("features", "alternatives").order_by("-decided_at", "id")[:MOST])
    suggested = {row.suggested for row in rows if row.suggested is not None}
    titles = {one.pk: {"id": one.pk, "slug": one.slug, "name": one.name} for one in Title.objects.filter(pk__in=suggested)} if suggested else {}
    return [_told(row, titles) for row in rows]


def _told(row: DirectorDecision, titles: dict[int, dict[str, Any]]) -> dict[str, Any]:
    action = row.action if row.applied else DirectorAction.KEEP.value
    return {
        "id": str(row.pk), "at": row.decided_at.isoformat(), "action": action, "reason": row.reason, "scene": row.following,
        "explored": row.explored, "ms": round(row.milliseconds, 2), "title": titles.get(row.suggested or 0),
    }  # fmt: skip
