"""How fast a flight may spend: what is left, and a soft throttle against the share of its time that has passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .inventory import Inventory
from .state import DeliveryState, Floats, Ints, Mask

# A flight this share of its goal ahead of plan is let through on its floor rate only.
SLACK = 0.02
LOWEST_RATE = 0.02


@dataclass(frozen=True, slots=True)
class Pacing:
    """Per flight: ``signal`` is the share of requests let through, ``multiplier`` its weight in the ranking, ``planned`` and
    ``delivered`` are shares of the goal."""

    signal: Floats
    multiplier: Floats
    planned: Floats
    delivered: Floats

    def told(self, flight: int) -> dict[str, Any]:
        """What an explanation says of the flight in this row."""
        signal, planned, delivered = float(self.signal[flight]), float(self.planned[flight]), float(self.delivered[flight])
        reason = "on_plan" if signal >= 1.0 else "ahead"
        return {"signal": signal, "planned": planned, "delivered": delivered, "reason": reason}


def spent(inventory: Inventory, state: DeliveryState) -> list[tuple[str, Mask]]:
    """Flights that have nothing left, by reason. Holds count as spent until they settle or expire."""
    used = state.booked + state.held
    return [
        ("budget_spent", used >= inventory.budget),
        ("goal_reached", _progress(inventory, state) >= inventory.goal),
        ("daily_budget_spent", state.day_booked + state.held >= inventory.daily_budget),
    ]


def pace(inventory: Inventory, state: DeliveryState, now: float) -> Pacing:
    """Linear in time for even pacing; 1 - (1 - x)^2, a quarter ahead at half time, for front-loaded; ASAP always passes.

    The rate falls from 1 to the floor as delivery runs from the plan to one slack beyond it: soft, so that neighbours
    in time are not all refused at once.
    """
    length = np.maximum(inventory.ends - inventory.starts, 1.0)
    elapsed = np.clip((now - inventory.starts) / length, 0.0, 1.0)
    planned = np.where(inventory.front_loaded, 1.0 - (1.0 - elapsed) ** 2, elapsed)
    delivered = _share_delivered(inventory, state)
    ahead = (delivered - planned) / SLACK
    signal = np.where(inventory.asap, 1.0, np.clip(1.0 - ahead, LOWEST_RATE, 1.0))
    return Pacing(signal=signal, multiplier=np.ones(len(signal)), planned=planned, delivered=delivered)


def _share_delivered(inventory: Inventory, state: DeliveryState) -> Floats:
    money = (state.booked + state.held) / np.maximum(inventory.budget, 1)
    return np.maximum(money, _progress(inventory, state) / np.maximum(inventory.goal, 1))


def _progress(inventory: Inventory, state: DeliveryState) -> Ints:
    """Goal events so far. A hold is an impression to come; how many clicks or views come of it is not known yet."""
    return state.delivered + np.where(inventory.goal_counts_holds, state.held_count, 0)
