"""Judges what came of the Director's decisions, as the schedule does every few minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from engagement.director.dataset import HISTORY
from engagement.director.outcomes import judge_all

LONGEST_DAYS = 3_660


class Command(BaseCommand):
    help = "Judge what came of the Director's decisions in sessions that have fallen silent"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--days", type=int, default=HISTORY.days, help="how far back to look")

    def handle(self, *args: Any, **options: Any) -> None:
        now, days = timezone.now(), options["days"]
        if not 1 <= days <= LONGEST_DAYS:
            raise CommandError(f"--days is 1 to {LONGEST_DAYS:,}, not {days:,}")
        judged = judge_all(now=now, since=now - timedelta(days=days))
        self.stdout.write(f"{judged:,} decisions judged")
