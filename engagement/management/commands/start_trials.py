"""Starts the experiments that a fresh installation begins with; those that are there stay as they are."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from adplatform.audit import system_actor
from engagement.trials import TRIALS, trial_start


class Command(BaseCommand):
    help = "Start the experiments director and care unless they were ever drafted"

    def handle(self, *args: Any, **options: Any) -> None:
        for key in TRIALS:
            started = trial_start(actor=system_actor(), key=key, now=timezone.now())
            self.stdout.write(f"{key}: {'started' if started else 'was there already, left as it is'}")
