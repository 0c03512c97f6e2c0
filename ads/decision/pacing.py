"""How fast a flight may deliver: what is left, a soft throttle against its traffic-shape curve, and its weight in the ranking.

A self-correcting base rate (wins still to come over the winnable requests still to come, Agarwal KDD'14) is corrected by spend
error and gradient (Mystique, WWW'24); what is shed goes by layers of predicted response (Smart Pacing, KDD'15). Whoever needs
most of what is left is ranked up, so that scarce supply goes to those who have no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .inventory import CPCV, Inventory
from .packing import packed, single, unpacked
from .plan import LAYERS, Moment, PacingPlan, compile_plan
from .state import Codes, DeliveryState, Floats, Ints, Mask

# One step of error: this share of what is still missing of the goal and this share of the goal, or one goal event where that is more.
SLACK, SLACK_AT_END = 0.02, 0.002
# Per step of error the pass rate moves by a factor of two to this power: at most by 2^3 down and 2^12 up.
ERROR_GAIN, GRADIENT_GAIN = 2.0, 0.25
MOST_DOWN, MOST_UP, MOST_GRADIENT = -3.0, 12.0, 2.0
# Propensities need a chance to be shown above zero.
FLOOR = 1e-4
# The ranking: twice the weight for each step behind, up to 2^4; the fourth power of the need, from a quarter of the requests left
# on; and as many times the weight as there is more missing than may be by now, up to 32 times. The first is for those who
# fall behind, the second for those who soon cannot catch up any more, the third for a small goal's last events.
MOST_BEHIND, MOST_LATE = 4.0, 32.0
EASY_NEED, MOST_NEED = 0.25, 100.0

REASONS: dict[str, str] = {
    "on_plan": "On plan",
    "ahead": "Ahead of plan: held back so that it lasts until the flight ends",
    "behind": "Behind plan: let through more often and ranked higher",
    "no_forecast": "Its own traffic is not forecast yet: follows the whole installation's, else the clock",
    "day_ahead": "Held back so that today's goal or budget lasts until midnight UTC",
    "unlimited": "Has nothing to spread over its days: nothing is held back",
    "asap": "As fast as possible: nothing is held back",
    "finished": "Has delivered or reserved all it may",
}
NAMES, WORDS = tuple(REASONS), tuple(REASONS.values())
CODES = {name: number for number, name in enumerate(NAMES)}
# Why a flight has nothing left; `spent` numbers them from 1. The last is of one arm alone (`ads.reservation.arms`).
SPENT = ("budget_spent", "goal_reached", "daily_budget_spent", "daily_goal_reached", "arm_budget_spent")


@dataclass(frozen=True, slots=True)
class Pacing:
    """Per flight: ``signal`` is the share of requests let through (0-1), ``multiplier`` its weight in the ranking (1 and up),
    ``planned`` and ``delivered`` are shares of the goal, ``reason`` numbers `NAMES`.

    ``layered`` and ``layers`` are the plan's. ``rates`` [ads] are pass rates as stored: a replay answers with them.
    """

    signal: Floats
    multiplier: Floats
    planned: Floats
    delivered: Floats
    reason: Ints
    layered: Mask
    layers: Floats
    rates: Floats | None = None

    def told(self, flights: Ints) -> list[dict[str, Any]]:
        """What an explanation says of the flights in these rows."""
        columns = (self.signal, self.planned, self.delivered, self.multiplier, self.reason)
        return [
            {"signal": signal, "planned": planned, "delivered": delivered, "multiplier": multiplier, "reason": NAMES[code], "words": WORDS[code]}
            for signal, planned, delivered, multiplier, code in zip(*(column[flights].tolist() for column in columns), strict=True)
        ]


def spent(inventory: Inventory, state: DeliveryState) -> Codes:
    """Which flights have nothing left [flights]: the place of the reason in `SPENT` counted from 1, 0 for those that have.

    Holds count as spent until they settle or expire. Money that does not pay one more event at the bid is no money left: the
    flight would win slots and lose them at the reservation. A replay knows the answer.
    """
    if state.spent is not None:
        return state.spent
    used, events = state.booked + state.held, np.where(inventory.goal_counts_holds, state.held_count, 0)
    found = np.zeros(len(inventory.flights), dtype=np.uint8)
    masks = (
        used + inventory.event_cost > inventory.budget,
        state.delivered + events >= inventory.goal,
        state.day_booked + state.held + inventory.event_cost > inventory.daily_budget,
        state.day_delivered + events >= inventory.daily_goal,
    )
    # From the last to the first, so that the first reason stays.
    for number in range(len(masks), 0, -1):
        found[masks[number - 1]] = number
    return found


def pace(inventory: Inventory, plan: PacingPlan | None, state: DeliveryState, now: float) -> Pacing:
    """The signal of every flight in the second of ``now`` (Unix); without a plan flights follow the clock.

    Planned is the share of the flight's expected requests that have passed: as it is for even pacing, 1 - (1 - x)^2
    (three quarters at half time) for front-loaded.
    """
    plan = plan or compile_plan(inventory)
    moment = plan.at(int(now))
    coming = state.held_count * plan.events_per_win, state.held * plan.settle_share
    delivered = _share(inventory.goal, inventory.budget, state.delivered, state.booked, coming)
    step = np.maximum(SLACK * moment.unmet + SLACK_AT_END, 1.0 / inventory.goal)
    error = (1.0 - moment.unmet - delivered) / step
    missing = 1.0 - delivered
    # Where supply or wins are not known in numbers the need is measured against the plan alone.
    need = np.where(plan.wins_known, moment.needed, EASY_NEED / np.maximum(moment.unmet, 1e-9)) * missing
    gradient = moment.planned_today - _share(inventory.goal, inventory.budget, state.day_delivered, state.day_booked, coming)
    pushed = np.minimum(np.maximum(gradient / step, -MOST_GRADIENT), MOST_GRADIENT)
    correction = np.minimum(np.maximum(ERROR_GAIN * error + GRADIENT_GAIN * pushed, MOST_DOWN), MOST_UP)
    steered = np.where(plan.counted, need * np.exp2(correction), 1.0 + error)
    signal = np.where(plan.paced, np.minimum(np.maximum(steered, FLOOR), 1.0), 1.0)
    reason = _reasons(inventory, plan, error)
    if len(plan.daily):
        _hold_the_day(inventory, plan, state, moment, coming, signal, reason)
    finished = spent(inventory, state) > 0
    signal[finished], reason[finished] = 0.0, CODES["finished"]
    return Pacing(
        signal, _multiplier(plan, error, need, missing / np.maximum(moment.unmet, 1e-9)), moment.planned, delivered, reason, plan.layered, plan.layers
    )


def _reasons(inventory: Inventory, plan: PacingPlan, error: Floats) -> Ints:
    reason = np.full(len(error), CODES["on_plan"], dtype=np.int64)
    reason[error >= 1.0] = CODES["behind"]
    reason[error <= -1.0] = CODES["ahead"]
    reason[~plan.counted] = CODES["no_forecast"]
    unpaced = ~plan.paced
    reason[unpaced] = CODES["unlimited"]
    reason[unpaced & inventory.asap] = CODES["asap"]
    return reason


def _share(goal: Ints, budget: Ints, events: Ints, micros: Ints, coming: tuple[Floats, Floats]) -> Floats:
    """Share of the goal or of the budget, whichever is further, ``coming`` of the holds included as far as they are likely to settle."""
    return np.minimum(np.maximum((events + coming[0]) / goal, (micros + coming[1]) / np.maximum(budget, 1)), 1.0)


def _multiplier(plan: PacingPlan, error: Floats, need: Floats, late: Floats) -> Floats:
    # To the fourth power by squaring twice: a general power takes three times as long.
    urgency = np.square(np.square(np.minimum(np.maximum(need / EASY_NEED, 1.0), MOST_NEED)))
    urgency *= np.minimum(np.maximum(late, 1.0), MOST_LATE)
    return single(np.where(plan.guaranteed, np.exp2(np.minimum(np.maximum(error, 0.0), MOST_BEHIND)) * urgency, 1.0))


def _hold_the_day(
    inventory: Inventory,
    plan: PacingPlan,
    state: DeliveryState,
    moment: Moment,
    coming: tuple[Floats, Floats],
    signal: Floats,
    reason: Ints,
) -> None:
    """Lower the signal of flights with a limit of the day that are ahead of the day's share of requests; evenly, whatever their pacing."""
    rows = plan.daily
    begins = np.maximum(moment.today, plan.before_start)[rows]
    ends = np.minimum(moment.tomorrow, plan.before_start + plan.supply)[rows]
    length = np.maximum(ends - begins, 1e-9)
    passed = np.clip((moment.expected[rows] - begins) / length, 0.0, 1.0)
    goal, budget = inventory.daily_goal, inventory.daily_budget
    delivered = _share(goal, budget, state.day_delivered, state.day_booked, coming)[rows]
    error = (passed - delivered) / np.maximum(SLACK, 1.0 / goal[rows])
    known = plan.counted[rows] & np.isfinite(plan.day_wins[rows])
    wins = np.where(known, plan.day_wins[rows], 0.0) * (1.0 - delivered)
    need = wins / np.maximum(length * (1.0 - passed) * plan.win_share[rows], 1e-9)
    allowed = np.where(known, need * np.exp2(np.clip(ERROR_GAIN * error, MOST_DOWN, MOST_UP)), 1.0 + error)
    allowed = np.clip(allowed, FLOOR, 1.0)
    holding = allowed < signal[rows]
    signal[rows[holding]], reason[rows[holding]] = allowed[holding], CODES["day_ahead"]


def response(inventory: Inventory, rows: Ints, pctr: Floats, pvcr: Floats) -> Floats:
    """What layers are made of: the predicted completed view where views are bought, else the predicted click."""
    return np.where(inventory.pricing[inventory.ad_flight[rows]] == CPCV, pvcr, pctr)


def pass_rates(pacing: Pacing, inventory: Inventory, rows: Ints, response: Floats) -> Floats:
    """The chance of each ad in ``rows`` to be let through, by its flight's signal and the layer of its predicted ``response``.

    Layers above the marginal one always pass, those below it on the floor; over the layers it averages to the signal.
    """
    if pacing.rates is not None:
        return pacing.rates[rows]
    flights = inventory.ad_flight[rows]
    signal = pacing.signal[flights]
    if not pacing.layered.any():
        return signal
    above = LAYERS - 1 - (response[:, None] >= pacing.layers[flights]).sum(axis=1)
    floor = np.minimum(FLOOR, signal)
    shared = (signal - floor) * LAYERS - above * (1.0 - floor)
    rates = np.minimum(floor + np.clip(shared, 0.0, 1.0 - floor), 1.0)
    return np.where(pacing.layered[flights], rates, signal)


def stored(pacing: Pacing, inventory: Inventory, rows: Ints, rates: Floats) -> dict[str, str]:
    """What a replay needs of the scored ads in ``rows``, bit for bit: their pass ``rates`` and their flights' weights in the ranking."""
    return {"rates": packed(rates), "multipliers": packed(pacing.multiplier[inventory.ad_flight[rows]])}


def restored(kept: Mapping[str, str], inventory: Inventory, rows: Ints) -> Pacing:
    """The pacing of a stored decision whose scored ads are ``rows``; what only its explanation told stands at 1."""
    flights = np.ones((4, len(inventory.flights)))
    signal, multiplier, planned, delivered = flights
    multiplier[inventory.ad_flight[rows]] = unpacked(kept["multipliers"], len(rows))
    rates = np.ones(len(inventory.ads))
    rates[rows] = unpacked(kept["rates"], len(rows))
    nothing = np.zeros(len(inventory.flights), dtype=bool)
    reason = np.full(len(nothing), CODES["on_plan"], dtype=np.int64)
    return Pacing(signal, multiplier, planned, delivered, reason, nothing, np.zeros((len(nothing), LAYERS - 1)), rates)
