"""What each column added to a prediction: the Shapley values of the game that the trees play, as the libraries themselves say."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from adplatform.learning import ensemble, estimators, predictor
from adplatform.learning.attribution import Paths
from adplatform.learning.calibration import Calibration, Offsets
from adplatform.learning.ensemble import LEAF, Ensemble, Tree
from adplatform.learning.estimators import CLASSIFICATION, REGRESSION, trees
from adplatform.learning.predictor import CalibratedPredictor, contributions_of

from .test_trees import SCHEMA, WIDTH, ensembles, log_of, matrices


def expected(tree: Tree, row: np.ndarray, known: set[int], node: int = 0) -> float:
    """The answer when only ``known`` columns of the row are, both ways taken elsewhere in proportion to the training rows."""
    column = int(tree.feature[node])
    if column == LEAF:
        return float(tree.value[node])
    left, right = int(tree.left[node]), int(tree.right[node])
    if column in known:
        goes_left = tree.missing_left[node] if np.isnan(row[column]) else row[column] <= tree.threshold[node]
        return expected(tree, row, known, left if goes_left else right)
    share = tree.cover[left] / (tree.cover[left] + tree.cover[right])
    return float(share * expected(tree, row, known, left) + (1 - share) * expected(tree, row, known, right))


def shapley(made: Ensemble, row: np.ndarray) -> list[float]:
    """By the definition, over all coalitions."""
    found = []
    for column in range(WIDTH):
        rest = [other for other in range(WIDTH) if other != column]
        total = 0.0
        for size in range(WIDTH):
            weight = factorial(size) * factorial(WIDTH - size - 1) / factorial(WIDTH)
            for coalition in combinations(rest, size):
                total += weight * sum(expected(t, row, {*coalition, column}) - expected(t, row, set(coalition)) for t in made.trees)
        found.append(total)
    return found


@settings(deadline=None, max_examples=60)
@given(ensembles, matrices(4))
def test_contributions_are_the_shapley_values(made: Ensemble, rows: np.ndarray) -> None:
    parts, base = Paths.of(made, WIDTH).contributions(rows)
    np.testing.assert_allclose(parts, [shapley(made, row) for row in rows], atol=1e-9)
    np.testing.assert_allclose(parts.sum(axis=1) + base, ensemble.answer(made, rows), atol=1e-9)


def fitted(name: str, task: str) -> tuple[predictor.Predictor, np.ndarray]:
    rows, labels = log_of()
    small = {"n_estimators": 12} if name == "random_forest" else {"fallback_rounds": 20}
    made = estimators.fit(name, task, rows, labels, SCHEMA, small)
    return predictor.load(made.artifact, made.suffix, expected_sha256=predictor.sha256(made.artifact)), rows[:50]


@pytest.mark.parametrize("name", ["random_forest", "hist_gradient_boosting", "lightgbm", "xgboost"])
@pytest.mark.parametrize("task", [CLASSIFICATION, REGRESSION])
def test_they_add_up_to_the_prediction(name: str, task: str) -> None:
    model, rows = fitted(name, task)
    answers = model.predict(rows)
    found = contributions_of(model, rows)
    assert found is not None
    wanted = np.log(answers / (1 - answers)) if task == CLASSIFICATION else answers
    np.testing.assert_allclose(found[0].sum(axis=1) + found[1], wanted, atol=1e-4)
    assert np.abs(found[0][:, 0]).mean() > np.abs(found[0][:, 2]).mean()


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_they_are_what_the_library_says(library: str) -> None:
    rows, labels = log_of()
    columns = np.arange(WIDTH)
    if library == "lightgbm":
        import lightgbm

        booster: Any = lightgbm.train({"verbosity": -1, "num_threads": 1, "num_leaves": 8}, lightgbm.Dataset(rows, labels), 15)
        grown, base = trees.of_lightgbm(booster.dump_model(), columns), 0.0
        said = booster.predict(rows[:40], pred_contrib=True)
    else:
        import xgboost

        table = xgboost.DMatrix(rows, labels, nthread=1)
        booster = xgboost.train({"nthread": 1, "max_depth": 4, "objective": "binary:logistic", "base_score": 0.3}, table, 15)
        grown, base = trees.of_xgboost(bytes(booster.save_raw("json")), columns)
        said = booster.predict(xgboost.DMatrix(rows[:40], nthread=1), pred_contribs=True)
    parts, start = Paths.of(Ensemble(grown, base, ensemble.LOG_ODDS), WIDTH).contributions(rows[:40])
    np.testing.assert_allclose(np.column_stack([parts, np.full(40, start)]), said, atol=2e-5)


def test_a_corrected_model_tells_what_the_place_added() -> None:
    model, rows = fitted("lightgbm", CLASSIFICATION)
    wrapped = CalibratedPredictor(model, Calibration(1.5, -0.2, (Offsets(2, -1.0, (0.0, -0.5)),)))
    found = wrapped.contributions(rows)
    answers = wrapped.predict(rows)
    assert found is not None
    np.testing.assert_allclose(found[0].sum(axis=1) + found[1], np.log(answers / (1 - answers)), atol=1e-4)


def test_a_model_that_cannot_tell_says_nothing() -> None:
    assert contributions_of(predictor.ColumnPredictor(None, 0.1), np.zeros((1, WIDTH), np.float32)) is None
