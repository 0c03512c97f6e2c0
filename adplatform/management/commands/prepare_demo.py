"""Everything between an empty database and a site worth opening. Each step is skipped when its result is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from adplatform.demo import ensure_logins
from adplatform.learning.registry import load_champion
from adplatform.models import RollupState

HISTORY_DAYS = 7
HISTORY_SESSIONS = 2400
FIRST_TITLES = 2
NOT_ENOUGH_DATA = 2


class Command(BaseCommand):
    help = "Migrate, seed the demo, render the first films and the ads, simulate a week of history, train the first models"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--sessions", type=int, default=HISTORY_SESSIONS, help="synthetic sessions of history")

    def handle(self, *args: Any, **options: Any) -> None:
        steps: list[tuple[str, Callable[[], bool], Callable[[], Any]]] = [
            ("tables", always, lambda: call_command("migrate", verbosity=0)),
            ("day partitions", always, lambda: call_command("ensure_partitions", verbosity=0)),
            ("groups and logins", always, self._people),
            ("catalogue, ads and viewer profiles", always, self._seed),
            (
                f"the first {FIRST_TITLES} films and the ads",
                always,
                lambda: call_command("build_media", titles=FIRST_TITLES, ads=True, only_missing=True),
            ),
            (f"a week of synthetic history, {options['sessions']} sessions", no_history, lambda: self._history(options["sessions"])),
            ("the click model", lambda: load_champion("ctr") is None, lambda: self._train("ctr")),
            ("the engagement model", lambda: load_champion("engagement") is None, lambda: self._train("engagement")),
        ]
        for number, (what, is_due, do) in enumerate(steps, start=1):
            began = time.monotonic()
            if not is_due():
                continue
            self.stdout.write(f"[{number}/{len(steps)}] {what}")
            do()
            self.stdout.write(f"[{number}/{len(steps)}] {what}: done in {time.monotonic() - began:.1f} s")

    def _train(self, kind: str) -> None:
        """Too little data is an answer, not a failure: the prior serves until there is more."""
        try:
            call_command("train", kind)
        except CommandError as refusal:
            if refusal.returncode != NOT_ENOUGH_DATA:
                raise
            self.stdout.write(f"  {refusal}")

    def _people(self) -> None:
        call_command("sync_groups", verbosity=0, stdout=self.stdout)
        ensure_logins(settings.VAR_DIR / "demo-logins.json")

    def _seed(self) -> None:
        for command in ("seed_catalogue", "seed_ads", "seed_viewers"):
            call_command(command, verbosity=0, stdout=self.stdout)

    def _history(self, sessions: int) -> None:
        call_command("simulate", days=HISTORY_DAYS, sessions=sessions, seed=1)


def always() -> bool:
    return True


def no_history() -> bool:
    return not RollupState.objects.exists()
