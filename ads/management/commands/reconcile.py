"""``manage.py reconcile``: do the ledger, the balances and the counters tell the same?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from adplatform.eventlog import stream
from ads.reconcile import Report, reconcile


class Command(BaseCommand):
    help = (
        "Compare the ledger with the flights' balances and those with the counters in Redis. With --repair the balances are set by the ledger and"
        " the counters by the balances; safe while ads are served. Ends with status 1 when something differs and was left as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="set right what differs")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = reconcile(stream.client(), now=timezone.now(), repair=options["repair"])
        except redis.exceptions.RedisError as error:
            raise CommandError(f"the event log's Redis cannot be reached: {error}") from error
        self.stdout.write(_json(report) if options["json"] else _words(report))
        if not report.repaired and (report.differences or report.counters == "lost"):
            sys.exit(1)


def _json(report: Report) -> str:
    differences = [{**asdict(difference), "words": difference.words} for difference in report.differences]
    return json.dumps({**asdict(report), "differences": differences}, indent=2)


def _words(report: Report) -> str:
    lines = [difference.words for difference in report.differences]
    if report.counters != "whole":
        lines.append("Redis had no counters; they were rebuilt." if report.repaired else "Redis has no counters; the next decision rebuilds them.")
    if report.differences:
        lines.append(f"{len(report.differences)} differences, {'all set right' if report.repaired else 'nothing changed; --repair sets them right'}.")
    else:
        lines.append(f"Ledger, balances and counters tell the same; flights: {report.flights}.")
    return "\n".join(lines)
