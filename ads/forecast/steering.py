"""Goals, budgets and pacing over many futures at once: the rules of `ads.decision.pacing`, for arrays of lanes x flights."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ads.decision import pacing
from ads.decision.inventory import NO_LIMIT, Inventory
from ads.decision.plan import LAYERS, PacingPlan
from ads.decision.state import DeliveryState, Floats, Ints, Mask

# Of an inventory what pacing reads.
PACED_BY = ("goal", "budget", "daily_goal", "daily_budget", "event_cost", "goal_counts_holds", "asap")
# Of a pacing plan all that has one number for each flight.
OF_EACH_FLIGHT = tuple(field.name for field in fields(PacingPlan) if field.name not in ("curve", "layers", "daily", "memo"))


class Ends:
    """Goal and budget, of the whole and of the day, as one question: has it any left, and how much of what it just won."""

    def __init__(self, inventory: Inventory, *, alone: bool) -> None:
        nothing = np.full(len(inventory.flights), np.inf)

        def limit(values: Ints) -> Floats:
            return nothing if alone else np.where(values < NO_LIMIT, values.astype(np.float64), np.inf)

        self.goal, self.budget, self.daily_goal, self.daily_budget = (
            limit(values) for values in (inventory.goal, inventory.budget, inventory.daily_goal, inventory.daily_budget)
        )
        # Money that does not pay for one more event at the bid is none.
        self.cost = inventory.event_cost.astype(np.float64)
        self.in_money = np.array([flight.goal_type == "spend" for flight in inventory.flights], dtype=bool)

    def reached(self, delivered: Floats, micros: Floats, day_delivered: Floats, day_micros: Floats) -> Mask:
        found: Mask = (
            (delivered >= self.goal - 1e-6)
            | (micros + self.cost > self.budget - 1e-6)
            | (day_delivered >= self.daily_goal - 1e-6)
            | (day_micros + self.cost > self.daily_budget - 1e-6)
        )
        return found

    def share(self, events: Floats, micros: Floats, delivered: Floats, booked: Floats, day_delivered: Floats, day_booked: Floats) -> Floats:
        """How much of what was won still counts, 0-1."""
        left_events = np.minimum(self.goal - delivered, self.daily_goal - day_delivered)
        left_micros = np.minimum(self.budget - booked, self.daily_budget - day_booked)
        with np.errstate(divide="ignore", invalid="ignore"):
            by_events = np.where(events > 0, np.maximum(left_events, 0.0) / events, 1.0)
            by_micros = np.where(micros > 0, np.maximum(left_micros, 0.0) / micros, 1.0)
        found: Floats = np.minimum(np.minimum(by_events, by_micros), 1.0)
        return found


class Pacer:
    """The real pacing controller over all lanes at once: one wide inventory with each flight once a lane."""

    def __init__(self, inventory: Inventory, plan: PacingPlan, lanes: int) -> None:
        self.lanes, self.flights, self.plan = lanes, len(inventory.flights), plan
        # Layers above that of each request and ad [m, ads], once they are asked for.
        self.above: NDArray[np.int8] | None = None
        wide: dict[str, Any] = {name: np.tile(getattr(inventory, name), lanes) for name in PACED_BY}
        self.wide = replace(inventory, flights=inventory.flights * lanes, **wide)
        columns: dict[str, Any] = {name: np.tile(getattr(plan, name), lanes) for name in OF_EACH_FLIGHT}
        daily = np.concatenate([plan.daily + lane * self.flights for lane in range(lanes)]).astype(np.int64)
        self.wide_plan = PacingPlan(**columns, curve=np.tile(plan.curve, (1, lanes)), layers=np.tile(plan.layers, (lanes, 1)), daily=daily)

    def at(self, moment: float, delivered: Floats, micros: Floats, day_delivered: Floats, day_micros: Floats) -> tuple[Floats, Floats]:
        """The signal and the urgency of every flight [lanes, n]."""
        nothing = np.zeros(self.lanes * self.flights, dtype=np.int64)
        # Expected events come in parts; the controller's arithmetic does not mind.
        booked, day_booked, events, day_events = (cast("Ints", values.ravel()) for values in (micros, day_micros, delivered, day_delivered))
        state = DeliveryState(booked=booked, held=nothing, day_booked=day_booked, delivered=events, held_count=nothing, day_delivered=day_events)
        found = pacing.pace(self.wide, self.wide_plan, state, moment)
        shape = (self.lanes, self.flights)
        return found.signal.reshape(shape), found.multiplier.reshape(shape)

    def rates(self, of: Ints, signal: Floats, response: Floats, row: Ints) -> Floats:
        """The chance of each ad to be let through [b, ads]; as `pacing.pass_rates`, for many breaks. ``response`` [m, ads]."""
        layered = self.plan.layered[of]
        if not layered.any():
            return signal
        if self.above is None:
            self.above = LAYERS - 1 - (response[:, :, None] >= self.plan.layers[of]).sum(axis=2, dtype=np.int8)
        above = self.above[row]
        floor = np.minimum(pacing.FLOOR, signal)
        shared = (signal - floor) * LAYERS - above * (1.0 - floor)
        found: Floats = np.where(layered, np.minimum(floor + np.clip(shared, 0.0, 1.0 - floor), 1.0), signal)
        return found
