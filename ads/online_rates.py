"""Online counters for a decision, read in its one round trip: the table of all ads, titles and crosses, and what its viewer did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adplatform.learning import online

from .decision.inventory import Inventory
from .decision.request import AdRequest
from .decision.state import Floats, Ints


@dataclass(frozen=True)
class _Aligned:
    """One snapshot of the table, spread over the ads of one inventory: computed when either has changed, not at each request."""

    snapshot: online.Snapshot
    inventory: Inventory
    rates: dict[str, Floats]
    by_genre: dict[str, Floats] = field(default_factory=dict)

    def genre(self, genre: str) -> Floats:
        counts = self.by_genre.get(genre)
        if counts is None:
            keys = online.table_keys("genre_category", [f"{genre}/{category}" for category in self.inventory.categories])
            counts = self.by_genre[genre] = _by_column(self.snapshot.of_keys(keys)[self.inventory.ad_category])
        return counts


_held: online.Snapshot = online.EMPTY
_aligned: _Aligned | None = None
_keys: tuple[Inventory, dict[str, Ints]] | None = None


def wanted(request: AdRequest) -> online.Wanted:
    """What to queue for this request: the table unless it is the one held and, with consent, the viewer's counters."""
    viewer = str(request.viewer) if request.viewer and request.consent else ""
    return online.Wanted(_held, {"viewer": viewer})


def parse(asked: online.Wanted, replies: Sequence[Any], request: AdRequest, inventory: Inventory) -> dict[str, Floats]:
    """The counters as `DeliveryState.rates` holds them."""
    global _held
    _held, keyed = asked.parse(replies)
    aligned = _align(_held, inventory)
    title = _held.of_keys(online.table_keys("title", [request.title or 0]))
    return {**aligned.rates, "genre_category": aligned.genre(request.genres[0] if request.genres else ""), "title": title, **keyed}


def _align(snapshot: online.Snapshot, inventory: Inventory) -> _Aligned:
    global _aligned
    kept = _aligned
    if kept is None or kept.snapshot is not snapshot or kept.inventory is not inventory:
        rates = {scope: _by_column(snapshot.of_keys(keys)) for scope, keys in _keys_of(inventory).items()}
        _aligned = kept = _Aligned(snapshot, inventory, rates)
    return kept


def _keys_of(inventory: Inventory) -> dict[str, Ints]:
    global _keys
    kept = _keys
    if kept is None or kept[0] is not inventory:
        flight = inventory.ad_flight
        scopes: dict[str, Any] = {
            "all": ["all"],
            "category": [inventory.categories[code] for code in inventory.ad_category],
            "advertiser": inventory.advertiser[flight],
            "campaign": inventory.campaign[flight],
            "ad": inventory.ad_id,
        }
        _keys = kept = (inventory, {scope: online.table_keys(scope, keys) for scope, keys in scopes.items()})
    return kept[1]


def _by_column(counts: Floats) -> Floats:
    """The same [n, counters], one counter after the other in memory: scorers read columns."""
    return np.asfortranarray(counts)
