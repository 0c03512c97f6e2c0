"""Two weeks of uneven traffic and a hundred campaigns that compete for it. The first week is only ever seen as a log."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
# A Monday 00:00 UTC.
MONDAY = 1_780_272_000.0
DEVICES, TIERS = ("tv", "desktop", "mobile", "tablet"), ("ads", "ads_plus")
GENRES = ("drama", "thriller", "comedy", "documentary", "family", "nature")
AGES = (None, "18-24", "25-34", "35-44", "45-54", "55+")
KINDS = len(DEVICES) * len(GENRES) * len(TIERS) * len(AGES)
SMALLEST, LARGEST = 50, 20_000


@dataclass(frozen=True)
class Traffic:
    """The requests of one week in order of time: when [m], of which kind of viewer and content [m], with how many slots [m]."""

    starts: float
    at: NDArray[np.float64]
    kind: NDArray[np.int64]
    slots: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def hour(self) -> NDArray[np.int64]:
        return ((self.at - self.starts) // HOUR).astype(np.int64)


def traffic(rng: Generator, requests: int, *, starts: float, surprise: bool) -> Traffic:
    """About ``requests`` of one week: evenings and weekends are full, every hour scatters, devices and genres follow the clock.

    With a ``surprise`` Thursday is like a holiday: twice the daytime of other days, and an evening of which half stays away.
    """
    hour, weekday = np.arange(168) % 24, np.arange(168) // 24
    evening = np.exp(-(((hour - 20.5) / 3.0) ** 2)) + 0.35 * np.exp(-(((hour - 12.5) / 2.5) ** 2)) + 0.05
    level = evening * np.array([0.85, 0.8, 0.85, 0.9, 1.15, 1.4, 1.3])[weekday]
    level[weekday >= 5] += 0.25 * np.exp(-(((hour[weekday >= 5] - 15) / 3.0) ** 2))
    level *= rng.lognormal(0.0, 0.15, 168)
    if surprise:
        holiday = weekday == 3
        level[holiday & (hour >= 8) & (hour < 17)] *= 2.0
        level[holiday & (hour >= 17)] *= 0.5
    counts = rng.poisson(level / level.sum() * requests * 0.98)
    of = np.repeat(np.arange(168), counts)
    at = np.sort(starts + (of + rng.random(len(of))) * HOUR)
    return Traffic(starts, at, _kinds(rng, ((at - starts) // HOUR).astype(np.int64) % 24), 1 + (rng.random(len(at)) < 0.5))


def _kinds(rng: Generator, hour: NDArray[np.int64]) -> NDArray[np.int64]:
    """Televisions in the evening, telephones by day, family films in the afternoon."""
    evening = np.exp(-(((hour - 20.5) / 4.0) ** 2))[:, None]
    device = _draw(rng, np.array([0.25, 0.2, 0.45, 0.1]) * (1 - evening) + np.array([0.6, 0.12, 0.2, 0.08]) * evening)
    afternoon = np.exp(-(((hour - 15) / 3.0) ** 2))[:, None]
    genre = _draw(rng, np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1]) * (1 - afternoon) + np.array([0.15, 0.1, 0.15, 0.15, 0.35, 0.1]) * afternoon)
    tier = (rng.random(len(hour)) < 0.3).astype(np.int64)
    age = _draw(rng, np.tile(np.array([0.3, 0.15, 0.2, 0.15, 0.1, 0.1]), (len(hour), 1)))
    return ((device * len(GENRES) + genre) * len(TIERS) + tier) * len(AGES) + age


def _draw(rng: Generator, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    edges = np.cumsum(weights, axis=1)
    drawn: NDArray[np.int64] = (rng.random(len(weights))[:, None] * edges[:, -1:] > edges).sum(axis=1)
    return drawn


def request(kind: int, hour: int) -> Any:
    """The AdRequest of one kind of viewer and content in one hour of the week; viewers live in UTC."""
    from ads.decision.request import AdRequest

    rest, age = divmod(kind, len(AGES))
    rest, tier = divmod(rest, len(TIERS))
    device, genre = divmod(rest, len(GENRES))
    consent = AGES[age] is not None
    return AdRequest(
        session=uuid.UUID(int=1), break_id="b1", break_position="mid", break_index=0, duration=30.0, max_ads=2, device=DEVICES[device],
        hour=hour % 24, weekday=hour // 24 % 7, title=1, genres=(GENRES[genre],), consent=consent, tier=TIERS[tier] if consent else None,
        age_band=AGES[age],
    )  # fmt: skip


def flights(rng: Generator, count: int, requests: int) -> list[Any]:
    """``count`` FlightRows of the second week: goals from small to large, random targeting, dates, bids and pacing."""
    largest = max(10 * SMALLEST, LARGEST * min(1.0, requests / 300_000))
    goals = np.exp(rng.uniform(math.log(SMALLEST), math.log(largest), count))
    goals[:2] = SMALLEST, largest
    return [_flight(rng, number, round(float(goal))) for number, goal in enumerate(goals, start=1)]


def _flight(rng: Generator, number: int, goal: int) -> Any:
    from ads.decision.inventory import FlightRow, Target

    first = int(rng.integers(0, 5)) * 24 + int(rng.choice([0, 0, 6, 12]))
    last = min(168, first + int(rng.integers(36, 168)))
    include = {}
    if rng.random() < 0.45:
        include["devices"] = _some(rng, DEVICES, 2)
    if rng.random() < 0.4:
        include["genres"] = _some(rng, GENRES, 3)
    if rng.random() < 0.15:
        include["tiers"] = _some(rng, TIERS, 1)
    if rng.random() < 0.2:
        include["age_bands"] = _some(rng, AGES[1:], 3)
    if rng.random() < 0.15:
        begins = int(rng.integers(6, 18))
        include["dayparts"] = tuple(range(begins, min(24, begins + int(rng.integers(5, 10)))))
    return FlightRow(
        id=number, campaign=number, advertiser=number, name=f"Flight {number}", campaign_name=f"Campaign {number}",
        advertiser_name=f"Advertiser {number}", starts=MONDAY + WEEK + first * HOUR, ends=MONDAY + WEEK + last * HOUR, tier="standard",
        share_of_voice=None, pricing="cpm", bid_micros=int(rng.integers(6, 31)) * 1_000_000, goal_type="impressions", goal_amount=goal,
        daily_goal_amount=None, budget_micros=10**13, daily_budget_micros=None, pacing="front_loaded" if rng.random() < 0.2 else "even",
        priority=5, targets=(Target(include=include),), caps=(), exclusivity="pod", slot_position="any", excluded_categories=(),
        strict_caps=False,
    )  # fmt: skip


def _some(rng: Generator, values: Any, most: int) -> tuple[Any, ...]:
    return tuple(sorted(rng.choice(np.array(values), size=int(rng.integers(1, most + 1)), replace=False).tolist()))


def compiled(rows: Any) -> Any:
    """The inventory of ``rows``, one ad each."""
    from ads.decision.inventory import AdRow, Rows, compile_inventory

    ads = tuple(
        AdRow(id=row.id, flight=row.id, name="Ad", asset=1, category="travel", duration=15.0, skip_after=None, click_through="") for row in rows
    )
    return compile_inventory(Rows(tuple(rows), ads))


@dataclass(frozen=True)
class Matches:
    """Which flights match the targeting: ``masks`` [distinct, n], and of each request which of them is its own [m]."""

    masks: NDArray[np.bool_]
    of: NDArray[np.int64]

    @classmethod
    def find(cls, inventory: Any, asked: Traffic) -> Matches:
        from ads.decision import targeting

        keys, of = np.unique(asked.hour % 168 * KINDS + asked.kind, return_inverse=True)
        masks = np.ones((len(keys), len(inventory.flights)), dtype=bool)
        for row, key in enumerate(keys.tolist()):
            for _, failed in targeting.failures(inventory, request(key % KINDS, key // KINDS)):
                masks[row] &= ~failed
        return cls(masks, of)


def deliverable(inventory: Any, asked: Traffic, matches: Matches, demand: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The flights [n] that get their ``demand`` [n] in every maximum flow of requests to flights, whoever else is served.

    Requests that the same flights may serve form one node: each of its requests serves a flight once at most, and has so many
    slots. A flight that is reached from the source by what the flow left over could be short in another maximum flow.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    hour = asked.starts + asked.hour * HOUR
    live = (inventory.starts <= hour[:, None]) & (hour[:, None] < inventory.ends)
    alike = np.packbits(np.column_stack([matches.masks[matches.of] & live, asked.slots == 2]), axis=1)
    _, example, count = np.unique(alike, axis=0, return_index=True, return_counts=True)
    group, flight = np.nonzero(matches.masks[matches.of[example]] & live[example])
    flights, groups = len(inventory.flights), len(count)
    source, sink = flights + groups, flights + groups + 1
    tail = np.concatenate([np.full(flights, source), flight, flights + np.arange(groups)])
    head = np.concatenate([np.arange(flights), flights + group, np.full(groups, sink)])
    capacity = np.concatenate([demand, count[group], count * asked.slots[example]]).astype(np.int32)
    network = csr_matrix((capacity, (tail, head)), shape=(sink + 1, sink + 1))
    flow = maximum_flow(network, source, sink).flow
    left = network - flow
    left.data = (left.data > 0).astype(np.int32)
    left.eliminate_zeros()
    short = np.zeros(sink + 1, dtype=bool)
    short[breadth_first_order(left, source, return_predecessors=False)] = True
    return ~short[:flights]
