"""One ad break decided, from targeting to reservation and log, on one core: by scorer, by number of live flights, and stage by stage."""

from __future__ import annotations

import itertools
import random
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from benchmarks import harness
from benchmarks.harness import Goal, Options, Row, percentile, row

# Breaks per measurement; p99 of fewer is noise.
TIMES, QUICK_TIMES, WARM_UP = 3000, 300, 100
VIEWERS = 500
# Flights whose cost is shown, each with the goals of p50 and p99 under `hashed_logistic`.
GOALS: dict[int, tuple[Goal | None, Goal | None]] = {
    10: (None, None),
    100: (Goal(at_most=1.0), None),
    1000: (Goal(at_most=1.5), Goal(at_most=4.0)),
    10_000: (None, None),
}
# Measured on this many flights, one row each; None is no champion: the smoothed rates themselves.
SCORERS: dict[str, str | None] = {"prior rates": None, "two_stage": "two_stage", "forest": "random_forest"}
SCORED = 1000
_numbers = itertools.count()
# What any decision pays at least: one atomic write in Redis.
FLOOR_SCRIPT = "return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)"


def measure(options: Options) -> Sequence[Row]:
    times = QUICK_TIMES if options.quick else TIMES
    rows: list[Row] = []
    for flights, (goal_50, goal_99) in GOALS.items():
        now = _stocked(flights)
        _serve_with("hashed_logistic", now)
        rows += _whole(f"{flights:,} flights, hashed_logistic", now, times, goal_50, goal_99)
        if flights == SCORED:
            rows += _stages(f"{flights:,} flights, hashed_logistic", now, times)
            rows += _floor(f"{flights:,} flights", now, times)
            for name, estimator in SCORERS.items():
                _serve_with(estimator, now)
                rows += _whole(f"{flights:,} flights, {name}", now, times, None, None)
    return rows


def _stocked(flights: int) -> datetime:
    from django.utils import timezone

    from adplatform.learning import registry
    from benchmarks.inventory import live_flights

    harness.empty()
    registry.forget_loaded()
    now = timezone.now()
    live_flights(flights, now=now)
    return now


def _serve_with(estimator: str | None, now: datetime) -> None:
    """Make a champion of this estimator serve, or none, and warm up."""
    import numpy as np

    from ads.serving import serve_break
    from benchmarks.inventory import champion

    champion(estimator, [_request(number) for number in range(8)])
    generator = np.random.default_rng(1)
    for asked in _new_requests(WARM_UP):
        serve_break(asked, now=now, rng=generator)


def _whole(name: str, now: datetime, times: int, goal_50: Goal | None, goal_99: Goal | None) -> list[Row]:
    """Every break is another session's."""
    import numpy as np

    from ads.serving import serve_break

    generator = np.random.default_rng(2)
    requests = _new_requests(times)
    served: list[Any] = []
    took = _timed(lambda number: served.append(serve_break(requests[number], now=now, rng=generator)), times)
    return [
        row(f"{name}, p50", percentile(took, 0.5), "ms", goal_50),
        row(f"{name}, p99", percentile(took, 0.99), "ms", goal_99),
        row(f"{name}, breaks filled", sum(bool(answer.ads) for answer in served) / times, "share"),
    ]


def _stages(name: str, now: datetime, times: int) -> list[Row]:
    """The same walk with a look at the clock between its stages."""
    from adplatform.eventlog import stream
    from ads import drafts, reservation, serving

    client = stream.client()
    stages: dict[str, list[float]] = {"read": [], "decide and explain": [], "answer, event and tokens": [], "reserve and log": []}
    for request in _new_requests(times):
        marks = [time.perf_counter()]
        _, inventory, plan, state = serving._read(client, request, now)
        marks.append(time.perf_counter())
        decision, draft = serving._decide(request, inventory, plan, state, now, None, marks[0])
        marks.append(time.perf_counter())
        _, event, kept = serving._put_together(draft, drafts.hoped(draft))
        marks.append(time.perf_counter())
        prepared = reservation.Prepared(event, drafts.alternates(draft), kept)
        reservation.reserve(client, request, inventory, decision, draft.id, prepared, now=now)
        marks.append(time.perf_counter())
        for stage, begun, ended in zip(stages, marks, marks[1:], strict=False):
            stages[stage].append((ended - begun) * 1000)
    return [row(f"{name}, of which {stage}, p50", percentile(took, 0.5), "ms") for stage, took in stages.items()]


def _floor(name: str, now: datetime, times: int) -> list[Row]:
    from adplatform.eventlog import stream
    from ads import live_inventory

    requests = _new_requests(times)
    bare = _timed(_bare(live_inventory.current(stream.client()), requests, now.timestamp()), times)
    return [
        row(f"{name}, floor: bare masks and one script, p50", percentile(bare, 0.5), "ms"),
        row(f"{name}, floor: bare masks and one script, p99", percentile(bare, 0.99), "ms"),
    ]


def _bare(inventory: Any, requests: Sequence[Any], now: float) -> Callable[[int], object]:
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


def _new_requests(count: int) -> list[Any]:
    """Breaks that nobody has asked for: one that was is answered from what is kept."""
    return [_request(next(_numbers)) for _ in range(count)]


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
