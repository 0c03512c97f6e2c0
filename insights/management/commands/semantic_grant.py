"""``manage.py semantic_grant [FILE]``: let the read-only role read what a semantic model names."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from insights.semantic.grants import RoleMissing, grant
from insights.semantic.loading import SemanticModelError, load


class Command(BaseCommand):
    help = "Grant the read-only role SELECT on the columns a semantic model names (default: the shipped model)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="the model's YAML file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            granted = grant(load(options["file"]))
        except (SemanticModelError, RoleMissing, LookupError) as error:
            raise CommandError(str(error)) from error
        for table, columns in granted.items():
            self.stdout.write(f"{table}: {', '.join(columns)}")
