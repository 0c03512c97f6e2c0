"""Why events of a report do not count: by the kind of event and the reason, over the same time and limits."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Sum

from ads.models import InvalidDay, InvalidHour
from ads.validity.reasons import REASONS

from .query import Query

# What the counts of events that do not count are kept by; a report limited to anything else has none.
KEPT_BY = ("advertiser", "campaign", "flight", "ad")


@dataclass(frozen=True, slots=True)
class Invalid:
    kind: str
    reason: str
    words: str
    events: int


def invalid_reasons(query: Query) -> tuple[Invalid, ...] | None:
    """The most frequent first; None where the report is limited to what they are not kept by."""
    if set(query.filters) - set(KEPT_BY):
        return None
    rows = (InvalidHour if query.hourly else InvalidDay)._default_manager.filter(bucket__gte=query.since, bucket__lt=query.until)
    for name, values in query.filters.items():
        rows = rows.filter(**{f"{name}_id__in": values})
    if query.advertiser is not None:
        rows = rows.filter(advertiser_id=query.advertiser, advertiser_id__gt=0)
    if query.audience != "all":
        rows = rows.filter(synthetic=query.audience == "synthetic")
    found = rows.values("type", "reason").annotate(total=Sum("events")).filter(total__gt=0).order_by("-total", "type", "reason")
    return tuple(
        Invalid(row["type"].removeprefix("ad.").replace("_", " "), row["reason"], REASONS.get(row["reason"], row["reason"]), row["total"])
        for row in found
    )
