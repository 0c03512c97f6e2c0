"""Inventories as plain rows, for tests of the pure decision."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ads.decision.inventory import (
    LIFETIME,
    POD,
    STREAM,
    UNIT_SECONDS,
    AdRow,
    CapRow,
    FlightRow,
    Inventory,
    Rows,
    Target,
    Value,
    compile_inventory,
)
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Scores, no_rows

NOW = datetime(2026, 6, 1, 20, 0, tzinfo=UTC)
CATEGORIES = ("travel", "finance", "gaming")
SCOPES = ("ad", "flight", "campaign", "advertiser")


def flight(number: int, **changes: Any) -> FlightRow:
    fields: dict[str, Any] = {
        "id": number, "campaign": number, "advertiser": number, "name": f"F{number}", "campaign_name": f"C{number}", "advertiser_name": f"A{number}",
        "starts": NOW.timestamp() - 86_400, "ends": NOW.timestamp() + 86_400, "pricing": "cpm", "bid_micros": 10_000_000, "goal_type": "impressions",
        "goal_amount": 1_000_000, "budget_micros": 10**12, "daily_budget_micros": None, "pacing": "asap", "priority": 5, "targets": (), "caps": (),
        "excluded_categories": (), "strict_caps": False, "tier": "standard", "share_of_voice": None, "daily_goal_amount": None,
        "exclusivity": "pod", "slot_position": "any",
    }  # fmt: skip
    return FlightRow(**(fields | changes))


def include(**values: Sequence[Value]) -> Target:
    return Target(include={key: tuple(wanted) for key, wanted in values.items()})


def exclude(**values: Sequence[Value]) -> Target:
    return Target(exclude={key: tuple(unwanted) for key, unwanted in values.items()})


def ad(number: int, flight_id: int, **changes: Any) -> AdRow:
    fields: dict[str, Any] = {
        "id": number, "flight": flight_id, "name": f"Ad {number}", "asset": number, "category": "travel", "duration": 10.0, "skip_after": None,
        "click_through": "https://brand.example/",
    }  # fmt: skip
    return AdRow(**(fields | changes))


def inventory(*flights: FlightRow, **ads: Any) -> Inventory:
    """One ad for each flight, with the flight's id."""
    return compile_inventory(Rows(flights, tuple(ad(row.id, row.id, **ads) for row in flights)))


def request(**changes: Any) -> AdRequest:
    base = AdRequest(
        session=uuid.UUID(int=1), break_id="b1", break_position="mid", break_index=0, duration=30.0, max_ads=3, device="tv", hour=20, weekday=0,
        title=1, genres=("drama",),
    )  # fmt: skip
    return replace(base, **changes)


def flat_score(pctr: float = 0.02, pvcr: float = 0.7) -> Any:
    def score(request: AdRequest, candidates: Candidates) -> Scores:
        n = len(candidates)
        return Scores(np.full(n, pctr), np.full(n, pvcr), no_rows, None)

    return score


def id_score(request: AdRequest, candidates: Candidates) -> Scores:
    """Different for each ad, the same on every call."""
    spread = (candidates.ad * 2654435761 % 997) / 997
    return Scores(0.001 + 0.05 * spread, 0.3 + 0.6 * spread, no_rows, 7)


_ids = st.integers(1, 4)
# Few values a key, so that requests and flights meet.
VALUES: dict[str, tuple[Value, ...]] = {
    "titles": (1, 2), "genres": ("drama", "comedy"), "maturity": ("PG", "R"), "moods": ("calm", "chase"), "tags": ("sea", "city"),
    "devices": ("tv", "mobile"), "tiers": ("ads", "standard"), "age_bands": ("18-24", "25-34"), "genders": ("female", "male"),
    "countries": ("DE", "US"), "dayparts": (20, 21), "weekdays": (0, 1), "break_positions": ("pre", "mid"), "segments": ("fans", "new"),
}  # fmt: skip
_asked: st.SearchStrategy[dict[str, tuple[Value, ...]]] = st.fixed_dictionaries(
    {}, optional={key: st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple) for key, values in VALUES.items()}
)
cap_rows = st.one_of(
    st.builds(CapRow, st.sampled_from(SCOPES), st.integers(1, 3), st.sampled_from(list(UNIT_SECONDS)), st.integers(1, 100)),
    st.builds(CapRow, st.sampled_from(SCOPES), st.integers(1, 3), st.sampled_from([LIFETIME, POD, STREAM])),
)
flight_rows: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    campaign=_ids,
    advertiser=_ids,
    pricing=st.sampled_from(["cpm", "cpc", "cpcv"]),
    bid_micros=st.integers(500, 60_000_000),
    pacing=st.sampled_from(["asap", "even", "front_loaded"]),
    priority=st.integers(4, 6),
    targets=st.lists(st.builds(Target, _asked, _asked), max_size=2).map(tuple),
    caps=st.lists(cap_rows, max_size=2).map(tuple),
    exclusivity=st.sampled_from(["pod", "pod", "stream"]),
    tier=st.sampled_from(["sponsorship", "standard", "standard", "price_priority", "price_priority", "house"]),
    share_of_voice=st.sampled_from([0.2, 0.5, 1.0]),
    slot_position=st.sampled_from(["any", "any", "any", "first", "last"]),
    excluded_categories=st.lists(st.sampled_from(CATEGORIES), max_size=1).map(tuple),
    strict_caps=st.booleans(),
)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    rows = draw(st.lists(flight_rows, min_size=1, max_size=12))
    if draw(st.booleans()):
        # Where everybody may serve, pods are full and ads compete.
        rows = [row | {"targets": (), "caps": (), "strict_caps": False} for row in rows]
    flights = tuple(flight(number, **fields) for number, fields in enumerate(rows, start=1))
    ads = tuple(
        ad(10 * row.id + extra, row.id, category=draw(st.sampled_from(CATEGORIES)), duration=draw(st.sampled_from([6.0, 10.0, 15.0, 40.0])))
        for row in flights
        for extra in range(draw(st.integers(1, 2)))
    )
    return compile_inventory(Rows(flights, ads))


def _some(key: str) -> st.SearchStrategy[tuple[Any, ...]]:
    """Known values, others, or none."""
    return st.lists(st.sampled_from([*VALUES[key], "other"]), max_size=2, unique=True).map(tuple)


def _one(key: str, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([*VALUES[key], *others])


requests = st.builds(
    request,
    duration=st.sampled_from([8.0, 15.0, 30.0]),
    max_ads=st.integers(1, 4),
    title=_one("titles", 3, None),
    genres=_some("genres"),
    maturity=_one("maturity", "G", ""),
    mood=_one("moods", "storm", ""),
    tags=_some("tags"),
    device=_one("devices", "desktop"),
    hour=_one("dayparts", 3),
    weekday=_one("weekdays", 6),
    break_position=_one("break_positions", "post"),
    country=_one("countries", "FR", None),
    consent=st.booleans(),
    viewer=st.none() | st.just(uuid.UUID(int=2)),
    tier=_one("tiers", None),
    age_band=_one("age_bands", "55+", None),
    gender=_one("genders", "other", None),
    segments=st.none() | _some("segments"),
)
