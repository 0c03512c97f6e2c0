"""``manage.py experiment list|read|start|stop|rollout|takeback``: what the admin's buttons do, from a shell."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from adplatform.audit import UnknownActor, actor_named
from adplatform.experiments.readout import NotReadable, Readout, experiment_read
from adplatform.experiments.services import UnknownArm, WrongState, experiment_roll_out, experiment_start, experiment_stop
from adplatform.models import Experiment

WIDTH = 110


class Command(BaseCommand):
    help = "List, read, start, stop or roll out experiments, or take a roll-out back"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["list", "read", "start", "stop", "rollout", "takeback"])
        parser.add_argument("key", nargs="?", help="The experiment; not for list")
        parser.add_argument("arm", nargs="?", help="rollout: the arm that everybody gets")
        parser.add_argument("--as", dest="user", help="User name that stands in the audit log; the system without it")
        parser.add_argument("--json", action="store_true", help="list, read: print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "list":
            self._list(as_json=options["json"])
            return
        experiment, now = self._experiment(options["key"]), datetime.now(UTC)
        if options["verb"] == "read":
            self._read(experiment, now, as_json=options["json"])
            return
        verbs: dict[str, Callable[..., None]] = {
            "start": experiment_start,
            "stop": experiment_stop,
            "rollout": experiment_roll_out,
            "takeback": experiment_roll_out,
        }
        extra = {"rollout": lambda: {"arm": self._arm(options["arm"])}, "takeback": lambda: {"arm": ""}}.get(options["verb"], dict)()
        try:
            verbs[options["verb"]](actor=actor_named(options["user"]), experiment=experiment, now=now, **extra)
        except (WrongState, UnknownArm, UnknownActor) as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{experiment.key}: {experiment.state}{f', everybody gets {experiment.rolled_out}' if experiment.rolled_out else ''}")
        if options["verb"] == "rollout":
            self.stdout.write(f"What it had shown: {experiment.verdict or 'nothing, it was never read with enough units'}")
            self.stdout.write(f"To take it back: manage.py experiment takeback {experiment.key}")

    def _experiment(self, key: str | None) -> Experiment:
        found = Experiment.objects.filter(key=key).first() if key and key.isprintable() else None
        if found is None:
            keys = ", ".join(Experiment.objects.order_by("key").values_list("key", flat=True)) or "none"
            raise CommandError(f"name one of the experiments there are: {keys}")
        return found

    def _arm(self, arm: str | None) -> str:
        if not arm:
            raise CommandError("name the arm that everybody gets: manage.py experiment rollout KEY ARM")
        return arm

    def _list(self, *, as_json: bool) -> None:
        rows = [
            {"key": one.key, "state": one.state, "rolled_out": one.rolled_out, "metric": one.metric, "verdict": one.alarm or one.verdict}
            for one in Experiment.objects.order_by("key")
        ]
        if as_json:
            self.stdout.write(json.dumps({"experiments": rows}, indent=2))
            return
        if not rows:
            self.stdout.write("no experiments")
        for row in rows:
            state = f"{row['state']}, everybody gets {row['rolled_out']}" if row["rolled_out"] else row["state"]
            self.stdout.write(f"{row['key']:<24} {state:<12} {row['metric'] or '-':<22} {row['verdict'] or '-'}")

    def _read(self, experiment: Experiment, now: datetime, *, as_json: bool) -> None:
        try:
            readout = experiment_read(experiment=experiment, now=now)
        except NotReadable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(as_data(readout), indent=2) if as_json else as_text(readout))


def as_data(readout: Readout) -> dict[str, Any]:
    fields = (
        "metric", "arm", "units", "control_units", "mean", "control_mean", "effect", "low", "high", "variance_left", "verdict", "words", "figures",
    )  # fmt: skip
    return {
        "key": readout.experiment.key,
        "state": readout.experiment.state,
        "verdict": readout.words,
        "alarm": readout.alarm,
        "stopped": readout.stopped,
        "readings": [{name: getattr(row, name) for name in fields} for row in readout.rows],
    }


def as_text(readout: Readout) -> str:
    lines = [f"{readout.experiment.key}: {readout.experiment.state}", ""]
    for row in readout.rows:
        head = f"  {row.metric:<22}{row.arm:<14}{_number(row.control_mean):>10}{_number(row.mean):>10}   "
        words = textwrap.wrap(row.words, WIDTH - 34) or [""]
        lines += [head + words[0], *(" " * len(head) + more for more in words[1:])]
    lines += ["", *textwrap.wrap(readout.words, WIDTH)]
    return "\n".join([*lines, *(["", *textwrap.wrap(f"Stopped by itself: {readout.alarm}", WIDTH)] if readout.stopped else [])])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
