"""Everything between an empty database and a site worth opening. Each step is skipped when its result is there."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from adplatform.demo import ensure_logins
from adplatform.experiments.readout import experiment_read
from adplatform.learning.registry import load_champion
from adplatform.learning.training import kinds
from adplatform.models import Experiment, ModelVersion

# In the first days nothing is known; for the last ones there are a click model and forecasts, made as of their beginning.
HISTORY_DAYS, FIRST_DAYS = 7, 5
HISTORY_SESSIONS = 2400
FIRST_TITLES = 2
NOT_ENOUGH_DATA = 2
TRIALS = ("director", "care")
# Alike arms tell nothing of anybody, so they may run from the first day on; the Director's control group would take trials from its model.
ALIKE = "same"
LOOK_EVERY = timedelta(hours=12)
# Whether somebody stayed away is known once so many days have passed.
TOO_SHORT = f"; a history of {HISTORY_DAYS} days is too short for many more" if settings.DEMO else ""


class Command(BaseCommand):
    help = "Migrate, seed the demo, render the first films and the ads, simulate a week of history, train the first models"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--sessions", type=int, default=HISTORY_SESSIONS, help="synthetic sessions of history")

    def handle(self, *args: Any, **options: Any) -> None:
        steps: list[tuple[str, Callable[[], bool], Callable[[], Any]]] = [
            ("tables", always, lambda: call_command("migrate", verbosity=0)),
            ("day partitions", always, lambda: call_command("ensure_partitions", verbosity=0)),
            ("groups and logins", always, self._people),
            ("catalogue, ads and viewer profiles", always, self._seed),
            (
                f"the first {FIRST_TITLES} films and the ads",
                always,
                lambda: call_command("build_media", titles=FIRST_TITLES, ads=True, only_missing=True),
            ),
            ("an experiment of arms that are alike, from before the history", never_alike, self._alike),
            (f"synthetic history, {FIRST_DAYS} days without model or forecasts", not_known("ctr"), lambda: self._first_days(options["sessions"])),
            ("forecasts as of then", not_known("ctr"), lambda: call_command("forecast", as_of=self._learned_at, stdout=io.StringIO())),
            ("the click model as of then", not_known("ctr"), lambda: self._train("ctr", as_of=self._learned_at)),
            ("the completion model as of then", not_known("completion"), lambda: self._train("completion", as_of=self._learned_at)),
            (
                f"synthetic history, the last {HISTORY_DAYS - FIRST_DAYS} days with both",
                not_known("engagement"),
                lambda: self._history(HISTORY_DAYS, options["sessions"], timezone.now()),
            ),
            ("the click model of the whole week", self._still_of_the_first_days("ctr"), lambda: self._train("ctr")),
            ("the completion model of the whole week", self._still_of_the_first_days("completion"), lambda: self._train("completion")),
            ("the engagement model", lambda: load_champion("engagement") is None, lambda: self._train("engagement")),
            ("the model of leaving", never_tried("leave"), lambda: self._train("leave")),
            ("what came of the Director's decisions", never_tried("director"), lambda: call_command("judge_decisions", stdout=self.stdout)),
            ("the model of what each of the Director's actions is worth", never_tried("director"), lambda: self._train("director")),
            (f"the model of who stays away for {settings.CHURN_HORIZON_DAYS:g} days{TOO_SHORT}", never_tried("churn"), self._churn),
            ("looks at the arms that are alike, over the history", not_looked_at, self._looks),
            ("the experiments on the Director and on care", not_tried, self._trials),
            ("forecasts of today, and what is out of the ordinary", nothing_found, self._findings),
            ("what can be asked, planned as the chat's own role and indexed", always, self._asking),
        ]
        for number, (what, is_due, do) in enumerate(steps, start=1):
            began = time.monotonic()
            if not is_due():
                continue
            self.stdout.write(f"[{number}/{len(steps)}] {what}")
            do()
            self.stdout.write(f"[{number}/{len(steps)}] {what}: done in {time.monotonic() - began:.1f} s")

    @cached_property
    def _learned_at(self) -> datetime:
        return timezone.now() - timedelta(days=HISTORY_DAYS - FIRST_DAYS)

    def _train(self, kind: str, as_of: datetime | None = None) -> None:
        """Too little data is an answer, not a failure: the prior serves until there is more."""
        try:
            call_command("train", kind, as_of=as_of)
        except CommandError as refusal:
            if refusal.returncode != NOT_ENOUGH_DATA:
                raise
            self.stdout.write(f"  {refusal}")

    def _churn(self) -> None:
        self._train("churn")
        call_command("score_churn", stdout=self.stdout)

    def _findings(self) -> None:
        call_command("forecast", stdout=io.StringIO())
        call_command("find_insights", stdout=self.stdout)

    @staticmethod
    def _still_of_the_first_days(kind: str) -> Callable[[], bool]:
        return lambda: not_known("engagement")() or load_champion(kind) is None

    def _people(self) -> None:
        call_command("sync_groups", verbosity=0, stdout=self.stdout)
        ensure_logins(settings.VAR_DIR / "demo-logins.json")

    def _seed(self) -> None:
        for command in ("seed_catalogue", "seed_ads", "seed_viewers"):
            call_command(command, verbosity=0, stdout=self.stdout)

    def _first_days(self, sessions: int) -> None:
        self._history(FIRST_DAYS, max(1, round(sessions * FIRST_DAYS / HISTORY_DAYS)), self._learned_at)

    def _alike(self) -> None:
        call_command("start_trials", only=ALIKE, at=timezone.now() - timedelta(days=HISTORY_DAYS), stdout=self.stdout)

    def _trials(self) -> None:
        """Each with a first look, so that whoever asks is told what is still missing."""
        call_command("start_trials", stdout=self.stdout)
        for experiment in Experiment.objects.filter(key__in=TRIALS, state=Experiment.State.RUNNING):
            experiment_read(experiment=experiment, now=timezone.now())

    @staticmethod
    def _asking() -> None:
        """A model that does not fit the database would fail in front of an executive; here it stops the start and says where."""
        call_command("semantic_check", stdout=io.StringIO())
        call_command("index_catalogue", stdout=io.StringIO())

    def _looks(self) -> None:
        """As of the times at which it would have been read, of what was received by then."""
        experiment = Experiment.objects.get(key=ALIKE)
        at = experiment.started_at + LOOK_EVERY if experiment.started_at else timezone.now()
        while at < timezone.now():
            if experiment_read(experiment=experiment, now=at).stopped:
                break
            at += LOOK_EVERY

    def _history(self, days: int, sessions: int, until: datetime) -> None:
        """What was written before an interruption stays, and the rest is written after it."""
        call_command("simulate", days=days, sessions=sessions, seed=1, until=until, go_on=True)


def always() -> bool:
    return True


def never_tried(kind: str) -> Callable[[], bool]:
    """Whether nobody has tried to train a model of this kind; the schedule tries again each night."""
    return lambda: kind in kinds() and not ModelVersion.objects.filter(kind=kind).exists()


def not_tried() -> bool:
    """Whether an experiment that a fresh installation begins with was never drafted. What staff made of one stays."""
    return Experiment.objects.filter(key__in=TRIALS).count() < len(TRIALS)


def nothing_found() -> bool:
    """Whether nobody has looked for findings yet. The name of the table alone: this floor does not know the one that keeps them."""
    return not apps.get_model("insights", "Insight")._default_manager.exists()


def never_alike() -> bool:
    """Whether the experiment of alike arms can still begin with the history: whoever watched before is in none of its arms."""
    return not_known("engagement")() and not Experiment.objects.filter(key=ALIKE).exists()


def not_looked_at() -> bool:
    return Experiment.objects.filter(key=ALIKE, state=Experiment.State.RUNNING, readings=None).exists()


def not_known(kind: str) -> Callable[[], bool]:
    """Whether no model of this kind was ever trained: each is made right after the history that it learns from. One that was refused
    before there was anything to learn from, say by a schedule that came before the history, is none."""
    known = ModelVersion.objects.filter(kind=kind).exclude(status=ModelVersion.Status.TRAINING)
    return lambda: not known.exclude(status=ModelVersion.Status.REFUSED, train_rows=0).exists()
