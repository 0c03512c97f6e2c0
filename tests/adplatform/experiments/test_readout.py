"""A look at an experiment: figures kept once, plain words, and an end by itself where it does harm or cannot be trusted."""

from __future__ import annotations

import threading
from datetime import timedelta

import numpy as np
import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import connection

from adplatform.audit import SYSTEM, system_actor
from adplatform.experiments import metrics
from adplatform.experiments.metrics import Metric, Units
from adplatform.experiments.readout import SAMPLE_RATIO, NotReadable, Readout, experiment_read
from adplatform.experiments.services import experiment_start
from adplatform.models import Experiment, ExperimentReading
from tests.adplatform.experiments.units import HALVES, NOW, START, expose, running

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _made_up_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric whose units are drawn: control 1.0 on average, the other arm as the experiment's description says."""

    def load(experiment: Experiment, *_: object) -> Units:
        rng = np.random.default_rng(3)
        arm = np.repeat(np.array([0, 1], dtype=np.int8), 4_000)
        ones = np.ones(8_000)
        factor = np.where(arm == 1, float(experiment.description or 1), 1.0)
        return Units(arm, ones.astype(np.int64), rng.gamma(4, 0.25, 8_000) * factor, ones, np.full(8_000, np.nan))

    monkeypatch.setattr(metrics, "_registered", dict(metrics.registered()))
    metrics.register(Metric("joy", "Joy", "smiles per session", "higher", load))
    metrics.register(Metric("pain", "Pain", "tears per session", "lower", load))


def rows(readout: Readout) -> dict[str, ExperimentReading]:
    return {row.metric: row for row in readout.rows}


def test_a_look_keeps_figures_and_says_in_words_what_they_mean() -> None:
    experiment = running(metric="joy", metrics=["pain"], description="1.2")
    expose(experiment, ["control", "bolder"] * 10)
    found = rows(experiment_read(experiment=experiment, now=NOW))
    joy, pain = found["joy"], found["pain"]
    assert joy.words.startswith("better by ")
    assert pain.words.startswith("worse by ")
    assert joy.effect is not None
    assert joy.low is not None
    assert 0 < joy.low < joy.effect
    assert joy.units == joy.control_units == 4_000
    assert found[SAMPLE_RATIO].units == 20
    experiment.refresh_from_db()
    assert experiment.verdict == f"bolder: {joy.words}"
    assert experiment.state == "running"


def test_arms_that_do_the_same_are_said_to_or_are_waited_for() -> None:
    experiment = running(metric="joy")
    words = rows(experiment_read(experiment=experiment, now=NOW))["joy"].words
    assert words.startswith("not yet: it lies between ")
    assert "if it stays as it is" in words


def test_two_looks_in_the_same_minute_are_one() -> None:
    experiment = running(metric="joy")
    for seconds in (0, 20, 40, 70):
        experiment_read(experiment=experiment, now=NOW + timedelta(seconds=seconds))
    assert ExperimentReading.objects.filter(metric="joy").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_second_worker_at_the_same_moment_leaves_the_look_to_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = running(metric="joy")
    refused: list[str] = []

    def second() -> None:
        try:
            experiment_read(experiment=experiment, now=NOW)
        except NotReadable as busy:
            refused.append(str(busy))
        finally:
            connection.close()

    def meanwhile(*_: object) -> str:
        worker = threading.Thread(target=second)
        worker.start()
        worker.join()
        return ""

    monkeypatch.setattr(metrics, "_interference", [meanwhile])
    experiment_read(experiment=experiment, now=NOW)
    assert refused == ["pacing is being read at this moment; its figures follow in a few seconds"]
    assert ExperimentReading.objects.filter(metric="joy").count() == 1


def test_arms_of_the_wrong_size_stop_it_and_its_figures_are_not_shown() -> None:
    experiment = running(metric="joy", description="1.5")
    expose(experiment, ["control"] * 300 + ["bolder"] * 100)
    readout = experiment_read(experiment=experiment, now=NOW)
    joy = rows(readout)["joy"]
    assert readout.stopped
    assert (joy.effect, joy.mean, joy.verdict) == (None, None, "mismatch")
    experiment.refresh_from_db()
    assert experiment.state == "stopped"
    assert experiment.stopped_at == NOW
    assert "control 300 (expected 200)" in experiment.alarm
    assert "must not be read" in experiment.verdict
    entry = LogEntry.objects.get()
    assert entry.user.get_username() == SYSTEM
    assert "stopped by itself" in entry.change_message
    assert not experiment_read(experiment=experiment, now=NOW + timedelta(hours=1)).stopped


def test_a_mismatch_once_found_stays_found_when_chance_fills_the_arm_up() -> None:
    experiment = running(metric="joy")
    expose(experiment, ["control"] * 300 + ["bolder"] * 100)
    experiment_read(experiment=experiment, now=NOW)
    expose(experiment, ["bolder"] * 200, first=1_000)
    assert rows(experiment_read(experiment=experiment, now=NOW + timedelta(hours=1)))["joy"].verdict == "mismatch"


def test_a_guardrail_that_is_surely_broken_stops_it_and_says_by_how_much() -> None:
    experiment = running(metric="pain", guardrails=[{"metric": "joy", "worst": 0.05}], description="0.7")
    readout = experiment_read(experiment=experiment, now=NOW)
    assert readout.stopped
    assert "bolder: Joy is 29.9 % lower" in readout.experiment.alarm
    assert "at most 5.0 % was allowed" in readout.experiment.alarm
    assert rows(readout)["joy"].verdict == "breach"
    assert rows(readout)["pain"].verdict == "better"


def test_a_guardrail_that_may_hold_stops_nothing_and_says_how_near_it_is() -> None:
    experiment = running(metric="pain", guardrails=[{"metric": "joy", "worst": 0.05}], description="0.97")
    readout = experiment_read(experiment=experiment, now=NOW)
    assert not readout.stopped
    guard = rows(readout)["joy"].figures["guard"]
    assert guard["worst"] == 0.05
    assert -guard["worst"] < guard["change"] < guard["best"]


def test_what_cannot_be_read_is_refused_in_words() -> None:
    with pytest.raises(NotReadable, match="has not started"):
        experiment_read(experiment=Experiment.objects.create(key="draft", arms=HALVES), now=NOW)


def test_a_metric_that_cannot_be_read_keeps_no_guardrail_from_stopping() -> None:
    def slow(*_: object) -> Units:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 20")
            cursor.execute("SELECT pg_sleep(5)")
        raise AssertionError

    metrics.register(Metric("slow", "Slow", "of the sessions", "higher", slow))
    experiment = running(metric="slow", metrics=["glee"], guardrails=[{"metric": "joy", "worst": 0.05}], description="0.7")
    readout = experiment_read(experiment=experiment, now=NOW)
    assert readout.stopped
    assert rows(readout)["slow"].words == "not read: it took longer than 120 s; read it at a quieter time, or over fewer days"
    assert rows(readout)["glee"].words.startswith("not read: there is no metric 'glee'; there are ad_completion")
    assert rows(readout)["joy"].verdict == "breach"


def test_an_experiment_without_exposures_waits() -> None:
    experiment = running(metric="click_rate", metrics=["revenue_per_session", "rating"])
    for row in experiment_read(experiment=experiment, now=NOW).rows[1:]:
        assert row.words == "not enough evidence yet: this arm has 0 of at least 100 units; the control has 0 of at least 100 units"
        assert (row.verdict, row.figures["enough"], row.figures["clear_after"]) == ("not_yet", 0.0, None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"metric": ""}, "Name the metric"), ({"metric": "glee"}, "there is no metric"), ({"metrics": "joy"}, "list of names"),
        ({"metrics": ["glee"]}, "there is no metric"), ({"guardrails": [{"metric": "glee", "worst": 0.1}]}, "there is no metric"),
        ({"guardrails": {"joy": 0.1}}, "guardrails must be"), ({"alpha": 0}, "false alarm"), ({"arms": HALVES[:1]}, "at least one other arm"),
    ],
)  # fmt: skip
def test_an_experiment_that_could_not_be_read_does_not_start(fields: dict[str, object], words: str) -> None:
    experiment = Experiment.objects.create(**{"key": "wrong", "arms": HALVES, "metric": "joy", **fields})
    with pytest.raises(ValidationError, match=words):
        experiment_start(actor=system_actor(), experiment=experiment, now=START)
