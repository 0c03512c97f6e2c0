"""How long rows of a rollup's fine grains are kept. Days stay for good: what happened in a minute is in its hour and its day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection
from psycopg import sql

from .rollup import Rollup, truncate

# The dashboards compare a day of minutes with the day before.
LEAST_MINUTE_HOURS = 48
LEAST_HOUR_DAYS = 35
ROWS_AT_ONCE = 20_000


def kept_since(grain: str, now: datetime) -> datetime:
    """From when on rows of this grain are kept."""
    if grain == "minute":
        return truncate(now - timedelta(hours=max(LEAST_MINUTE_HOURS, settings.ROLLUP_MINUTE_HOURS)), "minute")
    if grain == "hour":
        return truncate(now - timedelta(days=max(LEAST_HOUR_DAYS, settings.ROLLUP_HOUR_DAYS)), "hour")
    return datetime.min.replace(tzinfo=UTC)


def let_go(rollups: Iterable[Rollup], *, now: datetime) -> int:
    """Delete what is older, in batches that commit by themselves; returns how many rows. An event that is later still adds to its own
    minute all the same, which goes with the next run. Rows somebody is adding to at this moment go then too."""
    gone = 0
    for rollup in rollups:
        for grain, table in rollup.tables().items():
            if grain == "day":
                continue
            statement = sql.SQL(
                "DELETE FROM {0} WHERE id IN (SELECT id FROM {0} WHERE bucket < %s ORDER BY bucket LIMIT %s FOR UPDATE SKIP LOCKED)"
            ).format(sql.Identifier(table))
            deleted = ROWS_AT_ONCE
            while deleted == ROWS_AT_ONCE:
                with connection.cursor() as wrapper:
                    wrapper.cursor.execute(statement, [kept_since(grain, now), ROWS_AT_ONCE])
                    deleted = wrapper.cursor.rowcount
                gone += deleted
    return gone
