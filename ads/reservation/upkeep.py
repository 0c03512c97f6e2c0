"""Looking after the counters: holds counted anew, and rows that nobody asks for taken out of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import redis

from .keys import BASE_KEYS, Script

_recount, _compact, _sweep = Script.load("recount"), Script.load("compact"), Script.load("sweep")


@dataclass(frozen=True, slots=True)
class Miscounted:
    """What the table says is held on a flight, beside what its holds come to. Micros, and the number of unconfirmed holds."""

    flight: int
    held_micros: int
    held_count: int
    unconfirmed_micros: int
    counted_micros: int
    counted: int
    counted_unconfirmed: int


def sweep(client: redis.Redis, *, now: datetime) -> None:
    """Give back what every hold that has expired by ``now`` still keeps from others."""
    while _sweep(client, BASE_KEYS, str(now.timestamp())):
        pass


def recount(client: redis.Redis, *, now: datetime, repair: bool) -> list[Miscounted]:
    """Flights whose holds do not add up; with ``repair`` they do afterwards. Expired holds are given back first."""
    return [Miscounted(*map(int, row)) for row in msgspec.msgpack.decode(_recount(client, BASE_KEYS, str(now.timestamp()), str(int(repair)))) or ()]


def compact(client: redis.Redis, flights: Sequence[int]) -> int:
    """Take the rows of these flights out of the table, but for those with open holds; returns how many. Every decision reads the
    table whole, so what it does not need costs each of them."""
    return int(_compact(client, BASE_KEYS, *map(str, flights))) if flights else 0
