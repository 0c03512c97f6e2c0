"""Why each ad did or did not serve: one registry of reason codes, and the explanation stored with every decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .exploration import propensity
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
    "title_not_targeted": "Does not target this title",
    "title_excluded": "Keeps away from this title",
    "genre_not_targeted": "Does not target this genre",
    "genre_excluded": "Keeps away from this genre",
    "maturity_not_targeted": "Does not target titles of this maturity rating",
    "maturity_excluded": "Keeps away from titles of this maturity rating",
    "mood_not_targeted": "Does not target the mood of the scene before the break",
    "mood_excluded": "Keeps away from the mood of the scene before the break",
    "tag_not_targeted": "Does not target what the scene before the break shows",
    "tag_excluded": "Keeps away from what the scene before the break shows",
    "device_not_targeted": "Does not target this device",
    "device_excluded": "Keeps away from this device",
    "tier_not_targeted": "Does not target this subscription",
    "tier_excluded": "Keeps away from this subscription",
    "age_not_targeted": "Does not target this age band",
    "age_excluded": "Keeps away from this age band",
    "gender_not_targeted": "Does not target this gender",
    "gender_excluded": "Keeps away from this gender",
    "country_not_targeted": "Does not target this country",
    "country_excluded": "Keeps away from this country",
    "outside_daypart": "Does not run at this hour",
    "daypart_excluded": "Keeps away from this hour",
    "weekday_not_targeted": "Does not run on this weekday",
    "weekday_excluded": "Keeps away from this weekday",
    "break_position_not_targeted": "Does not target breaks at this place of the film",
    "break_position_excluded": "Keeps away from breaks at this place of the film",
    "segment_not_targeted": "Targets none of the segments this viewer is in",
    "segment_excluded": "Keeps away from a segment this viewer is in",
    "caps_uncountable": "Has strict caps, and without consent they cannot be counted",
    "frequency_cap": "This viewer has seen it as often as the flight allows",
    "too_soon": "Was shown a moment ago",
    "stream_exclusive": "Its advertiser or category was in this playback already, and one of the two flights wants it alone",
    "budget_spent": "The flight's budget is spent or reserved",
    "goal_reached": "The flight has delivered its goal",
    "daily_budget_spent": "The flight's budget for today is spent or reserved",
    "too_long": "Longer than the break",
    "below_reserve": "Worth less than the lowest price of an impression",
    "paced": "Held back to spread the budget over the flight's days",
    "pod_conflict": "May not share a break with the ads chosen",
    "policy_no_pre_roll": "This title has no ads before the film",
    "policy_no_mid_roll": "This title has no ads within the film",
    "policy_no_post_roll": "This title has no ads after the film",
    "policy_most_breaks": "This title has had as many breaks as its ad policy allows",
    "policy_spacing": "Too little of the film has passed since the last break",
    "policy_hourly_load": "The viewer has seen nearly as many seconds of ads in the last hour as allowed",
    "ad_free_stretch": "After a long watch, a stretch of the film comes without ads",
}
FULL_PARTS = 20
NAMES = tuple(REASONS)
CODES = {name: number for number, name in enumerate(NAMES)}
# An ad that no step dropped; what became of it depends on the pod.
ELIGIBLE = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """What each step found, aligned with the ads of the inventory. ``code`` numbers the reason, `ELIGIBLE` for ads that
    stayed in; ``best`` is the ad that the randomised slot holds when nothing is explored."""

    code: Ints
    ranked: Ints
    pctr: Floats
    pvcr: Floats
    value: Floats
    signal: Floats
    best: int | None


def explain(inventory: Inventory, trace: Trace, slots: Sequence[Slot]) -> dict[str, Any]:
    """JSON: full parts for the best candidates, one reason code for each of the rest (ids grouped by code)."""
    winners = {slot.alternates[0].row: slot for slot in slots}
    standing = {alternate.row for slot in slots for alternate in slot.alternates}
    best = [*winners, *(row for row in trace.ranked[: FULL_PARTS + len(winners)].tolist() if row not in winners)][:FULL_PARTS]
    # An alternate may step in when a reservation is lost, so each of them is told in full too.
    detailed = [*best, *sorted(standing - set(best))]
    outcome = _outcomes(trace, winners, standing)
    candidates = [_candidate(inventory, trace, row, NAMES[outcome[row]], winners.get(row)) for row in detailed]
    rest = np.ones(len(inventory.ads), dtype=bool)
    rest[detailed] = False
    found = np.flatnonzero(np.bincount(outcome[rest], minlength=len(NAMES))).tolist()
    others = {NAMES[code]: inventory.ad_id[rest & (outcome == code)].tolist() for code in found}
    return {"considered": len(inventory.ads), "eligible": len(trace.ranked), "candidates": candidates, "others": others}


def _outcomes(trace: Trace, winners: dict[int, Slot], standing: set[int]) -> Ints:
    outcome = trace.code.copy()
    outcome[trace.ranked] = CODES["pod_conflict" if winners else "runner_up"]
    outcome[list(standing)] = CODES["runner_up"]
    for row, slot in winners.items():
        outcome[row] = CODES["explored" if slot.alternates[0].explored else "won"]
    return outcome


def _candidate(inventory: Inventory, trace: Trace, row: int, reason: str, slot: Slot | None) -> dict[str, Any]:
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
        "propensity": propensity(best=row == trace.best, eligible=len(trace.ranked)) if len(trace.ranked) else None,
    }
