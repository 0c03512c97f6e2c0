"""What a person may do with models: promote, roll back, test beside the champion, have one trained. Each is audited with who did it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from adplatform.models import ModelVersion, TrainingRun

from . import gates, registry, runs, stages


@transaction.atomic
def model_promote(*, actor: AbstractBaseUser, version: ModelVersion) -> None:
    """Serve this version whatever the gates said, and say so in its verdict. Raises NotPromotable, ArtifactRefused."""
    verdict = gates.by_hand(version.gates, actor=actor.get_username(), bootstrap=bool(version.parameters.get("bootstrap")))
    registry.promote(version, verdict=verdict)
    _audit(actor, version, "promoted by hand")


@transaction.atomic
def model_rollback(*, actor: AbstractBaseUser, kind: str, serving: int | None = None) -> ModelVersion:
    """Serve the previous champion again, in place of version ``serving`` where that is said. Raises NotPromotable, ArtifactRefused."""
    version = registry.rollback(kind, serving=serving)
    _audit(actor, version, "rolled back to")
    return version


@transaction.atomic
def model_shadow(*, actor: AbstractBaseUser, version: ModelVersion, now: datetime) -> None:
    """Let this version score what others decide, whatever the gates said. Raises NotPromotable, ArtifactRefused."""
    stages.shadow(version, now=now)
    _audit(actor, version, "put in shadow by hand")


@transaction.atomic
def model_canary(*, actor: AbstractBaseUser, version: ModelVersion, share: float, now: datetime) -> None:
    """Let this version decide for a share of the viewers, 0-1, whatever the gates said. Raises NotPromotable, ArtifactRefused."""
    stages.canary(version, share, now=now)
    _audit(actor, version, f"canary with {share:.0%} of the traffic by hand")


@transaction.atomic
def model_stop(*, actor: AbstractBaseUser, kind: str, now: datetime) -> ModelVersion:
    """End the test of this kind's challenger. Raises NotPromotable."""
    version = stages.stop(kind, f"Stopped by {actor.get_username()}.", now=now)
    _audit(actor, version, "taken out of the rollout by hand")
    return version


@transaction.atomic
def model_train(*, actor: AbstractBaseUser, kind: str, estimator: str | None = None, engine: str = "local") -> TrainingRun:
    """Ask for a training run; it waits in its row while the queue is away. Raises UnknownKind, UnknownEstimator."""
    run = runs.run_request(kind=kind, estimator=estimator, engine=engine, actor=actor, reason="Asked for by hand", now=timezone.now())
    LogEntry.objects.log_actions(actor.pk, [run], ADDITION, change_message="training queued by hand", single_object=True)
    return run


def _audit(actor: AbstractBaseUser, version: ModelVersion, words: str) -> None:
    LogEntry.objects.log_actions(actor.pk, [version], CHANGE, change_message=words, single_object=True)
