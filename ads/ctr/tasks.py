"""Training of the click model on a worker."""

from __future__ import annotations

from celery import shared_task
from celery.schedules import crontab
from django.conf import settings

from adplatform.celery import schedule
from adplatform.eventlog import stream
from adplatform.learning.tasks import request_nightly

from . import rates, scorer


@shared_task(name="ads.train_ctr")
def train_ctr() -> list[str]:
    """Nightly: one run for every estimator of the settings."""
    return request_nightly(scorer.KIND, settings.CTR_ESTIMATORS)


@shared_task(name="ads.rebuild_rates")
def rebuild_rates() -> None:
    """Nightly: increments are lost when a consumer dies between its commit and the counting."""
    rates.rebuild(stream.client())


schedule("ads.train_ctr", crontab(hour=3, minute=20))
schedule("ads.rebuild_rates", crontab(hour=3, minute=10))
