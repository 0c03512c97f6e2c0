"""The linear model goes on learning: each row once, judged by what was foretold of it, and nothing lost when it cannot."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from adplatform.learning import predictor, registry, training
from adplatform.models import ModelVersion
from ads.ctr import dataset, features

from .world import write_log

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)


@pytest.fixture(scope="module")
def learned(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """One log and one model for the whole module: making them is the slow part."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        write_log(decisions=2000, until=NOW - timedelta(hours=1))
        report = training.train("ctr", as_of=YESTERDAY, estimator="hashed_logistic")
        assert report.status == "promoted", report.verdict
        yield
        ModelVersion.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE ads_decision, ads_adevent")


pytestmark = pytest.mark.django_db


@pytest.fixture
def base(learned: None) -> ModelVersion:
    return ModelVersion.objects.get()


def test_an_update_learns_what_matured_since_and_is_promoted_by_the_same_gates(base: ModelVersion) -> None:
    report = training.train("ctr", as_of=NOW, update=True)
    assert report.status == "promoted", report.verdict
    assert {"data", "parity", "quality", "calibration", "latency"} <= {gate["name"] for gate in report.gates}
    updated = ModelVersion.objects.get(number=2)
    assert (updated.parent, updated.alias, updated.estimator) == (base, "champion", "hashed_logistic")
    rows = dataset.load(NOW)
    since = (rows.at >= base.parameters["trained_to"]) & (rows.at < updated.parameters["trained_to"])
    assert since.sum() == updated.test_rows > 500
    assert updated.artifact_sha256 != base.artifact_sha256
    # What it foretold before it learned is honest: the rows it has learned by now, it would predict better.
    loaded = registry.load_version(updated).predictor.predict(rows.features[since])
    honest = updated.metrics["log_loss"]["value"]
    assert -np.log(np.where(rows.labels[since] == 1, loaded, 1 - loaded)).mean() < honest


def test_no_row_is_learned_twice(base: ModelVersion) -> None:
    training.train("ctr", as_of=NOW, update=True)
    again = training.train("ctr", as_of=NOW, update=True)
    assert (again.status, again.number) == ("refused", None)
    assert again.verdict == "Not updated: no rows have matured since ctr v2 (hashed_logistic) learned its last: nothing to learn"
    assert ModelVersion.objects.count() == 2


def test_an_update_that_was_taken_back_is_not_made_again_of_the_same_rows(base: ModelVersion) -> None:
    training.train("ctr", as_of=NOW, update=True)
    registry.rollback("ctr")
    assert "the next try waits for" in training.train("ctr", as_of=NOW, update=True).verdict
    assert ModelVersion.objects.count() == 2


def test_the_same_rows_on_top_of_the_same_version_give_the_same_bytes(base: ModelVersion) -> None:
    for _ in range(2):
        training.train("ctr", as_of=NOW, update=True)
        made = ModelVersion.objects.exclude(pk=base.pk).order_by("-number")
        registry.rollback("ctr")
        made.update(parent=None, state_artifact="")
    assert made.values("artifact_sha256").distinct().count() == made.values("state_sha256").distinct().count() == 1
    assert made.count() == 2


def test_two_updates_come_to_nearly_what_one_comes_to(base: ModelVersion) -> None:
    training.train("ctr", as_of=NOW - timedelta(hours=12), update=True)
    training.train("ctr", as_of=NOW, update=True)
    first, second = ModelVersion.objects.order_by("number")[1:]
    assert second.parent == first
    rows = dataset.load(NOW)
    learned = (rows.at >= base.parameters["trained_to"]) & (rows.at < second.parameters["trained_to"])
    assert first.test_rows + second.test_rows == learned.sum()


def test_a_damaged_state_is_told_and_costs_nothing(base: ModelVersion) -> None:
    path = Path(settings.MODELS_DIR) / base.state_artifact
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        report = training.train("ctr", as_of=NOW, update=True)
    finally:
        path.write_bytes(whole)
    assert report.verdict.startswith("Not updated: the artifact of the learner of ctr v1 (hashed_logistic) changed")
    assert report.verdict.endswith("train afresh")
    assert ModelVersion.objects.get().alias == "champion"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parameters": {"schema_fingerprint": "other", "trained_to": 0}}, "another feature schema"),
        ({"state_artifact": ""}, "manage.py train ctr --estimator hashed_logistic"),
        ({"state_artifact": "gone.state"}, "cannot be read"),
    ],
)
def test_what_an_update_cannot_go_on_from_is_said_in_words(base: ModelVersion, change: dict[str, object], words: str) -> None:
    ModelVersion.objects.update(**change)
    with pytest.raises(CommandError, match=words):
        call_command("train", "ctr", "--update", "--as-of", NOW.isoformat(), stdout=io.StringIO())
    assert ModelVersion.objects.count() == 1


def test_an_update_waits_while_a_challenger_is_on_trial(base: ModelVersion) -> None:
    registry.register(kind="ctr", estimator="prior", alias="challenger")
    assert "on trial as challenger" in training.train("ctr", as_of=NOW, update=True).verdict


def test_where_another_kind_of_model_serves_the_newest_that_learns_on_is_updated_and_compared_with_it(base: ModelVersion) -> None:
    path, digest = registry.store_artifact(predictor.ColumnPredictor(None, 0.08).to_bytes(), predictor.PLAIN)
    kept = {"schema_fingerprint": features.SCHEMA.fingerprint()}
    registry.promote(registry.register(kind="ctr", estimator="prior", artifact=path, artifact_sha256=digest, parameters=kept))
    report = training.train("ctr", as_of=NOW, update=True)
    assert (report.number, report.estimator) == (3, "hashed_logistic")
    assert ModelVersion.objects.get(number=3).parent == base
    assert "champion v2" in next(gate["words"] for gate in report.gates if gate["name"] == "quality")


def test_an_update_as_of_a_time_before_its_base_says_so(base: ModelVersion) -> None:
    words = training.train("ctr", as_of=NOW - timedelta(days=300), update=True).verdict
    assert "has learned the rows until" in words
    assert "there is nothing later" in words
