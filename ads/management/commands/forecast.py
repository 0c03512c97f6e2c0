"""What flights can expect: forecast now, store it, and print it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from adplatform.moments import read_moment
from ads.forecast.service import forecast_flights
from ads.forecast.words import GOALS
from ads.models import Flight, FlightForecast


class Command(BaseCommand):
    help = "Forecast every live flight from the logged requests of the last four weeks and print what it can expect."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--flight", type=int, help="print this flight alone, by its id")
        parser.add_argument("--as-of", type=read_moment, help="forecast at this ISO time (default: now; UTC unless it says otherwise)")
        parser.add_argument("--json", action="store_true", help="print one JSON list instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        forecasts = forecast_flights(now=options["as_of"] or timezone.now())
        if options["flight"] is not None:
            forecasts = [row for row in forecasts if row.flight_id == options["flight"]]
            if not forecasts:
                raise CommandError(f"There is no live flight {options['flight']}; a flight is forecast once it is live and has an approved ad.")
        flights = Flight.objects.select_related("campaign").in_bulk([row.flight_id for row in forecasts])
        rows = [_row(row, flights[row.flight_id]) for row in forecasts]
        self.stdout.write(json.dumps(rows) if options["json"] else _table(rows))


def _row(forecast: FlightForecast, flight: Flight) -> dict[str, Any]:
    return {
        "flight": flight.pk,
        "name": str(flight),
        "goal_type": flight.goal_type,
        "goal": flight.goal_amount,
        "expected": forecast.expected_delivery,
        "unit": "micros" if flight.goal_type == Flight.Goal.SPEND else "events",
        "eligible": forecast.eligible,
        "win_share": forecast.win_share,
        "ends_at": flight.ends_at.isoformat(),
        "requests": forecast.requests,
        "layers": forecast.layers,
        "warning": forecast.warning,
    }


def _table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "No flight is live."
    lines = [f"{'id':>6}  {'flight':<44} {'goal':>24} {'expected':>12} {'matching':>10} {'can win':>8}"]
    for row in rows:
        money = row["goal_type"] == Flight.Goal.SPEND
        goal = (
            "-" if row["goal"] is None else _amount(row["goal"], money=money) + (f" {settings.CURRENCY}" if money else f" {GOALS[row['goal_type']]}")
        )
        can_win = f"{row['win_share']:.0%}" if row["eligible"] else "-"
        figures = f"{goal:>24} {_amount(row['expected'], money=money):>12} {row['eligible']:>10,.0f} {can_win:>8}"
        lines.append(f"{row['flight']:>6}  {row['name'][:44]:<44} {figures}")
        if row["warning"]:
            lines.append(f"{'':>8}{row['warning']}")
    lines.append(
        "Expected: at the flight's end, with what is delivered. Matching: breaks until then. Can win: the share that others and its caps leave it."
    )
    return "\n".join(lines)


def _amount(value: float, *, money: bool) -> str:
    return f"{value / 1e6:,.2f}" if money else f"{value:,.0f}"
