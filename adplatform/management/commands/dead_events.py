"""Events that could not be stored."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count

from adplatform.eventlog.dead import dead_events_retry
from adplatform.eventlog.stream import LogUnavailable
from adplatform.models import DeadEvent


class Command(BaseCommand):
    help = "List dead events by reason, or send them again once what stopped them is repaired."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["list", "retry"])
        parser.add_argument("--reason", default="", help="Only those whose reason contains this text")
        parser.add_argument("--stream-id", default="", help="Only this one")

    def handle(self, *args: Any, **options: Any) -> None:
        dead = DeadEvent.objects.filter(reason__contains=options["reason"])
        if options["stream_id"]:
            dead = dead.filter(stream_id=options["stream_id"])
        if options["action"] == "retry":
            try:
                count = dead_events_retry(dead=dead)
            except LogUnavailable as error:
                raise CommandError(f"the event log is away, nothing was changed: {error}") from error
            self.stdout.write(f"{count} events sent again")
            return
        for row in dead.order_by("reason").values("reason").annotate(events=Count("pk")):
            self.stdout.write(f"{row['events']:>8}  {row['reason']}")
        self.stdout.write(f"{dead.count():>8}  in all")
