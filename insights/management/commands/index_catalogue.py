"""``manage.py index_catalogue [--semantic FILE] [--recall FILE]``: write the cards that questions are matched with, as Celery does every
minute; or say how often the right card is found for a file of paraphrases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from insights.semantic.loading import SemanticModelError, load
from insights.semantic.retrieval import refresh
from insights.semantic.retrieval.recall import measured


class Command(BaseCommand):
    help = "Keep the cards of figures, dimensions, verified questions and names in step; writes only what changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--semantic", metavar="FILE", help="another semantic model (YAML) over tables of the same database")
        parser.add_argument(
            "--recall", metavar="FILE", help="write nothing; print recall at five over this YAML file of paraphrases, by way of searching"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = load(options["semantic"])
        except SemanticModelError as error:
            raise CommandError(str(error)) from error
        if options["recall"]:
            for one in measured(model, yaml.safe_load(Path(options["recall"]).read_text(encoding="utf-8"))):
                self.stdout.write(one.words)
            return
        self.stdout.write(f"{model.name}: {refresh(model).words}.")
