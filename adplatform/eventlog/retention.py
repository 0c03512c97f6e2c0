"""How long days stay in the database, and that they are archived before they leave it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import structlog

from adplatform.models import ArchivedDay

from . import columns
from .archive import ArchiveRefused, archive_day, drop_partition
from .days import MissingDay
from .partitions import live_days

log = structlog.get_logger(__name__)

# A day is archived when the edge takes no more events of it, and looked at again as long as some are still being judged.
ARCHIVE_AFTER = timedelta(days=2)
LOOK_AGAIN = timedelta(days=2)


def keep_up(*, now: datetime, keep_days: int) -> list[str]:
    """Archive what is over, then drop what is older than ``keep_days``; what went wrong, in words.

    One day that cannot be archived stops no other. Safe to stop and to run again at any time.
    """
    problems = []
    for table in columns.tables():
        for day in days_to_archive(table, now.astimezone(UTC).date()):
            try:
                archive_day(table, day, now=now)
            except (ArchiveRefused, MissingDay) as error:
                problems.append(str(error))
        problems += drop_old(table, now=now, keep_days=keep_days)[1]
    for problem in problems:
        log.error("archive_incomplete", problem=problem)
    return problems


def days_to_archive(table: str, today: date) -> list[date]:
    """Live days that are over and not archived, and those so young that what came since then is worth a look."""
    known = set(ArchivedDay.objects.filter(table=table).values_list("day", flat=True))
    over = [day for day in live_days(table) if day <= today - ARCHIVE_AFTER]
    return [day for day in over if day not in known or day >= today - ARCHIVE_AFTER - LOOK_AGAIN]


def drop_old(table: str, *, now: datetime, keep_days: int) -> tuple[list[date], list[str]]:
    """Drop the partitions older than ``keep_days``: (dropped days, what stands in the way of the others, in words).

    A day is archived first where it is not, or has changed since.
    """
    dropped, problems = [], []
    today = now.astimezone(UTC).date()
    for day in live_days(table):
        if (today - day).days <= keep_days:
            continue
        try:
            archive_day(table, day, now=now)
            if drop_partition(table, day, now=now):
                dropped.append(day)
        except (ArchiveRefused, MissingDay) as error:
            problems.append(str(error))
    return dropped, problems
