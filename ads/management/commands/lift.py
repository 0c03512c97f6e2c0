"""``manage.py lift``: what the click model is worth, read against the control slice."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from ads.reports.lift import Comparison, Figure, Side, lift

WORDS = {
    "better": "better",
    "worse": "worse",
    "no_difference_shown": "no difference shown",
    "not_enough_evidence": "not enough evidence",
}
MICROS = 1_000_000


class Command(BaseCommand):
    help = "Click rate, completion and revenue where the model ranked, against the control slice, with 95 % intervals"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=28, help="How many days back (28)")
        parser.add_argument("--json", action="store_true", help="Print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = lift(until=timezone.now(), days=options["days"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=2, cls=DjangoJSONEncoder))
            return
        if not found.versions:
            self.stdout.write(f"No model has ranked a break in the last {options['days']} days: there is nothing to compare.")
            return
        for comparison in (found.overall, *found.versions):
            self.stdout.write(as_text(comparison))


def as_text(comparison: Comparison) -> str:
    name = "all versions" if comparison.model_version is None else f"version {comparison.model_version}"
    lines = ["", f"{name}, {comparison.since:%Y-%m-%d %H:%M} to {comparison.until:%Y-%m-%d %H:%M} UTC"]
    lines += [f"  model:   {_side(comparison.model)}", f"  control: {_side(comparison.control)}"]
    lines += [f"  {'':<26}{'model':>12}{'control':>12}{'difference':>12}   95 % interval"]
    return "\n".join(lines + [_figure(figure) for figure in comparison.figures])


def _side(side: Side) -> str:
    return f"{side.breaks:,} breaks of {side.viewers:,} viewers, {side.impressions:,} impressions, {side.clicks:,} clicks"


def _figure(figure: Figure) -> str:
    model, control, difference, low, high = (
        _number(value, figure.unit) for value in (figure.model, figure.control, figure.difference, figure.ci_low, figure.ci_high)
    )
    interval = "" if figure.ci_low is None else f"{low} to {high}, "
    return f"  {figure.name.replace('_', ' '):<26}{model:>12}{control:>12}{difference:>12}   {interval}{WORDS[figure.verdict]}"


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:.3%}" if unit == "share" else f"{value / MICROS:,.2f}"
