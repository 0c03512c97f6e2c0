"""Every running experiment is read each ten minutes, so that harm is stopped without anybody looking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from celery import shared_task

from adplatform.celery import schedule
from adplatform.models import Experiment

from .readout import NotReadable, experiment_read

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=10)


@shared_task(name="adplatform.read_experiments", soft_time_limit=1500, time_limit=1800)
def read_experiments() -> dict[str, str]:
    """What each said. One that cannot be read keeps none of the others from being read; two workers at once are safe."""
    said = {}
    for experiment in Experiment.objects.filter(state=Experiment.State.RUNNING).order_by("key"):
        try:
            said[experiment.key] = experiment_read(experiment=experiment, now=datetime.now(UTC)).words
        except NotReadable as reason:
            log.warning("experiment_not_read", experiment=experiment.key, reason=str(reason))
            said[experiment.key] = str(reason)
    return said


schedule("adplatform.read_experiments", EVERY)
