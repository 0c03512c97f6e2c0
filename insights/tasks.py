"""Where Celery looks for this app's tasks."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from adplatform.celery import schedule

from .live.business import director


@shared_task(name="insights.work_out_success")
def work_out_success() -> str:
    """Every five minutes, as often as decisions are judged: what the Director's changes gain, in words."""
    return director.work_out(now=timezone.now()).words


schedule("insights.work_out_success", timedelta(minutes=5))
