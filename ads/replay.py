"""A stored decision, decided again from what was stored with it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np

from .decision.decide import decide, replayed
from .decision.inventory import Inventory
from .decision.pacing import restored
from .decision.request import AdRequest
from .decision.state import Decision as Decided
from .decision.state import DeliveryState, Scores, Seen, no_rows
from .live_inventory import snapshot
from .models import Decision


@dataclass(frozen=True, slots=True)
class Replay:
    """``same`` says whether the replay chose the ads, prices and propensities that were stored, bit for bit."""

    decided: Decided
    inventory: Inventory
    same: bool


def replay(stored: Decision) -> Replay:
    """Decide ``stored`` again. Raises InventorySnapshot.DoesNotExist when its inventory is no longer kept, or not in a shape that can be read."""
    inventory = snapshot(stored.inventory_version)
    rows = np.array([inventory.ad_row[ad] for ad in stored.state["scored"]], dtype=np.int64)
    scores = Scores(np.array(stored.state["pctr"]), np.array(stored.state["pvcr"]), no_rows, stored.model_version, np.array(stored.state["quality"]))
    decided = decide(
        request_of(stored.request),
        inventory=inventory,
        state=state_of(stored.state, inventory),
        score=replayed(rows, scores),
        now=stored.decided_at,
        rng=np.random.default_rng(stored.seed),
        paced=restored(stored.state["pacing"], inventory, rows),
    )
    return Replay(decided, inventory, _same(decided, inventory, stored.slots))


def request_of(stored: dict[str, Any]) -> AdRequest:
    """The AdRequest of a stored one."""
    known = {**stored, "session": uuid.UUID(stored["session"]), "viewer": uuid.UUID(stored["viewer"]) if stored["viewer"] else None}
    known["genres"] = tuple(stored["genres"])
    known["ads_seen"] = tuple((ad, flight, campaign) for ad, flight, campaign in stored["ads_seen"])
    known["tags"] = tuple(stored["tags"])
    known["segments"] = None if stored["segments"] is None else tuple(stored["segments"])
    known["favourite_genres"] = None if stored["favourite_genres"] is None else tuple(stored["favourite_genres"])
    return AdRequest(**known)


def state_of(stored: dict[str, Any], inventory: Inventory) -> DeliveryState:
    columns = np.zeros((6, len(inventory.flights)), dtype=np.int64)
    for flight, values in stored["flights"].items():
        columns[:, inventory.flight_row[int(flight)]] = values
    booked, held, day_booked, delivered, held_count, day_delivered = columns
    return DeliveryState(
        booked,
        held,
        day_booked,
        delivered,
        held_count,
        seen=tuple(Seen(*entry) for entry in stored["seen"]),
        stream=tuple(Seen(*entry) for entry in stored["stream"]),
        lifetime=stored["lifetime"],
        day_delivered=day_delivered,
    )


def _same(decided: Decided, inventory: Inventory, slots: list[dict[str, Any]]) -> bool:
    """Whether each stored slot stands where the replay has it; ``place`` is which alternate the reservation gave."""
    again = {slot.index: slot for slot in decided.slots}
    for slot in slots:
        alternates = again[slot["slot"]].alternates if slot["slot"] in again else ()
        if slot["place"] >= len(alternates):
            return False
        alternate = alternates[slot["place"]]
        found = (inventory.ads[alternate.row].id, alternate.price_micros, alternate.event_price_micros, alternate.value_micros, alternate.propensity)
        if found != (slot["ad"], slot["price_micros"], slot["event_price_micros"], slot["value_micros"], slot["propensity"]):
            return False
    return True
