"""Why each ad did or did not serve: one registry of reason codes, and the explanation stored with every decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .auction import Offers
from .exploration import Lot
from .inventory import Inventory
from .pacing import Pacing
from .pod import TOLERANCE_MILLISECONDS, Pool
from .request import AdRequest
from .stages import stage_of
from .state import Codes, Mask, Slot

REASONS: dict[str, str] = {
    "won": "Won this slot",
    "runner_up": "Eligible, another ad was worth more",
    "explored": "Shown to learn how it does; pays the reserve price",
    "reservation_lost": "Its last budget, goal or cap was taken a moment before",
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
    "daily_goal_reached": "The flight has delivered its goal for today",
    "holds_full": "As much of the flight's budget or goal as may wait for its impressions is reserved",
    "address_quota": "Too many ads of this address wait to be shown",
    "too_long": "Longer than the break",
    "below_reserve": "Worth less than the lowest price of an impression",
    "paced": "Held back to spread the budget over the flight's days",
    "house_not_allowed": "House ads do not run on this title",
    "share_of_voice": "Another break's turn: it bought a share of the breaks it matches",
    "pod_conflict": "May not share a break with the ads chosen",
    "policy_no_pre_roll": "This title has no ads before the film",
    "policy_no_mid_roll": "This title has no ads within the film",
    "policy_no_post_roll": "This title has no ads after the film",
    "policy_most_breaks": "This title has had as many breaks as its ad policy allows",
    "director_shortened": "The Director made the break shorter: more of it would have cost more attention than it earns",
    "care_lighter": "The viewer may not come back: a lighter ad load, to keep them",
    "policy_spacing": "Too little of the film has passed since the last break",
    "policy_hourly_load": "The viewer has seen nearly as many seconds of ads in the last hour as allowed",
    "ad_free_stretch": "After a long watch, a stretch of the film comes without ads",
    "no_room": "Would fit only in place of more than one ad, and those are worth more together",
    "no_candidate": "No flight that runs now wants this break",
    "too_short_for_any": "What is left is too short for any ad",
    "capped": "The viewer has seen the ads for this break as often as their flights allow",
    "sold_out": "The flights that want this break have nothing left to deliver",
    "paced_out": "The flights that want this break hold back to spread their budgets",
    "most_ads": "The break holds as many ads as it may",
    "category_blocked": "Whoever sells this break blocks its category",
    "advertiser_blocked": "Whoever sells this break blocks its advertiser",
    "length_not_asked_for": "Whoever sells this break wants ads of another length",
    "arm_budget_spent": "What this viewer's arm of an experiment may spend of the flight's budget or goal is spent or reserved",
}
FULL_PARTS = 20
NAMES, WORDS = tuple(REASONS), tuple(REASONS.values())
CODES = {name: number for number, name in enumerate(NAMES)}
# Above every code: the ads that are told in full.
DETAILED = 255
# An ad that no step dropped; what became of it depends on the pod.
ELIGIBLE = 0
# Where a break stays empty, what most of the ads failed on that were meant for it; `stages` names the stages.
UNFILLED = {
    "budget": "sold_out", "caps": "capped", "fit": "too_short_for_any", "house": "no_candidate", "seller": "no_candidate", "price": "below_reserve",
    "pacing": "paced_out", "share_of_voice": "paced_out",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trace:
    """What each step found. ``code`` numbers the reason of each ad of the inventory, `ELIGIBLE` for those that stayed in, which
    are the ``pool``; ``clash`` [slots, pool] says who may not stand beside the ad of each slot, ``able`` who could stand in
    each slot beside the rest of the pod; ``lot`` is the draw of the randomised slot."""

    code: Codes
    offers: Offers
    pool: Pool
    pacing: Pacing
    pod: tuple[int, ...]
    clash: Mask
    able: Mask
    lot: Lot | None


def explain(inventory: Inventory, request: AdRequest, trace: Trace, slots: Sequence[Slot]) -> dict[str, Any]:
    """JSON: full parts for the best candidates, one reason code for each of the rest (ids grouped by code), who could have won
    the randomised slot, and why seconds stayed empty."""
    winners = {slot.alternates[0].row: slot for slot in slots}
    standing = {alternate.row for slot in slots for alternate in slot.alternates}
    best = [*winners, *(row for row in trace.pool.row[: FULL_PARTS + len(winners)].tolist() if row not in winners)][:FULL_PARTS]
    # An alternate may step in when a reservation is lost, so each of them is told in full too.
    detailed = [*best, *sorted(standing - set(best))]
    outcome = _outcomes(trace, winners)
    return {
        "considered": len(inventory.ads),
        "eligible": len(trace.pool),
        "candidates": list(_candidates(inventory, trace, detailed, outcome, winners)),
        "others": _others(inventory, detailed, outcome),
        "randomised": _randomised(inventory, trace),
        "unfilled": _unfilled(inventory, request, trace),
    }


def _others(inventory: Inventory, detailed: list[int], outcome: Codes) -> dict[str, list[int]]:
    """The ids of the ads that are not ``detailed``, ascending, by what became of them."""
    codes = outcome.copy()
    codes[detailed] = DETAILED
    # One sort that keeps the order of equals puts each reason's ads side by side.
    ads = inventory.ad_id[codes.argsort(kind="stable")].tolist()
    counts = np.bincount(codes, minlength=DETAILED)[:DETAILED]
    ends = counts.cumsum().tolist()
    return {NAMES[code]: ads[ends[code] - counts[code] : ends[code]] for code in np.flatnonzero(counts).tolist()}


def _outcomes(trace: Trace, winners: dict[int, Slot]) -> Codes:
    outcome = trace.code.copy()
    if winners:
        beside = trace.clash.sum(axis=0) > 1
        lost = np.where(trace.able.any(axis=0), CODES["runner_up"], np.where(beside, CODES["pod_conflict"], CODES["no_room"]))
        outcome[trace.pool.row] = lost
    for row, slot in winners.items():
        outcome[row] = CODES["explored" if slot.alternates[0].explored else "won"]
    return outcome


def _candidates(inventory: Inventory, trace: Trace, rows: list[int], outcome: Codes, winners: dict[int, Slot]) -> Iterator[dict[str, Any]]:
    offers = trace.offers
    places = np.searchsorted(offers.rows, rows)
    columns = (offers.pctr, offers.pvcr, offers.value, offers.quality, offers.multiplier, offers.score)
    chances = _chances(trace)
    pacing = trace.pacing.told(inventory.ad_flight[rows])
    told = zip(rows, outcome[rows].tolist(), pacing, *(column[places].tolist() for column in columns), strict=True)
    for row, code, paced, pctr, pvcr, value, quality, multiplier, score in told:
        slot = winners.get(row)
        yield {
            **_described(inventory, row),
            "reason": NAMES[code],
            "words": WORDS[code],
            "slot": slot.index if slot else None,
            "pctr": pctr,
            "pvcr": pvcr,
            "value_micros": value,
            "quality": quality,
            "multiplier": multiplier,
            "score": score,
            "price_micros": slot.alternates[0].price_micros if slot else None,
            "pacing": paced,
            "propensity": chances.get(row),
        }


def _described(inventory: Inventory, row: int) -> dict[str, Any]:
    """What an explanation says of an ad whatever the request: put together once an inventory."""
    known = inventory.described.get(row)
    if known is None:
        ad = inventory.ads[row]
        flight = inventory.flights[inventory.ad_flight[row]]
        known = inventory.described[row] = {
            "ad": ad.id,
            "name": ad.name,
            "flight": flight.id,
            "flight_name": flight.name,
            "campaign": flight.campaign_name,
            "advertiser": flight.advertiser_name,
            "category": ad.category,
            "seconds": ad.duration,
            "tier": flight.tier,
            "pricing": flight.pricing,
            "priority": flight.priority,
        }
    return known


def _chances(trace: Trace) -> dict[int, float]:
    """By row of the inventory: the chance to hold the randomised slot, of every ad that could."""
    if trace.lot is None:
        return {}
    chances = dict.fromkeys(trace.pool.row[list(trace.lot.places)].tolist(), trace.lot.of_others)
    chances[int(trace.pool.row[trace.lot.best])] = trace.lot.of_best
    return chances


def _randomised(inventory: Inventory, trace: Trace) -> dict[str, Any] | None:
    """Every ad that could have won the randomised slot, with its chance: ``best`` of the one that stands there unless another
    is drawn, ``other`` of each of the rest. None where no slot is open to exploration."""
    lot = trace.lot
    if lot is None:
        return None
    others = inventory.ad_id[trace.pool.row[[place for place in lot.places if place != lot.best]]].tolist()
    return {
        "slot": lot.slot,
        "best": {"ad": int(inventory.ad_id[trace.pool.row[lot.best]]), "propensity": lot.of_best},
        "others": {"ads": others, "propensity": lot.of_others if others else None},
    }


def _unfilled(inventory: Inventory, request: AdRequest, trace: Trace) -> dict[str, Any] | None:
    """The seconds that no ad fills and the reason, None when there are none."""
    ads, pod = trace.pool, list(trace.pod)
    left = round(request.duration * 1000) - int(ads.milliseconds[pod].sum())
    if left <= TOLERANCE_MILLISECONDS:
        return None
    return {"seconds": left / 1000, "reason": _why_unfilled(inventory, request, trace, left + TOLERANCE_MILLISECONDS)}


def _why_unfilled(inventory: Inventory, request: AdRequest, trace: Trace, left: int) -> str:
    ads = trace.pool
    others = np.ones(len(ads), dtype=bool)
    others[list(trace.pod)] = False
    if others.any():
        if len(trace.pod) >= request.max_ads:
            return "most_ads"
        return "pod_conflict" if (ads.milliseconds[others] <= left).any() else "too_short_for_any"
    # Nobody else was eligible: what did most of those fail on whom the targeting let in?
    counts = np.bincount(trace.code[trace.code != ELIGIBLE], minlength=len(NAMES))
    by_reason: Counter[str] = Counter()
    for code in np.flatnonzero(counts).tolist():
        by_reason[UNFILLED.get(stage_of(NAMES[code]), "")] += int(counts[code])
    del by_reason[""]
    return by_reason.most_common(1)[0][0] if by_reason else "no_candidate"
