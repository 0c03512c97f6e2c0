"""A network with embeddings of the ids beside the other columns, learned by PyTorch and served as a graph of its arrays.

PyTorch is an optional extra: only fitting needs it. Ids share buckets; a bucket that no training row had answers as a missing id
does, and so that this answer is learned, ids are left out at random while learning.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..calibration import Floats, level_shift, sigmoid
from ..ensemble import Ints
from ..predictor import ONNX, Predictions
from ..schema import FeatureSchema, Matrix
from .base import CLASSIFICATION, Estimator, Fitted, UnknownEstimator
from .fitting import Curve, Rows, corrected, fit_by_rounds
from .network import Embeddings, Inputs, Layer, graph

DEEP: dict[str, Any] = {
    "rounds": 15, "fallback_rounds": 4, "hidden": [64, 32], "size": 4, "learning_rate": 0.0005, "weight_decay": 2.0, "left_out": 0.2,
    "batch": 256, "negatives": 1.0, "seed": 7,
}  # fmt: skip
PATIENCE = 3
LEAST_BUCKETS, MOST_BUCKETS = 16, 1 << 15
FIRST_SPREAD = 0.05
NEEDED = "torch"


class NotInstalled(UnknownEstimator, ImportError):
    """The estimator is there, the package it learns with is not; the message says how to get it."""


def needed() -> None:
    """Raises NotInstalled."""
    if importlib.util.find_spec(NEEDED) is None:
        raise NotInstalled("the estimator 'deep' learns with PyTorch, which is not installed; get it with: .venv/bin/uv pip install torch")


@dataclass(frozen=True)
class Learned:
    """``logits`` answers with PyTorch, from what `Inputs.dense` and `Embeddings.rows` give."""

    inputs: Inputs
    embeddings: Embeddings
    layers: tuple[Layer, ...]
    logits: Callable[[Matrix, Ints], Floats]
    rounds: int
    curve: Curve

    def raw(self, features: Matrix) -> Floats:
        return self.logits(self.inputs.dense(features), self.embeddings.rows(features))


def fit(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    needed()
    outcome = fit_by_rounds(
        lambda rows, later, rounds: learn(rows, later, rounds, schema, parameters), CLASSIFICATION, features, labels, schema,
        rounds=int(parameters["rounds"]), fallback=int(parameters["fallback_rounds"]), negatives=float(parameters["negatives"]),
        takes_margin=True,
    )  # fmt: skip
    made = outcome.model
    artifact = graph(made.inputs, made.embeddings, made.layers, schema, sigmoid=True)
    sizes = [made.layers[0].weights.shape[0], *(layer.weights.shape[1] for layer in made.layers)]
    ids = {schema.names[column]: int(count) for column, count in zip(made.embeddings.columns, made.embeddings.buckets, strict=True)}
    notes = {**outcome.notes, "layers": sizes, "embeddings": {"size": made.embeddings.table.shape[1], "buckets": ids}}
    return corrected(Fitted(artifact, ONNX, lambda rows: sigmoid(made.raw(rows))), outcome.calibration, notes)


def looked_up(features: Matrix, schema: FeatureSchema, size: int) -> Embeddings:
    """An empty table with about two buckets for each id that occurs."""
    columns = np.array([place for place, feature in enumerate(schema.features) if feature.identity], dtype=np.int64)
    seen = [len(np.unique(features[:, column])) for column in columns]
    buckets = np.array([min(max(1 << (2 * count - 1).bit_length(), LEAST_BUCKETS), MOST_BUCKETS) for count in seen], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(buckets + 1)]).astype(np.int64)
    return Embeddings(columns, buckets, first[:-1], np.zeros((int(first[-1]), size), dtype=np.float32))


def learn(rows: Rows, later: Rows | None, rounds: int, schema: FeatureSchema, parameters: dict[str, Any]) -> Learned:
    import torch

    torch.manual_seed(int(parameters["seed"]))
    torch.set_num_threads(1)
    inputs, empty = Inputs.of(rows.features, schema), looked_up(rows.features, schema, int(parameters["size"]))
    if not len(empty.columns):
        raise ValueError(f"the schema {schema.name} declares no ids, so there is nothing to embed; choose mlp")
    places = empty.rows(rows.features)
    start = level_shift(rows.labels, rows.margin)
    table = torch.nn.Parameter(torch.randn(empty.table.shape) * FIRST_SPREAD)
    sizes = [inputs.width + len(empty.columns) * empty.table.shape[1], *parameters["hidden"], 1]
    linear = [torch.nn.Linear(before, after) for before, after in pairwise(sizes)]
    torch.nn.init.constant_(linear[-1].bias, start)
    decayed, free = [table, *(layer.weight for layer in linear)], [layer.bias for layer in linear]
    groups = [{"params": decayed, "weight_decay": parameters["weight_decay"]}, {"params": free, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=parameters["learning_rate"])
    first = torch.from_numpy(empty.first)

    def forward(dense: Any, ids: Any) -> Any:
        active = torch.cat([dense, table[ids].flatten(1)], dim=1)
        for place, layer in enumerate(linear):
            active = layer(active) if place == len(linear) - 1 else torch.relu(layer(active))
        return active[:, 0]

    def logits(dense: Matrix, ids: Ints) -> Floats:
        with torch.no_grad():
            return np.asarray(forward(torch.from_numpy(dense), torch.from_numpy(ids)).numpy(), dtype=np.float64)

    data = [torch.from_numpy(part) for part in (inputs.dense(rows.features), places, rows.labels.astype(np.float32), rows.margin.astype(np.float32))]
    trained: list[float] = []
    seen: list[float] = []
    for epoch in range(rounds):
        trained.append(_epoch(forward, data, first, optimizer, parameters))
        if later is not None:
            answers = torch.from_numpy(logits(inputs.dense(later.features), empty.rows(later.features)) + later.margin)
            seen.append(float(torch.nn.functional.binary_cross_entropy_with_logits(answers, torch.from_numpy(later.labels))))
            if epoch - int(np.argmin(seen)) >= PATIENCE:
                break
    with torch.no_grad():
        known = torch.zeros(len(table), dtype=torch.bool)
        known[torch.from_numpy(np.unique(places))] = True
        missing = np.repeat(empty.first, empty.buckets + 1)
        table[~known] = table[torch.from_numpy(missing)][~known]
    layers = tuple(Layer(layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy()) for layer in linear)
    whole = Embeddings(empty.columns, empty.buckets, empty.first, table.detach().numpy().copy())
    best = int(np.argmin(seen)) + 1 if seen else rounds
    return Learned(inputs, whole, layers, logits, best, Curve("epoch", tuple(trained), tuple(seen)))


def _epoch(forward: Callable[[Any, Any], Any], data: list[Any], first: Any, optimizer: Any, parameters: dict[str, Any]) -> float:
    """One pass over the rows in a random order; the mean loss of it, each batch before it was learned from."""
    import torch

    dense, ids, labels, added = data
    order, size, lost = torch.randperm(len(labels)), int(parameters["batch"]), 0.0
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        taken = torch.where(torch.rand(len(batch), ids.shape[1]) < parameters["left_out"], first, ids[batch])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(forward(dense[batch], taken) + added[batch], labels[batch])
        lost += float(loss.detach()) * len(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lost / len(labels)


TASKS = {CLASSIFICATION: Estimator(fit, DEEP, needed)}
