"""Who serves each kind and who is on the way to it."""

from __future__ import annotations

from dataclasses import dataclass

from adplatform.models import ModelVersion

from . import stages, training
from .artifacts import load_version
from .predictor import ArtifactRefused

Alias, Status = ModelVersion.Alias, ModelVersion.Status


@dataclass(frozen=True)
class Standing:
    """One kind: who holds each alias, who waits in line behind the challenger, and whether versions of it are rolled out by steps or
    promoted by their gates alone."""

    kind: str
    champion: ModelVersion | None
    challenger: ModelVersion | None
    previous: ModelVersion | None
    waiting: tuple[ModelVersion, ...]
    by_steps: bool


def standings() -> list[Standing]:
    """Every kind that can be trained or ever was."""
    rows = list(ModelVersion.objects.exclude(alias="").order_by("kind"))
    line = list(ModelVersion.objects.filter(alias="", status=Status.SHADOW).order_by("kind", "-number"))
    kinds = sorted({*training.kinds(), *(row.kind for row in rows)})
    held = {(row.kind, row.alias): row for row in rows}
    return [
        Standing(
            kind,
            champion=held.get((kind, Alias.CHAMPION)),
            challenger=held.get((kind, Alias.CHALLENGER)),
            previous=held.get((kind, Alias.PREVIOUS)),
            waiting=tuple(row for row in line if row.kind == kind),
            by_steps=stages.source_for(kind) is not None,
        )
        for kind in kinds
    ]


def trouble_of(row: ModelVersion) -> str:
    """Why a version cannot be served and what to do, in words; empty for one that can."""
    try:
        load_version(row)
    except ArtifactRefused as error:
        answers = "the champion answers for it" if row.alias != Alias.CHAMPION else "processes that start now answer without it"
        return f"CANNOT BE LOADED: {error}. Until then {answers}. Roll back, or train again: manage.py train {row.kind} --estimator {row.estimator}"
    return ""
