"""What pacing knows beforehand: each flight's traffic-shape curve, compiled once from its forecast, read at the price of one column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .inventory import CPM, HOUSE, NO_LIMIT, SPONSORSHIP, STANDARD, Inventory
from .state import Floats, Ints, Mask

HOURS = 168
HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
# The first Monday 00:00 UTC of Unix time.
FIRST_MONDAY = 4 * DAY
# Layers of predicted response that a flight sheds one after the other. More of them hold too few requests each to tell apart.
LAYERS = 5
# What a slot won comes to while nothing is known of the flight: nearly every ad that is published is also seen.
SETTLE_SHARE = 0.9
# A forecast is never quite right, and what is missing at the end cannot be made up for. The controller aims at being done
# although this share of the last day's requests stays away, and a little before even then. The planned curve has no such lead.
RESERVE, LEAD = 0.5, 1.1


@dataclass(frozen=True, slots=True)
class Expected:
    """One flight's forecast as plain values (`ads.models.FlightForecast` says what each is). ``supply`` has 168 numbers or none.

    ``settle_share``, ``events_per_win`` and ``micros_per_win`` are of one slot won: the chance that its impression is seen,
    and the goal events and the micros that come of it; 0 where unknown.
    """

    supply: Sequence[float] = ()
    layers: Sequence[float] = ()
    win_share: float = 1.0
    settle_share: float = 0.0
    events_per_win: float = 0.0
    micros_per_win: float = 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A plan at one moment [n]: requests expected until now, until today's and until tomorrow's midnight UTC; the share of the goal
    that was to be delivered by now, and the part of it that was to be since midnight; the share that may still be missing; and
    the pass rate that a flight with nothing delivered would need from now on, 0 where its wins are not known."""

    expected: Floats
    today: Floats
    tomorrow: Floats
    planned: Floats
    planned_today: Floats
    unmet: Floats
    needed: Floats


@dataclass(frozen=True)
class PacingPlan:
    """Arrays aligned with the flights of one inventory.

    ``curve`` [169, n] holds the eligible requests expected from Monday 00:00 UTC to each hour of the week; where ``counted``
    is false it is a shape without a scale: that of the installation, else the clock. ``supply`` is the whole flight's and
    ``last_day`` its last 24 hours', of which ``kept`` are reserved. ``wins`` and ``day_wins`` are the slots to win until goal
    or budget (of the day) are reached, whichever comes first; infinite when unknown. ``layers`` [n, LAYERS - 1] are the
    borders between layers of predicted response; ``layered`` says who has them. ``paced`` flights have a goal or a budget to
    spread, ``guaranteed`` ones are promised it, ``daily`` lists the rows with a limit of the day.
    """

    curve: Floats
    counted: Mask
    before_start: Floats
    supply: Floats
    last_day: Floats
    kept: Floats
    exponent: Floats
    unmet_last_day: Floats
    win_share: Floats
    settle_share: Floats
    events_per_win: Floats
    wins: Floats
    day_wins: Floats
    layered: Mask
    layers: Floats
    paced: Mask
    guaranteed: Mask
    daily: Ints
    front_loaded: Mask
    memo: dict[int, Moment] = field(default_factory=dict)

    @cached_property
    def wins_known(self) -> Mask:
        """Whose supply and wins are known in numbers."""
        return self.counted & np.isfinite(self.wins)

    @cached_property
    def wins_steered(self) -> Floats:
        """The wins that the controller aims at, 0 where they are not known."""
        return np.where(self.wins_known, self.exponent * np.where(self.wins_known, self.wins, 0.0), 0.0)

    def at(self, second: int) -> Moment:
        """What follows from the plan and the time alone; remembered, for many requests come in a second."""
        found = self.memo.get(second)
        if found is None:
            self.memo.clear()
            found = self.memo[second] = self._at(float(second))
        return found

    def _at(self, now: float) -> Moment:
        expected = self.until(now)
        midnight = now - now % DAY
        today, tomorrow = self.until(midnight), self.until(midnight + DAY)
        passed = np.clip((expected - self.before_start) / self.supply, 0.0, 1.0)
        left = self.supply * (1.0 - passed)
        safe = self.safe(left)
        planned = self._shape(passed)
        return Moment(
            expected=expected,
            today=today,
            tomorrow=tomorrow,
            planned=planned,
            planned_today=planned - self._shape(np.clip((today - self.before_start) / self.supply, 0.0, 1.0)),
            unmet=self.unmet(left, safe),
            needed=self.wins_steered / np.maximum(safe * self.win_share, 1e-9),
        )

    def _shape(self, passed: Floats) -> Floats:
        return np.where(self.front_loaded, passed * (2.0 - passed), passed)

    def until(self, moment: float) -> Floats:
        """Eligible requests expected from the first Monday of Unix time to ``moment`` [n]; only differences mean something."""
        weeks, inside = divmod(moment - FIRST_MONDAY, WEEK)
        hour = int(inside // HOUR)
        below = self.curve[hour]
        found: Floats = weeks * self.curve[HOURS] + below + (self.curve[hour + 1] - below) * (inside / HOUR - hour)
        return found

    def safe(self, left: Floats) -> Floats:
        """Of ``left`` expected requests those that may be counted on."""
        counted_on: Floats = np.maximum(left - self.kept, left * (1.0 - RESERVE))
        return counted_on

    def unmet(self, left: Floats, safe: Floats) -> Floats:
        """The share of the goal that may still be missing when ``left`` requests are to come.

        It is what remains under the base rate (exponent x remaining wins / safe requests) from the start on: the solution of
        dR = -exponent R dS / safe(S), 1 at the start and 0 at the end.
        """
        early = left > self.last_day
        share = np.where(early, safe / (self.supply - self.kept), left / self.last_day)
        power = np.where(early, self.exponent, self.exponent / (1.0 - RESERVE))
        missing: Floats = np.where(early, 1.0, self.unmet_last_day) * share**power
        return missing


def compile_plan(inventory: Inventory, expected: Mapping[int, Expected] | None = None, traffic: Sequence[float] = ()) -> PacingPlan:
    """The plan of ``inventory`` from forecasts by flight id.

    ``traffic`` is the installation's 168 hours, the shape of flights without a forecast of their own; without it they follow the clock.
    """
    rows = [(expected or {}).get(int(flight), Expected()) for flight in inventory.flight_id]
    counted = np.array([len(row.supply) == HOURS and sum(row.supply) > 0 for row in rows], dtype=bool)
    shape = np.array(traffic if len(traffic) == HOURS and sum(traffic) > 0 else np.ones(HOURS), dtype=np.float64)
    hourly = np.array([row.supply if own else shape for row, own in zip(rows, counted, strict=True)]).reshape(-1, HOURS).T
    curve = curve_of(hourly)
    start, end = cumulative(curve, inventory.starts), cumulative(curve, inventory.ends)
    # A flight that none of its requests reaches has an empty curve; dividing by it must still be defined.
    supply = np.maximum(end - start, 1e-9)
    last_day = np.clip(end - cumulative(curve, np.maximum(inventory.ends - DAY, inventory.starts)), supply * 1e-6, supply)
    kept = RESERVE * last_day
    exponent = LEAD * np.where(inventory.front_loaded, 2.0, 1.0)
    settle = _column(rows, "settle_share", SETTLE_SHARE)
    events = np.where(inventory.goal_counts_holds, settle, _column(rows, "events_per_win", 0.0))
    # What a CPM flight pays for an impression at most; of other prices nothing is known before the first charges.
    dearest = np.where(inventory.pricing == CPM, inventory.bid / 1000.0 * settle, 0.0)
    micros = _column(rows, "micros_per_win", 0.0)
    micros = np.where(micros > 0, micros, dearest)
    sold = (inventory.tier != HOUSE) & (inventory.tier != SPONSORSHIP)
    return PacingPlan(
        curve=curve,
        counted=counted,
        before_start=start,
        supply=supply,
        last_day=last_day,
        kept=kept,
        exponent=exponent,
        unmet_last_day=((last_day - kept) / (supply - kept)) ** exponent,
        win_share=np.clip(_column(rows, "win_share", 1.0), 0.01, 1.0),
        settle_share=settle,
        events_per_win=events,
        wins=np.minimum(_wins(inventory.goal, events), _wins(inventory.budget, micros)),
        day_wins=np.minimum(_wins(inventory.daily_goal, events), _wins(inventory.daily_budget, micros)),
        layered=np.array([len(row.layers) == LAYERS - 1 for row in rows], dtype=bool),
        layers=np.array([sorted(row.layers) if len(row.layers) == LAYERS - 1 else [0.0] * (LAYERS - 1) for row in rows]).reshape(-1, LAYERS - 1),
        paced=sold & ~inventory.asap & ((inventory.goal < NO_LIMIT) | (inventory.budget < NO_LIMIT)),
        guaranteed=(inventory.tier == STANDARD) & ((inventory.goal < NO_LIMIT) | (inventory.budget < NO_LIMIT)),
        daily=np.flatnonzero(sold & ~inventory.asap & ((inventory.daily_goal < NO_LIMIT) | (inventory.daily_budget < NO_LIMIT))),
        front_loaded=inventory.front_loaded,
    )


def curve_of(hourly: Floats) -> Floats:
    """From requests in each hour of the week [168, n] to those from Monday 00:00 to each hour's start, [169, n]."""
    return np.concatenate([np.zeros((1, hourly.shape[1])), np.cumsum(hourly, axis=0)])


def cumulative(curve: Floats, moments: Floats) -> Floats:
    """As `PacingPlan.until`, each flight at a moment of its own [n]."""
    weeks, inside = np.divmod(moments - FIRST_MONDAY, WEEK)
    hour = np.minimum((inside // HOUR).astype(np.int64), HOURS - 1)
    column = np.arange(curve.shape[1])
    below = curve[hour, column]
    found: Floats = weeks * curve[HOURS] + below + (curve[hour + 1, column] - below) * (inside / HOUR - hour)
    return found


def _column(rows: Sequence[Expected], name: str, unknown: float) -> Floats:
    return np.array([getattr(row, name) or unknown for row in rows], dtype=np.float64)


def _wins(limit: Ints, of_one: Floats) -> Floats:
    """Slots that ``limit`` takes when each comes to ``of_one``; infinite without a limit or when that is unknown."""
    known = (limit < NO_LIMIT) & (of_one > 0)
    return np.where(known, limit / np.where(known, of_one, 1.0), np.inf)
