"""One ad break decided, from targeting to reservation and log, on 10, 100 and 1,000 live flights, beside the floor of the same run."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import harness
from benchmarks.harness import Goal, Options, Row, percentile, row

# Breaks per measurement; p99 of fewer is noise.
TIMES, QUICK_TIMES, WARM_UP = 3000, 500, 100
VIEWERS = 500
GOALS: dict[int, tuple[Goal | None, Goal | None]] = {
    10: (None, None),
    100: (Goal(at_most=1.0), None),
    1000: (Goal(at_most=1.5), Goal(at_most=4.0)),
}
# What any decision pays at least: one atomic write in Redis.
FLOOR_SCRIPT = "return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)"


def measure(options: Options) -> Sequence[Row]:
    times = QUICK_TIMES if options.quick else TIMES
    return [figure for flights in GOALS for figure in _measure(flights, times)]


def _measure(flights: int, times: int) -> Sequence[Row]:
    """Every break is another session's; the scorer is the one that is served (no champion here: the smoothed rates)."""
    import numpy as np
    from django.utils import timezone

    from adplatform.eventlog import stream
    from ads import live_inventory
    from ads.serving import serve_break
    from benchmarks.inventory import live_flights

    harness.empty()
    now = timezone.now()
    live_flights(flights, now=now)
    requests = [_request(number) for number in range(times + WARM_UP)]
    generator = np.random.default_rng(1)
    for asked in requests[:WARM_UP]:
        serve_break(asked, now=now, rng=generator)
    served: list[Any] = []
    took = _timed(lambda number: served.append(serve_break(requests[WARM_UP + number], now=now, rng=generator)), times)
    bare = _timed(_floor(live_inventory.current(stream.client()), requests, now.timestamp()), times)
    goal_50, goal_99 = GOALS[flights]
    name = f"{flights:,} flights"
    return [
        row(f"{name}, p50", percentile(took, 0.5), "ms", goal_50),
        row(f"{name}, p99", percentile(took, 0.99), "ms", goal_99),
        row(f"{name}, of which before the reservation, p50", percentile([answer.milliseconds for answer in served], 0.5), "ms"),
        row(f"{name}, floor: bare masks and one script, p50", percentile(bare, 0.5), "ms"),
        row(f"{name}, floor: bare masks and one script, p99", percentile(bare, 0.99), "ms"),
        row(f"{name}, breaks filled", sum(bool(answer.ads) for answer in served) / times, "share"),
    ]


def _floor(inventory: Any, requests: Sequence[Any], now: float) -> Callable[[int], object]:
    import numpy as np

    from adplatform.eventlog import stream
    from ads.decision import targeting

    client = stream.client()
    script = client.register_script(FLOOR_SCRIPT)

    def call(number: int) -> object:
        failing = targeting.first_failures(inventory, requests[number], now)
        return script(keys=["bench:floor"], args=[int(np.flatnonzero(failing == 0)[0])])

    return call


def _timed(call: Callable[[int], object], times: int) -> list[float]:
    """Milliseconds of each call."""
    took = []
    for number in range(times):
        started = time.perf_counter()
        call(number)
        took.append((time.perf_counter() - started) * 1000)
    return took


def _request(number: int) -> Any:
    from ads.decision.request import AdRequest
    from benchmarks.inventory import DEVICES, GENRES

    dice = random.Random(number)
    return AdRequest(
        session=uuid.UUID(int=dice.getrandbits(128)), viewer=uuid.UUID(int=number % VIEWERS), consent=True, break_id="b1", break_position="mid",
        break_index=1, duration=30.0, max_ads=2, device=dice.choice(DEVICES), hour=dice.randint(0, 23), weekday=dice.randint(0, 6), title=1,
        genres=(dice.choice(GENRES),), age_band=dice.choice(["18-24", "25-34", "35-44"]), gender="female", tier="ads", monthly_hours=20.0,
        favourite_genres=("drama",),
    )  # fmt: skip


if __name__ == "__main__":
    harness.main("decision", measure)
