"""What a network reads of a row, and the ONNX graph of one: built from its learned arrays, whichever library learned them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ensemble import INPUT, OUTPUT, Ints, packed
from ..hashed import LEAST_RATE
from ..schema import FeatureSchema, Matrix
from .base import appeal_columns

Single = NDArray[np.float32]
LOGIT, LOG1P = "logit", "log1p"


@dataclass(frozen=True)
class Inputs:
    """The columns of a row as a network takes them, in this order: numbers on one scale (0 where missing), 1 where one is
    missing, 1 for the category a row has, 1 for each edge of a banded number that it reaches."""

    numbers: Ints
    logits: NDArray[np.bool_]
    logs: NDArray[np.bool_]
    mean: Single
    scale: Single
    flags: Ints
    choices: Ints
    codes: Single
    banded: Ints
    edges: Single

    @classmethod
    def of(cls, features: Matrix, schema: FeatureSchema) -> Inputs:
        """Means and scales of float32 [n, features of the schema]."""
        own = [(int(place), schema.features[place]) for place in appeal_columns(schema)]
        numbers = [(place, feature) for place, feature in own if feature.categories is None]
        columns = np.array([place for place, _ in numbers], dtype=np.int64)
        logits = np.array([feature.linear == LOGIT for _, feature in numbers], dtype=bool)
        logs = np.array([feature.linear == LOG1P for _, feature in numbers], dtype=bool)
        mean, scale = _spread(_moved(features[:, columns], logits, logs))
        choices = [(place, code) for place, feature in own for code in range(len(feature.categories or ()))]
        edges = [(place, edge) for place, feature in numbers for edge in feature.bands or ()]
        return cls(
            columns, logits, logs, mean, scale, columns[np.isnan(features[:, columns]).any(axis=0)],
            np.array([place for place, _ in choices], dtype=np.int64), np.array([code for _, code in choices], dtype=np.float32),
            np.array([place for place, _ in edges], dtype=np.int64), np.array([edge for _, edge in edges], dtype=np.float32),
        )  # fmt: skip

    def dense(self, features: Matrix) -> Single:
        """float32 [n, width]"""
        scaled = (_moved(features[:, self.numbers], self.logits, self.logs) - self.mean) / self.scale
        marks = (np.isnan(features[:, self.flags]), features[:, self.choices] == self.codes, features[:, self.banded] >= self.edges)
        whole: Single = np.concatenate([np.where(np.isnan(scaled), np.float32(0), scaled), *marks], axis=1, dtype=np.float32)
        return whole

    @property
    def width(self) -> int:
        return len(self.numbers) + len(self.flags) + len(self.choices) + len(self.banded)


def _moved(values: Single, logits: NDArray[np.bool_], logs: NDArray[np.bool_]) -> Single:
    """Rates in log-odds, counts in logarithms, the rest as it is."""
    rate = np.clip(values, np.float32(LEAST_RATE), np.float32(1 - LEAST_RATE))
    moved: Single = np.where(logits, np.log(rate) - np.log(1 - rate), np.where(logs, np.log(1 + np.maximum(values, 0)), values))
    return moved


def _spread(values: Single) -> tuple[Single, Single]:
    """Mean and standard deviation of the known values of each column, 0 and 1 where there are none or they do not vary."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0).sum(axis=0, dtype=np.float64) / count
    deviation = np.sqrt((np.where(known, values - mean, 0) ** 2).sum(axis=0) / count)
    return mean.astype(np.float32), np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)


@dataclass(frozen=True)
class Layer:
    """``weights`` float32 [in, out], ``bias`` float32 [out]."""

    weights: Single
    bias: Single


@dataclass(frozen=True)
class Embeddings:
    """Id ``columns`` [k] looked up in one ``table`` float32 [rows, size]: the row ``first[k] + 1 + code mod buckets[k]``, and
    ``first[k]`` where the id is missing."""

    columns: Ints
    buckets: Ints
    first: Ints
    table: Single

    def rows(self, features: Matrix) -> Ints:
        """Which row of the table each id of each row has, int64 [n, k]."""
        codes = features[:, self.columns]
        missing = np.isnan(codes)
        whole = np.where(missing, 0, codes).astype(np.int64)
        found: Ints = np.where(missing, 0, whole % self.buckets + 1) + self.first
        return found


class _Graph:
    """Nodes and constants as they are added; each answer is named by the caller."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, operation: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operation, list(inputs), [name], name=name, **attributes))
        return name


def graph(inputs: Inputs, embeddings: Embeddings | None, layers: Sequence[Layer], schema: FeatureSchema, *, sigmoid: bool) -> bytes:
    """As ONNX over whole rows of ``schema``: layers with ReLU between them. The same arrays give the same bytes."""
    from onnx import TensorProto, helper

    made = _Graph()
    parts = _dense(made, inputs)
    if embeddings is not None:
        parts.append(_looked_up(made, embeddings))
    last = made.add("Concat", parts, "inputs", axis=1)
    for place, layer in enumerate(layers):
        product = made.add("MatMul", [last, made.constant(f"weights{place}", layer.weights)], f"product{place}")
        last = made.add("Add", [product, made.constant(f"bias{place}", layer.bias)], f"layer{place}")
        if place < len(layers) - 1:
            last = made.add("Relu", [last], f"active{place}")
    made.add("Sigmoid" if sigmoid else "Identity", [last], OUTPUT)
    whole = helper.make_graph(
        made.nodes,
        schema.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, len(schema.features)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
        made.constants,
    )
    return packed(whole, schema, {"model": "network"})


def _dense(made: _Graph, inputs: Inputs) -> list[str]:
    """The parts of `Inputs.dense`; empty ones are left out, a runtime need not know a tensor of no columns."""
    parts = []
    if len(inputs.numbers):
        parts.append(_numbers(made, inputs))
    if len(inputs.flags):
        flagged = made.add("Gather", [INPUT, made.constant("flags", inputs.flags)], "flagged", axis=1)
        parts.append(made.add("Cast", [made.add("IsNaN", [flagged], "is_missing")], "missing", to=1))
    for name, operation, columns, values in (
        ("choice", "Equal", inputs.choices, inputs.codes), ("reached", "GreaterOrEqual", inputs.banded, inputs.edges),
    ):  # fmt: skip
        if len(columns):
            taken = made.add("Gather", [INPUT, made.constant(f"{name}_columns", columns)], f"{name}_taken", axis=1)
            asked = made.add(operation, [taken, made.constant(f"{name}_values", values)], f"{name}_asked")
            parts.append(made.add("Cast", [asked], name, to=1))
    return parts


def _numbers(made: _Graph, inputs: Inputs) -> str:
    taken = made.add("Gather", [INPUT, made.constant("numbers", inputs.numbers)], "taken", axis=1)
    low, high = made.constant("least", np.float32(LEAST_RATE)), made.constant("most", np.float32(1 - LEAST_RATE))
    one, zero = made.constant("one", np.float32(1)), made.constant("zero", np.float32(0))
    rate = made.add("Clip", [taken, low, high], "rate")
    rest = made.add("Log", [made.add("Sub", [one, rate], "rest")], "log_rest")
    odds = made.add("Sub", [made.add("Log", [rate], "log_rate"), rest], "log_odds")
    count = made.add("Log", [made.add("Add", [one, made.add("Max", [taken, zero], "count")], "above")], "log_count")
    logged = made.add("Where", [made.constant("logs", inputs.logs), count, taken], "logged")
    moved = made.add("Where", [made.constant("logits", inputs.logits), odds, logged], "moved")
    centred = made.add("Sub", [moved, made.constant("mean", inputs.mean)], "centred")
    scaled = made.add("Div", [centred, made.constant("scale", inputs.scale)], "scaled")
    return made.add("Where", [made.add("IsNaN", [scaled], "unknown"), zero, scaled], "known")


def _looked_up(made: _Graph, embeddings: Embeddings) -> str:
    codes = made.add("Gather", [INPUT, made.constant("ids", embeddings.columns)], "codes", axis=1)
    missing = made.add("IsNaN", [codes], "no_id")
    whole = made.add("Cast", [made.add("Where", [missing, made.constant("no_code", np.float32(0)), codes], "some_code")], "code", to=7)
    bucket = made.add("Mod", [whole, made.constant("buckets", embeddings.buckets)], "bucket")
    after = made.add("Add", [bucket, made.constant("next", np.int64(1))], "after")
    place = made.add("Where", [missing, made.constant("unknown_row", np.int64(0)), after], "place")
    row = made.add("Add", [place, made.constant("first", embeddings.first)], "row")
    found = made.add("Gather", [made.constant("table", embeddings.table), row], "found", axis=0)
    width = len(embeddings.columns) * embeddings.table.shape[1]
    return made.add("Reshape", [found, made.constant("flat", np.array([-1, width], dtype=np.int64))], "embedded")
