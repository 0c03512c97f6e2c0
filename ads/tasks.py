"""Where Celery looks for this app's tasks."""

from ads.ctr import tasks as ctr_tasks

__all__ = ["ctr_tasks"]
