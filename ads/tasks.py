"""Where Celery looks for this app's tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from celery import shared_task
from celery.schedules import crontab

from adplatform.celery import schedule
from adplatform.eventlog import stream
from ads.api import idempotency
from ads.creatives import tasks as creative_tasks
from ads.ctr import tasks as ctr_tasks
from ads.forecast import tasks as forecast_tasks
from ads.reports.gains import tasks as gains_tasks

from . import breakvalue, closing, live_inventory, reach, services
from .reconcile import Report, reconcile

log = structlog.get_logger(__name__)

__all__ = [
    "creative_tasks",
    "ctr_tasks",
    "end_flights",
    "forecast_tasks",
    "forget_answers",
    "gains_tasks",
    "judge_windows",
    "reach_counted",
    "reach_counted_anew",
    "reconcile_all",
    "reconcile_recent",
    "refresh_break_values",
    "watch_inventory",
]


@shared_task(name="ads.watch_inventory")
def watch_inventory() -> None:
    """Each minute: a flight paused while Redis was away stops within a minute of its return."""
    live_inventory.watch(stream.client())


@shared_task(name="ads.end_flights")
def end_flights() -> None:
    """Each minute: flights whose dates are over say so. They stopped serving by their dates already."""
    services.flights_expire(now=datetime.now(UTC))


@shared_task(name="ads.judge_windows")
def judge_windows() -> None:
    """Each minute: events whose window has closed are judged for good, charged or charged back."""
    closing.close_windows(now=datetime.now(UTC))


@shared_task(name="ads.count_reach")
def reach_counted() -> None:
    """Each minute: who was reached since, added to the sketches of the day."""
    reach.take_due()


@shared_task(name="ads.recount_reach")
def reach_counted_anew() -> None:
    """Each night: the last two days without the impressions that were found invalid since."""
    today = datetime.now(UTC).date()
    for back in (1, 2):
        reach.recount(today - timedelta(days=back))


@shared_task(name="ads.refresh_break_values")
def refresh_break_values() -> None:
    """Each minute: what a break is expected to earn, from the breaks that were charged since."""
    breakvalue.refresh(now=datetime.now(UTC))


@shared_task(name="ads.forget_answers")
def forget_answers() -> None:
    """Each hour: answers to writes that were sent with a key, kept for a day, are let go of."""
    idempotency.forget(now=datetime.now(UTC))


@shared_task(name="ads.reconcile_recent")
def reconcile_recent() -> None:
    """Every five minutes: flights that were charged for of late, and all counters."""
    now = datetime.now(UTC)
    _tell(reconcile(stream.client(), now=now, repair=True, since=now - timedelta(minutes=15)))


@shared_task(name="ads.reconcile_all")
def reconcile_all() -> None:
    """Each night: every flight there ever was."""
    _tell(reconcile(stream.client(), now=datetime.now(UTC), repair=True))


def _tell(report: Report) -> None:
    for difference in report.differences:
        log.warning("figures_differed", flight=difference.flight, where=difference.where, figure=difference.figure, words=difference.words)
    if report.counters == "rebuilt":
        log.warning("counters_rebuilt")


schedule("ads.judge_windows", timedelta(minutes=1))
schedule("ads.count_reach", timedelta(minutes=1))
schedule("ads.recount_reach", crontab(hour=1, minute=40))
schedule("ads.watch_inventory", timedelta(minutes=1))
schedule("ads.end_flights", timedelta(minutes=1))
schedule("ads.refresh_break_values", timedelta(minutes=1))
schedule("ads.forget_answers", timedelta(hours=1))
schedule("ads.reconcile_recent", timedelta(minutes=5))
schedule("ads.reconcile_all", crontab(hour=3, minute=40))
