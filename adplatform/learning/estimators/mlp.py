"""scikit-learn's multi-layer perceptron, an epoch at a time, served as a graph of its arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calibration import Floats, log_odds, sigmoid
from ..metrics import losses
from ..predictor import ONNX, Predictions
from ..schema import FeatureSchema, Matrix
from .base import CLASSIFICATION, REGRESSION, Estimator, Fit, Fitted
from .fitting import Curve, Rows, corrected, fit_by_rounds
from .network import Inputs, Layer, graph

MLP: dict[str, Any] = {
    "rounds": 30, "fallback_rounds": 8, "hidden": [32, 16], "learning_rate": 0.0005, "l2": 0.3, "batch": 256, "negatives": 1.0, "seed": 7,
}  # fmt: skip
# Epochs without a better loss on the later rows before the learning stops.
PATIENCE = 4


@dataclass(frozen=True)
class Perceptron:
    """``mean`` and ``scale`` are those of a regression's labels, which it learns on one scale."""

    model: Any
    inputs: Inputs
    mean: float
    scale: float
    rounds: int
    curve: Curve

    def raw(self, features: Matrix) -> Floats:
        answers = self.answers(features)
        return log_odds(answers) if hasattr(self.model, "predict_proba") else answers

    def answers(self, features: Matrix) -> Floats:
        with one_thread():
            dense = self.inputs.dense(features)
            if not len(dense):
                return np.zeros(0)
            if hasattr(self.model, "predict_proba"):
                return np.asarray(self.model.predict_proba(dense)[:, 1], dtype=np.float64)
            return np.asarray(self.model.predict(dense), dtype=np.float64) * self.scale + self.mean

    def layers(self) -> list[Layer]:
        pairs = [Layer(weights, bias) for weights, bias in zip(self.model.coefs_, self.model.intercepts_, strict=True)]
        scaled = Layer((pairs[-1].weights * self.scale).astype(np.float32), (pairs[-1].bias * self.scale + self.mean).astype(np.float32))
        return [*(Layer(pair.weights.astype(np.float32), pair.bias.astype(np.float32)) for pair in pairs[:-1]), scaled]


def _fit(task: str) -> Fit:
    def fit(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
        outcome = fit_by_rounds(
            lambda rows, later, rounds: learn(task, rows, later, rounds, schema, parameters), task, features, labels, schema,
            rounds=int(parameters["rounds"]), fallback=int(parameters["fallback_rounds"]), negatives=float(parameters["negatives"]),
            takes_margin=False,
        )  # fmt: skip
        made = outcome.model
        layers = made.layers()
        artifact = graph(made.inputs, None, layers, schema, sigmoid=task == CLASSIFICATION)
        notes = {**outcome.notes, "layers": [made.inputs.width, *(layer.weights.shape[1] for layer in layers)]}
        return corrected(Fitted(artifact, ONNX, made.answers), outcome.calibration, notes)

    return fit


def learn(task: str, rows: Rows, later: Rows | None, rounds: int, schema: FeatureSchema, parameters: dict[str, Any]) -> Perceptron:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    classifies = task == CLASSIFICATION
    inputs = Inputs.of(rows.features, schema)
    mean, scale = (0.0, 1.0) if classifies else (float(rows.labels.mean()), float(rows.labels.std()) or 1.0)
    model = (MLPClassifier if classifies else MLPRegressor)(
        hidden_layer_sizes=tuple(parameters["hidden"]), alpha=parameters["l2"], learning_rate_init=parameters["learning_rate"],
        batch_size=min(int(parameters["batch"]), len(rows.labels)), random_state=parameters["seed"],
    )  # fmt: skip
    dense, aims = inputs.dense(rows.features), rows.labels.astype(np.int64) if classifies else (rows.labels - mean) / scale
    options = {"classes": [0, 1]} if classifies else {}
    seen: list[float] = []
    for epoch in range(rounds):
        with one_thread():
            model.partial_fit(dense, aims, **(options if epoch == 0 else {}))
        if later is not None:
            seen.append(_loss(Perceptron(model, inputs, mean, scale, 0, Curve("epoch", ())), later, back=later.margin))
            if epoch - int(np.argmin(seen)) >= PATIENCE:
                break
    best = int(np.argmin(seen)) + 1 if seen else rounds
    return Perceptron(model, inputs, mean, scale, best, Curve("epoch", tuple(map(float, model.loss_curve_)), tuple(seen)))


def _loss(model: Perceptron, later: Rows, *, back: Floats) -> float:
    if hasattr(model.model, "predict_proba"):
        return float(losses(later.labels, sigmoid(model.raw(later.features) + back)).mean())
    return float(((model.raw(later.features) - later.labels) ** 2).mean())


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of matrix products in one order, whatever the machine."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


TASKS = {task: Estimator(_fit(task), MLP) for task in (CLASSIFICATION, REGRESSION)}
