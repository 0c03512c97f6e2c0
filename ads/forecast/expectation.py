"""From simulated futures to what may be said of a flight: how much, how sure, to whom, and at whose expense. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from statistics import NormalDist
from typing import TypeVar

import numpy as np
from numpy.random import Generator

from ads.decision.inventory import CPM, NO_LIMIT, Inventory, Rows, compile_inventory
from ads.decision.plan import DAY, Expected, PacingPlan, compile_plan
from ads.decision.state import Floats, Mask

from . import simulation
from .capping import People
from .crowd import Crowd, Traffic, come
from .responses import Responses
from .simulation import Breaks, Run, Start, Won
from .yields import Yields

Key = TypeVar("Key")
# Nine outcomes of ten lie within what is told.
COVERAGE = 0.90
# Of what comes after the days that are laid out, the last four weeks of them tell.
LAST = 28 * DAY
# A month's rate of clicks or views is not quite the next one's: standard deviation of its logarithm.
DRIFT = 0.08
# Nor is the audience: some grow out of what a flight wants, others into it.
AUDIENCE_DRIFT = 0.08
# And models learn: what is predicted for an ad moves, and with it who wins what is sold by price.
RESPONSE_DRIFT = 0.15
# Standard normal deviates, evenly spread, that stand for chance within one lane.
CHANCE = np.array([NormalDist().inv_cdf((number + 0.5) / 40) for number in range(40)])


@dataclass(frozen=True)
class Scene:
    """What flights are simulated in: the ``inventory``, the ``breaks`` of logged ``people`` with who was eligible, the ``traffic`` to come, the
    ``yields`` and what is booked (``start``), and what pacing knows of each flight by id (``expected``)."""

    inventory: Inventory
    people: People
    breaks: Breaks
    traffic: Traffic
    yields: Yields
    start: Start
    expected: dict[int, Expected]


@dataclass(frozen=True)
class Effort:
    """How much is simulated: ``lanes`` futures of at most ``requests`` each."""

    lanes: int
    requests: int
    seed: int = 20_240_601


@dataclass(frozen=True)
class Range:
    """What is expected, and between which two figures nine outcomes of ten lie; ``by_budget`` says that the budget ends it."""

    mean: float
    low: float
    high: float
    by_budget: bool = False


@dataclass(frozen=True)
class Simulated:
    """One simulated future of all flights: the ``crowd`` that came, the ``run``, and ``outcomes`` [lanes, n, draws]: goal events at the end of
    each flight (micros where the goal is spend) in each lane and for each way chance may fall. ``budget`` [n] is where it ends in micros."""

    crowd: Crowd
    run: Run
    outcomes: Floats
    budget: Floats

    def delivery(self, flight: int) -> Range:
        values = self.outcomes[:, flight]
        low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        spent = bool(np.mean(self.run.micros[:, flight] >= self.budget[flight]) > 0.5)
        return Range(float(values.mean()), float(low), float(high), spent)


def gathered(crowd_of: Scene, *, until: float, effort: Effort) -> Crowd:
    """The requests to come until ``until``; the same for the same scene."""
    return come(crowd_of.people, crowd_of.traffic, until=until, lanes=effort.lanes, most=effort.requests, rng=np.random.default_rng(effort.seed))


def future(scene: Scene, crowd: Crowd, effort: Effort, *, beyond: bool = True) -> Simulated:
    """Serve the crowd, all flights competing. Not ``beyond`` its end, what a flight would deliver later is left out."""
    rng = np.random.default_rng([effort.seed, 1])
    won = _won(scene, crowd.lanes, rng)
    run = simulation.simulate(scene.inventory, scene.breaks, crowd, won, scene.start, plan=_plan(scene), rng=rng)
    return _simulated(scene, crowd, won, run, beyond=beyond)


def futures(scene: Scene, crowd: Crowd, effort: Effort, *, absent: int) -> tuple[Simulated, Simulated]:
    """As `future`, and the same without the flight (row) that is ``absent``."""
    rng = np.random.default_rng([effort.seed, 1])
    won = _won(scene, crowd.lanes, rng)
    runs = simulation.with_and_without(scene.inventory, scene.breaks, crowd, won, scene.start, plan=_plan(scene), rng=rng, absent=absent)
    first, second = (_simulated(scene, crowd, won, run) for run in runs)
    return first, second


def _plan(scene: Scene) -> PacingPlan:
    return compile_plan(scene.inventory, scene.expected, scene.traffic.hourly.tolist())


def _simulated(scene: Scene, crowd: Crowd, won: Won, run: Run, *, beyond: bool = True) -> Simulated:
    inventory = scene.inventory
    budget = np.where(inventory.budget < NO_LIMIT, inventory.budget - inventory.event_cost - 1.0, np.inf)
    return Simulated(crowd, run, _outcomes(scene, crowd, run, won, beyond=beyond), budget)


def reach(scene: Scene, crowd: Crowd, effort: Effort) -> Run:
    """Serve the crowd to each flight as if it were the only one."""
    rng = np.random.default_rng([effort.seed, 2])
    return simulation.simulate(scene.inventory, scene.breaks, crowd, _won(scene, crowd.lanes, rng), scene.start, plan=None, rng=rng, alone=True)


def only(scene: Scene, flight: int) -> Scene:
    """The scene with this flight (row) alone."""
    inventory = scene.inventory
    own = np.flatnonzero(inventory.ad_flight == flight)
    row = inventory.flights[flight]
    breaks, start, yields = scene.breaks, scene.start, scene.yields
    return replace(
        scene,
        inventory=compile_inventory(Rows((row,), tuple(inventory.ads[ad] for ad in own.tolist()))),
        breaks=replace(breaks, eligible=breaks.eligible[:, own], pctr=breaks.pctr[:, own], pvcr=breaks.pvcr[:, own], quality=breaks.quality[own]),
        yields=Yields(*(getattr(yields, column.name)[[flight]] for column in fields(yields))),
        start=Start(*(getattr(start, column.name)[[flight]] for column in fields(start))),
        expected={row.id: scene.expected[row.id]},
    )


def breaks(inventory: Inventory, people: People, eligible: Mask, predicted: Responses) -> Breaks:
    """``eligible`` [m, flights] of the logged requests of ``people``."""
    return simulation.breaks_of(inventory, people.requests, people.known, eligible, predicted.pctr, predicted.pvcr, predicted.quality)


def _won(scene: Scene, lanes: int, rng: Generator) -> Won:
    """Rates of each lane, drawn as surely as they are known: a gamma of as many events as were counted."""
    yields = scene.yields
    counted = np.maximum(yields.evidence * yields.events_per_win, 1e-6)
    # Of nearly certain events, such as impressions, the ones that stay away are what is counted.
    shape = counted / np.maximum(1.0 - np.minimum(yields.events_per_win, 1.0), 0.02)
    in_money = np.array([flight.goal_type == "spend" for flight in scene.inventory.flights], dtype=bool)
    shape = np.where(in_money, yields.evidence, shape)
    # A rate near one has no room to drift.
    room = np.where(in_money, 1.0, 1.0 - np.minimum(yields.events_per_win, 1.0))
    drawn = rng.gamma(shape, 1.0 / shape, (lanes, len(shape))) * np.exp(DRIFT * room * rng.standard_normal((lanes, len(shape))))
    events = np.minimum(yields.events_per_win * drawn, np.where(in_money, np.inf, 1.0))
    micros = np.where(yields.micros_per_win > 0, yields.micros_per_win, np.nan) * np.ones((lanes, 1))
    predicted = np.where(scene.inventory.pricing == CPM, 0.0, RESPONSE_DRIFT)
    return Won(np.tile(yields.settle_share, (lanes, 1)), events, micros, np.exp(predicted * rng.standard_normal((lanes, len(shape)))))


def _outcomes(scene: Scene, crowd: Crowd, run: Run, won: Won, *, beyond: bool) -> Floats:
    """What each lane comes to, with the spread among lanes brought to that of one real future and of the log that tells of it.

    How the traffic's level moves a flight is kept as simulated; the rest is brought to `_spread`. Chance has its part where neither goal nor
    budget ends a flight: events are as many as Poisson's law makes of their expectation.
    """
    inventory = scene.inventory
    gained = run.delivered - scene.start.delivered
    if beyond:
        gained = gained + _later(inventory, crowd, run)
    level = crowd.level - crowd.level.mean()
    slope = (level @ gained) / max(float(level @ level), 1e-12)
    fitted = gained.mean(axis=0) + level[:, None] * slope
    rest = gained - fitted
    spread = _spread(crowd, run, won)
    kept = np.minimum(spread / np.maximum(rest.std(axis=0), 1e-9), 1.0)
    total = scene.start.delivered + np.maximum(fitted + kept * rest, 0.0)
    most = _most(inventory, scene.start, run, won)
    ended = (run.delivered >= most - 1e-3) | (total >= most)
    missing = np.square(spread) - np.square(kept * rest.std(axis=0))
    noise = np.sqrt(np.maximum(_variance(inventory, won, gained) + missing, 0.0)) * ~ended
    drawn = np.maximum(total[:, :, None] + noise[:, :, None] * CHANCE, scene.start.delivered[:, None])
    found: Floats = np.minimum(drawn, most[:, :, None])
    return found


def _spread(crowd: Crowd, run: Run, won: Won) -> Floats:
    """The standard deviation [n] of what a flight gains, from who happens to come: people come by Poisson's law, and with each all the servings
    of a day; and those of the log, that tell how many come, did so too."""
    flights = run.delivered.shape[1]
    day = ((crowd.at[run.request] - crowd.now) // DAY).astype(np.int64)
    key = (crowd.unit[run.request] * flights + run.flight) * (int(day.max(initial=0)) + 1) + day
    clump, place = np.unique(key, return_inverse=True)
    size = np.bincount(place.reshape(-1), weights=run.weight * crowd.share, minlength=len(clump))
    flight = np.zeros(len(clump), dtype=np.int64)
    flight[place.reshape(-1)] = run.flight
    squares = np.bincount(flight, weights=np.square(size), minlength=flights) / (crowd.lanes * crowd.share)
    found: Floats = won.events.mean(axis=0) * np.sqrt(squares * (1.0 / crowd.real + crowd.cycles))
    return found


def _later(inventory: Inventory, crowd: Crowd, run: Run) -> Floats:
    """What flights deliver after what was laid out [lanes, n]: as much a second as in its last weeks."""
    later = np.maximum(inventory.ends - np.maximum(crowd.until, inventory.starts), 0.0)
    if not later.any():
        return np.zeros_like(run.delivered)
    before = max(int(np.searchsorted(run.day_begins, crowd.until - LAST, side="right")) - 1, 0)
    active = np.maximum(crowd.until - np.maximum(run.day_begins[before], inventory.starts), 1.0)
    rate = (run.delivered - run.days[before]) / active
    found: Floats = np.where(inventory.starts < crowd.until, rate * later, 0.0)
    return found


def _most(inventory: Inventory, start: Start, run: Run, won: Won) -> Floats:
    """What goal and budget allow [lanes, n]; the goal as micros where it is spend."""
    in_money = np.array([flight.goal_type == "spend" for flight in inventory.flights], dtype=bool)
    goal = np.where(inventory.goal < NO_LIMIT, inventory.goal.astype(np.float64), np.inf)
    budget = np.where(inventory.budget < NO_LIMIT, inventory.budget.astype(np.float64), np.inf)
    spent, events = run.micros - start.micros, run.delivered - start.delivered
    price = np.where(events > 0, spent / np.maximum(events, 1e-12), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        affordable = np.where(price > 0, start.delivered + np.maximum(budget - start.micros, 0.0) / price, np.inf)
    found: Floats = np.where(in_money, np.maximum(budget, start.delivered), np.maximum(np.minimum(goal, affordable), start.delivered))
    return found


def _variance(inventory: Inventory, won: Won, gained: Floats) -> Floats:
    """Of the events that ``gained`` [lanes, n] expects; of micros that of the events that are paid."""
    in_money = np.array([flight.goal_type == "spend" for flight in inventory.flights], dtype=bool)
    unsure = 1.0 - np.minimum(won.events, 1.0)
    # Events are whole: of a small number half of one more or less is chance too.
    whole = np.where(gained > 0, 0.25, 0.0)
    found: Floats = np.where(in_money, gained * inventory.event_cost, gained * unsure + whole) + np.square(AUDIENCE_DRIFT * gained)
    return found


def audience(crowd: Crowd, people: People, run: Run, flight: int) -> tuple[float, float, Floats]:
    """Of a flight (row): different viewers who may be recognised, playbacks of the others, and how many of the former are served once,
    twice, ... [10], the last for ten times and more. Means of the lanes."""
    here = run.flight == flight
    request, weight = run.request[here], run.weight[here]
    unit, row = crowd.unit[request], crowd.row[request]
    times = np.bincount(unit, minlength=1)
    stands_for = np.bincount(unit, weights=weight, minlength=1) / np.maximum(times, 1)
    known = np.zeros(len(times), dtype=bool)
    known[unit] = people.known[row]
    known &= times > 0
    often = np.bincount(np.minimum(times[known], 10), weights=stands_for[known], minlength=11)[1:] / crowd.lanes
    return float(stands_for[known].sum()) / crowd.lanes, float(stands_for[(times > 0) & ~known].sum()) / crowd.lanes, often


def places(crowd: Crowd, people: People, run: Run, flight: int) -> tuple[list[tuple[str, float]], list[tuple[int | None, float]]]:
    """The shares of a flight's servings by device and by title, the greatest first."""
    here = run.flight == flight
    weight = np.bincount(crowd.row[run.request[here]], weights=run.weight[here], minlength=len(people.requests))
    devices: dict[str, float] = {}
    titles: dict[int | None, float] = {}
    for request, part in zip(people.requests, (weight / max(float(weight.sum()), 1e-12)).tolist(), strict=True):
        if part:
            devices[request.device] = devices.get(request.device, 0.0) + part
            titles[request.title] = titles.get(request.title, 0.0) + part
    return _ranked(devices), _ranked(titles)


def _ranked(shares: dict[Key, float]) -> list[tuple[Key, float]]:
    return sorted(shares.items(), key=lambda item: -item[1])


def takers(run: Run, flight: int, least: float = 0.005) -> list[tuple[int, float]]:
    """Which flights (rows) win what this one matched and was admitted to, as shares of all it matched, the greatest first."""
    matched = max(run.matched(flight), 1e-12)
    shares = run.taken[flight] / matched
    return [(int(row), float(shares[row])) for row in np.argsort(-shares, kind="stable") if shares[row] >= least]


@dataclass(frozen=True)
class Hurt:
    """A flight (row) that delivers less because of another one: what it would reach ``before`` and reaches ``after``. ``final`` says that it
    ends before the other does, so that it cannot make good for it."""

    flight: int
    before: float
    after: float
    final: bool


def hurt(simulated: Simulated, without: Simulated, scene: Scene, flight: int) -> list[Hurt]:
    """Whom the flight (row) takes something from, the most first: differences that chance does not make, and of 1 % at least."""
    lanes = simulated.run.delivered.shape[0]
    lost = without.run.delivered - simulated.run.delivered
    loss, unsure = lost.mean(axis=0), lost.std(axis=0, ddof=1) / np.sqrt(lanes)
    before = without.outcomes.mean(axis=(0, 2))
    # Nobody loses more slots than it takes: what goes beyond is chance.
    slots = (without.run.slots - simulated.run.slots).mean(axis=0)
    real = (loss > 2.5 * unsure) & (slots <= simulated.run.slots[:, flight].mean() * 1.1) & (loss > np.maximum(0.01 * before, 0.5))
    real[flight] = False
    ends = scene.inventory.ends <= simulated.crowd.until
    order = np.argsort(-loss / np.maximum(before, 1e-9), kind="stable")
    return [Hurt(row, float(before[row]), float(before[row] - loss[row]), bool(ends[row])) for row in order.tolist() if real[row]]


def daily(simulated: Simulated, scene: Scene, flight: int) -> list[tuple[float, Range]]:
    """(Unix seconds, delivered until then) at the beginning of each day to come and at the flight's end."""
    run, crowd = simulated.run, simulated.crowd
    gained = run.days[:, :, flight] - scene.start.delivered[flight]
    # Between the days chance grows as at the end.
    unsure = simulated.outcomes[:, flight].std() / max(float(gained[-1].std()), 1e-9) if gained[-1].std() > 0 else 1.0
    found = []
    ends = min(float(scene.inventory.ends[flight]), crowd.until)
    end = simulated.delivery(flight)
    for moment, values in zip(run.day_begins.tolist(), gained, strict=True):
        if moment >= ends:
            break
        lanes = scene.start.delivered[flight] + np.maximum(values.mean() + np.clip(unsure, 0.5, 3.0) * (values - values.mean()), 0.0)
        low, high = np.quantile(lanes, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        found.append((moment, Range(min(float(lanes.mean()), end.mean), min(float(low), end.low), min(float(high), end.high))))
    if crowd.until >= float(scene.inventory.ends[flight]):
        found.append((ends, end))
    return found
