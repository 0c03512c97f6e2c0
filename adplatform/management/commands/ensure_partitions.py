"""Day partitions made ahead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from adplatform.eventlog.partitions import days_around, ensure_partitions


class Command(BaseCommand):
    help = "Create the day partitions of every partitioned table; safe to run at any time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--back", type=int, default=1, help="Days before today")
        parser.add_argument("--ahead", type=int, default=7, help="Days after today")

    def handle(self, *args: Any, **options: Any) -> None:
        created = ensure_partitions(days_around(datetime.now(UTC).date(), back=options["back"], ahead=options["ahead"]))
        self.stdout.write(f"{created} partitions created")
