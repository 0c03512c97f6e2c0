"""Why each ad did or did not serve: one registry of reason codes, and the explanation stored with every decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .inventory import Inventory
from .state import Floats, Ints, Slot

REASONS: dict[str, str] = {
    "won": "Won this slot",
    "runner_up": "Eligible, another ad was worth more",
    "explored": "Shown to learn how it does; pays the reserve price",
    "reservation_lost": "Its last budget or cap was taken by another viewer a moment before",
    "not_started": "The flight has not started",
    "ended": "The flight has ended",
    "attribute_withheld": "Targets on something this viewer keeps private",
    "genre_not_targeted": "Does not target this genre",
    "device_not_targeted": "Does not target this device",
    "tier_not_targeted": "Does not target this subscription",
    "age_not_targeted": "Does not target this age band",
    "gender_not_targeted": "Does not target this gender",
    "outside_daypart": "Does not run at this hour",
    "caps_uncountable": "Has strict caps, and without consent they cannot be counted",
    "frequency_cap": "This viewer has seen it as often as the flight allows",
    "too_soon": "Was shown a moment ago",
    "budget_spent": "The flight's budget is spent or reserved",
    "goal_reached": "The flight has delivered its goal",
    "daily_budget_spent": "The flight's budget for today is spent or reserved",
    "too_long": "Longer than the break",
    "below_reserve": "Worth less than the lowest price of an impression",
    "paced": "Held back to spread the budget over the flight's days",
    "pod_conflict": "May not share a break with the ads chosen",
}
FULL_PARTS = 20


@dataclass(frozen=True, slots=True)
class Trace:
    """What each step found, aligned with the ads of the inventory. ``reason`` is empty for ads that stayed eligible."""

    reason: list[str]
    ranked: Ints
    pctr: Floats
    pvcr: Floats
    value: Floats
    signal: Floats


def explain(inventory: Inventory, trace: Trace, slots: Sequence[Slot], propensity: dict[int, float]) -> dict[str, Any]:
    """JSON: full parts for the best candidates, one reason code for each of the rest (ids grouped by code)."""
    winners = {slot.alternates[0].row: slot for slot in slots}
    standing = {row for slot in slots for row in (alternate.row for alternate in slot.alternates)}
    best = [*winners, *(row for row in map(int, trace.ranked) if row not in winners)][:FULL_PARTS]
    # An alternate may step in when a reservation is lost, so each of them is told in full too.
    detailed = [*best, *sorted(standing - set(best))]
    candidates = [_candidate(inventory, trace, row, _reason(row, winners, standing, trace), winners.get(row), propensity) for row in detailed]
    others: dict[str, list[int]] = {}
    shown = set(detailed)
    for row, ad in enumerate(inventory.ads):
        if row not in shown:
            others.setdefault(_reason(row, winners, standing, trace), []).append(ad.id)
    return {"considered": len(inventory.ads), "eligible": len(trace.ranked), "candidates": candidates, "others": others}


def _reason(row: int, winners: dict[int, Slot], standing: set[int], trace: Trace) -> str:
    if row in winners:
        return "explored" if winners[row].alternates[0].explored else "won"
    if trace.reason[row]:
        return trace.reason[row]
    return "runner_up" if row in standing or not winners else "pod_conflict"


def _candidate(inventory: Inventory, trace: Trace, row: int, reason: str, slot: Slot | None, propensity: dict[int, float]) -> dict[str, Any]:
    ad, flight = inventory.ads[row], inventory.flights[inventory.ad_flight[row]]
    first = slot.alternates[0] if slot else None
    return {
        "ad": ad.id,
        "name": ad.name,
        "flight": flight.id,
        "flight_name": flight.name,
        "campaign": flight.campaign_name,
        "advertiser": flight.advertiser_name,
        "category": ad.category,
        "pricing": flight.pricing,
        "priority": flight.priority,
        "reason": reason,
        "words": REASONS[reason],
        "slot": slot.index if slot else None,
        "pctr": float(trace.pctr[row]),
        "pvcr": float(trace.pvcr[row]),
        "value_micros": float(trace.value[row]),
        "price_micros": first.price_micros if first else None,
        "pacing": float(trace.signal[row]),
        "propensity": propensity.get(row),
    }
