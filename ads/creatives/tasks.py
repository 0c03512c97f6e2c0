"""Celery's side of uploaded creatives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery import shared_task

from adplatform.celery import schedule

from .services import send


@shared_task(name="ads.process_creative", soft_time_limit=3300, time_limit=3500)
def process_creative(creative: int) -> str:
    """Work on one uploaded file to its end; safe to run twice and at the same time."""
    from .process import process

    return process(creative)


@shared_task(name="ads.take_up_creatives")
def take_up_creatives() -> int:
    """Each half minute: files whose worker died, or whose message was lost with the broker."""
    from .process import take_up

    return take_up(now=datetime.now(UTC), send=send)


schedule("ads.take_up_creatives", timedelta(seconds=30))
