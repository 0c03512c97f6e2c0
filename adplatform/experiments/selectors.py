"""Experiments that run now, read from the database at most every few seconds in each process."""

from __future__ import annotations

import time

from adplatform.models import Experiment

from .assignment import RunningExperiment, parse_arms

KEEP_SECONDS = 5.0
_kept: tuple[float, tuple[RunningExperiment, ...]] = (float("-inf"), ())


def running_experiments() -> tuple[RunningExperiment, ...]:
    global _kept
    read_at, experiments = _kept
    if time.monotonic() - read_at > KEEP_SECONDS:
        rows = Experiment.objects.filter(state=Experiment.State.RUNNING).order_by("key").values_list("key", "arms")
        experiments = tuple(RunningExperiment(key, parse_arms(arms)) for key, arms in rows)
        _kept = (time.monotonic(), experiments)
    return experiments


def forget() -> None:
    """The next call reads anew; after a state change in this process, and between tests."""
    global _kept
    _kept = (float("-inf"), ())
