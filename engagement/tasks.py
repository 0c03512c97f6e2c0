"""Where Celery looks for this app's tasks."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from adplatform.celery import schedule
from engagement.director import tasks as director_tasks
from engagement.segmenting import sort_viewers

__all__ = ["director_tasks", "sort_viewers_into_segments"]


@shared_task(name="engagement.sort_viewers")
def sort_viewers_into_segments() -> int:
    """How many viewers' segments changed."""
    return sort_viewers(now=timezone.now())


schedule("engagement.sort_viewers", timedelta(minutes=15))
