"""Expected requests by UTC hour of the week, for the installation and for each flight. Pure: arrays in, arrays out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ads.decision import caps, targeting
from ads.decision.inventory import CPM, HOUSE, Inventory
from ads.decision.plan import FIRST_MONDAY, HOUR, HOURS, WEEK, cumulative, curve_of
from ads.decision.pod import TOLERANCE_SECONDS
from ads.decision.request import AdRequest
from ads.decision.state import Floats, Ints, Mask

# What an hour of the week was seen so often counts as much as its hour of the day on all days.
PRIOR_WEEKS = 0.5
# So many sampled requests of an hour weigh as much as what is known of that hour on all days, and of all hours.
PRIOR_REQUESTS = 8.0
# So many requests are judged at once: with ten thousand flights that is some megabytes.
AT_ONCE = 500
# A week ago counts half of now.
HALF_LIFE = WEEK


def hour_of_week(moments: Floats) -> Ints:
    """0 for Monday 00:00 to 01:00 UTC, up to 167."""
    return ((moments - FIRST_MONDAY) % WEEK // HOUR).astype(np.int64)


def traffic(starts: Floats, counts: Floats, seconds: Floats, now: float) -> Floats:
    """The installation's expected requests in each hour of the week, 168, from logged hours: when each began, how many requests
    it had, and how many of its seconds were observed.

    Recent weeks count more; an hour of the week leans on the same hour of other days as far as it was seen seldom.
    """
    age = np.exp2(-(now - starts) / HALF_LIFE)
    hour = hour_of_week(starts)
    seen = np.bincount(hour, weights=age * seconds / HOUR, minlength=HOURS)
    asked = np.bincount(hour, weights=age * counts, minlength=HOURS)
    seen_daily, asked_daily = seen.reshape(7, 24).sum(axis=0), asked.reshape(7, 24).sum(axis=0)
    overall = asked.sum() / max(seen.sum(), 1e-9)
    daily = (asked_daily + PRIOR_WEEKS * overall) / (seen_daily + PRIOR_WEEKS)
    # An hour of the day that was never seen is not known to be any quieter than the others.
    smoothed: Floats = (asked + PRIOR_WEEKS * np.tile(daily, 7)) / (seen + PRIOR_WEEKS)
    return smoothed


def shares(hour: Ints, weight: Floats, eligible: Mask) -> Floats:
    """The share of each hour's requests that a flight may serve, float64 [168, flights], from a sample: its hours of the week [m],
    the weights [m] and who was eligible [m, flights]. Hours with few requests lean on their hour of the day, that a little on all hours."""
    matched = np.zeros((HOURS, eligible.shape[1]))
    np.add.at(matched, hour, eligible * weight[:, None])
    asked = np.bincount(hour, weights=weight, minlength=HOURS)[:, None]
    prior = PRIOR_REQUESTS * (weight.mean() if len(weight) else 1.0)
    matched_daily, asked_daily = matched.reshape(7, 24, -1).sum(axis=0), asked.reshape(7, 24, 1).sum(axis=0)
    overall = matched.sum(axis=0) / max(float(asked.sum()), 1e-9)
    # Whoever targets hours of the day is not eligible in the others: one request's weight is doubt enough.
    doubt = prior / PRIOR_REQUESTS
    daily = (matched_daily + doubt * overall) / (asked_daily + doubt)
    found: Floats = (matched + prior * np.tile(daily, (7, 1))) / (asked + prior)
    return found


@dataclass(frozen=True)
class Eligibility:
    """``mask`` [m, flights] says who might have served each request; ``alone`` the weight of those kept away by one rule only, by reason code."""

    mask: Mask
    alone: dict[str, Floats]


def eligibility(inventory: Inventory, requests: Sequence[AdRequest], weight: Floats) -> Eligibility:
    """Every rule that rests on the request and the flight alone, whatever its dates. What caps, budgets and pacing keep away
    depends on what was served before and is no matter of supply."""
    flights = len(inventory.flights)
    mask = np.zeros((len(requests), flights), dtype=bool)
    alone: defaultdict[str, Floats] = defaultdict(lambda: np.zeros(flights))
    rules = _rules(inventory)
    for begins in range(0, len(requests), AT_ONCE):
        some = requests[begins : begins + AT_ONCE]
        failing = [found for rule in rules for found in _failing(rule, some, flights)]
        times = np.sum([failed for _, failed in failing], axis=0, dtype=np.int16) if failing else np.zeros((len(some), flights), dtype=np.int16)
        mask[begins : begins + AT_ONCE] = times == 0
        once = times == 1
        for reason, failed in failing:
            alone[reason] += weight[begins : begins + AT_ONCE] @ (failed & once)
    return Eligibility(mask, dict(alone))


@dataclass(frozen=True)
class _Rule:
    """What it asks of a request, and for each answer who fails [flights], by reason. Requests with the same answer fail alike."""

    asked: Callable[[AdRequest], Hashable]
    failures: Callable[[AdRequest], Iterable[tuple[str, Mask]]]


def _rules(inventory: Inventory) -> list[_Rule]:
    shortest = np.full(len(inventory.flights), np.inf)
    np.minimum.at(shortest, inventory.ad_flight, inventory.ad_duration)
    house = inventory.tier == HOUSE

    def cheap(request: AdRequest) -> Mask:
        found: Mask = (inventory.pricing == CPM) & (inventory.bid / 1000.0 < request.reserve_micros) & ~house
        return found

    return [
        *(_Rule(partial(targeting.known_values, key=rule.key), partial(targeting.failures_of, rule)) for rule in inventory.rules),
        _Rule(caps.counted, lambda request: [("caps_uncountable", caps.uncountable(inventory, request))]),
        _Rule(lambda request: request.duration, lambda request: [("too_long", shortest > request.duration + TOLERANCE_SECONDS)]),
        _Rule(lambda request: request.reserve_micros, lambda request: [("below_reserve", cheap(request))]),
        _Rule(lambda request: request.house_ads, lambda request: [("house_not_allowed", house & (not request.house_ads))]),
    ]


def _failing(rule: _Rule, requests: Sequence[AdRequest], flights: int) -> Iterator[tuple[str, Mask]]:
    """For each reason who fails it [requests, flights]; each distinct answer is judged once."""
    number: dict[Hashable, int] = {}
    tables: defaultdict[str, dict[int, Mask]] = defaultdict(dict)
    rows = np.zeros(len(requests), dtype=np.int64)
    for row, request in enumerate(requests):
        answer = rule.asked(request)
        known = number.get(answer)
        if known is None:
            known = number[answer] = len(number)
            for reason, failed in rule.failures(request):
                if failed.any():
                    tables[reason][known] = failed
        rows[row] = known
    nobody = np.zeros(flights, dtype=bool)
    for reason, failures in tables.items():
        yield reason, np.stack([failures.get(answer, nobody) for answer in range(len(number))])[rows]


def expected(supply: Floats, starts: Floats, ends: Floats) -> Floats:
    """Requests of ``supply`` [168, n] that come from ``starts`` to ``ends`` [n], Unix seconds; 0 where the end lies before the start."""
    curve = curve_of(supply)
    return np.maximum(cumulative(curve, np.maximum(ends, starts)) - cumulative(curve, starts), 0.0)
