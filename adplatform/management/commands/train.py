"""``manage.py train ctr|engagement``: train one model on the log, let the gates decide, print what they said."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from adplatform.learning import engines, runs, training
from adplatform.learning.estimators import UnknownEstimator
from adplatform.moments import read_moment

MARKS = {"pass": "pass", "fail": "FAIL", "not_enough_evidence": "not enough evidence"}
WIDTH, GATE_WIDTH = 110, 45


class Command(BaseCommand):
    help = "Train one model on the log and promote or refuse it"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", help=f"One of: {', '.join(training.kinds())}")
        parser.add_argument("--estimator", help="Name of an estimator; the default is the kind's own")
        parser.add_argument("--as-of", type=read_moment, help="Train on what was known at this ISO time (UTC unless it says otherwise)")
        parser.add_argument("--engine", choices=engines.ENGINES, default=engines.LOCAL, help="dask: on a cluster, the boosted model alone")
        parser.add_argument(
            "--scheduler", help="With --engine dask, address of the cluster, tcp://host:port; the default is DASK_SCHEDULER, else one of this machine"
        )
        parser.add_argument("--update", action="store_true", help="Go on from the version that learns online, with the rows that matured since")
        parser.add_argument("--json", action="store_true", help="Print the report as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["scheduler"] and options["engine"] != engines.DASK:
            raise CommandError("--scheduler is for a Dask cluster alone: say --engine dask as well, or leave it out")
        if options["update"] and (options["estimator"] or options["engine"] != engines.LOCAL):
            raise CommandError("--update goes on with the estimator of the version it starts from, here: leave --estimator and --engine out")
        if options["as_of"] is not None and options["as_of"] > timezone.now():
            self.stderr.write(f"{options['as_of']:%Y-%m-%d %H:%M} is still to come: what is logged until now is all there is to learn from")
        scheduler = (options["scheduler"] or settings.DASK_SCHEDULER) if options["engine"] == engines.DASK else ""
        progress = self._silent if options["json"] else self._progress
        try:
            run = runs.run_request(
                kind=options["kind"],
                estimator=options["estimator"],
                engine=options["engine"],
                scheduler=scheduler,
                update=options["update"],
                as_of=options["as_of"],
                reason="From the command line",
                queue=False,
                now=timezone.now(),
            )
        except (training.UnknownKind, UnknownEstimator, engines.EngineUnavailable) as error:
            raise CommandError(str(error)) from error
        try:
            report = runs.run_execute(run, progress=progress)
        except engines.EngineUnavailable as error:
            raise CommandError(str(error)) from error
        except training.AlreadyTraining as busy:
            runs.run_give_up(run, reason=str(busy))
            raise CommandError(str(busy)) from busy
        self.stdout.write(json.dumps(report.as_json(), indent=2) if options["json"] else as_text(report))
        if report.number is None or not report.metrics:
            raise CommandError(report.verdict, returncode=2)

    def _progress(self, percent: int, words: str) -> None:
        self.stdout.write(f"{percent:3d} %  {words}")

    def _silent(self, percent: int, words: str) -> None:
        """JSON output stands alone."""


def as_text(report: training.Report) -> str:
    """The report as tables of fixed width."""
    version = f" v{report.number}" if report.number else ""
    lines = ["", f"{report.kind}{version} by {report.estimator}: {report.train_rows:,} rows learned from, {report.test_rows:,} later rows judged by"]
    if report.metrics:
        lines += ["", f"  {'figure':<20}{'value':>10}{'constant':>12}{'ceiling':>10}   95 % interval"]
        lines += [_metric(name, metric) for name, metric in report.metrics.items()]
    lines += ["", "  gates"]
    for gate in report.gates:
        words = textwrap.wrap(gate["words"], WIDTH - GATE_WIDTH)
        lines.append(f"  {gate['name']:<22}{MARKS[gate['verdict']]:<21}{words[0]}")
        lines += [" " * GATE_WIDTH + more for more in words[1:]]
    return "\n".join([*lines, "", *textwrap.wrap(report.verdict, WIDTH), f"({report.seconds:.1f} s)"])


def _metric(name: str, metric: dict[str, Any]) -> str:
    value, baseline, ceiling, low, high = (_number(metric[part]) for part in ("value", "baseline", "ceiling", "ci_low", "ci_high"))
    return f"  {name.replace('_', ' '):<20}{value:>10}{baseline:>12}{ceiling:>10}   {low} to {high}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
