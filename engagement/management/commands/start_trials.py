"""Starts the experiments that a fresh installation begins with; those that are there stay as they are."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from adplatform.audit import system_actor
from adplatform.moments import read_moment
from engagement.trials import FIRST, TRIALS, trial_start


class Command(BaseCommand):
    help = "Start the experiments director and care unless they were ever drafted"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--only", choices=list(TRIALS), help="one of them, or the one of arms that are alike")
        parser.add_argument("--at", type=read_moment, help="ISO time since when it runs, before history that is still to be written (default: now)")

    def handle(self, *args: Any, **options: Any) -> None:
        at = options["at"] or timezone.now()
        for key in [options["only"]] if options["only"] else FIRST:
            started = trial_start(actor=system_actor(), key=key, now=at)
            self.stdout.write(f"{key}: {'started' if started else 'was there already, left as it is'}")
