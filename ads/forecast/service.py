"""Forecasts as they are made, stored and told: for every live flight from the log, and for terms that nobody has sold yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import redis
from django.conf import settings

from adplatform.eventlog import stream
from ads import live_inventory, live_plan, selectors
from ads.decision.inventory import CPCV, AdRow, FlightRow, Inventory, Rows, compile_inventory
from ads.decision.plan import HOUR
from ads.models import Flight, FlightBalance, FlightForecast

from . import log, yields
from .prospects import Booked, Outlook, layers, outlook

# Hourly, and whenever what is sold has changed.
STALE_SECONDS = HOUR
MADE_KEY = "forecast:made"
# For terms that somebody is waiting to see judged.
QUICK_REQUESTS = 2_000
# What an ad that does not exist yet is taken to last, and its flight's id.
AD_SECONDS, UNSAVED = 15.0, 0
STORED = ("computed_at", "supply", "layers", "requests", "eligible", "win_share", "settle_share", "events_per_win", "micros_per_win",
          "expected_delivery", "warning")  # fmt: skip


def forecast_flights(*, now: datetime) -> list[FlightForecast]:
    """Forecast every live flight from the log of the last four weeks, store it, and let pacing know. Safe to run twice."""
    inventory = compile_inventory(selectors.inventory_rows())
    logged = log.read(now)
    gained = yields.measured(inventory, now)
    people = log.people(now, logged) if inventory.limits else None
    found = outlook(inventory, logged, gained, _booked(inventory), settings.CURRENCY, people)
    borders = _layers(inventory, now, logged.logged)
    forecasts = [
        FlightForecast(
            flight_id=flight.id,
            computed_at=now,
            supply=[round(float(value), 4) for value in found.supply[:, row]] if logged.logged else [],
            layers=borders[row],
            requests=logged.logged,
            eligible=float(found.eligible[row]),
            win_share=float(found.win_share[row]),
            settle_share=float(gained.settle_share[row]),
            events_per_win=float(gained.events_per_win[row]),
            micros_per_win=float(gained.micros_per_win[row]),
            expected_delivery=float(found.expected[row]),
            warning=found.warnings[row],
        )
        for row, flight in enumerate(inventory.flights)
    ]
    FlightForecast.objects.bulk_create(forecasts, update_conflicts=True, unique_fields=["flight"], update_fields=STORED)
    live_plan.raise_version(stream.client(), logged.traffic.tolist())
    return forecasts


def forecast_if_due(*, now: datetime) -> int:
    """Forecast when what is sold has changed since, or an hour has passed. How many flights were forecast; 0 when nothing was due."""
    client: redis.Redis = stream.client()
    signal = client.get(live_inventory.VERSION_KEY) or live_inventory.begin_version(client)
    made: Any = client.hmget(MADE_KEY, ["signal", "at"])
    if made[0] == signal and now.timestamp() - float(made[1] or 0) < STALE_SECONDS:
        return 0
    forecasts = forecast_flights(now=now)
    client.hset(MADE_KEY, mapping={"signal": signal, "at": now.timestamp()})
    return len(forecasts)


def forecast_terms(flight: Flight, *, now: datetime) -> tuple[float | None, str | None]:
    """What a flight that is not live yet, saved or not, can expect at its end beside all that is live: goal events (micros where
    the goal is spend), None when nothing is logged to tell from; and a warning, None when nothing speaks against its goal."""
    known = selectors.inventory_rows()
    proposed = _proposed(flight)
    shortest = min((ad.duration for ad in known.ads if ad.flight == proposed.id), default=AD_SECONDS)
    ad = AdRow(
        id=UNSAVED, flight=proposed.id, name=flight.name, asset=UNSAVED, category=flight.campaign.advertiser.category, duration=shortest,
        skip_after=None, click_through="",
    )  # fmt: skip
    others = tuple(row for row in known.flights if row.id != proposed.id)
    inventory = compile_inventory(Rows((*others, proposed), (*(row for row in known.ads if row.flight != proposed.id), ad)))
    logged = log.read(now, most=QUICK_REQUESTS)
    people = log.people(now, logged, most=QUICK_REQUESTS) if inventory.limits else None
    found = outlook(inventory, logged, yields.measured(inventory, now), _booked(inventory), settings.CURRENCY, people)
    return _told(found, inventory.flight_row[proposed.id], logged.logged)


def _told(found: Outlook, row: int, logged: int) -> tuple[float | None, str | None]:
    return (float(found.expected[row]) if logged else None), found.warnings[row] or None


def _proposed(flight: Flight) -> FlightRow:
    values: dict[str, Any] = {}
    for column in selectors.FLIGHT_COLUMNS:
        value: Any = flight
        for name in column.split("__"):
            value = getattr(value, name)
        values[column] = value
    unsaved = {name: values[name] or UNSAVED for name in ("id", "campaign_id", "campaign__advertiser_id")}
    return selectors.flight_row(values | unsaved)


def _booked(inventory: Inventory) -> Booked:
    columns = ("flight_id", "impressions", "completed_views", "clicks", "booked_micros")
    balances = {flight: counts for flight, *counts in FlightBalance.objects.values_list(*columns)}
    place = {"impressions": 0, "completed_views": 1, "clicks": 2, "spend": 0}
    own = [(balances.get(flight.id, [0, 0, 0, 0]), place[flight.goal_type]) for flight in inventory.flights]
    delivered = np.array([counts[goal] for counts, goal in own], dtype=np.int64)
    return Booked(delivered, np.array([counts[3] for counts, _ in own], dtype=np.int64))


def _layers(inventory: Inventory, now: datetime, logged: int) -> list[list[float]]:
    """Each flight's borders, from what was predicted for its ads in logged decisions."""
    scored = log.scored(now, logged)
    responses: list[list[float]] = [[] for _ in inventory.flights]
    for ad, flight in zip(inventory.ads, inventory.ad_flight.tolist(), strict=True):
        clicks, views = scored.get(ad.id, ([], []))
        responses[flight].extend(views if inventory.pricing[flight] == CPCV else clicks)
    return [layers(values) for values in responses]
