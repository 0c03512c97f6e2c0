"""``manage.py rebuild_rollups``: do the figures of closed days say what the rows they are made of say?"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adplatform.eventlog.days import MissingDay, days_between
from adplatform.eventlog.rebuild import RebuildRefused, Recount, check, rebuild, registered
from adplatform.moments import read_day


class Command(BaseCommand):
    help = (
        "Count closed days of the rollups anew from events, decisions and the ledger, and set right what differs; safe while events are stored."
        " With --check nothing is changed, and it ends with status 1 when something differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", type=read_day, help="YYYY-MM-DD, of UTC; the default is yesterday")
        parser.add_argument("--from", dest="first", type=read_day, metavar="DAY", help="Every day from this one on instead")
        parser.add_argument("--to", dest="last", type=read_day, metavar="DAY", help="Up to this one; the default is yesterday")
        parser.add_argument("--room", action="append", help="The rollups of this room alone (may be given again), for example ads")
        parser.add_argument("--check", action="store_true", help="Only tell what differs")

    def handle(self, *args: Any, **options: Any) -> None:
        now = datetime.now(UTC)
        days, recounts = _days(options, now.date()), _recounts(options["room"])
        differed, problems = 0, []
        for done, (day, recount) in enumerate(((day, recount) for day in days for recount in recounts), start=1):
            try:
                found = (check if options["check"] else rebuild)(recount, day, now=now)
            except (RebuildRefused, MissingDay) as error:
                problems.append(str(error))
                continue
            differed += bool(found.differences)
            self.stdout.write(f"[{done}/{len(days) * len(recounts)}] {found.line}")
            self.stdout.flush()
        if problems:
            raise CommandError("\n".join(problems))
        if options["check"] and differed:
            self.stderr.write("Run it without --check to set that right.")
            sys.exit(1)


def _days(options: dict[str, Any], today: date) -> list[date]:
    if options["day"] and (options["first"] or options["last"]):
        raise CommandError("Give either --day or --from and --to, not both")
    if options["last"] and not options["first"]:
        raise CommandError("Give --from as well: the first day to count anew")
    last = options["day"] or options["last"] or today - timedelta(days=1)
    first = options["first"] or last
    if first > last:
        raise CommandError(f"--from {first} lies after {last}; nothing to count")
    return days_between(first, last)


def _recounts(rooms: list[str] | None) -> list[Recount]:
    known = sorted({recount.room for recount in registered()})
    if unknown := sorted(set(rooms or ()) - set(known)):
        raise CommandError(f"No room is called {' or '.join(unknown)}; rollups are kept by {', '.join(known)}")
    return [recount for recount in registered() if not rooms or recount.room in rooms]
