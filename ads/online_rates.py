"""Online counters for a decision: those of the request in its round trip, those of the inventory's ads at most a second old."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from adplatform.learning import online

from .decision.inventory import Inventory
from .decision.request import AdRequest
from .decision.state import Floats

# A thousand ads have three thousand counters: read once a second, not once a request. Values are logged as served.
FRESH_SECONDS = 1.0


@dataclass(slots=True)
class _Kept:
    version: int
    read_at: float
    rates: dict[str, Floats]


_kept: _Kept | None = None


def of_inventory(client: redis.Redis, inventory: Inventory) -> dict[str, Floats]:
    """Counters aligned with the ads of the inventory: per ad, campaign, advertiser and category."""
    global _kept
    kept = _kept
    if kept is not None and kept.version == inventory.version and time.monotonic() - kept.read_at < FRESH_SECONDS:
        return kept.rates
    flight = inventory.ad_flight
    wanted = online.Wanted(
        {
            "ad": inventory.ad_id.tolist(),
            "campaign": inventory.campaign[flight].tolist(),
            "advertiser": inventory.advertiser[flight].tolist(),
            "category": [inventory.categories[code] for code in inventory.ad_category],
        }
    )
    rates = online.read(client, wanted)
    _kept = _Kept(inventory.version, time.monotonic(), rates)
    return rates


def of_request(request: AdRequest, categories: Sequence[str]) -> online.Wanted:
    """What to queue for this request: genre by category of the inventory, all, title and, with consent, viewer."""
    genre = request.genres[0] if request.genres else ""
    return online.Wanted(
        {
            "genre_category": [f"{genre}/{category}" for category in categories],
            "all": ["all"],
            "title": [request.title or 0],
            "viewer": [str(request.viewer) if request.viewer and request.consent else ""],
        }
    )


def aligned(inventory: Inventory, categories: Sequence[str], counts: dict[str, Any]) -> dict[str, Floats]:
    """The request's counters, with genre by category spread over the ads of the inventory."""
    if tuple(categories) == inventory.categories and len(inventory.ads):
        return {**counts, "genre_category": counts["genre_category"][inventory.ad_category]}
    return {scope: values for scope, values in counts.items() if scope != "genre_category"}
