"""Inventories as plain rows, for tests of the pure decision."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ads.decision.inventory import AdRow, CapRow, FlightRow, Inventory, Rows, compile_inventory
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Scores, no_rows

NOW = datetime(2026, 6, 1, 20, 0, tzinfo=UTC)
CATEGORIES = ("travel", "finance", "gaming")


def flight(number: int, **changes: Any) -> FlightRow:
    fields: dict[str, Any] = {
        "id": number, "campaign": number, "advertiser": number, "name": f"F{number}", "campaign_name": f"C{number}", "advertiser_name": f"A{number}",
        "starts": NOW.timestamp() - 86_400, "ends": NOW.timestamp() + 86_400, "pricing": "cpm", "bid_micros": 10_000_000, "goal_type": "impressions",
        "goal_amount": 1_000_000, "budget_micros": 10**12, "daily_budget_micros": None, "pacing": "asap", "priority": 5, "targeting": {}, "caps": (),
        "excluded_categories": (), "strict_caps": False,
    }  # fmt: skip
    return FlightRow(**(fields | changes))


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
flight_rows: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    campaign=_ids,
    advertiser=_ids,
    pricing=st.sampled_from(["cpm", "cpc", "cpcv"]),
    bid_micros=st.integers(500, 60_000_000),
    pacing=st.sampled_from(["asap", "even", "front_loaded"]),
    priority=st.integers(4, 6),
    targeting=st.fixed_dictionaries(
        {},
        optional={
            "genres": st.lists(st.sampled_from(["drama", "comedy"]), max_size=2, unique=True),
            "devices": st.lists(st.sampled_from(["tv", "mobile"]), max_size=2, unique=True),
            "age_bands": st.lists(st.sampled_from(["18-24", "25-34"]), max_size=2, unique=True),
            "dayparts": st.lists(st.integers(18, 23), max_size=4, unique=True),
        },
    ),
    caps=st.lists(
        st.builds(CapRow, st.sampled_from(["ad", "flight", "campaign", "advertiser"]), st.integers(1, 3), st.integers(60, 90_000)), max_size=2
    ).map(tuple),
    excluded_categories=st.lists(st.sampled_from(CATEGORIES), max_size=1).map(tuple),
    strict_caps=st.booleans(),
)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    rows = draw(st.lists(flight_rows, min_size=1, max_size=12))
    flights = tuple(flight(number, **fields) for number, fields in enumerate(rows, start=1))
    ads = tuple(
        ad(10 * row.id + extra, row.id, category=draw(st.sampled_from(CATEGORIES)), duration=draw(st.sampled_from([6.0, 10.0, 15.0, 40.0])))
        for row in flights
        for extra in range(draw(st.integers(1, 2)))
    )
    return compile_inventory(Rows(flights, ads))


requests = st.builds(
    request,
    duration=st.sampled_from([8.0, 15.0, 30.0]),
    max_ads=st.integers(1, 4),
    device=st.sampled_from(["tv", "mobile", "desktop"]),
    hour=st.integers(0, 23),
    genres=st.lists(st.sampled_from(["drama", "comedy", "nature"]), max_size=2).map(tuple),
    consent=st.booleans(),
    viewer=st.none() | st.just(uuid.UUID(int=2)),
    age_band=st.none() | st.sampled_from(["18-24", "55+"]),
)
