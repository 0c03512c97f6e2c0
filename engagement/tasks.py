"""Where Celery looks for this app's tasks."""

from engagement.director import tasks as director_tasks

__all__ = ["director_tasks"]
