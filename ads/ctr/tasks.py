"""Training of the click model on a worker."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.schedules import crontab
from django.conf import settings

from adplatform.celery import schedule
from adplatform.eventlog import stream
from adplatform.learning.tasks import LIMIT_SECONDS, SOFT_LIMIT_SECONDS, train_model

from . import rates, scorer


@shared_task(name="ads.train_ctr", soft_time_limit=SOFT_LIMIT_SECONDS, time_limit=LIMIT_SECONDS)
def train_ctr() -> list[dict[str, Any]]:
    """Every estimator of the settings in turn, each judged against the champion that the one before left."""
    return [train_model(scorer.KIND, estimator) for estimator in settings.CTR_ESTIMATORS]


@shared_task(name="ads.rebuild_rates")
def rebuild_rates() -> None:
    """Nightly: increments are lost when a consumer dies between its commit and the counting."""
    rates.rebuild(stream.client())


schedule("ads.train_ctr", crontab(minute=20, hour="*/3"))
schedule("ads.rebuild_rates", crontab(hour=3, minute=10))
