"""The stages of a decision, in the order in which an ad can fall out of it, and which stage each reason belongs to."""

from __future__ import annotations

from types import MappingProxyType

# Stage -> what stopped an ad there, as the end of "... of the breaks:".
STAGES = MappingProxyType(
    {
        "schedule": "the flight had not started or was over",
        "targeting": "they were not what the flight targets",
        "budget": "the flight had nothing left to deliver",
        "caps": "the viewer had seen it as often as allowed",
        "fit": "the ad is longer than the break",
        "seller": "whoever sells the break does not take its category, advertiser or length",
        "house": "the title carries no house ads",
        "price": "it was worth less than the title's reserve price",
        "pacing": "it was held back to keep to its plan",
        "share_of_voice": "it was another sponsor's turn",
        "pod": "other ads were worth more or kept it away",
        "reservation": "its last budget or cap was taken a moment before, or too much waited to be shown",
        "served": "it served",
    }
)
_OF = {
    "not_started": "schedule", "ended": "schedule",
    "attribute_withheld": "targeting", "outside_daypart": "targeting",
    "budget_spent": "budget", "goal_reached": "budget", "daily_budget_spent": "budget", "daily_goal_reached": "budget",
    "arm_budget_spent": "budget",
    "caps_uncountable": "caps", "frequency_cap": "caps", "too_soon": "caps", "stream_exclusive": "caps",
    "too_long": "fit",
    "category_blocked": "seller", "advertiser_blocked": "seller", "length_not_asked_for": "seller",
    "house_not_allowed": "house",
    "below_reserve": "price",
    "paced": "pacing",
    "share_of_voice": "share_of_voice",
    "runner_up": "pod", "pod_conflict": "pod", "no_room": "pod",
    "reservation_lost": "reservation", "holds_full": "reservation", "address_quota": "reservation",
    "won": "served", "explored": "served",
}  # fmt: skip
_OF_BREAKS = frozenset({"no_candidate", "too_short_for_any", "capped", "sold_out", "paced_out", "most_ads", "ad_free_stretch"})


def of_breaks(reason: str) -> bool:
    """Whether the reason is one of breaks or of seconds that stayed empty, and no ad has it."""
    return reason in _OF_BREAKS or reason.startswith(("policy_", "care_", "director_"))


def stage_of(reason: str) -> str:
    """The stage of an ad's reason code. Raises KeyError for a code that belongs to none."""
    if reason.endswith(("_not_targeted", "_excluded")):
        return "targeting"
    return _OF[reason]
