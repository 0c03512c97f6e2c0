"""What the Director's room does on a worker: training of its models, and the judging of its decisions."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from celery.schedules import crontab
from django.utils import timezone

from adplatform.celery import schedule
from adplatform.learning.tasks import request_nightly

from . import outcomes
from .training import ESTIMATORS

# Decisions older than this that nobody has judged wait for the training, which makes up for them.
JUDGED_AFTER_MOST = timedelta(days=3)


@shared_task(name="engagement.train")
def train_engagement() -> list[str]:
    """Nightly: one run for every estimator of the settings."""
    return [key for kind, names in ESTIMATORS.items() for key in request_nightly(kind, names)]


@shared_task(name="engagement.judge_decisions")
def judge_decisions() -> int:
    """Every four minutes: what came of the decisions of sessions that have fallen silent; returns how many were judged."""
    now = timezone.now()
    return outcomes.judge_all(now=now, since=now - JUDGED_AFTER_MOST)


schedule("engagement.judge_decisions", timedelta(minutes=4))
schedule("engagement.train", crontab(minute=40, hour=3))
