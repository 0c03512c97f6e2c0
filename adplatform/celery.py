"""The Celery application. Tasks live in each room's ``tasks`` module, the beat schedule beside the task it names."""

import os
from datetime import timedelta

from celery import Celery
from celery.schedules import crontab
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adplatform.settings")

app = Celery("intermission")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()


def schedule(task: str, when: timedelta | crontab) -> None:
    """Let beat send the task of this name; called in the module that defines it. A run that waited longer than its period is dropped."""
    options = {"expires": when.total_seconds()} if isinstance(when, timedelta) else {}
    app.conf.beat_schedule = {**app.conf.beat_schedule, task: {"task": task, "schedule": when, "options": options}}
