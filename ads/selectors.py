"""Reads of advertising rows that are used in more than one place."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import msgspec
from django.conf import settings

from . import terms
from .decision.inventory import AdRow, CapRow, FlightRow, Rows, Target
from .models import Ad, Campaign, Flight

logger = logging.getLogger(__name__)

AD_COLUMNS = ("id", "flight_id", "name", "asset_id", "category", "asset__duration", "skip_after", "click_through", "headline")
FLIGHT_COLUMNS = (
    "id", "campaign_id", "campaign__advertiser_id", "name", "campaign__name", "campaign__advertiser__name", "starts_at", "ends_at", "tier",
    "share_of_voice", "pricing", "bid_micros", "goal_type", "goal_amount", "daily_goal_amount", "budget_micros", "daily_budget_micros", "pacing",
    "priority", "campaign__targeting", "targeting", "campaign__frequency_caps", "frequency_caps", "exclusivity", "slot_position",
    "excluded_categories", "strict_caps",
)  # fmt: skip


def inventory_rows() -> Rows:
    """Every ad that may serve: approved, its clip ready, its flight live, its campaign active and sold in the installation's
    currency. Dates are judged per request.

    A flight whose stored terms cannot be read is left out with a warning in the log: one bad row must not stop all the others.
    Plain columns, no model instances: a request waits for this whenever the inventory has changed.
    """
    ads = (
        Ad.objects.filter(
            review=Ad.Review.APPROVED,
            asset__state="ready",
            flight__state=Flight.State.LIVE,
            flight__campaign__state=Campaign.State.ACTIVE,
            flight__campaign__currency=settings.CURRENCY,
        )
        .order_by("id")
        .values_list(*AD_COLUMNS)
    )
    found = tuple(ad_row(*row) for row in ads)
    flights = Flight.objects.filter(pk__in={ad.flight for ad in found}).order_by("id").values_list(*FLIGHT_COLUMNS)
    sound = [row for columns in flights if (row := _sound_row(dict(zip(FLIGHT_COLUMNS, columns, strict=True)))) is not None]
    return Rows(flights=tuple(sound), ads=found)


def _sound_row(flight: dict[str, Any]) -> FlightRow | None:
    """None for a flight that could not be compiled, or not be read back from the inventory that a decision was made from."""
    problems = [
        *terms.unreadable(flight["campaign__targeting"], flight["campaign__frequency_caps"]),
        *terms.unreadable(flight["targeting"], flight["frequency_caps"]),
        *terms.unknown_choices(**{name: flight[name] for name in ("tier", "pricing", "slot_position", "excluded_categories")}),
    ]
    if not problems:
        try:
            row = flight_row(flight)
            msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=FlightRow)
        except (ArithmeticError, TypeError, ValueError) as error:
            problems.append(str(error))
        else:
            return row
    _left_out(flight["id"], flight["name"], "; ".join(problems))
    return None


@lru_cache(maxsize=1024)
def _left_out(flight: int, name: str, words: str) -> None:
    # The rows are read every few seconds; a process says the same thing once.
    logger.warning("Flight %d (%s) does not serve, because its terms cannot be read: %s", flight, name, words)


def flight_row(flight: dict[str, Any]) -> FlightRow:
    """A flight with what its campaign asks, from a mapping of `FLIGHT_COLUMNS`."""
    return FlightRow(
        id=flight["id"],
        campaign=flight["campaign_id"],
        advertiser=flight["campaign__advertiser_id"],
        name=flight["name"],
        campaign_name=flight["campaign__name"],
        advertiser_name=flight["campaign__advertiser__name"],
        starts=flight["starts_at"].timestamp(),
        ends=flight["ends_at"].timestamp(),
        tier=flight["tier"],
        share_of_voice=flight["share_of_voice"],
        pricing=flight["pricing"],
        bid_micros=flight["bid_micros"],
        goal_type=flight["goal_type"],
        goal_amount=flight["goal_amount"],
        daily_goal_amount=flight["daily_goal_amount"],
        budget_micros=flight["budget_micros"],
        daily_budget_micros=flight["daily_budget_micros"],
        pacing=flight["pacing"],
        priority=flight["priority"],
        targets=tuple(target for level in ("campaign__targeting", "targeting") if (target := _target(flight[level])) != Target()),
        caps=_caps(flight["campaign__frequency_caps"], flight["frequency_caps"]),
        exclusivity=flight["exclusivity"],
        slot_position=flight["slot_position"],
        excluded_categories=tuple(flight["excluded_categories"]),
        strict_caps=flight["strict_caps"],
    )


def _target(targeting: dict[str, Any]) -> Target:
    include, exclude = (
        {key: tuple(values) for key, values in targeting.get(direction, {}).items() if values} for direction in ("include", "exclude")
    )
    return Target(include, exclude)


def _caps(of_campaign: list[dict[str, Any]], of_flight: list[dict[str, Any]]) -> tuple[CapRow, ...]:
    """A campaign's caps count over the whole campaign where they would count a flight."""
    caps = [CapRow(**{**cap, "scope": "campaign" if cap["scope"] == "flight" else cap["scope"]}) for cap in of_campaign]
    return tuple(dict.fromkeys([*caps, *(CapRow(**cap) for cap in of_flight)]))


def ad_row(*columns: Any) -> AdRow:
    ad, flight, name, asset, category, duration, skip_after, click_through, headline = columns
    return AdRow(
        id=ad,
        flight=flight,
        name=name,
        asset=asset,
        category=category,
        duration=duration,
        skip_after=skip_after,
        click_through=click_through,
        headline=headline,
    )
