"""Networks: one graph from the learned arrays, ids looked up inside it, a curve of losses beside it."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from adplatform.learning import estimators, predictor
from adplatform.learning.estimators import CLASSIFICATION, REGRESSION
from adplatform.learning.estimators.network import Embeddings, Inputs, Layer, graph
from adplatform.learning.schema import Feature, FeatureSchema

NO_TORCH = "PyTorch is not installed, so the estimator `deep` is NOT TESTED: .venv/bin/uv pip install torch to test it"
SCHEMA = FeatureSchema(
    "net", 1,
    (
        Feature("rate", "t", linear="logit"), Feature("count", "t", high=100, linear="log1p"), Feature("size", "t", high=10, bands=(2.0, 5.0)),
        Feature("kind", "t", categories=("x", "y", "z")), Feature("place", "t", high=3, exposure=True), Feature("ad", "t", identity=True),
        Feature("viewer", "t", privacy="consent", identity=True),
    ),
    prior="rate",
)  # fmt: skip


def log_of(n: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ad = rng.integers(0, 40, n)
    rows = np.column_stack(
        [rng.beta(2, 40, n), rng.integers(0, 50, n), rng.random(n) * 10, rng.integers(-1, 3, n), rng.integers(0, 3, n), ad * 1000 + 7, rng.integers(0, 1 << 24, n)]
    ).astype(np.float32)  # fmt: skip
    rows[:, [0, 1, 2, 3, 6]] = np.where(rng.random((n, 5)) < 0.15, np.nan, rows[:, [0, 1, 2, 3, 6]])
    odds = -1.5 + np.random.default_rng(9).normal(0, 1.2, 40)[ad] + np.where(rows[:, 3] == 1, 0.8, 0.0) - 0.3 * rows[:, 4]
    return rows, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)


def test_a_graph_of_ids_and_numbers_answers_as_the_arrays() -> None:
    rows, _ = log_of(300)
    inputs, rng = Inputs.of(rows, SCHEMA), np.random.default_rng(1)
    table = Embeddings(np.array([5, 6]), np.array([8, 16]), np.array([0, 9]), rng.normal(size=(26, 3)).astype(np.float32))
    layers = [
        Layer(rng.normal(size=(inputs.width + 6, 5)).astype(np.float32), rng.normal(size=5).astype(np.float32)),
        Layer(rng.normal(size=(5, 1)).astype(np.float32), np.zeros(1, np.float32)),
    ]  # fmt: skip
    whole = np.concatenate([inputs.dense(rows), table.table[table.rows(rows)].reshape(len(rows), -1)], axis=1)
    wanted = np.maximum(whole @ layers[0].weights + layers[0].bias, 0) @ layers[1].weights
    artifact = graph(inputs, table, layers, SCHEMA, sigmoid=False)
    served = predictor.load(artifact, predictor.ONNX, expected_sha256=predictor.sha256(artifact))
    np.testing.assert_allclose(served.predict(rows), wanted[:, 0], atol=2e-5)
    np.testing.assert_array_equal(served.predict(rows), np.concatenate([served.predict(rows[place : place + 1]) for place in range(len(rows))]))
    assert predictor.contributions_of(served, rows) is None


def test_a_value_enters_on_one_scale_a_missing_one_as_nothing_and_says_so() -> None:
    rows, _ = log_of(500)
    inputs = Inputs.of(rows, SCHEMA)
    dense = inputs.dense(rows)
    assert dense.shape == (500, inputs.width)
    assert inputs.width == 3 + 3 + 3 + 2, "numbers, their flags, categories, edges; neither ids nor the place"
    assert (dense[np.isnan(rows[:, 0]), 0] == 0).all()
    np.testing.assert_array_equal(dense[:, 3] == 1, np.isnan(rows[:, 0]))
    np.testing.assert_array_equal(dense[:, 7] == 1, rows[:, 3] == 1)
    np.testing.assert_array_equal(dense[:, 10] == 1, rows[:, 2] >= 5)
    assert abs(dense[~np.isnan(rows[:, 1]), 1].std() - 1) < 1e-3


@pytest.mark.parametrize("task", [CLASSIFICATION, REGRESSION])
def test_a_perceptron_keeps_its_layers_and_the_losses_of_its_epochs(task: str) -> None:
    rows, labels = log_of(2500)
    aims = labels if task == CLASSIFICATION else 40 + 5 * np.nan_to_num(rows[:, 2])
    fitted = estimators.fit("mlp", task, rows, aims, SCHEMA, {"rounds": 12, "hidden": [8]})
    assert fitted.notes["layers"] == [11, 8, 1]
    curve = fitted.notes["loss_curve"]
    assert fitted.notes["loss_curve_unit"] == "epoch"
    assert len(curve) == len(fitted.notes["training_loss_curve"]) <= 12
    assert min(curve) < curve[0]
    assert fitted.native(rows).mean() == pytest.approx(aims.mean(), rel=0.1)


def test_without_pytorch_the_deep_estimator_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(estimators.UnknownEstimator, match=r"get it with: \.venv/bin/uv pip install torch$"):
        estimators.find("deep", CLASSIFICATION)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason=NO_TORCH)
def test_the_deep_estimator_learns_ids_and_is_served_without_pytorch() -> None:
    rows, labels = log_of(6000)
    fitted = estimators.fit("deep", CLASSIFICATION, rows, labels, SCHEMA, {"rounds": 8, "hidden": [16]})
    served = predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))
    answers = served.predict(rows)
    np.testing.assert_allclose(answers, fitted.native(rows), atol=1e-5)
    np.testing.assert_array_equal(answers[:50], np.concatenate([served.predict(rows[place : place + 1]) for place in range(50)]))
    fresh, outcomes = log_of(4000, seed=5)
    without = fresh.copy()
    without[:, 5] = np.nan
    loss = {name: float(np.mean((served.predict(part) - outcomes) ** 2)) for name, part in (("with", fresh), ("without", without))}
    assert loss["with"] < 0.97 * loss["without"], "the ad's id says how often it is clicked"
    unseen = fresh.copy()
    unseen[:, 6] = np.nan
    strangers = fresh[~np.isin(fresh[:, 6], rows[:, 6])]
    assert fitted.notes["layers"][-2:] == [16, 1]
    assert set(fitted.notes["embeddings"]["buckets"]) == {"ad", "viewer"}
    assert len(fitted.notes["loss_curve"]) >= 1
    assert np.isfinite(served.predict(unseen)).all() and np.isfinite(served.predict(strangers)).all()
