from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog import builds
from catalog.models import Title

BAR = 28


class Command(BaseCommand):
    help = "Draws, encodes and packages the clips and pictures of the catalogue that are missing, damaged or changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--titles", type=int, metavar="N", help="only the first N titles (the ads are built too)")
        parser.add_argument("--ads", action="store_true", help="only the ads, unless --titles is given too")
        parser.add_argument("--only-missing", action="store_true", help="leave clips alone that are ready, even if their recipe has changed")
        parser.add_argument("--workers", type=int, default=2, metavar="N", help="encoders at a time (default 2)")

    def handle(self, *args: Any, titles: int | None, ads: bool, only_missing: bool, workers: int, **options: Any) -> None:
        if workers < 1 or (titles is not None and titles < 0):
            raise CommandError("--workers must be at least 1 and --titles at least 0")
        only_ads = ads and titles is None
        report = builds.Report()
        wanted = builds.assets_of(titles=titles, ads=True, only_ads=only_ads)
        if not wanted:
            raise CommandError("the catalogue has no clips to build; run manage.py seed_catalogue first")
        films = [] if only_ads else list(Title.objects.order_by("position", "name")[:titles])
        works = builds.plan(wanted, films, only_missing=only_missing, report=report)
        for problem in report.problems:
            self.stderr.write(self.style.WARNING(f"damaged, rebuilding: {problem}"))
        started = time.monotonic()
        builds.build(works, workers=workers, report=report, progress=self._progress(started))
        self.stdout.write(f"{report.built} built, {report.kept} were ready, {time.monotonic() - started:.1f} s.")
        if report.failures:
            raise CommandError("could not be built:\n  " + "\n  ".join(report.failures))

    def _progress(self, started: float) -> builds.Progress:
        moving = self.stdout.isatty()

        def show(done: int, total: int, label: str) -> None:
            filled = BAR * done // total
            left = (time.monotonic() - started) / done * (total - done)
            line = f"[{'#' * filled}{'.' * (BAR - filled)}] {done}/{total}  about {left:.0f} s left  {label}"
            if moving:
                self.stdout.write(f"\r{line[:110]:<110}", ending="\n" if done == total else "")
                self.stdout.flush()
            elif done == total or done * 10 // total > (done - 1) * 10 // total:
                self.stdout.write(line)

        return show
