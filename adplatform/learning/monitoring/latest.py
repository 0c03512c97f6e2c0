"""What the last readings say: for the command, the admin, Prometheus and the dashboards."""

from __future__ import annotations

from datetime import datetime, timedelta

from adplatform.models import ModelReading

from .readings import DAY, HOUR
from .watch import of_hours, watched_versions

# Hours are read each hour and days at midnight; a reading older than this says nothing about now.
STALE = {HOUR: timedelta(hours=26), DAY: timedelta(hours=50)}


def latest_readings(kind: str, as_of: datetime) -> list[ModelReading]:
    """Of each version that serves, each figure, each subject and each length of window: the last reading, alarms first."""
    watched = ModelReading.objects.filter(version__in=watched_versions(kind), window_to__lte=as_of).select_related("version")
    once = ("version_id", "measure", "subject")
    rows = [
        row
        for of_span, span in ((of_hours(), HOUR), (~of_hours(), DAY))
        for row in watched.filter(of_span, window_to__gt=as_of - STALE[span]).order_by(*once, "-window_to").distinct(*once)
    ]
    return sorted(rows, key=lambda row: (row.version.alias, not row.alarm, row.measure, row.subject, row.window_from))
