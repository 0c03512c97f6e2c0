"""Where Celery looks for this app's tasks."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from adplatform.celery import schedule
from adplatform.eventlog import stream
from ads.ctr import tasks as ctr_tasks

from . import live_inventory

__all__ = ["ctr_tasks", "watch_inventory"]


@shared_task(name="ads.watch_inventory")
def watch_inventory() -> None:
    """Each minute: a flight paused while Redis was away stops within a minute of its return."""
    live_inventory.watch(stream.client())


schedule("ads.watch_inventory", timedelta(minutes=1))
