"""Training of the click and the completion model on a worker."""

from __future__ import annotations

from celery import shared_task
from celery.schedules import crontab
from django.utils import timezone

from adplatform.celery import schedule
from adplatform.eventlog import stream
from adplatform.learning import runs
from adplatform.learning.tasks import request_nightly

from . import rates
from .training import ESTIMATORS


@shared_task(name="ads.train_models")
def train_models() -> list[str]:
    """Nightly: one run for every estimator of the settings."""
    return [key for kind, names in ESTIMATORS.items() for key in request_nightly(kind, names)]


@shared_task(name="ads.update_models")
def update_models() -> list[str]:
    """Hourly: what learns online goes on with the rows that matured since. Sent twice in one hour, it is one run."""
    now = timezone.now()
    asked = [runs.run_request(kind=kind, update=True, key=f"update/{kind}/{now:%Y-%m-%dT%H}", reason="Hourly", now=now) for kind in ESTIMATORS]
    return [run.key for run in asked]


@shared_task(name="ads.rebuild_rates")
def rebuild_rates() -> None:
    """Nightly: increments are lost when a consumer dies between its commit and the counting."""
    rates.rebuild(stream.client())


schedule("ads.rebuild_rates", crontab(hour=3, minute=10))
schedule("ads.train_models", crontab(hour=3, minute=20))
schedule("ads.update_models", crontab(minute=50))
