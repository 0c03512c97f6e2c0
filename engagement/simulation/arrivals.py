"""When sessions start: a daily and weekly rhythm, as times in order. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.random import Generator

from .audience import Rhythm


def session_starts(rhythm: Rhythm, *, until: datetime, days: int, sessions: int, rng: Generator) -> list[datetime]:
    """``sessions`` start times in the ``days`` before ``until``, oldest first (an inhomogeneous Poisson process given its count)."""
    first = until - timedelta(days=days)
    hours = [first + timedelta(hours=index) for index in range(days * 24)]
    weights = np.array([rhythm.hours[hour.hour] * rhythm.weekdays[hour.weekday()] for hour in hours])
    chosen = rng.choice(len(hours), size=sessions, p=weights / weights.sum())
    moments = [hours[index] + timedelta(seconds=float(rng.uniform(0, 3600))) for index in chosen]
    return sorted(moment for moment in moments if moment < until)
