"""The last readings of the champions for Prometheus, read from the tables at each scrape."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from adplatform.models import ModelReading, ModelVersion

from .latest import latest_readings
from .readings import SERVED_ROWS
from .served import watched_kinds
from .watch import Alias


def champions(now: datetime) -> Iterator[ModelReading]:
    """Of every kind that is watched."""
    for kind in watched_kinds():
        yield from (one for one in latest_readings(kind, now) if one.version.alias == Alias.CHAMPION)


def read_ages(now: datetime) -> dict[str, float]:
    """Seconds since a window of each kind's champion was last read: monitoring that stands still alarms nobody."""
    ages = {}
    for version in ModelVersion.objects.filter(alias=Alias.CHAMPION, kind__in=watched_kinds()):
        last = version.readings.filter(measure=SERVED_ROWS).order_by("-window_to").values_list("window_to", flat=True).first()
        if last is not None:
            ages[version.kind] = (now - last).total_seconds()
    return ages
