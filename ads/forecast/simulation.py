"""The coming weeks, served break by break: who would win what, against whom, and what keeps a flight from the rest. Pure.

A forecast that multiplies shares misses what flights do to each other. Here the people of the log come again (`crowd`), and every break
goes through the parts of the real decision: targeting, what the viewer was served before, budget, goal and their limits of the day,
reserve price, pacing with its own controller, share of voice, then the pod: tier and priority, bid x predicted response x quality x
urgency, one advertiser and one category in a break, its seconds and its places, and exploration. Many possible futures run beside each
other in one array, so that their spread tells how sure a figure is.

Two things are simpler than in `ads.decision.decide`: a pod takes the best ad that fits, one after the other, where the decision solves
the knapsack; and the pacing signal is read once a step of the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from ads.decision.auction import HOUSE_CHANCE
from ads.decision.exploration import EPSILON
from ads.decision.inventory import CPCV, HOUSE, SPONSORSHIP, Inventory
from ads.decision.plan import DAY, PacingPlan
from ads.decision.pod import ANYWHERE, TOLERANCE_SECONDS
from ads.decision.request import AdRequest
from ads.decision.state import Floats, Ints, Mask

from .crowd import Crowd
from .limits import Memory, limits_of
from .steering import Ends, Pacer

# How far a flight came in a break that it matched, in the order of the decision; 0 where it matched none.
SPENT, CAPPED, CHEAP, PACED, WAITED, LOST, WON = range(1, 8)
STAGES = 8
# More servings of a pod than this in one break are not simulated.
MOST_PLACES = 10


@dataclass(frozen=True)
class Breaks:
    """The logged requests [m] as the simulation needs them: ``eligible`` [m, ads] by every rule on the request alone, how it was asked, and
    what was predicted for each ad in each, ``pctr`` and ``pvcr`` [m, ads]; ``quality`` [ads]."""

    eligible: Mask
    known: Mask
    seconds: Floats
    places: Ints
    reserve: Floats
    gap: Floats
    pctr: Floats
    pvcr: Floats
    quality: Floats


@dataclass(frozen=True)
class Won:
    """What comes of one slot won, for each lane and flight [lanes, flights]: the chance that its impression is seen, and its goal events and
    micros; NaN micros where the auction's own price is to be taken. ``worth`` multiplies what an impression of it is worth."""

    seen: Floats
    events: Floats
    micros: Floats
    worth: Floats


@dataclass(frozen=True)
class Start:
    """What is booked on each flight [n] at the beginning: goal events and micros, and those of the UTC day."""

    delivered: Floats
    micros: Floats
    day_delivered: Floats
    day_micros: Floats


@dataclass(frozen=True)
class Run:
    """What happened. ``delivered`` and ``micros`` [lanes, n] at each flight's end or the run's, what was booked before included; ``days``
    [d + 1, lanes, n] delivered until the beginning of each day and the end; ``stages`` [STAGES, n] requests (mean of the lanes) by how far
    the flight came; ``taken`` [n, n] requests that flight wanted and was admitted to, and others won (an equal part to each winner of the
    break). ``slots`` [lanes, n] are slots won, ``seen`` impressions. Servings, in columns [w]: ``flight``, ``request`` (its place in the crowd) and
    ``weight``, how many real slots it stands for."""

    delivered: Floats
    micros: Floats
    slots: Floats
    seen: Floats
    days: Floats
    day_begins: Floats
    stages: Floats
    taken: Floats
    flight: Ints
    request: Ints
    weight: Floats

    def matched(self, flight: int) -> float:
        """How many breaks the flight (row) matched."""
        return float(self.stages[SPENT:, flight].sum())


def breaks_of(
    inventory: Inventory, requests: tuple[AdRequest, ...], known: Mask, eligible: Mask, pctr: Floats, pvcr: Floats, quality: Floats
) -> Breaks:
    """``eligible`` [m, flights]. Ads longer than the break do not stand in it."""
    seconds = np.array([request.duration for request in requests], dtype=np.float64) + TOLERANCE_SECONDS
    fits = inventory.ad_duration <= seconds[:, None]
    return Breaks(
        eligible=eligible[:, inventory.ad_flight] & fits,
        known=known,
        seconds=seconds,
        places=np.array([min(request.max_ads, MOST_PLACES) for request in requests], dtype=np.int64),
        reserve=np.array([request.reserve_micros for request in requests], dtype=np.float64),
        gap=np.array([request.creative_gap for request in requests], dtype=np.float64),
        pctr=pctr,
        pvcr=pvcr,
        quality=quality,
    )


def simulate(
    inventory: Inventory, breaks: Breaks, crowd: Crowd, won: Won, start: Start, *, plan: PacingPlan | None, rng: Generator, alone: bool = False
) -> Run:
    """Serve ``crowd``. With ``alone`` every flight has the breaks to itself: no rival, no pacing, no goal and no budget, only whom it reaches
    and its own caps; sponsorships keep their share of voice. The same crowd, inventory and generator give the same run."""
    return _Simulation(inventory, breaks, crowd, won, start, plan, rng, alone=alone).run()[0]


def with_and_without(
    inventory: Inventory, breaks: Breaks, crowd: Crowd, won: Won, start: Start, *, plan: PacingPlan | None, rng: Generator, absent: int
) -> tuple[Run, Run]:
    """Serve ``crowd`` twice, side by side: with all flights, and without the one (row) that is ``absent``. Chance falls alike in both, so that
    what differs is that flight's doing."""
    first, second = _Simulation(inventory, breaks, crowd, won, start, plan, rng, absent=absent).run()
    return first, second


class _Simulation:
    """Lanes of the crowd, and with an ``absent`` flight as many again after them, in which it is left out."""

    def __init__(
        self,
        inventory: Inventory,
        breaks: Breaks,
        crowd: Crowd,
        won: Won,
        start: Start,
        plan: PacingPlan | None,
        rng: Generator,
        *,
        alone: bool = False,
        absent: int | None = None,
    ) -> None:
        self.inventory, self.crowd, self.breaks, self.rng, self.alone, self.absent = inventory, crowd, breaks, rng, alone, absent
        self.times = 1 if absent is None else 2
        # Ads of one flight stand side by side, so that a flight's figures are one sum over its ads.
        order = np.argsort(inventory.ad_flight, kind="stable")
        self.order, self.of = order, inventory.ad_flight[order]
        self.first = np.flatnonzero(np.diff(self.of, prepend=-1))
        self.eligible = breaks.eligible[:, order]
        self.tier, self.seconds = inventory.ad_tier[order], inventory.ad_duration[order]
        self.house, self.sponsor = self.tier == HOUSE, self.tier == SPONSORSHIP
        self.level = inventory.ad_level[order] * -1e3
        self.value = self._values(inventory, breaks)
        self.response = np.where(inventory.pricing[self.of] == CPCV, breaks.pvcr[:, order], breaks.pctr[:, order])
        self.quality = breaks.quality[order]
        self.clash = _clash(inventory)[np.ix_(order, order)]
        self.starts, self.ends = inventory.starts[self.of], inventory.ends[self.of]
        limits = limits_of(inventory, alone=alone, often=int(np.bincount(crowd.unit, minlength=1).max()) + 1)
        self.memory = Memory(replace(limits, counted=limits.counted[:, order], stopped=limits.stopped[:, order]), crowd.units * self.times)
        self.won = Won(*(np.tile(column, (self.times, 1)) for column in (won.seen, won.events, won.micros, won.worth)))
        lanes, flights = crowd.lanes * self.times, len(inventory.flights)
        self.slots, self.seen = np.zeros((lanes, flights)), np.zeros((lanes, flights))
        self.delivered, self.micros, self.day_delivered, self.day_micros = (
            np.tile(column, (lanes, 1)) for column in (start.delivered, start.micros, start.day_delivered, start.day_micros)
        )
        self.pacer = None if plan is None or alone else Pacer(inventory, plan, lanes)
        self.limited = Ends(inventory, alone=alone)
        self.stages, self.taken = np.zeros(STAGES * flights), np.zeros((flights, flights))
        self.wins: list[tuple[Ints, Ints, Ints, Floats]] = []

    def _values(self, inventory: Inventory, breaks: Breaks) -> Floats:
        lineup = inventory.lineup
        worth = lineup.worth_shown + lineup.worth_clicked * breaks.pctr + lineup.worth_completed * breaks.pvcr
        worth = np.broadcast_to(worth, breaks.pctr.shape)[:, self.order]
        found: Floats = np.where(self.house, 0.0, worth)
        return found

    def run(self) -> tuple[Run, ...]:
        crowd, now = self.crowd, self.crowd.now
        begins = [now]
        days = [self.delivered.copy()]
        today, ticked = now // DAY, -np.inf
        for batch, clock in enumerate(crowd.clock.tolist()):
            if clock != ticked:
                ticked = clock
                if clock // DAY > today:
                    today = clock // DAY
                    self.day_delivered[:], self.day_micros[:] = 0.0, 0.0
                while clock >= begins[-1] + DAY:
                    begins.append(begins[-1] + DAY)
                    days.append(self.delivered.copy())
                self._tick(max(clock + crowd.step / 2, now))
            self._serve(crowd.batches[batch], crowd.batches[batch + 1])
        begins.append(crowd.until)
        days.append(self.delivered.copy())
        return tuple(self._told(half, np.stack(days), np.array(begins)) for half in range(self.times))

    def _told(self, half: int, days: Floats, begins: Floats) -> Run:
        lanes = slice(half * self.crowd.lanes, (half + 1) * self.crowd.lanes)
        nobody = np.zeros(0, dtype=np.int64)
        lane, flight, request, weight = (np.concatenate(column) for column in zip((nobody, nobody, nobody, np.zeros(0)), *self.wins, strict=True))
        here = (lane >= lanes.start) & (lane < lanes.stop)
        return Run(
            delivered=self.delivered[lanes],
            micros=self.micros[lanes],
            slots=self.slots[lanes],
            seen=self.seen[lanes],
            days=days[:, lanes],
            day_begins=begins,
            stages=self.stages.reshape(STAGES, -1) / self.crowd.lanes,
            taken=self.taken / self.crowd.lanes,
            flight=flight[here],
            request=request[here],
            weight=weight[here],
        )

    def _tick(self, moment: float) -> None:
        inventory = self.inventory
        self.dated = ((inventory.starts < moment + self.crowd.step / 2) & (inventory.ends > moment - self.crowd.step / 2))[self.of]
        self.signal, self.urgency = np.ones_like(self.delivered), np.ones_like(self.delivered)
        if self.pacer is not None:
            self.signal, self.urgency = self.pacer.at(moment, self.delivered, self.micros, self.day_delivered, self.day_micros)
        self.over = self.limited.reached(self.delivered, self.micros, self.day_delivered, self.day_micros)

    def _serve(self, begins: int, ends: int) -> None:
        crowd, breaks = self.crowd, self.breaks
        requests = np.arange(begins, ends)
        row, at = crowd.row[requests], crowd.at[requests]
        matched = self.eligible[row] & self.dated & (at[:, None] < self.ends) & (at[:, None] >= self.starts)
        if not matched.any():
            return
        lane, unit = crowd.lane[requests], crowd.unit[requests]
        if self.absent is not None:
            matched = np.concatenate([matched, matched & (self.of != self.absent)])
            lane, unit = np.concatenate([lane, lane + crowd.lanes]), np.concatenate([unit, unit + crowd.units])
            row, at, requests = np.tile(row, 2), np.tile(at, 2), np.tile(requests, 2)
        since, weight = at - crowd.now, crowd.weight[requests]
        open_ = matched & ~self.over[lane][:, self.of]
        free = open_ & ~self.memory.stopped(unit, since, crowd.began[requests] - crowd.now, breaks.gap[row], breaks.known[row])
        value = self.value[row] * self.won.worth[lane][:, self.of]
        dear = free & ((value >= breaks.reserve[row][:, None]) | self.house)
        passed = dear & self._passed(lane, row)
        admitted = passed & self._turns(passed)
        chosen, price = (_one_each(admitted, self.of), value) if self.alone else self._pods(row, lane, admitted, value)
        self._book(lane, requests, weight, chosen, price)
        self.memory.served(unit, since, chosen)
        self._tell(weight, lane, matched, open_, free, dear, passed, admitted, chosen)

    def _draws(self, count: int, *columns: int) -> Floats:
        """Uniform numbers [count, columns], the same in the lanes with a flight and in those without it."""
        drawn = self.rng.random((count // self.times, *columns))
        return drawn if self.times == 1 else np.concatenate([drawn] * self.times)

    def _passed(self, lane: Ints, row: Ints) -> Mask:
        """Pacing: one draw for each flight and break, as in the decision."""
        if self.pacer is None:
            return np.ones((len(lane), len(self.of)), dtype=bool)
        rates = self.pacer.rates(self.of, self.signal[lane][:, self.of], self.response, row)
        passed: Mask = (self._draws(len(lane), len(self.inventory.flights))[:, self.of] < rates) | self.house | self.sponsor
        return passed

    def _turns(self, passed: Mask) -> Mask:
        """Whose turn it is among sponsorships: `ads.decision.auction.admitted`, for all breaks at once."""
        if not self.sponsor.any():
            return np.ones_like(passed)
        draw = self._draws(len(passed), 1)
        if self.alone:
            struck = draw < self.inventory.share_of_voice
        else:
            matching = np.logical_or.reduceat(passed & self.sponsor, self.first, axis=1)
            ends = np.ceil(np.cumsum(np.where(matching, self.inventory.share_of_voice, 0.0), axis=1) - draw)
            struck = ends > np.concatenate([np.ceil(-draw), ends[:, :-1]], axis=1)
        turns: Mask = struck[:, self.of] | ~self.sponsor
        return turns

    def _pods(self, row: Ints, lane: Ints, admitted: Mask, value: Floats) -> tuple[Mask, Floats]:
        """Who stands in each break [b, ads], and the price of an impression of each."""
        breaks, count = self.breaks, len(row)
        factor = self.quality * self.urgency[lane][:, self.of]
        score = value * factor
        ranked = score
        if self.house.any():
            ranked = np.where(self.house, self.seconds * (1.0 - HOUSE_CHANCE * self._draws(count, len(self.of))), score)
        ranked = np.log(np.maximum(ranked, 1e-9)) + self.level
        chosen, price = np.zeros_like(admitted), np.zeros(admitted.shape)
        able, left = admitted.copy(), breaks.seconds[row].copy()
        places = breaks.places[row]
        explored, turn = self._draws(count) < EPSILON, (self._draws(count) * places).astype(np.int64)
        everybody = np.arange(count)
        for place in range(int(places.max(initial=0))):
            able &= (self.seconds <= left[:, None]) & (place < places)[:, None]
            live = able.any(axis=1)
            if not live.any():
                break
            best = np.where(able, ranked, -np.inf).argmax(axis=1)
            exploring = live & explored & (turn == place) & ~self.house[best] & ~self.sponsor[best]
            if exploring.any():
                peers = able & (self.tier == self.tier[best][:, None])
                drawn = np.where(peers, self._draws(count, len(self.of)), -1.0).argmax(axis=1)
                best = np.where(exploring, drawn, best)
            able[everybody, best] = False
            rivals = np.where(able & ~self.house, score, 0.0).max(axis=1)
            own = np.maximum(factor[everybody, best], 1e-12)
            asked = np.minimum(value[everybody, best], np.where(exploring, 0.0, rivals / own))
            price[everybody, best] = np.maximum(breaks.reserve[row], asked)
            chosen[everybody[live], best[live]] = True
            left -= np.where(live, self.seconds[best], 0.0)
            able &= ~self.clash[best]
        return chosen, np.where(self.house, 0.0, price)

    def _book(self, lane: Ints, requests: Ints, weight: Floats, chosen: Mask, price: Floats) -> None:
        who, ad = np.nonzero(chosen)
        if not len(who):
            return
        flight, lanes = self.of[ad], lane[who]
        slots = weight[who]
        cell = lanes * len(self.inventory.flights) + flight
        shape = self.delivered.shape
        size = shape[0] * shape[1]
        won: Floats = np.bincount(cell, weights=slots, minlength=size).astype(np.float64).reshape(shape)
        # What is won in the same second of the clock ends at the goal, and no later.
        paid = np.where(np.isnan(self.won.micros[lanes, flight]), price[who, ad] * self.won.seen[lanes, flight], self.won.micros[lanes, flight])
        micros: Floats = np.bincount(cell, weights=slots * paid, minlength=size).astype(np.float64).reshape(shape)
        events = won * self.won.events
        in_money = self.limited.in_money
        events[:, in_money] = micros[:, in_money]
        share = self.limited.share(events, micros, self.delivered, self.micros, self.day_delivered, self.day_micros)
        self.delivered += events * share
        self.day_delivered += events * share
        self.micros += micros * share
        self.day_micros += micros * share
        self.slots += won * share
        self.seen += won * share * self.won.seen
        self.over = self.limited.reached(self.delivered, self.micros, self.day_delivered, self.day_micros)
        self.wins.append((lanes, flight, requests[who], slots * share[lanes, flight]))

    def _tell(self, weight: Floats, lane: Ints, *masks: Mask) -> None:
        """Add up how far every flight came, and who won what others were admitted to."""
        # Each mask lies within the one before it: who passed one and not the next ended there.
        stage = np.add.reduce(masks, axis=0, dtype=np.int64)
        if self.times > 1:
            real = lane < self.crowd.lanes
            weight, stage = weight[real], stage[real]
        of_flight = np.maximum.reduceat(stage, self.first, axis=1)
        flights = of_flight.shape[1]
        cell = (of_flight * flights + np.arange(flights)).ravel()
        self.stages += np.bincount(cell, weights=np.repeat(weight, flights), minlength=STAGES * flights)
        if self.alone:
            return
        won, lost = of_flight == WON, of_flight == LOST
        part = weight / np.maximum(won.sum(axis=1), 1)
        self.taken += lost.astype(np.float64).T @ (won * part[:, None])


def _one_each(admitted: Mask, of: Ints) -> Mask:
    """The first admitted ad of each flight."""
    seen = np.cumsum(admitted, axis=1)
    first = np.flatnonzero(np.diff(of, prepend=-1))
    before: Ints = np.repeat(seen[:, first] - admitted[:, first], np.diff(np.append(first, len(of))), axis=1)
    found: Mask = admitted & (seen - before == 1)
    return found


def _clash(inventory: Inventory) -> Mask:
    """[ads, ads]: who may not share a pod: `ads.decision.pod.conflicts` for all pairs."""
    category, position = inventory.ad_category, inventory.ad_position
    excludes = inventory.excludes[inventory.ad_flight]
    kept_out = excludes[:, category]
    found: Mask = (category[:, None] == category) | (inventory.ad_advertiser[:, None] == inventory.ad_advertiser) | kept_out | kept_out.T
    found |= (position[:, None] == position) & (position[:, None] != ANYWHERE)
    return found
