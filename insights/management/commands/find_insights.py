"""Look for what is out of the ordinary, at risk or decided, as the schedule does every five minutes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from insights.findings.store import insights_refresh


class Command(BaseCommand):
    help = "Judge every kind of finding now and keep what is so; safe to run at any time"

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(insights_refresh(now=timezone.now()).words)
