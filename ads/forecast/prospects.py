"""From a log, what was measured and what is booked to what each flight can expect. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ads.decision.inventory import CPM, NO_LIMIT, FlightRow, Inventory
from ads.decision.plan import HOURS, LAYERS, WEEK
from ads.decision.state import Floats, Ints, Mask

from . import allocation, capping, supply, words
from .capping import Left, People
from .expectation import Range
from .log import Log
from .yields import Yields


@dataclass(frozen=True)
class Booked:
    """What the ledger says of each flight [n]: goal events delivered, micros booked."""

    delivered: Ints
    micros: Ints


@dataclass(frozen=True)
class Outlook:
    """Per flight: ``supply`` [168, n] expected eligible requests by hour of the week, ``eligible`` [n] of them until its end,
    ``win_share`` [n] of them that the others and its caps leave it, ``expected`` [n] goal events (micros where the goal is
    spend) at its end, ``prospects`` what its warning is made of. ``of_people`` [m, n] says whom each logged request of the people may be
    served by."""

    supply: Floats
    eligible: Floats
    win_share: Floats
    expected: Floats
    prospects: tuple[words.Prospect, ...]
    of_people: Mask

    def warnings(self, currency: str, simulated: Mapping[int, Range] | None = None) -> tuple[str, ...]:
        """In words for each flight; from what was ``simulated`` (by row) where it was."""
        ranges = simulated or {}
        return tuple(
            words.warning(prospect if row not in ranges else _simulated(prospect, ranges[row]), currency)
            for row, prospect in enumerate(self.prospects)
        )


def outlook(inventory: Inventory, log: Log, yields: Yields, booked: Booked, people: People) -> Outlook:
    """What every flight of ``inventory`` can expect from ``log.now`` on, all of them competing, by allocation of what is expected: what pacing
    plans with, and all that is said where there are too many flights to simulate."""
    flights = len(inventory.flights)
    if not log.logged:
        nothing = np.zeros(flights)
        unknown = tuple(_unknown(row) for row in inventory.flights)
        return Outlook(
            np.zeros((HOURS, flights)), nothing, np.ones(flights), booked.delivered.astype(np.float64), unknown,
            np.zeros((0, flights), dtype=bool),
        )  # fmt: skip
    found = supply.eligibility(inventory, log.requests, log.weight)
    of_people = found.mask if people.requests is log.requests else supply.eligibility(inventory, people.requests, np.ones(len(people.requests))).mask
    hourly = log.traffic[:, None] * supply.shares(log.hour, log.weight, found.mask)
    begins = np.maximum(inventory.starts, log.now)
    eligible = supply.expected(hourly, begins, inventory.ends)
    missing = _missing(inventory, yields, booked)
    wins = np.minimum(missing.by_goal, missing.by_budget)
    until = float(inventory.ends.max(initial=log.now))
    ahead = allocation.future(log.hour, log.rate, log.slots, now=log.now, until=until)
    # Of what is to be won after the weeks that are laid out, nothing is laid out.
    near = supply.expected(hourly, begins, np.minimum(inventory.ends, log.now + allocation.MOST_WEEKS * WEEK))
    share_near = np.divide(near, eligible, out=np.ones(flights), where=eligible > 0)
    left = capping.left(inventory, people, of_people, wins)
    outcome = allocation.allocate(inventory, found.mask, ahead, wins * share_near, left.share)
    winnable = np.divide(outcome.winnable, outcome.eligible, out=np.ones(flights), where=outcome.eligible > 0)
    win_share = np.minimum(winnable, left.share)
    won = np.divide(outcome.wins, outcome.eligible, out=np.zeros(flights), where=outcome.eligible > 0) * eligible
    so_far = np.where(missing.in_money, booked.micros, booked.delivered)
    per_win = np.where(missing.in_money, missing.micros_per_win, yields.events_per_win)
    expected = so_far + np.minimum(won, wins) * per_win
    uncapped = so_far + np.minimum(winnable * eligible, wins) * per_win
    hindrances = _hindrances(found.alone, flights)
    prospects = tuple(
        words.Prospect(
            goal_type=row.goal_type,
            goal=row.goal_amount if row.tier != "house" else None,
            expected=float(expected[flight]),
            eligible=float(eligible[flight]),
            winnable=float(eligible[flight] * winnable[flight]),
            by_budget=_affordable(inventory, yields, booked, missing, flight),
            hours=float(inventory.ends[flight] - begins[flight]) / 3600.0,
            ends=float(inventory.ends[flight]),
            logged=log.logged,
            hindrance=hindrances[flight],
            capping=_capping(left, flight, float(uncapped[flight])),
        )
        for flight, row in enumerate(inventory.flights)
    )
    return Outlook(hourly, eligible, win_share, expected, prospects, of_people)


def _simulated(prospect: words.Prospect, found: Range) -> words.Prospect:
    """What the simulation expects, and whether it is the budget that ends it there: prices are simulated too."""
    in_money = prospect.goal_type == "spend"
    by_budget = found.mean if found.by_budget and not in_money else None
    return replace(prospect, expected=found.mean, low=found.low, high=found.high, by_budget=by_budget)


def _unknown(row: FlightRow) -> words.Prospect:
    return words.Prospect(
        goal_type=row.goal_type, goal=None, expected=0.0, eligible=0.0, winnable=0.0, by_budget=None, hours=0.0, ends=row.ends, logged=0, hindrance=""
    )


def _capping(left: Left, flight: int, uncapped: float) -> words.Capping | None:
    cap = left.cap[flight]
    if cap is None:
        return None
    share, viewers, weekly, sessions = (float(figure[flight]) for figure in (left.share, left.viewers, left.weekly, left.sessions))
    return words.Capping(cap, share, viewers, weekly, sessions, uncapped)


@dataclass(frozen=True)
class _Missing:
    """Slots [n] still to win until the goal or the budget is reached, infinite where there is no such limit or its size is not known."""

    by_goal: Floats
    by_budget: Floats
    micros_per_win: Floats
    in_money: Mask


def _missing(inventory: Inventory, yields: Yields, booked: Booked) -> _Missing:
    dearest = np.where(inventory.pricing == CPM, inventory.bid / 1000.0 * yields.settle_share, 0.0)
    micros = np.where(yields.micros_per_win > 0, yields.micros_per_win, dearest)
    in_money = np.array([row.goal_type == "spend" for row in inventory.flights], dtype=bool)
    return _Missing(
        _slots(inventory.goal, booked.delivered, yields.events_per_win),
        _slots(inventory.budget, booked.micros, micros),
        micros,
        in_money,
    )


def _slots(limit: Ints, used: Ints, of_one: Floats) -> Floats:
    known = (limit < NO_LIMIT) & (of_one > 0)
    slots: Floats = np.where(known, np.maximum(limit - used, 0) / np.where(known, of_one, 1.0), np.inf)
    return slots


def _affordable(inventory: Inventory, yields: Yields, booked: Booked, missing: _Missing, flight: int) -> float | None:
    """Goal events that the budget pays for, those booked included; None where the goal is money or the price is not known."""
    if missing.in_money[flight] or not np.isfinite(missing.by_budget[flight]):
        return None
    return float(booked.delivered[flight] + missing.by_budget[flight] * yields.events_per_win[flight])


def _hindrances(alone: Mapping[str, Floats], flights: int) -> list[str]:
    """For each flight the rule that alone keeps most requests away."""
    if not alone:
        return [""] * flights
    names, weights = list(alone), np.stack(list(alone.values()))
    best = weights.argmax(axis=0)
    return [names[row] if weights[row, flight] > 0 else "" for flight, row in enumerate(best.tolist())]


def layers(responses: Sequence[float]) -> list[float]:
    """The borders between `LAYERS` layers with as many predicted responses each; none where there are too few, or they are all alike."""
    if len(responses) < 20 * LAYERS:
        return []
    borders = np.quantile(np.asarray(responses), np.arange(1, LAYERS) / LAYERS)
    return borders.tolist() if borders[-1] > borders[0] else []
