"""Monitoring on a worker: every hour what ended since, at night what is too old."""

from __future__ import annotations

from typing import Any

import structlog
from celery.schedules import crontab
from django.db import DatabaseError
from django.utils import timezone

from adplatform.celery import app, schedule

from . import forget_old_hours, monitor, retrain_on_alarm, watched_kinds

log = structlog.get_logger(__name__)

LIMIT_SECONDS = 1200


@app.task(name="adplatform.monitor_models", time_limit=LIMIT_SECONDS)
def monitor_models() -> dict[str, Any]:
    """Read what is due of every kind, and let drift ask for a training. One kind that cannot be read leaves the others alone."""
    now = timezone.now()
    told: dict[str, Any] = {}
    for kind in watched_kinds():
        try:
            found = monitor(kind, as_of=now)
            run = retrain_on_alarm(kind, now=now)
        except (DatabaseError, ValueError) as error:
            log.exception("models of a kind cannot be monitored", kind=kind)
            told[kind] = {"error": str(error)}
            continue
        alarms = [one.words for one in found if one.alarm]
        for words in alarms:
            log.warning("model alarm", kind=kind, words=words)
        told[kind] = {"readings": len(found), "alarms": alarms, "run": run.key if run else None}
    return told


@app.task(name="adplatform.forget_old_readings")
def forget_old_readings() -> int:
    return forget_old_hours(timezone.now())


schedule("adplatform.monitor_models", crontab(minute=7))
schedule("adplatform.forget_old_readings", crontab(hour=4, minute=40))
