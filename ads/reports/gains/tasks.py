"""Changes are tried on a worker, so that whoever serves ads is not held up; the page asks how far it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from celery import shared_task
from django.core.cache import cache

from ads.models import Flight

from . import told
from .sample import NothingLogged

# A worker that is busy elsewhere is not waited for longer than this; nor is one that died at work.
PATIENCE_SECONDS, WORK_SECONDS = 5, 120


@shared_task(name="ads.gains", ignore_result=True)
def try_changes(flight: int, since: str, until: str) -> None:
    found = Flight.objects.select_related("campaign__advertiser", "balance").filter(pk=flight).first()
    if found is not None:
        work(found, datetime.fromisoformat(since), datetime.fromisoformat(until))


def work(flight: Flight, since: datetime, until: datetime) -> None:
    """Find the answer unless somebody else is at it, and keep it, or why there is none."""
    key = told.key_of(flight, since, until)
    if cache.get(key) is not None or not cache.add(f"{key}:at", 0.0, WORK_SECONDS):
        return
    try:
        told.found(flight, since, until, now=datetime.now(UTC), progress=lambda share: cache.set(f"{key}:at", share, WORK_SECONDS))
    except NothingLogged as error:
        cache.set(key, {"problem": str(error)}, WORK_SECONDS)
    finally:
        cache.delete_many([f"{key}:at", f"{key}:asked"])


def answer(flight: Flight, since: datetime, until: datetime, *, now: datetime) -> dict[str, Any]:
    """``{"state": "done", ...}`` with the answer, or ``{"state": "working", "share": 0-1}``; asks a worker where nobody was asked yet, and
    does the work itself where none comes."""
    key = told.key_of(flight, since, until)
    asked = cache.get(f"{key}:asked")
    if cache.get(key) is None and cache.get(f"{key}:at") is None:
        if asked is None:
            cache.set(f"{key}:asked", now.timestamp(), WORK_SECONDS)
            try_changes.delay(flight.pk, since.isoformat(), until.isoformat())
        elif now.timestamp() - asked > PATIENCE_SECONDS:
            work(flight, since, until)
    known = cache.get(key)
    if known is not None:
        return {"state": "done", "answer": known}
    return {"state": "working", "share": cache.get(f"{key}:at") or 0.0}
