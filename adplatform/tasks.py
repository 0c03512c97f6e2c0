"""The platform's own periodic tasks, each with its schedule beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from celery import shared_task
from celery.schedules import crontab
from django.conf import settings

from adplatform.celery import schedule
from adplatform.eventlog import rebuild, retention, rollup_retention
from adplatform.eventlog.archive import LEAST_KEEP_DAYS
from adplatform.eventlog.days import MissingDay
from adplatform.eventlog.partitions import days_around, ensure_partitions
from adplatform.experiments import tasks as experiment_tasks
from adplatform.learning.monitoring import tasks as monitoring_tasks

# Workers find tasks in the module of this name alone.
__all__ = ["archive_days", "experiment_tasks", "monitoring_tasks", "old_minutes_let_go", "partitions_made_ahead", "rollups_rebuilt"]

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


@shared_task(name="adplatform.rebuild_rollups", soft_time_limit=2 * 3600, time_limit=2 * 3600 + 60)
def rollups_rebuilt() -> list[str]:
    """Each night, before days are archived: yesterday, and earlier days that got more since or were left half done. What stood in the
    way, in words; one day that cannot be counted stops no other."""
    problems = []
    now = datetime.now(UTC)
    for recount, day in rebuild.due(now=now):
        try:
            rebuild.rebuild(recount, day, now=now)
        except (rebuild.RebuildRefused, MissingDay) as error:
            problems.append(str(error))
            log.error("rollup_not_rebuilt", rollup=recount.rollup.name, day=str(day), problem=str(error))
    return problems


@shared_task(name="adplatform.let_go_of_minutes", soft_time_limit=3000, time_limit=3060)
def old_minutes_let_go() -> int:
    """Each hour: rows of rollups by the minute and by the hour that are older than the settings say."""
    return rollup_retention.let_go((recount.rollup for recount in rebuild.registered()), now=datetime.now(UTC))


schedule("adplatform.ensure_partitions", timedelta(hours=6))
schedule("adplatform.archive_days", crontab(hour=2, minute=20))
# What was shown just before midnight has been received and judged by then.
schedule("adplatform.rebuild_rollups", crontab(hour=1, minute=10))
schedule("adplatform.let_go_of_minutes", timedelta(hours=1))
