"""``manage.py why_not FLIGHT [--since 7d|ISO] [--until ISO] [--gains] [--json]``: what kept a flight from serving."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from adplatform.moments import NotATime, read_since
from ads.models import Flight
from ads.reports.gains import told
from ads.reports.gains.sample import NothingLogged
from ads.reports.standing import standing
from ads.reports.verdict import verdict
from ads.reports.why_not import Funnel, percent, why_not


class Command(BaseCommand):
    help = "What kept a flight from serving: how often its ads fell out at each stage of a decision, and the main obstacle in a sentence."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("flight", help="id of a flight, or its name as the admin shows it: “Campaign / Flight”")
        parser.add_argument("--since", default="7d", metavar="7d|ISO", help="hours, days or weeks back (24h, 7d, 2w), or an ISO time in UTC")
        parser.add_argument("--until", metavar="ISO", help="an ISO time in UTC (default: now)")
        parser.add_argument("--gains", action="store_true", help="find the changes that would free most delivery, by deciding logged breaks again")
        parser.add_argument("--json", action="store_true", help="print the funnel as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            until = read_since(options["until"], now) if options["until"] else now
            since = read_since(options["since"], until)
        except NotATime as error:
            raise CommandError(str(error)) from error
        if since >= until:
            raise CommandError(f"--since {options['since']} is not before --until")
        flight = wanted(options["flight"])
        funnel = why_not(flight, since, until)
        found = changes(flight, since, until) if options["gains"] else None
        if options["json"]:
            answer = {**asdict(funnel), **({"gains": found} if found else {})}
            self.stdout.write(json.dumps(answer, indent=2, default=str, ensure_ascii=False))
            return
        said = verdict(flight, standing(flight, now=now), funnel)
        self.stdout.write("\n\n".join([as_text(funnel), f"  {said}", *([gains_text(found)] if found else [])]))


def changes(flight: Flight, since: datetime, until: datetime) -> dict[str, Any]:
    """What would free most delivery. Raises CommandError in words."""
    try:
        return told.found(flight, since, until, now=timezone.now())
    except NothingLogged as error:
        raise CommandError(str(error)) from error


def gains_text(found: dict[str, Any]) -> str:
    """The best changes, one a paragraph."""
    lines = [f"  Tried on {found['decided']:,} logged breaks of {found['persons']:,} people:"]
    for option in [*found["options"], *([found["pair"]] if found["pair"] else [])]:
        lines += [f"  * {option['words']}: {option['gain_words']}", f"    {option['spend_words']} {option['note']}".rstrip()]
    if not found["options"]:
        lines.append("  No change that was tried would free more delivery.")
    return "\n".join(lines)


def wanted(text: str) -> Flight:
    """The flight of this id or name. Raises CommandError in words."""
    flights = Flight.objects.select_related("campaign")
    if text.isdecimal():
        found = list(flights.filter(pk=int(text)) if len(text) < 19 else [])
    else:
        campaign, _, name = text.rpartition(" / ")
        found = list(flights.filter(name__iexact=name, **({"campaign__name__iexact": campaign} if campaign else {}))[:3])
    if len(found) > 1:
        raise CommandError(f"several flights are called “{text}”, for example {found[0]} ({found[0].pk}) and {found[1]} ({found[1].pk}); give the id")
    if not found:
        raise CommandError(f"there is no flight “{text}”; give its id, or its name as “Campaign / Flight”")
    return found[0]


def as_text(funnel: Funnel) -> str:
    """The funnel as a table, stage after stage with its reasons, below the main obstacle."""
    lines = [
        f"{funnel.name} (flight {funnel.flight}), {funnel.since:%Y-%m-%d %H:%M} to {funnel.until:%Y-%m-%d %H:%M} UTC",
        "",
        f"  {funnel.obstacle}",
    ]
    if not funnel.considered:
        return "\n".join(lines)
    lines += ["", f"  {'considered':<18}{funnel.considered:>10,}            each of its ads once a break"]
    for step in funnel.steps:
        lines.append(f"  {step.stage.replace('_', ' '):<18}{step.count:>10,}  {percent(step.share):>9} {step.words}")
        lines += [f"    {reason.code:<16}{reason.count:>10,}  {percent(reason.share):>9} {reason.words}" for reason in step.reasons]
    return "\n".join(lines)
