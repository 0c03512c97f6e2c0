"""Ad decisions for the explorer: found by time, session or flight, and one told in full from what was stored with it.

Who watched, and what only their consent let the ad server know, is told to those alone who may read decisions in the admin.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from adplatform.learning.schema import Feature, SchemaMismatch
from adplatform.models import ModelVersion
from ads.ctr.features import SCHEMA
from ads.decision.explanation import REASONS
from ads.decision.request import CONSENT_ATTRIBUTES
from ads.decision.stages import STAGES, stage_of
from ads.models import Ad, Decision
from ads.replay import NotReplayable, replay
from catalog.models import Title

from .features import shown

SHOWN = 30
# A flight stands in no index of decisions: so many are looked through at a time, the newest first.
SEARCHED = 5_000
VERSIONS = {"ctr": "model_version", "completion": "completion_version"}
ASKED = (
    "device", "break_position", "break_index", "duration", "max_ads", "genres", "mood", "intensity", "tags", "maturity", "progress", "hour",
    "weekday", "consent", "reserve_micros",
)  # fmt: skip


def newest(*, before: datetime | None, session: uuid.UUID | None = None, persons: bool) -> list[dict[str, Any]]:
    """At most SHOWN, newest first."""
    rows = Decision.objects.filter(**({"session": session} if session else {}), **({"decided_at__lt": before} if before else {}))
    return _told(rows.order_by("-decided_at")[:SHOWN], persons=persons)


def of_flight(flight: int, *, before: datetime | None, persons: bool) -> tuple[list[dict[str, Any]], datetime | None]:
    """Those of the next SEARCHED that it won a slot of, and where to go on searching, None at the end."""
    reach = Decision.objects.filter(**({"decided_at__lt": before} if before else {})).order_by("-decided_at")
    last = reach.values_list("decided_at", flat=True)[SEARCHED - 1 : SEARCHED].first()
    within = reach.filter(decided_at__gte=last) if last else reach
    found = _told(within.filter(slots__contains=[{"flight": flight}])[:SHOWN], persons=persons)
    if len(found) == SHOWN:
        return found, datetime.fromisoformat(found[-1]["at"])
    return found, last


def _told(rows: QuerySet[Decision], *, persons: bool) -> list[dict[str, Any]]:
    found = list(rows.defer("state"))
    names = dict(Title.objects.filter(pk__in={row.title for row in found}).values_list("pk", "name"))
    return [_short(row, names, persons=persons) for row in found]


def _short(row: Decision, names: Mapping[int, str], *, persons: bool) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "at": row.decided_at.isoformat(),
        "title": names.get(row.title or 0, ""),
        "device": row.request.get("device", ""),
        "break": row.request.get("break_position", ""),
        "shown": [slot["name"] for slot in row.slots],
        "slots": row.request.get("max_ads"),
        "price_micros": sum(slot["price_micros"] for slot in row.slots),
        "eligible": row.explanation.get("eligible"),
        "considered": row.explanation.get("considered"),
        "milliseconds": row.milliseconds,
        "versions": {kind: getattr(row, column) for kind, column in VERSIONS.items()},
        "arm": row.model_arm,
        "synthetic": row.synthetic,
        **({"session": str(row.session)} if persons else {}),
    }


def in_full(pk: uuid.UUID, *, persons: bool) -> dict[str, Any] | None:
    """None where there is no such decision."""
    row = Decision.objects.filter(pk=pk).first()
    if row is None:
        return None
    names = dict(Title.objects.filter(pk=row.title or 0).values_list("pk", "name"))
    return {
        **_short(row, names, persons=persons),
        "of": "ads",
        "viewer": str(row.viewer) if persons and row.viewer else None,
        "persons": persons,
        "asked": [[name, row.request.get(name)] for name in (*ASKED, *(CONSENT_ATTRIBUTES if persons else ()))],
        "model_ids": _model_ids(row),
        "inventory_version": row.inventory_version,
        "won": [_slot(slot, persons=persons) for slot in row.slots],
        "candidates": [_candidate(one) for one in row.explanation["candidates"]],
        "others": list(_others(row.explanation)),
        "unfilled": _unfilled(row.explanation.get("unfilled")),
        "replay": _replayed(row),
        "admin": reverse("admin:ads_decision_change", args=[row.pk]) if persons else None,
    }


def _model_ids(row: Decision) -> dict[str, int]:
    """Of the versions that answered, for the way to their cards."""
    asked = {(kind, getattr(row, column)) for kind, column in VERSIONS.items()}
    known = ModelVersion.objects.filter(kind__in=VERSIONS, number__in=[number for _, number in asked if number]).values_list("kind", "number", "pk")
    return {kind: pk for kind, number, pk in known if (kind, number) in asked}


def _slot(slot: Mapping[str, Any], *, persons: bool) -> dict[str, Any]:
    kept = (
        "slot", "ad", "name", "campaign_name", "advertiser_name", "flight", "duration", "pricing", "price_micros", "event_price_micros",
        "value_micros", "pctr", "pvcr", "propensity", "randomised", "explored", "place", "shadow", "completion_shadow",
    )  # fmt: skip
    try:
        served = features(SCHEMA.features, SCHEMA.unpack(slot["features"]), persons=persons)
        trouble = None
    except (KeyError, SchemaMismatch) as error:
        served, trouble = [], f"Its features cannot be named: {error}."
    return {name: slot.get(name) for name in kept} | {"features": served, "trouble": trouble}


def features(columns: Sequence[Feature], values: Sequence[float], *, persons: bool) -> list[dict[str, Any]]:
    """Each column as it was served, by the name of what it holds."""
    return [shown(column, None if math.isnan(value) else value, persons=persons) for column, value in zip(columns, values, strict=True)]


def _candidate(one: Mapping[str, Any]) -> dict[str, Any]:
    # Decisions of an earlier release hold less.
    pacing = one["pacing"] if isinstance(one["pacing"], dict) else {"signal": one["pacing"]}
    kept = (
        "ad", "name", "campaign", "advertiser", "flight", "flight_name", "slot", "tier", "priority", "pricing", "value_micros", "quality",
        "multiplier", "score", "price_micros", "pctr", "pvcr", "propensity", "reason", "words",
    )  # fmt: skip
    return {name: one.get(name) for name in kept} | {"let_through": pacing.get("signal"), "pacing": pacing.get("words", "")}


def _others(explanation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every ad that was not in the running, in the order of the steps that dropped it."""
    others: Mapping[str, Sequence[int]] = explanation["others"]
    names = dict(Ad.objects.filter(pk__in=[ad for ads in others.values() for ad in ads[:SHOWN]]).values_list("pk", "name"))
    order = list(STAGES)
    for reason in sorted(others, key=lambda one: (order.index(stage_of(one)), -len(others[one]), one)):
        ads = others[reason]
        yield {"reason": reason, "words": REASONS.get(reason, reason), "n": len(ads), "ads": [names.get(ad, f"ad {ad}") for ad in ads[:SHOWN]]}


def _unfilled(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if told is None else {"seconds": told["seconds"], "words": REASONS.get(told["reason"], told["reason"])}


def _replayed(row: Decision) -> dict[str, Any]:
    """Whether the decision, made again from what was stored with it, comes out the same."""
    try:
        again = replay(row)
    except NotReplayable as error:
        return {"same": None, "words": f"It cannot be made again: {error}."}
    if again.same:
        return {"same": True, "words": "Made again from what was stored, it comes out the same: ads, prices and chances, bit for bit."}
    return {"same": False, "words": f"Made again from what was stored, it comes out differently: {'; '.join(again.differences[:3])}."}
