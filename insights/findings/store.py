"""Findings as they are kept: each once by its key, whoever writes it and however often; those no longer so are closed.

A dismissed one stays dismissed while it is no worse: it opens again when its severity rose or half as much money again is at stake. One
that was acted on is left alone for a day, for what was done takes time to show. One that is no longer found is gone at once while open,
and after a day when it was dismissed, so that what comes and goes around its bound is not told again each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from psycopg.types.json import Jsonb

from insights.models import Insight

from .finding import Finding
from .sources import SOURCES, Source

log = structlog.get_logger(__name__)

# Beyond this times the money at stake when it was dismissed, it is another matter.
WORSE = 1.5
PATIENCE = timedelta(days=1)
KEPT = timedelta(days=90)
State = Insight.State

COLUMNS = (
    "key", "kind", "subject", "words", "detail", "recommend", "severity", "money_micros", "money_how", "evidence", "link", "rows", "action", "params",
    "valid_from", "valid_to", "synthetic",
)  # fmt: skip
_OPENS = """
    i.state = 'gone'
    OR (i.state = 'dismissed' AND (EXCLUDED.severity > i.dismissed_severity
        OR coalesce(EXCLUDED.money_micros, 0) > coalesce(i.dismissed_micros, 0) * %(worse)s))
    OR (i.state = 'done' AND i.acted_at < %(now)s - %(patience)s)
"""
# An older run that ends later changes nothing: its figures are of an earlier moment.
_UPSERT = f"""
INSERT INTO insights_insight AS i ({", ".join(COLUMNS)}, state, first_seen, last_seen, outcome)
VALUES ({", ".join(f"%({column})s" for column in COLUMNS)}, 'open', %(now)s, %(now)s, '')
ON CONFLICT (key) DO UPDATE SET
    {", ".join(f"{column} = EXCLUDED.{column}" for column in COLUMNS[1:])},
    last_seen = EXCLUDED.last_seen,
    state = CASE WHEN {_OPENS} THEN 'open' ELSE i.state END,
    first_seen = CASE WHEN {_OPENS} THEN EXCLUDED.first_seen ELSE i.first_seen END
WHERE i.last_seen <= EXCLUDED.last_seen
"""  # noqa: S608 (constants alone)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run found; ``failed`` names the kinds that could not be judged, with the reason. Those are left as they were."""

    found: int
    closed: int
    failed: Mapping[str, str]

    @property
    def words(self) -> str:
        told = f"{self.found} findings, {self.closed} no longer so"
        return told + "".join(f"; {kind} could not be judged: {reason}" for kind, reason in self.failed.items())


def insights_refresh(*, now: datetime, sources: Sequence[Source] = SOURCES) -> Run:
    """Judge everything anew and keep what is so. Safe to run twice and at once."""
    found: dict[str, list[Finding]] = {}
    failed: dict[str, str] = {}
    for source in sources:
        try:
            with transaction.atomic():
                found[source.kind] = source.run(now)
        except (DatabaseError, ArithmeticError, LookupError, ValueError, TypeError) as error:
            # One kind that cannot be judged must not keep the others from being told.
            log.exception("findings_not_judged", kind=source.kind)
            failed[source.kind] = f"{type(error).__name__}: {error}"
    closed = insights_write(now=now, found=found)
    return Run(sum(map(len, found.values())), closed, failed)


@transaction.atomic
def insights_write(*, now: datetime, found: Mapping[str, Sequence[Finding]]) -> int:
    """Keep what was found by kind and close what was not found any more of these kinds; how many were closed."""
    # In the order of their keys: two runs at once lock the rows alike.
    for one in sorted((one for kind in found.values() for one in kind), key=lambda one: one.key):
        _upsert(one, now)
    missing = Insight.objects.filter(kind__in=list(found), last_seen__lt=now).exclude(key__in=[one.key for kind in found.values() for one in kind])
    closed = missing.filter(state=State.OPEN).update(state=State.GONE)
    missing.filter(state=State.DISMISSED, last_seen__lt=now - PATIENCE).update(state=State.GONE)
    Insight.objects.filter(state__in=[State.GONE, State.DONE], last_seen__lt=now - KEPT).delete()
    return closed


def _upsert(one: Finding, now: datetime) -> None:
    action, params = (one.action.code, dict(one.action.params)) if one.action else ("", {})
    values: dict[str, Any] = {
        "key": one.key, "kind": one.kind, "subject": one.subject[:200], "words": one.words, "detail": one.detail, "recommend": one.recommend,
        "severity": one.severity, "money_micros": one.money.micros, "money_how": one.money.how, "evidence": Jsonb(dict(one.evidence)),
        "link": one.link, "rows": one.rows, "action": action, "params": Jsonb(params), "valid_from": one.since, "valid_to": one.until,
        "synthetic": one.synthetic, "now": now, "worse": WORSE, "patience": PATIENCE,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, values)
