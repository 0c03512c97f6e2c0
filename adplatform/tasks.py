"""The platform's own periodic tasks, each with its schedule beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from celery import shared_task
from celery.schedules import crontab
from django.conf import settings

from adplatform.celery import schedule
from adplatform.eventlog import retention
from adplatform.eventlog.archive import LEAST_KEEP_DAYS
from adplatform.eventlog.partitions import days_around, ensure_partitions
from adplatform.experiments import tasks as experiment_tasks
from adplatform.learning.monitoring import tasks as monitoring_tasks

# Workers find tasks in the module of this name alone.
__all__ = ["archive_days", "experiment_tasks", "monitoring_tasks", "partitions_made_ahead"]

log = structlog.get_logger("adplatform.tasks")


@shared_task(name="adplatform.ensure_partitions")
def partitions_made_ahead() -> int:
    """A week of day partitions ahead, so that the consumer rarely has to make one; safe to run twice."""
    created = ensure_partitions(days_around(datetime.now(UTC).date()))
    if created:
        log.info("partitions_created", created=created)
    return created


@shared_task(name="adplatform.archive_days", soft_time_limit=4 * 3600, time_limit=4 * 3600 + 60)
def archive_days() -> list[str]:
    """Each night: days that are over go to Parquet, those older than PARTITION_KEEP_DAYS leave the database. What stood in the way, in words."""
    return retention.keep_up(now=datetime.now(UTC), keep_days=max(LEAST_KEEP_DAYS, settings.PARTITION_KEEP_DAYS))


schedule("adplatform.ensure_partitions", timedelta(hours=6))
schedule("adplatform.archive_days", crontab(hour=2, minute=20))
