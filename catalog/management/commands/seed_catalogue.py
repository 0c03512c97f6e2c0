from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from catalog.seeding import seed_catalogue


class Command(BaseCommand):
    help = "Creates or refreshes the demo titles, scenes and clips; safe to run again. Then run build_media."

    def handle(self, *args: Any, **options: Any) -> None:
        seeded = seed_catalogue()
        self.stdout.write(f"{seeded.titles} titles, {seeded.scenes} scenes, {seeded.ads} ads are in the catalogue.")
