"""Background work of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from celery import shared_task

from catalog import builds
from catalog.models import MediaAsset, Title

log = structlog.get_logger(__name__)


@shared_task(name="catalog.tasks.rebuild_media")
def rebuild_media(asset_ids: Sequence[int], *, title_ids: Sequence[int] = ()) -> dict[str, object]:
    """Read the given clips and pictures, rebuild what is missing, damaged or changed. Safe to run twice: whole ones are kept."""
    assets = MediaAsset.objects.filter(pk__in=asset_ids).select_related("scene__title").order_by("key")
    titles = Title.objects.filter(pk__in=title_ids)
    report = builds.Report()
    works = builds.plan(assets, titles, only_missing=False, report=report)
    builds.build(works, workers=1, report=report, progress=lambda done, total, label: log.info("media_built", done=done, total=total, label=label))
    for failure in report.failures:
        log.error("media_build_failed", problem=failure)
    return {"built": report.built, "kept": report.kept, "failures": report.failures}
