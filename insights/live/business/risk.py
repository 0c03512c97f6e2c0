"""Delivery at risk: live flights that the last forecast expects to miss their goal, by the money that would be lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, FloatField, Q, QuerySet
from django.db.models.functions import Cast

from ads.forecast.words import GOALS, TOLERANCE
from ads.models import Campaign, Flight

from .evidence import evidence
from .scope import Scope

MOST = 12
# Of one goal event, in micros, where the flight is charged for exactly that.
PRICED = {("impressions", "cpm"): 1000, ("completed_views", "cpcv"): 1, ("clicks", "cpc"): 1}
NOT_BY_PLACE = "flights are forecast over all titles and devices that they may run on"


def at_risk(scope: Scope, now: datetime) -> dict[str, Any]:
    """``at_risk``: short by the most money first, at most MOST of ``at_risk_count``; None where the scope does not name what is sold alone.
    ``at_risk_micros`` is of all of them. One query."""
    if scope.place != Q():
        return {"at_risk": None, "at_risk_count": None, "at_risk_micros": None, "at_risk_note": NOT_BY_PLACE}
    short = _short(scope, now).select_related("campaign", "forecast", "balance")
    rows = [row for flight in short if (row := _told(flight, public=scope.advertiser is None))["shortfall"] > TOLERANCE]
    rows.sort(key=lambda row: (-(row["shortfall_micros"] or 0), row["ends_at"], row["id"]))
    known = [row["shortfall_micros"] for row in rows if row["shortfall_micros"] is not None]
    return {"at_risk": rows[:MOST], "at_risk_count": len(rows), "at_risk_micros": sum(known) if known else None, "at_risk_note": ""}


def _short(scope: Scope, now: datetime) -> QuerySet[Flight]:
    sold = {"campaign_id": scope.campaign, "campaign__advertiser_id": scope.advertiser}
    return Flight.objects.filter(
        **{name: value for name, value in sold.items() if value is not None},
        state=Flight.State.LIVE,
        campaign__state=Campaign.State.ACTIVE,
        ends_at__gt=now,
        goal_amount__isnull=False,
        forecast__requests__gt=0,
        forecast__expected_delivery__lt=Cast(F("goal_amount"), FloatField()) * (1 - TOLERANCE),
        forecast__expected_delivery__lte=Cast(F("goal_amount"), FloatField()) - 1,
    ).exclude(tier=Flight.Tier.HOUSE)


def _told(flight: Flight, *, public: bool) -> dict[str, Any]:
    goal = flight.goal_amount or 0
    forecast, delivered = flight.forecast, _delivered(flight)
    # What was delivered since the forecast was made is no longer in doubt.
    expected = max(forecast.expected_delivery, delivered)
    missing = max(0.0, goal - expected)
    return {
        "id": flight.pk,
        "campaign": flight.campaign.name,
        "flight": flight.name,
        "goal_type": flight.goal_type,
        "unit": "money" if flight.goal_type == Flight.Goal.SPEND else "count",
        "goal": goal,
        "delivered": delivered,
        "expected": round(expected),
        "missing": round(missing),
        "shortfall": round(missing / goal, 4),
        "shortfall_micros": charged_for(flight, missing),
        "ends_at": flight.ends_at.isoformat(),
        "forecast_at": forecast.computed_at.isoformat(),
        # What the forecast says of everybody's requests and viewers is no advertiser's to read.
        "words": forecast.warning if public and forecast.warning else _short_words(flight),
        "link": evidence("ads_flight", flight.pk),
    }


def _short_words(flight: Flight) -> str:
    expected, goal = flight.forecast.expected_delivery, flight.goal_amount or 0
    told = (f"{expected / 1e6:,.2f} of {goal / 1e6:,.2f}") if flight.goal_type == Flight.Goal.SPEND else f"{expected:,.0f} of {goal:,}"
    return f"Expected {told} {GOALS.get(flight.goal_type, '')} by {flight.ends_at:%d %b}.".replace("  ", " ")


def charged_for(flight: Flight, missing: float) -> int | None:
    """What ``missing`` goal events would have been charged: by what a slot won has brought so far, else by the price; never more than
    the budget has left. None where neither is known."""
    forecast = flight.forecast
    if flight.goal_type == Flight.Goal.SPEND:
        micros = missing
    elif forecast.events_per_win > 0 and forecast.micros_per_win > 0:
        micros = missing * forecast.micros_per_win / forecast.events_per_win
    elif by := PRICED.get((flight.goal_type, flight.pricing)):
        micros = missing * flight.bid_micros / by
    else:
        return None
    return min(round(micros), max(0, flight.budget_micros - _booked(flight)))


def _booked(flight: Flight) -> int:
    return flight.balance.booked_micros if hasattr(flight, "balance") else 0


def _delivered(flight: Flight) -> int:
    """Of what the goal counts."""
    if not hasattr(flight, "balance"):
        return 0
    counted = "booked_micros" if flight.goal_type == Flight.Goal.SPEND else flight.goal_type
    return int(getattr(flight.balance, counted))
