"""What each library grew, as the plain trees of `adplatform.learning.ensemble`. ``columns`` say which column of the schema each
feature of the library's matrix was."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ensemble import LEAF, Ints, Tree, at_most, below, stump


def of_lightgbm(dump: dict[str, Any], columns: Ints) -> tuple[Tree, ...]:
    """From ``Booster.dump_model()``. Raises ValueError for splits that are no comparison of a number."""
    return tuple(_lightgbm_tree(tree["tree_structure"], columns) for tree in dump["tree_info"])


def _lightgbm_tree(root: dict[str, Any], columns: Ints) -> Tree:
    if "leaf_value" in root:
        return stump(float(root["leaf_value"]), float(root.get("leaf_count", 1)))
    nodes: list[dict[str, Any]] = []
    places: dict[int, int] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        places[id(node)] = len(nodes)
        nodes.append(node)
        waiting += [node[side] for side in ("right_child", "left_child") if side in node]
    inner = [("split_feature" in node) for node in nodes]
    threshold = np.array([float(node["threshold"]) if split else 0.0 for node, split in zip(nodes, inner, strict=True)])
    return Tree(
        feature=np.array([columns[node["split_feature"]] if split else LEAF for node, split in zip(nodes, inner, strict=True)]),
        threshold=at_most(threshold),
        left=np.array([places[id(node["left_child"])] if split else 0 for node, split in zip(nodes, inner, strict=True)]),
        right=np.array([places[id(node["right_child"])] if split else 0 for node, split in zip(nodes, inner, strict=True)]),
        missing_left=np.array([split and _lightgbm_missing_left(node) for node, split in zip(nodes, inner, strict=True)]),
        value=np.array([0.0 if split else float(node["leaf_value"]) for node, split in zip(nodes, inner, strict=True)]),
        cover=np.array([float(node["internal_count" if split else "leaf_count"]) for node, split in zip(nodes, inner, strict=True)]),
    )


def _lightgbm_missing_left(node: dict[str, Any]) -> bool:
    """A column without missing values in training is asked as if a missing value were 0."""
    if node["decision_type"] != "<=" or node["missing_type"] not in {"None", "NaN"}:
        raise ValueError(f"a split by {node['decision_type']!r} with missing values as {node['missing_type']!r} cannot be served")
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else float(node["threshold"]) >= 0.0


def of_xgboost(raw: bytes, columns: Ints) -> tuple[tuple[Tree, ...], float]:
    """(trees, base in log-odds or as the value) from ``Booster.save_raw("json")``. Its splits ask ``x < t``."""
    learner = json.loads(raw)["learner"]
    trees = tuple(_xgboost_tree(tree, columns) for tree in learner["gradient_booster"]["model"]["trees"])
    score = float(str(learner["learner_model_param"]["base_score"]).strip("[]"))
    return trees, math.log(score / (1 - score)) if learner["objective"]["name"] == "binary:logistic" else score


def _xgboost_tree(tree: dict[str, Any], columns: Ints) -> Tree:
    left, right = np.array(tree["left_children"], dtype=np.int64), np.array(tree["right_children"], dtype=np.int64)
    leaf, kept = left < 0, np.array(tree["split_conditions"], dtype=np.float32)
    return Tree(
        feature=np.where(leaf, LEAF, columns[np.array(tree["split_indices"], dtype=np.int64)]),
        threshold=np.where(leaf, np.float32(0), below(kept)),
        left=np.where(leaf, 0, left),
        right=np.where(leaf, 0, right),
        missing_left=~leaf & (np.array(tree["default_left"]) != 0),
        value=np.where(leaf, kept.astype(np.float64), 0.0),
        cover=np.array(tree["sum_hessian"], dtype=np.float64),
    )


def of_hist_gradient_boosting(model: Any, columns: Ints, rounds: int) -> tuple[tuple[Tree, ...], float]:
    """(the first ``rounds`` trees, base) of a fitted scikit-learn HistGradientBoosting model of one output."""
    trees = tuple(_hist_tree(predictors[0].nodes, columns) for predictors in model._predictors[:rounds])
    return trees, float(np.ravel(model._baseline_prediction)[0])


def _hist_tree(nodes: NDArray[Any], columns: Ints) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    if nodes["is_categorical"].any():
        raise ValueError("a split by a set of categories cannot be served")
    return Tree(
        feature=np.where(leaf, LEAF, columns[np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64)]),
        threshold=at_most(np.where(leaf, 0.0, nodes["num_threshold"])),
        left=np.where(leaf, 0, nodes["left"]).astype(np.int64),
        right=np.where(leaf, 0, nodes["right"]).astype(np.int64),
        missing_left=~leaf & nodes["missing_go_to_left"].astype(bool),
        value=np.where(leaf, nodes["value"], 0.0),
        cover=nodes["count"].astype(np.float64),
    )


def of_forest(forest: Any, columns: Ints, fills: NDArray[np.float32]) -> tuple[Tree, ...]:
    """From a scikit-learn random forest that saw ``fills`` [features] in the place of missing values. The leaves hold their
    share of the mean of all trees: of the second class for a classifier."""
    return tuple(_sklearn_tree(one.tree_, columns, fills, 1 / len(forest.estimators_)) for one in forest.estimators_)


def of_gradient_boosting(model: Any, columns: Ints, fills: NDArray[np.float32], rounds: int) -> tuple[Tree, ...]:
    """The first ``rounds`` trees of a scikit-learn GradientBoosting model of one output, which saw ``fills`` as a forest does."""
    return tuple(_sklearn_tree(one.tree_, columns, fills, model.learning_rate) for one in model.estimators_[:rounds, 0])


def _sklearn_tree(tree: Any, columns: Ints, fills: NDArray[np.float32], scale: float) -> Tree:
    leaf = tree.children_left < 0
    asked = np.where(leaf, 0, tree.feature)
    threshold = at_most(np.where(leaf, 0.0, tree.threshold))
    return Tree(
        feature=np.where(leaf, LEAF, columns[asked]),
        threshold=threshold,
        left=np.where(leaf, 0, tree.children_left).astype(np.int64),
        right=np.where(leaf, 0, tree.children_right).astype(np.int64),
        missing_left=~leaf & (fills[asked] <= threshold),
        value=np.where(leaf, tree.value[:, 0, -1] * scale, 0.0),
        cover=tree.weighted_n_node_samples.astype(np.float64),
    )
