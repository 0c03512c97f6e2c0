"""Poisoned candidates: each is refused by the gate that is there for it, in words that say why, and serving never blinks.

A poison is an estimator behind a registry line, or rows that a recipe loads. All the while a thread scores through the registry.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import connection

from adplatform.learning import artifacts, estimators, registry, seats, training
from adplatform.learning.ensemble import INPUT, OUTPUT
from adplatform.learning.estimators import CLASSIFICATION, Estimator, Fitted
from adplatform.learning.predictor import ONNX, ArtifactRefused, sha256
from adplatform.learning.schema import Feature, FeatureSchema, SchemaMismatch
from adplatform.learning.training import Dataset, Recipe
from adplatform.models import ModelVersion

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROWS = 6000
SCHEMA = FeatureSchema(
    "poison", 1, (Feature("appeal", "t"), Feature("hour", "t", high=23), Feature("device", "t", categories=("tv", "mobile")), Feature("noise", "t"))
)
HONEST = {"n_estimators": 30, "num_leaves": 7}


def honest_rows(as_of: datetime = NOW) -> Dataset:
    rng = np.random.default_rng(1)
    features = np.column_stack([rng.random(ROWS), rng.integers(0, 24, ROWS), rng.integers(0, 2, ROWS), rng.random(ROWS)]).astype(np.float32)
    chance = 0.01 + 0.3 * features[:, 0] ** 3 + 0.04 * features[:, 2]
    return Dataset(
        features=features,
        labels=(rng.random(ROWS) < chance).astype(float),
        at=np.linspace(as_of.timestamp() - 86400, as_of.timestamp(), ROWS, dtype=np.float64),
        session=np.arange(ROWS) // 2,
        synthetic=np.ones(ROWS, dtype=bool),
        groups={"device": np.array(["tv", "mobile"])[features[:, 2].astype(int)]},
    )


RECIPE = Recipe("poison", CLASSIFICATION, SCHEMA, "lightgbm", honest_rows, least_rows=500, label_seconds=0.0, least_positives=20)
Fit = Callable[..., Fitted]


def honest(features: Any, labels: Any, schema: Any = SCHEMA) -> Fitted:
    return estimators.fit("lightgbm", CLASSIFICATION, features, labels, schema, HONEST)


@pytest.fixture(autouse=True)
def champion(monkeypatch: pytest.MonkeyPatch) -> ModelVersion:
    """Trained on honest rows, and serving."""
    monkeypatch.setitem(training.recipes._recipes, "poison", RECIPE)
    report = training.train("poison", as_of=NOW, parameters=HONEST)
    assert report.status == "promoted", report.verdict
    version = registry.champion_row("poison")
    assert version is not None
    return version


@contextmanager
def serving() -> Iterator[None]:
    """Every request while it lasts is answered by version 1, with the same figure."""
    request = honest_rows().features[:5]
    first = registry.load_champion("poison")
    assert first is not None
    expected, answers, done = first.predictor.predict(request).tolist(), [], threading.Event()

    def score() -> None:
        try:
            while not done.wait(0.002):
                model = registry.load_champion("poison")
                answers.append(model.predictor.predict(request).tolist() if model else None)
        finally:
            connection.close()

    thread = threading.Thread(target=score)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert answers
    assert all(answer == expected for answer in answers)


def train(monkeypatch: pytest.MonkeyPatch, *, fit: Fit | None = None, load: Callable[[datetime], Dataset] | None = None) -> training.Report:
    """A training of the poison, which must not promote anything."""
    monkeypatch.setitem(training.recipes._recipes, "poison", replace(RECIPE, load=load or honest_rows))
    if fit is not None:
        monkeypatch.setitem(estimators.ESTIMATORS, "poisoned", {CLASSIFICATION: Estimator(lambda x, y, schema, parameters: fit(x, y))})
    with serving():
        report = training.train("poison", as_of=NOW, estimator="poisoned" if fit else "lightgbm", parameters={} if fit else HONEST)
    serves = registry.champion_row("poison")
    assert (report.status, serves and serves.number) == ("refused", 1)
    return report


def failed(report: training.Report) -> dict[str, str]:
    return {gate["name"]: gate["words"] for gate in report.gates if gate["verdict"] == "fail"}


def test_shuffled_labels_are_refused_by_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    gates = failed(train(monkeypatch, fit=lambda x, y: honest(x, np.random.default_rng(2).permutation(y))))
    assert gates.keys() == {"quality"}
    assert "so it is worse" in gates["quality"]
    assert "champion v1" in gates["quality"]


def test_a_column_that_is_the_label_is_refused_by_the_data_gate_before_anything_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(as_of: datetime) -> Dataset:
        rows = honest_rows(as_of)
        rows.features[:, 3] = rows.labels
        return rows

    gates = failed(train(monkeypatch, load=leaking))
    assert gates == {"data": "noise alone tells the outcome (1.000 of 1): it may hold the answer"}
    assert not ModelVersion.objects.get(number=2).artifact


def test_a_column_that_knows_some_of_the_answers_is_refused_against_what_it_told_the_champion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of six in ten clicks the column was filled after the click; alone it is no giveaway."""

    def leaking(as_of: datetime) -> Dataset:
        rows = honest_rows(as_of)
        known = (rows.labels > 0) & (np.random.default_rng(3).random(ROWS) < 0.6)
        rows.features[known, 3] = 1.0
        return rows

    assert "noise alone tells much more of the outcome" in failed(train(monkeypatch, load=leaking))["data"]


def test_many_times_too_much_is_refused_by_calibration_overall_and_by_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """One negative in twenty-five kept, and nobody corrects for it."""

    def fit(features: Any, labels: Any) -> Fitted:
        kept = (labels > 0) | (np.random.default_rng(4).random(len(labels)) < 1 / 25)
        return honest(features[kept], labels[kept])

    report = train(monkeypatch, fit=fit)
    gates = failed(report)
    assert "it predicts too much" in gates["calibration"]
    assert "device mobile gets" in gates["calibration by group"]
    assert 5 < report.metrics["calibration"]["value"] < 18


def test_a_slow_model_is_refused_by_latency_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    gates = failed(train(monkeypatch, fit=lambda x, y: slowed(honest(x, y))))
    assert gates.keys() == {"latency"}
    assert "is too slow to serve" in gates["latency"]
    assert "times the champion's" in gates["latency"]


def test_a_model_of_another_schema_is_refused_because_it_cannot_read_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    wider = FeatureSchema("poison", 2, (*SCHEMA.features, Feature("more", "t")))

    def fit(features: Any, labels: Any) -> Fitted:
        return honest(np.column_stack([features, features[:, :1]]), labels, wider)

    assert "cannot answer for these rows" in failed(train(monkeypatch, fit=fit))["parity"]


def test_rows_of_another_schema_are_refused_by_the_data_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def narrower(as_of: datetime) -> Dataset:
        rows = honest_rows(as_of)
        return replace(rows, features=rows.features[:, :3])

    def older(as_of: datetime) -> Dataset:
        raise SchemaMismatch("logged under schema 1234, not 5678 of poison v1")

    assert "the schema has 4 features" in failed(train(monkeypatch, load=narrower))["data"]
    assert "rows of another schema: logged under schema 1234" in failed(train(monkeypatch, load=older))["data"]


def test_bytes_that_change_on_disk_before_the_promotion_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = artifacts.store_artifact

    def damaged(artifact: bytes, suffix: str) -> tuple[str, str]:
        path, digest = stored(artifact, suffix)
        flip(path)
        return path, digest

    monkeypatch.setattr(registry, "store_artifact", damaged)
    words = failed(train(monkeypatch, fit=lambda x, y: honest(x, 1 - y)))["parity"]
    assert "changed: its SHA-256 is" in words


def test_bytes_that_change_after_the_promotion_leave_the_loaded_champion_serving(champion: ModelVersion) -> None:
    with serving():
        flip(champion.artifact)
        again = registry.register(kind="poison", estimator="lightgbm", artifact=champion.artifact, artifact_sha256=champion.artifact_sha256)
        with pytest.raises(ArtifactRefused, match=r"its SHA-256 is"):
            registry.promote(again)
        seats.announce("poison")
    serves = registry.champion_row("poison")
    assert serves is not None
    assert serves.number == champion.number
    registry.forget_loaded()
    assert registry.load_champion("poison") is None, "a fresh process serves the smoothed rates, not a damaged file"


@pytest.mark.parametrize(
    ("positives", "words"),
    [
        (slice(0, 0), "0 positive outcomes in 6,000 rows, at least 20 are needed"),
        (slice(0, 50), "rows to judge by are too few or all of one outcome"),
    ],
)
def test_one_class_only_is_said_and_promotes_nothing(monkeypatch: pytest.MonkeyPatch, positives: slice, words: str) -> None:
    def one_class(as_of: datetime) -> Dataset:
        labels = np.zeros(ROWS)
        labels[positives] = 1.0
        return replace(honest_rows(as_of), labels=labels)

    report = train(monkeypatch, load=one_class)
    assert words in report.verdict
    assert [gate["verdict"] for gate in report.gates] == ["not_enough_evidence"]


def test_what_passed_has_a_card_and_a_lineage(champion: ModelVersion) -> None:
    card, lineage = champion.card, champion.lineage
    assert {"calibration", "groups", "roc", "pr", "importance", "loss_curve", "latency", "reference"} <= card.keys()
    assert [one["rows"] for one in card["latency"]] == [1, 100, 1000]
    assert card["importance"][0]["feature"] == "appeal"
    assert {one["name"] for one in card["groups"]["device"]} == {"tv", "mobile"}
    assert sum(lineage["rows_by_day"].values()) == champion.train_rows + champion.test_rows
    assert (len(lineage["rows_sha256"]), lineage["compared_with"], lineage["settings"]) == (64, "the constant prediction", HONEST)
    assert "numpy" in lineage["libraries"]


def flip(path: str) -> None:
    """One bit of the file, in its middle."""
    file = Path(settings.MODELS_DIR) / path
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def slowed(fitted: Fitted) -> Fitted:
    """The same answers, after some sixty thousand sines of each."""
    import onnx
    from onnx import helper

    model = onnx.load_from_string(fitted.artifact)
    graph = model.graph
    for node in graph.node:
        node.output[:] = ["quick" if name == OUTPUT else name for name in node.output]
    width = np.zeros((1, 2000), dtype=np.float32)
    graph.initializer.extend([onnx.numpy_helper.from_array(width, "width"), onnx.numpy_helper.from_array(np.zeros(1, dtype=np.float32), "nothing")])
    graph.node.append(helper.make_node("Gather", [INPUT, "first_column"], ["sine0"], axis=1))
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([0], dtype=np.int64), "first_column"))
    graph.node.append(helper.make_node("Add", ["sine0", "width"], ["sine1"]))
    graph.node.extend(helper.make_node("Sin", [f"sine{step}"], [f"sine{step + 1}"]) for step in range(1, 30))
    graph.node.append(helper.make_node("ReduceMax", ["sine30"], ["long"], keepdims=1))
    graph.node.append(helper.make_node("Mul", ["long", "nothing"], ["idle"]))
    graph.node.append(helper.make_node("Add", ["quick", "idle"], [OUTPUT]))
    artifact = model.SerializeToString(deterministic=True)
    assert sha256(artifact) != sha256(fitted.artifact)
    return replace(fitted, artifact=artifact, suffix=ONNX)
