"""Logged requests decided again with one flight changed, in the order in which they came. Pure: requests, inventories and scores in, servings out.

Everything is as it was stored (who asked, what others had left, scores, pass rates, chance) but the flight itself: its budget, goal,
pacing and what its viewers saw of it follow from the servings it wins here. Others are not let react: what they lose to the flight
they might make up elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from ads.decision import pacing, targeting
from ads.decision.decide import decide
from ads.decision.inventory import CPC, CPCV, LIFETIME, PRICINGS, AdRow, FlightRow, Inventory, Rows, compile_inventory
from ads.decision.plan import DAY, HOUR, LAYERS, Expected, PacingPlan, compile_plan
from ads.decision.request import AdRequest
from ads.decision.stages import stage_of
from ads.decision.state import Alternate, Candidates, Codes, Decision, DeliveryState, Floats, Ints, Scorer, Scores, Seen, no_rows

# Of an hour of the day without any matching request in the sample, so much of the mean is still expected.
LEAST_HOURLY = 0.1
TICK = 50
# Who falls out there did not come to where price, pace and company count.
EARLY = frozenset({"schedule", "targeting", "caps", "fit", "house"})


@dataclass(frozen=True, slots=True)
class Sold:
    """The flight as it is, or as it would be, with its ads."""

    flight: FlightRow
    ads: tuple[AdRow, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """One logged break and all that its decision was made from, aligned with the inventory of its ``era``: ``pctr``, ``pvcr``, ``quality`` and
    pass ``rates`` [ads], ``multipliers`` and ``spent`` (place in `pacing.SPENT` from 1) [flights].

    ``person`` is whoever caps are counted on. ``held`` are the ads of the flight that this person really was served before in this time.
    """

    at: float
    request: AdRequest
    seed: int
    era: int
    person: str
    pctr: Floats
    pvcr: Floats
    quality: Floats
    rates: Floats
    multipliers: Floats
    spent: Codes
    seen: tuple[Seen, ...]
    stream: tuple[Seen, ...]
    lifetime: dict[str, int]
    held: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """What the flight had delivered and booked when the first request came, and the chance that a slot won is seen."""

    delivered: float = 0.0
    micros: float = 0.0
    settle: float = 0.9


@dataclass(frozen=True)
class World:
    """The sample [m] in order of time, with the inventories (``eras``, the flight as it is among them) that it was decided from, from
    ``since`` (Unix) on. Each request stands for ``weight`` of them; together they are ``days`` of traffic."""

    base: Sold
    logged: tuple[Logged, ...]
    eras: tuple[Inventory, ...]
    begun: Begun
    since: float
    weight: float
    days: float

    @cached_property
    def persons(self) -> Ints:
        """Whose request each is [m], numbered from 0 by the end of their id, which is random: the first ones are a smaller sample."""
        names = sorted({one.person for one in self.logged}, key=lambda name: (name[-6:], name))
        numbers = {name: number for number, name in enumerate(names)}
        return np.array([numbers[one.person] for one in self.logged], dtype=np.int64)

    def smaller(self, most: int) -> World:
        """The requests of so many persons that they are about ``most``, in order of time."""
        if len(self.logged) <= most:
            return self
        cut = int(np.searchsorted(np.cumsum(np.bincount(self.persons)), most, side="right")) + 1
        chosen = tuple(one for one, person in zip(self.logged, self.persons.tolist(), strict=True) if person < cut)
        return replace(self, logged=chosen, weight=self.weight * len(self.logged) / max(len(chosen), 1))


@dataclass(frozen=True, eq=False)
class Run:
    """What came of each request [m]: slots ``won`` by the flight, and of one request its expected ``impressions``, goal ``events`` and
    ``micros``; ``reasons`` say what became of its ads; ``needed`` by how much its score would have to be multiplied to win (1 where it won,
    inf where no price helps, nan where it did not come so far); ``others`` the flights that won; ``entries`` what viewers saw
    of the flight; ``paced`` [m, 3] its pass rate and weight, and whether it had nothing left."""

    won: Floats
    impressions: Floats
    events: Floats
    micros: Floats
    needed: Floats
    reasons: tuple[tuple[str, ...], ...]
    others: tuple[tuple[int, ...], ...]
    entries: tuple[tuple[Seen, ...], ...]
    paced: Floats


@dataclass
class _Account:
    """The flight's counters as they would be, in expectation."""

    delivered: float
    micros: float
    day: float = -1.0
    day_delivered: float = 0.0
    day_micros: float = 0.0

    def at(self, moment: float) -> DeliveryState:
        if moment // DAY != self.day:
            self.day, self.day_delivered, self.day_micros = moment // DAY, 0.0, 0.0
        booked, today, delivered, delivered_today = (
            np.array([round(value)], dtype=np.int64) for value in (self.micros, self.day_micros, self.delivered, self.day_delivered)
        )
        nothing = np.zeros(1, dtype=np.int64)
        return DeliveryState(booked, nothing, today, delivered, nothing, day_delivered=delivered_today)

    def add(self, events: float, micros: float) -> None:
        self.delivered += events
        self.day_delivered += events
        self.micros += micros
        self.day_micros += micros


class Variant:
    """A world with the flight as ``sold``: what follows from that once and holds for all its requests."""

    def __init__(self, world: World, sold: Sold) -> None:
        self.world, self.sold = world, sold
        self.inventories = [compile_inventory(with_sold(Rows(era.flights, era.ads), sold)) for era in world.eras]
        self.taken = [_taken(era, inventory, world.base) for era, inventory in zip(world.eras, self.inventories, strict=True)]
        self.alone = compile_inventory(Rows((sold.flight,), sold.ads))
        self.plan = self._planned()

    def _planned(self) -> PacingPlan:
        """The flight's pacing plan as a forecast would make it: the requests of the sample that match it, by hour of the day."""
        hours = np.zeros(24)
        for one in self.world.logged:
            if not targeting.first_failures(self.alone, one.request, one.at)[0]:
                hours[int(one.at % DAY // HOUR)] += self.world.weight
        if not hours.any():
            return compile_plan(self.alone)
        daily = (hours + hours.mean() * LEAST_HOURLY) / self.world.days
        return compile_plan(self.alone, {self.sold.flight.id: Expected(supply=np.tile(daily, 7).tolist(), settle_share=self.world.begun.settle)})

    def misses(self, one: Logged) -> bool:
        """Whether the flight does not match this request, whatever else."""
        inventory = self.inventories[one.era]
        return bool(targeting.first_failures(inventory, one.request, one.at)[inventory.flight_row[self.sold.flight.id]])

    def paced(self, own: DeliveryState, at: float) -> pacing.Pacing:
        """The flight's pace with its counters ``own``."""
        return pacing.pace(self.alone, self.plan, own, at)

    def decide(self, one: Logged, own: DeliveryState, history: Sequence[tuple[str, Seen]], pace: pacing.Pacing) -> Decision:
        """The decision of one logged break, with the flight's counters ``own``, its pace and what its viewer saw of it, by session."""
        inventory, taken = self.inventories[one.era], self.taken[one.era]
        row = inventory.flight_row[self.sold.flight.id]
        spent = one.spent.copy()
        spent[row] = pacing.spent(self.alone, own)[0]
        state = replace(DeliveryState.empty(len(inventory.flights)), spent=spent, **self._remembered(one, history))
        chances = Scores(one.pctr[taken], one.pvcr[taken], no_rows, None, one.quality[taken])
        rates, multiplier = one.rates[taken], one.multipliers.copy()
        ours = np.flatnonzero(inventory.ad_flight == row)
        every = np.arange(len(self.alone.ads))
        response = pacing.response(self.alone, every, chances.pctr[ours], chances.pvcr[ours])
        rates[ours], multiplier[row] = pacing.pass_rates(pace, self.alone, every, response), pace.multiplier[0]
        return decide(
            one.request, inventory=inventory, state=state, score=_answering(chances), now=datetime.fromtimestamp(one.at, UTC),
            rng=np.random.default_rng(one.seed), paced=_paced(inventory, rates, multiplier),
        )  # fmt: skip

    def _remembered(self, one: Logged, history: Sequence[tuple[str, Seen]]) -> dict[str, Any]:
        """What the viewer saw, with what really was seen of the flight since the time began replaced by what would have been."""
        flight, session = self.sold.flight, str(one.request.session)

        def others(entries: tuple[Seen, ...]) -> tuple[Seen, ...]:
            return tuple(entry for entry in entries if entry.flight != flight.id or entry.at < self.world.since)

        own = [entry for _, entry in history]
        lifetime = dict(one.lifetime)
        for scope in {cap.scope for cap in flight.caps if cap.per == LIFETIME}:
            for number, more, less in _counts(scope, flight, own, one.held):
                lifetime[f"{scope}:{number}"] = max(0, lifetime.get(f"{scope}:{number}", 0) + more - less)
        return {
            "seen": (*others(one.seen), *own),
            "stream": (*others(one.stream), *(entry for where, entry in history if where == session)),
            "lifetime": lifetime,
        }


def _counts(scope: str, flight: FlightRow, own: Sequence[Seen], held: Sequence[int]) -> list[tuple[int, int, int]]:
    """(id, servings that would have been, servings that were) of each thing of ``scope`` that the flight's servings count for."""
    if scope != "ad":
        return [({"flight": flight.id, "campaign": flight.campaign, "advertiser": flight.advertiser}[scope], len(own), len(held))]
    ads = {entry.ad for entry in own} | set(held)
    return [(ad, sum(entry.ad == ad for entry in own), sum(one == ad for one in held)) for ad in sorted(ads)]


def run(
    world: World, sold: Sold, *, like: Run | None = None, touches: frozenset[str] = frozenset(), tick: Callable[[int], None] | None = None
) -> Run:
    """Decide every request of ``world`` with the flight as ``sold``.

    ``like`` is the run of the flight as it is, ``touches`` the stages whose outcome the change can alter by itself (empty: any): where it
    cannot matter, the answer of ``like`` stands. ``tick`` is told every `TICK` requests.
    """
    running = _Running(world, sold, like, touches)
    for place in range(len(world.logged)):
        if tick and place % TICK == 0:
            tick(TICK)
        running.step(place)
    return running.found()


class _Running:
    """One pass over the requests: the flight's counters and what each viewer saw of it, as they would be."""

    def __init__(self, world: World, sold: Sold, like: Run | None, touches: frozenset[str]) -> None:
        self.world, self.sold, self.like, self.touches = world, sold, like, touches
        self.variant = Variant(world, sold)
        self.account = _Account(world.begun.delivered, world.begun.micros)
        self.history: defaultdict[str, list[tuple[str, Seen]]] = defaultdict(list)
        self.parted: set[str] = set()
        self.figures = np.zeros((5, len(world.logged)))
        self.paced = np.zeros((len(world.logged), 3))
        self.reasons: list[tuple[str, ...]] = []
        self.others: list[tuple[int, ...]] = []
        self.entries: list[tuple[Seen, ...]] = []

    def step(self, place: int) -> None:
        one = self.world.logged[place]
        own = self.account.at(one.at)
        pace = self.variant.paced(own, one.at)
        self.paced[place] = pace.signal[0], pace.multiplier[0], pacing.spent(self.variant.alone, own)[0]
        if self.like is not None and one.person not in self.parted and self._stands(place, one, self.like):
            self._take(place, self.like)
        else:
            self._decide(place, one, own, pace)
        self.account.add(self.figures[2, place] * self.world.weight, self.figures[3, place] * self.world.weight)
        self.history[one.person] += [(str(one.request.session), entry) for entry in self.entries[place]]
        if self.like is not None and self.like.won[place] != self.figures[0, place]:
            self.parted.add(one.person)

    def _stands(self, place: int, one: Logged, like: Run) -> bool:
        """Whether the change cannot alter what became of this request."""
        stages = {stage_of(code) for code in like.reasons[place]}
        if not like.won[place] and (self.variant.misses(one) or (self.touches and stages <= EARLY - self.touches)):
            return True
        return bool(self.touches) and not stages & self.touches and bool((self.paced[place] == like.paced[place]).all())

    def _take(self, place: int, like: Run) -> None:
        self.figures[:, place] = like.won[place], like.impressions[place], like.events[place], like.micros[place], like.needed[place]
        self.reasons.append(like.reasons[place])
        self.others.append(like.others[place])
        self.entries.append(like.entries[place])

    def _decide(self, place: int, one: Logged, own: DeliveryState, pace: pacing.Pacing) -> None:
        decided, inventory = self.variant.decide(one, own, self.history[one.person], pace), self.variant.inventories[one.era]
        winners = [(slot.alternates[0], inventory.ads[slot.alternates[0].row]) for slot in decided.slots]
        ours = [(alternate, ad) for alternate, ad in winners if ad.flight == self.sold.flight.id]
        for alternate, _ in ours:
            self.figures[:4, place] += (1.0, *_yields(self.sold.flight, alternate, self.world.begun.settle))
        self.figures[4, place] = _needed(decided, self.sold, one.request.reserve_micros)
        self.reasons.append(_reasons(decided, self.sold))
        self.others.append(tuple(ad.flight for _, ad in winners))
        flight = self.sold.flight
        self.entries.append(tuple(Seen(one.at, ad.id, flight.id, flight.campaign, flight.advertiser, ad.category) for _, ad in ours))

    def found(self) -> Run:
        won, impressions, events, micros, needed = (self.figures[row] for row in range(5))
        return Run(won, impressions, events, micros, needed, tuple(self.reasons), tuple(self.others), tuple(self.entries), self.paced)


def with_sold(rows: Rows, sold: Sold) -> Rows:
    """``rows`` with the flight as ``sold`` in place of what it was."""
    flight = sold.flight.id
    return Rows((*(one for one in rows.flights if one.id != flight), sold.flight), (*(ad for ad in rows.ads if ad.flight != flight), *sold.ads))


def _taken(era: Inventory, inventory: Inventory, base: Sold) -> Ints:
    """For each ad of ``inventory`` its place in ``era``; one that is new there stands where the flight's first ad does."""
    first = era.ad_row[min(ad.id for ad in base.ads)]
    return np.array([era.ad_row.get(int(ad), first) for ad in inventory.ad_id], dtype=np.int64)


def _answering(chances: Scores) -> Scorer:
    def score(request: AdRequest, candidates: Candidates) -> Scores:
        rows, quality = candidates.rows, chances.quality
        return Scores(chances.pctr[rows], chances.pvcr[rows], no_rows, None, None if quality is None else quality[rows])

    return score


def _paced(inventory: Inventory, rates: Floats, multiplier: Floats) -> pacing.Pacing:
    """As `pacing.restored`: what only an explanation would tell stands at 1."""
    flights = len(inventory.flights)
    ones, nobody = np.ones(flights), np.zeros(flights, dtype=bool)
    layers = np.zeros((flights, LAYERS - 1))
    return pacing.Pacing(ones, multiplier, ones, ones, np.full(flights, pacing.CODES["on_plan"], dtype=np.int64), nobody, layers, rates)


def _yields(flight: FlightRow, alternate: Alternate, settle: float) -> tuple[float, float, float]:
    """(impressions, goal events, micros) to be expected of one slot won."""
    pricing = PRICINGS.index(flight.pricing)
    charged = {CPC: alternate.pctr, CPCV: alternate.pvcr}.get(pricing, 1.0)
    micros = 0.0 if flight.tier == "house" else alternate.event_price_micros * charged * settle
    events = {"completed_views": alternate.pvcr * settle, "clicks": alternate.pctr * settle, "spend": micros}.get(flight.goal_type, settle)
    return settle, events, micros


def _reasons(decided: Decision, sold: Sold) -> tuple[str, ...]:
    """What became of each of the flight's ads, those that came furthest first."""
    ours = {ad.id for ad in sold.ads}
    told = [one["reason"] for one in decided.explanation["candidates"] if one["ad"] in ours]
    if len(told) < len(ours):
        told += [code for code, ads in decided.explanation["others"].items() for ad in ads if ad in ours]
    return tuple(told)


def _needed(decided: Decision, sold: Sold, reserve: int) -> float:
    """By how much the flight's score would have to be multiplied to win a slot of its tier and priority."""
    candidates = decided.explanation["candidates"]
    ours = [one for one in candidates if one["flight"] == sold.flight.id]
    if any(one["slot"] is not None for one in ours):
        return 1.0
    racing = [one for one in ours if one["reason"] in ("runner_up", "no_room", "below_reserve") and one["score"] > 0]
    if not racing:
        return float("nan")
    best = max(racing, key=lambda one: float(one["score"]))
    beaten = [one["score"] for one in candidates if one["slot"] is not None and (one["tier"], one["priority"]) == (best["tier"], best["priority"])]
    floor = reserve / best["value_micros"]
    return float(max(floor, min(beaten) / best["score"])) if beaten else floor if not decided.slots else float("inf")
