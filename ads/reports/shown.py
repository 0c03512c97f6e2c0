"""What came of the slots a flight won: seen or not, valid or not and why, completed, clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Sum

from ads.models import DeliveryDay, DeliveryHour, InvalidDay, InvalidHour
from ads.validity.reasons import REASONS as INVALID_WORDS

from .why_not import Funnel, Reason

MEASURES = ("decided", "gross_impressions", "impressions", "completed_views", "skips", "clicks", "errors", "revenue_micros")


@dataclass(frozen=True, slots=True)
class Shown:
    """``reserved`` slots were given; ``seen`` impressions were reported, ``invalid`` ones of them do not count, ``impressions`` do.

    A slot counts when it was decided and an impression when it was seen, so ``unseen`` (reserved - seen) is below 0 where more was
    seen of earlier breaks than is still to be seen of these. All counts; money in micros.
    """

    reserved: int
    seen: int
    invalid: tuple[Reason, ...]
    impressions: int
    completed: int
    skips: int
    clicks: int
    errors: int
    revenue_micros: int

    @property
    def unseen(self) -> int:
        return self.reserved - self.seen


@dataclass(frozen=True, slots=True)
class Part:
    """Of one title or device: slots won, impressions that count, completed views and clicks. ``name`` is an id, a slug or empty."""

    name: str
    reserved: int
    impressions: int
    completed: int
    clicks: int


def shown(funnel: Funnel, *, ad: int | None = None) -> Shown:
    """For the time of ``funnel``, by the grain it is read in."""
    found = _rows(funnel, ad).aggregate(**{f"sum_{name}": Sum(name, default=0) for name in MEASURES})
    invalid = InvalidHour if funnel.grain == "hour" else InvalidDay
    rows = invalid.objects.filter(
        flight_id=funnel.flight, bucket__gte=funnel.since, bucket__lt=funnel.until, type="ad.impression", **({} if ad is None else {"ad_id": ad})
    )
    counts = rows.values("reason").annotate(total=Sum("events")).filter(total__gt=0).order_by("-total", "reason").values_list("reason", "total")
    seen = found["sum_gross_impressions"]
    return Shown(
        reserved=found["sum_decided"],
        seen=seen,
        invalid=tuple(Reason(code, INVALID_WORDS.get(code, code), count, count / max(seen, 1)) for code, count in counts),
        impressions=found["sum_impressions"],
        completed=found["sum_completed_views"],
        skips=found["sum_skips"],
        clicks=found["sum_clicks"],
        errors=found["sum_errors"],
        revenue_micros=found["sum_revenue_micros"],
    )


def parts(funnel: Funnel, column: str, *, most: int = 8) -> Sequence[Part]:
    """What was won and seen by ``column`` (title_id, device), the most won first."""
    sums = {f"sum_{name}": Sum(name) for name in ("decided", "impressions", "completed_views", "clicks")}
    rows = _rows(funnel, None).values(column).annotate(**sums).order_by("-sum_decided")[:most]
    return [Part(str(row[column]), row["sum_decided"], row["sum_impressions"], row["sum_completed_views"], row["sum_clicks"]) for row in rows]


def _rows(funnel: Funnel, ad: int | None) -> QuerySet[Any]:
    table = DeliveryHour if funnel.grain == "hour" else DeliveryDay
    return table.objects.filter(flight_id=funnel.flight, bucket__gte=funnel.since, bucket__lt=funnel.until, **({} if ad is None else {"ad_id": ad}))
