"""The decision itself. Pure: the same request, inventory, state, scores, time and generator give the same decision, bit for bit."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.random import Generator

from . import auction, caps, exploration, limits, pacing, pod, targeting
from .control import in_control
from .explanation import CODES, Trace, explain
from .inventory import HOUSE, PRICE_PRIORITY, SPONSORSHIP, STANDARD, Inventory
from .packing import single
from .plan import PacingPlan
from .request import AdRequest
from .state import Alternate, Candidates, Codes, Contest, Decision, DeliveryState, Floats, Ints, Mask, Scorer, Scores, Slot

# Sponsorships bought their breaks, and house ads teach nothing that is sold.
EXPLORED_TIERS = (STANDARD, PRICE_PRIORITY)
SPENT_CODES = np.array([0, *(CODES[reason] for reason in pacing.SPENT)], dtype=np.uint8)
NOBODY = np.zeros(0, dtype=np.int64)


class Funnel:
    """Who is still in, and the first reason why each other ad is out. ``codes`` [flights] are the reasons found so far, 0 for none."""

    def __init__(self, inventory: Inventory, codes: Codes) -> None:
        self.code = codes[inventory.ad_flight]

    def drop(self, reason: str, ads: Mask) -> None:
        np.copyto(self.code, CODES[reason], where=ads & (self.code == 0))


def decide(
    request: AdRequest,
    *,
    inventory: Inventory,
    state: DeliveryState,
    score: Scorer,
    now: datetime,
    rng: Generator,
    plan: PacingPlan | None = None,
    paced: pacing.Pacing | None = None,
) -> Decision:
    """Fill one break: targeting, caps, budget, score, pacing, auction, pod, exploration.

    Each slot of the decision holds its alternates ranked best first; a reservation takes the first that fits.
    ``plan`` is what pacing knows beforehand, without it flights follow the clock; a replay hands in what was ``paced``.
    """
    moment = now.timestamp()
    spent = pacing.spent(inventory, state)
    state = replace(state, spent=spent)
    funnel = _filtered(inventory, request, state, spent, moment)
    asked = candidates(inventory, state, np.flatnonzero(funnel.code == 0))
    scores = score(request, asked)
    quality = auction.quality(asked) if scores.quality is None else scores.quality
    pace = paced or pacing.pace(inventory, plan, state, moment)
    rates = single(pacing.pass_rates(pace, inventory, asked.rows, pacing.response(inventory, asked.rows, scores.pctr, scores.pvcr)))
    offers = _offers(inventory, asked, scores, quality, pace)
    _admit(funnel.code, inventory, request, offers, rates, rng)
    standing = np.flatnonzero(funnel.code[offers.rows] == 0)
    eligible = offers.rows[standing]
    ads = pod.pool(inventory, eligible, _ranking(inventory, eligible, offers.score[standing], rng))
    chosen, clash, able, lot = _fill(request, ads, rng)
    trace = Trace(funnel.code, offers, ads, pace, chosen, clash, able, lot)
    slots = tuple(_slot(request, inventory, trace, index) for index in range(len(chosen)))
    return Decision(
        slots,
        explain(inventory, request, trace, slots),
        offers.rows,
        replace(scores, quality=quality),
        eligible,
        inventory.version,
        in_control(request),
        pacing.stored(pace, inventory, offers.rows, rates),
        spent,
        _contest(trace),
    )


def _filtered(inventory: Inventory, request: AdRequest, state: DeliveryState, spent: Codes, now: float) -> Funnel:
    codes = targeting.first_failures(inventory, request, now)
    codes = np.where(codes == 0, SPENT_CODES[spent], codes)
    flights = [] if caps.counted(request) else [("caps_uncountable", caps.uncountable(inventory, request))]
    if not request.house_ads and HOUSE in inventory.tiers_sold:
        flights.append(("house_not_allowed", inventory.tier == HOUSE))
    for reason, mask in flights:
        np.copyto(codes, CODES[reason], where=mask & (codes == 0))
    funnel = Funnel(inventory, codes)
    if state.seen or state.stream or state.lifetime:
        funnel.drop("frequency_cap", caps.reached(inventory, request, state, now))
        funnel.drop("too_soon", caps.too_soon(inventory, request, state, now))
        funnel.drop("stream_exclusive", caps.stream_taken(inventory, request, state))
    longest = request.duration + pod.TOLERANCE_SECONDS
    if inventory.longest_ad > longest:
        funnel.drop("too_long", inventory.ad_duration > longest)
    if request.limits is not None:
        for reason, ads in limits.failures(inventory, request.limits):
            funnel.drop(reason, ads)
    return funnel


def candidates(inventory: Inventory, state: DeliveryState, rows: Ints) -> Candidates:
    """The ads in ``rows`` with everything a scorer may know of them."""
    lineup = inventory.lineup
    ads, campaigns = np.zeros(len(lineup), dtype=np.int64), np.zeros(len(lineup), dtype=np.int64)
    for ad, times in Counter(entry.ad for entry in state.seen).items():
        row = inventory.ad_row.get(ad)
        if row is not None:
            ads[row] = times
    for campaign, times in Counter(entry.campaign for entry in state.seen).items():
        campaigns[inventory.rows_of_campaign.get(campaign, NOBODY)] = times
    return Candidates(lineup=lineup, rows=rows, seen_ad=ads[rows], seen_campaign=campaigns[rows], rates=state.rates)


def _offers(inventory: Inventory, asked: Candidates, scores: Scores, quality: Floats, pace: pacing.Pacing) -> auction.Offers:
    value = auction.values(asked, scores.pctr, scores.pvcr)
    if HOUSE in inventory.tiers_sold:
        value[inventory.ad_tier[asked.rows] == HOUSE] = 0.0
    multiplier = pace.multiplier[inventory.ad_flight[asked.rows]]
    return auction.Offers(asked.rows, scores.pctr, scores.pvcr, value, quality, multiplier, value * quality * multiplier)


def _admit(code: Codes, inventory: Inventory, request: AdRequest, offers: auction.Offers, rates: Floats, rng: Generator) -> None:
    """Reserve price, pacing and share of voice. Sponsorships pace by their share of voice, house ads need not pace."""
    rows = offers.rows
    flights, tier = inventory.ad_flight[rows], inventory.ad_tier[rows]
    least = limits.floors(inventory, request.limits, request.reserve_micros)
    cheap = offers.value < (least if isinstance(least, int) else least[rows])
    held = rng.random(len(inventory.flights))[flights] >= rates
    code[rows[held & (tier != HOUSE) & (tier != SPONSORSHIP)]] = CODES["paced"]
    code[rows[cheap & (tier != HOUSE)]] = CODES["below_reserve"]
    draw = float(rng.random())
    if SPONSORSHIP in inventory.tiers_sold:
        matching = np.zeros(len(inventory.flights), dtype=bool)
        matching[flights[(code[rows] == 0) & (tier == SPONSORSHIP)]] = True
        waiting = matching & ~auction.admitted(inventory, matching, draw)
        code[rows[waiting[flights] & (code[rows] == 0)]] = CODES["share_of_voice"]


def _ranking(inventory: Inventory, rows: Ints, score: Floats, rng: Generator) -> Floats:
    """What orders the pool within a tier and priority: the score; of house ads, which have none, the seconds they fill."""
    house = inventory.ad_tier[rows] == HOUSE
    if house.any():
        score[house] = auction.house_scores(inventory, rows[house], rng)
    return score


def _fill(request: AdRequest, ads: pod.Pool, rng: Generator) -> tuple[tuple[int, ...], Mask, Mask, exploration.Lot | None]:
    """The pod, who may not stand beside each of its ads, who could stand in each of its slots beside the rest, and the draw of the
    randomised slot."""
    milliseconds = round(request.duration * 1000) + pod.TOLERANCE_MILLISECONDS
    chosen = pod.fill(ads, milliseconds=milliseconds, max_ads=request.max_ads)
    if not chosen:
        nobody = np.zeros((0, len(ads)), dtype=bool)
        return (), nobody, nobody, None
    clash = pod.conflicts(ads, chosen)
    able = pod.standing(ads, chosen, clash, milliseconds=milliseconds)
    open_slots = [
        (slot, place, np.flatnonzero(able[slot] & (ads.tier == ads.tier[place])))
        for slot, place in enumerate(chosen)
        if ads.tier[place] in EXPLORED_TIERS
    ]
    lot = exploration.draw(rng, slots=open_slots)
    if lot is not None and lot.explored is not None:
        chosen[lot.slot] = lot.explored
        clash = pod.conflicts(ads, chosen)
        able = pod.standing(ads, chosen, clash, milliseconds=milliseconds)
    return tuple(chosen), clash, able, lot


def _contest(trace: Trace) -> Contest | None:
    lot, ads = trace.lot, trace.pool
    if lot is None or len(lot.places) < 2:
        return None
    places = list(lot.places)
    offered = np.searchsorted(trace.offers.rows, ads.row[places])
    factor = trace.offers.quality * trace.offers.multiplier
    return Contest(lot.slot, ads.row[places], ads.level[places], factor[offered], lot.of_others * len(places))


def _slot(request: AdRequest, inventory: Inventory, trace: Trace, index: int) -> Slot:
    ads, lot = trace.pool, trace.lot if trace.lot is not None and trace.lot.slot == index else None
    places = pod.alternates(trace.able[index], trace.pod[index])
    # House ads offer nothing, so nobody pays for having kept one out.
    rivals = _highest(ads, np.flatnonzero(trace.able[index] & (ads.tier != HOUSE)), len(places) + 1)
    rows = ads.row[places]
    offered = np.searchsorted(trace.offers.rows, rows).tolist()
    alternates = []
    for position, (place, row, offer) in enumerate(zip(places[: pod.ALTERNATES], rows.tolist(), offered, strict=False)):
        runner_up = next((float(ads.score[rival]) for rival in rivals if rival not in places[: position + 1]), 0.0)
        explored = lot is not None and place == lot.explored
        propensity = 1.0 if lot is None else lot.propensity(place)
        alternates.append(_alternate(request, inventory, trace.offers, row, offer, 0.0 if explored else runner_up, propensity, explored=explored))
    return Slot(index, lot is not None, tuple(alternates))


def _highest(ads: pod.Pool, places: Ints, most: int) -> list[int]:
    """Of the ads in ``places`` those that score most, the highest first."""
    scores = ads.score[places]
    if len(places) > most:
        best = np.argpartition(-scores, most)[:most]
        places, scores = places[best], scores[best]
    return places[np.argsort(-scores, kind="stable")].tolist()  # type: ignore[no-any-return]


def _alternate(
    request: AdRequest, inventory: Inventory, offers: auction.Offers, row: int, place: int, runner_up: float, propensity: float, *, explored: bool
) -> Alternate:
    """``place`` is where the ``row`` of the inventory stands among the offers."""
    flight = int(inventory.ad_flight[row])
    value, pctr, pvcr = float(offers.value[place]), float(offers.pctr[place]), float(offers.pvcr[place])
    price, event_price, hold = 0, 0, 0
    if inventory.tier[flight] != HOUSE:
        own, pricing = float(offers.quality[place] * offers.multiplier[place]), int(inventory.pricing[flight])
        least = limits.floors(inventory, request.limits, request.reserve_micros)
        price = auction.impression_price(value, own, runner_up, reserve=least if isinstance(least, int) else math.ceil(least[row]))
        event_price = auction.event_price(pricing, float(inventory.bid[flight]), price, pctr, pvcr)
        hold = auction.hold(pricing, event_price, pctr)
    return Alternate(row, value, price, event_price, hold, pctr, pvcr, propensity, explored)


def replayed(rows: Ints, scores: Scores) -> Scorer:
    """A scorer that answers with stored scores. Raises ValueError when the replay scores other candidates than the original."""

    def score(request: AdRequest, candidates: Candidates) -> Scores:
        if len(candidates) != len(rows):
            raise ValueError(f"the original scored {len(rows)} candidates, the replay {len(candidates)} for {request.break_id}")
        return scores

    return score
