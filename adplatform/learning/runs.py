"""Training runs: asked for under a key, executed by whichever worker comes first, gone on with when that worker dies.

A kind's training lock belongs to whoever executes a run of it and ends with that process, so a run that says it is running
while the lock is free has lost its worker. It goes on with the rows as of the same time, from what its checkpoint kept.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import redis
import structlog
from celery.exceptions import OperationalError, SoftTimeLimitExceeded
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from adplatform.models import ModelVersion, TrainingRun

from . import engines, estimators, training
from .checkpoints import KeptCheckpoint
from .training.run import Progress

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 10.0
# Without a sign of life for so long, a run is taken up again.
DEAD_AFTER = timedelta(seconds=90)
# A run that takes its worker down each time (out of memory, for example) must not do so for ever.
MOST_ATTEMPTS = 3
BUSY = "busy"
State, Status = TrainingRun.State, ModelVersion.Status


class RunLost(RuntimeError):
    """Another worker has taken this run over; what this one goes on to do no longer counts."""


def nightly_key(kind: str, estimator: str, now: datetime) -> str:
    """Asked for twice in one night, by two beats for example, it is one run."""
    return f"nightly/{kind}/{estimator}/{now:%Y-%m-%d}"


@transaction.atomic
def run_request(
    *,
    kind: str,
    estimator: str | None = None,
    engine: str = engines.LOCAL,
    scheduler: str = "",
    update: bool = False,
    key: str | None = None,
    reason: str = "On demand",
    actor: AbstractBaseUser | None = None,
    as_of: datetime | None = None,
    queue: bool = True,
    now: datetime,
) -> TrainingRun:
    """Ask for a training as of ``now`` (or ``as_of``); under a ``key`` that was asked for before it is the same run. An ``update``
    learns on from the version that can, see `training.train`. The ``engine`` dask trains on the cluster at ``scheduler``.

    ``queue=False`` leaves it to the caller to execute it. Raises UnknownKind, UnknownEstimator, EngineUnavailable.
    """
    recipe = training.recipe_for(kind)
    name = estimator or _usual(recipe, engine, update=update)
    estimators.find(name, recipe.task)
    engines.check(engine, name)
    run, is_new = TrainingRun.objects.get_or_create(
        key=key or f"{'update' if update else 'asked'}/{kind}/{name}/{uuid.uuid4()}",
        defaults={
            "kind": kind,
            "estimator": name,
            "engine": engine,
            "as_of": as_of or now,
            "reason": reason,
            "asked_by_id": actor.pk if actor is not None else None,
            "words": "Waits for a worker",
            "checkpoint": ({"update": True} if update else {}) | ({"scheduler": scheduler} if scheduler else {}),
        },
    )
    if is_new and queue:
        transaction.on_commit(lambda: send(run))
    return run


def _usual(recipe: training.Recipe, engine: str, *, update: bool) -> str:
    if engine == engines.DASK:
        return engines.CLUSTERED
    return engines.LEARNS_ON if update and recipe.task == estimators.CLASSIFICATION else recipe.default_estimator


def run_execute(run: TrainingRun, *, progress: Progress | None = None) -> training.Report:
    """Do what is left of a run. Safe to call for the same run from several workers: one does it.

    Raises AlreadyTraining when another training of the kind is going on: the run stays where it is. Whatever else is raised has
    left the run ``failed``, in words.
    """
    with training.one_at_a_time(run.kind):
        if not _claimed(run):
            return report_of(run)
        with _failing_in_words(run), _heartbeat(run):
            report = _trained(run, progress)
            _finish(run, State.DONE, report.verdict, version=report.number)
    return report


def run_give_up(run: TrainingRun, *, reason: str) -> None:
    """Nobody waits for it any more: a run that has not begun never will."""
    TrainingRun.objects.filter(pk=run.pk, state=State.QUEUED).update(state=State.FAILED, words=f"Not begun: {reason}", finished_at=timezone.now())


def _claimed(run: TrainingRun) -> bool:
    """Under the lock of its kind nobody else executes it, whatever its row says."""
    now = timezone.now()
    taken = TrainingRun.objects.filter(pk=run.pk, state__in=[State.QUEUED, State.RUNNING]).update(
        state=State.RUNNING, attempts=F("attempts") + 1, started_at=Coalesce("started_at", now), heartbeat_at=now
    )
    run.refresh_from_db()
    if taken and run.attempts > MOST_ATTEMPTS:
        _finish(
            run,
            State.FAILED,
            f"Failed: its worker died {MOST_ATTEMPTS} times on the way; look at the workers' memory and time limits. Nothing was promoted.",
        )
        return False
    return bool(taken)


def _trained(run: TrainingRun, progress: Progress | None) -> training.Report:
    finished = _version_of(run)
    if finished is not None:
        # Its worker died between the version and the word that the run is done.
        return _told(run, finished)

    def say(percent: int, words: str) -> None:
        _report_progress(run, percent, words)
        if progress is not None:
            progress(percent, words)

    engine = engines.Engine(run.engine, run.checkpoint.get("scheduler", ""))
    return training.train_under_lock(
        run.kind, estimator=run.estimator, as_of=run.as_of, progress=say, checkpoint=KeptCheckpoint(run),
        update=run.checkpoint.get("update", False), engine=engine,
    )  # fmt: skip


def _report_progress(run: TrainingRun, percent: int, words: str) -> None:
    mine = TrainingRun.objects.filter(pk=run.pk, state=State.RUNNING, attempts=run.attempts)
    if not mine.update(percent=percent, words=words, heartbeat_at=timezone.now()):
        raise RunLost(f"{run} was taken over by another worker")


@contextmanager
def _failing_in_words(run: TrainingRun) -> Iterator[None]:
    """What ends the process itself (a shutdown, a lost run) leaves the run to the next worker."""
    try:
        yield
    except SoftTimeLimitExceeded:
        _finish(run, State.FAILED, "Failed: it took longer than a training may. Nothing was promoted; train on fewer days or a faster estimator.")
        raise
    except RunLost:
        raise
    except KeyboardInterrupt:
        _finish(run, State.FAILED, "Failed: stopped by hand. Nothing was promoted.")
        raise
    except Exception as error:
        _finish(run, State.FAILED, f"Failed: {type(error).__name__}: {error}. Nothing was promoted.")
        raise


def _finish(run: TrainingRun, state: str, words: str, *, version: int | None = None) -> None:
    made = ModelVersion.objects.filter(kind=run.kind, number=version or run.checkpoint.get("version")).first()
    KeptCheckpoint(run).clear()
    TrainingRun.objects.filter(pk=run.pk, state=State.RUNNING, attempts=run.attempts).update(
        state=state, percent=100 if state == State.DONE else F("percent"), words=words, version=made, finished_at=timezone.now()
    )
    run.refresh_from_db()


@contextmanager
def _heartbeat(run: TrainingRun) -> Iterator[None]:
    """Fitting takes minutes without a word; a thread of its own says that the process lives."""
    done = threading.Event()

    def beat() -> None:
        try:
            while not done.wait(HEARTBEAT_SECONDS):
                TrainingRun.objects.filter(pk=run.pk, state=State.RUNNING, attempts=run.attempts).update(heartbeat_at=timezone.now())
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{run.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


# Queue


def send(run: TrainingRun) -> None:
    """Hand a run to the workers. While the queue is away the run waits in its row, and `send_waiting` sends it later."""
    from .tasks import execute_run

    try:
        execute_run.delay(run.pk)
    except (OperationalError, redis.exceptions.RedisError) as error:
        log.warning("training run waits for the queue", run=run.key, error=str(error))


def waiting(now: datetime) -> list[TrainingRun]:
    """Of each kind the run to take up next: one that lost its worker, else the oldest that is queued. A kind that is being trained
    at this moment is left out."""
    unfinished = TrainingRun.objects.filter(state__in=[State.QUEUED, State.RUNNING]).order_by("created_at")
    alive = set(unfinished.filter(state=State.RUNNING, heartbeat_at__gt=now - DEAD_AFTER).values_list("kind", flat=True))
    first: dict[str, TrainingRun] = {}
    for run in unfinished.exclude(kind__in=alive).order_by("-state", "created_at"):
        first.setdefault(run.kind, run)
    return list(first.values())


# What a run came to


def _version_of(run: TrainingRun) -> ModelVersion | None:
    """The version an earlier attempt has finished, None when none did."""
    number = run.checkpoint.get("version")
    if number is None:
        return None
    return ModelVersion.objects.filter(kind=run.kind, number=number).exclude(artifact="").exclude(status=Status.FAILED).first()


def report_of(run: TrainingRun) -> training.Report:
    """What a run that is over came to."""
    if run.version is not None and run.state == State.DONE:
        return _told(run, run.version)
    return training.Report(run.kind, run.estimator, Status.REFUSED if run.state == State.DONE else Status.FAILED, run.words)


def _told(run: TrainingRun, version: ModelVersion) -> training.Report:
    dates: dict[str, Any] = {name: getattr(version, name).isoformat() if getattr(version, name) else None for name in ("data_from", "data_to")}
    return training.Report(
        run.kind, version.estimator, version.status, version.verdict, version.number, version.metrics, version.gates, version.train_rows,
        version.test_rows, **dates,
    )  # fmt: skip
