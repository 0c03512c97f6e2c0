"""Expected requests by UTC hour of the week, for the installation and for each flight. Pure: arrays in, arrays out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

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
    shortest = np.full(flights, np.inf)
    np.minimum.at(shortest, inventory.ad_flight, inventory.ad_duration)
    for row, request in enumerate(requests):
        failing = _failing(inventory, request, shortest)
        times = np.sum([failed for _, failed in failing], axis=0, dtype=np.int64) if failing else np.zeros(flights, dtype=np.int64)
        mask[row] = times == 0
        for reason, failed in failing:
            alone[reason] += weight[row] * (failed & (times == 1))
    return Eligibility(mask, dict(alone))


def _failing(inventory: Inventory, request: AdRequest, shortest: Floats) -> Sequence[tuple[str, Mask]]:
    cheap = (inventory.pricing == CPM) & (inventory.bid / 1000.0 < request.reserve_micros) & (inventory.tier != HOUSE)
    others = [
        ("caps_uncountable", caps.uncountable(inventory, request)),
        ("too_long", shortest > request.duration + TOLERANCE_SECONDS),
        ("below_reserve", cheap),
        ("house_not_allowed", (inventory.tier == HOUSE) & (not request.house_ads)),
    ]
    return [(reason, failed) for reason, failed in (*targeting.failures(inventory, request), *others) if failed.any()]


def expected(supply: Floats, starts: Floats, ends: Floats) -> Floats:
    """Requests of ``supply`` [168, n] that come from ``starts`` to ``ends`` [n], Unix seconds; 0 where the end lies before the start."""
    curve = curve_of(supply)
    return np.maximum(cumulative(curve, np.maximum(ends, starts)) - cumulative(curve, starts), 0.0)
