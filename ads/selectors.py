"""Reads of advertising rows that are used in more than one place."""

from __future__ import annotations

from .decision.inventory import AdRow, CapRow, FlightRow, Rows
from .models import Ad, Campaign, Flight


def inventory_rows() -> Rows:
    """Every ad that may serve: approved, its clip ready, its flight live and its campaign active. Dates are judged per request."""
    ads = (
        Ad.objects.filter(
            review=Ad.Review.APPROVED,
            asset__state="ready",
            flight__state=Flight.State.LIVE,
            flight__campaign__state=Campaign.State.ACTIVE,
        )
        .select_related("asset", "flight__campaign__advertiser")
        .order_by("id")
    )
    found = list(ads)
    flights = {ad.flight_id: ad.flight for ad in found}
    return Rows(flights=tuple(_flight_row(flights[key]) for key in sorted(flights)), ads=tuple(map(_ad_row, found)))


def _flight_row(flight: Flight) -> FlightRow:
    campaign = flight.campaign
    return FlightRow(
        id=flight.pk,
        campaign=campaign.pk,
        advertiser=campaign.advertiser_id,
        name=flight.name,
        campaign_name=campaign.name,
        advertiser_name=campaign.advertiser.name,
        starts=flight.starts_at.timestamp(),
        ends=flight.ends_at.timestamp(),
        pricing=flight.pricing,
        bid_micros=flight.bid_micros,
        goal_type=flight.goal_type,
        goal_amount=flight.goal_amount,
        budget_micros=flight.budget_micros,
        daily_budget_micros=flight.daily_budget_micros,
        pacing=flight.pacing,
        priority=flight.priority,
        targeting=flight.targeting,
        caps=tuple(CapRow("flight" if cap["scope"] == "viewer" else cap["scope"], cap["count"], cap["seconds"]) for cap in flight.frequency_caps),
        excluded_categories=tuple(flight.excluded_categories),
        strict_caps=flight.strict_caps,
    )


def _ad_row(ad: Ad) -> AdRow:
    return AdRow(
        id=ad.pk,
        flight=ad.flight_id,
        name=ad.name,
        asset=ad.asset_id,
        category=ad.category,
        duration=ad.asset.duration,
        skip_after=ad.skip_after,
        click_through=ad.click_through,
    )
