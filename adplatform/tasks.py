"""The platform's own periodic tasks, each with its schedule beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from celery import shared_task

from adplatform.celery import schedule
from adplatform.eventlog.partitions import days_around, ensure_partitions

log = structlog.get_logger("adplatform.tasks")


@shared_task(name="adplatform.ensure_partitions")
def partitions_made_ahead() -> int:
    """A week of day partitions ahead, so that the consumer rarely has to make one; safe to run twice."""
    created = ensure_partitions(days_around(datetime.now(UTC).date()))
    if created:
        log.info("partitions_created", created=created)
    return created


schedule("adplatform.ensure_partitions", timedelta(hours=6))
