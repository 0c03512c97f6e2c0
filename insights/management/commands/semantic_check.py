"""``manage.py semantic_check [FILE]``: does a semantic model fit the database?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from insights.semantic.check import misfits
from insights.semantic.loading import SemanticModelError, load


class Command(BaseCommand):
    help = "Plan each measure and dimension of a semantic model as the read-only role, and name what does not fit (default: the shipped model)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="the model's YAML file, or a folder of them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = load(options["file"])
        except SemanticModelError as error:
            raise CommandError(str(error)) from error
        if problems := misfits(model):
            raise CommandError("\n".join([f"{model.name} does not fit the database:", *problems]))
        measures = sum(len(cube.measures) for cube in model.cubes.values())
        self.stdout.write(f"{model.name} fits: {len(model.cubes)} cubes, {measures} measures, each planned as the read-only role.")
