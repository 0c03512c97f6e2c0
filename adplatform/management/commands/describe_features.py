"""``manage.py describe_features``: every declared feature as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from adplatform.learning import describe

PAGE = Path("docs") / "features.md"


class Command(BaseCommand):
    help = "Print the declared features of every kind of model: types, ranges, owners, privacy"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help=f"Write them to {PAGE} instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"]:
            (settings.BASE_DIR / PAGE).write_text(describe.page())
            self.stdout.write(f"{PAGE} written")
        else:
            self.stdout.write(describe.page())
