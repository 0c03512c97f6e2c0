"""``manage.py explain DECISION [--json]``: why this break was filled as it was, and whether deciding again says the same."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.forms.models import model_to_dict

from adplatform.eventlog import ids
from ads.models import Decision
from ads.replay import NotReplayable, replay
from ads.reports.decision_text import as_text


class Command(BaseCommand):
    help = "Print a stored decision with the reason of every ad, and decide it again from what was stored. Exit status 1 when that differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("decision", help="id of a decision: on its page in the admin, and in the answer of /api/v1/decisions")
        parser.add_argument("--json", action="store_true", help="print {decision, replay: {same, differences, problem}}")

    def handle(self, *args: Any, **options: Any) -> None:
        decision = stored(options["decision"])
        try:
            differences, problem = list(replay(decision).differences), None
        except NotReplayable as error:
            differences, problem = [], str(error)
        same = problem is None and not differences
        if options["json"]:
            told = {"decision": model_to_dict(decision), "replay": {"same": same, "differences": differences, "problem": problem}}
            self.stdout.write(json.dumps(told, indent=2, default=str, ensure_ascii=False))
        else:
            self.stdout.write(as_text(decision))
            self.stdout.write("\n" + verdict(differences, problem))
        if not same:
            raise CommandError("the replay does not tell the same" if problem is None else f"it cannot be decided again: {problem}")


def stored(text: str) -> Decision:
    """The decision with this id. Raises CommandError in words."""
    try:
        wanted = uuid.UUID(text)
        # Its day names the partition it lies in.
        found = Decision.objects.filter(pk=wanted, day=ids.day_of(wanted)).first()
    except ValueError as error:
        raise CommandError(f"“{text}” is no decision's id; one looks like 0190c2f3-6b1e-7cc2-9b1d-3f6f2a5f1c55") from error
    if found is None:
        raise CommandError(f"there is no decision {wanted}: it is older than what is kept, or its event has not been consumed yet")
    return found


def verdict(differences: list[str], problem: str | None) -> str:
    if problem is not None:
        return f"Not decided again: {problem}."
    if not differences:
        return "Decided again from what was stored: the same ads, prices, chances and scores, bit for bit."
    return "\n".join(["Decided again from what was stored, it comes out differently:", *(f"  {one}" for one in differences)])
