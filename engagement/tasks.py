"""Where Celery looks for this app's tasks."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from adplatform.celery import schedule
from engagement.churn import tasks as churn_tasks
from engagement.director import tasks as director_tasks
from engagement.retention import rollup
from engagement.segmenting import sort_viewers

__all__ = ["churn_tasks", "director_tasks", "forget_old_traces", "sort_viewers_into_segments", "take_traces"]


@shared_task(name="engagement.sort_viewers")
def sort_viewers_into_segments() -> int:
    """How many viewers' segments changed."""
    return sort_viewers(now=timezone.now())


@shared_task(name="engagement.take_traces")
def take_traces() -> int:
    """How many sessions the figures of scenes and moments were brought up to date with."""
    return rollup.take_traces(now=timezone.now())


@shared_task(name="engagement.forget_old_traces")
def forget_old_traces() -> int:
    return rollup.forget_old_traces(now=timezone.now())


schedule("engagement.sort_viewers", timedelta(minutes=15))
schedule("engagement.take_traces", timedelta(minutes=5))
schedule("engagement.forget_old_traces", timedelta(days=1))
