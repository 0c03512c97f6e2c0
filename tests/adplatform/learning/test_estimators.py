"""What is fitted is what is served: same answers, same bytes each time, missing values filled alike, nothing unpickled."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest

from adplatform.learning import estimators, predictor
from adplatform.learning.estimators import CLASSIFICATION, REGRESSION, base, boosted
from adplatform.learning.predictor import ArtifactRefused
from adplatform.learning.schema import Feature, FeatureSchema

SCHEMA = FeatureSchema(
    "t",
    1,
    (Feature("a", "t", bands=(0.25, 0.5, 0.75)), Feature("b", "t", linear="logit"), Feature("c", "t", bands=(0.5,)), Feature("d", "t")),
    prior="b",
    terms=(("a",), ("c",), ("a", "c")),
)
FOREST = {"n_estimators": 10, "max_depth": 5, "min_samples_leaf": 5}
BOOSTED = {"rounds": 20, "fallback_rounds": 12, "leaves": 6}
PARAMETERS: dict[str, dict[str, Any]] = {
    "random_forest": FOREST, "two_stage": FOREST, "hist_gradient_boosting": BOOSTED, "lightgbm": BOOSTED, "xgboost": BOOSTED, "gradient_boosting": {**BOOSTED, "bags": 3, "depth": 3}, "mlp": {"rounds": 3, "fallback_rounds": 2},
}  # fmt: skip


def rows(n: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    features = rng.random((n, 4)).astype(np.float32)
    features[rng.random((n, 4)) < 0.2] = np.nan
    chance = np.where(np.isnan(features[:, 0]), 0.5, 0.1 * np.nan_to_num(features[:, 0]))
    return features, (rng.random(n) < chance).astype(float)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("random_forest", CLASSIFICATION),
        ("random_forest", REGRESSION),
        ("hist_gradient_boosting", CLASSIFICATION),
        ("hist_gradient_boosting", REGRESSION),
        ("lightgbm", CLASSIFICATION),
        ("lightgbm", REGRESSION),
        ("xgboost", CLASSIFICATION),
        ("xgboost", REGRESSION),
        ("gradient_boosting", CLASSIFICATION),
        ("gradient_boosting", REGRESSION),
        ("mlp", CLASSIFICATION),
        ("mlp", REGRESSION),
        ("prior", CLASSIFICATION),
        ("hashed_logistic", CLASSIFICATION),
        ("two_stage", CLASSIFICATION),
    ],
)
def test_the_served_model_answers_as_the_fitted_one(name: str, task: str) -> None:
    features, labels = rows()
    fitted = estimators.fit(name, task, features, labels, SCHEMA, PARAMETERS.get(name, {}))
    served = predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))
    answers = served.predict(features)
    assert answers.dtype == np.float64
    np.testing.assert_allclose(answers, fitted.native(features), atol=1e-6)
    np.testing.assert_array_equal(answers, np.concatenate([served.predict(features[place : place + 1]) for place in range(len(features))]))
    assert served.predict(features[:0]).shape == (0,)


def test_a_missing_value_is_a_case_of_its_own() -> None:
    features, labels = rows()
    fitted = estimators.fit("random_forest", CLASSIFICATION, features, labels, SCHEMA, FOREST)
    served = predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))
    missing, zero = np.full((1, 4), 0.5, dtype=np.float32), np.full((1, 4), 0.5, dtype=np.float32)
    missing[0, 0], zero[0, 0] = np.nan, 0.0
    assert served.predict(missing)[0] > 0.35 > 0.15 > served.predict(zero)[0]


def test_a_column_that_nothing_is_known_of_yet_is_a_constant_for_a_library_that_finds_no_bins_for_it() -> None:
    features = np.array([[np.nan, np.nan, 1.0], [np.nan, 0.5, 2.0]], dtype=np.float32)
    np.testing.assert_array_equal(boosted._without_empty(features), np.array([[0, np.nan, 1], [0, 0.5, 2]], dtype=np.float32))


@pytest.mark.parametrize(
    "name", ["random_forest", "hist_gradient_boosting", "lightgbm", "xgboost", "gradient_boosting", "mlp", "hashed_logistic", "two_stage"]
)
def test_the_same_rows_give_the_same_bytes(name: str) -> None:
    features, labels = rows()
    first, second = (estimators.fit(name, CLASSIFICATION, features, labels, SCHEMA, PARAMETERS.get(name, {})).artifact for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("rows", "rate", "leaf"), [(10_000, 0.02, 200), (10_000, 0.5, 25), (1_000, 0.01, 100), (50, 0.1, 25)])
def test_leaves_are_wide_enough_to_hold_clicks(rows: int, rate: float, leaf: int) -> None:
    assert base.leaf_for(rows, rate, positives=4) == leaf


def test_the_prior_is_its_column_and_the_mean_where_that_is_missing() -> None:
    features, labels = rows()
    answers = estimators.fit("prior", CLASSIFICATION, features, labels, SCHEMA, {}).native(features)
    known = ~np.isnan(features[:, 1])
    np.testing.assert_allclose(answers[known], features[known, 1])
    np.testing.assert_allclose(answers[~known], labels.mean())


def test_an_unknown_estimator_is_answered_with_those_there_are() -> None:
    with pytest.raises(estimators.UnknownEstimator, match=r"choose one of: .*lightgbm, .*prior, random_forest, xgboost$"):
        estimators.find("hashed_logistic", REGRESSION)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('it ran')",))


@pytest.mark.parametrize("suffix", [".pkl", ".joblib"])
def test_a_pickle_is_never_opened(suffix: str) -> None:
    payload = pickle.dumps(Bomb())
    with pytest.raises(ArtifactRefused, match="no model is kept as"):
        predictor.load(payload, suffix, expected_sha256=predictor.sha256(payload))


def test_bytes_that_are_no_model_are_refused() -> None:
    for artifact, suffix in (
        (b"not an onnx graph", ".onnx"),
        (b"not json", ".json"),
        (json.dumps({"format": "tree"}).encode(), ".json"),
        (b"[1]", ".json"),
    ):
        with pytest.raises(ArtifactRefused):
            predictor.load(artifact, suffix, expected_sha256=predictor.sha256(artifact))
