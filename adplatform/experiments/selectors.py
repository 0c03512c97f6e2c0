"""Experiments that run now or were rolled out, read from the database at most every few seconds in each process."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.db.models import Q

from adplatform.models import Experiment

from .assignment import RunningExperiment, parse_arms

KEEP_SECONDS = 5.0
_kept: tuple[float, tuple[RunningExperiment, ...]] = (float("-inf"), ())


def running_experiments() -> tuple[RunningExperiment, ...]:
    """Those that decide what somebody gets: running ones, and ended ones whose winner everybody gets."""
    global _kept
    read_at, experiments = _kept
    if time.monotonic() - read_at > KEEP_SECONDS:
        found = Experiment.objects.filter(Q(state=Experiment.State.RUNNING) | (Q(state=Experiment.State.STOPPED) & ~Q(rolled_out="")))
        rows = found.order_by("key").values_list("key", "arms", "rolled_out", "split_budgets")
        experiments = tuple(RunningExperiment(key, parse_arms(arms), rolled_out, split) for key, arms, rolled_out, split in rows)
        _kept = (time.monotonic(), experiments)
    return experiments


def measured(arms: Mapping[str, str]) -> dict[str, str]:
    """Of ``arms`` (experiment key -> arm) those whose experiment still runs: only they are exposures."""
    running = {experiment.key for experiment in running_experiments() if not experiment.rolled_out}
    return {key: arm for key, arm in arms.items() if key in running}


def forget() -> None:
    """The next call reads anew; after a state change in this process, and between tests."""
    global _kept
    _kept = (float("-inf"), ())
