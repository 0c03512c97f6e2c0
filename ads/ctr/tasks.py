"""Training of the click model on a worker."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.schedules import crontab

from adplatform.celery import schedule
from adplatform.learning.tasks import LIMIT_SECONDS, SOFT_LIMIT_SECONDS, train_model

from . import scorer


@shared_task(name="ads.train_ctr", soft_time_limit=SOFT_LIMIT_SECONDS, time_limit=LIMIT_SECONDS)
def train_ctr() -> dict[str, Any]:
    answer: dict[str, Any] = train_model(scorer.KIND)
    return answer


schedule("ads.train_ctr", crontab(minute=20))
