"""Starting and stopping experiments, and giving everybody the arm that won."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from adplatform.models import Experiment

from . import selectors
from .assignment import parse_arms


class WrongState(ValueError):
    """The experiment is not in the state this change starts from."""


class UnknownArm(ValueError):
    """The experiment has no arm of this name."""


def experiment_start(*, actor: AbstractBaseUser, experiment: Experiment, now: datetime) -> None:
    """Raises WrongState unless it is a draft, ValidationError when it names no metric or what it names cannot be read."""
    experiment.full_clean()
    if not experiment.metric:
        raise ValidationError({"metric": "Name the metric that decides it: chosen afterwards, one of several is always better by accident."})
    _move(actor, experiment, Experiment.State.DRAFT, Experiment.State.RUNNING, "draft -> running", started_at=now)


def experiment_stop(*, actor: AbstractBaseUser, experiment: Experiment, now: datetime) -> None:
    """Raises WrongState unless it runs. A stopped experiment never starts again: its assignments belong to one run."""
    _move(actor, experiment, Experiment.State.RUNNING, Experiment.State.STOPPED, "running -> stopped", stopped_at=now)


def experiment_stop_by_itself(*, actor: AbstractBaseUser, experiment: Experiment, alarm: str, now: datetime) -> bool:
    """Stop it because of ``alarm``; whether this call did. Of two looks at once one stops it, and later ones change nothing."""
    try:
        _move(
            actor, experiment, Experiment.State.RUNNING, Experiment.State.STOPPED, f"running -> stopped by itself: {alarm}",
            stopped_at=now, alarm=alarm,
        )  # fmt: skip
    except WrongState:
        return False
    return True


def experiment_roll_out(*, actor: AbstractBaseUser, experiment: Experiment, arm: str, now: datetime) -> None:
    """Everybody gets ``arm`` from now on; a running experiment ends. An empty ``arm`` takes it back: nobody gets any.

    Raises UnknownArm, and WrongState for a draft and where it is so already: of two clicks one is done and kept in the audit log.
    """
    names = [one.name for one in parse_arms(experiment.arms)]
    if arm and arm not in names:
        raise UnknownArm(f"{experiment.key} has no arm {arm!r}; it has {', '.join(names)}")
    words = f"{arm} for everybody" if arm else "no arm for anybody"
    with transaction.atomic():
        running = Experiment.objects.filter(pk=experiment.pk, state=Experiment.State.RUNNING)
        running.update(state=Experiment.State.STOPPED, stopped_at=now)
        if Experiment.objects.filter(pk=experiment.pk, state=Experiment.State.STOPPED, rolled_out=arm).exists():
            raise WrongState(f"{experiment.key} gives everybody {arm} already" if arm else f"{experiment.key} gives nobody an arm already")
        _move(actor, experiment, Experiment.State.STOPPED, Experiment.State.STOPPED, words, rolled_out=arm)


def _move(actor: AbstractBaseUser, experiment: Experiment, before: str, after: str, words: str, **changes: Any) -> None:
    with transaction.atomic():
        # What is so already is no change: whoever comes second waits here for the first, and then finds it done.
        moved = Experiment.objects.filter(pk=experiment.pk, state=before).exclude(state=after, **changes).update(state=after, **changes)
        if not moved:
            raise WrongState(f"{experiment.key} is not {before}" if before != after else f"{experiment.key} was changed meanwhile; look at it again")
        LogEntry.objects.log_actions(actor.pk, [experiment], CHANGE, change_message=words, single_object=True)
        transaction.on_commit(selectors.forget)
    experiment.refresh_from_db()
