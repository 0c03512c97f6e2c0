"""What a flight may say: its targeting, caps and money, checked as typed values with words a media planner understands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .ctr.features import AGE_BANDS, CATEGORIES, DEVICES, GENDERS, TIERS
from .decision.auction import RESERVE_MICROS

SCOPES = ("viewer", "ad", "campaign", "advertiser")
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
LONGEST_CAP_SECONDS = 31 * 86_400
MICROS = 1_000_000
_CAP = re.compile(r"^\s*(\d+)\s*(?:x|times)?\s*(?:per|in|every)\s*(\d+)?\s*(second|minute|hour|day|week)s?\s*(?:per\s+(\w+))?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The values each targeting key knows; genres come from the catalogue."""

    genres: tuple[str, ...]

    def of(self, key: str) -> tuple[str | int, ...] | None:
        known: dict[str, tuple[str | int, ...]] = {
            "genres": self.genres,
            "devices": DEVICES,
            "tiers": TIERS,
            "age_bands": AGE_BANDS,
            "genders": GENDERS,
            "dayparts": tuple(range(24)),
        }
        return known.get(key)


KEYS = ("genres", "devices", "tiers", "age_bands", "genders", "dayparts")


def targeting_problems(targeting: Any, vocabulary: Vocabulary) -> Iterator[str]:
    if not isinstance(targeting, dict):
        yield 'Targeting must be an object such as {"devices": ["tv"], "dayparts": [18, 19, 20]}.'
        return
    for key, values in targeting.items():
        known = vocabulary.of(key)
        if known is None:
            yield f"Targeting has no “{key}”; it has {_list(KEYS)}."
        elif not isinstance(values, list):
            yield f"“{key}” must be a list of values."
        else:
            wrong = [value for value in values if isinstance(value, bool) or value not in known]
            if wrong:
                yield f"“{key}” does not know {_list(map(str, wrong))}; it knows {_list(map(str, known))}."


def cap_problems(caps: Any) -> Iterator[str]:
    if not isinstance(caps, list):
        yield 'Frequency caps must be a list such as [{"scope": "viewer", "count": 3, "seconds": 86400}].'
        return
    for cap in caps:
        if not isinstance(cap, dict) or set(cap) != {"scope", "count", "seconds"}:
            yield f"A cap has scope, count and seconds, nothing else and nothing less: {cap}."
        elif cap["scope"] not in SCOPES:
            yield f"A cap's scope is {_list(SCOPES)}, not “{cap['scope']}”."
        elif not _is_whole(cap["count"]) or cap["count"] < 1:
            yield "A cap allows at least 1 impression."
        elif not _is_whole(cap["seconds"]) or not 1 <= cap["seconds"] <= LONGEST_CAP_SECONDS:
            yield f"A cap's window is between 1 second and {LONGEST_CAP_SECONDS // 86_400} days; longer ones cannot be counted."


def category_problems(categories: Any) -> Iterator[str]:
    if not isinstance(categories, list):
        yield "Excluded categories must be a list."
        return
    wrong = [value for value in categories if value not in CATEGORIES]
    if wrong:
        yield f"There is no category {_list(map(str, wrong))}; there are {_list(CATEGORIES)}."


def money_problems(*, pricing: str, bid_micros: int, goal_type: str, budget_micros: int, daily: int | None) -> Iterator[tuple[str, str]]:
    """(field, words) for terms that can never deliver or never be billed."""
    if bid_micros <= 0:
        yield "bid_micros", "A flight needs a bid: without a price it can never win."
    elif pricing == "cpm" and bid_micros < RESERVE_MICROS * 1000:
        reserve = f"{RESERVE_MICROS * 1000 / MICROS:.2f}"
        yield "bid_micros", f"The bid is below the reserve price of {reserve} per thousand impressions, so it can never win."
    if budget_micros <= 0:
        yield "budget_micros", "A flight needs a budget: it stops hard when the budget is spent."
    elif bid_micros > 0 and budget_micros < (bid_micros // 1000 if pricing == "cpm" else bid_micros):
        yield "budget_micros", "The budget does not pay for a single charge at this bid."
    if goal_type == "clicks" and pricing == "cpcv":
        yield "goal_type", "A flight charged for completed views cannot have a goal of clicks; sell it by CPC or CPM."
    if goal_type == "completed_views" and pricing == "cpc":
        yield "goal_type", "A flight charged for clicks cannot have a goal of completed views; sell it by CPCV or CPM."
    if daily is not None and daily <= 0:
        yield "daily_budget_micros", "A daily budget of nothing never serves; leave it empty for no daily limit."
    elif daily is not None and daily > budget_micros > 0:
        yield "daily_budget_micros", "The daily budget is larger than the whole budget."


def read_caps(text: str) -> list[dict[str, Any]]:
    """Caps written one a line, such as ``3 per day`` or ``2 per 30 minutes per campaign``. Raises ValueError in words."""
    caps = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _CAP.match(line)
        if match is None:
            raise ValueError(f"“{line}” is no cap. Write one a line, such as “3 per day” or “2 per 30 minutes per campaign”.")
        count, many, unit, scope = match.groups()
        caps.append({"scope": (scope or "viewer").lower(), "count": int(count), "seconds": int(many or 1) * UNITS[unit.lower()]})
    return caps


def write_caps(caps: Sequence[dict[str, Any]]) -> str:
    """The text that `read_caps` reads back."""
    return "\n".join(_cap_words(cap["count"], cap["seconds"], cap["scope"]) for cap in caps)


def _cap_words(count: int, seconds: int, scope: str) -> str:
    unit, size = next((name, size) for name, size in reversed(UNITS.items()) if seconds % size == 0)
    many = seconds // size
    return f"{count} per {unit if many == 1 else f'{many} {unit}s'}" + ("" if scope == "viewer" else f" per {scope}")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list(values: Iterable[str]) -> str:
    return ", ".join(values)
