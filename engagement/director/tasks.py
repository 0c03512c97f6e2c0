"""Training of the models of watching on a worker."""

from __future__ import annotations

from celery import shared_task
from celery.schedules import crontab

from adplatform.celery import schedule
from adplatform.learning.tasks import request_nightly

from .training import ESTIMATORS


@shared_task(name="engagement.train")
def train_engagement() -> list[str]:
    """Nightly: one run for every estimator of the settings."""
    return [key for kind, names in ESTIMATORS.items() for key in request_nightly(kind, names)]


schedule("engagement.train", crontab(minute=40, hour=3))
