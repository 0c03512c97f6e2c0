"""Delivery counters: one dense table in Redis, a row for each flight, read whole with one GET; decisions see it as numpy columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray

from ads.balances import day_number
from ads.decision.caps import counted
from ads.decision.inventory import Inventory
from ads.decision.request import AdRequest
from ads.decision.state import DeliveryState, Floats, Ints, Seen

from .keys import HOLDS, READY, TABLE, CountersLost, life_key, session_key, viewer_key

# Flight, booked, held, day, day_booked, delivered, held_count, day_delivered, unconfirmed, version: as `ads/lua/common.lua` packs them.
COLUMNS = 10
# A day back at least: how often a viewer met an ad is a feature too.
LEAST_SEEN_SECONDS = 86_400
STATE_READS = 6


def queue_state(pipeline: Any, request: AdRequest, inventory: Inventory, now: float) -> None:
    """Add the `STATE_READS` reads of a decision's delivery state to an open pipeline; `parse_state` takes their replies."""
    pipeline.exists(READY)
    pipeline.zcount(HOLDS, "-inf", f"{now:.3f}")
    pipeline.get(TABLE)
    pipeline.zrange(session_key(request), 0, -1, withscores=True)
    if counted(request):
        since = now - max(inventory.longest_cap, LEAST_SEEN_SECONDS)
        pipeline.zrangebyscore(viewer_key(request), f"({since:.3f}", "+inf", withscores=True)
        pipeline.hgetall(life_key(request))
    else:
        pipeline.exists(READY)
        pipeline.exists(READY)


def parse_state(replies: Sequence[Any], request: AdRequest, inventory: Inventory, now: datetime, rates: dict[str, Floats]) -> DeliveryState:
    """Raises CountersLost."""
    ready, expired, table, session, viewer, life = replies
    if not ready:
        raise CountersLost
    if expired:
        raise CountersLost(expired=True)
    columns = _aligned(np.frombuffer(table or b"", dtype="<i8").reshape(-1, COLUMNS), inventory)
    _, booked, held, day, day_booked, delivered, held_count, day_delivered, _, _ = columns
    today = day == day_number(now.date())
    stream = tuple(map(_seen, session))
    known = counted(request)
    return DeliveryState(
        booked=booked,
        held=held,
        day_booked=day_booked * today,
        delivered=delivered,
        held_count=held_count,
        seen=tuple(map(_seen, viewer)) if known else stream,
        rates=rates,
        stream=stream,
        lifetime={name.decode(): int(count) for name, count in life.items()} if known else {},
        day_delivered=day_delivered * today,
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the table has each flight of one inventory. Rows come and go rarely, so this is found once for thousands of decisions."""

    version: int
    flights: Ints
    rows: NDArray[np.intp]


_places = _Places(-1, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.intp))


def _aligned(table: NDArray[np.int64], inventory: Inventory) -> Ints:
    """The table's columns [columns, flights of the inventory]. Raises CountersLost when rows are missing."""
    global _places
    known = _places
    if known.version != inventory.version or not np.array_equal(known.flights, table[:, 0]):
        known = _places = _find(table[:, 0].copy(), inventory)
    aligned: Ints = np.ascontiguousarray(table.T).take(known.rows, axis=1)
    return aligned


def _find(flights: Ints, inventory: Inventory) -> _Places:
    order = np.argsort(flights)
    places = np.minimum(np.searchsorted(flights, inventory.flight_id, sorter=order), max(len(flights) - 1, 0))
    found = flights[order[places]] == inventory.flight_id if len(flights) else np.zeros(len(inventory.flight_id), dtype=bool)
    if not found.all():
        raise CountersLost(inventory.flight_id[~found].tolist())
    return _Places(inventory.version, flights, order[places] if len(flights) else np.zeros(0, dtype=np.intp))


def _seen(entry: tuple[bytes, float]) -> Seen:
    member, at = entry
    ad, flight, campaign, advertiser, category, _ = member.decode().split(":", 5)
    return Seen(at, int(ad), int(flight), int(campaign), int(advertiser), category)


@dataclass(frozen=True, slots=True)
class Counters:
    """One flight's counters as Redis holds them. ``day`` counts days since 1970; ``held_count`` and ``unconfirmed_micros`` are of
    the holds whose impression has not come."""

    booked_micros: int
    held_micros: int
    day: int
    day_booked_micros: int
    delivered: int
    held_count: int
    day_delivered: int
    unconfirmed_micros: int
    version: int


def counters(client: redis.Redis) -> dict[int, Counters]:
    """Every flight's counters, for checks and reconciling; empty when Redis lost them."""
    value: Any = client.get(TABLE)
    table = np.frombuffer(value or b"", dtype="<i8").reshape(-1, COLUMNS)
    return {flight: Counters(*rest) for flight, *rest in table.tolist()}
