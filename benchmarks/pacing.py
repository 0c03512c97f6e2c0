"""A week on uneven traffic with a surprise in it: what a hundred campaigns deliver of their goals, under our pacing and under simpler ones.

The forecast rests on a sample of the week before, through the code that forecasts in service. Campaigns compete for the same
requests; some ads that win are never seen; nothing may be delivered over a goal. A campaign counts when 1.2 times its goal
could be delivered beside 1.2 times every other's, by maximum flow over the requests that really came.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness, pacing_world
from benchmarks.harness import Goal, Options, Row, row
from benchmarks.pacing_world import DAY, HOUR, MONDAY, WEEK, Matches, Traffic

CAMPAIGNS = 100
REQUESTS, QUICK_REQUESTS = 290_000, 36_000
SEED = 20
# Of the slots offered in the week so many are sold, and to one campaign at most so much of its own forecast requests.
SOLD, OF_ITS_OWN = 0.65, 0.6
ELIGIBLE = 1.2
# Ads that win and are seen; how long until the impression is reported, or the hold expires.
SEEN, REPORT_SECONDS, HOLD_SECONDS = 0.93, 40.0, 120.0
# Clicks: how widely response differs between kinds of requests, and how far predictions are off.
CLICKS, SPREAD, ERROR = 0.01, 0.6, 0.25
WITHIN, WITHIN_EVENTS = 0.02, 1
Pacer = Callable[[float, Any, NDArray[np.int64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True)
class World:
    inventory: Any
    log: Traffic
    log_matches: Matches
    week: Traffic
    matches: Matches
    response: NDArray[np.float64]  # [flights, kinds]: the chance of a click


@dataclass(frozen=True)
class Delivered:
    """Impressions seen [n], and the clicks expected of them [n]."""

    impressions: NDArray[np.int64]
    clicks: NDArray[np.float64]


def measure(options: Options) -> Sequence[Row]:
    world = build(QUICK_REQUESTS if options.quick else REQUESTS, SEED)
    return report(world)


def build(requests: int, seed: int) -> World:
    rng = np.random.default_rng(seed)
    log = pacing_world.traffic(rng, requests, starts=MONDAY, surprise=False)
    week = pacing_world.traffic(rng, requests, starts=MONDAY + WEEK, surprise=True)
    rows = pacing_world.flights(rng, CAMPAIGNS, requests)
    inventory = pacing_world.compiled(rows)
    matches = Matches.find(inventory, log)
    response = CLICKS * rng.lognormal(0.0, SPREAD, (CAMPAIGNS, pacing_world.KINDS))
    world = World(inventory, log, matches, week, Matches.find(inventory, week), response)
    return replace(world, inventory=pacing_world.compiled(_sold(rows, world)))


def _sold(rows: Sequence[Any], world: World) -> list[Any]:
    """Goals as a seller would agree to them: never more than a share of what the log lets expect, and so much of the slots in all."""
    import msgspec

    expected = forecast(world).supply
    goals = np.minimum([row.goal_amount for row in rows], OF_ITS_OWN * expected)
    goals *= min(1.0, SOLD * float(world.log.slots.sum()) / float(goals.sum()))
    return [msgspec.structs.replace(row, goal_amount=max(pacing_world.SMALLEST, int(goal))) for row, goal in zip(rows, goals, strict=True)]


def forecast(world: World, *, layered: bool = True) -> Any:
    """The pacing plan from a sample of the log, through the code that serves. It knows nothing of the second week."""
    from ads.decision.plan import Expected, compile_plan
    from ads.forecast import prospects
    from ads.forecast.capping import People
    from ads.forecast.log import MOST_REQUESTS, Log
    from ads.forecast.yields import Yields

    log, flights = world.log, len(world.inventory.flights)
    rng = np.random.default_rng(1)
    sampled = np.sort(rng.choice(len(log), min(MOST_REQUESTS, len(log)), replace=False))
    requests = [
        replace(pacing_world.request(int(log.kind[place]), int(log.hour[place])), max_ads=int(log.slots[place])) for place in sampled.tolist()
    ]
    counts, hours = np.bincount(log.hour, minlength=168).astype(np.float64), MONDAY + np.arange(168, dtype=np.float64) * HOUR
    read = Log(MONDAY + WEEK, len(log), tuple(requests), log.at[sampled], hours, counts, np.full(168, HOUR))
    seen = np.full(flights, SEEN)
    nothing = np.zeros(flights, dtype=np.int64)
    gained = Yields(seen, seen, np.zeros(flights), np.full(flights, float(len(log))))
    people = People(read.now, read.requests, read.at)
    found = prospects.outlook(world.inventory, read, gained, prospects.Booked(nothing, nothing), people)
    predicted = _predicted(world.response[:, log.kind[sampled]], rng)
    able = world.log_matches.masks[world.log_matches.of[sampled]]
    expected = {
        int(flight): Expected(
            supply=found.supply[:, place].tolist(),
            layers=prospects.layers(predicted[place, able[:, place]].tolist()) if layered else (),
            win_share=float(found.win_share[place]),
            settle_share=SEEN,
        )
        for place, flight in enumerate(world.inventory.flight_id)
    }
    return compile_plan(world.inventory, expected)


def _predicted(response: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return response * rng.lognormal(0.0, ERROR, response.shape)


# Pacers: the pass rate and the weight of each of ``rows`` at ``now``


def ours(world: World, *, layered: bool) -> Pacer:
    from ads.decision import pacing

    inventory, plan = world.inventory, forecast(world, layered=layered)

    def pacer(now: float, state: Any, rows: NDArray[np.int64], response: NDArray[np.float64]) -> Any:
        paced = pacing.pace(inventory, plan, state, now)
        return pacing.pass_rates(paced, inventory, rows, response), paced.multiplier[rows]

    return pacer


def linear(world: World, *, hard: bool) -> Pacer:
    """Against the time that has passed; soft over one fiftieth of the goal, as this software paced at first, or all or nothing."""
    inventory = world.inventory

    def pacer(now: float, state: Any, rows: NDArray[np.int64], response: NDArray[np.float64]) -> Any:
        elapsed = np.clip((now - inventory.starts[rows]) / (inventory.ends[rows] - inventory.starts[rows]), 0.0, 1.0)
        planned = np.where(inventory.front_loaded[rows], 1.0 - (1.0 - elapsed) ** 2, elapsed)
        ahead = (state.delivered[rows] + state.held_count[rows]) / inventory.goal[rows] - planned
        return (ahead <= 0.0) * 1.0 if hard else np.clip(1.0 - ahead / 0.02, 0.02, 1.0), np.ones(len(rows))

    return pacer


def as_fast_as_possible(now: float, state: Any, rows: NDArray[np.int64], response: NDArray[np.float64]) -> Any:
    return np.ones(len(rows)), np.ones(len(rows))


def simulate(world: World, pacer: Pacer, *, seed: int = 5) -> Delivered:
    """The second week, request after request: who matches and is not done draws against its pass rate; the best scores win the slots."""
    from ads.decision.state import DeliveryState

    rng, inventory, week, matches = np.random.default_rng(seed), world.inventory, world.week, world.matches
    flights = len(inventory.flights)
    nothing = np.zeros(flights, dtype=np.int64)
    state = DeliveryState(
        booked=nothing, held=nothing, day_booked=nothing, delivered=nothing.copy(), held_count=nothing.copy(), day_delivered=nothing.copy()
    )
    clicks, bids, day = np.zeros(flights), inventory.bid / 1000.0, week.starts
    pending: list[tuple[float, int, int, bool, float]] = []
    for number, (now, kind, slots) in enumerate(zip(week.at.tolist(), week.kind.tolist(), week.slots.tolist(), strict=True)):
        while pending and pending[0][0] <= now:
            _settle(state, clicks, heapq.heappop(pending))
        if now >= day + DAY:
            day += DAY
            state.day_delivered[:] = 0
        may = matches.masks[matches.of[number]] & (inventory.starts <= now) & (now < inventory.ends)
        rows = np.flatnonzero(may & (state.delivered + state.held_count < inventory.goal))
        if not len(rows):
            continue
        response = world.response[rows, kind]
        rates, weights = pacer(now, state, rows, _predicted(response, rng))
        passed = rng.random(flights)[rows] < rates
        order = np.argsort(-(bids[rows] * weights)[passed], kind="stable")[:slots]
        for place in np.flatnonzero(passed)[order].tolist():
            seen = rng.random() < SEEN
            until = now + (min(rng.exponential(REPORT_SECONDS), HOLD_SECONDS) if seen else HOLD_SECONDS)
            state.held_count[rows[place]] += 1
            heapq.heappush(pending, (until, number, int(rows[place]), seen, float(response[place])))
    while pending:
        _settle(state, clicks, heapq.heappop(pending))
    return Delivered(state.delivered.copy(), clicks)


def _settle(state: Any, clicks: NDArray[np.float64], hold: tuple[float, int, int, bool, float]) -> None:
    _, _, flight, seen, response = hold
    state.held_count[flight] -= 1
    state.delivered[flight] += seen
    state.day_delivered[flight] += seen
    clicks[flight] += response * seen


# Report


def report(world: World) -> Sequence[Row]:
    goal = world.inventory.goal
    counted = pacing_world.deliverable(world.inventory, world.week, world.matches, np.ceil(ELIGIBLE * goal).astype(np.int64))
    plain = simulate(world, ours(world, layered=False))
    best = simulate(world, ours(world, layered=True))
    rows = [
        row("requests a pacer", len(world.week), "requests", Goal(at_most=300_000)),
        row("campaigns", len(goal), "campaigns"),
        row("smallest goal", float(goal.min()), "impressions"),
        row("largest goal", float(goal.max()), "impressions"),
        row("slots sold", float(goal.sum() / world.week.slots.sum()), "share"),
        row("campaigns with 1.2 times their goal, by maximum flow", float(counted.sum()), "campaigns"),
        *_rows("ours", goal, counted, best, Goal(at_least=1.0)),
    ]
    simpler = {
        "linear in time, soft": linear(world, hard=False),
        "linear in time, hard": linear(world, hard=True),
        "as fast as possible": as_fast_as_possible,
    }
    for name, pacer in simpler.items():
        rows += _rows(name, goal, counted, simulate(world, pacer), None)
    rows += [
        *_rows("ours without layers", goal, counted, plain, None),
        row("clicks an impression with layers, against without", _rate(best) / _rate(plain), "times", Goal(at_least=1.0)),
        row("cost of a click with layers, against without, at equal prices", _rate(plain) / _rate(best), "times"),
    ]
    return rows


def _rate(delivered: Delivered) -> float:
    return float(delivered.clicks.sum() / delivered.impressions.sum())


def _rows(name: str, goal: Any, counted: Any, delivered: Delivered, wanted: Goal | None) -> list[Row]:
    short = (goal - delivered.impressions)[counted]
    within = short <= np.maximum(WITHIN_EVENTS, WITHIN * goal[counted])
    return [
        row(f"{name}: campaigns within 2 % or one impression", float(within.mean()), "share", wanted),
        row(f"{name}: worst shortfall beyond one impression", float(np.max(np.maximum(short - WITHIN_EVENTS, 0) / goal[counted])), "of the goal"),
        row(f"{name}: mean shortfall", float(np.mean(short / goal[counted])), "of the goal"),
        row(f"{name}: most delivered over a goal", float(np.max(delivered.impressions - goal)), "impressions", wanted and Goal(at_most=0)),
    ]


if __name__ == "__main__":
    harness.main("pacing", measure)
