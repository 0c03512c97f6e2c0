"""Live flights and their ads, compiled into numpy arrays: every rule becomes a mask over flights or ads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np

from .state import Floats, Ints, Lineup, Mask

PRICINGS = ("cpm", "cpcv", "cpc")
CPM, CPCV, CPC = range(3)
# Targeting key -> the request's attribute. Those of the viewer are withheld without consent.
TARGETABLE = {"genres": "genres", "devices": "device", "tiers": "tier", "age_bands": "age_band", "genders": "gender", "dayparts": "hour"}
# A JavaScript client reads versions as doubles: 53 bits survive.
VERSION_BITS = 53


class CapRow(msgspec.Struct, frozen=True):
    """At most ``count`` servings of the ``scope`` (ad, flight, campaign, advertiser) in ``seconds`` to one viewer."""

    scope: str
    count: int
    seconds: int


class FlightRow(msgspec.Struct, frozen=True, kw_only=True):
    """One live flight as plain values. Times in Unix seconds, money in micros."""

    id: int
    campaign: int
    advertiser: int
    name: str
    campaign_name: str
    advertiser_name: str
    starts: float
    ends: float
    pricing: str
    bid_micros: int
    goal_type: str
    goal_amount: int
    budget_micros: int
    daily_budget_micros: int | None
    pacing: str
    priority: int
    targeting: dict[str, list[str | int]]
    caps: tuple[CapRow, ...]
    excluded_categories: tuple[str, ...]
    strict_caps: bool


class AdRow(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    flight: int
    name: str
    asset: int
    category: str
    duration: float
    skip_after: float | None
    click_through: str


class Rows(msgspec.Struct, frozen=True):
    """All that an inventory is compiled from; its hash is the inventory's version, so a version names its content."""

    flights: tuple[FlightRow, ...]
    ads: tuple[AdRow, ...]

    def packed(self) -> bytes:
        return msgspec.msgpack.encode(self)

    def version(self) -> int:
        return int.from_bytes(hashlib.sha256(self.packed()).digest()[:8], "big") >> (64 - VERSION_BITS)

    @classmethod
    def unpacked(cls, packed: bytes) -> Rows:
        return msgspec.msgpack.decode(packed, type=cls)


@dataclass(frozen=True)
class Attribute:
    """One targetable attribute: ``constrained`` [flights] says who targets on it, ``allows`` [values, flights] what passes."""

    constrained: Mask
    allows: Mask
    index: dict[str | int, int]


@dataclass(frozen=True)
class Inventory:
    """Flights and ads in ascending id order. Arrays named ``ad_*`` have one entry an ad, the others one a flight."""

    version: int
    flights: tuple[FlightRow, ...]
    ads: tuple[AdRow, ...]
    flight_id: Ints
    campaign: Ints
    advertiser: Ints
    starts: Floats
    ends: Floats
    pricing: Ints
    bid: Floats
    budget: Ints
    daily_budget: Ints
    goal: Ints
    goal_counts_holds: Mask
    priority: Ints
    asap: Mask
    front_loaded: Mask
    strict: Mask
    has_caps: Mask
    longest_cap: int
    attributes: dict[str, Attribute]
    categories: tuple[str, ...]
    excludes: Mask
    ad_id: Ints
    ad_flight: Ints
    ad_category: Ints
    ad_duration: Floats

    @cached_property
    def flight_row(self) -> dict[int, int]:
        return {int(flight): row for row, flight in enumerate(self.flight_id)}

    @cached_property
    def lineup(self) -> Lineup:
        pricing, bid = self.pricing[self.ad_flight], self.bid[self.ad_flight]
        return Lineup(
            ad=self.ad_id,
            flight=self.flight_id[self.ad_flight],
            campaign=self.campaign[self.ad_flight],
            advertiser=self.advertiser[self.ad_flight],
            category=self.ad_category,
            categories=self.categories,
            duration=self.ad_duration,
            worth_shown=np.where(pricing == CPM, bid / 1000.0, 0.0),
            worth_clicked=np.where(pricing == CPC, bid, 0.0),
            worth_completed=np.where(pricing == CPCV, bid, 0.0),
        )

    @cached_property
    def ad_row(self) -> dict[int, int]:
        return {int(ad): row for row, ad in enumerate(self.ad_id)}


NO_LIMIT = np.iinfo(np.int64).max // 4


def compile_inventory(rows: Rows) -> Inventory:
    """The arrays of ``rows``. Flights without an ad are left out; ads of unknown flights too."""
    with_ads = {ad.flight for ad in rows.ads}
    flights = tuple(sorted((flight for flight in rows.flights if flight.id in with_ads), key=lambda flight: flight.id))
    row_of = {flight.id: row for row, flight in enumerate(flights)}
    ads = tuple(sorted((ad for ad in rows.ads if ad.flight in row_of), key=lambda ad: ad.id))
    categories = tuple(sorted({ad.category for ad in ads} | {name for flight in flights for name in flight.excluded_categories}))
    code = {name: index for index, name in enumerate(categories)}
    return Inventory(
        version=rows.version(),
        flights=flights,
        ads=ads,
        flight_id=_ints(flight.id for flight in flights),
        campaign=_ints(flight.campaign for flight in flights),
        advertiser=_ints(flight.advertiser for flight in flights),
        starts=np.array([flight.starts for flight in flights], dtype=np.float64),
        ends=np.array([flight.ends for flight in flights], dtype=np.float64),
        pricing=_ints(PRICINGS.index(flight.pricing) for flight in flights),
        bid=np.array([flight.bid_micros for flight in flights], dtype=np.float64),
        budget=_ints(_spend_limit(flight) for flight in flights),
        daily_budget=_ints(NO_LIMIT if flight.daily_budget_micros is None else flight.daily_budget_micros for flight in flights),
        goal=_ints(NO_LIMIT if flight.goal_type == "spend" else flight.goal_amount for flight in flights),
        goal_counts_holds=np.array([flight.goal_type == "impressions" for flight in flights], dtype=bool),
        priority=_ints(flight.priority for flight in flights),
        asap=np.array([flight.pacing == "asap" for flight in flights], dtype=bool),
        front_loaded=np.array([flight.pacing == "front_loaded" for flight in flights], dtype=bool),
        strict=np.array([flight.strict_caps for flight in flights], dtype=bool),
        has_caps=np.array([bool(flight.caps) for flight in flights], dtype=bool),
        longest_cap=max((cap.seconds for flight in flights for cap in flight.caps), default=0),
        attributes={name: _attribute(name, flights) for name in TARGETABLE},
        categories=categories,
        excludes=_exclusions(flights, code),
        ad_id=_ints(ad.id for ad in ads),
        ad_flight=_ints(row_of[ad.flight] for ad in ads),
        ad_category=_ints(code[ad.category] for ad in ads),
        ad_duration=np.array([ad.duration for ad in ads], dtype=np.float64),
    )


def _ints(values: object) -> Ints:
    return np.fromiter(values, dtype=np.int64)  # type: ignore[call-overload, no-any-return]


def _spend_limit(flight: FlightRow) -> int:
    return min(flight.budget_micros, flight.goal_amount) if flight.goal_type == "spend" else flight.budget_micros


def _attribute(name: str, flights: Sequence[FlightRow]) -> Attribute:
    wanted = [flight.targeting.get(name) or [] for flight in flights]
    values = sorted({value for values in wanted for value in values}, key=str)
    index = {value: row for row, value in enumerate(values)}
    allows = np.zeros((len(values), len(flights)), dtype=bool)
    for column, allowed in enumerate(wanted):
        for value in allowed:
            allows[index[value], column] = True
    return Attribute(constrained=np.array([bool(values) for values in wanted], dtype=bool), allows=allows, index=index)


def _exclusions(flights: Sequence[FlightRow], code: dict[str, int]) -> Mask:
    excludes = np.zeros((len(flights), len(code)), dtype=bool)
    for row, flight in enumerate(flights):
        for name in flight.excluded_categories:
            excludes[row, code[name]] = True
    return excludes
