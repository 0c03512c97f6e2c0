"""``manage.py monitor [KIND]``: read what the models that serve have served, write the readings, print the last of each."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from adplatform.learning import monitoring
from adplatform.learning.monitoring.latest import latest_readings
from adplatform.models import ModelReading
from adplatform.moments import read_moment

WIDTH = 120


class Command(BaseCommand):
    help = "Read the health of the models that serve: drift, calibration, log loss, faults"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", nargs="?", help="Which kind of model; all that are watched without it")
        parser.add_argument("--as-of", type=read_moment, help="Read what was known at this ISO time (UTC unless it says otherwise)")
        parser.add_argument("--retrain", action="store_true", help="Let a drift alarm ask for a training, as the hourly task does")
        parser.add_argument("--all", action="store_true", help="Print every feature, also those that are as in training")
        parser.add_argument("--json", action="store_true", help="Print the readings as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of: datetime = options["as_of"] or timezone.now()
        kinds = [options["kind"]] if options["kind"] else monitoring.watched_kinds()
        told: dict[str, Any] = {}
        for kind in kinds:
            try:
                monitoring.monitor(kind, as_of=as_of)
            except monitoring.NotWatched as error:
                raise CommandError(str(error)) from error
            run = monitoring.retrain_on_alarm(kind, now=as_of) if options["retrain"] else None
            told[kind] = {"readings": latest_readings(kind, as_of), "run": run.key if run else None}
        if options["json"]:
            self.stdout.write(
                json.dumps({kind: {**one, "readings": [as_json(row) for row in one["readings"]]} for kind, one in told.items()}, indent=2)
            )
            return
        for kind, one in told.items():
            if one["readings"]:
                self.stdout.write(as_text(kind, one["readings"], everything=options["all"]))
            else:
                self.stdout.write(f"\n{kind}: nothing to read. {monitoring.nothing_read(kind, as_of)}")
            if one["run"]:
                self.stdout.write(f"Asked for a training: {one['run']}")


def as_json(row: ModelReading) -> dict[str, Any]:
    names = ("measure", "subject", "rows", "value", "low", "high", "bound", "alarm", "words", "figures")
    times = {"window_from": row.window_from.isoformat(), "window_to": row.window_to.isoformat()}
    return {"version": row.version.number, "alias": row.version.alias, **times, **{name: getattr(row, name) for name in names}}


def as_text(kind: str, rows: Sequence[ModelReading], *, everything: bool) -> str:
    """The last reading of each figure as a table of fixed width; of features only those that stand out unless ``everything``."""
    shown = [row for row in rows if everything or row.alarm or not row.measure.startswith("feature_")]
    lines = [""]
    for version in dict.fromkeys(row.version for row in rows):
        of_version = [row for row in shown if row.version == version]
        alarms = sum(row.alarm for row in of_version)
        lines += [f"{version} ({version.alias}): {alarms or 'no'} alarm{'' if alarms == 1 else 's'}", ""]
        lines += [line for row in of_version for line in _row(row)]
        calm = sum(row.version == version for row in rows) - len(of_version)
        lines += ["", f"  {calm} readings of features within their bounds are not shown; --all shows them"] if calm else []
    return "\n".join(lines)


def _row(row: ModelReading) -> list[str]:
    span = f"{row.window_from:%m-%d %H:%M}" if (row.window_to - row.window_from).total_seconds() < 86400 else f"{row.window_from:%m-%d} day "
    value = "-" if row.value is None else f"{row.value:,.4f}"
    name = f"{row.measure}{' ' + row.subject if row.subject else ''}"
    words = textwrap.wrap(row.words, WIDTH - 59)
    first = f"  {'ALARM' if row.alarm else '':<6}{name:<27} {span:<13}{value:>9} "
    return [first + words[0], *(" " * 59 + more for more in words[1:])]
