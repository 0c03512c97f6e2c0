"""``manage.py drop_partitions --keep-days N``: what is older leaves the database, archived and checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from adplatform.eventlog import columns
from adplatform.eventlog.archive import LEAST_KEEP_DAYS
from adplatform.eventlog.retention import drop_old


class Command(BaseCommand):
    help = "Drop the day partitions older than so many days. Each is archived first, and stays unless its archive holds every row of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--keep-days", type=int, default=settings.PARTITION_KEEP_DAYS, help=f"At least {LEAST_KEEP_DAYS}; default %(default)s")
        parser.add_argument("--table", action="append", help="This table alone (may be given again); the default is every partitioned table")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keep_days"] < LEAST_KEEP_DAYS:
            raise CommandError(f"Days are kept for at least {LEAST_KEEP_DAYS} days: events of younger ones may still arrive")
        problems = []
        for table in options["table"] or columns.tables():
            try:
                columns.model_of(table)
            except columns.UnknownTable as error:
                raise CommandError(str(error)) from error
            dropped, stood = drop_old(table, now=datetime.now(UTC), keep_days=options["keep_days"])
            problems += stood
            self.stdout.write(f"{table}: {len(dropped)} days dropped" + (f", {dropped[0]} to {dropped[-1]}" if dropped else ""))
        if problems:
            raise CommandError("\n".join(problems))
