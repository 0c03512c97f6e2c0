"""Online features: counters of what followed each impression, in Redis hashes, read in the round trip a decision makes anyway.

One hash a scope (``rate:ad``, ``rate:viewer``, ...), one field a key and counter (``12:impressions``). The consumer adds
from newly inserted rows only, after its transaction has committed; a crash in between loses increments, which `replace`
makes good from the tables. Values are logged as served, so training never needs the counters of the past.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray

COUNTERS = ("impressions", "clicks", "completes")
PREFIX = "rate:"
WRITE_CHUNK = 5_000

Key = int | str
Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Increment:
    """``counter`` of one key in one scope, ``by`` more."""

    scope: str
    key: Key
    counter: str
    by: int = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which keys of each scope one decision reads, in the order the answer is wanted in; keys may repeat."""

    keys: Mapping[str, Sequence[Key]]

    def queue(self, pipeline: Any) -> int:
        """Add one HMGET a scope to an open pipeline; returns how many replies `parse` will need."""
        queued = 0
        for scope, keys in self.keys.items():
            if keys:
                pipeline.hmget(PREFIX + scope, [f"{key}:{counter}" for key in dict.fromkeys(keys) for counter in COUNTERS])
                queued += 1
        return queued

    def parse(self, replies: Sequence[Sequence[bytes | None]]) -> dict[str, Counts]:
        """For each scope float64 [keys, 3] in the order of ``COUNTERS``; a key never counted is all zero."""
        answers = iter(replies)
        counts: dict[str, Counts] = {}
        for scope, keys in self.keys.items():
            if not keys:
                counts[scope] = np.zeros((0, len(COUNTERS)))
                continue
            unique = {key: row for row, key in enumerate(dict.fromkeys(keys))}
            table = np.array([float(value) if value else 0.0 for value in next(answers)]).reshape(-1, len(COUNTERS))
            counts[scope] = table if len(unique) == len(keys) else table[[unique[key] for key in keys]]
        return counts


def read(client: redis.Redis, wanted: Wanted) -> dict[str, Counts]:
    """The same in a round trip of its own, for callers without a pipeline at hand."""
    with client.pipeline(transaction=False) as pipeline:
        queued = wanted.queue(pipeline)
        return wanted.parse(pipeline.execute() if queued else [])


def record(client: redis.Redis, increments: Iterable[Increment]) -> None:
    """Add; call it once for each newly inserted row, when the transaction that inserted it has committed."""
    totals: Counter[tuple[str, str]] = Counter()
    for increment in increments:
        if increment.counter not in COUNTERS:
            raise ValueError(f"unknown counter {increment.counter!r}; there are {', '.join(COUNTERS)}")
        totals[PREFIX + increment.scope, f"{increment.key}:{increment.counter}"] += increment.by
    if not totals:
        return
    with client.pipeline(transaction=False) as pipeline:
        for (name, field), by in sorted(totals.items()):
            pipeline.hincrby(name, field, by)
        pipeline.execute()


def replace(client: redis.Redis, scopes: Iterable[str], increments: Iterable[Increment]) -> None:
    """Set whole scopes to these totals, each at one stroke, so that a reader meets the old counts or the new, never none."""
    totals: dict[str, Counter[str]] = {PREFIX + scope: Counter() for scope in scopes}
    for increment in increments:
        totals[PREFIX + increment.scope][f"{increment.key}:{increment.counter}"] += increment.by
    for name, fields in totals.items():
        building = f"{name}:building"
        with client.pipeline(transaction=False) as pipeline:
            pipeline.delete(building)
            items = list(fields.items())
            for start in range(0, len(items), WRITE_CHUNK):
                pipeline.hset(building, mapping=dict(items[start : start + WRITE_CHUNK]))
            if items:
                pipeline.rename(building, name)
            else:
                pipeline.delete(name)
            pipeline.execute()


def smoothed(successes: Counts, trials: Counts, prior: Counts | float, strength: float) -> Counts:
    """Posterior mean of a Beta prior worth ``strength`` trials: (successes + strength * prior) / (trials + strength)."""
    rate: Counts = (successes + strength * prior) / (trials + strength)
    return rate
