"""The consumer process."""

from __future__ import annotations

import gc
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adplatform.eventlog import consumer


class Command(BaseCommand):
    help = "Move events from the log into the tables until stopped (SIGTERM or Ctrl-C finish the batch in hand)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until-empty", "--once", action="store_true", dest="until_empty", help="Store what waits in the log, then leave")

    def handle(self, *args: Any, **options: Any) -> None:
        # A batch is tens of thousands of small objects that die together; collecting over all of Django for each costs a third of the time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        if options["until_empty"]:
            started = time.perf_counter()
            try:
                count = consumer.drain()
            except consumer.Unavailable as error:
                raise CommandError(f"stopped, nothing lost: {error}") from error
            self.stdout.write(f"{count} events stored in {time.perf_counter() - started:.3f} s")
            return
        loop = consumer.Loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        loop.run()
