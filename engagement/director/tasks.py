"""Training of the engagement model on a worker."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.schedules import crontab

from adplatform.celery import schedule
from adplatform.learning.tasks import LIMIT_SECONDS, SOFT_LIMIT_SECONDS, train_model

from .prediction import KIND


@shared_task(name="engagement.train", soft_time_limit=SOFT_LIMIT_SECONDS, time_limit=LIMIT_SECONDS)
def train_engagement() -> dict[str, Any]:
    answer: dict[str, Any] = train_model(KIND)
    return answer


schedule("engagement.train", crontab(minute=40, hour=3))
