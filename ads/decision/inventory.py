"""Live flights and their ads, compiled into numpy arrays: every rule becomes a mask over flights or ads."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from .cost import event_cost
from .state import Codes, Floats, Ints, Lineup, Mask

PRICINGS = ("cpm", "cpcv", "cpc")
CPM, CPCV, CPC = range(3)
# In the order in which an auction serves them.
TIERS = ("sponsorship", "standard", "price_priority", "house")
SPONSORSHIP, STANDARD, PRICE_PRIORITY, HOUSE = range(4)
SLOT_POSITIONS = ("any", "first", "last")
# Targeting key -> the request's attribute. Those of the viewer are withheld without consent.
TARGETABLE = {
    "titles": "title", "genres": "genres", "maturity": "maturity", "moods": "mood", "tags": "tags", "break_positions": "break_position",
    "dayparts": "hour", "weekdays": "weekday",
    "devices": "device", "tiers": "tier", "age_bands": "age_band", "genders": "gender", "countries": "country", "segments": "segments",
}  # fmt: skip
# Breaks of one film at one hour agree on these, viewers of one kind on the others.
OF_THE_BREAK = frozenset({"titles", "genres", "maturity", "moods", "tags", "break_positions", "dayparts", "weekdays"})
# What a cap counts over: a sliding window of so many seconds, or, where there are none, a whole life, one break, one playback.
UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
LIFETIME, POD, STREAM = "lifetime", "pod", "stream"
# A JavaScript client reads versions as doubles: 53 bits survive.
VERSION_BITS = 53

Value = str | int


class CapRow(msgspec.Struct, frozen=True):
    """At most ``count`` servings of the ``scope`` (ad, flight, campaign, advertiser) to one viewer in ``times`` units of ``per``
    (a key of `UNIT_SECONDS`), or in a lifetime, a pod or a stream (``times`` 1)."""

    scope: str
    count: int
    per: str
    times: int = 1

    @property
    def seconds(self) -> int | None:
        """The window's length; None where it is not a length of time."""
        unit = UNIT_SECONDS.get(self.per)
        return None if unit is None else unit * self.times


class Target(msgspec.Struct, frozen=True):
    """Whom one level, campaign or flight, wants and does not want: key of `TARGETABLE` -> values."""

    include: dict[str, tuple[Value, ...]] = {}
    exclude: dict[str, tuple[Value, ...]] = {}


class FlightRow(msgspec.Struct, frozen=True, kw_only=True):
    """One live flight as plain values, what its campaign asks included. Times in Unix seconds, money in micros.

    It serves where each of ``targets`` matches. ``caps`` holds the campaign's caps too.
    """

    id: int
    campaign: int
    advertiser: int
    name: str
    campaign_name: str
    advertiser_name: str
    starts: float
    ends: float
    tier: str
    share_of_voice: float | None
    pricing: str
    bid_micros: int
    goal_type: str
    goal_amount: int | None
    daily_goal_amount: int | None
    budget_micros: int
    daily_budget_micros: int | None
    pacing: str
    priority: int
    targets: tuple[Target, ...]
    caps: tuple[CapRow, ...]
    exclusivity: str
    slot_position: str
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
    headline: str = ""


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
        """Raises msgspec.ValidationError for rows packed by a version of this software that sold other things."""
        return msgspec.msgpack.decode(packed, type=cls)


@dataclass(frozen=True)
class Wanted:
    """One level's wishes on one attribute: ``asking`` [flights] has any, ``rows`` gives the flights that want a value."""

    asking: Mask
    rows: dict[Value, Ints]


@dataclass(frozen=True)
class Rule:
    """All that flights ask of one attribute. A flight that includes on several levels must match on each of them."""

    key: str
    asking: Mask
    includes: tuple[Wanted, ...]
    excludes: Wanted


@dataclass(frozen=True)
class Limit:
    """One cap on one ad, flight, campaign or advertiser, with the ads (rows) that it stops when it is reached."""

    cap: CapRow
    ads: Ints


@dataclass(frozen=True)
class Inventory:
    """Flights and ads in ascending id order. Arrays named ``ad_*`` have one entry an ad, the others one a flight. ``limits`` are the
    caps by (scope, id). ``memo`` keeps what follows from the inventory and a few values of the request, ``described`` what an
    explanation says of an ad (row) whatever the request.
    """

    version: int
    flights: tuple[FlightRow, ...]
    ads: tuple[AdRow, ...]
    flight_id: Ints
    campaign: Ints
    advertiser: Ints
    starts: Floats
    ends: Floats
    tier: Ints
    share_of_voice: Floats
    pricing: Ints
    bid: Floats
    event_cost: Ints
    budget: Ints
    daily_budget: Ints
    goal: Ints
    daily_goal: Ints
    goal_counts_holds: Mask
    priority: Ints
    asap: Mask
    front_loaded: Mask
    strict: Mask
    has_caps: Mask
    longest_cap: int
    limits: dict[tuple[str, int], tuple[Limit, ...]]
    rules: tuple[Rule, ...]
    stream_exclusive: Mask
    slot_position: Ints
    categories: tuple[str, ...]
    excludes: Mask
    ad_id: Ints
    ad_flight: Ints
    ad_category: Ints
    ad_duration: Floats
    memo: dict[object, Codes] = field(default_factory=dict)
    described: dict[int, dict[str, Any]] = field(default_factory=dict)

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
    def ad_tier(self) -> Ints:
        return self.tier[self.ad_flight]

    @cached_property
    def ad_level(self) -> Ints:
        """What is served first: by tier, within it by priority."""
        return self.ad_tier * 100 + self.priority[self.ad_flight]

    @cached_property
    def ad_advertiser(self) -> Ints:
        return self.advertiser[self.ad_flight]

    @cached_property
    def ad_milliseconds(self) -> Ints:
        return np.rint(self.ad_duration * 1000).astype(np.int64)

    @cached_property
    def ad_position(self) -> Ints:
        return self.slot_position[self.ad_flight]

    @cached_property
    def tiers_sold(self) -> frozenset[int]:
        return frozenset(self.tier.tolist())

    @cached_property
    def longest_ad(self) -> float:
        return float(self.ad_duration.max(initial=0.0))

    @cached_property
    def rows_of_campaign(self) -> dict[int, Ints]:
        of_ad = self.campaign[self.ad_flight]
        return {int(campaign): np.flatnonzero(of_ad == campaign) for campaign in np.unique(of_ad)}

    @cached_property
    def ad_asset(self) -> Ints:
        return _ints(ad.asset for ad in self.ads)

    @cached_property
    def halves(self) -> tuple[tuple[Rule, ...], ...]:
        """The rules of the break, then those of the viewer; a half that nobody asks anything of is left out."""
        found = (tuple(rule for rule in self.rules if (rule.key in OF_THE_BREAK) == half) for half in (True, False))
        return tuple(rules for rules in found if rules)

    @cached_property
    def borders(self) -> Floats:
        """Every moment at which a flight starts or ends, ascending."""
        return np.unique(np.concatenate([self.starts, self.ends]))

    @cached_property
    def ad_row(self) -> dict[int, int]:
        return {int(ad): row for row, ad in enumerate(self.ad_id)}

    @cached_property
    def category_code(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.categories)}

    @cached_property
    def cap_scopes(self) -> tuple[str, ...]:
        return tuple(sorted({scope for scope, _ in self.limits}))


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
        starts=_floats(flight.starts for flight in flights),
        ends=_floats(flight.ends for flight in flights),
        tier=_ints(TIERS.index(flight.tier) for flight in flights),
        share_of_voice=_floats(flight.share_of_voice or 0.0 for flight in flights),
        pricing=_ints(PRICINGS.index(flight.pricing) for flight in flights),
        bid=_floats(flight.bid_micros for flight in flights),
        event_cost=_ints(event_cost(flight.tier, flight.pricing, flight.bid_micros) for flight in flights),
        budget=_ints(_spend_limit(flight) for flight in flights),
        daily_budget=_ints(_daily_spend_limit(flight) for flight in flights),
        goal=_ints(_events(flight, flight.goal_amount) for flight in flights),
        daily_goal=_ints(_events(flight, flight.daily_goal_amount) for flight in flights),
        goal_counts_holds=_mask(flight.goal_type == "impressions" for flight in flights),
        priority=_ints(flight.priority for flight in flights),
        asap=_mask(flight.pacing == "asap" for flight in flights),
        front_loaded=_mask(flight.pacing == "front_loaded" for flight in flights),
        strict=_mask(flight.strict_caps for flight in flights),
        has_caps=_mask(any(cap.per not in (POD, STREAM) for cap in flight.caps) for flight in flights),
        longest_cap=max((cap.seconds or 0 for flight in flights for cap in flight.caps), default=0),
        limits=_limits(flights, ads, row_of),
        rules=_rules(flights),
        stream_exclusive=_mask(flight.exclusivity == "stream" for flight in flights),
        slot_position=_ints(SLOT_POSITIONS.index(flight.slot_position) for flight in flights),
        categories=categories,
        excludes=_exclusions(flights, code),
        ad_id=_ints(ad.id for ad in ads),
        ad_flight=_ints(row_of[ad.flight] for ad in ads),
        ad_category=_ints(code[ad.category] for ad in ads),
        ad_duration=_floats(ad.duration for ad in ads),
    )


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)


def _floats(values: Iterable[float]) -> Floats:
    return np.fromiter(values, dtype=np.float64)


def _mask(values: Iterable[bool]) -> Mask:
    return np.fromiter(values, dtype=bool)


def _spend_limit(flight: FlightRow) -> int:
    """House flights cost nothing, so no budget ends them."""
    budget = NO_LIMIT if flight.tier == "house" else flight.budget_micros
    return budget if flight.goal_type != "spend" or flight.goal_amount is None else min(budget, flight.goal_amount)


def _daily_spend_limit(flight: FlightRow) -> int:
    daily = flight.daily_goal_amount if flight.goal_type == "spend" else None
    return min(NO_LIMIT if limit is None else limit for limit in (flight.daily_budget_micros, daily))


def _events(flight: FlightRow, amount: int | None) -> int:
    """A goal in events; a goal of spend is a limit of money instead."""
    return NO_LIMIT if flight.goal_type == "spend" or amount is None else amount


def scope_id(flight: FlightRow, scope: str, ad: int) -> int:
    """The id of what a cap of ``scope`` counts when ``ad`` of ``flight`` is served."""
    return {"ad": ad, "flight": flight.id, "campaign": flight.campaign, "advertiser": flight.advertiser}[scope]


def _limits(flights: Sequence[FlightRow], ads: Sequence[AdRow], row_of: dict[int, int]) -> dict[tuple[str, int], tuple[Limit, ...]]:
    found: dict[tuple[str, int], dict[CapRow, list[int]]] = {}
    for row, ad in enumerate(ads):
        flight = flights[row_of[ad.flight]]
        for cap in flight.caps:
            found.setdefault((cap.scope, scope_id(flight, cap.scope, ad.id)), {}).setdefault(cap, []).append(row)
    return {counted: tuple(Limit(cap, np.array(rows, dtype=np.int64)) for cap, rows in caps.items()) for counted, caps in found.items()}


def _rules(flights: Sequence[FlightRow]) -> tuple[Rule, ...]:
    """One for each attribute that any flight asks something of, in the order of `TARGETABLE`."""
    includes: defaultdict[tuple[str, int], defaultdict[Value, list[int]]] = defaultdict(lambda: defaultdict(list))
    excludes: defaultdict[str, defaultdict[Value, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, flight in enumerate(flights):
        for level, target in enumerate(flight.targets):
            for key, values in target.include.items():
                for value in values:
                    includes[key, level][value].append(row)
            for key, values in target.exclude.items():
                for value in values:
                    excludes[key][value].append(row)
    levels = range(max((len(flight.targets) for flight in flights), default=0))
    rules = []
    for key in TARGETABLE:
        wanted = tuple(_wanted(includes[key, level], len(flights)) for level in levels if (key, level) in includes)
        unwanted = _wanted(excludes.get(key, {}), len(flights))
        asking: Mask = np.logical_or.reduce([unwanted.asking, *(level.asking for level in wanted)])
        if asking.any():
            rules.append(Rule(key, asking, wanted, unwanted))
    return tuple(rules)


def _wanted(rows_of: Mapping[Value, list[int]], flights: int) -> Wanted:
    asking = np.zeros(flights, dtype=bool)
    rows = {value: np.array(found, dtype=np.int64) for value, found in rows_of.items()}
    for found in rows.values():
        asking[found] = True
    return Wanted(asking, rows)


def _exclusions(flights: Sequence[FlightRow], code: dict[str, int]) -> Mask:
    excludes = np.zeros((len(flights), len(code)), dtype=bool)
    for row, flight in enumerate(flights):
        excludes[row, [code[name] for name in flight.excluded_categories]] = True
    return excludes
