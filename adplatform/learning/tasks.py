"""Training on a worker. The beat schedules stand with the rooms, beside the recipe they train."""

from __future__ import annotations

from typing import Any

import structlog

from adplatform.celery import app

from . import training

log = structlog.get_logger(__name__)

SOFT_LIMIT_SECONDS, LIMIT_SECONDS = 1500, 1800


@app.task(name="adplatform.train_model", soft_time_limit=SOFT_LIMIT_SECONDS, time_limit=LIMIT_SECONDS)
def train_model(kind: str, estimator: str | None = None, *, update: bool = False) -> dict[str, Any]:
    """What ``manage.py train`` runs. Delivered twice, the second one finds the lock taken and leaves it to the first."""
    try:
        return training.train(kind, estimator=estimator, update=update).as_json()
    except training.AlreadyTraining as busy:
        log.info("training skipped", kind=kind, reason=str(busy))
        return {"kind": kind, "status": "busy", "verdict": str(busy)}
