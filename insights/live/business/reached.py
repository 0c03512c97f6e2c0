"""How many different people the ads of a range reached, and how often each. Kept by UTC day: people of parts of a day are not known."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from ads.models import Campaign
from ads.reach import Reach, reach

from .periods import Period
from .scope import Scope


def reached(scope: Scope, shown: Period) -> dict[str, Any] | None:
    """Of the days of ``shown``, of today alone where it is shorter than a week; three queries. None where reach is not kept so finely:
    for a device, for a genre, and for a campaign within one title."""
    if scope.device or scope.genre or (scope.sold and scope.title is not None):
        return None
    last = shown.now.astimezone(UTC).date()
    first = shown.since.astimezone(UTC).date() if shown.range.grain == "day" else last
    titles = None if scope.title is None else [scope.title]
    found = reach(first, last, campaigns=_campaigns(scope), titles=titles)
    return {"since": first.isoformat(), "until": last.isoformat(), "impressions": found.impressions, **_people(found)}


def _people(found: Reach) -> dict[str, Any]:
    if not found.people:
        return {"people": None, "low": None, "high": None, "frequency": None}
    frequency = None if found.frequency is None else round(found.frequency, 2)
    return {"people": round(found.people), "low": round(found.low), "high": round(found.high), "frequency": frequency}


def _campaigns(scope: Scope) -> list[int] | None:
    """Those that are asked for; of an advertiser's own none but its own."""
    if not scope.sold:
        return None
    rows = Campaign.objects.all()
    if scope.advertiser is not None:
        rows = rows.filter(advertiser=scope.advertiser)
    if scope.campaign is not None:
        rows = rows.filter(pk=scope.campaign)
    return list(rows.values_list("pk", flat=True))
