"""Starting and stopping experiments."""

from __future__ import annotations

from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from adplatform.models import Experiment

from . import selectors


class WrongState(ValueError):
    """The experiment is not in the state this change starts from."""


def experiment_start(*, actor: AbstractBaseUser, experiment: Experiment, now: datetime) -> None:
    """Raises WrongState unless it is a draft, ValidationError when its arms cannot be read."""
    experiment.full_clean()
    _move(actor, experiment, Experiment.State.DRAFT, Experiment.State.RUNNING, {"started_at": now})


def experiment_stop(*, actor: AbstractBaseUser, experiment: Experiment, now: datetime) -> None:
    """Raises WrongState unless it runs. A stopped experiment never starts again: its assignments belong to one run."""
    _move(actor, experiment, Experiment.State.RUNNING, Experiment.State.STOPPED, {"stopped_at": now})


def _move(actor: AbstractBaseUser, experiment: Experiment, before: str, after: str, times: dict[str, datetime]) -> None:
    with transaction.atomic():
        if not Experiment.objects.filter(pk=experiment.pk, state=before).update(state=after, **times):
            raise WrongState(f"{experiment.key} is not {before}")
        LogEntry.objects.log_actions(actor.pk, [experiment], CHANGE, change_message=f"{before} -> {after}", single_object=True)
        transaction.on_commit(selectors.forget)
    experiment.refresh_from_db()
