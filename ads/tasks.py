"""Where Celery looks for this app's tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery import shared_task

from adplatform.celery import schedule
from adplatform.eventlog import stream
from ads.ctr import tasks as ctr_tasks

from . import closing, live_inventory, services

__all__ = ["ctr_tasks", "end_flights", "judge_windows", "watch_inventory"]


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


schedule("ads.judge_windows", timedelta(minutes=1))
schedule("ads.watch_inventory", timedelta(minutes=1))
schedule("ads.end_flights", timedelta(minutes=1))
