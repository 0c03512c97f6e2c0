"""Training on a worker. The beat schedules of the kinds stand with the rooms, beside the recipe they train."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.utils import timezone

from adplatform.celery import app, schedule
from adplatform.models import TrainingRun

from . import runs, stages, training

log = structlog.get_logger(__name__)

SOFT_LIMIT_SECONDS, LIMIT_SECONDS = 1500, 1800


# A worker that dies hands the task back to the queue at once; `runs.MOST_ATTEMPTS` ends that.
@app.task(name="adplatform.execute_run", soft_time_limit=SOFT_LIMIT_SECONDS, time_limit=LIMIT_SECONDS, reject_on_worker_lost=True)
def execute_run(run_id: int) -> dict[str, Any]:
    """Delivered twice, the second one finds the kind's lock taken, or the run done, and leaves it there."""
    run = TrainingRun.objects.get(pk=run_id)
    try:
        report = runs.run_execute(run)
    except training.AlreadyTraining as busy:
        log.info("training run waits", run=run.key, reason=str(busy))
        return {"run": run.key, "status": runs.BUSY, "verdict": str(busy)}
    for following in runs.waiting(timezone.now()):
        runs.send(following)
    return report.as_json()


@app.task(name="adplatform.resume_runs")
def resume_runs() -> int:
    """Each minute: runs that lost their worker, or that nobody has begun, are handed out again; returns how many."""
    found = runs.waiting(timezone.now())
    for run in found:
        runs.send(run)
    return len(found)


def request_nightly(kind: str, estimators: Sequence[str] = ()) -> list[str]:
    """Ask for tonight's run of each estimator (the kind's own without any); returns their keys. They follow one another, each judged
    against the champion that the one before left."""
    now = timezone.now()
    names = estimators or [training.recipe_for(kind).default_estimator]
    keys = {name: runs.nightly_key(kind, name, now) for name in names}
    return [runs.run_request(kind=kind, estimator=name, key=key, reason="Nightly", now=now).key for name, key in keys.items()]


@app.task(name="adplatform.advance_rollouts")
def advance_rollouts() -> dict[str, str]:
    """Every three minutes: what each challenger has shown, and what follows."""
    return stages.advance_all(now=timezone.now())


schedule("adplatform.resume_runs", timedelta(minutes=1))
schedule("adplatform.advance_rollouts", timedelta(minutes=3))
