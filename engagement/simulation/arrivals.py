"""When sessions start: a daily and weekly rhythm where each viewer lives, as times in order. Pure."""

from __future__ import annotations

import math
import zoneinfo
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.random import Generator

from .audience import Rhythm


def session_starts(rhythm: Rhythm, *, until: datetime, days: float, zones: Sequence[str], rng: Generator) -> list[tuple[datetime, int]]:
    """A start in the ``days`` before ``until`` for each of ``zones`` (a session where the clock shows that zone's time), as
    (start, place in ``zones``), oldest first: an inhomogeneous Poisson process given its count."""
    first = until - timedelta(days=days)
    hours = [first + timedelta(hours=index) for index in range(math.ceil(days * 24))]
    starts: list[tuple[datetime, int]] = []
    for name in sorted(set(zones)):
        zone = zoneinfo.ZoneInfo(name)
        weights = np.array([rhythm.weight(hour.astimezone(zone)) for hour in hours])
        of_zone = [index for index, other in enumerate(zones) if other == name]
        chosen = rng.choice(len(hours), size=len(of_zone), p=weights / weights.sum())
        starts += [(hours[hour] + timedelta(seconds=float(rng.uniform(0, 3600))), index) for hour, index in zip(chosen, of_zone, strict=True)]
    return sorted(start for start in starts if start[0] < until)
