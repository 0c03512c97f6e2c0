"""The click model learns from decisions as served and from what followed, and nothing is promoted without proof."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from adplatform.learning import registry, training
from adplatform.models import ModelVersion
from ads.ctr import features, scorer

from .test_scorer import REQUEST, make_candidates
from .world import write_log

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=60)
SMALL = {"n_estimators": 20, "max_depth": 6, "min_samples_leaf": 20}


@pytest.fixture(scope="module")
def learned(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """One log for the whole module: writing it is the slow part."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        write_log(decisions=3000, until=NOW - timedelta(hours=1))
        yield
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE ads_decision, ads_adevent")


pytestmark = pytest.mark.django_db


def test_the_first_model_is_promoted_as_bootstrap_and_scores_the_next_request(learned: None) -> None:
    report = training.train("ctr", as_of=NOW, parameters=SMALL)
    assert report.status == "promoted", report.verdict
    assert "bootstrap" in report.verdict
    assert report.metrics["auc"]["ci_low"] > 0.6
    assert report.metrics["log_loss"]["value"] < report.metrics["log_loss"]["baseline"]
    assert {gate["name"]: gate["verdict"] for gate in report.gates}["parity"] == "pass"
    version = ModelVersion.objects.get(kind="ctr")
    assert (version.alias, version.train_rows + version.test_rows > 4000, version.synthetic_share) == ("champion", True, 1.0)
    registry.forget_loaded()
    assert scorer.score(REQUEST, make_candidates(3)).model_version == 1


def test_a_completion_model_is_trained_on_the_same_rows_and_scores_the_next_request(learned: None) -> None:
    report = training.train("completion", as_of=NOW)
    assert (report.status, report.estimator) == ("promoted", "hashed_logistic"), report.verdict
    assert report.metrics["log_loss"]["ci_high"] < report.metrics["log_loss"]["baseline"]
    quality = next(gate for gate in report.gates if gate["name"] == "quality")
    assert "the smoothed rates" in quality["words"]
    assert quality["figures"]["difference"] < 0
    registry.forget_loaded()
    scores = scorer.score(REQUEST, make_candidates(3))
    assert (scores.completion_version, scores.model_version) == (1, None)


def test_where_the_true_probabilities_are_known_their_figures_stand_as_the_ceiling(learned: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert training.train("ctr", as_of=NOW, estimator="prior").metrics["log_loss"]["ceiling"] is None
    monkeypatch.setitem(training.recipes._truths, "ctr", lambda keys: np.full(len(keys), 0.1))
    assert training.train("ctr", as_of=NOW, estimator="prior").metrics["log_loss"]["ceiling"] > 0


@pytest.mark.parametrize("known", [0.9, 0.5])
def test_a_ceiling_stands_where_most_of_the_true_probabilities_are_known(learned: None, monkeypatch: pytest.MonkeyPatch, known: float) -> None:
    """Live viewers and traffic that lies have none."""
    monkeypatch.setitem(training.recipes._truths, "ctr", lambda keys: np.where(np.arange(len(keys)) < known * len(keys), 0.1, np.nan))
    report = training.train("ctr", as_of=NOW, estimator="prior")
    assert (report.metrics["log_loss"]["ceiling"] is not None) == (known > 0.8)


def test_the_same_log_gives_the_same_artifact(learned: None) -> None:
    for _ in range(2):
        training.train("ctr", as_of=NOW, parameters=SMALL)
    assert len(set(ModelVersion.objects.values_list("artifact_sha256", flat=True))) == 1


def test_a_model_of_shuffled_labels_is_refused_and_the_champion_stays(learned: None) -> None:
    training.train("ctr", as_of=NOW, parameters=SMALL)
    recipe = training.recipe_for("ctr")

    def shuffled(as_of: datetime) -> training.Dataset:
        rows = recipe.load(as_of)
        train_part = rows.at < np.quantile(rows.at, 0.8)
        labels = rows.labels.copy()
        labels[train_part] = np.random.default_rng(1).permutation(labels[train_part])
        return training.Dataset(rows.features, labels, rows.at, rows.session, rows.synthetic)

    report = train_with(recipe, shuffled)
    assert report.status == "refused"
    assert "quality" in report.verdict
    champion = registry.champion_row("ctr")
    assert champion is not None
    assert champion.number == 1


def test_a_model_that_predicts_many_times_too_much_is_refused(learned: None) -> None:
    recipe = training.recipe_for("ctr")

    def overcounted(as_of: datetime) -> training.Dataset:
        rows = recipe.load(as_of)
        earlier, times = rows.at < np.quantile(rows.at, 0.8), np.random.default_rng(1).random(len(rows))
        return dataclasses.replace(rows, labels=np.where(earlier & (times < 6 * rows.labels.mean()), 1.0, rows.labels))

    report = train_with(recipe, overcounted)
    assert report.status == "refused"
    assert "predicts too much" in report.verdict
    assert registry.champion_row("ctr") is None


def test_a_leaked_label_is_found(learned: None) -> None:
    recipe = training.recipe_for("ctr")

    def leaking(as_of: datetime) -> training.Dataset:
        rows = recipe.load(as_of)
        rows.features[:, features.SCHEMA.index["intensity"]] = rows.labels
        return rows

    report = train_with(recipe, leaking)
    assert report.status == "refused"
    assert "intensity alone tells the outcome" in report.verdict


def test_too_little_data_is_said_once_and_promotes_nothing() -> None:
    for _ in range(2):
        report = training.train("ctr", as_of=LONG_AGO)
        assert (report.status, report.number) == ("refused", 1)
    assert "0 rows in the log, at least 500 are needed" in ModelVersion.objects.get().verdict


def test_an_error_while_training_marks_the_version_failed(learned: None) -> None:
    with pytest.raises(ValueError, match="n_estimators"):
        training.train("ctr", as_of=NOW, parameters={"n_estimators": -1})
    version = ModelVersion.objects.get()
    assert (version.status, version.alias) == ("failed", "")
    assert "n_estimators" in version.verdict


def test_two_runs_at_once_are_one_too_many() -> None:
    with training.one_at_a_time("ctr"), pytest.raises(training.AlreadyTraining), training.one_at_a_time("ctr"):
        pass
    with training.one_at_a_time("ctr"):
        pass


def test_the_command_prints_figures_gates_and_verdict(learned: None) -> None:
    out = io.StringIO()
    call_command("train", "ctr", "--estimator", "prior", "--as-of", NOW.isoformat(), stdout=out)
    text = out.getvalue()
    for words in ("100 %", "normalised entropy", "calibration", "not enough evidence", "latency"):
        assert words in text


def test_the_command_answers_in_json(learned: None) -> None:
    out = io.StringIO()
    call_command("train", "ctr", "--estimator", "prior", "--as-of", NOW.isoformat(), "--json", stdout=out)
    assert json.loads(out.getvalue())["kind"] == "ctr"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ctr", "--estimator", "oracle"], "choose one of: deep, gradient_boosting, hashed_logistic"),
        (["weather"], "choose one of: churn, completion, ctr, director, engagement, leave"),
        (["ctr"], "not enough data"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("train", *arguments, "--as-of", LONG_AGO.isoformat(), stdout=io.StringIO())


def test_the_artifact_lies_under_its_hash(learned: None) -> None:
    training.train("ctr", as_of=NOW, estimator="prior")
    version = ModelVersion.objects.get()
    assert version.artifact_sha256 in version.artifact
    assert (Path(settings.MODELS_DIR) / version.artifact).exists()


def train_with(recipe: training.Recipe, load: object) -> training.Report:
    """A run of ``recipe`` on other rows; the recipe is put back."""
    training.register_recipe(dataclasses.replace(recipe, load=load))  # type: ignore[arg-type]
    try:
        return training.train("ctr", as_of=NOW, parameters=SMALL)
    finally:
        training.register_recipe(recipe)
