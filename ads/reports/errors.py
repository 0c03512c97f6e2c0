"""What players said went wrong, by the error codes of VAST: the one reader of them for admin, API and exports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max
from django.db.models.fields.json import KT

from adplatform.eventlog.errorcodes import CODES, UNDEFINED
from adplatform.eventlog.pixels import ERRORS
from ads.models import AdEvent


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """So many reports of one code that count; ``last`` is when the latest happened."""

    code: int
    words: str
    count: int
    last: datetime


def error_counts(since: datetime, until: datetime, *, flights: Collection[int] | None = None) -> tuple[ErrorCount, ...]:
    """From ``since`` to before ``until``, the most frequent first; of ``flights`` alone where they are given, else of breaks without an ad too.

    Reports that named no code, or none that VAST knows, count as 900.
    """
    told = AdEvent.objects.filter(type__in=sorted(ERRORS), valid=True, occurred_at__gte=since, occurred_at__lt=until)
    if flights is not None:
        told = told.filter(flight__in=flights)
    found = told.annotate(code=KT("data__code")).values("code").annotate(count=Count("id"), last=Max("occurred_at"))
    by_code: dict[int, ErrorCount] = {}
    for row in found:
        code = int(row["code"]) if str(row["code"] or "").isdigit() and int(row["code"]) in CODES else UNDEFINED
        before = by_code.get(code)
        count, last = row["count"] + (before.count if before else 0), max(row["last"], before.last if before else row["last"])
        by_code[code] = ErrorCount(code, CODES[code], count, last)
    return tuple(sorted(by_code.values(), key=lambda one: (-one.count, one.code)))
