"""Decisions of the Director for the explorer, told from their stored rows.

Whose session it was, and what only the viewer's consent let the Director know, is told to those alone who may read its decisions in
the admin.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from adplatform.learning.schema import Feature
from adplatform.models import ModelVersion
from catalog.models import Scene, Title
from engagement.director.features import SCHEMA
from engagement.director.lots import OWN
from engagement.editors.decision_text import came_of_it, happened
from engagement.models import DirectorAction, DirectorDecision, DirectorOutcome

from .features import shown

SHOWN = 30
VERSIONS = {"engagement": "model_version", "director": "policy_version", "leave": "leave_version"}
SESSION = {one.name: one for one in SCHEMA.features}
OPTION = {one.name: one for one in OWN}


def newest(*, before: datetime | None, session: uuid.UUID | None = None, persons: bool) -> list[dict[str, Any]]:
    """At most SHOWN, newest first."""
    rows = DirectorDecision.objects.filter(**({"session": session} if session else {}), **({"decided_at__lt": before} if before else {}))
    found = list(_lean(rows.order_by("-decided_at"))[:SHOWN])
    titles = dict(Title.objects.filter(pk__in={row.title for row in found}).values_list("pk", "name"))
    scenes = dict(Scene.objects.filter(pk__in={row.scene for row in found if row.scene}).values_list("pk", "name"))
    watched = dict(DirectorOutcome.objects.filter(pk__in=[row.pk for row in found]).values_list("pk", "watched"))
    return [_short(row, titles, scenes, persons=persons) | {"watched": watched.get(row.pk)} for row in found]


def _lean(rows: QuerySet[DirectorDecision]) -> QuerySet[DirectorDecision]:
    return rows.defer("features", "alternatives")


def _short(row: DirectorDecision, titles: Mapping[int, str], scenes: Mapping[int, str], *, persons: bool) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "at": row.decided_at.isoformat(),
        "title": titles.get(row.title, ""),
        "scene": scenes.get(row.scene or 0, ""),
        "trigger": row.get_trigger_display(),
        "action": _does(row.action),
        "happened": happened(row),
        "reason": row.reason,
        "explored": row.explored,
        "applied": row.applied,
        "arm": row.arm,
        "engagement": row.engagement,
        "leave_risk": row.leave_risk,
        "gain_micros": row.gain,
        "gain_low_micros": row.gain_low,
        "milliseconds": row.milliseconds,
        "versions": {kind: getattr(row, column) for kind, column in VERSIONS.items()},
        "synthetic": row.synthetic,
        **({"session": str(row.session)} if persons else {}),
    }


def in_full(pk: uuid.UUID, *, persons: bool) -> dict[str, Any] | None:
    """None where there is no such decision."""
    row = DirectorDecision.objects.filter(pk=pk).first()
    if row is None:
        return None
    titles = dict(Title.objects.filter(pk=row.title).values_list("pk", "name"))
    scenes = dict(Scene.objects.filter(pk__in=[one for one in (row.scene, row.following) if one]).values_list("pk", "name"))
    outcome = DirectorOutcome.objects.filter(pk=row.pk).first()
    return {
        **_short(row, titles, scenes, persons=persons),
        "of": "director",
        "viewer": str(row.viewer) if persons and row.viewer else None,
        "persons": persons,
        "place": row.place,
        "following": scenes.get(row.following or 0, ""),
        "propensity": row.propensity,
        "came_of_it": came_of_it(row, outcome),
        "watched": outcome.watched if outcome else None,
        "model_ids": _model_ids(row),
        "features": _features(SESSION, row.features, persons=persons),
        "options": [_option(one, persons=persons) for one in row.alternatives],
        "admin": reverse("admin:engagement_directordecision_change", args=[row.pk]) if persons else None,
    }


def _model_ids(row: DirectorDecision) -> dict[str, int]:
    """Of the versions that answered, for the way to their cards."""
    asked = {(kind, getattr(row, column)) for kind, column in VERSIONS.items()}
    known = ModelVersion.objects.filter(kind__in=VERSIONS, number__in=[number for _, number in asked if number]).values_list("kind", "number", "pk")
    return {kind: pk for kind, number, pk in known if (kind, number) in asked}


def _option(one: Mapping[str, Any], *, persons: bool) -> dict[str, Any]:
    kept = ("name", "mood", "intensity", "cut", "moved", "break_seconds", "taken", "intended", "allowed", "proven", "propensity", "expected")
    money = {"now_micros": "now", "later_micros": "later", "gain_micros": "gain", "gain_low_micros": "gain_low"}
    return {
        "action": _does(str(one.get("action", ""))),
        **{name: one.get(name) for name in kept},
        **{name: one.get(stored) for name, stored in money.items()},
        "features": _features(OPTION, one.get("features") or {}, persons=persons),
    }


def _features(columns: Mapping[str, Feature], served: Mapping[str, float | None], *, persons: bool) -> list[dict[str, Any]]:
    """A column that the present release does not know any more is told by its name alone, and to nobody who may not see it all."""
    return [shown(columns.get(name) or Feature(name, "", privacy="consent"), value, persons=persons) for name, value in sorted(served.items())]


def _does(action: str) -> str:
    return str(DirectorAction(action).label) if action in DirectorAction.values else action.replace("_", " ").capitalize()
