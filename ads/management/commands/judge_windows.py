"""What beat does each minute, by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from adplatform.moments import read_moment
from ads.closing import close_windows


class Command(BaseCommand):
    help = "Judge events for good whose window has closed: what counts now is charged, what no longer does is charged back. Safe to run twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--now", type=read_moment, help="ISO time to judge at (default: the clock; UTC unless it names a zone)")

    def handle(self, *args: Any, **options: Any) -> None:
        closed = close_windows(now=options["now"] or datetime.now(UTC))
        self.stdout.write(f"{closed.judged} events judged, {closed.appeared} began to count, {closed.vanished} no longer count")
