"""Trees as plain arrays, whichever library grew them, and the ONNX graph they are served as.

Every split asks ``x <= threshold`` with a threshold that is a float32, chosen so that each float32 ``x`` goes the way the library
would have sent it: the graph decides exactly as the fitted model does, and only the sums differ, in their last digits. One kind
of question in the whole graph also lets the runtime take its fast path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .schema import FeatureSchema, Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INPUT, OUTPUT = "features", "prediction"
TREES = "trees"
# What the sum of the leaves is: log-odds, a probability, or the answer itself.
LOG_ODDS, PROBABILITY, VALUE = "log_odds", "probability", "value"
LEAF = -1
LINKS = {LOG_ODDS: "Sigmoid", PROBABILITY: "Clip", VALUE: "Identity"}
# Written into every graph, whatever the installed packages could do: newer numbers would change the bytes.
OPSETS = (("", 17), ("ai.onnx.ml", 3))
IR_VERSION = 8
RARE = 1e-6
BRANCH, END = b"BRANCH_LEQ", b"LEAF"


@dataclass(frozen=True)
class Tree:
    """One tree, its root first. ``feature`` int [nodes] (`LEAF` for a leaf), ``threshold`` float32, ``left`` (where ``x <=
    threshold``) and ``right`` int, ``missing_left`` bool, ``value`` float64 (of leaves), ``cover`` float64: how much of the
    training rows went through the node."""

    feature: Ints
    threshold: NDArray[np.float32]
    left: Ints
    right: Ints
    missing_left: NDArray[np.bool_]
    value: Floats
    cover: Floats


@dataclass(frozen=True)
class Ensemble:
    """The sum of ``base`` and of the leaves a row ends in, through ``link``. Features are columns of the whole schema."""

    trees: tuple[Tree, ...]
    base: float
    link: str

    def scaled(self, slope: float, shift: float) -> Ensemble:
        """``slope * sum + shift`` for every row."""
        trees = tuple(replace(tree, value=tree.value * slope) for tree in self.trees)
        return replace(self, trees=trees, base=self.base * slope + shift)

    def with_tree(self, tree: Tree) -> Ensemble:
        return replace(self, trees=(*self.trees, tree))

    def importance(self, schema: FeatureSchema) -> dict[str, float]:
        """Share of each column in what the splits explain: the spread of the two sides' means around their parent's, by cover."""
        gains = np.zeros(len(schema.features))
        for tree in self.trees:
            inner, means = tree.feature != LEAF, expectations(tree)
            for side in (tree.left[inner], tree.right[inner]):
                np.add.at(gains, tree.feature[inner], tree.cover[side] * (means[side] - means[inner]) ** 2)
        total = gains.sum() or 1.0
        used = sorted({int(feature) for tree in self.trees for feature in tree.feature[tree.feature != LEAF]})
        return {schema.names[place]: float(gains[place] / total) for place in used}


def at_most(thresholds: Floats) -> NDArray[np.float32]:
    """The largest float32 at or below each float64: ``x <= t`` and ``x <= at_most(t)`` say the same of every float32 ``x``."""
    limit = np.finfo(np.float32).max
    near = np.clip(thresholds, -limit, limit).astype(np.float32)
    rounded: NDArray[np.float32] = np.where(near.astype(np.float64) > thresholds, below(near), near)
    return rounded


def below(thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest float32 below each: ``x < t`` and ``x <= below(t)`` say the same of every float32 ``x``."""
    with np.errstate(over="ignore", under="ignore"):
        lower: NDArray[np.float32] = np.nextafter(thresholds, np.float32(-np.inf))
    return lower


def expectations(tree: Tree) -> Floats:
    """The mean of the leaves below each node, by cover, float64 [nodes]."""
    means = tree.value.copy()
    for node in _children_first(tree):
        left, right = tree.left[node], tree.right[node]
        share = _share(tree.cover[left], tree.cover[right])
        means[node] = share * means[left] + (1 - share) * means[right]
    return means


def _children_first(tree: Tree) -> list[int]:
    """The inner nodes, every one after those below it."""
    order, waiting = [], [0]
    while waiting:
        node = waiting.pop()
        if tree.feature[node] != LEAF:
            order.append(node)
            waiting += [int(tree.left[node]), int(tree.right[node])]
    return order[::-1]


def _share(left: float, right: float) -> float:
    """A node that no row went through is cut in halves."""
    return left / (left + right) if left + right > 0 else 0.5


def answer(ensemble: Ensemble, features: Matrix) -> Floats:
    """The sum for each row, float64 [n], before the link. For checks and explanations; serving asks the graph."""
    total = np.full(len(features), ensemble.base)
    for tree in ensemble.trees:
        node = np.zeros(len(features), dtype=np.int64)
        while (inner := tree.feature[node] != LEAF).any():
            value = features[np.arange(len(features)), np.where(inner, tree.feature[node], 0)]
            left = np.where(np.isnan(value), tree.missing_left[node], value <= tree.threshold[node])
            node = np.where(inner, np.where(left, tree.left[node], tree.right[node]), node)
        total += tree.value[node]
    return total


def graph(ensemble: Ensemble, schema: FeatureSchema) -> bytes:
    """As ONNX over whole rows of ``schema``. The same trees give the same bytes."""
    return bagged((ensemble,), schema)


def bagged(bags: Sequence[Ensemble], schema: FeatureSchema) -> bytes:
    """As `graph`, with a column of the answer for each bag; all of one link. What is predicted is the mean of the columns."""
    from onnx import TensorProto, helper

    (link,) = {bag.link for bag in bags}
    inputs = ["sum", "zero", "one"] if link == PROBABILITY else ["sum"]
    bounds = [helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]), helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])]
    nodes = [
        helper.make_node("TreeEnsembleRegressor", [INPUT], ["sum"], name=TREES, domain="ai.onnx.ml", **_attributes(bags)),
        helper.make_node(LINKS[link], inputs, [OUTPUT], name="link"),
    ]
    whole = helper.make_graph(
        nodes,
        schema.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, len(schema.features)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, len(bags)])],
        bounds if link == PROBABILITY else [],
    )
    return packed(whole, schema, {"model": TREES, "link": link})


def packed(whole: Any, schema: FeatureSchema, properties: dict[str, str]) -> bytes:
    """An ONNX graph as the bytes it is registered by, with the schema it was made for."""
    from onnx import helper

    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS]
    model = helper.make_model(whole, opset_imports=opsets, ir_version=IR_VERSION, producer_name="intermission")
    helper.set_model_props(model, {"schema": schema.fingerprint(), **properties})
    return bytes(model.SerializeToString(deterministic=True))


def _attributes(bags: Sequence[Ensemble]) -> dict[str, Any]:
    """ONNX cannot name no tree at all, so an ensemble without trees becomes one leaf of 0."""
    grown = [bag.trees or (stump(0.0),) for bag in bags]
    trees = [tree for bag in grown for tree in bag]
    leaves = [int((tree.feature == LEAF).sum()) for tree in trees]
    targets = np.repeat(np.repeat(np.arange(len(grown)), [len(bag) for bag in grown]), leaves)
    sizes = [len(tree.feature) for tree in trees]
    numbers = np.repeat(np.arange(len(trees)), sizes)
    nodes = np.concatenate([np.arange(size) for size in sizes])

    def joined(name: str) -> Any:
        return np.concatenate([getattr(tree, name) for tree in trees])

    feature = joined("feature")
    leaf = feature == LEAF
    return {
        "n_targets": len(bags),
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "base_values": [float(np.float32(bag.base)) for bag in bags],
        "nodes_treeids": numbers.tolist(),
        "nodes_nodeids": nodes.tolist(),
        "nodes_featureids": np.where(leaf, 0, feature).tolist(),
        "nodes_values": joined("threshold").astype(np.float32).tolist(),
        "nodes_modes": [END if end else BRANCH for end in leaf],
        "nodes_truenodeids": np.where(leaf, 0, joined("left")).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, joined("right")).tolist(),
        "nodes_missing_value_tracks_true": joined("missing_left").astype(np.int64).tolist(),
        "nodes_hitrates": joined("cover").astype(np.float32).tolist(),
        "target_ids": targets.tolist(),
        "target_treeids": numbers[leaf].tolist(),
        "target_nodeids": nodes[leaf].tolist(),
        "target_weights": joined("value")[leaf].astype(np.float32).tolist(),
    }


def stump(value: float, cover: float = 1.0) -> Tree:
    """A tree that is one leaf."""
    nothing = np.zeros(1, dtype=np.int64)
    return Tree(
        np.array([LEAF]), np.zeros(1, dtype=np.float32), nothing, nothing, np.zeros(1, dtype=bool), np.array([value]), np.array([cover]),
    )  # fmt: skip


def place_tree(column: int, low: float, values: Sequence[float]) -> Tree:
    """``values[k]`` where the column is ``low + k``, the last beyond it, the first where it is missing: a chain of splits.

    Its cover says that nearly all rows are at ``low``: an explanation then counts a place from the one that is served for.
    """
    last = len(values) - 1
    inner = np.arange(last)
    return Tree(
        feature=np.concatenate([np.full(last, column), np.full(last + 1, LEAF)]),
        threshold=at_most(np.concatenate([low + inner + 0.5, np.zeros(last + 1)])),
        left=np.concatenate([last + inner, np.zeros(last + 1, dtype=np.int64)]),
        right=np.concatenate([np.where(inner + 1 < last, inner + 1, 2 * last), np.zeros(last + 1, dtype=np.int64)]),
        missing_left=np.concatenate([inner == 0, np.zeros(last + 1, dtype=bool)]),
        value=np.concatenate([np.zeros(last), np.array(values, dtype=np.float64)]),
        cover=np.concatenate([1 + RARE * (last - inner), np.ones(1), np.full(last, RARE)]) if last else np.ones(1),
    )


def read(artifact: bytes) -> Ensemble:
    """The trees of a graph that `graph` wrote, as it serves them; of one that `bagged` wrote, those of the mean of its bags, in the unit
    before the link. Raises ValueError when there are none in it."""
    import onnx

    model = onnx.load_from_string(artifact)
    node = next((node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor"), None)
    if node is None:
        raise ValueError("the graph holds no trees")
    kept = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    leaf = np.array([mode == END for mode in kept["nodes_modes"]])
    feature = np.where(leaf, LEAF, np.array(kept["nodes_featureids"], dtype=np.int64))
    value = np.zeros(len(leaf))
    value[leaf] = np.array(kept["target_weights"]) / kept["n_targets"]
    columns = {
        "feature": feature,
        "threshold": np.array(kept["nodes_values"], dtype=np.float32),
        "left": np.array(kept["nodes_truenodeids"], dtype=np.int64),
        "right": np.array(kept["nodes_falsenodeids"], dtype=np.int64),
        "missing_left": np.array(kept["nodes_missing_value_tracks_true"], dtype=bool),
        "value": value,
        "cover": np.array(kept["nodes_hitrates"], dtype=np.float64),
    }
    starts = np.flatnonzero(np.array(kept["nodes_nodeids"]) == 0)[1:]
    parts = {name: np.split(column, starts) for name, column in columns.items()}
    trees = tuple(Tree(**{name: part[place] for name, part in parts.items()}) for place in range(len(starts) + 1))
    link = next(prop.value for prop in model.metadata_props if prop.key == "link")
    bases = kept["base_values"]
    # A mean of one would lose the sign of a zero.
    return Ensemble(trees, float(bases[0] if len(bases) == 1 else np.mean(bases)), link)
