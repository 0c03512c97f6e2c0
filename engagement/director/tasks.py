"""Training of the engagement model on a worker."""

from __future__ import annotations

from celery import shared_task
from celery.schedules import crontab

from adplatform.celery import schedule
from adplatform.learning.tasks import request_nightly

from .prediction import KIND


@shared_task(name="engagement.train")
def train_engagement() -> list[str]:
    return request_nightly(KIND)


schedule("engagement.train", crontab(minute=40, hour=3))
