"""Experiments with exposed units, written straight into the tables a reading reads."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adplatform.eventlog import ids
from adplatform.eventlog.partitions import ensure_partitions
from adplatform.models import Assignment, Experiment

START = datetime(2026, 11, 18, 8, tzinfo=UTC)
NOW = START + timedelta(days=2)
HALVES = [{"name": "control", "share": 0.5}, {"name": "bolder", "share": 0.5}]


def running(**fields: Any) -> Experiment:
    ensure_partitions([(START + timedelta(days=day)).date() for day in range(-7, 4)])
    defaults: dict[str, Any] = {"key": "pacing", "arms": HALVES, "state": "running", "started_at": START, "metric": "click_rate"}
    return Experiment.objects.create(**(defaults | fields))


def unit_number(number: int) -> uuid.UUID:
    return uuid.UUID(int=number + 1)


def expose(experiment: Experiment, arms: Sequence[str], *, anonymous: bool = False, at: datetime = START, first: int = 0) -> list[Assignment]:
    """One session each of units ``first``, ``first + 1``, ..., a minute apart at most."""
    rows = []
    for number, arm in enumerate(arms, start=first):
        moment = at + timedelta(seconds=number % 3600)
        session = ids.new_id(moment)
        unit = session if anonymous else unit_number(number)
        rows.append(Assignment(experiment=experiment, session=session, unit=unit, arm=arm, exposed_at=moment))
    return Assignment.objects.bulk_create(rows)
