"""``manage.py archive_day [DAY]``: write one day of the decisions and events to Parquet, checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adplatform.eventlog import columns
from adplatform.eventlog.archive import ArchiveRefused, archive_day
from adplatform.eventlog.days import MissingDay
from adplatform.eventlog.partitions import live_days
from adplatform.moments import read_day


class Command(BaseCommand):
    help = "Write one day of every partitioned table to Parquet below ARCHIVE_DIR, read it again and compare; safe to run twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("day", nargs="?", type=read_day, help="YYYY-MM-DD, of UTC; the default is yesterday")
        parser.add_argument("--table", action="append", help="This table alone (may be given again); the default is every partitioned table")
        parser.add_argument("--all-before", type=read_day, metavar="DAY", help="Every live day before this one instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["day"] and options["all_before"]:
            raise CommandError("Give either one day or --all-before, not both")
        now = datetime.now(UTC)
        problems = []
        for table in options["table"] or columns.tables():
            try:
                for day in _days(table, options, now.date()):
                    try:
                        done = archive_day(table, day, now=now, progress=self._progress(table, day))
                        self.stdout.write(done.words)
                    except (ArchiveRefused, MissingDay) as error:
                        problems.append(str(error))
            except columns.UnknownTable as error:
                raise CommandError(str(error)) from error
        if problems:
            raise CommandError("\n".join(problems))

    def _progress(self, table: str, day: date) -> Callable[[int, int], None]:
        """A line for each tenth of a large day, on standard error: what is printed on the other are results."""
        told = 0

        def tell(done: int, rows: int) -> None:
            nonlocal told
            if rows >= 100_000 and done * 10 // rows > told:
                told = done * 10 // rows
                self.stderr.write(f"{table} of {day}: {told * 10} % of {rows:,} rows")

        return tell


def _days(table: str, options: dict[str, Any], today: date) -> list[date]:
    columns.model_of(table)
    if options["all_before"]:
        return [day for day in live_days(table) if day < min(options["all_before"], today)]
    return [options["day"] or today - timedelta(days=1)]
