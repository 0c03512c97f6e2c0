"""A bag of boosted models: one graph, a column for each member, apart where little is known and near where much is."""

from __future__ import annotations

import numpy as np
import pytest

from adplatform.learning import ensemble, estimators, predictor
from adplatform.learning.ensemble import VALUE, Ensemble
from adplatform.learning.estimators import REGRESSION, Sample
from adplatform.learning.predictor import contributions_of, spread_of
from adplatform.learning.schema import Feature, FeatureSchema

SCHEMA = FeatureSchema("bags", 1, tuple(Feature(name, "t", low=-10, high=10) for name in ("treated", "mood", "noise")))
SMALL = {"bags": 4, "rounds": 25, "fallback_rounds": 25, "depth": 3}


def sessions(n: int, *, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(features, labels, session): four rows a session, which share a mood that no column shows; a twentieth of them treated, which
    adds a fifth."""
    rng = np.random.default_rng(seed)
    session = np.arange(n) // 4
    features = rng.normal(size=(n, 3)).astype(np.float32)
    features[:, 0] = rng.random(n) < 0.05
    features[rng.random(n) < 0.1, 2] = np.nan
    mood = rng.normal(0, 0.2, n)[session]
    return features, 0.5 + 0.2 * features[:, 0] + 0.1 * (features[:, 1] > 0) + mood + rng.normal(0, 0.05, n), session


def fit(n: int, *, alone: bool = False, **parameters: int) -> tuple[estimators.Fitted, predictor.Predictor]:
    features, labels, session = sessions(n)
    sample = Sample() if alone else Sample(session)
    fitted = estimators.fit("gradient_boosting", REGRESSION, features, labels, SCHEMA, {**SMALL, **parameters}, sample)
    return fitted, predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))


def test_one_call_gives_every_member_and_their_mean_is_the_prediction() -> None:
    fitted, served = fit(1200)
    features, _, _ = sessions(300, seed=3)
    bags = spread_of(served, features)
    assert bags.shape == (300, 4)
    assert len(np.unique(bags[0])) == 4
    np.testing.assert_allclose(served.predict(features), bags.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(served.predict(features), fitted.native(features), atol=1e-6)


def test_the_same_rows_and_sessions_give_the_same_bytes() -> None:
    assert fit(800)[0].artifact == fit(800)[0].artifact != fit(800, alone=True)[0].artifact


def test_members_agree_more_where_more_sessions_tell() -> None:
    treated = np.array([[1, 0, 0], [0, 0, 0]], dtype=np.float32)
    few, many = (np.subtract(*spread_of(fit(n, leaf_rows=5)[1], treated)) for n in (800, 8000))
    assert many.std() < few.std()
    assert abs(many.mean() - 0.2) < 0.05


def test_rows_of_no_weight_are_not_learned() -> None:
    features, labels, _ = sessions(1200)
    poisoned = np.where(features[:, 0] == 1, 9.0, labels)
    weight = np.where(features[:, 0] == 1, 0.0, 1.0)
    fitted = estimators.fit("gradient_boosting", REGRESSION, features, poisoned, SCHEMA, SMALL, Sample(weight=weight))
    assert fitted.native(features).max() < 2


def test_what_the_columns_added_is_the_prediction() -> None:
    _, served = fit(800)
    features, _, _ = sessions(50, seed=4)
    told = contributions_of(served, features)
    assert told is not None
    np.testing.assert_allclose(told[0].sum(axis=1) + told[1], served.predict(features), atol=1e-6)


def test_any_other_model_is_a_bag_of_one() -> None:
    tree = ensemble.place_tree(0, 0.0, (0.1, 0.3))
    single = predictor.OnnxPredictor(ensemble.graph(Ensemble((tree,), 0.5, VALUE), SCHEMA))
    constant = predictor.ColumnPredictor(None, 0.7)
    rows = np.zeros((2, 3), dtype=np.float32)
    assert spread_of(single, rows) == pytest.approx(np.full((2, 1), 0.6))
    assert spread_of(constant, rows).tolist() == [[0.7], [0.7]]


def test_trees_read_from_a_bag_are_those_of_its_mean() -> None:
    bags = [Ensemble((ensemble.place_tree(0, 0.0, (0.0, value)),), value, VALUE) for value in (1.0, 2.0)]
    mean = ensemble.read(ensemble.bagged(bags, SCHEMA))
    rows = np.array([[0, 0, 0], [1, 0, 0]], dtype=np.float32)
    np.testing.assert_allclose(ensemble.answer(mean, rows), [1.5, 3.0])
