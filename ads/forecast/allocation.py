"""Who wins what is to come: flights take their share of the sampled future requests one after the other, the scarcest first.

The high-water-mark plan (Chen et al., "Ad serving using a compact allocation plan", EC'12): within a tier and priority the
flight that needs the greatest share of its supply chooses first, and takes the same fraction of every request that still has room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ads.decision.inventory import HOUSE, PRICE_PRIORITY, SPONSORSHIP, Inventory
from ads.decision.plan import FIRST_MONDAY, HOUR, WEEK
from ads.decision.state import Floats, Ints, Mask

# Further than four weeks ahead the same weeks are taken to repeat.
MOST_WEEKS = 4


@dataclass(frozen=True)
class Future:
    """Requests to come, as a sample laid out over the next weeks: when [cells], which sampled request [cells], how many it
    stands for [cells], and how many ads it has room for [cells]."""

    at: Floats
    sampled: Ints
    expected: Floats
    slots: Floats


def future(hour: Ints, rate: Floats, slots: Floats, *, now: float, until: float) -> Future:
    """The sample [m] with hours of the week ``hour``, each expected ``rate`` times a week, from ``now`` to ``until``, at most `MOST_WEEKS`."""
    until = min(until, now + MOST_WEEKS * WEEK)
    monday = now - (now - FIRST_MONDAY) % WEEK
    weeks = np.arange(MOST_WEEKS + 1)
    begins = monday + weeks[:, None] * WEEK + hour[None, :] * HOUR
    # Of the hour that is running, and of the last one, only a part is still to come.
    share = np.clip((np.minimum(begins + HOUR, until) - np.maximum(begins, now)) / HOUR, 0.0, 1.0)
    week, sampled = np.nonzero(share > 0)
    part = share[week, sampled]
    at = np.maximum(begins[week, sampled], now)
    return Future(at, sampled, part * rate[sampled], slots[sampled])


@dataclass(frozen=True)
class Outcome:
    """Per flight [n]: eligible requests in the time looked at, those it can win once the others before it took theirs, and
    the slots it wins. All expected numbers."""

    eligible: Floats
    winnable: Floats
    wins: Floats


def allocate(inventory: Inventory, eligible: Mask, ahead: Future, wins: Floats, allowed: Floats) -> Outcome:
    """Lay ``wins`` [n] (the slots each flight still has to win in this time, infinite for as many as it can get) over the
    future requests; ``eligible`` [m, n] says whom each sampled request may be served by, ``allowed`` [n] which share of
    those its caps leave. What caps keep from one flight the next may win."""
    flights = len(inventory.flights)
    room = ahead.slots.copy()
    found = Outcome(np.zeros(flights), np.zeros(flights), np.zeros(flights))
    for flight in range(flights):
        found.eligible[flight] = ahead.expected[_cells(inventory, eligible, ahead, flight)].sum()
    for flight in _order(inventory, wins, found.eligible):
        cells = _cells(inventory, eligible, ahead, flight)
        free = np.minimum(room[cells], 1.0)
        winnable = float((ahead.expected[cells] * free).sum())
        wanted = min(wins[flight], allowed[flight] * found.eligible[flight])
        if inventory.tier[flight] == SPONSORSHIP:
            wanted = min(wanted, float(inventory.share_of_voice[flight]) * found.eligible[flight])
        share = min(1.0, wanted / winnable) if winnable > 0 else 0.0
        room[cells] -= share * free
        found.winnable[flight], found.wins[flight] = winnable, share * winnable
    return found


def _cells(inventory: Inventory, eligible: Mask, ahead: Future, flight: int) -> Ints:
    live = (ahead.at >= inventory.starts[flight] - HOUR / 2) & (ahead.at < inventory.ends[flight])
    return np.flatnonzero(live & eligible[ahead.sampled, flight])


def _order(inventory: Inventory, wins: Floats, eligible: Floats) -> list[int]:
    """Tier, then priority, then: guaranteed flights by scarcity, those that pay by their price."""
    scarcity = np.minimum(wins, 1e18) / np.maximum(eligible, 1e-9)
    paying = (inventory.tier == PRICE_PRIORITY) | (inventory.tier == HOUSE)
    urgency = np.where(paying, inventory.bid, scarcity)
    order: list[int] = np.lexsort((inventory.flight_id, -urgency, inventory.priority, inventory.tier)).tolist()
    return order
