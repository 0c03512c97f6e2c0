"""Training runs: asked for once, done once, gone on with after their worker died, and never a promotion too many."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from adplatform.learning import checkpoints, estimators, gates, registry, runs, tasks, training
from adplatform.learning.schema import Feature, FeatureSchema
from adplatform.models import ModelVersion, TrainingRun

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
SCHEMA = FeatureSchema("runs", 1, (Feature("a", "t"), Feature("b", "t")), prior="b")


def make_rows(as_of: datetime) -> training.Dataset:
    rng = np.random.default_rng(5)
    features = rng.random((1200, 2)).astype(np.float32)
    labels = (rng.random(1200) < features[:, 0]).astype(np.float64)
    at = as_of.timestamp() - 86_400 + np.arange(1200.0) * 60
    return training.Dataset(
        features, labels, at, session=np.repeat(np.arange(400), 3).astype(np.str_), synthetic=np.ones(1200, dtype=bool),
        groups={"device": np.array(["tv", "mobile"] * 600, dtype=object)},
    )  # fmt: skip


RECIPE = training.Recipe("runs", estimators.CLASSIFICATION, SCHEMA, "random_forest", make_rows, least_rows=100, label_seconds=60.0)


@pytest.fixture(autouse=True)
def recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {**estimators.find("random_forest", RECIPE.task).parameters, "n_estimators": 5}
    monkeypatch.setitem(estimators.ESTIMATORS["random_forest"], RECIPE.task, replace(estimators.find("random_forest", RECIPE.task), parameters=small))
    monkeypatch.setitem(training.recipes._recipes, "runs", RECIPE)


@pytest.fixture
def nobody_works(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The queue takes runs and nobody executes them."""
    sent: list[int] = []
    monkeypatch.setattr(tasks.execute_run, "delay", sent.append)
    return sent


def ask(key: str | None = None, **how: Any) -> TrainingRun:
    return runs.run_request(kind="runs", key=key, now=AS_OF, **how)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_asked_for_trains_and_tells_what_it_made() -> None:
    run = ask()
    run.refresh_from_db()
    assert (run.state, run.percent, run.attempts) == ("done", 100, 1)
    assert run.version is not None
    assert run.version.alias == "champion"
    assert run.words == run.version.verdict
    assert {"rows", "fitted"} <= run.checkpoint.keys()
    assert not any((Path(settings.MODELS_DIR) / run.checkpoint[name]["path"]).exists() for name in ("rows", "fitted"))


@pytest.mark.django_db(transaction=True)
def test_asked_for_under_the_same_key_it_is_the_same_run() -> None:
    key = runs.nightly_key("runs", "random_forest", AS_OF)
    assert ask(key).pk == ask(key).pk
    assert ModelVersion.objects.filter(kind="runs").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "estimator", "words"), [("weather", None, "no model of kind"), ("runs", "oracle", "no estimator 'oracle'")])
def test_what_cannot_be_trained_is_refused_before_it_waits(kind: str, estimator: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        runs.run_request(kind=kind, estimator=estimator, now=AS_OF)
    assert not TrainingRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_delivery_that_comes_twice_changes_nothing() -> None:
    run = ask()
    first = tasks.execute_run(run.pk)
    assert tasks.execute_run(run.pk) == first
    assert first["number"] == 1
    assert TrainingRun.objects.get().attempts == 1
    assert ModelVersion.objects.filter(kind="runs").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_one_trains_and_the_other_says_busy(nobody_works: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    run, other = ask(), ask()
    fitting, go_on = threading.Event(), threading.Event()
    fit = estimators.fit

    def slow(*arguments: Any) -> estimators.Fitted:
        fitting.set()
        go_on.wait(20)
        return fit(*arguments)

    monkeypatch.setattr(estimators, "fit", slow)
    answers: list[dict[str, Any]] = []

    def work() -> None:
        try:
            answers.append(tasks.execute_run(run.pk))
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    assert fitting.wait(20)
    busy = [tasks.execute_run(run.pk), tasks.execute_run(other.pk)]
    assert [answer["status"] for answer in busy] == ["busy", "busy"]
    assert runs.waiting(timezone.now()) == []
    go_on.set()
    worker.join()
    assert answers[0]["number"] == 1
    other.refresh_from_db()
    assert (other.state, other.attempts) == ("queued", 0)
    assert nobody_works[-1] == other.pk  # the next in line is handed out when the first is done


@pytest.mark.django_db(transaction=True)
def test_what_fails_is_told_in_words_and_promotes_nothing(monkeypatch: pytest.MonkeyPatch, nobody_works: list[int]) -> None:
    for error, words in ((ValueError("no such column"), "no such column"), (SoftTimeLimitExceeded(), "longer than a training may")):

        def broken(*arguments: Any, error: Exception = error) -> estimators.Fitted:
            raise error

        monkeypatch.setattr(estimators, "fit", broken)
        run = ask()
        with pytest.raises(type(error)):
            tasks.execute_run(run.pk)
        run.refresh_from_db()
        assert run.state == "failed"
        assert words in run.words
        assert run.version is not None
        assert run.version.status == "failed"
    assert registry.champion_row("runs") is None
    assert runs.waiting(timezone.now()) == []


@pytest.mark.django_db(transaction=True)
def test_too_little_data_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(training.recipes._recipes, "runs", replace(RECIPE, least_rows=10_000))
    run = ask()
    run.refresh_from_db()
    assert run.state == "done"
    assert "not enough data: 1,200 rows in the log, at least 10,000 are needed" in run.words


@pytest.mark.django_db(transaction=True)
def test_a_run_that_takes_its_worker_down_each_time_ends(nobody_works: list[int]) -> None:
    run = ask()
    TrainingRun.objects.filter(pk=run.pk).update(state="running", attempts=runs.MOST_ATTEMPTS, heartbeat_at=timezone.now() - timedelta(hours=1))
    assert tasks.resume_runs() == 1
    report = runs.run_execute(run)
    assert report.status == "failed"
    assert "its worker died 3 times" in TrainingRun.objects.get().words


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_run_stops(nobody_works: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    run = ask()
    fit = estimators.fit

    def taken_over(*arguments: Any) -> estimators.Fitted:
        TrainingRun.objects.filter(pk=run.pk).update(attempts=2)
        return fit(*arguments)

    monkeypatch.setattr(estimators, "fit", taken_over)
    with pytest.raises(runs.RunLost):
        runs.run_execute(run)
    assert registry.champion_row("runs") is None
    assert TrainingRun.objects.get().state == "running"


# A worker that dies

WORKER = """
import sys, time
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from adplatform.learning import gates, runs, training
from adplatform.models import TrainingRun
from tests.adplatform.learning import test_runs
training.register_recipe(test_runs.RECIPE)
def die_here(*arguments, **named):
    print("here", flush=True)
    time.sleep(60)
if sys.argv[2] == "judging":
    gates.parity = die_here
else:
    runs._finish = die_here
runs.run_execute(TrainingRun.objects.get())
"""


@pytest.fixture
def killed(nobody_works: list[int], request: pytest.FixtureRequest) -> Iterator[TrainingRun]:
    """A run whose worker, a process of its own, was killed at a given point of it."""
    run = ask()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", WORKER, connection.settings_dict["NAME"], request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=settings.BASE_DIR) as worker:
        assert worker.stdout is not None
        assert any(line == "here\n" for line in worker.stdout if "{" not in line)
        with pytest.raises(training.AlreadyTraining):
            runs.run_execute(run)
        worker.send_signal(signal.SIGKILL)
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    yield run
    checkpoints.KeptCheckpoint(TrainingRun.objects.get(pk=run.pk)).clear()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("killed", ["judging", "promoted"], indirect=True)
def test_a_run_goes_on_where_its_worker_was_killed(killed: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*arguments: Any) -> Any:
        raise AssertionError("rows and model were kept")

    monkeypatch.setitem(training.recipes._recipes, "runs", replace(RECIPE, load=again))
    monkeypatch.setitem(estimators.ESTIMATORS["random_forest"], RECIPE.task, replace(estimators.find("random_forest", RECIPE.task), fit=again))
    assert [run.pk for run in runs.waiting(timezone.now())] == [killed.pk]
    assert runs.run_execute(killed).status == "promoted"
    killed.refresh_from_db()
    version = ModelVersion.objects.get(kind="runs")
    assert (killed.state, killed.attempts, killed.version, version.alias) == ("done", 2, version, "champion")
    assert version.trained_at == killed.as_of == AS_OF
    assert {gate["name"]: gate["verdict"] for gate in version.gates}["parity"] == "pass"


@pytest.mark.django_db(transaction=True)
def test_a_damaged_checkpoint_is_made_again(nobody_works: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def shut_down(*arguments: Any, **named: Any) -> gates.Gate:
        raise SystemExit

    run = ask()
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(gates, "parity", shut_down)
        runs.run_execute(run)
    run.refresh_from_db()
    assert run.state == "running"
    for name in ("rows", "fitted"):
        (Path(settings.MODELS_DIR) / run.checkpoint[name]["path"]).write_bytes(b"damaged")
    assert runs.run_execute(run).status == "promoted"


def test_rows_are_kept_as_they_were() -> None:
    rows = make_rows(AS_OF)
    again = checkpoints.unpacked(checkpoints.packed(rows))
    for name in ("features", "labels", "at", "session", "synthetic"):
        assert np.array_equal(getattr(again, name), getattr(rows, name))
    assert again.groups["device"].tolist() == rows.groups["device"].tolist()
    assert (again.keys, again.served) == (None, None)
    assert checkpoints.packed(again) == checkpoints.packed(rows)


# In the admin


@pytest.mark.django_db
def test_the_list_of_runs_shows_how_far_each_is(admin_client: Client, nobody_works: list[int]) -> None:
    run = ask(actor=User.objects.get())
    TrainingRun.objects.filter(pk=run.pk).update(state="running", percent=60, words="storing the artifact", heartbeat_at=timezone.now())
    page = admin_client.get(reverse("admin:adplatform_trainingrun_changelist")).text
    assert '<progress value="60" max="100"' in page
    assert "storing the artifact" in page
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert "waits for another worker" in admin_client.get(reverse("admin:adplatform_trainingrun_change", args=[run.pk])).text
