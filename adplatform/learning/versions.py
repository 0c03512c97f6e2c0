"""Versions as rows: numbered once a kind, and the aliases by which they serve, each held by one version of a kind at most.

Whatever changes an alias holds the kind's lock until it commits, and tells the serving processes after.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, QuerySet

from adplatform.models import ModelVersion

from . import gates, seats
from .artifacts import load_version

NUMBER_ATTEMPTS = 5
Alias, Status = ModelVersion.Alias, ModelVersion.Status


class NotPromotable(ValueError):
    """This version cannot take that place; the message says why."""


def register(*, kind: str, estimator: str, **fields: Any) -> ModelVersion:
    """A new version with the next number of its kind."""
    for _ in range(NUMBER_ATTEMPTS):
        number = (ModelVersion.objects.filter(kind=kind).aggregate(last=Max("number"))["last"] or 0) + 1
        try:
            with transaction.atomic():
                return ModelVersion.objects.create(kind=kind, number=number, estimator=estimator, **fields)
        except IntegrityError:
            if not ModelVersion.objects.filter(kind=kind, number=number).exists():
                raise
    raise RuntimeError(f"no free number for a {kind} model in {NUMBER_ATTEMPTS} attempts")


def promote(version: ModelVersion, *, verdict: str = "") -> None:
    """Make it champion, with a new ``verdict`` or the one it has; the champion until now becomes previous.

    Raises NotPromotable, ArtifactRefused.
    """
    check_servable(version)
    with transaction.atomic():
        of_kind = locked(version.kind)
        if of_kind.filter(pk=version.pk, alias=Alias.CHAMPION).exists():
            return
        of_kind.filter(alias=Alias.PREVIOUS).exclude(pk=version.pk).update(alias="")
        fields = {"verdict": verdict} if verdict else {}
        of_kind.filter(pk=version.pk).update(alias="", status=Status.PROMOTED, traffic_share=0, stage_since=datetime.now(UTC), **fields)
        of_kind.filter(alias=Alias.CHAMPION).update(alias=Alias.PREVIOUS)
        of_kind.filter(pk=version.pk).update(alias=Alias.CHAMPION)
        _end_test(of_kind, f"{version} became champion while it was under test, and what was seen compared it with another one")
        transaction.on_commit(lambda: seats.announce(version.kind))
    version.refresh_from_db()


def rollback(kind: str, *, serving: int | None = None) -> ModelVersion:
    """The previous champion serves again and the two change places. Raises NotPromotable, ArtifactRefused.

    ``serving`` is the number of the version that is to go: where another serves by now, somebody was faster and nothing is changed, or
    two who mean the same would undo each other.
    """
    with transaction.atomic():
        of_kind = locked(kind)
        if serving is not None and not of_kind.filter(alias=Alias.CHAMPION, number=serving).exists():
            raise NotPromotable(f"{kind} v{serving} does not serve any more; look at what serves now before you roll that back")
        previous = of_kind.filter(alias=Alias.PREVIOUS).first()
        if previous is None:
            raise NotPromotable(f"there is no previous {kind} model to go back to")
        load_version(previous)
        champion = of_kind.filter(alias=Alias.CHAMPION).first()
        of_kind.filter(alias__in=[Alias.CHAMPION, Alias.PREVIOUS]).update(alias="")
        of_kind.filter(pk=previous.pk).update(alias=Alias.CHAMPION)
        if champion is not None:
            of_kind.filter(pk=champion.pk).update(alias=Alias.PREVIOUS)
        _end_test(of_kind, f"{previous} serves again since it was under test, and what was seen compared it with another one")
        transaction.on_commit(lambda: seats.announce(kind))
    previous.refresh_from_db()
    return previous


def champion_row(kind: str) -> ModelVersion | None:
    return ModelVersion.objects.filter(kind=kind, alias=Alias.CHAMPION).first()


def challenger_row(kind: str) -> ModelVersion | None:
    return ModelVersion.objects.filter(kind=kind, alias=Alias.CHALLENGER).first()


def check_servable(version: ModelVersion) -> None:
    """Raises NotPromotable, ArtifactRefused."""
    if not version.artifact:
        raise NotPromotable(f"{version} has no artifact: {version.verdict or version.get_status_display()}")
    load_version(version)


def _end_test(of_kind: QuerySet[ModelVersion], reason: str) -> None:
    for tested in of_kind.filter(alias=Alias.CHALLENGER):
        verdict = f"Stopped: {reason}. {gates.told(tested.gates)}".strip()
        of_kind.filter(pk=tested.pk).update(alias="", status=Status.REFUSED, traffic_share=0, stage_since=datetime.now(UTC), verdict=verdict)


def locked(kind: str) -> QuerySet[ModelVersion]:
    """Changes of alias wait for each other, also where the kind has no row to lock yet. Inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"model-alias:{kind}"])
    return ModelVersion.objects.filter(kind=kind)
