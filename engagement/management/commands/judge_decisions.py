"""Judges what came of the Director's decisions, as the schedule does every few minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from engagement.director.dataset import HISTORY
from engagement.director.outcomes import judge_all


class Command(BaseCommand):
    help = "Judge what came of the Director's decisions in sessions that have fallen silent"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--days", type=int, default=HISTORY.days, help="how far back to look")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        judged = judge_all(now=now, since=now - timedelta(days=options["days"]))
        self.stdout.write(f"{judged:,} decisions judged")
