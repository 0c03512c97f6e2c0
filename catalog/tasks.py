"""Background work of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from celery import shared_task
from celery.schedules import crontab

from adplatform.celery import schedule
from catalog import builds
from catalog.models import MediaAsset, Title
from catalog.services import REBUILD_TASK

log = structlog.get_logger(__name__)


@shared_task(name=REBUILD_TASK)
def rebuild_media(asset_ids: Sequence[int] | None = None, *, title_ids: Sequence[int] = ()) -> dict[str, object]:
    """Read the given clips (all when None) and pictures, rebuild what is missing, damaged or changed. Safe to run twice: whole ones are kept."""
    every = MediaAsset.objects.select_related("scene__title").order_by("key")
    assets = every if asset_ids is None else every.filter(pk__in=asset_ids)
    titles = Title.objects.all() if asset_ids is None else Title.objects.filter(pk__in=title_ids)
    report = builds.Report()
    works = builds.plan(assets, titles, only_missing=False, report=report)
    builds.build(works, workers=1, report=report, progress=lambda done, total, label: log.info("media_built", done=done, total=total, label=label))
    for failure in report.failures:
        log.error("media_build_failed", problem=failure)
    return {"built": report.built, "kept": report.kept, "failures": report.failures}


# Nightly, so that a disk's slow decay is found before a viewer finds it.
schedule(REBUILD_TASK, crontab(hour=4, minute=10))
