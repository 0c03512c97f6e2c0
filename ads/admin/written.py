"""Columns of what is sold and their values, in the words of a planner: for changes that are proposed and for those that were made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db.models import Field, Model

from ads.models import Flight
from ads.terms import write_caps

from . import show

# Where a column's own name would puzzle; the forms call these columns so too.
LABELS = {
    "bid_micros": "Bid", "budget_micros": "Budget", "daily_budget_micros": "Daily budget", "goal_type": "Kind of goal", "goal_amount": "Goal",
    "daily_goal_amount": "Daily goal", "excluded_categories": "Keep away from", "reserve_micros": "Reserve price", "targeting": "Whom it reaches",
    "starts_at": "Starts", "ends_at": "Ends", "asset": "Clip", "click_through": "Leads to", "ad_id_registry": "Registry of the id",
    "skip_after": "Skippable after", "review_note": "Note of the review", "slot_position": "Place in the break", "strict_caps": "Caps are strict",
}  # fmt: skip
GOALS = frozenset({"goal_amount", "daily_goal_amount"})
SHORT_OF_A_TENTH = 100_000
LONGEST = 300


def label(column: str) -> str:
    return LABELS.get(column) or column.removesuffix("_micros").replace("_", " ").capitalize()


def lines(column: str, value: Any, *, targeting: Callable[[Any], list[str]], goal_type: str = "", field: Field[Any, Any] | None = None) -> list[str]:
    """A stored value as one or more lines. ``targeting`` writes targeting; ``goal_type`` is the unit of goals; ``field`` knows choices."""
    if column == "targeting":
        return targeting(value) or ["everybody"]
    if column == "frequency_caps":
        return write_caps(value, scope="").splitlines() or ["none"]
    if isinstance(value, list):
        return [str(one).replace("_", " ") for one in value] or ["none"]
    return [_one(column, value, goal_type, field)]


def _one(column: str, value: Any, goal_type: str, field: Field[Any, Any] | None) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.endswith("_micros") or (column in GOALS and goal_type == Flight.Goal.SPEND):
        return show.money(value, digits=4 if 0 < value < SHORT_OF_A_TENTH else 2)
    if column in GOALS and goal_type:
        return f"{value:,} {Flight.Goal(goal_type).label.lower()}"
    if column == "share_of_voice":
        return f"{value:.0%}"
    if field is not None and field.flatchoices:
        words = str(dict(field.flatchoices).get(value, value))
        return words.capitalize() if words.lower() == value.replace("_", " ") and words.istitle() else words
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%d %b %Y %H:%M} UTC"
    if isinstance(value, int):
        return f"{value:,}"
    words = str(value) if isinstance(value, str | Model) else f"{value:g} s" if column == "skip_after" else str(value)
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} ..."
