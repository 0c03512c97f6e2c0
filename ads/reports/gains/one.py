"""One stored decision, decided again with one flight other than it was: would it have won?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from ads.decision import pacing
from ads.decision.inventory import AdRow, FlightRow, Inventory, Rows, compile_inventory
from ads.decision.state import Decision as Decided
from ads.decision.state import DeliveryState
from ads.models import Decision

from .sample import NothingLogged, Reader, inventory_of
from .world import Begun, Sold, Variant, World


@dataclass(frozen=True, slots=True)
class Wish:
    """How the flight would have been: another bid (micros), for everybody, without caps, let through by pacing, with money and goal left."""

    bid_micros: int | None = None
    everybody: bool = False
    uncapped: bool = False
    let_through: bool = False
    funded: bool = False


@dataclass(frozen=True)
class Otherwise:
    """``reasons`` is what became of the flight's ads, by ad id; ``slots`` who holds each slot: (ad, flight, micros of one impression)."""

    decided: Decided
    reasons: dict[int, str]
    slots: tuple[tuple[AdRow, FlightRow, int], ...]
    won: bool


def otherwise(stored: Decision, flight: int, wish: Wish) -> Otherwise:
    """Raises NothingLogged when what it was decided from is not kept, or the flight was not there."""
    inventory = inventory_of(stored.inventory_version)
    if inventory is None:
        raise NothingLogged("The inventory it was decided from is not kept any more.")
    row = inventory.flight_row.get(flight)
    if row is None:
        raise NothingLogged("The flight was not live when this was decided.")
    ads = tuple(ad for ad in inventory.ads if ad.flight == flight)
    base, sold = Sold(inventory.flights[row], ads), Sold(_wished(inventory.flights[row], wish), ads)
    era = compile_inventory(Rows(inventory.flights, inventory.ads))
    version = stored.inventory_version
    reader = Reader(flight, base, {version: inventory}, (era,), (version,))
    (one,) = reader.all([_read(stored)])
    world = World(base, (one,), (era,), Begun(), float("inf"), 1.0, 1.0)
    variant = Variant(world, sold)
    ours = np.array([era.ad_row[ad.id] for ad in ads], dtype=np.int64)
    rates = np.ones(len(ads)) if wish.let_through else one.rates[ours]
    pace = pacing.pace(variant.alone, variant.plan, DeliveryState.empty(1), one.at)
    pace = replace(pace, rates=rates, multiplier=one.multipliers[[row]])
    own = replace(DeliveryState.empty(1), spent=np.zeros(1, dtype=np.uint8) if wish.funded else one.spent[[row]])
    decided = variant.decide(one, own, (), pace)
    return _told(decided, variant.inventories[0], {ad.id for ad in ads})


def _wished(flight: FlightRow, wish: Wish) -> FlightRow:
    changes: dict[str, Any] = {}
    if wish.bid_micros is not None:
        changes["bid_micros"] = wish.bid_micros
    if wish.everybody:
        changes["targets"] = ()
    if wish.uncapped:
        changes |= {"caps": (), "strict_caps": False}
    return msgspec.structs.replace(flight, **changes)


def _read(stored: Decision) -> tuple[Any, ...]:
    encode = msgspec.json.encode
    return (stored.decided_at, encode(stored.request), encode(stored.state), stored.inventory_version, stored.seed, b"[]")


def _told(decided: Decided, inventory: Inventory, ads: set[int]) -> Otherwise:
    explanation = decided.explanation
    reasons = {one["ad"]: one["reason"] for one in explanation["candidates"] if one["ad"] in ads}
    reasons |= {ad: code for code, others in explanation["others"].items() for ad in others if ad in ads}
    slots = []
    for slot in decided.slots:
        first = slot.alternates[0]
        slots.append((inventory.ads[first.row], inventory.flights[inventory.ad_flight[first.row]], first.price_micros))
    return Otherwise(decided, reasons, tuple(slots), any(ad.id in ads for ad, _, _ in slots))
