"""Reads of advertising rows that are used in more than one place."""

from __future__ import annotations

from typing import Any

from .decision.inventory import AdRow, CapRow, FlightRow, Rows
from .models import Ad, Campaign, Flight

AD_COLUMNS = ("id", "flight_id", "name", "asset_id", "category", "asset__duration", "skip_after", "click_through")
FLIGHT_COLUMNS = (
    "id", "campaign_id", "campaign__advertiser_id", "name", "campaign__name", "campaign__advertiser__name", "starts_at", "ends_at", "pricing",
    "bid_micros", "goal_type", "goal_amount", "budget_micros", "daily_budget_micros", "pacing", "priority", "targeting", "frequency_caps",
    "excluded_categories", "strict_caps",
)  # fmt: skip


def inventory_rows() -> Rows:
    """Every ad that may serve: approved, its clip ready, its flight live and its campaign active. Dates are judged per request.

    Plain columns, no model instances: a request waits for this whenever the inventory has changed.
    """
    ads = (
        Ad.objects.filter(
            review=Ad.Review.APPROVED,
            asset__state="ready",
            flight__state=Flight.State.LIVE,
            flight__campaign__state=Campaign.State.ACTIVE,
        )
        .order_by("id")
        .values_list(*AD_COLUMNS)
    )
    found = tuple(_ad_row(*row) for row in ads)
    flights = Flight.objects.filter(pk__in={ad.flight for ad in found}).order_by("id").values_list(*FLIGHT_COLUMNS)
    return Rows(flights=tuple(_flight_row(dict(zip(FLIGHT_COLUMNS, row, strict=True))) for row in flights), ads=found)


def _flight_row(flight: dict[str, Any]) -> FlightRow:
    return FlightRow(
        id=flight["id"],
        campaign=flight["campaign_id"],
        advertiser=flight["campaign__advertiser_id"],
        name=flight["name"],
        campaign_name=flight["campaign__name"],
        advertiser_name=flight["campaign__advertiser__name"],
        starts=flight["starts_at"].timestamp(),
        ends=flight["ends_at"].timestamp(),
        pricing=flight["pricing"],
        bid_micros=flight["bid_micros"],
        goal_type=flight["goal_type"],
        goal_amount=flight["goal_amount"],
        budget_micros=flight["budget_micros"],
        daily_budget_micros=flight["daily_budget_micros"],
        pacing=flight["pacing"],
        priority=flight["priority"],
        targeting=flight["targeting"],
        caps=tuple(CapRow("flight" if cap["scope"] == "viewer" else cap["scope"], cap["count"], cap["seconds"]) for cap in flight["frequency_caps"]),
        excluded_categories=tuple(flight["excluded_categories"]),
        strict_caps=flight["strict_caps"],
    )


def _ad_row(*columns: Any) -> AdRow:
    ad, flight, name, asset, category, duration, skip_after, click_through = columns
    return AdRow(
        id=ad, flight=flight, name=name, asset=asset, category=category, duration=duration, skip_after=skip_after, click_through=click_through
    )
