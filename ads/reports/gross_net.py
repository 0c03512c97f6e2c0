"""What a flight delivered, gross and net: everything that was reported, what of it does not count and why, and what was given back."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Sum

from ads.models import DeliveryDay, Flight, InvalidDay
from ads.validity.reasons import REASONS

MEASURES = ("impressions", "completed_views", "clicks")


@dataclass(frozen=True, slots=True)
class Counted:
    """``gross`` is what was reported, ``net`` what of it counts."""

    name: str
    gross: int
    net: int

    @property
    def invalid(self) -> int:
        return self.gross - self.net


@dataclass(frozen=True, slots=True)
class Invalid:
    """So many ``events`` of one kind that do not count for one reason."""

    kind: str
    words: str
    events: int


@dataclass(frozen=True, slots=True)
class GrossNet:
    """Money in micros: ``booked`` is ``kept`` and ``given_back`` together."""

    counts: tuple[Counted, ...]
    kept_micros: int
    given_back_micros: int
    reasons: tuple[Invalid, ...]

    @property
    def booked_micros(self) -> int:
        return self.kept_micros + self.given_back_micros


def gross_net(flight: Flight) -> GrossNet:
    """Over the flight's whole life, from the rollups of days."""
    names = [*MEASURES, *(f"gross_{name}" for name in MEASURES), "revenue_micros", "reversed_micros"]
    found = DeliveryDay.objects.filter(flight_id=flight.pk).aggregate(**{f"sum_{name}": Sum(name, default=0) for name in names})
    reasons = InvalidDay.objects.filter(flight_id=flight.pk).values("type", "reason").annotate(total=Sum("events")).filter(total__gt=0)
    return GrossNet(
        counts=tuple(Counted(name.replace("_", " "), found[f"sum_gross_{name}"], found[f"sum_{name}"]) for name in MEASURES),
        kept_micros=found["sum_revenue_micros"],
        given_back_micros=found["sum_reversed_micros"],
        reasons=tuple(
            Invalid(row["type"].removeprefix("ad.").replace("_", " "), REASONS.get(row["reason"], row["reason"]), row["total"])
            for row in reasons.order_by("-total", "type", "reason")
        ),
    )
