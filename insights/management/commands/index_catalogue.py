"""``manage.py index_catalogue [--semantic FILE]``: write the cards that questions are matched with. Celery does the same every minute."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from insights.semantic.loading import SemanticModelError, load
from insights.semantic.retrieval import refresh


class Command(BaseCommand):
    help = "Keep the cards of figures, dimensions, verified questions and names in step; writes only what changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--semantic", metavar="FILE", help="another semantic model (YAML) over tables of the same database")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = load(options["semantic"])
        except SemanticModelError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{model.name}: {refresh(model).words}.")
