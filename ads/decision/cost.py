"""What one chargeable event costs at most: the one rule by which a flight is spent, for decisions and for the pages that tell of it."""

from __future__ import annotations


def event_cost(tier: str, pricing: str, bid_micros: int) -> int:
    """In micros: the bid, a thousandth of it where it is a price per thousand. House flights cost nothing."""
    if tier == "house":
        return 0
    return max(1, bid_micros // 1000 if pricing == "cpm" else bid_micros)
