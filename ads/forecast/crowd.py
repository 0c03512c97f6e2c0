"""Who will come: the logged requests of whole people, laid out over the days ahead and scaled to the traffic that is expected.

A forecast replays people, not requests: a cap meets the same viewer again as it did in the log. Days of the log follow one another
in their own order, each on its own weekday, and begin again when the log is through; by then some of the people are others, as many as
the audience grew in the log (`People.growth`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.random import Generator

from ads.decision.plan import DAY, FIRST_MONDAY, HOUR, cumulative, curve_of
from ads.decision.state import Floats, Ints, Mask

from .capping import People

# A day with less than this share of a usual day's requests was no usual day: nothing is laid out from it.
USUAL = 0.25
# What is thought of the spread of daily and of weekly traffic (standard deviations of its logarithm) before a log tells, and how many
# days that weighs.
DAILY_SPREAD, WEEKLY_SPREAD, PRIOR_DAYS = 0.15, 0.10, 3.0
# Further ahead nothing is laid out: what comes later is taken to go on as before.
FURTHEST = 26 * 7 * DAY
# Lengths of a step of the clock, in hours: each divides a day.
STEPS = (1, 2, 3, 4, 6, 12)
MOST_STEPS = 360
# So many requests of one future are decided at once at most.
AT_ONCE = 4


@dataclass(frozen=True)
class Traffic:
    """What is expected to come: ``hourly`` [168] requests by UTC hour of the week, and how sure that is, as standard deviations of
    the logarithm: ``daily`` of one day about its level, ``level`` of all days together."""

    hourly: Floats
    daily: float
    level: float


@dataclass(frozen=True)
class Crowd:
    """Requests to come, in several ``lanes``: each a possible future of its own. Arrays [r], in the order in which they are decided:
    ``lane``, ``row`` (of the logged requests), ``unit`` (who is counted, numbered through all lanes), ``began`` (of the playback), ``at``
    (Unix seconds) and ``weight`` (how many real requests it stands for).

    What stands between two of ``batches`` [b + 1] can be decided at once: the same second of the clock (``clock`` [b]), and nobody
    twice. ``level`` [lanes] is how far above what is expected the traffic of each lane lies, in standard deviations; ``sharpness`` is the
    ratio of the spread that counts (of one real future, and of the log that tells of it) to the spread among lanes.
    """

    now: float
    until: float
    lanes: int
    lane: Ints
    row: Ints
    unit: Ints
    units: int
    began: Floats
    at: Floats
    weight: Floats
    batches: Ints
    clock: Floats
    level: Floats
    share: float
    real: float
    cycles: float
    step: float


def spread(starts: Floats, counts: Floats, seconds: Floats, now: float) -> tuple[float, float]:
    """(daily, level) of `Traffic`, from logged hours (Unix seconds), their requests and observed seconds.

    Days are compared with their own weekday where there are two weeks of them. A level known from n days is as sure as their mean,
    and no week is quite as the last ones were.
    """
    day = ((now - starts) // DAY).astype(np.int64)
    days = int(day.max(initial=-1)) + 1
    totals = np.bincount(day, weights=counts, minlength=days)
    whole = np.bincount(day, weights=seconds, minlength=days) > 0.9 * DAY
    totals = totals[whole & (totals > 0)]
    if not len(totals):
        return DAILY_SPREAD * 2, WEEKLY_SPREAD * 2
    # What Poisson's law alone makes of a day is in the requests already.
    logs = np.log(totals)
    weeks = len(logs) // 7
    residual, free = (
        (logs[: 7 * weeks].reshape(weeks, 7) - logs[: 7 * weeks].reshape(weeks, 7).mean(axis=0), 7 * (weeks - 1))
        if weeks >= 2
        else (logs - logs.mean(), len(logs) - 1)
    )
    excess = max(float(np.square(residual).sum()) - free * float(np.mean(1.0 / totals)), 0.0)
    daily = math.sqrt((PRIOR_DAYS * DAILY_SPREAD**2 + excess) / (PRIOR_DAYS + free))
    # The latest weeks count most, so no more than ten days of the log speak for its level.
    return daily, math.sqrt(daily**2 / min(len(logs), 10) + WEEKLY_SPREAD**2)


@dataclass(frozen=True)
class _Days:
    """The days ahead: which day of the log each is taken from (0: the last 24 hours), how often that was used before, and how many
    requests each has for one logged."""

    source: Ints
    cycle: Ints
    scale: Floats


def come(people: People, traffic: Traffic, *, until: float, lanes: int, most: int, rng: Generator) -> Crowd:
    """``lanes`` possible futures from ``people.now`` to ``until``, of about ``most`` requests each at most. Raises ValueError where nothing
    is logged."""
    if not people.requests:
        raise ValueError("nothing is logged")
    until = min(until, people.now + FURTHEST)
    days = _days(people, traffic, until)
    laid = _laid(people, days, until, rng)
    share = min(1.0, most / max(len(laid.at), 1))
    strata = NormalDist()
    level = rng.permutation([strata.inv_cdf((lane + 0.5) / lanes) for lane in range(lanes)])
    factor = np.exp(
        traffic.level * level[:, None] + traffic.daily * rng.standard_normal((lanes, len(days.source))) - (traffic.level**2 + traffic.daily**2) / 2
    )
    size = np.bincount(laid.person, minlength=laid.persons)
    total = float(laid.weight.sum())
    parts, units = [], 0
    for lane in range(lanes):
        times = _drawn(size, share, rng)
        chosen = np.repeat(np.arange(len(laid.at)), times[laid.person])
        base = np.cumsum(times) - times
        numbered = units + base[laid.person[chosen]]
        units += int(times.sum())
        # Who was drawn does not change how many requests come: that is the traffic's to say.
        stands_for = total / max(float(laid.weight[chosen].sum()), 1e-12)
        weight = laid.weight[chosen] * factor[lane][laid.day[chosen]] * stands_for
        parts.append((np.full(len(chosen), lane), laid.row[chosen], numbered, laid.began[chosen], laid.at[chosen], weight))
    who, row, unit, began, at, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    step = _step(until - people.now)
    order, batches, clock = _order(who, unit, at, step)
    real = max(float(laid.weight.mean()), 1.0) if len(laid.at) else 1.0
    cycles = len(laid.at) / len(people.requests)
    return Crowd(
        people.now, until, lanes, who[order], row[order], unit[order], units, began[order], at[order], weight[order], batches, clock, level, share,
        real, cycles, step,
    )  # fmt: skip


def _drawn(size: Ints, share: float, rng: Generator) -> Ints:
    """Who comes, 0 or 1 for each person: a ``share`` of them, of those with many requests (``size``) as of those with few. Systematic
    sampling in order of size."""
    order = np.lexsort((rng.random(len(size)), size))
    steps = np.floor(np.arange(len(size) + 1) * share + rng.random() * (share < 1.0))
    times = np.zeros(len(size), dtype=np.int64)
    times[order] = np.diff(steps).astype(np.int64)
    return times


def _days(people: People, traffic: Traffic, until: float) -> _Days:
    age = np.minimum((people.now - people.at) // DAY, 10_000).astype(np.int64)
    counts = np.bincount(np.maximum(age, 0))
    usual = counts >= USUAL * counts[counts > 0].mean()
    oldest = len(counts) - 1
    if people.span < (oldest + 0.9) * DAY and usual.sum() > 1:
        # The log began in the middle of that day.
        usual[oldest] = False
    usable = np.flatnonzero(usual)[::-1]
    ahead = max(1, math.ceil((until - people.now) / DAY))
    used = np.zeros(len(counts), dtype=np.int64)
    source, cycle = np.zeros(ahead, dtype=np.int64), np.zeros(ahead, dtype=np.int64)
    for day in range(ahead):
        alike = usable[(day + usable + 1) % 7 == 0]
        source[day] = alike[day // 7 % len(alike)] if len(alike) else usable[day % len(usable)]
        cycle[day] = used[source[day]]
        used[source[day]] += 1
    curve = curve_of(traffic.hourly[:, None])
    borders = people.now + np.arange(ahead + 1) * DAY
    expected = np.diff([float(cumulative(curve, np.array([border]))[0]) for border in borders])
    return _Days(source, cycle, expected / np.maximum(counts[source], 1))


@dataclass(frozen=True)
class _Laid:
    """Every request to come if everybody of the log came: arrays [f] in order of time, numbered ``persons``."""

    row: Ints
    person: Ints
    persons: int
    began: Floats
    at: Floats
    day: Ints
    weight: Floats


def _laid(people: People, days: _Days, until: float, rng: Generator) -> _Laid:
    age = ((people.now - people.at) // DAY).astype(np.int64)
    order = np.argsort(age, kind="stable")
    first = np.searchsorted(age[order], np.arange(int(age.max()) + 2))
    rows, day_of = [], []
    for day, source in enumerate(days.source.tolist()):
        found = order[first[source] : first[source + 1]]
        rows.append(found)
        day_of.append(np.full(len(found), day))
    row, ahead = np.concatenate(rows), np.concatenate(day_of)
    shift = (ahead + days.source[ahead] + 1) * DAY
    at = people.at[row] + shift
    begins = np.full(int(people.session.max()) + 1, np.inf)
    np.minimum.at(begins, people.session, people.at)
    keep = np.flatnonzero(at < until)
    keep = keep[np.argsort(at[keep], kind="stable")]
    identity = _identities(people, rng, int(days.cycle.max()) + 1)[days.cycle[ahead], people.person[row]]
    person, numbered = np.unique(identity[keep], return_inverse=True)
    return _Laid(
        row[keep], numbered.reshape(-1), len(person), begins[people.session[row]][keep] + shift[keep], at[keep], ahead[keep], days.scale[ahead[keep]]
    )


def _identities(people: People, rng: Generator, cycles: int) -> Ints:
    """Who each person of the log is when it is gone through for the first, the second, ... time [cycles, persons].

    Sessions that are nobody's are others each time; of the viewers so many that the audience grows as it did in the log.
    """
    persons = int(people.person.max()) + 1
    known = np.zeros(persons, dtype=bool)
    known[people.person] = people.known
    found = np.zeros((cycles, persons), dtype=np.int64)
    found[0] = np.arange(persons)
    for cycle in range(1, cycles):
        new = (cycle + 1) ** people.growth - cycle**people.growth
        others: Mask = ~known | (rng.random(persons) < new)
        found[cycle] = np.where(others, cycle * persons + np.arange(persons), found[cycle - 1])
    return found


def _step(seconds: float) -> float:
    hours = seconds / HOUR
    return HOUR * next((step for step in STEPS if hours / step <= MOST_STEPS), STEPS[-1])


def _order(lane: Ints, unit: Ints, at: Floats, step: float) -> tuple[Ints, Ints, Floats]:
    """The order of decisions, where each batch begins (and the last one ends), and the clock's time of each batch."""
    tick = ((at - FIRST_MONDAY) // step).astype(np.int64)
    nth = _rank((at, tick, unit), (unit, tick))
    # A goal must not be passed by many at once: few of a lane are decided together.
    turn = _rank((at, nth, tick, lane), (lane, tick, nth)) // AT_ONCE
    order = np.lexsort((at, turn, nth, tick))
    kept = np.stack([tick[order], nth[order], turn[order]])
    changed = np.flatnonzero((np.diff(kept, axis=1) != 0).any(axis=0)) + 1
    batches = np.concatenate([[0], changed, [len(order)]]).astype(np.int64) if len(order) else np.zeros(1, dtype=np.int64)
    clock: Floats = tick[order][batches[:-1]].astype(np.float64) * step + FIRST_MONDAY
    return order, batches, clock


def _rank(order: tuple[Ints | Floats, ...], alike: tuple[Ints, ...]) -> Ints:
    """The place of each among those that are ``alike``, in ``order`` (the last key first, and the keys of ``alike`` among them)."""
    sorted_ = np.lexsort(order)
    new = np.ones(len(sorted_), dtype=bool)
    new[1:] = np.logical_or.reduce([key[sorted_][1:] != key[sorted_][:-1] for key in alike])
    begins = np.flatnonzero(new)
    found = np.zeros(len(sorted_), dtype=np.int64)
    found[sorted_] = np.arange(len(sorted_)) - np.repeat(begins, np.diff(np.append(begins, len(sorted_))))
    return found
