"""The pacing plan of this process: compiled beside its inventory, and again when forecasts have changed."""

from __future__ import annotations

import threading
import time

import numpy as np
import redis

from adplatform.eventlog import stream

from .decision.inventory import Inventory
from .decision.plan import HOURS, Expected, PacingPlan, compile_plan
from .models import FlightForecast

# The installation's requests in each UTC hour of a week, 168 float64, and a number that changes with every forecast.
VERSION_KEY, TRAFFIC_KEY = "forecast:version", "forecast:traffic"
COLUMNS = ("supply", "layers", "win_share", "settle_share", "events_per_win", "micros_per_win")


class PlanCache:
    """The plans of the two inventories that the threads of a process may be serving from while one of them compiles a change.

    ``signal`` is what the version key held before the forecasts were read, so a change during the read is noticed later.
    """

    def __init__(self) -> None:
        self._compiling = threading.Lock()
        self._made: dict[int, tuple[bytes | None, PacingPlan]] = {}

    def at(self, inventory: Inventory, signal: bytes | None) -> PacingPlan:
        """The plan of ``inventory`` that belongs to the version ``signal`` read from Redis, or the one before while that is compiled."""
        made = self._made.get(inventory.version)
        if made is not None and (made[0] == signal or not self._compiling.acquire(blocking=False)):
            return made[1]
        if made is None:
            self._compiling.acquire()
        try:
            return self._compiled(inventory, signal)
        finally:
            self._compiling.release()

    def _compiled(self, inventory: Inventory, signal: bytes | None) -> PacingPlan:
        made = self._made.get(inventory.version)
        if made is None or made[0] != signal:
            made = (signal, _build(inventory))
            others = [item for item in self._made.items() if item[0] != inventory.version]
            self._made = dict([*others[-1:], (inventory.version, made)])
        return made[1]


cache = PlanCache()


def _build(inventory: Inventory) -> PacingPlan:
    rows = FlightForecast.objects.filter(flight_id__in=inventory.flight_id.tolist()).values_list("flight_id", *COLUMNS)
    expected = {flight: Expected(**dict(zip(COLUMNS, values, strict=True))) for flight, *values in rows}
    return compile_plan(inventory, expected, traffic(stream.client()))


def traffic(client: redis.Redis) -> list[float]:
    """The installation's requests by UTC hour of the week; empty when none are known, or Redis has forgotten them."""
    packed = client.get(TRAFFIC_KEY)
    known = np.frombuffer(packed, dtype="<f8") if isinstance(packed, bytes) else np.zeros(0)
    return known.tolist() if len(known) == HOURS else []


def raise_version(client: redis.Redis, hourly: list[float]) -> None:
    """Make every process compile its plan again, from the stored forecasts and the installation's ``hourly`` requests."""
    client.mset({TRAFFIC_KEY: np.array(hourly, dtype="<f8").tobytes(), VERSION_KEY: time.time_ns()})
