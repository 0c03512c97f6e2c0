"""Trees of every library become one graph that decides as they do, on thresholds and for missing values too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adplatform.learning import bundle, ensemble, estimators, predictor
from adplatform.learning.ensemble import LEAF, LOG_ODDS, PROBABILITY, VALUE, Ensemble, Tree
from adplatform.learning.estimators import CLASSIFICATION
from adplatform.learning.estimators.trees import of_lightgbm
from adplatform.learning.schema import Feature, FeatureSchema

WIDTH = 3
SCHEMA = FeatureSchema("trees", 1, tuple(Feature(name, "t", low=-100, high=100) for name in "abc"))
# Few values, so that rows and thresholds meet.
VALUES = [-2.0, -0.5, 0.0, 0.1, 0.25, 1.0, 3.0]
cells = st.one_of(st.sampled_from(VALUES), st.just(math.nan), st.floats(-50, 50, width=32))


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    columns: list[list[Any]] = []

    def grow(depth: int) -> int:
        place = len(columns)
        if depth == 3 or draw(st.booleans()):
            columns.append([LEAF, 0.0, 0, 0, False, draw(st.floats(-2, 2, width=32)), float(draw(st.integers(1, 50)))])
            return place
        columns.append([draw(st.integers(0, WIDTH - 1)), draw(st.sampled_from(VALUES)), 0, 0, draw(st.booleans()), 0.0, 0.0])
        left, right = grow(depth + 1), grow(depth + 1)
        columns[place][2:4] = left, right
        columns[place][6] = columns[left][6] + columns[right][6]
        return place

    grow(0)
    feature, threshold, left, right, missing, value, cover = (np.array(column) for column in zip(*columns, strict=True))
    return Tree(feature, threshold.astype(np.float32), left, right, missing.astype(bool), value.astype(float), cover.astype(float))


def matrices(most: int = 12) -> st.SearchStrategy[np.ndarray]:
    rows = st.lists(st.lists(cells, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=most)
    return rows.map(lambda found: np.array(found, dtype=np.float32))


ensembles = st.builds(
    Ensemble, st.lists(trees(), max_size=4).map(tuple), st.floats(-2, 2, width=32), st.sampled_from([LOG_ODDS, VALUE])
)  # fmt: skip


def served(artifact: bytes) -> predictor.OnnxPredictor:
    loaded = predictor.load(artifact, predictor.ONNX, expected_sha256=predictor.sha256(artifact))
    assert isinstance(loaded, predictor.OnnxPredictor)
    return loaded


@settings(deadline=None, max_examples=60)
@given(ensembles, matrices())
def test_a_graph_answers_as_the_arrays_it_was_made_of(made: Ensemble, rows: np.ndarray) -> None:
    artifact = ensemble.graph(made, SCHEMA)
    wanted = ensemble.answer(made, rows)
    if made.link == LOG_ODDS:
        wanted = 1 / (1 + np.exp(-wanted))
    np.testing.assert_allclose(served(artifact).predict(rows), wanted, atol=2e-6)
    again = ensemble.read(artifact)
    assert (again.base, again.link) == (made.base, made.link)
    np.testing.assert_allclose(ensemble.answer(again, rows), ensemble.answer(made, rows), atol=1e-12)
    assert ensemble.graph(again, SCHEMA) == artifact


@given(st.floats(allow_nan=False, min_value=-1e300, max_value=1e300), st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_threshold_sends_every_float32_where_the_float64_would_have(threshold: float, value: float) -> None:
    (rounded,) = ensemble.at_most(np.array([threshold]))
    near = np.float32(np.clip(threshold, -3e38, 3e38))
    for asked in (np.float32(value), near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))):
        assert (asked <= rounded) == (float(asked) <= threshold)
        (lower,) = ensemble.below(np.array([np.float32(value)]))
        assert (asked <= lower) == (asked < np.float32(value))


def probability_of_one_leaf_above_one() -> Ensemble:
    return Ensemble((ensemble.stump(1.0), ensemble.stump(0.5)), 0.0, PROBABILITY)


def test_a_probability_stays_one() -> None:
    assert served(ensemble.graph(probability_of_one_leaf_above_one(), SCHEMA)).predict(np.zeros((1, WIDTH), np.float32)) == 1.0


def test_what_a_place_adds_is_a_tree() -> None:
    made = Ensemble((ensemble.place_tree(1, 0.0, (0.0, -0.25, -0.5)),), 0.0, VALUE)
    rows = np.zeros((6, WIDTH), dtype=np.float32)
    rows[:, 1] = [0, 1, 2, 3, 9, np.nan]
    np.testing.assert_allclose(served(ensemble.graph(made, SCHEMA)).predict(rows), [0, -0.25, -0.5, -0.5, -0.5, 0])


def log_of(n: int = 1200, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Values of few levels, so that thresholds lie among them; the first column never misses one."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(np.linspace(-1, 1, 41), (n, WIDTH)).astype(np.float32)
    rows[:, 1:][rng.random((n, WIDTH - 1)) < 0.2] = np.nan
    chance = 1 / (1 + np.exp(2 - 2 * rows[:, 0] - np.where(np.isnan(rows[:, 1]), 1.5, rows[:, 1] ** 2)))
    return rows, (rng.random(n) < chance).astype(float)


def inside(fitted: estimators.Fitted) -> bytes:
    """The graph, without a correction around it."""
    return fitted.artifact if fitted.suffix == predictor.ONNX else bundle.unpack(fitted.artifact)[1]["inner"]


@pytest.mark.parametrize("name", ["random_forest", "hist_gradient_boosting", "lightgbm", "xgboost", "gradient_boosting"])
def test_a_library_and_its_graph_agree_on_every_threshold_and_beside_it(name: str) -> None:
    rows, labels = log_of()
    small = {"n_estimators": 12, "min_samples_leaf": 5} if name == "random_forest" else {"fallback_rounds": 30, "positives_per_leaf": 1}
    fitted = estimators.fit(name, CLASSIFICATION, rows, labels, SCHEMA, small)
    found = ensemble.read(inside(fitted))
    places = [(tree.feature[node], tree.threshold[node]) for tree in found.trees for node in np.flatnonzero(tree.feature != LEAF)]
    asked = rows[np.random.default_rng(5).integers(0, len(rows), 3 * len(places))]
    for line, (column, threshold) in enumerate(places):
        asked[3 * line : 3 * line + 3, column] = threshold, np.nextafter(threshold, np.float32(9)), np.nextafter(threshold, np.float32(-9))
    asked = np.vstack([asked, np.full((1, WIDTH), np.nan, np.float32), np.full((1, WIDTH), np.inf, np.float32)])
    if name in {"random_forest", "xgboost", "gradient_boosting"}:
        asked = asked[:-1]
    loaded = predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))
    np.testing.assert_allclose(loaded.predict(asked), fitted.native(asked), atol=1e-6)


def test_a_split_that_cannot_be_served_is_refused() -> None:
    leaf = {"leaf_value": 0.1, "leaf_count": 3}
    split = {"split_feature": 0, "threshold": 1.0, "decision_type": "==", "missing_type": "None", "default_left": True, "internal_count": 6}
    with pytest.raises(ValueError, match="cannot be served"):
        of_lightgbm({"tree_info": [{"tree_structure": {**split, "left_child": leaf, "right_child": leaf}}]}, np.arange(WIDTH))
    with pytest.raises(ValueError, match="holds no trees"):
        ensemble.read(_no_trees())


def _no_trees() -> bytes:
    rows, labels = log_of(300)
    fitted = estimators.fit("mlp", CLASSIFICATION, rows, labels, SCHEMA, {"fallback_rounds": 1, "hidden": [2]})
    return inside(fitted)
