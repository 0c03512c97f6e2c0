"""All that a forecast rests on, read at one moment: what is sold and booked, what was asked for, predicted and delivered."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from ads import selectors
from ads.decision.inventory import CPCV, Inventory, Rows, compile_inventory
from ads.decision.plan import Expected
from ads.models import FlightBalance

from . import expectation, log, yields
from .capping import People
from .crowd import Traffic, spread
from .expectation import Scene
from .log import Log
from .prospects import Booked, Outlook, layers, outlook
from .responses import Scored, responses
from .simulation import Start
from .yields import Yields

BALANCES = ("flight_id", "impressions", "completed_views", "clicks", "booked_micros", "day", "day_delivered", "day_booked_micros")
GOALS = {"impressions": 0, "completed_views": 1, "clicks": 2, "spend": 3}


@dataclass(frozen=True)
class Known:
    """What is known at ``now``: ``inventory`` as it serves, the ``logged`` requests, the whole log of some ``people``, what decisions
    ``scored``, what comes of a slot won, and what is ``booked``; ``start`` is the same for the simulation, with the day's."""

    now: datetime
    inventory: Inventory
    logged: Log
    people: People
    scored: tuple[Scored, ...]
    gained: Yields
    booked: Booked
    start: Start


def read(
    now: datetime,
    rows: Rows | None = None,
    *,
    requests: int = log.MOST_REQUESTS,
    people: int = log.MOST_REQUESTS,
    balances: Mapping[int, Sequence[Any]] | None = None,
) -> Known:
    """What is known at ``now`` of ``rows``, those that serve when left out, from about so many logged requests. ``balances`` (by flight, as in
    `BALANCES`) stand for those of today where ``now`` is not."""
    inventory = compile_inventory(rows or selectors.inventory_rows())
    logged = log.read(now, most=requests)
    if balances is None:
        stored = FlightBalance.objects.filter(flight_id__in=inventory.flight_id.tolist()).values_list(*BALANCES)
        balances = {flight: figures for flight, *figures in stored}
    booked, start = _booked(inventory, balances, now)
    return Known(
        now, inventory, logged, log.people(now, logged, most=people), log.scored(now, logged.logged), yields.measured(inventory, now), booked, start
    )


def outlook_of(known: Known) -> Outlook:
    return outlook(known.inventory, known.logged, known.gained, known.booked, known.people)


def scene_of(known: Known, found: Outlook, *, seed: int = 0, unforecast: Container[int] = ()) -> Scene:
    """What the simulation plays in. Flights that are ``unforecast`` (ids) are paced without a forecast of their own, as long as none is made."""
    inventory, people = known.inventory, known.people
    predicted = responses(inventory, people.requests, known.scored, np.random.default_rng([seed, 3]))
    logged = known.logged
    traffic = Traffic(logged.traffic, *spread(logged.hours, logged.counts, logged.seconds, logged.now))
    return Scene(
        inventory=inventory,
        people=people,
        breaks=expectation.breaks(inventory, people, found.of_people, predicted),
        traffic=traffic,
        yields=known.gained,
        start=known.start,
        expected={flight: one for flight, one in _expected(known, found).items() if flight not in unforecast},
    )


def borders_of(known: Known) -> list[list[float]]:
    """Each flight's borders between layers, from what was predicted for its ads in logged decisions."""
    inventory = known.inventory
    found: list[list[float]] = [[] for _ in inventory.flights]
    by_views = inventory.pricing[inventory.ad_flight] == CPCV
    for one in known.scored:
        place = np.minimum(np.searchsorted(inventory.ad_id, one.ads), max(len(inventory.ad_id) - 1, 0))
        for ad, row in enumerate(place.tolist()):
            if inventory.ad_id[row] == one.ads[ad]:
                found[inventory.ad_flight[row]].append(float(one.pvcr[ad] if by_views[row] else one.pctr[ad]))
    return [layers(values) for values in found]


def _expected(known: Known, found: Outlook) -> dict[int, Expected]:
    gained, borders = known.gained, borders_of(known)
    return {
        flight.id: Expected(
            supply=found.supply[:, row].tolist(),
            layers=borders[row],
            win_share=float(found.win_share[row]),
            settle_share=float(gained.settle_share[row]),
            events_per_win=float(gained.events_per_win[row]),
            micros_per_win=float(gained.micros_per_win[row]),
        )
        for row, flight in enumerate(known.inventory.flights)
    }


def _booked(inventory: Inventory, balances: Mapping[int, Sequence[Any]], now: datetime) -> tuple[Booked, Start]:
    count = len(inventory.flights)
    delivered, micros = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    today = np.zeros((2, count))
    for row, flight in enumerate(inventory.flights):
        figures = balances.get(flight.id)
        if figures is None:
            continue
        delivered[row], micros[row] = figures[GOALS[flight.goal_type]], figures[3]
        if figures[4] == now.date():
            today[:, row] = figures[5], figures[6]
    start = Start(delivered.astype(np.float64), micros.astype(np.float64), today[0], today[1])
    return Booked(delivered, micros), start
