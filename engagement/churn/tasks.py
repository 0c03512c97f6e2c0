"""Training of the churn model at night, and its scores each hour."""

from __future__ import annotations

from celery import shared_task
from celery.schedules import crontab
from django.utils import timezone

from adplatform.celery import schedule
from adplatform.learning.tasks import request_nightly

from .scoring import viewers_score
from .training import ESTIMATORS, KIND


@shared_task(name="engagement.train_churn")
def train_churn() -> list[str]:
    return request_nightly(KIND, ESTIMATORS)


@shared_task(name="engagement.score_churn")
def score_churn() -> int:
    """How many viewers have a score of today."""
    return viewers_score(now=timezone.now()).viewers


schedule("engagement.train_churn", crontab(minute=10, hour=4))
schedule("engagement.score_churn", crontab(minute=20))
