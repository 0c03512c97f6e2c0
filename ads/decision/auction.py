"""What a candidate is worth and what its winner pays. Values and prices are micros per impression unless named otherwise."""

from __future__ import annotations

import math

import numpy as np

from .inventory import CPC, CPCV, CPM, Inventory
from .state import Floats, Ints

# Nobody pays less for an impression (1.00 per thousand), and nobody whose impression is worth less may enter.
RESERVE_MICROS = 1_000


def values(inventory: Inventory, rows: Ints, pctr: Floats, pvcr: Floats) -> Floats:
    """Expected revenue of one impression of the ads in ``rows``: bid/1000, bid x pCTR or bid x pVCR by pricing."""
    flight = inventory.ad_flight[rows]
    bid = inventory.bid[flight]
    return np.select([inventory.pricing[flight] == CPM, inventory.pricing[flight] == CPC], [bid / 1000.0, bid * pctr], bid * pvcr)


def impression_price(own_value: float, runner_up: float, *, reserve: int = RESERVE_MICROS) -> int:
    """max(reserve, min(own bid, runner-up)), floored to whole micros."""
    return max(reserve, math.floor(min(own_value, runner_up)))


def event_price(pricing: int, bid_micros: float, price_micros: int, pctr: float, pvcr: float) -> int:
    """What one chargeable event costs when an impression is worth ``price_micros``; never above the bid."""
    if pricing == CPM:
        return min(price_micros, math.floor(bid_micros / 1000.0))
    rate = pctr if pricing == CPC else pvcr
    return min(math.floor(price_micros / rate), math.floor(bid_micros)) if rate > 0 else math.floor(bid_micros)


def hold(pricing: int, event_price_micros: int, pctr: float) -> int:
    """What to reserve until the impression settles. A click is rare, so its hold is the expected charge, at least one micro."""
    if pricing == CPC:
        return max(1, math.ceil(event_price_micros * pctr))
    return event_price_micros


__all__ = ["CPC", "CPCV", "CPM", "RESERVE_MICROS", "event_price", "hold", "impression_price", "values"]
