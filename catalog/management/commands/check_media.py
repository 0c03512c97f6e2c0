from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog import services
from catalog.media import integrity
from catalog.models import MediaAsset


class Command(BaseCommand):
    help = "Reads every clip that is said to be ready and takes damaged ones out of service. build_media rebuilds them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="compare sizes only, read no content")

    def handle(self, *args: Any, quick: bool, **options: Any) -> None:
        damaged = []
        ready = MediaAsset.objects.filter(state=MediaAsset.State.READY).select_related("scene__title")
        for asset in ready:
            problem = integrity.check(asset, thorough=not quick)
            if problem and services.asset_mark_broken(asset=asset, problem=problem):
                damaged.append(f"{services.asset_label(asset)}: {problem}")
        unready = MediaAsset.objects.exclude(state=MediaAsset.State.READY).count()
        if damaged:
            raise CommandError(f"{len(damaged)} damaged; run manage.py build_media:\n  " + "\n  ".join(damaged))
        self.stdout.write(f"{len(ready)} clips are whole, {unready} are not built.")
