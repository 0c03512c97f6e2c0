"""The decision itself. Pure: the same request, inventory, state, scores, time and generator give the same decision, bit for bit."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.random import Generator

from . import auction, caps, exploration, pacing, pod, targeting
from .explanation import CODES, Trace, explain
from .inventory import Inventory
from .request import AdRequest
from .state import Alternate, Candidates, Decision, DeliveryState, Floats, Ints, Mask, Scorer, Scores, Slot


class Funnel:
    """Who is still in, and the first reason why each other ad is out."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.alive = np.ones(len(inventory.ads), dtype=bool)
        self.code = np.zeros(len(inventory.ads), dtype=np.int64)

    def drop_flights(self, reason: str, flights: Mask) -> None:
        self.drop(reason, flights[self.inventory.ad_flight])

    def drop(self, reason: str, ads: Mask) -> None:
        np.copyto(self.code, CODES[reason], where=ads & self.alive)
        self.alive &= ~ads


def decide(request: AdRequest, *, inventory: Inventory, state: DeliveryState, score: Scorer, now: datetime, rng: Generator) -> Decision:
    """Fill one break: targeting, caps, budget, score, pacing, auction, exploration, pod.

    Each slot of the decision holds its alternates ranked best first; a reservation takes the first that fits.
    """
    moment = now.timestamp()
    funnel = Funnel(inventory)
    _filter(funnel, request, state, moment)
    scored = np.flatnonzero(funnel.alive)
    scores = score(request, candidates(inventory, state, scored))
    pctr, pvcr = _spread(inventory, scored, scores.pctr), _spread(inventory, scored, scores.pvcr)
    value = np.zeros(len(inventory.ads))
    value[scored] = auction.values(inventory, scored, scores.pctr, scores.pvcr)
    funnel.drop("below_reserve", funnel.alive & (value < auction.RESERVE_MICROS))
    pace = pacing.pace(inventory, state, moment)
    # One draw a flight whatever the funnel did, so that a replay meets the same numbers in the same order.
    funnel.drop_flights("paced", rng.random(len(inventory.flights)) >= pace.signal)
    eligible = np.flatnonzero(funnel.alive)
    ranked = _rank(inventory, eligible, value)
    slots, best = _fill(request, inventory, ranked, (value, pctr, pvcr), rng)
    trace = Trace(funnel.code, ranked, pctr, pvcr, value, pace.signal[inventory.ad_flight], best)
    explanation = explain(inventory, trace, slots)
    return Decision(slots, explanation, scored, scores, eligible, inventory.version)


def _filter(funnel: Funnel, request: AdRequest, state: DeliveryState, now: float) -> None:
    inventory = funnel.inventory
    for reason, flights in targeting.failures(inventory, request, now):
        funnel.drop_flights(reason, flights)
    for reason, flights in pacing.spent(inventory, state):
        funnel.drop_flights(reason, flights)
    funnel.drop_flights("caps_uncountable", caps.uncountable(inventory, request))
    funnel.drop("frequency_cap", caps.reached(inventory, request, state, now))
    funnel.drop("too_soon", caps.too_soon(inventory, request, state, now))
    funnel.drop("stream_exclusive", caps.stream_taken(inventory, request, state))
    funnel.drop("too_long", inventory.ad_duration > request.duration + pod.TOLERANCE_SECONDS)


def candidates(inventory: Inventory, state: DeliveryState, rows: Ints) -> Candidates:
    """The ads in ``rows`` with everything a scorer may know of them."""
    lineup = inventory.lineup
    return Candidates(
        lineup=lineup,
        rows=rows,
        seen_ad=_times_seen(lineup.ad[rows], [entry.ad for entry in state.seen]),
        seen_campaign=_times_seen(lineup.campaign[rows], [entry.campaign for entry in state.seen]),
        rates=state.rates,
    )


def _times_seen(ids: Ints, seen: list[int]) -> Ints:
    if not seen:
        return np.zeros(len(ids), dtype=np.int64)
    times: Ints = np.equal(ids[:, None], np.array(seen, dtype=np.int64)[None, :]).sum(axis=1)
    return times


def _spread(inventory: Inventory, rows: Ints, values: Floats) -> Floats:
    spread = np.zeros(len(inventory.ads))
    spread[rows] = values
    return spread


def _rank(inventory: Inventory, eligible: Ints, value: Floats) -> Ints:
    """By priority, then value, then id, so that equal candidates rank the same everywhere."""
    priority = inventory.priority[inventory.ad_flight[eligible]]
    return eligible[np.lexsort((eligible, -value[eligible], priority))]


def _fill(
    request: AdRequest, inventory: Inventory, ranked: Ints, parts: tuple[Floats, Floats, Floats], rng: Generator
) -> tuple[tuple[Slot, ...], int | None]:
    """The slots, and the ad that the randomised one holds when nothing is explored."""
    best = pod.fill(inventory, ranked, duration=request.duration, max_ads=request.max_ads)
    if not best:
        return (), None
    drawn = exploration.draw(rng, slots=len(best), eligible=len(ranked))
    chosen, explored = best, None
    if drawn.pick is not None:
        explored = int(ranked[drawn.pick])
        chosen = pod.fill(inventory, ranked, duration=request.duration, max_ads=len(best), fixed={drawn.slot: explored})
    randomised = chosen.index(explored) if explored is not None else drawn.slot
    slots = tuple(
        _slot(request, inventory, ranked, parts, chosen, index, best[drawn.slot] if index == randomised else None, explored)
        for index in range(len(chosen))
    )
    return slots, best[drawn.slot]


def _slot(
    request: AdRequest,
    inventory: Inventory,
    ranked: Ints,
    parts: tuple[Floats, Floats, Floats],
    chosen: list[int],
    index: int,
    best: int | None,
    explored: int | None,
) -> Slot:
    value, pctr, pvcr = parts
    rows = pod.alternates(inventory, ranked, chosen, index, duration=request.duration)
    alternates = []
    for place, row in enumerate(rows[: pod.ALTERNATES]):
        flight = inventory.ad_flight[row]
        pricing, bid = int(inventory.pricing[flight]), float(inventory.bid[flight])
        runner_up = float(value[rows[place + 1]]) if place + 1 < len(rows) and row != explored else 0.0
        price = auction.impression_price(float(value[row]), runner_up)
        event_price = auction.event_price(pricing, bid, price, float(pctr[row]), float(pvcr[row]))
        alternates.append(
            Alternate(
                row=row,
                value_micros=float(value[row]),
                price_micros=price,
                event_price_micros=event_price,
                hold_micros=auction.hold(pricing, event_price, float(pctr[row])),
                pctr=float(pctr[row]),
                pvcr=float(pvcr[row]),
                propensity=1.0 if best is None else exploration.propensity(best=row == best, eligible=len(ranked)),
                explored=row == explored,
            )
        )
    return Slot(index, best is not None, tuple(alternates))


def replayed(rows: Ints, scores: Scores) -> Scorer:
    """A scorer that answers with stored scores. Raises ValueError when the replay scores other candidates than the original."""

    def score(request: AdRequest, candidates: Candidates) -> Scores:
        if len(candidates) != len(rows):
            raise ValueError(f"the original scored {len(rows)} candidates, the replay {len(candidates)} for {request.break_id}")
        return scores

    return score
