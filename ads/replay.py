"""A stored decision, decided again from what was stored with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from .decision.decide import decide, replayed
from .decision.inventory import Inventory
from .decision.pacing import SPENT, restored
from .decision.packing import unpacked, unpacked_rows
from .decision.request import AdRequest
from .decision.state import Decision as Decided
from .decision.state import DeliveryState, Scores, Seen, no_rows
from .drafts import COUNTERS
from .live_inventory import UnreadableSnapshot, snapshot
from .models import Decision, InventorySnapshot

COMPARED = ("price_micros", "event_price_micros", "value_micros", "propensity", "explored")
# What the reservation does not correct of an explanation.
TOLD = {
    "considered": "ads considered", "eligible": "ads eligible", "others": "reasons of the ads that are not told in full",
    "randomised": "who could have won the randomised slot",
}  # fmt: skip


class NotReplayable(ValueError):
    """What a replay needs is not kept any more; the message says what."""


@dataclass(frozen=True, slots=True)
class Replay:
    """``differences`` says, in words, where the replay chose other ads, prices, propensities or scores than were stored."""

    decided: Decided
    inventory: Inventory
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the replay is what was stored, bit for bit."""
        return not self.differences


def replay(stored: Decision) -> Replay:
    """Decide ``stored`` again. Raises NotReplayable."""
    try:
        inventory = snapshot(stored.inventory_version)
        rows = unpacked_rows(stored.state["scored"], len(inventory.ads))
        read: dict[str, Any] = {
            "state": state_of(stored.state, inventory),
            "score": replayed(rows, _scores(stored, len(rows))),
            "paced": restored(stored.state["pacing"], inventory, rows),
        }
        request = request_of(stored.request)
    except InventorySnapshot.DoesNotExist as error:
        raise NotReplayable(f"the inventory it was decided from (version {stored.inventory_version}) is not kept any more") from error
    except UnreadableSnapshot as error:
        raise NotReplayable(f"the inventory it was decided from (version {stored.inventory_version}) is kept but cannot be read ({error})") from error
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise NotReplayable(f"it was stored by an earlier release, in a shape that cannot be read any more ({error})") from error
    try:
        decided = decide(request, inventory=inventory, now=stored.decided_at, rng=np.random.default_rng(stored.seed), **read)
    except ValueError as error:
        raise NotReplayable(f"what was stored does not fit together: {error}") from error
    return Replay(decided, inventory, tuple(_differences(stored, decided, inventory)))


def _scores(stored: Decision, count: int) -> Scores:
    pctr, pvcr, quality = (unpacked(stored.state[name], count) for name in ("pctr", "pvcr", "quality"))
    return Scores(pctr, pvcr, no_rows, stored.model_version, quality)


def request_of(stored: dict[str, Any]) -> AdRequest:
    """The AdRequest of a stored one. Raises msgspec.ValidationError."""
    return msgspec.convert(stored, AdRequest)


def state_of(stored: dict[str, Any], inventory: Inventory) -> DeliveryState:
    """Counters of the flights that the explanation tells of; of all flights, which had nothing left."""
    columns: dict[str, Any] = {name: np.zeros(len(inventory.flights), dtype=np.int64) for name in COUNTERS}
    for flight, values in stored["flights"].items():
        for name, value in zip(COUNTERS, values, strict=True):
            columns[name][inventory.flight_row[int(flight)]] = value
    spent = np.zeros(len(inventory.flights), dtype=np.uint8)
    for flight, reason in stored["spent"].items():
        spent[inventory.flight_row[int(flight)]] = SPENT.index(reason) + 1
    return DeliveryState(
        **columns,
        seen=tuple(Seen(*entry) for entry in stored["seen"]),
        stream=tuple(Seen(*entry) for entry in stored["stream"]),
        lifetime=stored["lifetime"],
        spent=spent,
    )


def _differences(stored: Decision, decided: Decided, inventory: Inventory) -> Iterator[str]:
    again = {slot.index: slot for slot in decided.slots}
    for slot in stored.slots:
        # ``place`` is which of the slot's alternates the reservation gave.
        alternates = again[slot["slot"]].alternates if slot["slot"] in again else ()
        if slot["place"] >= len(alternates):
            yield f"slot {slot['slot']} holds no ad in the replay; stored is ad {slot['ad']}"
            continue
        alternate = alternates[slot["place"]]
        found = {"ad": inventory.ads[alternate.row].id, **{name: getattr(alternate, name) for name in COMPARED}}
        yield from (
            f"slot {slot['slot']}: {name.replace('_', ' ')} is {found[name]} in the replay; stored is {slot[name]}"
            for name in found
            if found[name] != slot[name]
        )
    yield from _other_scores(stored.explanation["candidates"], decided.explanation["candidates"])
    for name, words in TOLD.items():
        if stored.explanation[name] != decided.explanation[name]:
            yield f"{words}: {decided.explanation[name]} in the replay; stored is {stored.explanation[name]}"


def _other_scores(stored: list[dict[str, Any]], again: list[dict[str, Any]]) -> Iterator[str]:
    scores = {candidate["ad"]: candidate["score"] for candidate in again}
    for candidate in stored:
        if candidate["ad"] not in scores:
            yield f"ad {candidate['ad']} is not among the best in the replay"
        elif scores[candidate["ad"]] != candidate["score"]:
            yield f"the score of ad {candidate['ad']} is {scores[candidate['ad']]} in the replay; stored is {candidate['score']}"
