"""What a person may do with models: promote, roll back, have one trained. Each is audited with who did it."""

from __future__ import annotations

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from adplatform.models import ModelVersion, TrainingRun

from . import registry, runs


def model_promote(*, actor: AbstractBaseUser, version: ModelVersion) -> None:
    """Serve this version whatever the gates said. Raises NotPromotable, ArtifactRefused."""
    with transaction.atomic():
        registry.promote(version)
        _audit(actor, version, "promoted by hand")


def model_rollback(*, actor: AbstractBaseUser, kind: str) -> ModelVersion:
    """Serve the previous champion again. Raises NotPromotable, ArtifactRefused."""
    with transaction.atomic():
        version = registry.rollback(kind)
        _audit(actor, version, "rolled back to")
    return version


@transaction.atomic
def model_train(*, actor: AbstractBaseUser, kind: str, estimator: str | None = None, engine: str = "local") -> TrainingRun:
    """Ask for a training run; it waits in its row while the queue is away. Raises UnknownKind, UnknownEstimator."""
    run = runs.run_request(kind=kind, estimator=estimator, engine=engine, actor=actor, reason="Asked for by hand", now=timezone.now())
    LogEntry.objects.log_actions(actor.pk, [run], ADDITION, change_message="training queued by hand", single_object=True)
    return run


def _audit(actor: AbstractBaseUser, version: ModelVersion, words: str) -> None:
    LogEntry.objects.log_actions(actor.pk, [version], CHANGE, change_message=words, single_object=True)
