"""What flights can expect: forecast now, store it, and print it; or test how good forecasts made from the past would have been."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from adplatform.moments import read_moment
from ads.forecast.backtest import TELLING, Summary, Tested, TooLittleHistory, backtest, origins, summary
from ads.forecast.service import forecast_flights
from ads.forecast.words import GOALS
from ads.models import Flight, FlightForecast

# Forecasts look as far as the log, twice.
MOST_DAYS = 56


class Command(BaseCommand):
    help = (
        "Forecast every live flight from the logged requests of the last four weeks and print what it can expect. With --backtest: make forecasts "
        "from the past, with what was known then, and compare them with what happened; nothing is stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--flight", type=int, help="print this flight alone, by its id")
        parser.add_argument("--as-of", type=read_moment, help="forecast at this ISO time (default: now; UTC unless it says otherwise)")
        parser.add_argument("--backtest", action="store_true", help="compare forecasts made from the past with what then happened")
        parser.add_argument("--days", type=int, help="with --backtest: how far each forecast looks (default: 2)")
        parser.add_argument(
            "--from",
            dest="since",
            type=read_moment,
            help="with --backtest: forecast from this time alone (default: every midnight that can be tested)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON list instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["backtest"]:
            if options["as_of"] is not None:
                raise CommandError("--backtest forecasts from the past as it is: name the time by --from, and leave --as-of out.")
            self._backtest(options)
            return
        if options["days"] is not None or options["since"] is not None:
            raise CommandError("--days and --from belong to --backtest.")
        forecasts = forecast_flights(now=options["as_of"] or timezone.now())
        if options["flight"] is not None:
            forecasts = [row for row in forecasts if row.flight_id == options["flight"]]
            if not forecasts:
                raise CommandError(f"There is no live flight {options['flight']}; a flight is forecast once it is live and has an approved ad.")
        flights = Flight.objects.select_related("campaign").in_bulk([row.flight_id for row in forecasts])
        rows = [_row(row, flights[row.flight_id]) for row in forecasts]
        self.stdout.write(json.dumps(rows) if options["json"] else _table(rows))

    def _backtest(self, options: dict[str, Any]) -> None:
        days = 2 if options["days"] is None else options["days"]
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days is from 1 to {MOST_DAYS}.")
        try:
            begins = [options["since"]] if options["since"] else origins(days)
            tested = [one for since in begins for one in backtest(since, days)]
            told = summary(tested)
        except TooLittleHistory as error:
            raise CommandError(str(error)) from error
        if options["flight"] is not None:
            tested = [one for one in tested if one.flight == options["flight"]]
        self.stdout.write(
            json.dumps({"summary": asdict(told), "flights": [_tested(one) for one in tested]}) if options["json"] else _errors(tested, told)
        )


def _tested(one: Tested) -> dict[str, Any]:
    return {**asdict(one), "since": one.since.isoformat(), "until": one.until.isoformat(), "inside": one.inside, "error": one.error}


def _errors(tested: list[Tested], told: Summary) -> str:
    lines = [f"{'from':<6} {'flight':<44} {'in':<15} {'expected':>9} {'90 %':>15} {'came':>9} {'error':>7} {'last week':>9}"]
    for one in tested:
        money = one.goal_type == Flight.Goal.SPEND
        expected, low, high, actual, naive = (_amount(value, money=money) for value in (one.expected, one.low, one.high, one.actual, one.naive))
        error = "-" if one.error is None else f"{one.error:+.0%}"
        notes = ("" if one.inside else "  outside") + ("  terms changed" if one.changed else "")
        unit = settings.CURRENCY if money else GOALS[one.goal_type]
        lines.append(
            f"{one.since:%d %b} {one.name[:44]:<44} {unit:<15} {expected:>9} {low + ' to ' + high:>15} {actual:>9} {error:>7} {naive:>9}{notes}"
        )
    lines += [
        "",
        f"{told.flights} forecasts, {told.telling} of them of flights that delivered {TELLING} events or more in their time; errors are of those.",
        f"Median error {told.median_error:.0%} (last week's rate continued: {told.naive_median_error:.0%}); all errors together {told.wape:.0%} "
        f"of all that came (last week's rate: {told.naive_wape:.0%}); bias {told.bias:+.0%}.",
        f"{told.coverage:.0%} of all outcomes lie in their interval, which is to hold 90 %.",
    ]
    return "\n".join(lines)


def _row(forecast: FlightForecast, flight: Flight) -> dict[str, Any]:
    return {
        "flight": flight.pk,
        "name": str(flight),
        "goal_type": flight.goal_type,
        "goal": flight.goal_amount,
        "expected": forecast.expected_delivery,
        "expected_low": forecast.expected_low,
        "expected_high": forecast.expected_high,
        "available_impressions": forecast.available_impressions,
        "unique_viewers": forecast.unique_viewers,
        "conflicts": forecast.conflicts,
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
