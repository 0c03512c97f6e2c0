"""Forecasts on a worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery import shared_task

from adplatform.celery import schedule

from . import service


@shared_task(name="ads.forecast")
def forecast() -> int:
    """Each minute, and at work only when something was sold or changed since, or an hour has passed."""
    return service.forecast_if_due(now=datetime.now(UTC))


schedule("ads.forecast", timedelta(minutes=1))
