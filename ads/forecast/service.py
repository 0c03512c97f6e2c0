"""Forecasts as they are made, stored and told: for every live flight from the log, and for terms that nobody has sold yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import redis
from django.conf import settings

from adplatform.eventlog import stream
from ads import live_inventory, live_plan
from ads.decision.plan import HOUR
from ads.models import FlightForecast

from . import expectation
from .expectation import Effort, Range
from .known import Known, borders_of, outlook_of, read, scene_of
from .prospects import Outlook

# Hourly, and whenever what is sold has changed.
STALE_SECONDS = HOUR
MADE_KEY = "forecast:made"
# With more ads than this flights are forecast by allocation alone: the simulation would take longer than the hour's work may.
MOST_SIMULATED = 400
EFFORT = Effort(lanes=16, requests=4_000)
STORED = (
    "computed_at", "supply", "layers", "requests", "eligible", "win_share", "settle_share", "events_per_win", "micros_per_win", "expected_delivery",
    "expected_low", "expected_high", "available_impressions", "unique_viewers", "conflicts", "warning",
)  # fmt: skip


def forecast_flights(*, now: datetime) -> list[FlightForecast]:
    """Forecast every live flight from the log of the last four weeks, store it, and let pacing know. Safe to run twice."""
    known = read(now)
    found = outlook_of(known)
    told = _simulated(known, found)
    borders = borders_of(known)
    warnings = found.warnings(settings.CURRENCY, {row: values["range"] for row, values in told.items()})
    forecasts = []
    for row, flight in enumerate(known.inventory.flights):
        simulated = told.get(row, {})
        expected: Range | None = simulated.pop("range", None)
        forecasts.append(
            FlightForecast(
                flight_id=flight.id,
                computed_at=now,
                supply=[round(float(value), 4) for value in found.supply[:, row]] if known.logged.logged else [],
                layers=borders[row],
                requests=known.logged.logged,
                eligible=float(found.eligible[row]),
                win_share=float(found.win_share[row]),
                settle_share=float(known.gained.settle_share[row]),
                events_per_win=float(known.gained.events_per_win[row]),
                micros_per_win=float(known.gained.micros_per_win[row]),
                expected_delivery=float(found.expected[row]) if expected is None else expected.mean,
                expected_low=0.0 if expected is None else expected.low,
                expected_high=0.0 if expected is None else expected.high,
                warning=warnings[row],
                **simulated,
            )
        )
    FlightForecast.objects.bulk_create(forecasts, update_conflicts=True, unique_fields=["flight"], update_fields=STORED)
    live_plan.raise_version(stream.client(), known.logged.traffic.tolist())
    return forecasts


def _simulated(known: Known, found: Outlook) -> dict[int, dict[str, Any]]:
    """By row of the inventory what only the simulation tells; nothing where nothing is logged, or too much is sold."""
    inventory = known.inventory
    if not known.people.requests or not inventory.ads or len(inventory.ads) > MOST_SIMULATED:
        return {}
    scene = scene_of(known, found)
    until = float(max(inventory.ends.max(), known.logged.now + HOUR))
    crowd = expectation.gathered(scene, until=until, effort=EFFORT)
    run = expectation.future(scene, crowd, EFFORT)
    few = Effort(EFFORT.lanes, max(200, EFFORT.requests * 20 // max(len(inventory.ads), 20)), EFFORT.seed)
    thin = expectation.gathered(scene, until=until, effort=few)
    alone = expectation.reach(scene, thin, few)
    names = [flight.name for flight in inventory.flights]
    told = {}
    for row in range(len(inventory.flights)):
        viewers, _sessions, _ = expectation.audience(thin, known.people, alone, row)
        told[row] = {
            "range": run.delivery(row),
            "available_impressions": float(alone.seen[:, row].mean()),
            "unique_viewers": viewers,
            "conflicts": [
                {"flight": int(inventory.flight_id[rival]), "name": names[rival], "share": round(share, 4)}
                for rival, share in expectation.takers(run.run, row)[:10]
            ],
        }
    return told


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
