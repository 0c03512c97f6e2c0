"""What a person may do with models: promote, roll back, have one trained. Each is audited with who did it."""

from __future__ import annotations

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from adplatform.models import ModelVersion

from . import estimators, registry, training
from .tasks import train_model


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


def model_train(*, actor: AbstractBaseUser, kind: str, estimator: str | None = None) -> None:
    """Queue a training run. Raises UnknownKind, UnknownEstimator."""
    recipe = training.recipe_for(kind)
    name = estimator or recipe.default_estimator
    estimators.find(name, recipe.task)
    train_model.delay(kind, estimator)
    LogEntry.objects.create(
        user_id=actor.pk,
        content_type=ContentType.objects.get_for_model(ModelVersion),
        object_repr=f"{kind} ({name})",
        action_flag=ADDITION,
        change_message="training queued by hand",
    )


def _audit(actor: AbstractBaseUser, version: ModelVersion, words: str) -> None:
    LogEntry.objects.log_actions(actor.pk, [version], CHANGE, change_message=words, single_object=True)
