"""Which model answers a request while a challenger is under test, and what a challenger in shadow says of what was decided.

The arm is a hash of the version and the viewer (without consent: the session), so it sticks without being stored, holds for all
of a rising share, and is drawn anew for the next version. The control slice comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
from prometheus_client import Counter

from adplatform.experiments.assignment import point, unit_of
from adplatform.learning import registry
from adplatform.learning.registry import LoadedModel, Serving
from adplatform.learning.rollout import CANARY, CHAMPION, CONTROL, SHADOW
from adplatform.learning.schema import Matrix
from ads.decision.control import in_control
from ads.decision.request import AdRequest

from .features import SCHEMA

log = structlog.get_logger(__name__)

FAILED = Counter("intermission_model_failures_total", "Scores that a model owed and did not give", ["kind", "where"])


@dataclass(frozen=True, slots=True)
class Logged:
    """How a slot carries what one kind predicts of it: the ``score`` that decided, and what the challenger said in ``shadow``."""

    score: str
    shadow: str


LOGGED = {"ctr": Logged("pctr", "shadow"), "completion": Logged("pvcr", "completion_shadow")}


@dataclass(frozen=True, slots=True)
class Assigned:
    """The ``arm`` of a request, whatever answers, and who answers by kind: ``models`` in order, each stepping in for the one before
    it; none for the control slice and where nothing serves."""

    arm: str
    models: Mapping[str, tuple[LoadedModel, ...]]


def assign(request: AdRequest, kinds: Iterable[str]) -> Assigned:
    if in_control(request):
        return Assigned(CONTROL, dict.fromkeys(kinds, ()))
    unit = unit_of(viewer=request.viewer, session=request.session, consent=request.consent)
    arm, models = CHAMPION, {}
    for kind in kinds:
        serving = registry.load_serving(kind)
        models[kind] = tuple(model for model in (serving.champion,) if model is not None)
        if serving.stage == CANARY and point(f"canary/{kind}/{serving.challenger_version}", unit) < serving.traffic_share:
            arm = CANARY
            models[kind] = (*(model for model in (serving.challenger,) if model is not None), *models[kind])
    return Assigned(arm, models)


def failed(kind: str, version: int) -> None:
    """Inside an exception handler: count and tell it. The decision goes on without."""
    FAILED.labels(kind, "decision").inc()
    log.exception("model failed, the next one answers", kind=kind, version=version)


# Shadow


def with_shadow(decided: Iterable[Sequence[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """The slots of many decisions, with what each kind's challenger in shadow says of them, as `Logged` names it.

    Computed from the features as served, by the consumer, so it costs the decision nothing and cannot touch it. A slot that the
    challenger cannot score stays as it is, and the rollout counts it.
    """
    slots = [list(one) for one in decided]
    for kind in LOGGED:
        serving = registry.load_challenger(kind)
        if serving.stage == SHADOW:
            _score(slots, kind, serving)
    return slots


def _score(decided: list[list[dict[str, Any]]], kind: str, serving: Serving) -> None:
    try:
        if serving.challenger is None or serving.challenger.schema_fingerprint != SCHEMA.fingerprint():
            raise ValueError(f"{kind} v{serving.challenger_version} is not loaded, or was trained on another feature schema")
        at, rows = rows_of(decided)
        if not at:
            return
        scores = serving.challenger.predictor.predict(rows).astype(np.float64)
        if not np.isfinite(scores).all():
            raise ValueError("it answers with numbers that are none")
    except Exception:
        # Whatever it is: what was decided has to be stored.
        FAILED.labels(kind, SHADOW).inc()
        log.exception("shadow score missing", kind=kind, version=serving.challenger_version)
        return
    logged = LOGGED[kind]
    for (decision, place), score in zip(at, scores.tolist(), strict=True):
        told = {"version": serving.challenger_version, logged.score: score}
        decided[decision][place] = {**decided[decision][place], logged.shadow: told}


def rows_of(decided: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[list[tuple[int, int]], Matrix]:
    """(decision, place) of every slot logged under the present features, and their rows float32 [n, features] as served."""
    fingerprint = SCHEMA.fingerprint()
    at = [
        (number, place) for number, slots in enumerate(decided) for place, slot in enumerate(slots) if slot["features"].get("schema") == fingerprint
    ]
    rows = np.array([SCHEMA.unpack(decided[number][place]["features"]) for number, place in at], dtype=np.float32)
    return at, rows.reshape(len(at), len(SCHEMA.features))
